//! CloudTrail's own notifications: the log files that it delivered. Keys in them are raw.

use serde_json::value::RawValue;

use super::body::{elements, text};
use super::found::Found;
use super::object_event::Refused;
use super::{EnvelopeError, Item, Nothing, ObjectRef};
use crate::decode::bucket_name::bucket_name;
use crate::decode::excerpt::escaped_excerpt;
use crate::decode::reject::{RejectReason, Rejected};
use crate::domain::Source;

const EXCERPT_CHARS_MAX: usize = 80;

/// An item for each file. The list of keys may be a single text.
///
/// # Errors
/// When there are too many files.
pub(super) fn items(bucket: &RawValue, keys: &RawValue) -> Result<Vec<Item>, EnvelopeError> {
    let keys = elements(keys).unwrap_or_else(|| vec![keys]);
    if keys.is_empty() {
        return Ok(vec![Item::Nothing(Nothing::EmptyRecords)]);
    }
    let bucket = text(Some(bucket));
    let mut found = Found::default();
    for (index, key) in (0..).zip(keys) {
        let named = item(bucket.as_deref(), key);
        found.add(named.unwrap_or_else(|(reason, detail)| Item::Rejected {
            source: Source::CloudTrail,
            rejected: Rejected::record(index, reason, &detail),
            count: 1,
        }))?;
    }
    Ok(found.into_items())
}

fn item(bucket: Option<&str>, key: &RawValue) -> Result<Item, Refused> {
    let bucket = bucket_name(bucket)?;
    let key = text(Some(key)).ok_or_else(|| {
        let written = escaped_excerpt(key.get(), EXCERPT_CHARS_MAX);
        (RejectReason::WrongType, format!("s3ObjectKey {written} is no text"))
    })?;
    Ok(Item::NamedLog(ObjectRef {
        bucket,
        key,
        version_id: None,
        etag: None,
        size: None,
        region: None,
        event_at: None,
        source: Source::CloudTrail,
    }))
}
