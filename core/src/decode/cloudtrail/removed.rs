//! What one delete record removed: the key, the version that the caller named, and what is left
//! behind. It does not know whether the call counts; it is told the record's role.

use serde_json::Value;

use super::caller::shown;
use super::outline::{Field, Outline};
use super::place::{detail, is_detail_true, key_of};
use crate::decode::lenient::is_true;
use crate::domain::{Api, Mark, RemovalRole, Target};

/// What was removed, as far as the record says.
pub(super) struct Removed {
    pub(super) key: Option<String>,
    pub(super) target: Target,
    pub(super) mark: Mark,
    pub(super) marker_version_id: Option<String>,
}

impl Removed {
    /// Reads it out of the record.
    pub(super) fn of(
        api: Api,
        role: RemovalRole,
        outline: &Outline<'_>,
        request: &Value,
        resources: &Value,
    ) -> Self {
        if api == Api::DeleteObjects {
            let (target, mark) = (Target::Unknown, Mark::Unknown);
            return Self { key: None, target, mark, marker_version_id: None };
        }
        let response = outline.readable(Field::ResponseElements);
        let details = outline.readable(Field::ServiceEventDetails);
        let is_removal = role != RemovalRole::None;
        // An empty key is an unknown one: the removal counts all the same.
        let key = key_of(request, resources, &details).or_else(|| is_removal.then(String::new));
        let version = shown(&request["versionId"])
            .or_else(|| shown(&request["VersionId"]))
            .or_else(|| detail(&details, &["versionid", "objectversionid"]).map(str::to_owned));
        let is_marker = is_removal
            && version.is_none()
            && (is_true(&response["x-amz-delete-marker"])
                || is_detail_true(&details, &["deletemarker", "xamzdeletemarker"]));
        let (target, mark) = match (role, &version) {
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
        let marker_version_id = is_marker.then(|| {
            shown(&response["x-amz-version-id"]).or_else(|| {
                detail(&details, &["deletemarkerversionid", "xamzversionid"]).map(str::to_owned)
            })
        });
        Self { key, target, mark, marker_version_id: marker_version_id.flatten() }
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
