//! What one delete record removed: the key, the version that the caller named, and what is left
//! behind. It does not know whether the call counts; it is told the record's role.

use serde_json::Value;

use super::caller::shown;
use super::outline::{Field, Outline};
use super::place::{detail, is_detail_true, key_of};
use crate::decode::lenient::is_true;
use crate::domain::{Mark, RemovalRole, Target};

/// What was removed, as far as the record says.
pub(super) struct Removed {
    pub(super) key: Option<String>,
    pub(super) target: Target,
    pub(super) mark: Mark,
    pub(super) marker_version_id: Option<String>,
}

impl Removed {
    /// What a record without a key says.
    pub(super) const fn unknown() -> Self {
        let (target, mark) = (Target::Unknown, Mark::Unknown);
        Self { key: None, target, mark, marker_version_id: None }
    }

    /// What is told by the key, the version that the caller named, and whether a delete marker was
    /// made, which may have an id.
    pub(super) fn of(
        role: RemovalRole,
        key: Option<String>,
        version: Option<&str>,
        says_marker: bool,
        marker_version_id: Option<String>,
    ) -> Self {
        let is_removal = role != RemovalRole::None;
        // An empty key is an unknown one: the removal counts all the same.
        let key = key.or_else(|| is_removal.then(String::new));
        let is_marker = is_removal && version.is_none() && says_marker;
        let (target, mark) = match (role, version) {
            (_, Some(version)) => {
                let target = Target::named(Some(version));
                let mark = mark_of_named(role, &target);
                (target, mark)
            }
            (_, None) if is_marker => (Target::Current, Mark::Marker),
            (RemovalRole::Claim, None) => (Target::Current, Mark::Object),
            (RemovalRole::Child, None) => (Target::Unknown, Mark::Unknown),
            (RemovalRole::None, None) => (Target::Current, Mark::Unknown),
        };
        let marker_version_id = marker_version_id.filter(|_| is_marker);
        Self { key, target, mark, marker_version_id }
    }

    /// Reads it out of a record of any kind.
    pub(super) fn read(
        role: RemovalRole,
        outline: &Outline<'_>,
        request: &Value,
        resources: &Value,
    ) -> Self {
        let response = outline.readable(Field::ResponseElements);
        let details = outline.readable(Field::ServiceEventDetails);
        let version = shown(&request["versionId"])
            .or_else(|| shown(&request["VersionId"]))
            .or_else(|| detail(&details, &["versionid", "objectversionid"]).map(str::to_owned));
        let says_marker = is_true(&response["x-amz-delete-marker"])
            || is_detail_true(&details, &["deletemarker", "xamzdeletemarker"]);
        let marker_version_id = shown(&response["x-amz-version-id"]).or_else(|| {
            detail(&details, &["deletemarkerversionid", "xamzversionid"]).map(str::to_owned)
        });
        let key = key_of(request, resources, &details);
        Self::of(role, key, version.as_deref(), says_marker, marker_version_id)
    }
}

/// The null version has an id that names no version: for a direct call it is the object itself.
fn mark_of_named(role: RemovalRole, target: &Target) -> Mark {
    match (role, target) {
        (RemovalRole::None, _) => Mark::Unknown,
        (_, Target::Version(_)) => Mark::Version,
        (RemovalRole::Claim, _) => Mark::Object,
        (RemovalRole::Child, _) => Mark::Unknown,
    }
}
