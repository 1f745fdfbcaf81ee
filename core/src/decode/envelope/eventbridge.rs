//! S3 events through EventBridge. Keys in them are raw.

use serde_json::Value;

use super::{Item, ObjectRef, bucket_name, creation_of, etag, time, version_id};
use crate::decode::lenient::{filled_text, whole_number};
use crate::decode::reject::{RejectReason, Rejected};
use crate::domain::{Source, Timestamp};

/// What an event of source `aws.s3` says.
pub(super) fn item(event: &Value) -> Item {
    read(event).unwrap_or_else(|(reason, detail)| Item::Rejected {
        source: Source::EventBridge,
        rejected: Rejected::whole(reason, &detail),
    })
}

fn read(event: &Value) -> Result<Item, (RejectReason, String)> {
    let detail_type = filled_text(&event["detail-type"]).ok_or_else(|| {
        (RejectReason::WrongType, format!("detail-type {} is no text", event["detail-type"]))
    })?;
    let detail = &event["detail"];
    // An API call that CloudTrail reports through EventBridge names its bucket elsewhere.
    let bucket = match &detail["bucket"]["name"] {
        Value::Null => &detail["requestParameters"]["bucketName"],
        name => name,
    };
    let bucket = bucket_name(bucket)?;
    if detail_type != "Object Created" {
        let event_name = detail_type.to_owned();
        return Ok(Item::Other { source: Source::EventBridge, event_name, bucket });
    }
    let object = &detail["object"];
    let key = filled_text(&object["key"])
        .ok_or_else(|| (RejectReason::WrongType, format!("key {} is no text", object["key"])))?;
    let object = ObjectRef {
        bucket,
        key: key.to_owned(),
        version_id: version_id(&object["version-id"]),
        etag: etag(&object["etag"]),
        size: whole_number(&object["size"]),
        region: filled_text(&event["region"]).map(str::to_owned),
        event_at: time(&event["time"]),
        source: Source::EventBridge,
    };
    let at = object.event_at.unwrap_or(Timestamp::from_millis(0));
    let creation = creation_of(&object, String::new(), at);
    Ok(Item::Created { object, creation })
}
