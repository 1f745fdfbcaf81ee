//! What a store answers when it is asked. It knows no database.

use deltrail_core::domain::{Part, Series};

/// One number of a durable family, summed over all writers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// Which series.
    pub series: Series,
    /// Which number of it.
    pub part: Part,
    /// The number: a count, or milliseconds for [`Part::SumMillis`].
    pub value: i64,
}

/// How much room a store takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreSize {
    /// Bytes of the database and its write-ahead log.
    pub bytes: u64,
    /// Bytes that this user may still write to the same disk; `None` for a store in memory.
    pub free_bytes: Option<u64>,
}

/// Rows per table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Slots that were seen.
    pub slots: u64,
    /// Pieces of evidence.
    pub evidence: u64,
    /// Requests.
    pub requests: u64,
    /// Removals.
    pub removals: u64,
    /// Log objects, also those that are still being read.
    pub log_objects: u64,
    /// Rejects.
    pub rejects: u64,
}
