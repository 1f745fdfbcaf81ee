//! What may be asked of a store about deletions, and what it answers. It knows no database, and not
//! how an answer is shown.

mod health;
mod only;
mod paging;
mod principal_pattern;
mod removal;

use std::collections::BTreeSet;
use std::sync::Arc;

use deltrail_core::domain::{
    Actor, Api, Created, Intent, Kind, Outcome, ProtectionChange, Provenance, Removal, Request,
    Said, Source, SourceSet, Target, Timestamp,
};

use super::SourceKey;

pub use self::health::{RejectRow, SourceHealth};
pub use self::only::Only;
pub use self::paging::{Cursor, DeletionName};
pub use self::principal_pattern::PrincipalPattern;
pub use self::removal::{LogObject, Piece, RecordPlace, RemovalEvidence};

/// How what is not settled yet is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looking {
    /// How soon after a write that replaced an object its removal is stale, in milliseconds.
    pub stale_window_millis: i64,
}

/// Which removals to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletionFilter {
    /// Where.
    pub within: Within,
    /// By whom.
    pub principal: Option<PrincipalPattern>,
    /// From this event time on. A removal of a clock of whole seconds may lie up to its end.
    pub since: Option<Timestamp>,
    /// Before this event time.
    pub until: Option<Timestamp>,
    /// By which request.
    pub request_id: Option<String>,
    /// Of what was removed.
    pub kind: Option<Kind>,
    /// Of what is said of them.
    pub only: Option<Only>,
    /// Only those after this place in the list.
    pub after: Option<Cursor>,
    /// How many at most, at least 1; [`DeletionFilter::LIMIT_MAX`] is a sensible upper bound.
    pub limit: usize,
}

impl DeletionFilter {
    /// More rows than this belong into another tool.
    pub const LIMIT_MAX: usize = 10_000;

    /// The bucket, when it is about one.
    #[must_use]
    pub fn bucket(&self) -> Option<&str> {
        match &self.within {
            Within::Everything | Within::Below(_) => None,
            Within::Bucket(bucket) | Within::Prefix { bucket, .. } => Some(bucket),
        }
    }
}

/// Where removals are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Within {
    /// In every bucket.
    Everything,
    /// Among the keys of every bucket that begin so; not empty.
    Below(String),
    /// In this bucket, removals of unknown keys included.
    Bucket(String),
    /// Among the keys of one bucket that begin so.
    Prefix {
        /// The bucket.
        bucket: String,
        /// How the keys begin; not empty.
        prefix: String,
    },
}

/// The removals that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Deletions {
    /// The removals, newest first.
    pub rows: Vec<DeletionRow>,
    /// Whether there are more than the limit.
    pub has_more: bool,
    /// Where the list goes on, when there are more.
    pub next: Option<Cursor>,
    /// The newest keys that were declared to be deleted, and were not, in the same places and
    /// times; none when a principal or a request was asked for, or the list goes on from a place.
    pub unfulfilled: Vec<KeyIntent>,
    /// How far that may be believed.
    pub completeness: Completeness,
}

/// One removal and everything that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeletionRow {
    /// The bucket.
    pub bucket: String,
    /// The key; `None` when no source says which one it was.
    pub key: Option<String>,
    /// The removal.
    pub removal: Removal,
    /// What is said of it.
    pub said: Said,
    /// Whether that is settled; else it is what is known now, and may change.
    pub is_settled: bool,
    /// The removal that it repeats, as far as that is still kept.
    pub repeats: Option<Repeated>,
    /// Of a stale one, what it took away and what that had replaced, as far as still kept.
    pub stale: Option<Replacement>,
    /// The request behind it, where known.
    pub request: Option<Request>,
    /// The declared deletes that it fulfilled.
    pub intents: Vec<KeyIntent>,
    /// Whether it was learnt as it happened.
    pub provenance: Provenance,
}

impl DeletionRow {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> DeletionName {
        self.name_of(&self.removal.identity)
    }

    /// What another removal of the same key is called.
    #[must_use]
    pub fn name_of(&self, identity: &str) -> DeletionName {
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        DeletionName { bucket, key, identity: identity.to_owned() }
    }

    /// From the start of the request to S3's notification, in milliseconds, where both are known.
    #[must_use]
    pub fn confirmed_millis(&self) -> Option<i64> {
        let started_at = self.request.as_ref()?.started_at?;
        Some(self.removal.notified_at?.millis_since(started_at))
    }
}

/// The removal that another one repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// When it was.
    pub at: Timestamp,
    /// By which request.
    pub request_id: Option<String>,
}

/// A write that replaced another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The write.
    pub fresh: Created,
    /// The one that it replaced.
    pub replaced: Created,
}

impl Replacement {
    /// The last two writes before a removal; `None` when they are not both known.
    #[must_use]
    pub fn before(removal: &Removal, writes: Vec<Created>) -> Option<Self> {
        let moment = removal.moment();
        let mut writes: Vec<Created> =
            writes.into_iter().filter(|write| write.moment.order(&moment).is_le()).collect();
        writes.sort_by(|a, b| (a.moment.at, &a.identity).cmp(&(b.moment.at, &b.identity)));
        let fresh = writes.pop()?;
        Some(Self { fresh, replaced: writes.pop()? })
    }
}

/// A declared delete of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyIntent {
    /// The declaration, with this key alone.
    pub intent: Intent,
    /// What came of it.
    pub state: IntentState,
}

/// What came of a declared delete of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentState {
    /// Nothing yet, and it may still come.
    Pending,
    /// The key was removed.
    Fulfilled {
        /// How long that took in milliseconds; `None` by a clock of whole seconds.
        millis: Option<i64>,
    },
    /// Nothing, and nothing will come.
    Unfulfilled,
}

/// A key, or one version of it, that may have been removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyQuestion {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded; not empty.
    pub key: String,
    /// The version, which may be a delete marker.
    pub version_id: Option<String>,
}

/// Everything that tells who removed a key, or why that is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyHistory {
    /// Its removals, newest first.
    pub deletions: Vec<DeletionRow>,
    /// Whether there are older ones.
    pub has_more: bool,
    /// The newest attempts that S3 refused, newest first.
    pub refused: Vec<Refusal>,
    /// Declared deletes of it that nothing fulfilled, newest first.
    pub intents: Vec<KeyIntent>,
    /// Changes of what protects the bucket or tells of its loss, in the 48 h before the newest
    /// removal, else before the newest that is known of the bucket; newest first.
    pub protection_changes: Vec<ProtectionChange>,
    /// The newest bulk deletes of the bucket of which no key is known: it may have been in one.
    pub unresolved_calls: Vec<UnresolvedCall>,
    /// When it was not removed: the newest removals in the bucket of unknown keys.
    pub unknown_keys: Vec<DeletionRow>,
    /// Whether keys below it, as below a folder, were removed.
    pub has_removed_below: bool,
    /// How far that may be believed.
    pub completeness: Completeness,
}

/// A bulk delete that S3 accepted, of which no source tells a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnresolvedCall {
    /// The call.
    pub request: Request,
    /// Whether that is settled; else its keys may still come.
    pub is_settled: bool,
}

/// An attempt to remove a key that S3 refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// The API, when the refused thing was a call of its own and not a key of a bulk call.
    pub api: Option<Api>,
    /// How it ended.
    pub outcome: Outcome,
    /// The error code, where told.
    pub error_code: Option<String>,
    /// The HTTP status, where told.
    pub http_status: Option<u16>,
    /// The version that the caller named.
    pub target: Target,
    /// The request.
    pub request_id: Option<String>,
    /// Which sources say so.
    pub sources: SourceSet,
    /// Who asked.
    pub actor: Arc<Actor>,
}

/// Everything that is known of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestHistory {
    /// The calls of this id: one, unless somebody made ids up.
    pub calls: Vec<RequestRow>,
    /// What it removed, at most 1000 removals, and how far that may be believed.
    pub deletions: Deletions,
    /// The keys of a bulk call that S3 refused, at most 1000, in their order.
    pub refused: Vec<RefusedKey>,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// The call.
    pub request: Request,
    /// Whether it is a bulk call of which no source tells a key, and none will.
    pub is_unresolved: bool,
    /// Whether it was learnt as it happened.
    pub provenance: Provenance,
}

/// A key that S3 refused to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedKey {
    /// The key; `None` when no source says which one it was.
    pub key: Option<String>,
    /// How it was refused.
    pub refusal: Refusal,
}

/// Up to when what is known is complete, and what is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completeness {
    /// The bucket that it is about; `None` for all of them.
    pub bucket: Option<String>,
    /// Up to when everything is known, by what its sources have delivered.
    pub until: Option<Timestamp>,
    /// Whether any write of the bucket was ever told of, without which nothing is stale. False for
    /// all buckets together.
    pub has_creations: bool,
    /// The sources that tell of it.
    pub sources: Vec<SourceState>,
}

impl Completeness {
    /// The sources that tell of it and still do.
    #[must_use]
    pub fn telling(&self) -> BTreeSet<Source> {
        let telling = self.sources.iter().filter(|state| !state.is_silent);
        telling.map(|state| state.key.source).collect()
    }
}

/// One source, account and region, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    /// Which one.
    pub key: SourceKey,
    /// The first event that it told of the bucket; `None` for all buckets together.
    pub oldest_event_at: Option<Timestamp>,
    /// The last event that it told of.
    pub newest_event_at: Option<Timestamp>,
    /// Up to when it is believed to be complete.
    pub watermark_at: Option<Timestamp>,
    /// When it last delivered anything, of whatever bucket.
    pub last_delivery_at: Option<Timestamp>,
    /// Whether it has told nothing for a day while others did, so that nobody waits for it.
    pub is_silent: bool,
}

#[cfg(test)]
mod tests {
    use deltrail_core::domain::{Moment, SourceSet, Timestamp};

    use super::*;
    use crate::store::tables::fixtures::delete;

    fn write(identity: &str, at: i64, sequencer: Option<&str>) -> Created {
        let sequencer = sequencer.map(str::to_owned);
        Created {
            identity: identity.into(),
            moment: Moment { at: Timestamp::from_millis(at), is_coarse: false, sequencer },
            version_id: None,
            sources: SourceSet::default(),
            actor: Actor::default().into(),
        }
    }

    #[test]
    fn what_a_stale_removal_took_away_is_the_last_write_before_it() {
        let mut removal = deltrail_core::domain::fold(&[delete("b", "k", "A")]).remove(0);
        let writes =
            vec![write("late", 1_043, None), write("fresh", 900, None), write("old", 100, None)];
        let found = Replacement::before(&removal, writes.clone()).unwrap();
        assert_eq!((&*found.fresh.identity, &*found.replaced.identity), ("fresh", "old"));
        removal.at = Timestamp::from_millis(500);
        assert_eq!(Replacement::before(&removal, writes), None);
    }

    #[test]
    fn sequencers_decide_which_writes_came_before() {
        let mut removal = deltrail_core::domain::fold(&[delete("b", "k", "A")]).remove(0);
        removal.sequencer = Some("05".into());
        let later_by_its_clock = write("fresh", 1_100, Some("04"));
        let writes = vec![later_by_its_clock, write("old", 100, Some("01"))];
        let found = Replacement::before(&removal, writes).unwrap();
        assert_eq!(found.fresh.identity, "fresh");
    }
}
