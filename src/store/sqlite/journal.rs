//! What a transaction adds up to while it is written: labels, totals, and the report of a batch. It
//! writes no rows of its own but the labels'.

use deltrail_core::domain::{Delta, Provenance};
use rusqlite::Connection;

use super::totals::Labels;
use crate::store::{CommitReport, Options};

/// The books of one transaction's batch.
pub(super) struct Journal<'a> {
    pub(super) connection: &'a Connection,
    pub(super) provenance: Provenance,
    pub(super) labels: Labels<'a>,
    pub(super) delta: Delta,
    pub(super) report: CommitReport,
}

impl<'a> Journal<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        options: &'a Options,
        provenance: Provenance,
    ) -> Self {
        Self {
            connection,
            provenance,
            labels: Labels::new(connection, options),
            delta: Delta::default(),
            report: CommitReport::default(),
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
