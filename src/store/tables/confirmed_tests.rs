//! S3's own word on a removal: how long it took from the request, each key once, and where it is
//! missing although S3 tells of the bucket.

use deltrail_core::domain::{DiscardedLatency, Evidence, Fact, Family, Part, Source};

use super::fixtures::{stores, value};
use super::story::{
    BUCKET, Told, bulk, corrections, count, direct, line, milli, minute, notice, said, second,
    settle_until, tell,
};
use crate::store::Store;

/// The observed latencies of this basis: how many, and their sum in milliseconds.
async fn latencies(store: &Store, basis: &str) -> (i64, i64) {
    let mut observed = 0;
    for bucket in 0..=17 {
        let part = Part::Bucket(bucket);
        observed += value(store, Family::RequestToDeleteLatency, &[BUCKET, basis], part).await;
    }
    let labels = [BUCKET, basis];
    (observed, value(store, Family::RequestToDeleteLatency, &labels, Part::SumMillis).await)
}

/// A delete that began at 0 and of which S3 told after 250 ms.
fn told_after_250_millis() -> [Fact; 2] {
    [direct("cat.jpg", "A", milli(42)).fact(), notice("cat.jpg", "A", milli(250)).fact()]
}

#[tokio::test]
async fn the_time_to_the_notification_is_observed_once_whatever_came_first() {
    let [direct, notice] = told_after_250_millis();
    let orders = [
        vec![vec![&direct], vec![&notice]],
        vec![vec![&notice], vec![&direct]],
        vec![vec![&notice, &direct]],
    ];
    for batches in orders {
        for store in stores(500) {
            for _ in 0..2 {
                for batch in &batches {
                    tell(&store, batch.iter().map(|&fact| fact.clone())).await;
                }
            }
            tell(&store, [line("cat.jpg", "A", second(0)).fact()]).await;
            settle_until(&store, 5).await;
            assert_eq!(latencies(&store, "confirmed").await, (1, 250));
            assert_eq!(latencies(&store, "service").await, (1, 42));
            assert_eq!(latencies(&store, "access_log").await, (1, 30));
        }
    }
}

#[tokio::test]
async fn every_key_of_a_bulk_call_has_a_latency_of_its_own() {
    let notices = [notice("cat.jpg", "A", milli(100)), notice("dog.jpg", "A", milli(300))];
    let call = bulk("A", milli(42));
    for call_comes_first in [true, false] {
        for store in stores(500) {
            if call_comes_first {
                tell(&store, [call.clone().fact()]).await;
            }
            tell(&store, notices.clone().map(Told::fact)).await;
            tell(&store, [call.clone().fact()]).await;
            assert_eq!(latencies(&store, "confirmed").await, (2, 400));
        }
    }
}

#[tokio::test]
async fn the_start_of_another_bucket_s_request_of_the_same_id_is_not_taken() {
    for store in stores(500) {
        let elsewhere = Evidence { bucket: "other".into(), ..direct("cat.jpg", "A", milli(42)) };
        tell(&store, [elsewhere.fact()]).await;
        tell(&store, [notice("cat.jpg", "A", milli(250)).fact()]).await;
        assert_eq!(latencies(&store, "confirmed").await, (0, 0));
    }
}

#[tokio::test]
async fn neither_an_access_log_nor_eventbridge_is_an_end_of_it() {
    for store in stores(500) {
        let event = Evidence { source: Source::EventBridge, ..notice("cat.jpg", "A", second(1)) };
        tell(&store, [direct("cat.jpg", "A", milli(42)).fact(), event.fact()]).await;
        tell(&store, [line("cat.jpg", "A", second(0)).fact()]).await;
        assert_eq!(latencies(&store, "confirmed").await, (0, 0));
    }
}

#[tokio::test]
async fn an_implausible_time_to_the_notification_is_told_by_reason_once() {
    for (at, reason) in
        [(-1, DiscardedLatency::Negative), (3_600_001, DiscardedLatency::OverOneHour)]
    {
        let (call, end) = (direct("cat.jpg", "A", milli(42)), notice("cat.jpg", "A", milli(at)));
        for facts in [[call.clone(), end.clone()], [end.clone(), call.clone()]] {
            for store in stores(500) {
                let mut told = Vec::new();
                for fact in
                    facts.clone().into_iter().chain([call.clone(), line("cat.jpg", "A", second(0))])
                {
                    told.extend(tell(&store, [fact.fact()]).await.discarded_latencies);
                }
                assert_eq!(told, [(reason, 1)]);
                assert_eq!(latencies(&store, "confirmed").await, (0, 0));
            }
        }
    }
}

/// The removals without S3's word, as the gauge shows them.
async fn unconfirmed(store: &Store) -> u64 {
    store.gauges().await.unwrap().unconfirmed_removals.get(BUCKET).copied().unwrap_or_default()
}

const DAY: i64 = 24 * 60;

#[tokio::test]
async fn a_removal_without_s3_s_word_is_shown_where_s3_told_of_the_bucket_in_the_day_before() {
    // Minutes of the only notification of the bucket, and whether one is to be expected at 0.
    for (noticed_at, is_expected) in [(-1, true), (-DAY, true), (-DAY - 1, false), (1, false)] {
        for store in stores(500) {
            tell(&store, [notice("dog.jpg", "N", minute(noticed_at)).fact()]).await;
            tell(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
            assert_eq!(unconfirmed(&store).await, 0, "not before it is settled");
            settle_until(&store, 0).await;
            assert_eq!(unconfirmed(&store).await, u64::from(is_expected), "{noticed_at}");
            assert_eq!(
                said(&store, "cat.jpg").await[0].as_ref().unwrap().is_unconfirmed,
                is_expected,
                "{noticed_at}"
            );
        }
    }
}

#[tokio::test]
async fn where_s3_never_told_of_a_bucket_nothing_is_unconfirmed() {
    for store in stores(500) {
        tell(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
        let elsewhere = Evidence { bucket: "other".into(), ..notice("dog.jpg", "N", minute(-1)) };
        tell(&store, [elsewhere.fact()]).await;
        settle_until(&store, 0).await;
        assert_eq!(unconfirmed(&store).await, 0);
    }
}

#[tokio::test]
async fn any_word_of_s3_confirms_once_and_a_late_one_is_a_correction() {
    for source in [Source::S3Notification, Source::EventBridge, Source::AccessLog] {
        let word = Evidence { source, ..notice("cat.jpg", "A", minute(0)) };
        let told = [notice("dog.jpg", "N", minute(-1)), direct("cat.jpg", "A", minute(0))];
        for store in stores(500) {
            tell(&store, told.clone().map(Told::fact)).await;
            tell(&store, [word.clone().fact()]).await;
            settle_until(&store, 0).await;
            assert_eq!(unconfirmed(&store).await, 0);
            assert_eq!(count(&store, Family::RemovalsConfirmed, &[BUCKET]).await, 2);
            assert_eq!(corrections(&store, "unconfirmed").await, 0);
        }
        for store in stores(500) {
            tell(&store, told.clone().map(Told::fact)).await;
            settle_until(&store, 0).await;
            assert_eq!(unconfirmed(&store).await, 1);
            tell(&store, [word.clone().fact()]).await;
            assert_eq!(
                count(&store, Family::RemovalsConfirmed, &[BUCKET]).await,
                2,
                "counted at once"
            );
            settle_until(&store, 1).await;
            assert_eq!(unconfirmed(&store).await, 0);
            assert_eq!(corrections(&store, "unconfirmed").await, 1);
        }
    }
}
