//! How those are who tell of deletions: what a store answers about its sources as a whole. It asks
//! nothing.

use deltrail_core::domain::{Source, Timestamp};

use super::Completeness;

/// How those are who tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceHealth {
    /// Every source, and up to when all of them are complete.
    pub completeness: Completeness,
    /// Bulk deletes of which no source tells a key, by bucket: the 20 buckets with most of them.
    pub unresolved: Vec<(String, u64)>,
    /// The last 20 things that could not be understood, the newest first.
    pub rejects: Vec<RejectRow>,
}

/// Something that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectRow {
    /// When it was met.
    pub at: Timestamp,
    /// Of which source.
    pub source: Source,
    /// Why, one of a closed set of words.
    pub reason: String,
    /// Why, for people.
    pub detail: String,
    /// The log object that it is in: its bucket and key.
    pub log_object: Option<(String, String)>,
    /// Where it is in there, from 0.
    pub record_index: Option<i64>,
    /// The queue that it came from.
    pub queue: Option<String>,
    /// The message that it came in.
    pub message_id: Option<String>,
}
