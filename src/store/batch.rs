//! What is committed together, and what the commit found out. It knows no database.

use std::collections::BTreeMap;

use deltrail_core::domain::{DiscardedLatency, Fact, Provenance, Source, Timestamp, Trace};

use super::settling::SourceKey;

/// One log object at one revision: the same key may be written again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerKey {
    /// The log bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version id, else the etag.
    pub revision: String,
}

/// Everything of one commit: all of it is kept, or nothing.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// What was told, in any order, repetitions allowed.
    pub facts: Vec<StoredFact>,
    /// What was done to keys, if that is wanted; callers without their sessions.
    pub traces: Vec<Trace>,
    /// What could not be understood.
    pub rejects: Vec<Reject>,
    /// The log object that the evidence was read from, when it was read from one.
    pub ledger: Option<LedgerEntry>,
    /// The account and region of the log that the facts were read from, empty when its path says
    /// neither; `None` when they came in messages, and each fact says it itself.
    pub log_of: Option<(String, String)>,
    /// Whether the facts are told as they happen.
    pub provenance: Provenance,
    /// What was heard of the sources.
    pub life: Vec<ProofOfLife>,
}

impl Batch {
    /// How many rows it may write; at least one, so that empty batches are bounded too.
    #[must_use]
    pub fn rows(&self) -> usize {
        let told = self.facts.len() + self.traces.len();
        let rows = told + self.rejects.len() + self.life.len();
        (rows + usize::from(self.ledger.is_some())).max(1)
    }
}

/// A fact and where it can be read again.
#[derive(Debug, Clone)]
pub struct StoredFact {
    /// The fact.
    pub fact: Fact,
    /// Its place in the log object of [`Batch::ledger`], from 0.
    pub record_index: Option<u64>,
}

/// Something that could not be understood.
#[derive(Debug, Clone)]
pub struct Reject {
    /// When it was rejected.
    pub at: Timestamp,
    /// What it claimed to be.
    pub source: Source,
    /// Why, one of a closed set of words: the `reason` label.
    pub reason: String,
    /// Why, for people.
    pub detail: String,
    /// Where it came from. One origin is rejected once per reason, however often it is read.
    pub origin: Origin,
}

/// Where a reject came from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A log object.
    LogObject {
        /// Which one.
        object: LedgerKey,
        /// Which record, from 0; `None` when it is about the whole object.
        record_index: Option<u64>,
    },
    /// A message, which is kept: nothing else holds it once it is acknowledged.
    Message {
        /// The queue's name.
        queue: String,
        /// The message's id.
        message_id: String,
        /// Which record in it, from 0; `None` when it is about the whole message.
        record_index: Option<u64>,
        /// The message, as it was received.
        body: String,
    },
}

/// A log object and how far its reading has come.
#[derive(Debug, Clone)]
pub struct LedgerEntry {
    /// Which one.
    pub key: LedgerKey,
    /// What kind of log it is.
    pub source: Source,
    /// `Reading` for all batches of an object but the last.
    pub state: LedgerState,
}

/// How far the reading of a log object has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerState {
    /// More of it will follow; after a crash it is read again from its start.
    Reading,
    /// All of it is in this batch and those before.
    Done(LedgerResult, LedgerCounts),
}

/// How a log object ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerResult {
    /// It was read and its evidence kept.
    Committed,
    /// There was nothing to read in it.
    Skipped,
}

impl LedgerResult {
    /// The value of the `result` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Skipped => "skipped",
        }
    }
}

/// What was in a log object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerCounts {
    /// Records of any kind.
    pub records: u64,
    /// Records that are evidence.
    pub evidence: u64,
    /// Records about something else.
    pub ignored: u64,
    /// Records that could not be understood.
    pub rejected: u64,
    /// Size as fetched.
    pub compressed_bytes: u64,
    /// Size as read.
    pub inflated_bytes: u64,
}

/// What was heard of one source in one account and region. Times only ever move forward.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProofOfLife {
    /// The source.
    pub source: Source,
    /// The account; empty when not said.
    pub account: String,
    /// The region; empty when not said.
    pub region: String,
    /// The newest event time that was delivered.
    pub newest_event_at: Option<Timestamp>,
    /// When something was last delivered.
    pub last_delivery_at: Option<Timestamp>,
    /// Up to when the source is known to have been alive, events or not (a digest's end time).
    pub proof_of_life_at: Option<Timestamp>,
}

impl ProofOfLife {
    /// Something of this source was delivered at `at`.
    #[must_use]
    pub fn delivered(key: SourceKey, at: Timestamp) -> Self {
        let SourceKey { source, account, region } = key;
        Self {
            source,
            account,
            region,
            newest_event_at: None,
            last_delivery_at: Some(at),
            proof_of_life_at: None,
        }
    }
}

/// What one batch changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitReport {
    /// Facts that were not known.
    pub new_evidence: u64,
    /// Facts that were known already.
    pub repeated_evidence: u64,
    /// Removals that were learnt.
    pub removals: u64,
    /// Facts that were skipped, because what is so old was forgotten.
    pub too_old: BTreeMap<Source, u64>,
    /// Latencies that were not observed, and why.
    pub discarded_latencies: BTreeMap<DiscardedLatency, u64>,
    /// Buckets that are counted as `other` from now on, because too many have a label already.
    pub label_overflow: u64,
    /// Rejects that were not known.
    pub new_rejects: u64,
    /// Whether the log object had been committed by somebody else already.
    pub was_committed: bool,
}
