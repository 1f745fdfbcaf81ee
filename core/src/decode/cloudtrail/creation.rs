//! Writes of objects, as CloudTrail tells of them. Only those that succeeded made anything; the
//! rest is no affair of ours.
//!
//! A trail that selects write events tells by them when a key was made, as S3's own notifications
//! do: with whole seconds, and later.

use serde_json::Value;

use super::caller::shown;
use super::circumstances::Circumstances;
use super::outline::{Field, Outline};
use super::place::{bucket_of, key_of};
use super::{Refusal, is_version};
use crate::decode::log_key::LogPath;
use crate::decode::reject::RejectReason;
use crate::domain::{Creation, Outcome, Source};

/// The calls that make an object; the key that they name is that of the object made.
pub(super) const WRITES: [&str; 3] = ["CompleteMultipartUpload", "CopyObject", "PutObject"];

/// What this call made; `None` when it was refused, failed, or is an update of an earlier record.
pub(super) fn made(
    circumstances: Circumstances,
    bucket: String,
    key: String,
    version_id: Option<String>,
) -> Option<Box<Creation>> {
    let outcome =
        Outcome::from_error(circumstances.error_code.as_deref(), circumstances.http_status);
    (outcome == Outcome::Ok && circumstances.addendum.is_none()).then(|| {
        Box::new(Creation {
            id: circumstances.id,
            source: Source::CloudTrail,
            bucket,
            key,
            version_id: version_id.filter(|version| is_version(version)),
            request_id: circumstances.request_id.map(Into::into),
            sequencer: None,
            account: circumstances.account.into(),
            region: circumstances.region.into(),
            at: circumstances.at,
            actor: circumstances.actor,
        })
    })
}

/// [`made`], out of a record of any kind.
///
/// # Errors
/// As for a delete, and when no key is named.
pub(super) fn creation_of(
    outline: &Outline<'_>,
    event_name: &str,
    record: &[u8],
    path: &LogPath,
) -> Result<Option<Box<Creation>>, Refusal> {
    let circumstances = Circumstances::of(outline, record, path)?;
    let request = outline.value(Field::RequestParameters)?;
    let resources = outline.readable(Field::Resources);
    let bucket = bucket_of(&request, &resources, &Value::Null)
        .ok_or_else(|| Refusal::new(RejectReason::MissingBucket, "no bucket is named anywhere"))?;
    let key = key_of(&request, &resources, &Value::Null).ok_or_else(|| {
        let detail = format!("a {event_name} record that names no key");
        Refusal::new(RejectReason::WrongType, detail)
    })?;
    let response = outline.readable(Field::ResponseElements);
    Ok(made(circumstances, bucket, key, shown(&response["x-amz-version-id"])))
}
