//! All that is known of one removal: what a store is asked, and what it answers. How that is shown
//! is decided elsewhere.

use deltrail_core::domain::{Aftermath, Created, Evidence, Recovery, Source, Timestamp};

use super::{Completeness, DeletionRow};

/// A removal and everything it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct RemovalEvidence {
    /// The removal.
    pub row: DeletionRow,
    /// What tells of it, and of the call that it was a part of, by source and time.
    pub pieces: Vec<Piece>,
    /// Whether there are more pieces than are told.
    pub has_more_pieces: bool,
    /// Other removals of the same key up to an hour before or after, the newest first.
    pub near: Vec<DeletionRow>,
    /// The newest writes of the key before it, the newest first, as far as still kept.
    pub writes: Vec<Created>,
    /// The first write of the key after it, if one is known.
    pub written_again: Option<Created>,
    /// Versions that were removed by their ids since the oldest of these writes.
    pub removed_versions: Vec<String>,
    /// When the delete marker that it made was taken away.
    pub undone_at: Option<Timestamp>,
    /// How far that may be believed.
    pub completeness: Completeness,
}

impl RemovalEvidence {
    /// How what was removed can be got back, by what is known.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        let known = Aftermath {
            written: &self.writes,
            removed_versions: &self.removed_versions,
            undone_at: self.undone_at,
        };
        Recovery::of(&self.row.removal, &self.row.said, known)
    }

    /// The later removals of the key that repeat this one.
    pub fn repeated_by(&self) -> impl Iterator<Item = &DeletionRow> {
        let identity = self.row.removal.identity.as_str();
        self.near.iter().filter(move |row| row.said.duplicate_of.as_deref() == Some(identity))
    }
}

/// One thing that one source said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it said.
    pub evidence: Evidence,
    /// Where it stands; `None` when it came in a message, which is not kept.
    pub place: Option<RecordPlace>,
}

/// Where a record stands, so that it can be read again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordPlace {
    /// The log object.
    pub object: LogObject,
    /// The position among its records, from 0.
    pub record_index: u64,
}

/// One content of one log object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogObject {
    /// Its bucket; that of a file which `scan` read is no name of one.
    pub bucket: String,
    /// Its key, or the path of a file.
    pub key: String,
    /// Which content of the key: the version id, else the entity tag.
    pub revision: String,
    /// What it holds.
    pub source: Source,
}
