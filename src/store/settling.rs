//! What is asked for when facts are to be settled, and what came of it. It knows no database.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{Detector, DiscardedLatency, Severity, Source, Timestamp};

/// One source in one account and region: what a watermark belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceKey {
    /// The source.
    pub source: Source,
    /// The account; empty when not said.
    pub account: String,
    /// The region; empty when not said.
    pub region: String,
}

/// What waits to be read is of one of these sources; of which, shows when it is read.
pub type OneOf = BTreeSet<SourceKey>;

/// Whose watermarks may not move now, because what they have delivered still waits to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Holds {
    /// Nobody's.
    #[default]
    None,
    /// Everybody's.
    All,
    /// These ones'; and everybody's when the store was never told anything by any of them, because
    /// then nobody knows what they may tell of.
    These(BTreeSet<OneOf>),
}

/// Whose watermarks stay, whichever writer of the store asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// Everybody's.
    All,
    /// These ones', and where they stand, in milliseconds.
    These(BTreeMap<SourceKey, Option<i64>>),
}

impl Held {
    /// Nobody's watermark.
    pub(super) const NONE: Self = Self::These(BTreeMap::new());

    pub(super) fn holds(&self, key: &SourceKey) -> bool {
        match self {
            Self::All => true,
            Self::These(keys) => keys.contains_key(key),
        }
    }
}

/// A request to settle what may be settled.
#[derive(Debug, Clone)]
pub struct Settle {
    /// What time it is.
    pub now: Timestamp,
    /// Whose watermarks stay.
    pub holds: Holds,
    /// How soon after a write that replaced an object its removal is stale, in milliseconds.
    pub stale_window_millis: i64,
    /// Whether what was learnt from files of the past is settled whatever the watermarks say: when
    /// all files have been read, no more of it will come.
    pub settles_backfill: bool,
}

/// What was settled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettleReport {
    /// Facts.
    pub settled: u64,
    /// Whether there is more to settle at once.
    pub has_more: bool,
    /// Latencies that were not observed, and why.
    pub discarded_latencies: BTreeMap<DiscardedLatency, u64>,
}

/// What gauges show of the store as a whole; `bucket` labels are those of the totals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Settled bulk deletes with no key known from any source, by bucket label.
    pub unresolved_bulk_deletes: BTreeMap<String, u64>,
    /// Settled removals without S3's word where S3 tells of the bucket, by bucket label.
    pub unconfirmed_removals: BTreeMap<String, u64>,
    /// Settled keys of intents that nothing fulfilled, by bucket label.
    pub unfulfilled_intents: BTreeMap<String, u64>,
    /// The end of the newest 5 minutes that all sources are complete for, and the removals in them
    /// by bucket label.
    pub settled_window: Option<(Timestamp, BTreeMap<String, u64>)>,
    /// The lowest watermark of each source.
    pub watermarks: BTreeMap<Source, Timestamp>,
    /// Live findings that are open: detector, bucket label (empty: the account) and severity.
    pub open_findings: BTreeSet<(Detector, String, Severity)>,
    /// When each source last delivered anything.
    pub last_deliveries: BTreeMap<Source, Timestamp>,
}
