//! What S3 does with uploads and deletes, by the versioning of the bucket. It knows no requests,
//! no clocks and no sources.

use super::acts::Named;
use crate::domain::Kind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versioning {
    Never,
    Enabled,
    /// Was enabled once: there may be versions with ids below the null version.
    Suspended,
}

/// One version of a key, or a marker; the id of a null version is `null`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) is_marker: bool,
}

/// What a delete did.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) kind: Kind,
    /// The id of the marker that was made.
    pub(super) marker: Option<String>,
    /// Whether there was anything to remove, or a marker was made.
    pub(super) is_any: bool,
    /// Whether what was removed was a marker with an id.
    pub(super) is_undelete: bool,
}

const NULL: &str = "null";

/// Stores an object on top. Its version id, when it has one; `new_id` is used if it is needed.
pub(super) fn store(
    versions: &mut Vec<Stored>,
    versioning: Versioning,
    new_id: String,
) -> Option<String> {
    let id = put_on_top(versions, versioning, new_id, false);
    (id != NULL).then_some(id)
}

/// Deletes what the caller named; S3 accepts it whether or not it is there.
pub(super) fn delete(
    versions: &mut Vec<Stored>,
    versioning: Versioning,
    named: &Named,
    new_id: String,
) -> Effect {
    match (named, versioning) {
        (Named::Nothing, Versioning::Enabled | Versioning::Suspended) => Effect {
            kind: Kind::Marker,
            marker: Some(put_on_top(versions, versioning, new_id, true)),
            is_any: true,
            is_undelete: false,
        },
        (Named::Nothing | Named::Null, _) => {
            let found = take(versions, NULL);
            let is_any = found.is_some();
            Effect { kind: Kind::Object, marker: None, is_any, is_undelete: false }
        }
        (Named::Version(id), _) => {
            let found = take(versions, id);
            let is_undelete = found.as_ref().is_some_and(|found| found.is_marker);
            Effect { kind: Kind::Version, marker: None, is_any: found.is_some(), is_undelete }
        }
    }
}

fn put_on_top(
    versions: &mut Vec<Stored>,
    versioning: Versioning,
    new_id: String,
    is_marker: bool,
) -> String {
    let id = match versioning {
        Versioning::Enabled => new_id,
        Versioning::Never | Versioning::Suspended => {
            take(versions, NULL);
            NULL.to_owned()
        }
    };
    versions.push(Stored { id: id.clone(), is_marker });
    id
}

fn take(versions: &mut Vec<Stored>, id: &str) -> Option<Stored> {
    let found = versions.iter().position(|stored| stored.id == id)?;
    Some(versions.remove(found))
}
