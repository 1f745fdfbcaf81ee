//! Events through EventBridge: those of S3, whose keys are raw, and CloudTrail's records, which are
//! the same evidence as in a log file.

use serde_json::Value;
use serde_json::value::RawValue;

use super::Item;
use super::body::{Body, text};
use super::object_event::{Left, ObjectEvent, Refused, etag, sequencer};
use crate::decode::bucket_name::bucket_name;
use crate::decode::cloudtrail::read_record;
use crate::decode::lenient::{capped, filled_text, shown, whole_number};
use crate::decode::log_key::LogPath;
use crate::decode::reject::{RejectReason, Rejected};
use crate::domain::{Actor, Cause, Source};

/// What all of the detail types of CloudTrail's records end with: `AWS API Call via CloudTrail`,
/// and `AWS Service Event via CloudTrail` for the keys of a bulk call.
const VIA_CLOUDTRAIL: &str = " via CloudTrail";

/// S3's details have less than 1 KB, and a key of at most 1 024 bytes, escaped.
const DETAIL_BYTES_MAX: usize = 64 * 1024;

/// What an event of an AWS service says; `None` when it is of no service that matters, or no event.
/// Sources that begin with `aws.` cannot be written by anybody but AWS.
pub(super) fn item(body: &Body<'_>) -> Option<Item> {
    let source = text(body.source)?;
    let detail = body.detail.filter(|detail| detail.get().starts_with('{'))?;
    let detail_type = text(body.detail_type).unwrap_or_default();
    if source.starts_with("aws.") && detail_type.ends_with(VIA_CLOUDTRAIL) {
        return Some(of_cloudtrail(body, detail_type, detail));
    }
    (source == "aws.s3").then(|| {
        of_s3(body, &detail_type, detail).unwrap_or_else(|(reason, detail)| Item::Rejected {
            source: Source::EventBridge,
            rejected: Rejected::whole(reason, &detail),
            count: 1,
        })
    })
}

/// The envelope stands for the path of a log file: what it says and what the record says of account
/// and region must agree.
fn of_cloudtrail(body: &Body<'_>, detail_type: String, record: &RawValue) -> Item {
    let path =
        LogPath { account: text(body.account), region: text(body.region), ..LogPath::default() };
    let source = Source::CloudTrail;
    match read_record(record.get().as_bytes(), &path) {
        Ok(Some(fact)) => Item::Told(fact),
        Ok(None) => Item::Other { source, event_name: detail_type, bucket: String::new() },
        Err(refusal) => {
            let rejected = Rejected::whole(refusal.reason, &refusal.detail);
            Item::Rejected { source, rejected, count: 1 }
        }
    }
}

fn of_s3(body: &Body<'_>, detail_type: &str, detail: &RawValue) -> Result<Item, Refused> {
    if detail_type.is_empty() {
        return Err((RejectReason::WrongType, "detail-type is missing or no text".to_owned()));
    }
    let detail = read(detail)?;
    match detail_type {
        "Object Created" => Ok(event_of(body, detail_type, &detail)?.created(None)),
        "Object Deleted" => {
            let event = event_of(body, detail_type, &detail)?;
            let left = left_by(&detail);
            let is_lifecycle = filled_text(&detail["reason"]) == Some("Lifecycle Expiration");
            event.removed(left, if is_lifecycle { Cause::Lifecycle } else { Cause::Api })
        }
        _ => Ok(Item::Other {
            source: Source::EventBridge,
            event_name: detail_type.to_owned(),
            bucket: filled_text(&detail["bucket"]["name"]).unwrap_or_default().to_owned(),
        }),
    }
}

fn read(detail: &RawValue) -> Result<Value, Refused> {
    if detail.get().len() > DETAIL_BYTES_MAX {
        let detail = format!("the detail of an event has {} bytes", detail.get().len());
        return Err((RejectReason::RecordTooLarge, detail));
    }
    serde_json::from_str(detail.get()).map_err(|error| {
        (RejectReason::InvalidJson, format!("the detail of an event cannot be read: {error}"))
    })
}

/// Everything but the bucket and the key may be missing. The version of the detail is not looked
/// at: `0` in the documentation, `1.2` in captures.
fn event_of(body: &Body<'_>, detail_type: &str, detail: &Value) -> Result<ObjectEvent, Refused> {
    let object = &detail["object"];
    let bucket = bucket_name(filled_text(&detail["bucket"]["name"]))?;
    let key = filled_text(&object["key"])
        .ok_or_else(|| (RejectReason::WrongType, format!("key {} is no text", object["key"])))?;
    let told = |name: &str| filled_text(&detail[name]).unwrap_or_default().to_owned();
    Ok(ObjectEvent {
        source: Source::EventBridge,
        id_prefix: "eb",
        kind: vec![detail_type.to_owned(), told("reason"), told("deletion-type")],
        bucket,
        key: key.to_owned(),
        version_id: shown(&object["version-id"]),
        etag: etag(&object["etag"]),
        size: whole_number(&object["size"]),
        request_id: shown(&detail["request-id"]),
        sequencer: sequencer(&object["sequencer"]),
        account: text(body.account).map(|account| capped(&account)).unwrap_or_default(),
        region: text(body.region).map(|region| capped(&region)),
        actor: actor_of(detail),
        time: text(body.time).map_or(Value::Null, Value::String),
    })
}

/// The requester is an account, or the principal of a service.
fn actor_of(detail: &Value) -> Actor {
    let requester = shown(&detail["requester"]);
    let is_account = |id: &String| id.bytes().all(|byte| byte.is_ascii_digit());
    Actor {
        account_id: requester.clone().filter(is_account),
        principal_id: requester.filter(|id| !is_account(id)),
        source_ip: shown(&detail["source-ip-address"]),
        ..Actor::default()
    }
}

/// Of what a delete leaves behind, only a marker has an entity tag.
fn left_by(detail: &Value) -> Left {
    match filled_text(&detail["deletion-type"]) {
        Some("Delete Marker Created") => Left::Marker,
        Some("Permanently Deleted") => Left::Nothing,
        _ if etag(&detail["object"]["etag"]).is_some() => Left::Marker,
        _ => Left::Nothing,
    }
}
