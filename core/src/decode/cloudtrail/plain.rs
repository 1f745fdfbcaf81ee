//! Reads the records that nearly all deletes have, without building anything of what it passes
//! over. It judges nothing: a record that is refused, or that has anything uncommon in a place that
//! matters, is left to the reader of all records, and what it gives is what that one would give.

mod members;

use std::sync::Arc;

use self::members::{Members, Parameters};
use super::callers::{Callers, Said};
use super::circumstances::{Circumstances, believed, identity_of, is_known_version, is_of_path};
use super::place::stands_for_another;
use super::removed::Removed;
use super::{Told, delete_api, is_s3, service_of};
use crate::decode::lenient::{capped, without_brackets};
use crate::decode::log_key::LogPath;
use crate::decode::structure::Marked;
use crate::decode::walker::Walker;
use crate::domain::{Actor, Api, Evidence, Timestamp};

/// The delete that this record of the file at `path` tells of; `None` when it tells of none, or
/// has to be read in another way.
pub(super) fn read_plain(
    record: Marked<'_>,
    path: &LogPath,
    callers: &mut Callers,
) -> Option<Evidence> {
    let members = Members::read(Walker::of(record)?)?;
    let api = delete_api(members.event_name?)?;
    service_of(members.event_source?).filter(|service| is_s3(service))?;
    let circumstances = circumstances_of(&members, path, callers)?;
    let Parameters { bucket_name, key, version_id } = members.parameters;
    let bucket = filled(bucket_name).filter(|name| !stands_for_another(name))?;
    let told = Told {
        api,
        is_child: members.event_type == Some("AwsServiceEvent"),
        bucket: bucket.to_owned(),
        circumstances,
    };
    if api == Api::DeleteObjects {
        return Some(told.evidence(|_| Removed::unknown()));
    }
    // Where else a key may be, the other reader knows.
    let key = key.filter(|key| !key.is_empty())?.into_owned();
    let version = filled(version_id).map(capped);
    let marker_version_id = filled(members.answer.version_id).map(capped);
    let is_marker = members.answer.is_marker;
    Some(told.evidence(|role| {
        Removed::of(role, Some(key), version.as_deref(), is_marker, marker_version_id)
    }))
}

/// The time of this record, when it is written plainly.
pub(super) fn plain_time(record: Marked<'_>) -> Option<Timestamp> {
    let mut walker = Walker::of(record)?;
    let mut time = None;
    walker.object(|walker, name| match name {
        "eventTime" => time.replace(walker.escaped_text()?).is_none().then_some(()),
        _ => walker.skip().map(drop),
    })?;
    Timestamp::parse(&time?).ok().filter(|_| walker.is_at_end())
}

fn filled(told: Option<&str>) -> Option<&str> {
    told.filter(|text| !text.is_empty())
}

fn circumstances_of(
    members: &Members<'_>,
    path: &LogPath,
    callers: &mut Callers,
) -> Option<Circumstances> {
    if let Some(version) = members.event_version {
        is_known_version(version).then_some(())?;
    }
    let account = filled(members.account).unwrap_or_default().to_owned();
    let region = capped(filled(members.region).unwrap_or_default());
    is_of_path(path, &account, &region).then_some(())?;
    let event_id = capped(filled(members.event_id)?);
    let additional = &members.additional;
    Some(Circumstances {
        id: identity_of(&account, &event_id),
        event_id: Some(event_id),
        shared_event_id: filled(members.shared_event_id).map(capped),
        request_id: filled(members.request_id).map(capped),
        account,
        region,
        at: Timestamp::parse(filled(members.event_time)?).ok()?,
        started_at: additional.started_at.and_then(believed),
        ended_at: additional.ended_at.and_then(believed),
        http_status: additional.http_status.and_then(|status| u16::try_from(status).ok()),
        error_code: filled(members.error_code).map(capped),
        actor: caller_of(members, callers)?,
        addendum: None,
    })
}

fn caller_of(members: &Members<'_>, callers: &mut Callers) -> Option<Arc<Actor>> {
    let (identity, walker) = members.identity?;
    let said = Said {
        identity,
        source_ip: filled(members.source_ip).unwrap_or_default(),
        user_agent: filled(members.user_agent).unwrap_or_default(),
        is_console: members.is_console,
    };
    callers.caller(&said, || {
        let told = |text: &str| (!text.is_empty()).then(|| capped(text));
        Some(Actor {
            source_ip: told(said.source_ip),
            user_agent: (!said.user_agent.is_empty())
                .then(|| capped(without_brackets(said.user_agent))),
            console: said.is_console,
            ..members::identity(walker)?
        })
    })
}
