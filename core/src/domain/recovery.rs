//! How a removed object can be got back, and the commands that do it. It knows what evidence tells
//! of a key, and never what S3 still holds.

mod command;
#[cfg(test)]
mod tests;

use super::{Created, Kind, Removal, Said, Target, Timestamp};

pub use self::command::{S3Call, shell_quoted};

/// What else is known of the key of a removal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aftermath<'a> {
    /// Writes of the key before the removal, in any order.
    pub written: &'a [Created],
    /// The versions that were removed by their ids, at whatever time, markers too.
    pub removed_versions: &'a [String],
    /// When the marker that this removal made was taken away.
    pub undone_at: Option<Timestamp>,
}

/// How an object can be got back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing is lost: a delete marker was taken away, and what it hid is there again.
    IsBack,
    /// Nothing is lost any more: the delete marker was taken away at this time.
    Undone(Timestamp),
    /// The marker hides what is still there; with it goes the removal.
    RemoveMarker {
        /// The version id of the marker.
        marker: String,
        /// A version that it hides, if a write of one is known.
        version: Option<KnownVersion>,
    },
    /// The same, when no source tells the marker's id.
    FindMarker,
    /// What was removed is gone for good; this version of the key was not removed since.
    CopyVersion(KnownVersion),
    /// A version is gone for good; whether there are others S3 can tell.
    FindVersion,
    /// Gone for good, unless there is a copy of it elsewhere.
    Gone,
    /// No source tells whether it is gone for good; S3 can.
    AskS3,
}

/// A version that was written and not removed since, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownVersion {
    /// Its id.
    pub id: String,
    /// When it was written.
    pub written_at: Timestamp,
}

/// One step of the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, as a sentence without its full stop.
    pub does: &'static str,
    /// The command line, quoted for a POSIX shell.
    pub command: String,
}

impl Recovery {
    /// How what this removal took away can be got back.
    #[must_use]
    pub fn of(removal: &Removal, said: &Said, known: Aftermath<'_>) -> Self {
        if said.is_undelete {
            return Self::IsBack;
        }
        let version = newest_kept(removal, known);
        match (removal.kind, version) {
            (Kind::Marker, version) => match (known.undone_at, &removal.marker_version_id) {
                (Some(at), _) => Self::Undone(at),
                (None, Some(marker)) => Self::RemoveMarker { marker: marker.clone(), version },
                (None, None) => Self::FindMarker,
            },
            (_, Some(version)) => Self::CopyVersion(version),
            (Kind::Version, None) => Self::FindVersion,
            (Kind::Object, None) => Self::Gone,
            (Kind::Unknown, None) => Self::AskS3,
        }
    }

    /// The answer in a sentence.
    #[must_use]
    pub const fn sentence(&self) -> &'static str {
        match self {
            Self::IsBack => {
                "Nothing was lost: a delete marker was taken away, and what it had hidden is \
                 there again."
            }
            Self::Undone(_) => "It was got back: the delete marker that hid it was taken away.",
            Self::RemoveMarker { .. } => {
                "It can be got back: a delete marker hides it, and whoever removes the marker \
                 shows it again."
            }
            Self::FindMarker => {
                "It can be got back: a delete marker hides it. No source tells the marker's id, \
                 so look for it first."
            }
            Self::CopyVersion(_) => {
                "What was removed is gone for good, but an earlier version of the key was written \
                 and not removed since, as far as is known. It can be copied back."
            }
            Self::FindVersion => {
                "This version is gone for good. Another version of the key may be left, which S3 \
                 can tell."
            }
            Self::Gone => {
                "It cannot be got back from this bucket: without versioning S3 keeps nothing of a \
                 removed object. Only a copy elsewhere helps: a backup, a replica, or whoever \
                 made it."
            }
            Self::AskS3 => {
                "No source tells whether it is gone for good. S3 can: if the bucket is versioned, \
                 a delete marker or an earlier version is listed."
            }
        }
    }

    /// Whether it can be got back out of the bucket; `None` when that is not known.
    #[must_use]
    pub const fn is_possible(&self) -> Option<bool> {
        match self {
            Self::IsBack
            | Self::Undone(_)
            | Self::RemoveMarker { .. }
            | Self::FindMarker
            | Self::CopyVersion(_) => Some(true),
            Self::FindVersion | Self::AskS3 => None,
            Self::Gone => Some(false),
        }
    }

    /// What to do, one thing after the other; several ways where there are several.
    #[must_use]
    pub fn steps(&self, bucket: &str, key: &str) -> Vec<Step> {
        let step = |does, call: S3Call<'_>| Step { does, command: call.to_string() };
        let list = |does| step(does, S3Call::ListVersions { bucket, key });
        match self {
            Self::IsBack | Self::Undone(_) | Self::Gone => Vec::new(),
            Self::RemoveMarker { marker, version } => {
                let remove = S3Call::DeleteVersion { bucket, key, version_id: marker };
                let mut steps = vec![step("Remove the delete marker", remove)];
                if let Some(version) = version {
                    let does = "Or put a copy of the hidden version on top, so that the removal \
                                stays in the history of the key";
                    steps.extend(copy_back(does, bucket, key, version));
                }
                steps
            }
            Self::FindMarker => vec![
                list("Look for the delete marker (IsLatest true) among the versions"),
                step(
                    "Remove it by its id",
                    S3Call::DeleteVersion { bucket, key, version_id: "ID-OF-THE-MARKER" },
                ),
            ],
            Self::CopyVersion(version) => {
                copy_back("Copy the earlier version back", bucket, key, version)
            }
            Self::FindVersion | Self::AskS3 => {
                vec![list("Ask S3 which versions and delete markers of the key there are")]
            }
        }
    }
}

/// The newest version that was written before and not removed by its id, so that it is still there
/// unless a lifecycle rule took it away unseen.
fn newest_kept(removal: &Removal, known: Aftermath<'_>) -> Option<KnownVersion> {
    let taken = match &removal.target {
        Target::Version(id) => Some(id),
        Target::Current | Target::Unknown => None,
    };
    let kept = known.written.iter().filter_map(|write| {
        let id = write.version_id.as_ref()?;
        let is_gone = Some(id) == taken || known.removed_versions.contains(id);
        (!is_gone && write.moment.at <= removal.moment().latest())
            .then(|| KnownVersion { id: id.clone(), written_at: write.moment.at })
    });
    kept.max_by(|a, b| (a.written_at, &a.id).cmp(&(b.written_at, &b.id)))
}

fn copy_back(does: &'static str, bucket: &str, key: &str, version: &KnownVersion) -> Vec<Step> {
    let version_id = &version.id;
    let copy = S3Call::CopyVersion { bucket, key, version_id };
    if copy.is_unambiguous() {
        return vec![Step { does, command: copy.to_string() }];
    }
    let (get, put) = (S3Call::GetVersion { bucket, key, version_id }, S3Call::Put { bucket, key });
    vec![
        Step { does, command: get.to_string() },
        Step { does: "Then write it back", command: put.to_string() },
    ]
}
