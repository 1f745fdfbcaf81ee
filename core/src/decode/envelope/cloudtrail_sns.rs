//! CloudTrail's own notifications: the log files that it delivered. Keys in them are raw.

use serde_json::Value;

use super::{Item, Nothing, ObjectRef, bucket_name};
use crate::decode::lenient::filled_text;
use crate::decode::reject::{RejectReason, Rejected};
use crate::domain::Source;

/// An item for each file; `None` when the message is none of CloudTrail's. The list of keys may
/// be a single text.
pub(super) fn items(message: &Value) -> Option<Vec<Item>> {
    let (bucket, keys) = (message.get("s3Bucket")?, message.get("s3ObjectKey")?);
    let keys = match keys {
        Value::Array(keys) => keys.as_slice(),
        single => std::slice::from_ref(single),
    };
    if keys.is_empty() {
        return Some(vec![Item::Nothing(Nothing::EmptyRecords)]);
    }
    let items = (0..).zip(keys).map(|(index, key)| {
        item(bucket, key).unwrap_or_else(|(reason, detail)| Item::Rejected {
            source: Source::CloudTrail,
            rejected: Rejected::record(index, reason, &detail),
        })
    });
    Some(items.collect())
}

fn item(bucket: &Value, key: &Value) -> Result<Item, (RejectReason, String)> {
    let bucket = bucket_name(bucket)?;
    let key = filled_text(key)
        .ok_or_else(|| (RejectReason::WrongType, format!("s3ObjectKey {key} is no text")))?;
    Ok(Item::NamedLog(ObjectRef {
        bucket,
        key: key.to_owned(),
        version_id: None,
        etag: None,
        size: None,
        region: None,
        event_at: None,
        source: Source::CloudTrail,
    }))
}
