//! What may be asked of a store about a span of time as a whole: removals over time, and who, where
//! and how fast. It knows no database, and not how an answer is shown.

use deltrail_core::detect::{Counts, WINDOW_MILLIS, Window};
use deltrail_core::domain::{ActorKind, Basis, Day, Timestamp};

use super::Completeness;

/// Widths of a bar, in windows: 5, 15 and 30 minutes, 1, 3, 6 and 12 hours, a day, a week.
const BAR_WINDOWS: [i64; 9] = [1, 3, 6, 12, 36, 72, 144, 288, 2_016];
/// Bars of a summary, at most.
const BARS_MAX: i64 = 96;

/// What a summary is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryFilter {
    /// Of which bucket; `None` for all of them.
    pub bucket: Option<String>,
    /// From this event time on, moved back to where a bar begins.
    pub since: Timestamp,
    /// Before this event time, moved on to where a bar ends; later than `since`.
    pub until: Timestamp,
}

impl SummaryFilter {
    /// The longest span, in milliseconds.
    pub const SPAN_MILLIS_MAX: i64 = 366 * Day::MILLIS;

    /// The last 24 hours of every bucket.
    #[must_use]
    pub fn last_day(now: Timestamp) -> Self {
        let since = Timestamp::from_millis(now.as_millis().saturating_sub(Day::MILLIS));
        Self { bucket: None, since, until: now }
    }

    /// The bars of its span: the narrowest that are not too many.
    pub(super) fn span(&self) -> Span {
        let first = Window::of(self.since).number();
        let last = Window::of(Timestamp::from_millis(self.until.as_millis().saturating_sub(1)));
        let last = last.number().max(first);
        let bars = |width: i64| last.div_euclid(width) - first.div_euclid(width) + 1;
        let [.., widest] = BAR_WINDOWS;
        let is_narrow = |width: &i64| bars(*width) <= BARS_MAX;
        let bar_windows = BAR_WINDOWS.into_iter().find(is_narrow).unwrap_or(widest);
        let from = first.div_euclid(bar_windows) * bar_windows;
        Span { from, bar_windows, bars: usize::try_from(bars(bar_windows)).unwrap_or(1) }
    }
}

/// Bars that lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first window, by number.
    pub(super) from: i64,
    /// How many windows a bar has.
    pub(super) bar_windows: i64,
    /// How many bars there are.
    pub(super) bars: usize,
}

impl Span {
    /// The window after the last, by number.
    pub(super) fn to(self) -> i64 {
        self.window_of(self.bars)
    }

    /// When the bar of this index begins.
    pub(super) fn start_of(self, bar: usize) -> Timestamp {
        Window::numbered(self.window_of(bar)).start()
    }

    /// How wide a bar is.
    pub(super) const fn bar_millis(self) -> i64 {
        self.bar_windows * WINDOW_MILLIS
    }

    fn window_of(self, bar: usize) -> i64 {
        self.from + i64::try_from(bar).unwrap_or(i64::MAX).saturating_mul(self.bar_windows)
    }
}

/// A span of event time. What is counted is exact; prefixes and latencies rest on a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The bucket that was asked about; `None` for all of them.
    pub bucket: Option<String>,
    /// Where the first bar begins.
    pub since: Timestamp,
    /// Where the last bar ends.
    pub until: Timestamp,
    /// How wide a bar is, in milliseconds.
    pub bar_millis: i64,
    /// At most 96 bars, in order, with those in which nothing happened.
    pub bars: Vec<Bar>,
    /// All of them together.
    pub counts: SummaryCounts,
    /// The 10 buckets with most removals, those first.
    pub buckets: Vec<BucketSummary>,
    /// In how many buckets anything happened.
    pub buckets_total: u64,
    /// Removals in the buckets that are not listed, for each bar.
    pub other_buckets: Vec<u64>,
    /// The 10 principals with most removals, those first. Of more than a thousand callers in one
    /// bucket, where each session, address and program is another caller, the busiest count.
    pub principals: Vec<PrincipalSummary>,
    /// The 10 prefixes with most removals in the sample, those first.
    pub prefixes: Vec<PrefixSummary>,
    /// How long requests of the sample took, on each basis that is known of any.
    pub latencies: Vec<LatencySummary>,
    /// What prefixes and latencies rest on.
    pub sample: Sample,
    /// Accepted bulk deletes of which no source tells a key, as far as that is settled.
    pub unresolved_calls: u64,
    /// The findings that are open now.
    pub open_findings: OpenFindings,
    /// How far all of it may be believed.
    pub completeness: Completeness,
}

impl Summary {
    /// Whether all is known of a bar.
    #[must_use]
    pub fn is_complete(&self, bar: &Bar) -> bool {
        let end = bar.at.as_millis().saturating_add(self.bar_millis);
        self.completeness.until.is_some_and(|until| end <= until.as_millis())
    }
}

/// What happened in a part of the span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// Where it begins.
    pub at: Timestamp,
    /// What happened.
    pub counts: SummaryCounts,
}

/// How much happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SummaryCounts {
    /// Removals, whoever caused them.
    pub removed: u64,
    /// Of them by calls: delete markers that were put on top.
    pub markers: u64,
    /// By calls: named versions, for good.
    pub versions: u64,
    /// By calls: objects of buckets without versions, for good.
    pub objects: u64,
    /// By calls: of a kind that no source tells, and delete markers that were taken away.
    pub unknown: u64,
    /// By lifecycle rules, of any kind.
    pub lifecycle: u64,
    /// Requests that were refused; they removed nothing.
    pub denied: u64,
    /// Removals that repeat another one, as far as that is settled.
    pub duplicates: u64,
    /// Removals that took a fresh upload away, as far as that is settled.
    pub stale: u64,
    /// Removals by calls without S3's own word.
    pub unconfirmed: u64,
}

impl From<Counts> for SummaryCounts {
    fn from(counts: Counts) -> Self {
        let whole = |number: i64| u64::try_from(number).unwrap_or_default();
        let Counts { removed, markers, versions, objects, lifecycle, .. } = counts;
        Self {
            removed: whole(removed + lifecycle),
            markers: whole(markers),
            versions: whole(versions),
            objects: whole(objects),
            unknown: whole(removed - markers - versions - objects),
            lifecycle: whole(lifecycle),
            denied: whole(counts.denied),
            duplicates: whole(counts.repeated),
            stale: whole(counts.stale),
            unconfirmed: whole(counts.without_confirmation),
        }
    }
}

/// A bucket's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSummary {
    /// The bucket.
    pub bucket: String,
    /// What happened there.
    pub counts: SummaryCounts,
    /// Removals there, for each bar.
    pub bars: Vec<u64>,
}

/// A principal's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalSummary {
    /// The role without its session, the user, the account or the service; `None` for all removals
    /// of which no source tells who it was.
    pub principal: Option<String>,
    /// What kind of actor it is.
    pub kind: ActorKind,
    /// What it removed.
    pub removed: u64,
    /// How many of its requests were refused.
    pub denied: u64,
}

/// What keys of a bucket begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixSummary {
    /// The bucket.
    pub bucket: String,
    /// As long as all keys of the sample that begin with its first folder share it; ends with `/`.
    /// Empty for keys that are in no folder.
    pub prefix: String,
    /// Removals of such keys in the sample.
    pub sampled: u64,
    /// About how many there were in all: exactly, when the sample is everything.
    pub removed: u64,
}

/// How long requests took on one basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatencySummary {
    /// What it is measured on.
    pub basis: Basis,
    /// How many were measured.
    pub measured: u64,
    /// Half of them took no longer, in milliseconds.
    pub p50_millis: i64,
    /// 90 of 100 took no longer, in milliseconds.
    pub p90_millis: i64,
    /// 99 of 100 took no longer, in milliseconds.
    pub p99_millis: i64,
    /// The longest, in milliseconds.
    pub max_millis: i64,
}

impl LatencySummary {
    /// Of these, in milliseconds; `None` when nothing was measured.
    pub(super) fn of(basis: Basis, mut millis: Vec<i64>) -> Option<Self> {
        millis.sort_unstable();
        let max_millis = *millis.last()?;
        // The smallest value that so many of 100 do not exceed.
        let rank = |of_100: usize| (millis.len() * of_100).div_ceil(100).max(1) - 1;
        Some(Self {
            basis,
            measured: millis.len() as u64,
            p50_millis: millis[rank(50)],
            p90_millis: millis[rank(90)],
            p99_millis: millis[rank(99)],
            max_millis,
        })
    }
}

/// Removals that were looked at one by one: spread over bars and buckets as all of them are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// How many, at most 1000.
    pub removals: u64,
    /// Whether these are all that there are.
    pub is_everything: bool,
}

/// How many findings are open, by severity. Those of detectors that nobody is told of do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenFindings {
    /// To be looked at at once.
    pub critical: u64,
    /// To be looked at today.
    pub warning: u64,
    /// Worth knowing.
    pub info: u64,
}

impl OpenFindings {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.critical + self.warning + self.info
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(since: &str, until: &str) -> (String, i64, usize, String) {
        let [since, until] = [since, until].map(|text| Timestamp::parse(text).unwrap());
        let span = SummaryFilter { bucket: None, since, until }.span();
        let minutes = span.bar_millis() / 60_000;
        (span.start_of(0).to_string(), minutes, span.bars, span.start_of(span.bars).to_string())
    }

    #[test]
    fn bars_are_as_narrow_as_they_may_be_and_hold_the_whole_span() {
        let cases = [
            ("10:00:00Z", "2026-11-23T10:00:00.001Z", ("10:00:00", 5, 1, "2026-11-23T10:05:00")),
            ("10:02:00Z", "2026-11-23T18:00:00Z", ("10:00:00", 5, 96, "2026-11-23T18:00:00")),
            ("10:02:00Z", "2026-11-23T18:00:01Z", ("10:00:00", 15, 33, "2026-11-23T18:15:00")),
            ("10:02:00Z", "2026-11-24T10:02:00Z", ("10:00:00", 30, 49, "2026-11-24T10:30:00")),
            ("10:02:00Z", "2027-02-23T10:02:00Z", ("00:00:00", 1_440, 93, "2027-02-24T00:00:00")),
        ];
        for (since, until, (from, minutes, bars, to)) in cases {
            let told = span(&format!("2026-11-23T{since}"), until);
            let expected = (format!("2026-11-23T{from}.000Z"), minutes, bars, format!("{to}.000Z"));
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn the_longest_span_has_bars_of_a_week() {
        let since = Timestamp::from_millis(1_795_428_005_123);
        let until = since.as_millis() + SummaryFilter::SPAN_MILLIS_MAX;
        let until = Timestamp::from_millis(until);
        let span = SummaryFilter { bucket: None, since, until }.span();
        assert_eq!((span.bar_millis() / Day::MILLIS, span.bars), (7, 53));
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        assert_eq!(LatencySummary::of(Basis::Service, Vec::new()), None);
        let one = LatencySummary::of(Basis::Service, vec![42]).unwrap();
        assert_eq!([one.p50_millis, one.p99_millis, one.max_millis], [42; 3]);
        let many = LatencySummary::of(Basis::Intent, (1..=200).rev().collect()).unwrap();
        let told = [many.p50_millis, many.p90_millis, many.p99_millis, many.max_millis];
        assert_eq!((many.measured, told), (200, [100, 180, 198, 200]));
    }
}
