//! What Prometheus is told: every family with its HELP text, the registry that holds them, and the
//! durable totals beside them. It opens no socket, reads no store and never says where a number
//! comes from.

mod durable;
mod families;
mod heartbeat;
mod labels;

use std::collections::BTreeMap;
use std::time::Instant;

use prometheus::TextEncoder;

pub use durable::{DurableTotals, TOTAL_HELD_BACK_MAX};
pub use families::Metrics;
pub use heartbeat::Heartbeat;
pub use labels::{HttpRefusal, ObjectResult, QueueState, RecordResult, SkipReason};

use deltrail_core::domain::{DiscardedLatency, Family, Part, Series, Source, Timestamp};

/// The `reason` of facts that are older than what the store keeps.
pub const TOO_OLD: &str = "too_old";

/// What went wrong with the metrics themselves.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// Two families collide, or a name is not a Prometheus name: a defect of this program.
    #[error("cannot register the metrics: {0}; this is a defect, please report it")]
    Register(#[source] prometheus::Error),
    /// The families cannot be written as text: a defect of this program.
    #[error("cannot write the metrics as text: {0}; this is a defect, please report it")]
    Encode(#[source] prometheus::Error),
}

impl MetricsError {
    /// Never: trying again meets the same defect.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }
}

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Grows and falls.
    Gauge,
    /// Observations in buckets.
    Histogram,
}

impl Kind {
    /// The word of the TYPE line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A family as its users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// The name, `deltrail_...`.
    pub name: &'static str,
    /// The HELP text.
    pub help: &'static str,
    /// The type.
    pub kind: Kind,
    /// The label names.
    pub labels: &'static [&'static str],
    /// Whether it lives in the store and continues over restarts.
    pub is_durable: bool,
}

/// Every `deltrail_` family of this version, durable and process-local, by name. `process_*` comes
/// on top.
#[must_use]
pub fn described() -> Vec<Described> {
    let mut all = families::PROCESS_LOCAL.to_vec();
    all.extend(Family::ALL.into_iter().map(durable::describe));
    all.sort_unstable_by_key(|family| family.name);
    all
}

impl Metrics {
    /// All families, registered, with the series of closed label sets at 0.
    ///
    /// # Errors
    /// When two families collide, which the tests exclude.
    pub fn new() -> Result<Self, MetricsError> {
        let metrics = Self::registered()?;
        metrics.start_closed_sets_at_zero();
        let version = env!("CARGO_PKG_VERSION");
        let revision = option_env!("DELTRAIL_REVISION").unwrap_or("unknown");
        let rustc = env!("DELTRAIL_RUSTC");
        metrics.build_info.with_label_values(&[version, revision, rustc]).set(1);
        Ok(metrics)
    }

    /// Gives a queue its series at 0, so that the first message is an increase.
    pub fn expect_queue(&self, queue: &str) {
        self.messages_received.with_label_values(&[queue]);
        self.messages_acknowledged.with_label_values(&[queue]);
        self.queue_redrive_policy.with_label_values(&[queue]);
    }

    /// Gives reasons for rejects from `source`, and for facts that are too old, their series at 0.
    pub fn expect_rejects<'a>(&self, source: Source, reasons: impl IntoIterator<Item = &'a str>) {
        for reason in reasons.into_iter().chain([TOO_OLD]) {
            self.rejected.with_label_values(&[source.as_str(), reason]);
        }
    }

    /// Notes that something of this source arrived at `at`.
    pub fn note_delivery(&self, source: Source, at: Timestamp) {
        let seconds = at.as_millis() as f64 / 1e3;
        self.last_delivery_timestamp.with_label_values(&[source.as_str()]).set(seconds);
    }

    /// Counts latencies that were not observed, by reason.
    pub fn discard_latencies(&self, discarded: &BTreeMap<DiscardedLatency, u64>) {
        for (reason, count) in discarded {
            self.latency_discarded.with_label_values(&[reason.as_str()]).inc_by(*count);
        }
    }

    /// Counts facts that were skipped, because what is so old was forgotten.
    pub fn count_too_old(&self, skipped: &BTreeMap<Source, u64>) {
        for (source, count) in skipped {
            self.rejected.with_label_values(&[source.as_str(), TOO_OLD]).inc_by(*count);
        }
    }

    /// Counts a log object that was skipped, as such and by its reason.
    pub fn skip_object(&self, source: Source, reason: SkipReason) {
        let source = source.as_str();
        self.log_objects.with_label_values(&[source, ObjectResult::Skipped.as_str()]).inc();
        self.rejected.with_label_values(&[source, reason.as_str()]).inc();
    }

    /// Takes newer totals from the store. The first call is for what the store held when it was
    /// opened, and must come before the first commit.
    pub fn publish(&self, totals: impl IntoIterator<Item = (Series, Part, i64)>, now: Instant) {
        self.durable.publish(totals, now);
    }

    /// Every family in the text format, as a scrape at this moment sees it.
    ///
    /// # Errors
    /// When the text cannot be written, which no label value can cause.
    pub fn render(&self) -> Result<String, MetricsError> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(MetricsError::Encode)
    }

    fn start_closed_sets_at_zero(&self) {
        let source = Source::CloudTrail.as_str();
        for result in ObjectResult::ALL {
            self.log_objects.with_label_values(&[source, result.as_str()]);
        }
        for result in RecordResult::ALL {
            self.records.with_label_values(&[source, result.as_str()]);
        }
        for reason in SkipReason::ALL {
            self.rejected.with_label_values(&[source, reason.as_str()]);
        }
        for reason in [DiscardedLatency::Negative, DiscardedLatency::OverOneHour] {
            self.latency_discarded.with_label_values(&[reason.as_str()]);
        }
        self.compressed_bytes.with_label_values(&[source]);
        self.inflated_bytes.with_label_values(&[source]);
        self.event_delay.with_label_values(&[source]);
        self.delivery_delay.with_label_values(&[source]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Instant;

    use deltrail_core::domain::{Family, Part, Series, Source, Timestamp};

    use super::{HttpRefusal, Kind, Metrics, QueueState, SkipReason, described};

    /// The names that are promised. A change here is a change of the contract.
    const PROMISED: [&str; 47] = [
        "deltrail_backfilled_removals_total",
        "deltrail_baselines_evicted_total",
        "deltrail_build_info",
        "deltrail_commit_seconds",
        "deltrail_compressed_bytes_total",
        "deltrail_corrections_total",
        "deltrail_dead_letter_messages",
        "deltrail_decode_seconds",
        "deltrail_delete_requests_total",
        "deltrail_delivery_delay_seconds",
        "deltrail_duplicate_delete_requests_total",
        "deltrail_event_delay_seconds",
        "deltrail_fetch_seconds",
        "deltrail_finding_active",
        "deltrail_findings_total",
        "deltrail_http_refused_total",
        "deltrail_in_flight_bytes",
        "deltrail_in_flight_messages",
        "deltrail_in_flight_objects",
        "deltrail_inflated_bytes_total",
        "deltrail_label_overflow_total",
        "deltrail_last_delivery_timestamp_seconds",
        "deltrail_latency_discarded_total",
        "deltrail_log_objects_total",
        "deltrail_messages_acknowledged_total",
        "deltrail_messages_failed_total",
        "deltrail_messages_received_total",
        "deltrail_objects_removed_total",
        "deltrail_oldest_message_age_seconds",
        "deltrail_queue_messages",
        "deltrail_queue_redrive_policy",
        "deltrail_records_total",
        "deltrail_rejected_total",
        "deltrail_removals_by_kind_total",
        "deltrail_removals_confirmed_total",
        "deltrail_request_to_delete_latency_seconds",
        "deltrail_settled_removals",
        "deltrail_settled_window_end_timestamp_seconds",
        "deltrail_stale_deletes_total",
        "deltrail_store_bytes",
        "deltrail_store_free_bytes",
        "deltrail_unconfirmed_removals",
        "deltrail_unfulfilled_intents",
        "deltrail_unresolved_bulk_deletes",
        "deltrail_verified_files_total",
        "deltrail_watermark_timestamp_seconds",
        "deltrail_workers_busy",
    ];

    #[test]
    fn the_promised_families_are_described_and_no_others() {
        let names: Vec<_> = described().iter().map(|family| family.name).collect();
        assert_eq!(names, PROMISED);
    }

    #[test]
    fn names_keep_the_conventions_of_prometheus() {
        for family in described() {
            let is_total = family.name.ends_with("_total");
            assert_eq!(is_total, family.kind == Kind::Counter, "{}", family.name);
            assert!(family.help.ends_with('.') && !family.help.starts_with(' '), "{}", family.name);
        }
    }

    #[test]
    fn series_have_the_labels_that_are_described() {
        let metrics = Metrics::new().unwrap();
        metrics.publish([removed("images", 1)], Instant::now());
        metrics.expect_queue("trail");
        metrics.messages_failed.with_label_values(&["trail", "gone"]);
        metrics.finding_active.with_label_values(&["mass_delete", "images", "critical"]);
        metrics.verified_files.with_label_values(&["digest", "verified"]);
        metrics.http_refused.with_label_values(&["ops", HttpRefusal::TooSlow.as_str()]);
        metrics.queue_messages.with_label_values(&["trail", QueueState::Visible.as_str()]);
        metrics.oldest_message_age.with_label_values(&["trail"]);
        metrics.dead_letter_messages.with_label_values(&["trail"]);
        metrics.last_delivery_timestamp.with_label_values(&[Source::CloudTrail.as_str()]);
        metrics.watermark_timestamp.with_label_values(&[Source::CloudTrail.as_str()]);
        metrics.settled_window_end.with_label_values::<&str>(&[]);
        for by_bucket in [
            &metrics.unresolved_bulk_deletes,
            &metrics.unconfirmed_removals,
            &metrics.unfulfilled_intents,
            &metrics.settled_removals,
        ] {
            by_bucket.with_label_values(&["images"]);
        }
        let exported = metrics.registry.gather();
        for family in described().iter().filter(|family| !family.is_durable) {
            let series = exported.iter().find(|exported| exported.name() == family.name).unwrap();
            let labels =
                series.get_metric()[0].get_label().iter().map(prometheus::proto::LabelPair::name);
            let labels: BTreeSet<_> = labels.collect();
            assert_eq!(labels, family.labels.iter().copied().collect(), "{}", family.name);
        }
    }

    #[test]
    fn no_sample_bears_a_time_of_its_own() {
        let metrics = Metrics::new().unwrap();
        metrics.publish([removed("images", 1)], Instant::now());
        metrics.note_delivery(Source::CloudTrail, Timestamp::from_millis(1_795_428_000_000));
        let text = metrics.render().unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let after_labels = line.rsplit('}').next().unwrap_or_default();
            let words = after_labels.split_whitespace().count();
            assert_eq!(words, if line.contains('}') { 1 } else { 2 }, "{line}");
        }
    }

    #[test]
    fn a_scrape_of_a_new_daemon_has_closed_sets_at_zero_and_the_process() {
        let text = Metrics::new().unwrap().render().unwrap();
        for line in [
            "deltrail_log_objects_total{result=\"committed\",source=\"cloudtrail\"} 0",
            "deltrail_records_total{result=\"evidence\",source=\"cloudtrail\"} 0",
            "deltrail_rejected_total{reason=\"digest\",source=\"cloudtrail\"} 0",
            "deltrail_latency_discarded_total{reason=\"over_1h\"} 0",
            "deltrail_in_flight_bytes 0",
            "# TYPE deltrail_commit_seconds histogram",
        ] {
            assert!(text.lines().any(|at| at == line), "no line {line:?} in\n{text}");
        }
        assert!(text.contains(&format!("version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))));
        assert!(text.contains("process_start_time_seconds"));
    }

    #[test]
    fn a_help_text_appears_once_for_each_family() {
        let metrics = Metrics::new().unwrap();
        metrics.publish([removed("logs", 1)], Instant::now());
        metrics.expect_queue("trail");
        let text = metrics.render().unwrap();
        let mut helped: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '))
            .map(|(name, _)| name)
            .collect();
        let all = helped.len();
        helped.dedup();
        assert_eq!(helped.len(), all);
        assert!(helped.contains(&"deltrail_objects_removed_total"));
        assert!(helped.contains(&"deltrail_messages_received_total"));
    }

    #[test]
    fn a_label_value_cannot_break_its_line() {
        let metrics = Metrics::new().unwrap();
        metrics.publish([removed("a\"b\n# TYPE evil", 3)], Instant::now());
        let text = metrics.render().unwrap();
        let line = r#"deltrail_objects_removed_total{bucket="a\"b\n# TYPE evil"} 3"#;
        assert!(text.lines().any(|at| at == line), "{text}");
    }

    #[test]
    fn help_names_every_reason_to_skip() {
        let rejected = "deltrail_rejected_total";
        let help = described().into_iter().find(|family| family.name == rejected).unwrap().help;
        assert!(SkipReason::ALL.iter().all(|reason| help.contains(reason.as_str())), "{help}");
    }

    #[test]
    fn a_skipped_object_is_counted_with_its_reason() {
        let metrics = Metrics::new().unwrap();
        metrics.skip_object(Source::CloudTrail, SkipReason::ZeroByte);
        let text = metrics.render().unwrap();
        assert!(text.contains("rejected_total{reason=\"zero_byte\",source=\"cloudtrail\"} 1\n"));
        assert!(text.contains("log_objects_total{result=\"skipped\",source=\"cloudtrail\"} 1\n"));
    }

    fn removed(bucket: &str, count: i64) -> (Series, Part, i64) {
        let series = Series { family: Family::ObjectsRemoved, labels: vec![bucket.to_owned()] };
        (series, Part::Value, count)
    }
}
