//! What a scan came to, for those who tell it. It reads nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use deltrail_core::domain::Timestamp;

/// Failures that are told one by one; the rest is counted.
const FAILED_MAX: usize = 1_000;

/// What a scan came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanReport {
    /// Files that were read and committed; objects of S3 are among the files here and below.
    pub files_read: u64,
    /// Files that an earlier scan had committed.
    pub duplicates: u64,
    /// Files that were left out, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Files, folders and lists of S3 that could not be read, by reason.
    pub failed: BTreeMap<&'static str, u64>,
    /// The first thousand of those.
    pub failures: Vec<Failed>,
    /// Records of the files that were read that are evidence.
    pub evidence: u64,
    /// Records about something else.
    pub ignored: u64,
    /// Records that could not be understood.
    pub rejected: u64,
    /// Those, and what is wrong with files as a whole, by reason.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Those that were skipped, because what is so old was forgotten.
    pub too_old: u64,
    /// Removals that nobody had told of before.
    pub removals: u64,
    /// The earliest and the latest event time of the evidence.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Bytes of the files that were read.
    pub compressed_bytes: u64,
    /// Bytes of what they inflate to.
    pub inflated_bytes: u64,
    /// How long it took.
    pub took: Duration,
    /// Whether it ended before all files were looked at; the next scan goes on from there.
    pub is_cut_short: bool,
}

/// A file, folder or list that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Which one: a path, or `s3://BUCKET/KEY`.
    pub path: String,
    /// Why, one of a closed set of words.
    pub reason: &'static str,
    /// Why, for people.
    pub message: String,
}

impl ScanReport {
    /// Whether every file that was named is in the store, or is none that belongs there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && !self.is_cut_short
    }

    pub(super) fn skip(&mut self, reason: &'static str) {
        *self.skipped.entry(reason).or_default() += 1;
    }

    pub(super) fn fail(&mut self, failed: Failed) {
        let Failed { path, reason, message } = &failed;
        tracing::warn!(path, reason, "{message}");
        *self.failed.entry(reason).or_default() += 1;
        if self.failures.len() < FAILED_MAX {
            self.failures.push(failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FAILED_MAX, Failed, ScanReport};

    #[test]
    fn every_failure_is_counted_and_only_so_many_are_held() {
        let mut report = ScanReport::default();
        assert!(report.is_complete());
        for n in 0..=FAILED_MAX {
            let message = "it is something else".to_owned();
            report.fail(Failed { path: format!("/logs/{n}"), reason: "not_gzip", message });
        }
        assert_eq!(report.failed["not_gzip"], FAILED_MAX as u64 + 1);
        assert_eq!(report.failures.len(), FAILED_MAX);
        assert!(!report.is_complete());
    }
}
