//! The store: an adapter that keeps evidence, what is derived from it, the ledger of log objects
//! and the durable totals. It knows the core and nothing else of ours: not where evidence comes
//! from, nor who looks at the figures.
//!
//! Commit, then count, then acknowledge: [`Store::commit`] answers after one transaction holds the
//! evidence, the difference it made to requests and removals, the totals and the ledger row. The
//! same batch again changes nothing, so whatever was not acknowledged may be committed again.
//!
//! [`Store`] is the face, and [`Reader`] that of a store which somebody else writes. Behind them
//! `running` and `writer` bring work to the database, `tables` holds every statement of it, and
//! `session` is what a statement is run on; `sqlite` and `postgres` are the databases. What does
//! not depend on a database (`batch`, `change`, `figures`, `query`, `words`) lies beside them.

mod answers;
mod batch;
mod bounded;
mod change;
mod detection;
mod error;
mod figures;
mod finding;
mod location;
mod postgres;
mod query;
mod reader;
mod retention;
mod running;
#[cfg(test)]
pub(crate) mod scene;
mod session;
mod settling;
mod slices;
mod sqlite;
mod summary;
mod tables;
mod words;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use deltrail_core::domain::{Removal, Source};

pub use self::batch::{
    Batch, CommitReport, LedgerCounts, LedgerEntry, LedgerKey, LedgerResult, LedgerState, Origin,
    ProofOfLife, Reject, StoredFact,
};
pub use self::detection::{
    Announcing, Cells, Configured, Delivery, DeliveryEnd, DeliveryState, DueDay, Expected,
    FindingFilter, FindingRow, Findings, Found, Informed, Observations, Traces, Written,
};
pub use self::error::StoreError;
pub use self::figures::{RowCounts, StoreSize, Total};
pub use self::location::{Location, LocationError};
pub use self::postgres::{PostgresAddress, ServerDurability, server_durability};
pub use self::query::{
    Completeness, Cursor, DeletionFilter, DeletionName, DeletionRow, Deletions, IntentState,
    KeyHistory, KeyIntent, KeyQuestion, LogObject, Looking, Only, Piece, PrincipalPattern,
    RecordPlace, Refusal, RefusedKey, RejectRow, RemovalEvidence, Repeated, Replacement,
    RequestHistory, RequestRow, SourceHealth, SourceState, UnresolvedCall, Within,
};
pub use self::reader::Reader;
pub use self::retention::{FORGET_MARGIN_MILLIS, Forget, ForgetReport, Sweep};
pub use self::settling::{Gauges, Holds, OneOf, Settle, SettleReport, SourceKey};
pub use self::summary::{
    Bar, BucketSummary, LatencySummary, OpenFindings, PrefixSummary, PrincipalSummary, Sample,
    Summary, SummaryCounts, SummaryFilter,
};

/// An empty database that several stores may share, for tests; `None` without a server, which has
/// been said then.
#[cfg(test)]
pub(crate) use self::tables::shared_database;

use self::running::RunningStore;

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    /// Where it is.
    pub location: Location,
    /// The name of this writer's shard of the totals: the same over restarts, and no other running
    /// program's.
    pub writer: String,
    /// How many buckets have a metric label of their own; the others are counted as `other`.
    pub labelled_buckets_max: usize,
    /// How many writes of keys are kept at most; the oldest are forgotten first.
    pub creations_max: usize,
    /// Whether a bucket has a latency histogram of its own.
    pub is_important: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("location", &self.location)
            .field("writer", &self.writer)
            .field("labelled_buckets_max", &self.labelled_buckets_max)
            .field("creations_max", &self.creations_max)
            .finish_non_exhaustive()
    }
}

/// A store. Clones are handles on the same one.
#[derive(Debug, Clone)]
pub struct Store(Arc<RunningStore>);

impl Store {
    /// Opens a store, makes it where it is missing, and brings its tables to this version. Blocks
    /// for the time of a migration.
    ///
    /// # Errors
    /// Whatever makes it unusable: a missing directory, no permission, a file of something else, a
    /// damaged one, one that another program has locked, a full disk.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        RunningStore::open(options).map(|store| Self(Arc::new(store)))
    }

    /// Commits a batch, all of it or nothing, together with others that wait; returns when it is on
    /// the disk. Waits while too many rows of other batches are waiting.
    ///
    /// # Errors
    /// When nothing of it was kept. After a transient error the same batch may be committed again.
    pub async fn commit(&self, batch: Batch) -> Result<CommitReport, StoreError> {
        self.0.commit(batch).await
    }

    /// Moves watermarks and settles what no source can tell more of: judged, said and counted once.
    /// A part at a time; ask again while there is more.
    ///
    /// # Errors
    /// When nothing of it was kept.
    pub async fn settle(&self, ask: Settle) -> Result<SettleReport, StoreError> {
        self.0.settle(ask).await
    }

    /// Forgets a part of what is old, and notes from when on evidence is learnt: older facts are
    /// skipped by commits from then on, whoever asks for what later. Ask again with what comes next
    /// until nothing does. Totals stay.
    ///
    /// # Errors
    /// When nothing of it was kept.
    pub async fn forget(&self, ask: Forget) -> Result<ForgetReport, StoreError> {
        self.0.forget(ask).await
    }

    /// What gauges show of the store as a whole.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn gauges(&self) -> Result<Gauges, StoreError> {
        self.0.gauges().await
    }

    /// Which kind of log this object is, if all of it has been committed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn committed_as(&self, key: &LedgerKey) -> Result<Option<Source>, StoreError> {
        self.0.committed_as(key.clone()).await
    }

    /// The durable totals, summed over all writers of the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn totals(&self) -> Result<Vec<Total>, StoreError> {
        self.0.totals().await
    }

    /// Rows per table.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn row_counts(&self) -> Result<RowCounts, StoreError> {
        self.0.row_counts().await
    }

    /// The removals of one key, sorted by identity; the empty key holds those of unknown keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn removals(&self, bucket: &str, key: &str) -> Result<Vec<Removal>, StoreError> {
        self.0.removals(bucket.to_owned(), key.to_owned()).await
    }

    /// What was heard of every source, account and region.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sources(&self) -> Result<Vec<ProofOfLife>, StoreError> {
        self.0.sources().await
    }

    /// How much room it takes and how much is left. Asks the file system only.
    ///
    /// # Errors
    /// When the file system does not answer.
    pub fn size(&self) -> Result<StoreSize, StoreError> {
        self.0.size()
    }

    /// When the writer last said that it is alive; it does so every second, and before each group.
    #[must_use]
    pub fn writer_ticked_at(&self) -> Instant {
        self.0.writer_ticked_at()
    }

    /// Finishes what was sent to be committed, folds the write-ahead log into the database, and
    /// ends the writer. Other handles on the store answer [`StoreError::Closed`] from then on.
    ///
    /// # Errors
    /// When the log could not be folded in: the rows are safe in it all the same.
    pub async fn close(self) -> Result<(), StoreError> {
        self.0.close().await
    }
}
