//! S3's own event notifications: a message with a list of records. Keys in them are form-encoded;
//! nowhere else.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::value::RawValue;

use super::found::Found;
use super::members::{Leaf, Object};
use super::object_event::{Left, ObjectEvent, Refused, etag, sequencer};
use super::s3_members::Record;
use super::{EnvelopeError, Item, Nothing};
use crate::decode::bucket_name::bucket_name;
use crate::decode::lenient::{filled_text, identifier, shown, text, whole_number};
use crate::decode::reject::{RejectReason, Rejected};
use crate::domain::{Actor, Cause, Source};

/// S3's records have about 1 KB, with the longest key not much more than 5 KB.
const RECORD_BYTES_MAX: usize = 64 * 1024;

/// An item for each record that says something, and for each reason to refuse others; one that says
/// so when there is none.
///
/// # Errors
/// When they tell of too much.
pub(super) fn items(records: &[&RawValue]) -> Result<Vec<Item>, EnvelopeError> {
    if records.is_empty() {
        return Ok(vec![Item::Nothing(Nothing::EmptyRecords)]);
    }
    let mut found = Found::default();
    for (index, record) in (0..).zip(records) {
        found.add(told(index, read(record)))?;
    }
    Ok(found.into_items())
}

/// The item of a message just as S3 writes it: one record and nothing else, of which most messages
/// are. It is read once, where the envelopes are told apart by reading it first. `None` of whatever
/// else it is, even if it is wrong.
pub(super) fn only_item(body: &str) -> Option<Item> {
    let record = body.strip_prefix(r#"{"Records":["#)?.strip_suffix("]}")?;
    if record.len() > RECORD_BYTES_MAX {
        return None;
    }
    let record: Object<Record<'_>> = serde_json::from_str(record).ok()?;
    record.is_object.then(|| told(0, Ok(record)))
}

fn told(index: u64, record: Result<Object<Record<'_>>, Refused>) -> Item {
    record.and_then(|record| item(index, &record)).unwrap_or_else(|(reason, detail)| {
        let rejected = Rejected::record(index, reason, &detail);
        Item::Rejected { source: Source::S3Notification, rejected, count: 1 }
    })
}

fn read(record: &RawValue) -> Result<Object<Record<'_>>, Refused> {
    if record.get().len() > RECORD_BYTES_MAX {
        let detail = format!("a record of a notification has {} bytes", record.get().len());
        return Err((RejectReason::RecordTooLarge, detail));
    }
    let unreadable = |error| {
        (RejectReason::InvalidJson, format!("a record of a notification cannot be read: {error}"))
    };
    let members: Object<Record<'_>> = serde_json::from_str(record.get()).map_err(unreadable)?;
    if !members.is_object {
        let other: Value = serde_json::from_str(record.get()).map_err(unreadable)?;
        let detail = format!("a record of a notification is no object: {other}");
        return Err((RejectReason::NotAnObject, detail));
    }
    Ok(members)
}

fn item(index: u64, record: &Record<'_>) -> Result<Item, Refused> {
    if !is_from_s3(record) {
        let detail = format!("a record from {}, not from S3", record.event_source);
        return Err((RejectReason::UnknownEnvelope, detail));
    }
    check_version(&record.event_version)?;
    let event_name = filled_text(&record.event_name).ok_or_else(|| {
        let detail = format!("eventName {} is no text", record.event_name);
        (RejectReason::WrongType, detail)
    })?;
    let event_name = event_name.strip_prefix("s3:").unwrap_or(event_name);
    let bucket = bucket_name(filled_text(&record.s3.bucket.name))?;
    let (left, cause) = match event_name {
        "ObjectRemoved:Delete" => (Left::Nothing, Cause::Api),
        "ObjectRemoved:DeleteMarkerCreated" => (Left::Marker, Cause::Api),
        "LifecycleExpiration:Delete" => (Left::Nothing, Cause::Lifecycle),
        "LifecycleExpiration:DeleteMarkerCreated" => (Left::Marker, Cause::Lifecycle),
        name if name.split(':').next() == Some("ObjectCreated") => {
            return Ok(event_of(record, event_name, bucket)?.created(Some(index)));
        }
        _ => {
            let event_name = event_name.to_owned();
            return Ok(Item::Other { source: Source::S3Notification, event_name, bucket });
        }
    };
    event_of(record, event_name, bucket)?.removed(left, cause)
}

/// Everything but the key may be missing.
fn event_of(record: &Record<'_>, event_name: &str, bucket: String) -> Result<ObjectEvent, Refused> {
    let object = &record.s3.object;
    let encoded = filled_text(&object.key)
        .ok_or_else(|| (RejectReason::WrongType, format!("key {} is no text", object.key)))?;
    Ok(ObjectEvent {
        source: Source::S3Notification,
        id_prefix: "n",
        kind: vec![event_name.to_owned()],
        bucket,
        key: decoded_key(encoded)?,
        version_id: shown(&object.version_id),
        etag: etag(&object.etag),
        size: whole_number(&object.size),
        request_id: shown(&record.response.request_id),
        sequencer: sequencer(&object.sequencer),
        account: String::new(),
        region: shown(&record.region),
        actor: Actor {
            principal_id: shown(&record.user.principal_id),
            source_ip: shown(&record.request.source_ip),
            ..Actor::default()
        },
        time: record.event_time.to_value(),
    })
}

/// A record says so, or has S3's own member. Compatible servers put their name in front.
fn is_from_s3(record: &Record<'_>) -> bool {
    match text(&record.event_source) {
        Some(source) => source.ends_with(":s3"),
        None => record.s3.is_object,
    }
}

/// Minor versions add members only.
fn check_version(version: &Leaf<'_>) -> Result<(), Refused> {
    let written = identifier(version);
    match written.as_deref().and_then(|version| version.split('.').next()) {
        Some("2") => Ok(()),
        None if version.is_null() => Ok(()),
        _ => Err((RejectReason::UnknownVersion, format!("eventVersion {version} is none of 2.x"))),
    }
}

/// Undoes form encoding: `+` is a space, then percent escapes are bytes.
fn decoded_key(encoded: &str) -> Result<String, Refused> {
    let spaced = if encoded.contains('+') {
        Cow::Owned(encoded.replace('+', " "))
    } else {
        Cow::Borrowed(encoded)
    };
    percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned).map_err(|_| {
        (RejectReason::InvalidUtf8, format!("the key \"{encoded}\" does not decode to UTF-8"))
    })
}
