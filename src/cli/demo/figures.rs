//! The figures of a played day: what `/metrics` has to say, from what really happened, beside what
//! it does say. It knows the families by name and counts nothing itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::sandbox::delivery::Written;
use crate::sandbox::scenario::Truth;

/// Families of which every series is compared: one that nobody expected has to be 0.
const FAMILIES: [&str; 8] = [
    "deltrail_delete_requests_total",
    "deltrail_objects_removed_total",
    "deltrail_removals_by_kind_total",
    "deltrail_removals_confirmed_total",
    "deltrail_request_to_delete_latency_seconds_count",
    "deltrail_corrections_total",
    "deltrail_log_objects_total",
    "deltrail_rejected_total",
];

/// What each series has to show, by its name as `/metrics` writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Expected(BTreeMap<String, u64>);

impl Expected {
    /// What follows from a day as far as CloudTrail tells of it.
    pub(super) fn of(truth: &Truth, written: &Written) -> Self {
        let mut series = BTreeMap::new();
        for (&(bucket, api, outcome), &count) in &truth.requests {
            let labels = format!("bucket=\"{bucket}\",api=\"{api}\",outcome=\"{outcome}\"");
            series.insert(format!("deltrail_delete_requests_total{{{labels}}}"), count);
        }
        for (bucket, &count) in &truth.removals {
            series.insert(format!("deltrail_objects_removed_total{{bucket=\"{bucket}\"}}"), count);
        }
        for (&(bucket, kind), &count) in &truth.kinds {
            let labels = format!("bucket=\"{bucket}\",kind=\"{kind}\",cause=\"api\"");
            series.insert(format!("deltrail_removals_by_kind_total{{{labels}}}"), count);
        }
        for (bucket, &count) in &truth.timed {
            let labels = format!("bucket=\"{bucket}\",basis=\"service\"");
            let name = "deltrail_request_to_delete_latency_seconds_count";
            series.insert(format!("{name}{{{labels}}}"), count);
        }
        let objects = [
            ("committed", written.log_files),
            ("duplicate", written.repeated_log_files),
            ("skipped", written.digests),
        ];
        for (result, count) in objects {
            let labels = format!("result=\"{result}\",source=\"cloudtrail\"");
            series.insert(format!("deltrail_log_objects_total{{{labels}}}"), count);
        }
        let digests = "deltrail_rejected_total{reason=\"digest\",source=\"cloudtrail\"}";
        series.insert(digests.into(), written.digests);
        Self(series)
    }

    /// Compares with what `/metrics` says.
    pub(super) fn beside(&self, metrics: &str) -> Vec<Figure> {
        let actual: BTreeMap<&str, u64> = metrics.lines().filter_map(sample_of).collect();
        let unexpected = actual
            .iter()
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

/// The series and value of a line, if it belongs to [`FAMILIES`].
fn sample_of(line: &str) -> Option<(&str, u64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let family = series.split('{').next()?;
    FAMILIES.contains(&family).then_some((series, value.parse().ok()?))
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
    use super::*;

    fn a_small_day() -> Expected {
        let mut truth = Truth::default();
        truth.deleted("example-images", "object");
        truth.refused("example-images");
        truth.deleted_many("example-images", 12);
        let written = Written { log_files: 3, digests: 2, ..Written::default() };
        Expected::of(&truth, &written)
    }

    const METRICS: &str = "\
# TYPE deltrail_objects_removed_total counter
deltrail_objects_removed_total{bucket=\"example-images\"} 13
deltrail_delete_requests_total{bucket=\"example-images\",api=\"DeleteObject\",outcome=\"ok\"} 1
deltrail_delete_requests_total{bucket=\"example-images\",api=\"DeleteObject\",outcome=\"denied\"} 1
deltrail_delete_requests_total{bucket=\"example-images\",api=\"DeleteObjects\",outcome=\"ok\"} 1
deltrail_removals_by_kind_total{bucket=\"example-images\",kind=\"object\",cause=\"api\"} 1
deltrail_request_to_delete_latency_seconds_count{bucket=\"example-images\",basis=\"service\"} 2
deltrail_log_objects_total{result=\"committed\",source=\"cloudtrail\"} 3
deltrail_log_objects_total{result=\"failed\",source=\"cloudtrail\"} 0
deltrail_log_objects_total{result=\"skipped\",source=\"cloudtrail\"} 2
deltrail_rejected_total{reason=\"digest\",source=\"cloudtrail\"} 2
deltrail_workers_busy 1
";

    #[test]
    fn a_day_that_was_counted_right_agrees() {
        let figures = a_small_day().beside(METRICS);
        assert!(figures.iter().all(Figure::agrees), "{}", table(&figures));
        assert_eq!(figures.len(), 10);
    }

    #[test]
    fn each_wrong_missing_or_unexpected_figure_differs() {
        let wrong = METRICS.replace("outcome=\"ok\"} 1", "outcome=\"ok\"} 2");
        let missing = METRICS.replace("deltrail_objects_removed_total{", "other{");
        let unexpected = METRICS.replace("result=\"failed\",source=\"cloudtrail\"} 0", "x=\"\"} 1");
        for (metrics, differences) in [(wrong, 2), (missing, 1), (unexpected, 1)] {
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
