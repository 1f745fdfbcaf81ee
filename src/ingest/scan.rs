//! A scan: files of this host and objects of S3 through the same reading, limits and ledger as log
//! objects that messages name, as history and not as news. It knows no queue, and decides nothing
//! about what a file holds.

mod progress;
mod report;
mod sources;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use deltrail_core::decode::{LogKey, ObjectRef, RejectReason};
use deltrail_core::domain::{Provenance, Source, Timestamp};
use tokio::task::{JoinError, JoinSet};

pub use progress::{ScanProgress, ScanSnapshot};
pub use report::{Failed, ScanReport};
pub use sources::{ScanOrder, ScanSource};

use super::Ingest;
use super::object::{Handled, ObjectFailure, named, read_object};
use super::patience::patiently;
use super::tell::locked;
use crate::metrics::{RecordResult, SkipReason, TOO_OLD};
use crate::store::{Batch, CommitReport, StoredFact};
use sources::{Find, find};

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

/// An object that was read, or not.
struct Done {
    object: ObjectRef,
    result: Result<Handled, ObjectFailure>,
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

    /// Reads all that an order names and no earlier scan has read, until [`Ingest::stop`]. Whatever
    /// cannot be read is told and stops nothing else, except for failures of the store.
    ///
    /// Beside it everything is listed a second time, to count it: what is read is held in no list,
    /// and nobody could say what is left otherwise. It costs a request for a thousand objects.
    pub async fn scan(
        self: &Arc<Self>,
        order: ScanOrder,
        progress: &Arc<ScanProgress>,
    ) -> ScanReport {
        let started_at = Instant::now();
        let mut report = ScanReport::default();
        let mut found = find(self, &order);
        let counting = tokio::spawn(count(find(self, &order), Arc::clone(progress)));
        let mut reading = JoinSet::new();
        loop {
            let next = tokio::select! {
                () = self.stop.cancelled() => {
                    report.is_cut_short = true;
                    break;
                }
                Some(done) = reading.join_next() => {
                    self.take(done, &mut report, progress);
                    continue;
                }
                next = found.recv(), if reading.len() < self.options.in_flight_objects => next,
            };
            match next {
                None => break,
                Some(Find::Object(object)) => {
                    let ingest = Arc::clone(self);
                    reading.spawn(async move {
                        let result = read_patiently(&ingest, &object).await;
                        Done { object, result }
                    });
                }
                Some(Find::Skipped(reason)) => report.skip(reason),
                Some(Find::Failed(failed)) => report.fail(failed),
                Some(Find::Nothing(place)) => tracing::warn!(
                    place,
                    "no object is there, or none within the bounds of time: check the prefix"
                ),
            }
        }
        drop(found);
        counting.abort();
        while let Some(done) = reading.join_next().await {
            self.take(done, &mut report, progress);
        }
        report.took = started_at.elapsed();
        self.sum_up(report)
    }

    /// Takes note of what became of a file.
    fn take(
        &self,
        done: Result<Done, JoinError>,
        report: &mut ScanReport,
        progress: &ScanProgress,
    ) {
        let Done { object, result } = match done {
            Ok(done) => done,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Nobody cancels them.
            Err(_) => return,
        };
        let is_read = matches!(&result, Ok(Handled::Committed(_) | Handled::WithoutRecords));
        progress.note_done(object.size.filter(|_| is_read).unwrap_or_default());
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
                report.fail(Failed {
                    path: named(&object.bucket, &object.key),
                    reason: failure.reason(),
                    message: failure.to_string(),
                });
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

/// Counts what there is.
async fn count(mut found: tokio::sync::mpsc::Receiver<Find>, progress: Arc<ScanProgress>) {
    let mut is_whole = true;
    while let Some(find) = found.recv().await {
        match find {
            Find::Object(_) => progress.note_found(),
            Find::Skipped(_) | Find::Nothing(_) => {}
            // What comes after it is not known.
            Find::Failed(_) => is_whole = false,
        }
    }
    if is_whole {
        progress.note_all_found();
    }
}

/// Reads an object, and again after a pause while what keeps it from that may pass and nobody says
/// stop.
async fn read_patiently(ingest: &Ingest, object: &ObjectRef) -> Result<Handled, ObjectFailure> {
    let may_pass = |failure: &ObjectFailure| failure.may_pass() && !ingest.stop.is_cancelled();
    patiently(may_pass, || read_found(ingest, object)).await
}

/// Reads one file, if its name lets it be a log: a copy of a log bucket keeps the names.
async fn read_found(ingest: &Ingest, object: &ObjectRef) -> Result<Handled, ObjectFailure> {
    match LogKey::of(&object.key) {
        LogKey::Log(_) if object.size == Some(0) => Ok(Handled::Skipped(SkipReason::ZeroByte)),
        LogKey::Log(path) => read_object(ingest, object, &path, true).await,
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

    use super::{Learnt, Span};
    use crate::store::CommitReport;

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
