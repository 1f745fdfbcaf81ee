//! Numbers by the names and labels under which `/metrics` shows them: what was scraped and what the
//! truth is have the same shape. It computes neither.

use std::collections::{BTreeMap, BTreeSet};

use crate::emulator::Scrape;
use crate::world::Counts;

/// Families that count, with the labels that are compared.
const COUNTED: [(&str, &[&str]); 14] = [
    ("deltrail_delete_requests_total", &["bucket", "api", "outcome"]),
    ("deltrail_objects_removed_total", &["bucket"]),
    ("deltrail_removals_by_kind_total", &["bucket", "kind", "cause"]),
    ("deltrail_removals_confirmed_total", &["bucket"]),
    ("deltrail_duplicate_delete_requests_total", &["bucket"]),
    ("deltrail_stale_deletes_total", &["bucket"]),
    ("deltrail_corrections_total", &["reason"]),
    ("deltrail_unresolved_bulk_deletes", &["bucket"]),
    ("deltrail_unconfirmed_removals", &["bucket"]),
    ("deltrail_unfulfilled_intents", &["bucket"]),
    (LOG_OBJECTS, &["result"]),
    (RECORDS, &["source", "result"]),
    (DISCARDED, &["reason"]),
    ("deltrail_rejected_total", &["source", "reason"]),
];
/// What each process counts for itself, as it does rejects.
pub const LOG_OBJECTS: &str = "deltrail_log_objects_total";
pub const RECORDS: &str = "deltrail_records_total";
pub const DISCARDED: &str = "deltrail_latency_discarded_total";
const LATENCY: &str = "deltrail_request_to_delete_latency_seconds";
const BASES: [&str; 4] = ["service", "access_log", "confirmed", "intent"];
const WATERMARK: &str = "deltrail_watermark_timestamp_seconds";
const WINDOW_END: &str = "deltrail_settled_window_end_timestamp_seconds";
const SOURCES: [&str; 4] = ["cloudtrail", "s3_notification", "eventbridge", "access_log"];

/// Numbers by family and labels; none is zero. Times are in milliseconds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Figures(BTreeMap<(String, Vec<String>), u64>);

impl Figures {
    /// Adds to a number.
    pub fn add(&mut self, family: &str, labels: &[&str], amount: u64) {
        if amount > 0 {
            let labels = labels.iter().map(|&label| label.to_owned()).collect();
            *self.0.entry((family.to_owned(), labels)).or_default() += amount;
        }
    }

    /// Adds counts of one family.
    pub fn add_all(&mut self, family: &str, counts: &Counts) {
        for (labels, amount) in counts {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            self.add(family, &labels, *amount);
        }
    }

    /// Observes a latency.
    pub fn observe(&mut self, bucket: &str, basis: &str, millis: i64) {
        self.add(&format!("{LATENCY}_count"), &[bucket, basis], 1);
        self.add(&format!("{LATENCY}_sum"), &[bucket, basis], u64::try_from(millis).unwrap());
    }

    /// Sets the watermarks of sources, in milliseconds, and what follows from them: the end of the
    /// newest whole five minutes before the lowest.
    pub fn set_watermarks(&mut self, watermarks: &BTreeMap<&'static str, i64>) {
        let window_millis = 300_000;
        let lowest = *watermarks.values().min().unwrap();
        let mut set = |family: &str, labels: &[&str], millis: i64| {
            self.add(family, labels, u64::try_from(millis).unwrap());
        };
        set(WINDOW_END, &[], lowest.div_euclid(window_millis) * window_millis);
        for (source, millis) in watermarks {
            set(WATERMARK, &[source], *millis);
        }
    }

    /// The names and labels of all numbers.
    pub fn series(&self) -> impl Iterator<Item = (String, Vec<String>)> {
        self.0.keys().cloned()
    }

    /// Leaves out what a process has discarded in an earlier life.
    pub fn begin_anew(&mut self) {
        self.0.retain(|(family, _), _| family != DISCARDED);
    }

    /// What `/metrics` says.
    pub fn of(scrape: &Scrape) -> Self {
        let mut figures = Self::default();
        for (family, labels) in COUNTED {
            figures.add_all(family, &scrape.counts(family, labels));
        }
        let latencies = format!("{LATENCY}_count");
        figures.add_all(&latencies, &scrape.counts(&latencies, &["bucket", "basis"]));
        let sums = format!("{LATENCY}_sum");
        for labels in scrape.counts(&latencies, &["bucket", "basis"]).keys() {
            let pairs = [("bucket", labels[0].as_str()), ("basis", labels[1].as_str())];
            assert!(BASES.contains(&pairs[1].1), "{labels:?}");
            figures.add(&sums, &[pairs[0].1, pairs[1].1], millis(scrape.sum(&sums, &pairs)));
        }
        for source in SOURCES {
            let watermark = scrape.sum(WATERMARK, &[("source", source)]);
            figures.add(WATERMARK, &[source], millis(watermark));
        }
        figures.add(WINDOW_END, &[], millis(scrape.sum(WINDOW_END, &[])));
        figures
    }

    /// Every number in which `self`, which was seen, differs from what was expected.
    pub fn difference(&self, expected: &Self) -> String {
        let names: BTreeSet<_> = self.0.keys().chain(expected.0.keys()).collect();
        let number = |figures: &Self, name| figures.0.get(name).copied().unwrap_or_default();
        let differing = names.into_iter().filter_map(|name| {
            let (seen, expected) = (number(self, name), number(expected, name));
            (seen != expected)
                .then(|| format!("{}{:?}: seen {seen}, expected {expected}", name.0, name.1))
        });
        differing.collect::<Vec<_>>().join("\n")
    }
}

fn millis(seconds: f64) -> u64 {
    // The sum of no series is a negative zero.
    format!("{:.0}", 1000.0 * (seconds + 0.0)).parse().unwrap()
}
