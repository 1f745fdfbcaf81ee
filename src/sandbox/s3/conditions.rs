//! What is looked at before an object is: which permission a version needs, whether a version id
//! can be one, and conditions on entity tags. It looks at no bucket.

use s3s::dto;

use super::bucket::NULL_VERSION;
use super::refused::Refused;
use super::visit::Permission;

/// What a caller needs who names this version, or none. Versions have permissions of their own.
pub(super) fn permission<'a>(
    action: &'static str,
    bucket: &'a str,
    key: &'a str,
    named: Option<&str>,
) -> Permission<'a> {
    let action = match (action, named) {
        ("s3:GetObject", Some(_)) => "s3:GetObjectVersion",
        ("s3:DeleteObject", Some(_)) => "s3:DeleteObjectVersion",
        (action, _) => action,
    };
    Permission { action, bucket, key: Some(key) }
}

/// Whether an entity tag is the one of a condition; `*` takes any.
pub(super) fn satisfies(condition: &dto::ETagCondition, etag: &str) -> bool {
    condition.as_etag().is_none_or(|wanted| wanted.value() == etag)
}

/// Refuses what can be no version id.
pub(super) fn checked_version_id(named: Option<&str>) -> Result<(), Refused> {
    let is_possible = |id: &str| {
        id == NULL_VERSION
            || (id.len() == 32
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte)))
    };
    match named {
        Some(id) if !is_possible(id) => {
            Err(Refused::invalid_argument("Invalid version id specified"))
        }
        _ => Ok(()),
    }
}
