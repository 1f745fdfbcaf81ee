//! What is said of a removal once no source can tell more, and what later evidence changes of it:
//! counters move once, rows always.

use std::collections::BTreeMap;

use deltrail_core::domain::{
    Evidence, Fact, Family, Intent, Kind, Mark, RemovalRole, Said, Source, Target,
};

use super::fixtures::{removed, stores};
use super::story::{
    BUCKET, Told, ask, bulk, child, corrections, count, direct, hear, intent, life, milli, minute,
    notice, rows, said, second, settle, settle_until, tell, written,
};
use crate::store::{Batch, Store};

async fn duplicates(store: &Store) -> i64 {
    count(store, Family::DuplicateDeleteRequests, &[BUCKET]).await
}

async fn stale(store: &Store) -> i64 {
    count(store, Family::StaleDeletes, &[BUCKET]).await
}

async fn of_kind(store: &Store, kind: Kind) -> i64 {
    count(store, Family::RemovalsByKind, &[BUCKET, kind.as_str(), "api"]).await
}

/// One key's part of a bulk call whose children share its request id.
fn part(key: &str, request: &str, at: i64) -> Evidence {
    Evidence {
        id: format!("part {key} {request}"),
        request_id: Some(request.into()),
        ..child(key, &format!("{key} {request}"), minute(at))
    }
}

/// A write, the write that replaced it an hour later, and the delete of that.
fn stale_story() -> [Fact; 3] {
    [
        written("cat.jpg", "old", minute(0)).fact(),
        written("cat.jpg", "fresh", minute(60)).fact(),
        direct("cat.jpg", "A", minute(65)).fact(),
    ]
}

#[tokio::test]
async fn a_kind_that_nobody_tells_is_counted_as_unknown_when_it_is_settled_and_corrected_later() {
    for store in stores(500) {
        tell(&store, [part("cat.jpg", "A", 0).fact()]).await;
        assert_eq!(removed(&store, BUCKET).await, 1);
        assert_eq!(of_kind(&store, Kind::Unknown).await, 0, "somebody may still tell");

        settle_until(&store, 0).await;
        assert_eq!(of_kind(&store, Kind::Unknown).await, 1);
        assert_eq!(corrections(&store, "kind").await, 0);

        let late = Evidence { mark: Mark::Marker, ..notice("cat.jpg", "A", minute(0)) };
        tell(&store, [late.fact()]).await;
        let row = &rows(&store, "cat.jpg").await[0].0;
        assert_eq!((row.kind, row.is_confirmed), (Kind::Marker, true));
        assert_eq!(corrections(&store, "kind").await, 1);
        assert_eq!(
            (of_kind(&store, Kind::Unknown).await, of_kind(&store, Kind::Marker).await),
            (1, 0)
        );
        settle_until(&store, 10).await;
        assert_eq!(corrections(&store, "kind").await, 1, "told once");
    }
}

#[tokio::test]
async fn a_kind_that_was_told_in_time_is_never_unknown() {
    for store in stores(500) {
        tell(&store, [part("cat.jpg", "A", 0).fact()]).await;
        tell(&store, [notice("cat.jpg", "A", second(1)).fact()]).await;
        settle_until(&store, 5).await;
        assert_eq!(
            (of_kind(&store, Kind::Unknown).await, of_kind(&store, Kind::Object).await),
            (0, 1)
        );
        assert_eq!(corrections(&store, "kind").await, 0);
    }
}

#[tokio::test]
async fn a_fact_is_settled_thirty_minutes_after_the_watermark_of_the_last_source_has_passed_it() {
    for store in stores(500) {
        tell(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
        tell(&store, [direct("cat.jpg", "B", minute(5)).fact()]).await;
        tell(&store, [notice("dog.jpg", "C", minute(0)).fact()]).await;
        hear(&store, Source::CloudTrail, minute(5 + 30 + 20)).await;
        // The notifications lack a millisecond.
        let almost = life(Source::S3Notification, milli((5 + 30 + 2) * 60_000 - 1));
        store.commit(Batch { life: vec![almost], ..Batch::default() }).await.unwrap();
        settle(&store, &ask()).await;
        assert_eq!(duplicates(&store).await, 0);
        let told = said(&store, "cat.jpg").await;
        assert!(told[0].is_some() && told[1].is_none(), "{told:?}");

        hear(&store, Source::S3Notification, minute(5 + 30 + 2)).await;
        assert_eq!(settle(&store, &ask()).await.settled, 1);
        assert_eq!(duplicates(&store).await, 1);
        let first = rows(&store, "cat.jpg").await[0].0.identity.clone();
        let told = said(&store, "cat.jpg").await[1].clone().unwrap();
        assert_eq!(told.duplicate_of, Some(first));
        assert_eq!(settle(&store, &ask()).await.settled, 0, "once");
        assert_eq!(duplicates(&store).await, 1);
    }
}

#[tokio::test]
async fn a_write_that_is_told_late_takes_a_duplicate_back_in_the_row_and_not_in_the_counter() {
    for store in stores(500) {
        tell(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
        tell(&store, [direct("cat.jpg", "B", minute(5)).fact()]).await;
        settle_until(&store, 10).await;
        assert_eq!(duplicates(&store).await, 1);

        tell(&store, [written("cat.jpg", "W", minute(3)).fact()]).await;
        settle_until(&store, 11).await;
        assert_eq!(said(&store, "cat.jpg").await[1].as_ref().unwrap().duplicate_of, None);
        assert_eq!((duplicates(&store).await, corrections(&store, "duplicate").await), (1, 1));

        tell(&store, [written("cat.jpg", "X", minute(4)).fact()]).await;
        settle_until(&store, 12).await;
        assert_eq!(corrections(&store, "duplicate").await, 1, "it changes nothing");
    }
}

#[tokio::test]
async fn a_delete_of_a_fresh_write_is_stale_whatever_came_first() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        for store in stores(500) {
            for nth in order {
                tell(&store, [stale_story()[nth].clone()]).await;
                // Nothing is complete until then.
                assert_eq!(settle(&store, &ask()).await.settled, 0);
            }
            assert_eq!(stale(&store).await, 0, "not before it is settled");
            settle_until(&store, 65).await;
            assert_eq!(stale(&store).await, 1, "{order:?}");
            assert_eq!(said(&store, "cat.jpg").await[0].as_ref().unwrap().is_stale, Some(true));
        }
    }
}

#[tokio::test]
async fn a_removal_between_that_is_told_late_takes_a_stale_delete_back() {
    for store in stores(500) {
        tell(&store, stale_story()).await;
        settle_until(&store, 65).await;
        assert_eq!(stale(&store).await, 1);
        tell(&store, [direct("cat.jpg", "B", minute(30)).fact()]).await;
        settle_until(&store, 66).await;
        let told = said(&store, "cat.jpg").await;
        assert_eq!(told[1].as_ref().unwrap().is_stale, Some(false));
        assert_eq!((stale(&store).await, corrections(&store, "stale").await), (1, 1));
    }
}

#[tokio::test]
async fn without_word_of_any_write_in_the_bucket_nothing_is_said_of_stale_deletes() {
    for store in stores(500) {
        tell(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
        settle_until(&store, 0).await;
        assert_eq!(said(&store, "cat.jpg").await[0].as_ref().unwrap().is_stale, None);
        tell(&store, [written("dog.jpg", "W", minute(50)).fact()]).await;
        tell(&store, [direct("cat.jpg", "B", minute(50)).fact()]).await;
        settle_until(&store, 50).await;
        assert_eq!(said(&store, "cat.jpg").await[1].as_ref().unwrap().is_stale, Some(false));
        assert_eq!(
            corrections(&store, "stale").await,
            0,
            "to learn that it was not is no correction"
        );
    }
}

#[tokio::test]
async fn the_removal_of_a_marker_is_an_undelete_however_long_ago_the_marker_was_made() {
    for store in stores(500) {
        let marker = |request, at| Evidence {
            mark: Mark::Marker,
            marker_version_id: Some("m1".into()),
            ..direct("cat.jpg", request, at)
        };
        tell(&store, [marker("A", minute(0)).fact()]).await;
        let by_id = |request, id: &str| Evidence {
            target: Target::Version(id.into()),
            mark: Mark::Version,
            ..direct("cat.jpg", request, minute(60 * 24 * 40))
        };
        tell(&store, [by_id("B", "m1").fact(), by_id("C", "m2").fact()]).await;
        settle_until(&store, 60 * 24 * 40).await;
        let undeletes: Vec<bool> = said(&store, "cat.jpg")
            .await
            .into_iter()
            .map(|told: Option<Said>| told.unwrap().is_undelete)
            .collect();
        assert_eq!(undeletes, [false, true, false]);
    }
}

#[tokio::test]
async fn removals_of_two_calls_repeat_each_other_even_if_a_call_is_told_late() {
    for store in stores(500) {
        tell(&store, [part("cat.jpg", "A", 0).fact(), part("cat.jpg", "B", 5).fact()]).await;
        tell(&store, [bulk("A", minute(0)).fact()]).await;
        settle_until(&store, 10).await;
        assert_eq!(duplicates(&store).await, 0, "the id of the second may be its own");
        tell(&store, [bulk("B", minute(5)).fact()]).await;
        settle_until(&store, 11).await;
        assert!(said(&store, "cat.jpg").await[1].as_ref().unwrap().duplicate_of.is_some());
        assert_eq!((duplicates(&store).await, corrections(&store, "duplicate").await), (0, 1));
    }
}

#[tokio::test]
async fn what_is_said_is_kept_when_a_child_finds_its_notice_late() {
    for store in stores(500) {
        tell(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
        tell(&store, [child("cat.jpg", "E", minute(5)).fact()]).await;
        settle_until(&store, 10).await;
        assert_eq!(of_kind(&store, Kind::Unknown).await, 1);
        tell(&store, [notice("cat.jpg", "B", minute(5)).fact()]).await;
        settle_until(&store, 11).await;
        let told = said(&store, "cat.jpg").await;
        assert_eq!(told.len(), 2, "it is the same removal");
        assert!(
            told[1].as_ref().unwrap().duplicate_of.is_some(),
            "now it is known what was removed"
        );
        assert_eq!(duplicates(&store).await, 0);
        for (reason, expected) in [("kind", 1), ("duplicate", 1), ("stale", 0)] {
            assert_eq!(corrections(&store, reason).await, expected, "{reason}");
        }
    }
}

#[tokio::test]
async fn more_facts_than_fit_in_one_part_are_settled_in_several() {
    for store in stores(500) {
        let many = (0..2_500).map(|nth| direct(&format!("{nth}"), &format!("R{nth}"), second(nth)));
        tell(&store, many.map(Told::fact)).await;
        hear(&store, Source::CloudTrail, minute(60 * 24)).await;
        let first = store.settle(ask()).await.unwrap();
        assert!(first.has_more && first.settled < 2_500, "{first:?}");
        assert_eq!(first.settled + settle(&store, &ask()).await.settled, 2_500);
    }
}

#[tokio::test]
async fn a_transaction_settles_no_bucket_after_another_without_end() {
    for store in stores(500) {
        let buckets = (0..15).map(|nth| format!("bucket-{nth}"));
        let of = |bucket: String| {
            (0..1_000).map(move |nth| Evidence {
                bucket: bucket.clone().into(),
                ..direct(&format!("{nth}"), &format!("{bucket} {nth}"), second(nth))
            })
        };
        tell(&store, buckets.flat_map(of).map(Told::fact)).await;
        hear(&store, Source::CloudTrail, minute(60 * 24)).await;
        let first = store.settle(ask()).await.unwrap();
        assert!(first.has_more && (1_000..=11_000).contains(&first.settled), "{first:?}");
        assert_eq!(first.settled + settle(&store, &ask()).await.settled, 15_000);
    }
}

#[tokio::test]
async fn gauges_and_counters_of_buckets_beyond_the_limit_of_labels_share_one_label() {
    for store in stores(1) {
        for bucket in ["one", "two", "three"] {
            let of = |piece: Evidence| Evidence { bucket: bucket.into(), ..piece }.fact();
            let id = |name: &str| format!("{name} {bucket}");
            tell(
                &store,
                [
                    of(notice("dog.jpg", &id("N"), minute(-1))),
                    of(direct("cat.jpg", &id("A"), minute(0))),
                    of(direct("cat.jpg", &id("B"), minute(1))),
                    of(bulk(&id("C"), minute(1))),
                    Intent { bucket: bucket.into(), ..intent(&id("I"), &["owl.jpg"], minute(1)) }
                        .fact(),
                ],
            )
            .await;
        }
        let by_label = |one: u64| BTreeMap::from([("one".into(), one), ("other".into(), 2 * one)]);
        hear(&store, Source::S3Notification, minute(5 + 2)).await;
        hear(&store, Source::CloudTrail, minute(5 + 20)).await;
        settle(&store, &ask()).await;
        assert_eq!(store.gauges().await.unwrap().settled_window, Some((minute(5), by_label(2))));

        settle_until(&store, 1).await;
        let gauges = store.gauges().await.unwrap();
        assert_eq!(gauges.unresolved_bulk_deletes, by_label(1));
        assert_eq!(gauges.unfulfilled_intents, by_label(1));
        assert_eq!(gauges.unconfirmed_removals, by_label(2));
        assert_eq!(count(&store, Family::DuplicateDeleteRequests, &["one"]).await, 1);
        assert_eq!(count(&store, Family::DuplicateDeleteRequests, &["other"]).await, 2);
    }
}

#[tokio::test]
async fn a_refused_key_is_no_removal_to_be_settled() {
    for store in stores(500) {
        let refused = Evidence {
            role: RemovalRole::None,
            call: None,
            http_status: Some(403),
            error_code: Some("AccessDenied".into()),
            ..direct("cat.jpg", "A", minute(0))
        };
        tell(&store, [refused.fact()]).await;
        assert_eq!(settle_until(&store, 10).await.settled, 0);
        assert_eq!(rows(&store, "cat.jpg").await, []);
    }
}
