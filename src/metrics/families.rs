//! The process-local families. The doc comment of a field is the HELP text of its family, so that
//! both say the same. It knows nothing of who moves them.

use prometheus::core::Collector;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

use super::{Described, DurableTotals, Kind, MetricsError};

/// From a millisecond to a minute: a step of the work on one object.
const STEP_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// From a second to a day, dense around CloudTrail's usual 2 to 20 minutes.
const DELAY_SECONDS: &[f64] = &[
    1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1200.0, 1800.0, 3600.0, 7200.0,
    21600.0, 86400.0,
];

macro_rules! families {
    ($(
        $(#[doc = $help:literal])+
        $field:ident: $of:ident = $name:literal [$($label:literal),*] $(in $buckets:expr)?;
    )+) => {
        /// Every family of the program, for those who count. Label values are given in the order
        /// of the labels in the contract; a `source` is `Source::as_str`.
        #[expect(clippy::doc_markdown, reason = "HELP is plain text")]
        pub struct Metrics {
            pub(super) registry: Registry,
            pub(super) durable: DurableTotals,
            $($(#[doc = $help])+ pub $field: $of,)+
        }

        /// What the fields of [`Metrics`] are to those who scrape.
        pub(super) const PROCESS_LOCAL: &[Described] = &[$(Described {
            name: $name,
            help: concat!($($help),+).trim_ascii(),
            kind: <$of as Local>::KIND,
            labels: &[$($label),*],
            is_durable: false,
        }),+];

        impl Metrics {
            /// All families in a new registry, without a series yet.
            pub(super) fn registered() -> Result<Self, MetricsError> {
                let build = || -> prometheus::Result<Self> {
                    let metrics = Self {
                        registry: Registry::new(),
                        durable: DurableTotals::new()?,
                        $($field: Local::build(
                            $name,
                            concat!($($help),+).trim_ascii(),
                            &[$($label),*],
                            <[&[f64]]>::concat(&[$($buckets)?]),
                        )?,)+
                    };
                    $(metrics.registry.register(Box::new(metrics.$field.clone()))?;)+
                    metrics.registry.register(Box::new(metrics.durable.clone()))?;
                    #[cfg(target_os = "linux")]
                    metrics.registry.register(Box::new(
                        prometheus::process_collector::ProcessCollector::for_self(),
                    ))?;
                    Ok(metrics)
                };
                build().map_err(MetricsError::Register)
            }
        }
    };
}

families! {
    /// 1 while a finding is open, 0 when it is resolved or withdrawn; bucket is empty when it is
    /// about an account as a whole.
    finding_active: IntGaugeVec = "deltrail_finding_active" ["detector", "bucket", "severity"];
    /// Series of what is usual, of buckets and of principals in them, that were dropped from memory
    /// for others, the least recently used ones first; they are learnt again when they are needed.
    baselines_evicted: IntCounter = "deltrail_baselines_evicted_total" [];
    /// Messages received from the queue, redeliveries included.
    messages_received: IntCounterVec = "deltrail_messages_received_total" ["queue"];
    /// Messages deleted from the queue after everything in them was committed or counted.
    messages_acknowledged: IntCounterVec = "deltrail_messages_acknowledged_total" ["queue"];
    /// Failures by reason: of messages, which were left in the queue to be tried again or moved to
    /// the dead-letter queue, and of calls to receive messages.
    messages_failed: IntCounterVec = "deltrail_messages_failed_total" ["queue", "reason"];
    /// Messages in the queue as SQS estimates them: visible, in_flight (received, not yet deleted)
    /// or delayed.
    queue_messages: IntGaugeVec = "deltrail_queue_messages" ["queue", "state"];
    /// Age of the oldest message that is known here, from its SentTimestamp: received and not yet
    /// deleted, or left in the queue to come again.
    oldest_message_age: GaugeVec = "deltrail_oldest_message_age_seconds" ["queue"];
    /// Messages in the dead-letter queue of this queue as SQS estimates them.
    dead_letter_messages: IntGaugeVec = "deltrail_dead_letter_messages" ["queue"];
    /// 1 if the queue has a redrive policy, 0 if it has none or that could not be read yet: then a
    /// message that cannot be read is moved to the reject table at receive --poison-after.
    queue_redrive_policy: IntGaugeVec = "deltrail_queue_redrive_policy" ["queue"];
    /// Log objects that were committed, were a duplicate of a committed one, were skipped (by
    /// reason in deltrail_rejected_total), or failed.
    log_objects: IntCounterVec = "deltrail_log_objects_total" ["source", "result"];
    /// Records of log objects that were evidence of a delete, ignored as being about something
    /// else, or rejected; of other sources, events in messages.
    records: IntCounterVec = "deltrail_records_total" ["source", "result"];
    /// What was not taken in, by reason. Whole log objects that were skipped have the reasons
    /// digest, insight, network_activity, aggregated, folder, zero_byte, no_records and missing;
    /// all other reasons are of what could not be understood or is not allowed.
    rejected: IntCounterVec = "deltrail_rejected_total" ["source", "reason"];
    /// Digests that --verify-digests verified, and the log files that they name, by verdict:
    /// verified, or what is wrong.
    verified_files: IntCounterVec = "deltrail_verified_files_total" ["kind", "verdict"];
    /// Bytes of log objects as fetched.
    compressed_bytes: IntCounterVec = "deltrail_compressed_bytes_total" ["source"];
    /// Bytes of log objects after inflating.
    inflated_bytes: IntCounterVec = "deltrail_inflated_bytes_total" ["source"];
    /// Messages received and not yet settled by this process.
    in_flight_messages: IntGauge = "deltrail_in_flight_messages" [];
    /// Log objects being fetched or decoded by this process.
    in_flight_objects: IntGauge = "deltrail_in_flight_objects" [];
    /// Bytes of the memory budget that are reserved.
    in_flight_bytes: IntGauge = "deltrail_in_flight_bytes" [];
    /// Decode threads at work.
    workers_busy: IntGauge = "deltrail_workers_busy" [];
    /// Time to fetch one log object, until its last byte.
    fetch: Histogram = "deltrail_fetch_seconds" [] in STEP_SECONDS;
    /// Time to inflate and parse one log object, without waiting for its bytes.
    decode: Histogram = "deltrail_decode_seconds" [] in STEP_SECONDS;
    /// Time to commit one batch to the store, waiting for its turn included.
    commit: Histogram = "deltrail_commit_seconds" [] in STEP_SECONDS;
    /// Time from an event to the commit of its evidence here.
    event_delay: HistogramVec = "deltrail_event_delay_seconds" ["source"] in DELAY_SECONDS;
    /// Time from the newest event of a log object to the writing of that object, or from an event
    /// to the sending of its notification.
    delivery_delay: HistogramVec = "deltrail_delivery_delay_seconds" ["source"] in DELAY_SECONDS;
    /// When the last thing of this source arrived, as a Unix time.
    last_delivery_timestamp: GaugeVec = "deltrail_last_delivery_timestamp_seconds" ["source"];
    /// Up to when everything of this source is believed to be known, as a Unix time: the lowest of
    /// its accounts and regions.
    watermark_timestamp: GaugeVec = "deltrail_watermark_timestamp_seconds" ["source"];
    /// Accepted DeleteObjects calls of which no source named a key, once they are settled.
    unresolved_bulk_deletes: IntGaugeVec = "deltrail_unresolved_bulk_deletes" ["bucket"];
    /// Settled removals without S3's own word, in buckets whose notifications were seen in the 24 h
    /// before.
    unconfirmed_removals: IntGaugeVec = "deltrail_unconfirmed_removals" ["bucket"];
    /// Keys of declared deletes that were not removed at or after their time, once settled.
    unfulfilled_intents: IntGaugeVec = "deltrail_unfulfilled_intents" ["bucket"];
    /// Removals in the newest 5 minutes of event time that all sources are complete for.
    settled_removals: IntGaugeVec = "deltrail_settled_removals" ["bucket"];
    /// The end of those 5 minutes, as a Unix time.
    settled_window_end: GaugeVec = "deltrail_settled_window_end_timestamp_seconds" [];
    /// Latencies that were not observed, because the end lies before the start (negative) or more
    /// than an hour after it (over_1h).
    latency_discarded: IntCounterVec = "deltrail_latency_discarded_total" ["reason"];
    /// Size of the store on disk.
    store_bytes: IntGauge = "deltrail_store_bytes" [];
    /// Free space on the disk of the store; receiving stops below 64 MiB.
    store_free_bytes: IntGauge = "deltrail_store_free_bytes" [];
    /// Connections and requests that a listener did not take, by reason: too_many_connections,
    /// too_often, too_large, too_slow or not_allowed.
    http_refused: IntCounterVec = "deltrail_http_refused_total" ["listener", "reason"];
    /// Buckets that are counted as bucket "other", because the limit of labelled buckets is
    /// reached.
    label_overflow: IntCounter = "deltrail_label_overflow_total" [];
    /// Always 1; the labels say what is running.
    build_info: IntGaugeVec = "deltrail_build_info" ["version", "revision", "rustc"];
}

/// A kind of family that lives in this process.
trait Local: Collector + Sized {
    const KIND: Kind;
    fn build(
        name: &str,
        help: &str,
        labels: &[&str],
        bucket_bounds: Vec<f64>,
    ) -> prometheus::Result<Self>;
}

macro_rules! local {
    ($(
        $of:ident is $kind:ident:
            |$name:ident, $help:ident, $labels:pat_param, $bounds:pat_param| $build:expr;
    )+) => {
        $(impl Local for $of {
            const KIND: Kind = Kind::$kind;
            fn build(
                $name: &str,
                $help: &str,
                $labels: &[&str],
                $bounds: Vec<f64>,
            ) -> prometheus::Result<Self> {
                $build
            }
        })+
    };
}

local! {
    IntCounter is Counter: |name, help, _, _| Self::new(name, help);
    IntCounterVec is Counter: |name, help, labels, _| Self::new(Opts::new(name, help), labels);
    IntGauge is Gauge: |name, help, _, _| Self::new(name, help);
    IntGaugeVec is Gauge: |name, help, labels, _| Self::new(Opts::new(name, help), labels);
    GaugeVec is Gauge: |name, help, labels, _| Self::new(Opts::new(name, help), labels);
    Histogram is Histogram: |name, help, _, bounds| {
        Self::with_opts(HistogramOpts::new(name, help).buckets(bounds))
    };
    HistogramVec is Histogram: |name, help, labels, bounds| {
        Self::new(HistogramOpts::new(name, help).buckets(bounds), labels)
    };
}
