//! A span of time as a whole, and how those are who tell, as JSON. It asks nothing.

use deltrail_core::domain::{ActorKind, Basis, Source, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::completeness::{Missing, ToldCompleteness, ToldSource};
use super::values::{Seconds, Text, Time, Word, told};
use crate::store::{
    Bar, BucketSummary, LatencySummary, OpenFindings, PrefixSummary, PrincipalSummary, RejectRow,
    SourceHealth, Summary, SummaryCounts,
};

/// What happened in a span of event time. What is counted is exact; prefixes and latencies rest on
/// a sample of the removals.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldSummary<'a> {
    /// The bucket that it is about; null for all of them.
    pub bucket: Option<Text<'a>>,
    /// Where the first bar begins.
    pub since: Time,
    /// Where the last bar ends.
    pub until: Time,
    /// How wide a bar is.
    pub bar_seconds: i64,
    /// All bars together.
    pub counts: ToldCounts,
    /// In order, with those in which nothing happened; at most 96.
    pub bars: Vec<ToldBar>,
    /// In how many buckets anything happened.
    pub buckets_total: u64,
    /// The 10 buckets with most removals.
    pub buckets: Vec<ToldBucket<'a>>,
    /// Removals in the other buckets, for each bar.
    pub other_buckets: &'a [u64],
    /// The 10 principals with most removals.
    pub principals: Vec<ToldPrincipal<'a>>,
    /// What prefixes and latency rest on.
    pub sample: ToldSample,
    /// The 10 prefixes with most removals in the sample.
    pub prefixes: Vec<ToldPrefix<'a>>,
    /// How long the requests of the sample took.
    pub latency: Vec<ToldLatency>,
    /// Accepted bulk deletes of which no source tells a key.
    pub unresolved_bulk_deletes: u64,
    /// Findings that are open now.
    pub open_findings: ToldOpen,
    /// How far that may be believed.
    pub completeness: ToldCompleteness<'a>,
}

/// How much happened.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldCounts {
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
    /// By lifecycle rules.
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

/// What happened in a part of the span.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldBar {
    /// Where it begins.
    pub at: Time,
    /// Whether all is known of it; else more may come.
    pub is_complete: bool,
    /// What happened.
    #[serde(flatten)]
    pub counts: ToldCounts,
}

/// A bucket's part.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldBucket<'a> {
    /// The bucket.
    pub bucket: Text<'a>,
    /// What happened there.
    #[serde(flatten)]
    pub counts: ToldCounts,
    /// Removals there, for each bar.
    pub bars: &'a [u64],
}

/// A principal's part.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldPrincipal<'a> {
    /// The role without its session, the user, the account or the service; null when no source
    /// tells who it was.
    pub principal: Option<Text<'a>>,
    /// What kind of actor it is.
    pub kind: Word<ActorKind>,
    /// What it removed.
    pub removed: u64,
    /// How many of its requests were refused.
    pub denied: u64,
}

/// What was looked at one by one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldSample {
    /// How many removals, at most 1000.
    pub removals: u64,
    /// Whether these are all that there are.
    pub is_everything: bool,
}

/// What keys of a bucket begin with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldPrefix<'a> {
    /// The bucket.
    pub bucket: Text<'a>,
    /// Ends with a slash; empty for keys that are in no folder.
    pub prefix: Text<'a>,
    /// Removals of such keys in the sample.
    pub sampled: u64,
    /// About how many there were in all.
    pub removed: u64,
}

/// How long requests took on one basis.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldLatency {
    /// What it is measured on.
    pub basis: Word<Basis>,
    /// How many were measured.
    pub measured: u64,
    /// Half of them took no longer.
    pub p50_seconds: Seconds,
    /// 90 of 100 took no longer.
    pub p90_seconds: Seconds,
    /// 99 of 100 took no longer.
    pub p99_seconds: Seconds,
    /// The longest.
    pub max_seconds: Seconds,
}

/// How many findings are open, by severity.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldOpen {
    /// All of them.
    pub total: u64,
    /// To be looked at at once.
    pub critical: u64,
    /// To be looked at today.
    pub warning: u64,
    /// Worth knowing.
    pub info: u64,
}

impl<'a> ToldSummary<'a> {
    /// What is told of a summary.
    #[must_use]
    pub fn of(summary: &'a Summary) -> Self {
        let bar = |bar: &Bar| ToldBar {
            at: Time(bar.at),
            is_complete: summary.is_complete(bar),
            counts: ToldCounts::of(&bar.counts),
        };
        let OpenFindings { critical, warning, info } = summary.open_findings;
        Self {
            bucket: told(summary.bucket.as_deref()),
            since: Time(summary.since),
            until: Time(summary.until),
            bar_seconds: summary.bar_millis / 1_000,
            counts: ToldCounts::of(&summary.counts),
            bars: summary.bars.iter().map(bar).collect(),
            buckets_total: summary.buckets_total,
            buckets: summary.buckets.iter().map(ToldBucket::of).collect(),
            other_buckets: &summary.other_buckets,
            principals: summary.principals.iter().map(ToldPrincipal::of).collect(),
            sample: ToldSample {
                removals: summary.sample.removals,
                is_everything: summary.sample.is_everything,
            },
            prefixes: summary.prefixes.iter().map(ToldPrefix::of).collect(),
            latency: summary.latencies.iter().map(ToldLatency::of).collect(),
            unresolved_bulk_deletes: summary.unresolved_calls,
            open_findings: ToldOpen {
                total: summary.open_findings.total(),
                critical,
                warning,
                info,
            },
            completeness: ToldCompleteness::of(&summary.completeness),
        }
    }
}

impl ToldCounts {
    fn of(counts: &SummaryCounts) -> Self {
        Self {
            removed: counts.removed,
            markers: counts.markers,
            versions: counts.versions,
            objects: counts.objects,
            unknown: counts.unknown,
            lifecycle: counts.lifecycle,
            denied: counts.denied,
            duplicates: counts.duplicates,
            stale: counts.stale,
            unconfirmed: counts.unconfirmed,
        }
    }
}

impl<'a> ToldBucket<'a> {
    fn of(bucket: &'a BucketSummary) -> Self {
        Self {
            bucket: Text::Borrowed(&bucket.bucket),
            counts: ToldCounts::of(&bucket.counts),
            bars: &bucket.bars,
        }
    }
}

impl<'a> ToldPrincipal<'a> {
    fn of(principal: &'a PrincipalSummary) -> Self {
        Self {
            principal: told(principal.principal.as_deref()),
            kind: Word(principal.kind),
            removed: principal.removed,
            denied: principal.denied,
        }
    }
}

impl<'a> ToldPrefix<'a> {
    fn of(prefix: &'a PrefixSummary) -> Self {
        Self {
            bucket: Text::Borrowed(&prefix.bucket),
            prefix: Text::Borrowed(&prefix.prefix),
            sampled: prefix.sampled,
            removed: prefix.removed,
        }
    }
}

impl ToldLatency {
    fn of(latency: &LatencySummary) -> Self {
        Self {
            basis: Word(latency.basis),
            measured: latency.measured,
            p50_seconds: Seconds(latency.p50_millis),
            p90_seconds: Seconds(latency.p90_millis),
            p99_seconds: Seconds(latency.p99_millis),
            max_seconds: Seconds(latency.max_millis),
        }
    }
}

/// How those are who tell.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldSources<'a> {
    /// Up to when everything is known, by what the sources have delivered; null when nothing says.
    pub complete_until: Option<Time>,
    /// Every source, account and region.
    pub sources: Vec<ToldLag<'a>>,
    /// What nobody tells of any bucket.
    pub missing: Vec<Missing>,
    /// Bulk deletes of which no source tells a key: the 20 buckets with most of them.
    pub unresolved_bulk_deletes: Vec<ToldUnresolved<'a>>,
    /// The last 20 things that could not be understood, the newest first.
    pub rejects: Vec<ToldReject<'a>>,
}

/// A source, and how far it is behind.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldLag<'a> {
    /// The source.
    #[serde(flatten)]
    pub source: ToldSource<'a>,
    /// From where it is complete up to now; null when nothing says up to when it is.
    pub lag_seconds: Option<Seconds>,
}

/// Bulk deletes of a bucket of which no source tells a key.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldUnresolved<'a> {
    /// The bucket.
    pub bucket: Text<'a>,
    /// How many.
    pub count: u64,
}

/// Something that could not be understood.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldReject<'a> {
    /// When it was met.
    pub at: Time,
    /// Of which source.
    pub source: Word<Source>,
    /// Why, one of a closed set of words.
    pub reason: Text<'a>,
    /// Why, for people.
    pub detail: Text<'a>,
    /// The bucket of the log object that it is in.
    pub log_bucket: Option<Text<'a>>,
    /// The key of the log object.
    pub log_key: Option<Text<'a>>,
    /// Where it is in there, from 0.
    pub record_index: Option<i64>,
    /// The queue that it came from.
    pub queue: Option<Text<'a>>,
    /// The message that it came in.
    pub message_id: Option<Text<'a>>,
}

impl<'a> ToldSources<'a> {
    /// What is told of those who tell.
    #[must_use]
    pub fn of(health: &'a SourceHealth, now: Timestamp) -> Self {
        let ToldCompleteness { complete_until, sources, missing, .. } =
            ToldCompleteness::of(&health.completeness);
        let lag = |source: ToldSource<'a>| {
            let lag = source.complete_until.map(|at| Seconds(now.millis_since(at.0)));
            ToldLag { source, lag_seconds: lag }
        };
        let unresolved = health.unresolved.iter();
        Self {
            complete_until,
            sources: sources.into_iter().map(lag).collect(),
            missing,
            unresolved_bulk_deletes: unresolved
                .map(|(bucket, count)| ToldUnresolved {
                    bucket: Text::Borrowed(bucket),
                    count: *count,
                })
                .collect(),
            rejects: health.rejects.iter().map(ToldReject::of).collect(),
        }
    }
}

impl<'a> ToldReject<'a> {
    fn of(reject: &'a RejectRow) -> Self {
        let place = reject.log_object.as_ref();
        Self {
            at: Time(reject.at),
            source: Word(reject.source),
            reason: Text::Borrowed(&reject.reason),
            detail: Text::Borrowed(&reject.detail),
            log_bucket: told(place.map(|(bucket, _)| bucket.as_str())),
            log_key: told(place.map(|(_, key)| key.as_str())),
            record_index: reject.record_index,
            queue: told(reject.queue.as_deref()),
            message_id: told(reject.message_id.as_deref()),
        }
    }
}
