//! What every CloudTrail record says of its call, whatever was called: whose record it is, when it
//! was, how it ended, who asked. It does not know what the call was for.

use std::sync::Arc;

use compact_str::CompactString;
use serde_json::Value;

use super::Refusal;
use super::caller::{caller_of, capped, shown};
use super::outline::{Field, Outline};
use crate::decode::fingerprint::fingerprint;
use crate::decode::lenient::{filled_text, identifier, text, whole_number};
use crate::decode::log_key::LogPath;
use crate::decode::reject::RejectReason;
use crate::domain::{Actor, Timestamp};

/// The largest time that is believed: the end of the year 9999, in milliseconds.
const MILLIS_MAX: u64 = 253_402_300_799_999;

/// What the record says besides what was asked for.
pub(super) struct Circumstances {
    /// Identity in the set of evidence.
    pub(super) id: String,
    pub(super) event_id: Option<String>,
    pub(super) shared_event_id: Option<String>,
    pub(super) request_id: Option<CompactString>,
    pub(super) account: CompactString,
    pub(super) region: CompactString,
    pub(super) at: Timestamp,
    pub(super) started_at: Option<Timestamp>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) http_status: Option<u16>,
    pub(super) error_code: Option<String>,
    pub(super) actor: Arc<Actor>,
    /// Set when the record updates an earlier one.
    pub(super) addendum: Option<Addendum>,
}

impl Circumstances {
    /// Reads them out of a record of the file at `path`; `record` is all of its bytes.
    ///
    /// # Errors
    /// When the record is of an unknown version, of somebody else than its path, without a time,
    /// or cannot be held.
    pub(super) fn of(
        outline: &Outline<'_>,
        record: &[u8],
        path: &LogPath,
    ) -> Result<Self, Refusal> {
        check_version(&outline.value(Field::EventVersion)?)?;
        let additional = outline.readable(Field::AdditionalEventData);
        let account = account_of(&outline.value(Field::RecipientAccountId)?).unwrap_or_default();
        let region = shown(&outline.readable(Field::AwsRegion)).unwrap_or_default();
        check_owner(path, &account, &region)?;
        let ended_at = time_in_millis(&additional["endTime"]);
        let http_status = whole_number(&additional["httpStatusCode"]);
        let event_id = shown(&outline.value(Field::EventId)?);
        let addendum = Addendum::of(&outline.value(Field::Addendum)?);
        Ok(Self {
            id: identity(&account, event_id.as_deref(), addendum.is_some(), record),
            event_id,
            shared_event_id: shown(&outline.value(Field::SharedEventId)?),
            request_id: shown(&outline.value(Field::RequestId)?).map(Into::into),
            account: account.into(),
            region: region.into(),
            at: event_time(&outline.value(Field::EventTime)?, ended_at)?,
            started_at: time_in_millis(&additional["startTime"]),
            ended_at,
            http_status: http_status.and_then(|status| u16::try_from(status).ok()),
            error_code: error_code_of(&outline.value(Field::ErrorCode)?),
            actor: caller_of(outline).into(),
            addendum,
        })
    }
}

/// The account that the record was written for. One written as a number has lost its zeros.
fn account_of(value: &Value) -> Option<String> {
    match value {
        Value::Number(_) => whole_number(value).map(|account| format!("{account:012}")),
        _ => filled_text(value).map(str::to_owned),
    }
}

/// A code that is there says that the call failed, even one that is no text.
fn error_code_of(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        // A number can only be the status.
        Value::Number(_) if whole_number(value) == Some(403) => Some("AccessDenied".to_owned()),
        other if text(other).is_none() => Some(capped(&other.to_string())),
        other => shown(other),
    }
}

/// What an `UPDATED_DATA` record updates. Other addenda (a late delivery, an outage) tell nothing
/// about the event itself.
#[derive(Debug, Clone)]
pub(super) struct Addendum {
    pub(super) event_id: Option<String>,
    pub(super) request_id: Option<String>,
}

impl Addendum {
    fn of(addendum: &Value) -> Option<Self> {
        (text(&addendum["reason"]) == Some("UPDATED_DATA")).then(|| Self {
            event_id: shown(&addendum["originalEventID"]),
            request_id: shown(&addendum["originalRequestID"]),
        })
    }
}

/// An update keeps an identity apart from the record that it updates, even if it repeats its id.
fn identity(account: &str, event_id: Option<&str>, is_update: bool, record: &[u8]) -> String {
    match event_id {
        Some(event_id) if is_update => {
            format!("ct:{account}:{event_id}:updated:{}", fingerprint(record))
        }
        Some(event_id) => identity_of(account, event_id),
        None => format!("ct:{account}:#{}", fingerprint(record)),
    }
}

/// The identity of a record in the set of evidence, by its owner and its `eventID`.
pub(super) fn identity_of(account: &str, event_id: &str) -> String {
    ["ct:", account, ":", event_id].concat()
}

/// Whether `eventVersion` is one of those whose members are known.
pub(super) fn is_known_version(version: &str) -> bool {
    version.starts_with("1.") || version.split('.').next().map(str::trim) == Some("1")
}

fn check_version(version: &Value) -> Result<(), Refusal> {
    let written = identifier(version);
    let is_known = match written.as_deref() {
        Some(version) => is_known_version(version),
        None => version.is_null(),
    };
    if is_known {
        return Ok(());
    }
    let detail = format!("eventVersion {version} is none of 1.x");
    Err(Refusal::new(RejectReason::UnknownVersion, detail))
}

/// Whoever may write to one account's folder must not speak for another account.
fn check_owner(path: &LogPath, account: &str, region: &str) -> Result<(), Refusal> {
    let said = [("account", &path.account, account), ("region", &path.region, region)];
    for (what, told, said) in said {
        if let Some(told) = told.as_deref().filter(|told| contradicts(told, said)) {
            let detail = format!("the record names {what} {said}, the path of its file {told}");
            return Err(Refusal::new(RejectReason::AccountMismatch, detail));
        }
    }
    Ok(())
}

/// Whether the path of the file says what the record says, as far as they say anything.
pub(super) fn is_of_path(path: &LogPath, account: &str, region: &str) -> bool {
    check_owner(path, account, region).is_ok()
}

fn contradicts(told: &str, said: &str) -> bool {
    !said.is_empty() && told != said
}

fn event_time(written: &Value, ended_at: Option<Timestamp>) -> Result<Timestamp, Refusal> {
    text(written).and_then(|text| Timestamp::parse(text).ok()).or(ended_at).ok_or_else(|| {
        let detail = format!("eventTime {written} is no time, and there is no endTime");
        Refusal::new(RejectReason::MissingTime, detail)
    })
}

/// Milliseconds since the epoch, as `startTime` and `endTime` have them.
fn time_in_millis(value: &Value) -> Option<Timestamp> {
    whole_number(value).and_then(believed)
}

/// The time that is so many milliseconds after the epoch, unless it is out of all reason.
pub(super) fn believed(millis: u64) -> Option<Timestamp> {
    let millis = Some(millis).filter(|millis| (1..=MILLIS_MAX).contains(millis))?;
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}
