//! What a committed object tells the process-local metrics. It decides nothing.

use deltrail_core::decode::Summary;
use deltrail_core::domain::{Source, Timestamp};
use prometheus::IntGauge;

use super::Ingest;
use super::decoding::Tally;
use crate::metrics::{ObjectResult, RecordResult};
use crate::store::CommitReport;

/// The event times of one delivery: of what waits of a log object, or of one message.
pub(super) struct Delivered {
    pub(super) times: Vec<Timestamp>,
    /// When the object was written or the message sent.
    pub(super) written_at: Option<Timestamp>,
}

/// Raises a gauge while something is in flight.
pub(super) struct InFlight(IntGauge);

impl InFlight {
    pub(super) fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Ingest {
    /// Counts what became of the records and bytes of one object.
    pub(super) fn observe_object(&self, source: Source, tally: &Tally, summary: &Summary) {
        let rejected = tally.rejected_records(summary);
        self.count_records(source, RecordResult::Evidence, tally.evidence);
        self.count_records(source, RecordResult::Ignored, tally.ignored);
        self.count_records(source, RecordResult::Rejected, rejected);
        for (reason, count) in &tally.rejected {
            self.count_rejects(source, reason.as_str(), *count);
        }
        let label = [source.as_str()];
        self.metrics.compressed_bytes.with_label_values(&label).inc_by(summary.compressed_bytes);
        self.metrics.inflated_bytes.with_label_values(&label).inc_by(summary.inflated_bytes);
    }

    /// Observes the delays of evidence of which some was new: from each event to now, and from the
    /// newest one of each delivery to its writing.
    pub(super) fn observe_delays(&self, source: Source, deliveries: &[Delivered]) {
        let label = [source.as_str()];
        let now = self.now();
        let event_delay = self.metrics.event_delay.with_label_values(&label);
        let delivery_delay = self.metrics.delivery_delay.with_label_values(&label);
        for Delivered { times, written_at } in deliveries {
            for &at in times {
                event_delay.observe(seconds_between(at, now));
            }
            if let (Some(&newest), Some(written_at)) = (times.iter().max(), *written_at) {
                delivery_delay.observe(seconds_between(newest, written_at));
            }
        }
    }

    /// Notes that something of this source arrived now.
    pub(super) fn observe_delivery(&self, source: Source) {
        self.metrics.note_delivery(source, self.now());
    }

    /// Passes on what a commit could not count.
    pub(super) fn observe_commit(&self, report: &CommitReport) {
        self.metrics.discard_latencies(&report.discarded_latencies);
        self.metrics.count_too_old(&report.too_old);
        self.metrics.label_overflow.inc_by(report.label_overflow);
    }

    pub(super) fn count_object(&self, source: Source, result: ObjectResult) {
        let labels = [source.as_str(), result.as_str()];
        self.metrics.log_objects.with_label_values(&labels).inc();
    }

    pub(super) fn count_records(&self, source: Source, result: RecordResult, count: u64) {
        let labels = [source.as_str(), result.as_str()];
        self.metrics.records.with_label_values(&labels).inc_by(count);
    }

    pub(super) fn count_rejects(&self, source: Source, reason: &str, count: u64) {
        self.metrics.rejected.with_label_values(&[source.as_str(), reason]).inc_by(count);
    }
}

/// Seconds from one time to a later one; a clock that runs ahead gives none.
fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.millis_since(earlier).max(0) as f64 / 1e3
}
