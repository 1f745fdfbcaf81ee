//! Reads the records that nearly all deletes have, without building anything of what it passes
//! over. It judges nothing: a record that is refused, or that has anything uncommon in a place that
//! matters, is left to the reader of all records. What it gives is what that one would give, but
//! for a record that is no JSON in a member that nobody reads: there it does not look.

mod layouts;
mod members;

use std::cell::Cell;
use std::sync::Arc;

use self::layouts::Layouts;
use self::members::{Field, Members};
use super::callers::{Callers, Said};
use super::circumstances::{Circumstances, believed, identity_of, is_known_version, is_of_path};
use super::creation::made;
use super::place::stands_for_another;
use super::removed::Removed;
use super::touch::{READS, moment};
use super::{Told, Wanted, delete_api, is_s3, service_of, write_name};
use crate::decode::lenient::{beginning, capped, without_brackets};
use crate::decode::lent::{Lend, Lent};
use crate::decode::log_key::LogPath;
use crate::decode::structure::Marked;
use crate::decode::touch::Touch;
use crate::decode::walker::Walker;
use crate::domain::{Actor, Api, Deed, Fact, Outcome, Timestamp};

/// Digits of a number that fits into 64 bits whatever they are.
const DIGITS_MAX: usize = 18;

thread_local! {
    static MEMORY: Cell<Option<Memory>> = const { Cell::new(None) };
}

/// What was learnt of the records so far. It saves work, and changes nothing that is read. Most
/// files of a trail are too small to learn anything from, and are written alike.
#[derive(Default)]
struct Memory {
    layouts: Layouts,
    callers: Callers,
    /// The time that was read last, which many records share.
    time: Option<(Box<str>, Timestamp)>,
}

impl Lend for Memory {
    fn with_kept<R>(see: impl FnOnce(&Cell<Option<Self>>) -> R) -> R {
        MEMORY.with(see)
    }
}

impl Memory {
    fn time(&mut self, written: &str) -> Option<Timestamp> {
        match &self.time {
            Some((known, time)) if **known == *written => Some(*time),
            _ => {
                let time = Timestamp::parse(written).ok()?;
                self.time = Some((written.into(), time));
                Some(time)
            }
        }
    }
}

/// The reader of plain records.
pub(super) struct Plain {
    memory: Lent<Memory>,
}

impl Plain {
    /// A reader that begins with what the one before it learnt in this thread.
    pub(super) const fn new() -> Self {
        Self { memory: Lent::none() }
    }

    /// The delete, or the write if that is wanted, that this record of the file at `path` tells of;
    /// `None` when it tells of none, or has to be read in another way.
    pub(super) fn read(
        &mut self,
        record: Marked<'_>,
        path: &LogPath,
        wanted: Wanted,
    ) -> Option<Fact> {
        self.memory.get().read(record, path, wanted)
    }

    /// The read of a key that this record of the file at `path` tells of, and how it ended; `None`
    /// when the record is about something else, or has to be read in another way.
    pub(super) fn touch(&mut self, record: Marked<'_>, path: &LogPath) -> Option<(Outcome, Touch)> {
        self.memory.get().touch(record, path)
    }

    /// Leaves what was learnt to the next reader of this thread.
    pub(super) fn leave_memory(&mut self) {
        self.memory.leave();
    }
}

impl Memory {
    fn read(&mut self, record: Marked<'_>, path: &LogPath, wanted: Wanted) -> Option<Fact> {
        let walker = Walker::of(record)?;
        let members = self.members_of(walker)?;
        let name = members.get(Field::EventName)?;
        service_of(members.get(Field::EventSource)?).filter(|service| is_s3(service))?;
        let bucket = members.filled(Field::BucketName).filter(|name| !stands_for_another(name))?;
        let Some(api) = delete_api(name) else {
            write_name(name, wanted)?;
            // Where else a key may be, the other reader knows.
            let key = unescaped(members.filled(Field::Key)?, walker.has_backslash())?;
            let version = members.filled(Field::MadeVersion).map(capped);
            let circumstances = self.circumstances_of(&members, path)?;
            return made(circumstances, bucket.to_owned(), key, version).map(Fact::Creation);
        };
        let told = Told {
            api,
            is_child: members.get(Field::EventType) == Some("AwsServiceEvent"),
            bucket: bucket.into(),
            circumstances: self.circumstances_of(&members, path)?,
        };
        if api == Api::DeleteObjects {
            return Some(Fact::Deletion(told.evidence(|_| Removed::unknown())));
        }
        let key = unescaped(members.filled(Field::Key)?, walker.has_backslash())?;
        let version = members.filled(Field::VersionId).map(capped);
        let marker_version_id = members.filled(Field::MadeVersion).map(capped);
        let is_marker = members.get(Field::Marker).is_some_and(is_true);
        Some(Fact::Deletion(told.evidence(|role| {
            Removed::of(role, Some(key), version.as_deref(), is_marker, marker_version_id)
        })))
    }

    fn members_of<'a>(&mut self, walker: Walker<'a>) -> Option<Members<'a>> {
        self.layouts.recall(walker).or_else(|| {
            let members = Members::read(walker)?;
            self.layouts.learn(walker, &members);
            Some(members)
        })
    }

    fn touch(&mut self, record: Marked<'_>, path: &LogPath) -> Option<(Outcome, Touch)> {
        let walker = Walker::of(record)?;
        let members = self.members_of(walker)?;
        members.get(Field::EventName).filter(|name| READS.contains(name))?;
        service_of(members.get(Field::EventSource)?).filter(|service| is_s3(service))?;
        let bucket = members.filled(Field::BucketName).filter(|name| !stands_for_another(name))?;
        let key = unescaped(members.filled(Field::Key)?, walker.has_backslash())?;
        let circumstances = self.circumstances_of(&members, path)?;
        let error_code = circumstances.error_code.as_deref();
        let outcome = Outcome::from_error(error_code, circumstances.http_status);
        let touch = Touch {
            bucket: bucket.into(),
            key,
            deed: Deed::Read,
            is_of_itself: false,
            at: moment(circumstances.at, circumstances.ended_at),
            actor: circumstances.actor,
        };
        Some((outcome, touch))
    }

    fn circumstances_of(&mut self, members: &Members<'_>, path: &LogPath) -> Option<Circumstances> {
        if let Some(version) = members.get(Field::EventVersion) {
            is_known_version(version).then_some(())?;
        }
        let account = members.filled(Field::Account).unwrap_or_default();
        let region = beginning(members.filled(Field::Region).unwrap_or_default());
        is_of_path(path, account, region).then_some(())?;
        let event_id = capped(members.filled(Field::EventId)?);
        let http_status = whole(members.get(Field::HttpStatus)).ok()?;
        Some(Circumstances {
            id: identity_of(account, &event_id),
            event_id: Some(event_id),
            shared_event_id: members.filled(Field::SharedEventId).map(capped),
            request_id: members.filled(Field::RequestId).map(beginning).map(Into::into),
            account: account.into(),
            region: region.into(),
            at: self.time(members.get(Field::EventTime)?)?,
            started_at: whole(members.get(Field::StartedAt)).ok()?.and_then(believed),
            ended_at: whole(members.get(Field::EndedAt)).ok()?.and_then(believed),
            http_status: http_status.and_then(|status| u16::try_from(status).ok()),
            error_code: members.filled(Field::ErrorCode).map(capped),
            actor: self.caller_of(members)?,
            addendum: None,
        })
    }

    fn caller_of(&mut self, members: &Members<'_>) -> Option<Arc<Actor>> {
        let said = Said {
            identity: members.get(Field::Identity)?,
            source_ip: members.get(Field::SourceIp).unwrap_or_default(),
            user_agent: members.get(Field::UserAgent).unwrap_or_default(),
            is_console: members.get(Field::Console).is_some_and(is_true),
        };
        self.callers.caller(&said, || {
            Some(Actor {
                source_ip: members.filled(Field::SourceIp).map(capped),
                user_agent: members
                    .filled(Field::UserAgent)
                    .map(|agent| capped(without_brackets(agent))),
                console: said.is_console,
                ..members.caller()?
            })
        })
    }
}

/// The time of this record, when it is written plainly.
pub(super) fn plain_time(record: Marked<'_>) -> Option<Timestamp> {
    let mut walker = Walker::of(record)?;
    let mut time = None;
    walker.object(|walker, name| match name {
        "eventTime" => time.replace(walker.escaped_text()?).is_none().then_some(()),
        _ => walker.skip(),
    })?;
    Timestamp::parse(&time?).ok().filter(|_| walker.is_at_end())
}

/// What is between the quotation marks of a text, which may hold escapes.
fn unescaped(raw: &str, has_backslash: bool) -> Option<String> {
    if has_backslash && raw.contains('\\') {
        return serde_json::from_str(&format!("\"{raw}\"")).ok();
    }
    Some(raw.to_owned())
}

/// A number that is uncommon.
struct Uncommon;

/// A number of few digits, if it is there.
fn whole(digits: Option<&str>) -> Result<Option<u64>, Uncommon> {
    let Some(digits) = digits else { return Ok(None) };
    // A sign is all that is taken for a number beside digits.
    let is_whole = digits.len() <= DIGITS_MAX && digits.starts_with(|c: char| c.is_ascii_digit());
    let number = is_whole.then(|| digits.parse().ok()).flatten();
    number.map(Some).ok_or(Uncommon)
}

fn is_true(flag: &str) -> bool {
    flag.eq_ignore_ascii_case("true")
}
