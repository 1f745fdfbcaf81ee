//! A span of time as a whole, against what was done in it; and how those are who tell.

use std::collections::BTreeMap;

use deltrail_core::domain::{ActorKind, Api, Basis, Call, Cause, Outcome};

use super::super::super::story::bulk;
use super::*;
use crate::store::{Batch, Origin, Reject, SummaryFilter};

const MINUTE: i64 = 60;

/// A deed of the truth: when, where, by whom, and how long its request took.
struct Deed {
    second: i64,
    bucket: &'static str,
    key: String,
    by: &'static str,
    millis: i64,
}

/// So many deeds, spread unevenly over two hours.
fn deeds(count: usize) -> Vec<Deed> {
    let deed = |nth: usize| {
        let i = i64::try_from(nth).unwrap();
        Deed {
            second: 7_200 * i * i / i64::try_from(count * count).unwrap(),
            bucket: ["archive", "photos", "photos"][nth % 3],
            key: format!("{}/{nth}", ["raw/2026", "raw/2025", "tmp"][nth % 3]),
            by: ["cleaner", "cleaner", "cleaner", "intern"][nth % 4],
            millis: 1 + i % 100,
        }
    };
    (0..count).map(deed).collect()
}

fn told(deed: &Deed) -> Evidence {
    let request = format!("r {}", deed.key);
    let evidence = deleted(deed.bucket, &deed.key, &request, deed.second);
    let arn = format!("arn:aws:sts::111122223333:assumed-role/{}/i-0abc", deed.by);
    Evidence {
        ended_at: Some(Timestamp::from_millis(evidence.at.as_millis() + deed.millis)),
        actor: Actor { arn: Some(arn), ..Actor::default() }.into(),
        ..evidence
    }
}

fn span(from_minute: i64, to_minute: i64) -> SummaryFilter {
    let minute = |nth: i64| Timestamp::from_millis(nth * MINUTE * 1_000);
    SummaryFilter { bucket: None, since: minute(from_minute), until: minute(to_minute) }
}

#[tokio::test]
async fn a_summary_counts_what_was_done() {
    for count in [300, 3_000] {
        count_what_was_done(count).await;
    }
}

/// Does so many deeds, and holds the summary of them to what was done.
async fn count_what_was_done(count: usize) {
    let folder = tempfile::tempdir().unwrap();
    for location in lasting_locations(folder.path()) {
        let store = open(location.clone(), 500);
        let deeds = deeds(count);
        store.commit(batch(deeds.iter().map(told))).await.unwrap();
        let summary = store.summary(span(0, 121)).await.unwrap();
        assert_eq!((summary.bar_millis, summary.bars.len()), (300_000, 25));
        let mut bars: BTreeMap<i64, u64> = BTreeMap::new();
        let mut buckets: BTreeMap<&str, u64> = BTreeMap::new();
        let mut principals: BTreeMap<&str, u64> = BTreeMap::new();
        for deed in &deeds {
            *bars.entry(deed.second / 300).or_default() += 1;
            *buckets.entry(deed.bucket).or_default() += 1;
            *principals.entry(deed.by).or_default() += 1;
        }
        for (nth, bar) in summary.bars.iter().enumerate() {
            let nth = i64::try_from(nth).unwrap();
            assert_eq!(bar.at.as_millis(), nth * 300_000);
            let of_buckets: u64 =
                summary.buckets.iter().map(|it| it.bars[usize::try_from(nth).unwrap()]).sum();
            let expected = bars.get(&nth).copied().unwrap_or_default();
            assert_eq!((bar.counts.removed, of_buckets), (expected, expected), "bar {nth}");
        }
        let counts = &summary.counts;
        assert_eq!((counts.removed, counts.objects), (count as u64, count as u64));
        assert_eq!((counts.unconfirmed, counts.denied), (count as u64, 0));
        let told: Vec<(&str, u64)> =
            summary.buckets.iter().map(|it| (it.bucket.as_str(), it.counts.removed)).collect();
        assert_eq!(told, [("photos", buckets["photos"]), ("archive", buckets["archive"])]);
        let told: Vec<_> = summary
            .principals
            .iter()
            .map(|it| (it.principal.as_deref().unwrap(), it.kind, it.removed))
            .collect();
        let by = |name| (name, ActorKind::Principal, principals[name]);
        assert_eq!(told, [by("cleaner"), by("intern")]);

        assert_eq!(summary.sample.is_everything, count <= 1_000);
        assert_eq!(summary.sample.removals, count.min(1_000) as u64);
        let third = count as u64 / 3;
        for prefix in &summary.prefixes {
            let error = prefix.removed.abs_diff(third);
            let allowed = if summary.sample.is_everything { 0 } else { third / 10 };
            assert!(error <= allowed, "{prefix:?} of {third}");
        }
        let prefixes: Vec<&str> = summary.prefixes.iter().map(|it| it.prefix.as_str()).collect();
        assert_eq!(prefixes.len(), 3, "{prefixes:?}");
        assert!(["raw/2025/", "raw/2026/", "tmp/"].iter().all(|it| prefixes.contains(it)));
        let [latency] = summary.latencies.as_slice() else { panic!("{:?}", summary.latencies) };
        assert_eq!((latency.basis, latency.measured), (Basis::Service, summary.sample.removals));
        assert!((48..=53).contains(&latency.p50_millis), "{latency:?}");
        assert!((98..=100).contains(&latency.p99_millis), "{latency:?}");
    }
}

#[tokio::test]
async fn a_summary_is_of_its_bucket_and_its_time_alone() {
    let folder = tempfile::tempdir().unwrap();
    for location in lasting_locations(folder.path()) {
        let store = open(location.clone(), 500);
        let refused = Evidence {
            call: Some(Call { api: Api::DeleteObject, outcome: Outcome::Denied }),
            role: RemovalRole::None,
            ..deleted("photos", "k", "NO", 61 * MINUTE)
        };
        let by_rule = Evidence {
            source: Source::S3Notification,
            call: None,
            cause: Cause::Lifecycle,
            ..deleted("photos", "old", "RULE", 62 * MINUTE)
        };
        let call = bulk("BULK", Timestamp::from_millis(63 * MINUTE * 1_000));
        store
            .commit(batch([
                deleted("photos", "before", "A", 59 * MINUTE),
                deleted("photos", "within", "B", 60 * MINUTE),
                deleted("archive", "elsewhere", "C", 61 * MINUTE),
                deleted("photos", "after", "D", 90 * MINUTE),
                refused,
                by_rule,
                Evidence { bucket: "photos".into(), ..call },
            ]))
            .await
            .unwrap();
        let filter = SummaryFilter { bucket: Some("photos".into()), ..span(60, 90) };
        let summary = store.summary(filter).await.unwrap();
        let counts = summary.counts;
        assert_eq!((counts.removed, counts.objects, counts.lifecycle), (2, 1, 1));
        assert_eq!((counts.denied, summary.buckets_total), (1, 1));
        assert_eq!((summary.since, summary.until), (span(60, 90).since, span(60, 90).until));
        assert!(!summary.is_complete(&summary.bars[0]), "no source says so");
        let all = store.summary(span(60, 90)).await.unwrap();
        assert_eq!((all.counts.removed, all.buckets_total), (3, 2));
        let nothing = store.summary(span(200, 300)).await.unwrap();
        assert_eq!((nothing.counts.removed, nothing.buckets.len()), (0, 0));
        assert!(nothing.sample.is_everything && nothing.prefixes.is_empty());
        assert_eq!(nothing.bars.len(), 20);
    }
}

#[tokio::test]
async fn only_the_busiest_buckets_are_listed_and_the_others_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    for location in lasting_locations(folder.path()) {
        let store = open(location.clone(), 500);
        let told = (0..12).flat_map(|nth: i64| {
            let bucket = format!("bucket-{nth:02}");
            (0..=nth).map(move |key| {
                deleted(&bucket, &key.to_string(), &format!("{bucket} {key}"), 60 * key)
            })
        });
        store.commit(batch(told)).await.unwrap();
        let summary = store.summary(span(0, 15)).await.unwrap();
        assert_eq!((summary.buckets.len(), summary.buckets_total), (10, 12));
        assert_eq!(summary.buckets[0].bucket, "bucket-11");
        // One of the first bucket and two of the second, all within five minutes.
        assert_eq!(summary.other_buckets, [3, 0, 0]);
    }
}

#[tokio::test]
async fn what_could_not_be_understood_is_told_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let reject = |nth: i64| Reject {
        at: Timestamp::from_millis(nth),
        source: Source::S3Notification,
        reason: "json".into(),
        detail: format!("number {nth}"),
        origin: Origin::Message {
            queue: "notices".into(),
            message_id: nth.to_string(),
            body: "{".into(),
            record_index: None,
        },
    };
    for location in lasting_locations(folder.path()) {
        let store = open(location.clone(), 500);
        let rejects = (0..25).map(reject).collect();
        store.commit(Batch { rejects, ..batch([deleted("b", "k", "A", 1)]) }).await.unwrap();
        let health = store.source_health().await.unwrap();
        assert_eq!(health.rejects.len(), 20);
        let newest = &health.rejects[0];
        assert_eq!(
            (newest.detail.as_str(), newest.queue.as_deref()),
            ("number 24", Some("notices"))
        );
        assert_eq!(health.completeness.sources.len(), 1);
        assert!(health.unresolved.is_empty());
    }
}
