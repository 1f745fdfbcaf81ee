//! A scan: files of this host through the same reading, limits and ledger as log objects that
//! messages name, as history and not as news. It knows no queue, and decides nothing about what a
//! file holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deltrail_core::decode::{LogKey, ObjectRef, RejectReason};
use deltrail_core::domain::{Provenance, Source, Timestamp};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::Ingest;
use super::object::{Handled, ObjectFailure, read_object};
use super::tell::locked;
use crate::metrics::{RecordResult, SkipReason, TOO_OLD};
use crate::objects::{FolderError, Found, LocalFile, Walk};
use crate::store::{Batch, CommitReport, StoredFact};

/// The bucket of files of this host in the ledger. No bucket is called so.
pub(super) const FILES: &str = "file:";

/// Files that were found and that nobody has taken yet.
const FOUND_MAX: usize = 256;
/// Failures that are told one by one; the rest is counted.
const FAILED_MAX: usize = 1_000;

/// What a scan came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanReport {
    /// Files that were read and committed.
    pub files_read: u64,
    /// Files that an earlier scan had committed.
    pub duplicates: u64,
    /// Files that were left out, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Files and folders that could not be read, by reason.
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

/// A file or folder that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Which one.
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

    fn skip(&mut self, reason: &'static str) {
        *self.skipped.entry(reason).or_default() += 1;
    }

    fn fail(&mut self, path: String, reason: &'static str, message: String) {
        tracing::warn!(path, reason, "{message}");
        *self.failed.entry(reason).or_default() += 1;
        if self.failures.len() < FAILED_MAX {
            self.failures.push(Failed { path, reason, message });
        }
    }
}

/// What the commits of a scan found out.
#[derive(Debug, Default)]
pub(super) struct Learnt(Mutex<(u64, Option<Span>)>);

type Span = (Timestamp, Timestamp);

impl Learnt {
    /// Takes note of a commit of facts of this span.
    pub(super) fn note(&self, report: &CommitReport, span: Option<Span>) {
        let (removals, known) = &mut *locked(&self.0);
        *removals += report.removals;
        *known = match (*known, span) {
            (Some(known), Some(span)) => Some((known.0.min(span.0), known.1.max(span.1))),
            (known, span) => known.or(span),
        };
    }
}

impl Ingest {
    /// A batch as it is to be committed, and of history the span of its facts. History is no sign
    /// of life.
    pub(super) fn as_told(&self, batch: Batch) -> (Batch, Option<Span>) {
        if self.options.provenance == Provenance::Live {
            return (batch, None);
        }
        let span = span_of(&batch.facts);
        (Batch { provenance: Provenance::Backfill, life: Vec::new(), ..batch }, span)
    }

    /// Reads all files of `sources`, files and folders, that no earlier scan has read, until
    /// [`Ingest::stop`]. `own_files` are those of the store, which are no logs. Whatever cannot be
    /// read is told and stops nothing else, except for failures of the store.
    pub async fn scan(
        self: &Arc<Self>,
        sources: Vec<PathBuf>,
        own_files: BTreeSet<String>,
    ) -> ScanReport {
        let started_at = Instant::now();
        let mut report = ScanReport::default();
        let mut found = walk(sources);
        let mut reading = JoinSet::new();
        loop {
            let next = tokio::select! {
                () = self.stop.cancelled() => {
                    report.is_cut_short = true;
                    break;
                }
                Some(done) = reading.join_next() => {
                    self.take(done, &mut report);
                    continue;
                }
                next = found.recv(), if reading.len() < self.options.in_flight_objects => next,
            };
            match next {
                None => break,
                Some(Ok(Found::File(file))) if own_files.contains(&file.path) => {
                    report.skip("store");
                }
                Some(Ok(Found::File(file))) => {
                    let ingest = Arc::clone(self);
                    reading.spawn(async move {
                        let result = read_file(&ingest, &file).await;
                        (file.path, result)
                    });
                }
                Some(Ok(Found::Link(_))) => report.skip("link"),
                Some(Ok(Found::Special(_))) => report.skip("no_file"),
                Some(Err(error)) => {
                    let path = error.path().display().to_string();
                    report.fail(path, error.kind(), error.to_string());
                }
            }
        }
        drop(found);
        while let Some(done) = reading.join_next().await {
            self.take(done, &mut report);
        }
        report.took = started_at.elapsed();
        self.sum_up(report)
    }

    /// Takes note of what became of a file.
    fn take(
        &self,
        done: Result<(String, Result<Handled, ObjectFailure>), JoinError>,
        report: &mut ScanReport,
    ) {
        let (path, result) = match done {
            Ok(done) => done,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Nobody cancels them.
            Err(_) => return,
        };
        match result {
            Ok(Handled::Committed(_)) => report.files_read += 1,
            Ok(Handled::Duplicate(_)) => report.duplicates += 1,
            Ok(Handled::Skipped(reason)) => report.skip(reason.as_str()),
            Ok(Handled::WithoutRecords) => report.skip(RejectReason::NoRecords.as_str()),
            Err(failure) => {
                if matches!(failure, ObjectFailure::Store(_)) {
                    // The others would fail for the same reason.
                    self.stop.cancel();
                }
                report.fail(path, failure.reason(), failure.to_string());
            }
        }
    }

    /// Adds what the records and commits of all files came to: the process counts nothing else.
    fn sum_up(&self, mut report: ScanReport) -> ScanReport {
        let metrics = &self.metrics;
        for source in Source::ALL.map(Source::as_str) {
            let of = |result: RecordResult| {
                metrics.records.with_label_values(&[source, result.as_str()]).get()
            };
            report.evidence += of(RecordResult::Evidence);
            report.ignored += of(RecordResult::Ignored);
            report.rejected += of(RecordResult::Rejected);
            report.too_old += metrics.rejected.with_label_values(&[source, TOO_OLD]).get();
            for reason in RejectReason::ALL.map(RejectReason::as_str) {
                let count = metrics.rejected.with_label_values(&[source, reason]).get();
                if count > 0 {
                    *report.rejects.entry(reason).or_default() += count;
                }
            }
            report.compressed_bytes += metrics.compressed_bytes.with_label_values(&[source]).get();
            report.inflated_bytes += metrics.inflated_bytes.with_label_values(&[source]).get();
        }
        (report.removals, report.span) = *locked(&self.learnt.0);
        report
    }
}

/// Walks on a thread of its own, never far ahead of those who read.
fn walk(sources: Vec<PathBuf>) -> mpsc::Receiver<Result<Found, FolderError>> {
    let (sender, found) = mpsc::channel(FOUND_MAX);
    tokio::task::spawn_blocking(move || {
        for one in Walk::through(sources) {
            // Nobody listens any more.
            if sender.blocking_send(one).is_err() {
                return;
            }
        }
    });
    found
}

/// Reads one file, if its name lets it be a log: a copy of a log bucket keeps the names.
async fn read_file(ingest: &Ingest, file: &LocalFile) -> Result<Handled, ObjectFailure> {
    let object = ObjectRef {
        bucket: FILES.to_owned(),
        key: file.path.clone(),
        version_id: Some(file.revision.clone()),
        etag: None,
        size: Some(file.bytes),
        region: None,
        event_at: None,
        source: Source::CloudTrail,
    };
    match LogKey::of(&file.path) {
        LogKey::Log(_) if file.bytes == 0 => Ok(Handled::Skipped(SkipReason::ZeroByte)),
        LogKey::Log(path) => read_object(ingest, &object, &path, false).await,
        LogKey::Digest(_) => Ok(Handled::Skipped(SkipReason::Digest)),
        LogKey::Insight => Ok(Handled::Skipped(SkipReason::Insight)),
        LogKey::NetworkActivity => Ok(Handled::Skipped(SkipReason::NetworkActivity)),
        LogKey::Aggregated => Ok(Handled::Skipped(SkipReason::Aggregated)),
        LogKey::Folder => Ok(Handled::Skipped(SkipReason::Folder)),
    }
}

fn span_of(facts: &[StoredFact]) -> Option<Span> {
    let times = || facts.iter().map(|stored| stored.fact.at());
    times().min().zip(times().max())
}

#[cfg(test)]
mod tests {
    use deltrail_core::domain::Timestamp;

    use super::{FAILED_MAX, Learnt, ScanReport, Span};
    use crate::store::CommitReport;

    #[test]
    fn every_failure_is_counted_and_only_so_many_are_held() {
        let mut report = ScanReport::default();
        assert!(report.is_complete());
        for n in 0..=FAILED_MAX {
            report.fail(format!("/logs/{n}"), "not_gzip", "it is something else".to_owned());
        }
        assert_eq!(report.failed["not_gzip"], FAILED_MAX as u64 + 1);
        assert_eq!(report.failures.len(), FAILED_MAX);
        assert!(!report.is_complete());
    }

    #[test]
    fn the_span_is_that_of_all_commits_whatever_their_order() {
        let span = |from, to| (Timestamp::from_millis(from), Timestamp::from_millis(to));
        let learnt = |spans: &[Option<Span>]| {
            let learnt = Learnt::default();
            for span in spans {
                learnt.note(&CommitReport { removals: 2, ..CommitReport::default() }, *span);
            }
            *learnt.0.lock().unwrap()
        };
        let (early, late) = (Some(span(1, 5)), Some(span(3, 9)));
        assert_eq!(learnt(&[early, None, late]), (6, Some(span(1, 9))));
        assert_eq!(learnt(&[None, late, early]), (6, Some(span(1, 9))));
        assert_eq!(learnt(&[None]), (2, None));
    }
}
