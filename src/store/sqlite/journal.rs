//! What a transaction adds up to while it is written: labels, totals, what was heard of the
//! sources, and the report of each batch. What many batches share is written once, at the end.

use std::collections::BTreeMap;
use std::mem;

use deltrail_core::domain::{Delta, DiscardedLatency, Provenance};
use rusqlite::{Connection, Result};

use super::heard::Heard;
use super::totals::{Labels, add_totals};
use crate::store::{CommitReport, Options};

/// The books of one transaction.
pub(super) struct Journal<'a> {
    pub(super) connection: &'a Connection,
    pub(super) provenance: Provenance,
    pub(super) labels: Labels<'a>,
    pub(super) delta: Delta,
    pub(super) heard: Heard<'a>,
    /// The buckets of which a request is known or not, as far as that was asked.
    has_requests: BTreeMap<String, bool>,
    writer: &'a str,
    overflow_before: u64,
    pub(super) report: CommitReport,
}

impl<'a> Journal<'a> {
    pub(super) fn new(connection: &'a Connection, options: &'a Options) -> Self {
        Self {
            connection,
            provenance: Provenance::Live,
            labels: Labels::new(connection, options),
            delta: Delta::default(),
            heard: Heard::default(),
            has_requests: BTreeMap::new(),
            writer: &options.writer,
            overflow_before: 0,
            report: CommitReport::default(),
        }
    }

    /// Begins the part of one batch.
    pub(super) fn begin(&mut self, provenance: Provenance) {
        self.provenance = provenance;
        self.overflow_before = self.labels.overflow;
    }

    /// Ends the part of one batch: what it changed.
    pub(super) fn end(&mut self) -> CommitReport {
        let label_overflow = self.labels.overflow - self.overflow_before;
        CommitReport { label_overflow, ..mem::take(&mut self.report) }
    }

    /// Writes what all batches add up to, before the transaction ends.
    pub(super) fn close(self) -> Result<()> {
        self.heard.write(self.connection)?;
        add_totals(self.connection, self.writer, &self.delta)
    }

    /// Whether any request of this bucket is known: without CloudTrail and access logs there is
    /// none to look for with every notice.
    pub(super) fn knows_requests(&mut self, bucket: &str) -> Result<bool> {
        if let Some(&known) = self.has_requests.get(bucket) {
            return Ok(known);
        }
        let known = self
            .connection
            .prepare_cached("SELECT 1 FROM requests WHERE bucket = ?1 LIMIT 1")?
            .exists([bucket])?;
        self.has_requests.insert(bucket.to_owned(), known);
        Ok(known)
    }

    /// Notes that a request of this bucket is known from now on.
    pub(super) fn note_request(&mut self, bucket: &str) {
        self.has_requests.insert(bucket.to_owned(), true);
    }

    /// Notes why a latency was not observed, if it was not.
    pub(super) fn note_latency(&mut self, observed: std::result::Result<(), DiscardedLatency>) {
        if let Err(reason) = observed {
            *self.report.discarded_latencies.entry(reason).or_default() += 1;
        }
    }

    /// Counts a fact that was or was not in the set before.
    pub(super) const fn note(&mut self, is_new: bool) {
        if is_new {
            self.report.new_evidence += 1;
        } else {
            self.report.repeated_evidence += 1;
        }
    }

    /// Whether what is learnt moves the counters of what happens now.
    pub(super) fn is_live(&self) -> bool {
        self.provenance == Provenance::Live
    }
}
