//! One CloudTrail record: S3 deletion evidence, or nothing to us, or refused with a reason. It sees
//! one record at a time and knows neither files nor what other records say.
//!
//! A bulk call is logged as one `DeleteObjects` record without keys and, since June 2025, one
//! `DeleteObject` record of `eventType` `AwsServiceEvent` for each key: a *child*.

mod caller;
mod outline;
mod place;
mod removed;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::caller::{caller_of, capped, shown};
use self::outline::{Field, Outline};
use self::place::bucket_of;
use self::removed::Removed;
use super::lenient::{filled_text, identifier, text, whole_number};
use super::log_key::LogPath;
use super::reject::RejectReason;
use crate::domain::{
    ActorKind, Api, Call, Cause, Evidence, Outcome, RemovalRole, Source, Timestamp,
};

/// The largest time that is believed: the end of the year 9999, in milliseconds.
const MILLIS_MAX: u64 = 253_402_300_799_999;

/// The end of the text is left open: it begins `DeleteObject` as well as `DeleteObjects`.
static DELETE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"DeleteObject"));
static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br"\u"));

/// Why a record was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: RejectReason,
    pub(super) detail: String,
}

impl Refusal {
    fn new(reason: RejectReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::new(RejectReason::InvalidJson, error.to_string())
    }
}

/// Reads one element of the list of records. `None` is a record that is no S3 delete.
///
/// # Errors
/// When it may be an S3 delete, but cannot be counted as one.
pub(super) fn read_record(record: &[u8], path: &LogPath) -> Result<Option<Evidence>, Refusal> {
    if record.first() != Some(&b'{') {
        let detail = "an element of the list of records is no JSON object";
        return Err(Refusal::new(RejectReason::NotAnObject, detail));
    }
    if !may_be_delete(record) {
        return Ok(None);
    }
    let Ok(text) = std::str::from_utf8(record) else {
        return refuse_text(record);
    };
    let outline = Outline::read(text)?;
    let Some(api) = api_of(&outline, record)? else {
        return Ok(None);
    };
    evidence_of(&outline, api, record, path).map(Some)
}

/// The `eventTime` of a record of any kind, when it is readable.
pub(super) fn time_of(record: &[u8]) -> Option<Timestamp> {
    let outline = Outline::read(std::str::from_utf8(record).ok()?).ok()?;
    Timestamp::parse(text(&outline.value(Field::EventTime).ok()?)?).ok()
}

/// Whether the record can name a delete call at all. Lossless: a JSON text that reads
/// `DeleteObject` or `DeleteObjects` holds these bytes or an escape.
fn may_be_delete(record: &[u8]) -> bool {
    DELETE.find(record).is_some() || ESCAPE.find(record).is_some()
}

/// A record that is no UTF-8 is refused if it is a delete, as far as it can be read.
fn refuse_text(record: &[u8]) -> Result<Option<Evidence>, Refusal> {
    let readable = String::from_utf8_lossy(record);
    match Outline::read(&readable).map(|outline| api_of(&outline, record)) {
        Ok(Ok(None)) => Ok(None),
        _ => Err(Refusal::new(
            RejectReason::InvalidUtf8,
            "a delete record holds bytes that are no UTF-8",
        )),
    }
}

/// Which delete call of S3 the record is about; `None` when it is another event.
fn api_of(outline: &Outline<'_>, record: &[u8]) -> Result<Option<Api>, Refusal> {
    let source = outline.value(Field::EventSource).unwrap_or_default();
    let name = outline.value(Field::EventName).unwrap_or_default();
    let is_s3 = filled_text(&source).map(is_s3_source);
    let api = text(&name).map(|name| match name {
        "DeleteObject" => Some(Api::DeleteObject),
        "DeleteObjects" => Some(Api::DeleteObjects),
        _ => None,
    });
    match (is_s3, api) {
        (Some(true), Some(api)) => Ok(api),
        (None, Some(Some(api))) => Err(Refusal::new(
            RejectReason::WrongType,
            format!("a {} record whose eventSource is missing or no text", api.as_str()),
        )),
        (Some(true), None)
            if !name.is_null() && memmem::find(record, b"\"DeleteObject").is_some() =>
        {
            Err(Refusal::new(
                RejectReason::WrongType,
                "an S3 record that speaks of DeleteObject and whose eventName is no text",
            ))
        }
        _ => Ok(None),
    }
}

/// `s3`, `s3express`, `s3-outposts`, and whatever else S3 may call a part of itself; in China with
/// `.cn` behind it.
fn is_s3_source(source: &str) -> bool {
    let source = source.trim();
    let name = source.strip_suffix(".cn").unwrap_or(source).strip_suffix(".amazonaws.com");
    name.is_some_and(|name| name.starts_with("s3"))
}

fn evidence_of(
    outline: &Outline<'_>,
    api: Api,
    record: &[u8],
    path: &LogPath,
) -> Result<Evidence, Refusal> {
    check_version(&outline.value(Field::EventVersion)?)?;
    let request = outline.value(Field::RequestParameters)?;
    let additional = outline.readable(Field::AdditionalEventData);
    let resources = outline.readable(Field::Resources);
    let addendum = Addendum::of(&outline.value(Field::Addendum)?);
    let account = account_of(&outline.value(Field::RecipientAccountId)?).unwrap_or_default();
    let region = shown(&outline.readable(Field::AwsRegion)).unwrap_or_default();
    check_owner(path, &account, &region)?;
    let ended_at = time_in_millis(&additional["endTime"]);
    let at = event_time(&outline.value(Field::EventTime)?, ended_at)?;
    let bucket = bucket_of(&request, &resources, &outline.readable(Field::ServiceEventDetails))
        .ok_or_else(|| Refusal::new(RejectReason::MissingBucket, "no bucket is named anywhere"))?;

    let event_id = shown(&outline.value(Field::EventId)?);
    let error_code = error_code_of(&outline.value(Field::ErrorCode)?);
    let http_status =
        whole_number(&additional["httpStatusCode"]).and_then(|status| u16::try_from(status).ok());
    let outcome = Outcome::from_error(error_code.as_deref(), http_status);
    let is_child = filled_text(&outline.value(Field::EventType)?) == Some("AwsServiceEvent");
    let (role, call) = match &addendum {
        Some(_) => (RemovalRole::None, None),
        None => role_and_call(api, is_child, outcome),
    };
    let removed = Removed::of(api, role, outline, &request, &resources);
    let actor = caller_of(outline);
    let is_lifecycle = actor.kind() == ActorKind::Lifecycle;
    let own_request_id = shown(&outline.value(Field::RequestId)?);
    let (request_id, amends_event_id) = match addendum.clone() {
        Some(amended) => {
            (amended.request_id.or(own_request_id), amended.event_id.or_else(|| event_id.clone()))
        }
        None => (own_request_id, None),
    };
    Ok(Evidence {
        id: identity(&account, event_id.as_deref(), addendum.is_some(), record),
        source: Source::CloudTrail,
        call,
        role,
        bucket,
        key: removed.key,
        target: removed.target,
        mark: removed.mark,
        cause: if is_lifecycle { Cause::Lifecycle } else { Cause::Api },
        request_id,
        event_id,
        shared_event_id: shown(&outline.value(Field::SharedEventId)?),
        amends_event_id,
        account,
        region,
        at,
        started_at: time_in_millis(&additional["startTime"]),
        ended_at,
        total_millis: None,
        sequencer: None,
        http_status,
        error_code,
        marker_version_id: removed.marker_version_id,
        actor,
    })
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

/// What a record counts as. A refused call or key is no removal; a child is no request.
fn role_and_call(api: Api, is_child: bool, outcome: Outcome) -> (RemovalRole, Option<Call>) {
    let role = match (api, outcome) {
        (Api::DeleteObjects, _) | (_, Outcome::Failed | Outcome::Denied) => RemovalRole::None,
        (Api::DeleteObject, Outcome::Ok) if is_child => RemovalRole::Child,
        (Api::DeleteObject, Outcome::Ok) => RemovalRole::Claim,
    };
    let is_request = api == Api::DeleteObjects || !is_child;
    (role, is_request.then_some(Call { api, outcome }))
}

/// What an `UPDATED_DATA` record updates. Other addenda (a late delivery, an outage) tell nothing
/// about the event itself.
#[derive(Debug, Clone)]
struct Addendum {
    event_id: Option<String>,
    request_id: Option<String>,
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
        Some(event_id) => format!("ct:{account}:{event_id}"),
        None => format!("ct:{account}:#{}", fingerprint(record)),
    }
}

/// The first half of a SHA-256, in hexadecimal digits.
fn fingerprint(record: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(record).iter().take(16).fold(String::new(), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn check_version(version: &Value) -> Result<(), Refusal> {
    let written = identifier(version);
    let is_known = match written.as_deref() {
        Some(version) => version.split('.').next().map(str::trim) == Some("1"),
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
    for (what, told, said) in
        [("account", &path.account, account), ("region", &path.region, region)]
    {
        if let Some(told) = told.as_deref().filter(|told| !said.is_empty() && *told != said) {
            let detail = format!("the record names {what} {said}, the path of its file {told}");
            return Err(Refusal::new(RejectReason::AccountMismatch, detail));
        }
    }
    Ok(())
}

fn event_time(written: &Value, ended_at: Option<Timestamp>) -> Result<Timestamp, Refusal> {
    text(written).and_then(|text| Timestamp::parse(text).ok()).or(ended_at).ok_or_else(|| {
        let detail = format!("eventTime {written} is no time, and there is no endTime");
        Refusal::new(RejectReason::MissingTime, detail)
    })
}

/// Milliseconds since the epoch, as `startTime` and `endTime` have them.
fn time_in_millis(value: &Value) -> Option<Timestamp> {
    let millis = whole_number(value).filter(|millis| (1..=MILLIS_MAX).contains(millis))?;
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}
