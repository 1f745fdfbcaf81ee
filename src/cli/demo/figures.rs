//! The figures of a played day: what `/metrics` has to say, from what really happened, beside what
//! it does say. It knows the families by name and counts nothing itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::sandbox::delivery::Written;
use crate::sandbox::scenario::{ByBucket, Truth};

/// Families of which every series is compared: one that nobody expected has to be 0.
const FAMILIES: [&str; 14] = [
    "deltrail_corrections_total",
    "deltrail_delete_requests_total",
    "deltrail_duplicate_delete_requests_total",
    LATENCIES,
    "deltrail_latency_discarded_total",
    "deltrail_log_objects_total",
    "deltrail_objects_removed_total",
    "deltrail_rejected_total",
    "deltrail_removals_by_kind_total",
    "deltrail_removals_confirmed_total",
    "deltrail_stale_deletes_total",
    "deltrail_unconfirmed_removals",
    "deltrail_unfulfilled_intents",
    "deltrail_unresolved_bulk_deletes",
];

const LATENCIES: &str = "deltrail_request_to_delete_latency_seconds_count";

/// What each series has to show, by its name as `/metrics` writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Expected(BTreeMap<String, u64>);

impl Expected {
    /// What follows from a day when all of it has settled.
    pub(super) fn of(truth: &Truth, written: &Written) -> Self {
        let mut expected = Self::default();
        for (&(bucket, api, outcome), &count) in &truth.requests {
            let labels = format!("bucket=\"{bucket}\",api=\"{api}\",outcome=\"{outcome}\"");
            expected.put("deltrail_delete_requests_total", &labels, count);
        }
        for (&(bucket, kind, cause), &count) in &truth.kinds {
            let labels = format!("bucket=\"{bucket}\",kind=\"{kind}\",cause=\"{cause}\"");
            expected.put("deltrail_removals_by_kind_total", &labels, count);
        }
        expected.put_by_bucket("deltrail_objects_removed_total", &truth.removals);
        // Every bucket logs its accesses, so that S3 confirms what it does not notify of as well.
        expected.put_by_bucket("deltrail_removals_confirmed_total", &truth.removals);
        expected.put_by_bucket("deltrail_duplicate_delete_requests_total", &truth.duplicates);
        expected.put_by_bucket("deltrail_stale_deletes_total", &truth.stale);
        expected.put_by_bucket("deltrail_unfulfilled_intents", &truth.unfulfilled());
        for &bucket in truth.removals.keys() {
            let labels = format!("bucket=\"{bucket}\"");
            expected.put("deltrail_unconfirmed_removals", &labels, 0);
            expected.put("deltrail_unresolved_bulk_deletes", &labels, 0);
        }
        expected.put_latencies(truth);
        expected.put_logs(truth, written);
        expected
    }

    fn put_latencies(&mut self, truth: &Truth) {
        let by_basis = [
            ("service", &truth.timed),
            ("access_log", &truth.timed),
            ("confirmed", &truth.notified),
            ("intent", &truth.fulfilled),
        ];
        for (basis, counts) in by_basis {
            for (bucket, &count) in counts {
                let labels = format!("bucket=\"{bucket}\",basis=\"{basis}\"");
                self.put(LATENCIES, &labels, count);
            }
        }
    }

    fn put_logs(&mut self, truth: &Truth, written: &Written) {
        let objects = [
            ("cloudtrail", "committed", written.log_files),
            ("cloudtrail", "duplicate", written.repeated_log_files),
            ("cloudtrail", "skipped", written.digests),
            ("access_log", "committed", written.access_log_objects),
            ("intent", "committed", truth.intent_objects),
        ];
        for (source, result, count) in objects {
            let labels = format!("result=\"{result}\",source=\"{source}\"");
            self.put("deltrail_log_objects_total", &labels, count);
        }
        let records = [
            ("cloudtrail", truth.trail_records),
            ("access_log", truth.access_log_lines),
            ("intent", truth.intents),
        ];
        for (source, count) in records {
            let labels = format!("result=\"evidence\",source=\"{source}\"");
            self.put("deltrail_records_total", &labels, count);
        }
        let digests = "reason=\"digest\",source=\"cloudtrail\"";
        self.put("deltrail_rejected_total", digests, written.digests);
    }

    fn put_by_bucket(&mut self, family: &str, counts: &ByBucket) {
        for (bucket, &count) in counts {
            self.put(family, &format!("bucket=\"{bucket}\""), count);
        }
    }

    fn put(&mut self, family: &str, labels: &str, count: u64) {
        self.0.insert(format!("{family}{{{labels}}}"), count);
    }

    /// Compares with what `/metrics` says.
    pub(super) fn beside(&self, metrics: &str) -> Vec<Figure> {
        let actual: BTreeMap<&str, u64> = metrics.lines().filter_map(sample_of).collect();
        let unexpected = actual
            .iter()
            .filter(|(series, _)| FAMILIES.contains(&family_of(series)))
            .filter(|(series, count)| !self.0.contains_key(**series) && **count != 0)
            .map(|(series, &count)| Figure {
                series: (*series).into(),
                expected: 0,
                actual: count,
            });
        let expected = self.0.iter().map(|(series, &expected)| Figure {
            series: series.clone(),
            expected,
            actual: actual.get(series.as_str()).copied().unwrap_or_default(),
        });
        expected.chain(unexpected).collect()
    }
}

/// The series and value of a line, if it is one and counts something.
fn sample_of(line: &str) -> Option<(&str, u64)> {
    let (series, value) = line.rsplit_once(' ')?;
    Some((series, value.parse().ok()?))
}

fn family_of(series: &str) -> &str {
    series.split_once('{').map_or(series, |(family, _)| family)
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figure {
    series: String,
    expected: u64,
    actual: u64,
}

impl Figure {
    pub(super) fn agrees(&self) -> bool {
        self.expected == self.actual
    }
}

/// The figures as a table for people.
pub(super) fn table(figures: &[Figure]) -> String {
    let width = figures.iter().map(|figure| figure.series.len()).max().unwrap_or_default();
    let mut table = format!("{:width$}  expected    actual\n", "figure");
    for figure in figures {
        let Figure { series, expected, actual } = figure;
        let mark = if figure.agrees() { "" } else { "  differs" };
        // A string takes everything that is written to it.
        let _ = writeln!(table, "{series:width$}  {expected:>8}  {actual:>8}{mark}");
    }
    table
}

#[cfg(test)]
mod tests {
    use deltrail_core::domain::{Intent, Timestamp};

    use super::*;
    use crate::sandbox::scenario::Removed;

    const BUCKET: &str = "example-images";
    const NOON: Timestamp = Timestamp::from_millis(1_795_435_200_000);

    /// Two uploads of one key, its removal by one request and again by another one, a refused
    /// request, a bulk call of which one key was refused, an expiry, and an intent too many.
    fn a_small_day() -> Expected {
        let mut truth = Truth::default();
        let intent = |id: &str, key: &str| Intent {
            id: id.into(),
            bucket: BUCKET.into(),
            keys: vec![key.into()],
            requested_at: NOON,
            by: None,
            reference: None,
        };
        truth.uploaded(BUCKET, "twice", NOON);
        truth.uploaded(BUCKET, "twice", NOON);
        for key in ["a", "b"] {
            truth.uploaded(BUCKET, key, NOON);
        }
        truth.declared(BUCKET, &intent("one", "twice"));
        truth.declared(BUCKET, &intent("two", "never"));
        truth.deleted(BUCKET, "twice", Removed::Object, NOON);
        truth.deleted(BUCKET, "twice", Removed::Object, NOON);
        truth.refused(BUCKET);
        truth.deleted_many(BUCKET, ["a", "b"].map(|key| (key, Removed::Object)), 1, NOON);
        truth.expired(BUCKET, "old", Removed::Object);
        truth.intent_objects = 1;
        let written =
            Written { log_files: 3, digests: 2, access_log_objects: 4, ..Written::default() };
        Expected::of(&truth, &written)
    }

    const METRICS: &str = "\
# TYPE deltrail_objects_removed_total counter
deltrail_objects_removed_total{bucket=\"example-images\"} 5
deltrail_removals_confirmed_total{bucket=\"example-images\"} 5
deltrail_delete_requests_total{bucket=\"example-images\",api=\"DeleteObject\",outcome=\"ok\"} 2
deltrail_delete_requests_total{bucket=\"example-images\",api=\"DeleteObject\",outcome=\"denied\"} 1
deltrail_delete_requests_total{bucket=\"example-images\",api=\"DeleteObjects\",outcome=\"ok\"} 1
deltrail_removals_by_kind_total{bucket=\"example-images\",kind=\"object\",cause=\"api\"} 4
deltrail_removals_by_kind_total{bucket=\"example-images\",kind=\"object\",cause=\"lifecycle\"} 1
deltrail_duplicate_delete_requests_total{bucket=\"example-images\"} 1
deltrail_stale_deletes_total{bucket=\"example-images\"} 1
deltrail_unfulfilled_intents{bucket=\"example-images\"} 1
deltrail_unconfirmed_removals{bucket=\"example-images\"} 0
deltrail_request_to_delete_latency_seconds_count{bucket=\"example-images\",basis=\"service\"} 3
deltrail_request_to_delete_latency_seconds_count{bucket=\"example-images\",basis=\"access_log\"} 3
deltrail_request_to_delete_latency_seconds_count{bucket=\"example-images\",basis=\"confirmed\"} 3
deltrail_request_to_delete_latency_seconds_count{bucket=\"example-images\",basis=\"intent\"} 1
deltrail_request_to_delete_latency_seconds_sum{bucket=\"example-images\",basis=\"intent\"} 1.5
deltrail_log_objects_total{result=\"committed\",source=\"access_log\"} 4
deltrail_log_objects_total{result=\"committed\",source=\"cloudtrail\"} 3
deltrail_log_objects_total{result=\"committed\",source=\"intent\"} 1
deltrail_log_objects_total{result=\"failed\",source=\"cloudtrail\"} 0
deltrail_log_objects_total{result=\"skipped\",source=\"cloudtrail\"} 2
deltrail_records_total{result=\"evidence\",source=\"access_log\"} 8
deltrail_records_total{result=\"evidence\",source=\"cloudtrail\"} 7
deltrail_records_total{result=\"evidence\",source=\"intent\"} 2
deltrail_records_total{result=\"ignored\",source=\"cloudtrail\"} 30
deltrail_rejected_total{reason=\"digest\",source=\"cloudtrail\"} 2
deltrail_workers_busy 1
";

    #[test]
    fn a_day_that_was_counted_right_agrees() {
        let figures = a_small_day().beside(METRICS);
        assert!(figures.iter().all(Figure::agrees), "{}", table(&figures));
        assert_eq!(figures.len(), 25);
    }

    #[test]
    fn each_wrong_missing_or_unexpected_figure_differs() {
        let wrong = METRICS.replace("basis=\"service\"} 3", "basis=\"service\"} 4");
        let missing = METRICS.replace("deltrail_objects_removed_total{", "other{");
        let unexpected = METRICS.replace("result=\"failed\",source=\"cloudtrail\"} 0", "x=\"\"} 1");
        for (metrics, differences) in [(wrong, 1), (missing, 1), (unexpected, 1)] {
            let figures = a_small_day().beside(&metrics);
            let count = figures.iter().filter(|figure| !figure.agrees()).count();
            assert_eq!(count, differences, "{}", table(&figures));
        }
    }

    #[test]
    fn the_table_shows_figure_expected_and_actual() {
        let figure =
            |series: &str, expected, actual| Figure { series: series.into(), expected, actual };
        let figures = [figure("removed{bucket=\"a\"}", 12, 12), figure("requests", 3, 4)];
        insta::assert_snapshot!(table(&figures), @r#"
        figure               expected    actual
        removed{bucket="a"}        12        12
        requests                    3         4  differs
        "#);
    }
}
