//! S3's own event notifications: a message with a list of records. Keys in them are form-encoded;
//! nowhere else.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::value::RawValue;

use super::object_event::{Left, ObjectEvent, Refused, etag, sequencer};
use super::{Item, Nothing};
use crate::decode::bucket_name::bucket_name;
use crate::decode::lenient::{filled_text, identifier, shown, text, whole_number};
use crate::decode::reject::{RejectReason, Rejected};
use crate::domain::{Actor, Cause, Source};

/// S3's records have about 1 KB, with the longest key not much more than 5 KB.
const RECORD_BYTES_MAX: usize = 64 * 1024;

/// An item for each record; one that says so when there is none.
pub(super) fn items(records: &[&RawValue]) -> Vec<Item> {
    if records.is_empty() {
        return vec![Item::Nothing(Nothing::EmptyRecords)];
    }
    let item = |(index, record): (u64, &&RawValue)| {
        read(record).and_then(|record| item(index, &record)).unwrap_or_else(|(reason, detail)| {
            Item::Rejected {
                source: Source::S3Notification,
                rejected: Rejected::record(index, reason, &detail),
            }
        })
    };
    (0..).zip(records).map(item).collect()
}

fn read(record: &RawValue) -> Result<Value, Refused> {
    if record.get().len() > RECORD_BYTES_MAX {
        let detail = format!("a record of a notification has {} bytes", record.get().len());
        return Err((RejectReason::RecordTooLarge, detail));
    }
    serde_json::from_str(record.get()).map_err(|error| {
        (RejectReason::InvalidJson, format!("a record of a notification cannot be read: {error}"))
    })
}

fn item(index: u64, record: &Value) -> Result<Item, Refused> {
    if !record.is_object() {
        let detail = format!("a record of a notification is no object: {record}");
        return Err((RejectReason::NotAnObject, detail));
    }
    if !is_from_s3(record) {
        let detail = format!("a record from {}, not from S3", record["eventSource"]);
        return Err((RejectReason::UnknownEnvelope, detail));
    }
    check_version(&record["eventVersion"])?;
    let event_name = filled_text(&record["eventName"]).ok_or_else(|| {
        let detail = format!("eventName {} is no text", record["eventName"]);
        (RejectReason::WrongType, detail)
    })?;
    let event_name = event_name.strip_prefix("s3:").unwrap_or(event_name);
    let bucket = bucket_name(filled_text(&record["s3"]["bucket"]["name"]))?;
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
fn event_of(record: &Value, event_name: &str, bucket: String) -> Result<ObjectEvent, Refused> {
    let object = &record["s3"]["object"];
    let encoded = filled_text(&object["key"])
        .ok_or_else(|| (RejectReason::WrongType, format!("key {} is no text", object["key"])))?;
    Ok(ObjectEvent {
        source: Source::S3Notification,
        id_prefix: "n",
        kind: vec![event_name.to_owned()],
        bucket,
        key: decoded_key(encoded)?,
        version_id: shown(&object["versionId"]),
        etag: etag(&object["eTag"]),
        size: whole_number(&object["size"]),
        request_id: shown(&record["responseElements"]["x-amz-request-id"]),
        sequencer: sequencer(&object["sequencer"]),
        account: String::new(),
        region: shown(&record["awsRegion"]),
        actor: Actor {
            principal_id: shown(&record["userIdentity"]["principalId"]),
            source_ip: shown(&record["requestParameters"]["sourceIPAddress"]),
            ..Actor::default()
        },
        time: record["eventTime"].clone(),
    })
}

/// A record says so, or has S3's own member. Compatible servers put their name in front.
fn is_from_s3(record: &Value) -> bool {
    match text(&record["eventSource"]) {
        Some(source) => source.ends_with(":s3"),
        None => record["s3"].is_object(),
    }
}

/// Minor versions add members only.
fn check_version(version: &Value) -> Result<(), Refused> {
    let written = identifier(version);
    match written.as_deref().and_then(|version| version.split('.').next()) {
        Some("2") => Ok(()),
        None if version.is_null() => Ok(()),
        _ => Err((RejectReason::UnknownVersion, format!("eventVersion {version} is none of 2.x"))),
    }
}

/// Undoes form encoding: `+` is a space, then percent escapes are bytes.
fn decoded_key(encoded: &str) -> Result<String, Refused> {
    let spaced = encoded.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| {
        (RejectReason::InvalidUtf8, format!("the key \"{encoded}\" does not decode to UTF-8"))
    })
}
