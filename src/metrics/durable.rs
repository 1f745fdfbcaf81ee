//! The families that live in the store, as Prometheus sees them: one collector over a snapshot of
//! the store's totals. It does not know the store.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deltrail_core::domain::{Family, LATENCY_BUCKETS_MS, Part, Series};
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Counter, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::{Described, Kind};

/// How long a new series may show 0 while nobody scrapes it.
pub const TOTAL_HELD_BACK_MAX: Duration = Duration::from_mins(1);

/// The durable totals that are exported. Clones share them.
///
/// A series that comes into being while the program runs shows 0 until it was scraped once, so
/// that `increase()` sees its first burst. What is shown never falls.
#[derive(Clone)]
pub struct DurableTotals(Arc<Shared>);

struct Shared {
    descriptions: Vec<Desc>,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    is_opened: bool,
    series: BTreeMap<Series, Total>,
}

#[derive(Default)]
struct Total {
    /// Since when the series is held at 0; none once it was scraped.
    held_back_since: Option<Instant>,
    parts: BTreeMap<Part, i64>,
}

impl DurableTotals {
    /// No totals yet.
    pub(super) fn new() -> prometheus::Result<Self> {
        let descriptions = Family::ALL.into_iter().map(|family| {
            let labels = family.label_names().iter().map(|&name| name.to_owned()).collect();
            Desc::new(family.name().into(), help(family).into(), labels, HashMap::new())
        });
        let descriptions = descriptions.collect::<prometheus::Result<_>>()?;
        Ok(Self(Arc::new(Shared { descriptions, shown: Mutex::default() })))
    }

    /// Takes newer totals. The series of the first call were there before the program, and show
    /// their value at once. Totals that were read earlier than the last ones change nothing.
    pub fn publish(&self, totals: impl IntoIterator<Item = (Series, Part, i64)>, now: Instant) {
        let mut shown = self.shown();
        let held_back_since = shown.is_opened.then_some(now);
        for (series, part, amount) in totals {
            let new = || Total { held_back_since, ..Total::default() };
            let total = shown.series.entry(series).or_insert_with(new);
            let known = total.parts.entry(part).or_default();
            *known = amount.max(*known);
        }
        shown.is_opened = true;
    }

    /// What a scrape at `now` sees. It counts as the first scrape of the series it shows as 0.
    #[must_use]
    pub fn scrape(&self, now: Instant) -> Vec<MetricFamily> {
        let mut families: BTreeMap<Family, Vec<Metric>> = BTreeMap::new();
        for (series, total) in &mut self.shown().series {
            let since = total.held_back_since.take();
            let is_held_back = since
                .is_some_and(|since| now.saturating_duration_since(since) < TOTAL_HELD_BACK_MAX);
            let zero = BTreeMap::new();
            let parts = if is_held_back { &zero } else { &total.parts };
            families.entry(series.family).or_default().push(metric(series, parts));
        }
        families.into_iter().map(|(family, metrics)| metric_family(family, metrics)).collect()
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for DurableTotals {
    fn desc(&self) -> Vec<&Desc> {
        self.0.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.scrape(Instant::now())
    }
}

/// A durable family as its users see it.
pub(super) const fn describe(family: Family) -> Described {
    let labels = family.label_names();
    Described {
        name: family.name(),
        help: help(family),
        kind: kind(family),
        labels,
        is_durable: true,
    }
}

const fn kind(family: Family) -> Kind {
    match family {
        Family::RequestToDeleteLatency => Kind::Histogram,
        Family::DeleteRequests
        | Family::ObjectsRemoved
        | Family::RemovalsByKind
        | Family::RemovalsConfirmed
        | Family::BackfilledRemovals
        | Family::DuplicateDeleteRequests
        | Family::StaleDeletes
        | Family::Corrections
        | Family::Findings => Kind::Counter,
    }
}

const fn help(family: Family) -> &'static str {
    match family {
        Family::DeleteRequests => {
            "Delete requests, each once, by API and outcome (ok, denied, failed)."
        }
        Family::ObjectsRemoved => {
            "Removals, each once whatever its evidence, counted when learnt: \
             S3 accepted a delete of this key and version by one request."
        }
        Family::RemovalsByKind => {
            "Removals by kind (object, version, marker, unknown) and cause (api, lifecycle), \
             counted when the kind is known; unknown is counted when it is settled."
        }
        Family::RemovalsConfirmed => {
            "Removals that S3 itself confirmed by a notification, EventBridge or an access log."
        }
        Family::RequestToDeleteLatency => {
            "Time that a delete took, by what it is measured on: of a request, service (endTime less \
             startTime of the CloudTrail record) and access_log (Total Time); of a key, confirmed \
             (its notification less the start of its request) and intent (its removal less when it \
             was declared)."
        }
        Family::BackfilledRemovals => {
            "Removals that were learnt by scan, and are counted nowhere else."
        }
        Family::DuplicateDeleteRequests => {
            "Second requests for a key and version that was removed within 10 minutes before and \
             not made anew between, counted when settled."
        }
        Family::StaleDeletes => {
            "Removals of a key within the stale window after an upload that had replaced it, counted \
             when settled."
        }
        Family::Corrections => {
            "Counted or settled facts that later evidence changed, by what was changed."
        }
        Family::Findings => {
            "Findings, each once, by detector, severity when found, and mode (live, dry_run)."
        }
    }
}

fn metric_family(family: Family, metrics: Vec<Metric>) -> MetricFamily {
    let mut exported = MetricFamily::default();
    exported.set_name(family.name().to_owned());
    exported.set_help(help(family).to_owned());
    exported.set_field_type(match kind(family) {
        Kind::Counter => MetricType::COUNTER,
        Kind::Gauge => MetricType::GAUGE,
        Kind::Histogram => MetricType::HISTOGRAM,
    });
    exported.set_metric(metrics);
    exported
}

fn metric(series: &Series, parts: &BTreeMap<Part, i64>) -> Metric {
    let names = series.family.label_names();
    let labels = names.iter().zip(&series.labels).map(|(&name, value)| {
        let mut label = LabelPair::default();
        label.set_name(name.to_owned());
        label.set_value(value.clone());
        label
    });
    let mut metric = Metric::from_label(labels.collect());
    if kind(series.family) == Kind::Histogram {
        metric.set_histogram(histogram(parts));
    } else {
        let mut counter = Counter::default();
        counter.set_value(amount(parts, Part::Value) as f64);
        metric.set_counter(counter);
    }
    metric
}

/// Prometheus counts each observation in every bucket that holds it, in seconds; the store counts
/// it in one bucket, in milliseconds.
fn histogram(parts: &BTreeMap<Part, i64>) -> Histogram {
    let mut count = 0;
    let mut buckets = Vec::with_capacity(LATENCY_BUCKETS_MS.len());
    for (index, bound_millis) in (0_u8..).zip(LATENCY_BUCKETS_MS) {
        count += amount(parts, Part::Bucket(index));
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound_millis as f64 / 1000.0);
        bucket.set_cumulative_count(count);
        buckets.push(bucket);
    }
    let past_last = u8::try_from(LATENCY_BUCKETS_MS.len()).unwrap_or(u8::MAX);
    let beyond = parts.range(Part::Bucket(past_last)..=Part::Bucket(u8::MAX));
    count += beyond.map(|(&part, _)| amount(parts, part)).sum::<u64>();
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets);
    histogram.set_sample_count(count);
    histogram.set_sample_sum(amount(parts, Part::SumMillis) as f64 / 1000.0);
    histogram
}

fn amount(parts: &BTreeMap<Part, i64>, part: Part) -> u64 {
    parts.get(&part).map_or(0, |&amount| u64::try_from(amount).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use deltrail_core::domain::{Family, Part, Series};
    use prometheus::TextEncoder;

    use super::{DurableTotals, TOTAL_HELD_BACK_MAX};

    const SCRAPE_INTERVAL: Duration = Duration::from_secs(15);

    fn removed(bucket: &str, count: i64) -> (Series, Part, i64) {
        let series = Series { family: Family::ObjectsRemoved, labels: vec![bucket.to_owned()] };
        (series, Part::Value, count)
    }

    fn scraped(totals: &DurableTotals, now: Instant) -> Vec<f64> {
        let families = totals.scrape(now);
        let metrics = families.iter().flat_map(prometheus::proto::MetricFamily::get_metric);
        metrics.map(|metric| metric.get_counter().get_value()).collect()
    }

    #[test]
    fn what_the_store_held_at_the_start_is_shown_at_once() {
        let (totals, now) = (DurableTotals::new().unwrap(), Instant::now());
        totals.publish([removed("logs", 7)], now);
        assert_eq!(scraped(&totals, now), [7.0]);
    }

    #[test]
    fn a_new_series_is_zero_for_its_first_scrape() {
        let (totals, now) = (DurableTotals::new().unwrap(), Instant::now());
        totals.publish([], now);
        totals.publish([removed("logs", 500)], now);
        assert_eq!(scraped(&totals, now), [0.0]);
        totals.publish([removed("logs", 501)], now + SCRAPE_INTERVAL);
        assert_eq!(scraped(&totals, now + SCRAPE_INTERVAL), [501.0]);
    }

    #[test]
    fn a_new_series_nobody_scrapes_is_held_back_for_a_minute_at_most() {
        let (totals, now) = (DurableTotals::new().unwrap(), Instant::now());
        totals.publish([], now);
        totals.publish([removed("logs", 500)], now);
        assert_eq!(scraped(&totals, now + TOTAL_HELD_BACK_MAX), [500.0]);
    }

    #[test]
    fn a_known_bucket_keeps_its_value_while_a_new_one_is_held_back() {
        let (totals, now) = (DurableTotals::new().unwrap(), Instant::now());
        totals.publish([removed("first", 3)], now);
        totals.publish([removed("first", 4), removed("second", 9)], now);
        assert_eq!(scraped(&totals, now), [4.0, 0.0]);
        assert_eq!(scraped(&totals, now), [4.0, 9.0]);
    }

    #[test]
    fn totals_that_were_read_earlier_and_arrive_later_show_nothing_less() {
        let (totals, now) = (DurableTotals::new().unwrap(), Instant::now());
        totals.publish([removed("logs", 10)], now);
        totals.publish([removed("logs", 8)], now);
        totals.publish([], now);
        assert_eq!(scraped(&totals, now), [10.0]);
    }

    #[test]
    fn latencies_are_exported_in_seconds_and_cumulative() {
        let (totals, now) = (DurableTotals::new().unwrap(), Instant::now());
        let labels = vec!["logs".to_owned(), "service".to_owned()];
        let series = Series { family: Family::RequestToDeleteLatency, labels };
        let part = |part, amount| (series.clone(), part, amount);
        totals.publish(
            [
                part(Part::Bucket(0), 2),
                part(Part::Bucket(2), 1),
                part(Part::Bucket(17), 1),
                part(Part::SumMillis, 3_600_030),
            ],
            now,
        );
        let text = TextEncoder::new().encode_to_string(&totals.scrape(now)).unwrap();
        let name = "deltrail_request_to_delete_latency_seconds";
        let labels = "bucket=\"logs\",basis=\"service\"";
        for line in [
            format!("# TYPE {name} histogram"),
            format!("{name}_bucket{{{labels},le=\"0.005\"}} 2"),
            format!("{name}_bucket{{{labels},le=\"0.01\"}} 2"),
            format!("{name}_bucket{{{labels},le=\"0.025\"}} 3"),
            format!("{name}_bucket{{{labels},le=\"3600\"}} 3"),
            format!("{name}_bucket{{{labels},le=\"+Inf\"}} 4"),
            format!("{name}_sum{{{labels}}} 3600.03"),
            format!("{name}_count{{{labels}}} 4"),
        ] {
            assert!(text.lines().any(|at| at == line), "no line {line:?} in\n{text}");
        }
    }
}
