//! The name of a bucket, as messages of every kind tell it. Whether the bucket is one of ours is
//! decided elsewhere.

use super::excerpt::escaped_excerpt;
use super::reject::RejectReason;

const EXCERPT_CHARS_MAX: usize = 80;

/// `told` as a name, which law allows to be nothing but a name: never an ARN, a URL or a path.
///
/// # Errors
/// The reason and the detail, when there is none.
pub(super) fn bucket_name(told: Option<&str>) -> Result<String, (RejectReason, String)> {
    let name = told
        .filter(|name| !name.is_empty())
        .ok_or_else(|| (RejectReason::MissingBucket, "no bucket is named".to_owned()))?;
    if name.contains([':', '/']) {
        let name = escaped_excerpt(name, EXCERPT_CHARS_MAX);
        let detail = format!("\"{name}\" is no bucket name but an ARN, a URL or a path");
        return Err((RejectReason::BucketNotAllowed, detail));
    }
    Ok(name.to_owned())
}
