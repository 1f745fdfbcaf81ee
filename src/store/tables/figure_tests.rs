//! What the figures of a store promise: labels and their limit, histograms, sums over writers,
//! times of sources and sizes.

use deltrail_core::domain::{DiscardedLatency, Evidence, Family, Part, Source, Timestamp};

use super::fixtures::{batch, delete, lasting_locations, open, options, removed, stores, value};
use crate::store::{Batch, Location, Options, ProofOfLife, Store};

#[tokio::test]
async fn buckets_beyond_the_limit_share_one_label() {
    let directory = tempfile::tempdir().unwrap();
    for location in lasting_locations(directory.path()) {
        let store = open(location.clone(), 2);
        store.commit(batch([delete("one", "k", "1"), delete("two", "k", "2")])).await.unwrap();
        let report = store.commit(batch([delete("three", "k", "3")])).await.unwrap();
        assert_eq!(report.label_overflow, 1);
        let report = store.commit(batch([delete("three", "l", "again")])).await.unwrap();
        assert_eq!(report.label_overflow, 0, "a bucket overflows once");
        let report = store.commit(batch([delete("four", "k", "4")])).await.unwrap();
        assert_eq!(report.label_overflow, 1);
        store.close().await.unwrap();

        let store = open(location, 2);
        let report = store.commit(batch([delete("three", "m", "later")])).await.unwrap();
        assert_eq!(report.label_overflow, 0, "also over a restart");
        for (label, count) in [("one", 1), ("two", 1), ("three", 0), ("four", 0), ("other", 4)] {
            assert_eq!(removed(&store, label).await, count, "{label}");
        }
    }
}

/// The summed latencies under a bucket label, in milliseconds.
async fn latency_millis(store: &Store, bucket: &str) -> i64 {
    let labels = [bucket, "service"];
    value(store, Family::RequestToDeleteLatency, &labels, Part::SumMillis).await
}

#[tokio::test]
async fn only_important_buckets_have_a_latency_of_their_own() {
    for store in stores(2) {
        let buckets = ["plain", "vital-1", "vital-2"];
        for bucket in buckets {
            store.commit(batch([delete(bucket, "k", bucket)])).await.unwrap();
        }
        assert_eq!(latency_millis(&store, "vital-1").await, 42);
        assert_eq!(latency_millis(&store, "vital-2").await, 0, "it is beyond the limit of labels");
        assert_eq!(latency_millis(&store, "plain").await, 0);
        assert_eq!(latency_millis(&store, "other").await, 2 * 42);
    }
}

#[tokio::test]
async fn implausible_latencies_are_told_by_reason_and_not_observed() {
    for store in stores(500) {
        let ending = |request: &str, at| Evidence {
            ended_at: Some(Timestamp::from_millis(at)),
            ..delete("vital", "k", request)
        };
        let report = store
            .commit(batch([ending("late", 4_000_000), ending("early", 0), ending("right", 1_010)]))
            .await
            .unwrap();
        assert_eq!(report.discarded_latencies[&DiscardedLatency::OverOneHour], 1);
        assert_eq!(report.discarded_latencies[&DiscardedLatency::Negative], 1);
        assert_eq!(latency_millis(&store, "vital").await, 10);
    }
}

#[tokio::test]
async fn the_totals_of_all_writers_are_summed() {
    let directory = tempfile::tempdir().unwrap();
    for location in lasting_locations(directory.path()) {
        for (writer, request) in [("here", "A"), ("there", "B")] {
            let options = Options { writer: writer.into(), ..options(location.clone(), 500) };
            let store = Store::open(options).unwrap();
            store.commit(batch([delete("b", "k", request)])).await.unwrap();
            store.close().await.unwrap();
        }
        let store = open(location, 500);
        assert_eq!(removed(&store, "b").await, 2);
    }
}

fn heard(newest: Option<i64>, delivery: Option<i64>) -> ProofOfLife {
    ProofOfLife {
        source: Source::CloudTrail,
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        newest_event_at: newest.map(Timestamp::from_millis),
        last_delivery_at: delivery.map(Timestamp::from_millis),
        proof_of_life_at: None,
    }
}

#[tokio::test]
async fn the_times_of_a_source_only_move_forward() {
    for store in stores(500) {
        for life in [heard(Some(10), None), heard(Some(5), Some(20)), heard(None, Some(15))] {
            store.commit(Batch { life: vec![life], ..Batch::default() }).await.unwrap();
        }
        assert_eq!(store.sources().await.unwrap(), [heard(Some(10), Some(20))]);
    }
}

#[tokio::test]
async fn the_size_grows_with_the_rows() {
    let directory = tempfile::tempdir().unwrap();
    for location in [Location::Memory, Location::File(directory.path().join("d.db"))] {
        let store = open(location, 500);
        store.commit(batch([delete("b", "k", "A")])).await.unwrap();
        let small = store.size().unwrap();
        let many = (0..2_000).map(|nth| delete("b", &format!("k{nth}"), &nth.to_string()));
        store.commit(batch(many)).await.unwrap();
        assert!(store.size().unwrap().bytes > small.bytes);
        assert!(small.bytes > 0);
        assert_ne!(small.free_bytes, Some(0));
    }
}

#[tokio::test]
async fn more_rows_than_may_wait_are_committed_all_the_same() {
    for store in stores(500) {
        let life = |nth: usize| ProofOfLife { account: nth.to_string(), ..heard(None, None) };
        let huge = Batch { life: (0..20_001).map(life).collect(), ..Batch::default() };
        store.commit(huge).await.unwrap();
        assert_eq!(store.sources().await.unwrap().len(), 20_001);
    }
}

#[tokio::test]
async fn a_writer_with_nothing_to_do_shows_that_it_is_alive() {
    for store in stores(500) {
        let first = store.writer_ticked_at();
        while store.writer_ticked_at() == first {
            tokio::task::yield_now().await;
        }
        assert!(store.writer_ticked_at() > first);
    }
}
