//! Declared deletes: which removal fulfils each key, how long that took, and what is still missing
//! once no source can tell more.

use deltrail_core::domain::{DiscardedLatency, Evidence, Family, Part, Source};

use super::fixtures::{stores, value};
use super::story::{
    BUCKET, Told, ask, ask_rows, batch_line, child, corrections, direct, hear, intent, milli,
    minute, notice, second, settle, settle_until, tell,
};
use crate::store::Store;
use crate::store::session::values;

/// The keys that are missing, as the gauge shows them.
async fn unfulfilled(store: &Store) -> u64 {
    store.gauges().await.unwrap().unfulfilled_intents.get(BUCKET).copied().unwrap_or_default()
}

/// The observed latencies: how many, and their sum in milliseconds.
async fn latencies(store: &Store) -> (i64, i64) {
    let mut observed = 0;
    for bucket in 0..=17 {
        let labels = [BUCKET, "intent"];
        observed +=
            value(store, Family::RequestToDeleteLatency, &labels, Part::Bucket(bucket)).await;
    }
    let labels = [BUCKET, "intent"];
    (observed, value(store, Family::RequestToDeleteLatency, &labels, Part::SumMillis).await)
}

/// For each key of an intent the request id of the removal that fulfilled it.
async fn fulfilments(store: &Store, id: &str) -> Vec<(String, Option<String>)> {
    let id = id.to_owned();
    ask_rows(store, move |session| {
        session.rows(
            "SELECT slots.key, removals.request_id FROM intent_keys AS i
                 JOIN slots ON slots.id = i.slot_id
                 LEFT JOIN removals ON removals.slot_id = i.slot_id
                     AND removals.identity = i.removal
                 WHERE i.intent_id = ?1 AND i.state = 'fulfilled' ORDER BY slots.key",
            &values![id],
            |row| Ok((row.read()?, row.read()?)),
        )
    })
    .await
}

fn by(key: &str, request: &str) -> (String, Option<String>) {
    (key.to_owned(), Some(request.to_owned()))
}

#[tokio::test]
async fn the_first_removal_at_or_after_an_intent_fulfils_it_whatever_came_first() {
    let removals = || {
        [
            direct("cat.jpg", "too early", milli(-1)).fact(),
            direct("cat.jpg", "exactly", minute(0)).fact(),
            direct("cat.jpg", "later", minute(1)).fact(),
        ]
    };
    for intent_comes_first in [true, false] {
        for store in stores(500) {
            if intent_comes_first {
                tell(&store, [intent("i", &["cat.jpg"], minute(0)).fact()]).await;
            }
            for nth in [2, 0, 1] {
                tell(&store, [removals()[nth].clone()]).await;
            }
            if !intent_comes_first {
                tell(&store, [intent("i", &["cat.jpg"], minute(0)).fact()]).await;
            }
            assert_eq!(fulfilments(&store, "i").await, [], "not before it is settled");
            settle_until(&store, 5).await;
            assert_eq!(fulfilments(&store, "i").await, [by("cat.jpg", "exactly")]);
            assert_eq!(latencies(&store).await, (1, 0));
            assert_eq!(corrections(&store, "unfulfilled").await, 0);
        }
    }
}

#[tokio::test]
async fn a_removal_that_is_not_settled_yet_is_waited_for_because_an_earlier_one_may_come() {
    for store in stores(500) {
        tell(&store, [intent("i", &["cat.jpg"], minute(0)).fact()]).await;
        tell(&store, [direct("cat.jpg", "B", minute(20)).fact()]).await;
        settle_until(&store, 10).await;
        assert_eq!((fulfilments(&store, "i").await, unfulfilled(&store).await), (vec![], 0));
        // CloudTrail is not late yet.
        tell(&store, [direct("cat.jpg", "A", minute(15)).fact()]).await;
        settle_until(&store, 20).await;
        assert_eq!(fulfilments(&store, "i").await, [by("cat.jpg", "A")]);
        assert_eq!(latencies(&store).await, (1, 15 * 60_000));
    }
}

#[tokio::test]
async fn a_clock_of_whole_seconds_is_given_its_second_but_is_no_end_of_a_latency() {
    for store in stores(500) {
        tell(&store, [intent("within", &["cat.jpg"], milli(999)).fact()]).await;
        tell(&store, [intent("after", &["cat.jpg"], milli(1_000)).fact()]).await;
        tell(&store, [batch_line("cat.jpg", "A", minute(0)).fact()]).await;
        settle_until(&store, 5).await;
        assert_eq!(fulfilments(&store, "within").await, [by("cat.jpg", "A")]);
        assert_eq!(fulfilments(&store, "after").await, []);
        assert_eq!(unfulfilled(&store).await, 1);
        assert_eq!(latencies(&store).await, (0, 0));
    }
}

#[tokio::test]
async fn each_key_of_an_intent_is_observed_once() {
    for store in stores(500) {
        let keys = ["cat.jpg", "dog.jpg", "owl.jpg"];
        tell(&store, [intent("i", &keys, minute(0)).fact()]).await;
        tell(&store, [notice("cat.jpg", "A", second(60)).fact()]).await;
        tell(&store, [notice("dog.jpg", "A", second(61)).fact()]).await;
        settle_until(&store, 5).await;
        assert_eq!(fulfilments(&store, "i").await, [by("cat.jpg", "A"), by("dog.jpg", "A")]);
        assert_eq!((latencies(&store).await, unfulfilled(&store).await), ((2, 121_000), 1));

        // What else is told of the same removals, and the intent again, change nothing.
        tell(&store, [direct("cat.jpg", "A", second(60)).fact()]).await;
        tell(&store, [intent("i", &keys, minute(0)).fact()]).await;
        settle_until(&store, 10).await;
        assert_eq!((latencies(&store).await, unfulfilled(&store).await), ((2, 121_000), 1));
        assert_eq!(corrections(&store, "unfulfilled").await, 0);
    }
}

#[tokio::test]
async fn one_removal_fulfils_several_intents() {
    for store in stores(500) {
        tell(&store, [intent("i", &["cat.jpg"], second(0)).fact()]).await;
        tell(&store, [intent("j", &["cat.jpg"], second(10)).fact()]).await;
        tell(&store, [notice("cat.jpg", "A", second(15)).fact()]).await;
        settle_until(&store, 5).await;
        for id in ["i", "j"] {
            assert_eq!(fulfilments(&store, id).await, [by("cat.jpg", "A")]);
        }
        assert_eq!(latencies(&store).await, (2, 15_000 + 5_000));
    }
}

#[tokio::test]
async fn an_intent_that_nothing_fulfilled_is_shown_until_a_removal_comes() {
    for store in stores(500) {
        tell(&store, [intent("i", &["cat.jpg"], minute(0)).fact()]).await;
        hear(&store, Source::CloudTrail, minute(49)).await;
        settle(&store, &ask()).await;
        assert_eq!(unfulfilled(&store).await, 0, "it may still be told");
        hear(&store, Source::CloudTrail, minute(50)).await;
        settle(&store, &ask()).await;
        assert_eq!(unfulfilled(&store).await, 1);

        tell(&store, [direct("cat.jpg", "A", minute(45)).fact()]).await;
        settle_until(&store, 45).await;
        assert_eq!((unfulfilled(&store).await, latencies(&store).await), (0, (1, 45 * 60_000)));
        assert_eq!(
            corrections(&store, "unfulfilled").await,
            0,
            "it was true: the delete came late"
        );
    }
}

#[tokio::test]
async fn a_removal_that_is_told_late_is_a_correction_told_once() {
    for store in stores(500) {
        tell(&store, [intent("i", &["cat.jpg"], minute(0)).fact()]).await;
        hear(&store, Source::CloudTrail, minute(100)).await;
        settle(&store, &ask()).await;
        assert_eq!(unfulfilled(&store).await, 1);
        tell(&store, [direct("cat.jpg", "A", minute(5)).fact()]).await;
        settle_until(&store, 60).await;
        assert_eq!((unfulfilled(&store).await, corrections(&store, "unfulfilled").await), (0, 1));

        // Others, before and after, make it looked at again.
        let others = [direct("cat.jpg", "X", minute(-5)), direct("cat.jpg", "Y", minute(7))];
        tell(&store, others.map(Told::fact)).await;
        settle_until(&store, 61).await;
        assert_eq!(fulfilments(&store, "i").await, [by("cat.jpg", "A")]);
        assert_eq!((unfulfilled(&store).await, corrections(&store, "unfulfilled").await), (0, 1));
        assert_eq!(latencies(&store).await, (1, 5 * 60_000));
    }
}

#[tokio::test]
async fn an_earlier_removal_that_is_told_late_takes_the_place_of_the_later_one() {
    for store in stores(500) {
        tell(&store, [intent("i", &["cat.jpg"], minute(0)).fact()]).await;
        tell(&store, [direct("cat.jpg", "B", minute(10)).fact()]).await;
        settle_until(&store, 20).await;
        tell(&store, [direct("cat.jpg", "A", minute(5)).fact()]).await;
        settle_until(&store, 21).await;
        assert_eq!(fulfilments(&store, "i").await, [by("cat.jpg", "A")]);
        assert_eq!(latencies(&store).await, (1, 10 * 60_000), "a latency is observed once");
    }
}

#[tokio::test]
async fn an_intent_follows_its_removal_to_the_row_of_a_claim_and_to_a_finer_clock() {
    for store in stores(500) {
        tell(&store, [intent("i", &["cat.jpg"], milli(200)).fact()]).await;
        tell(&store, [child("cat.jpg", "E", second(0)).fact()]).await;
        settle_until(&store, 10).await;
        assert_eq!(
            fulfilments(&store, "i").await,
            [("cat.jpg".to_owned(), None)],
            "a child has no id"
        );
        tell(&store, [notice("cat.jpg", "A", milli(700)).fact()]).await;
        settle_until(&store, 11).await;
        assert_eq!(fulfilments(&store, "i").await, [by("cat.jpg", "A")]);
        assert_eq!(latencies(&store).await, (1, 500), "its end is known to the millisecond now");
    }
}

#[tokio::test]
async fn a_finer_clock_may_show_that_a_removal_came_before_the_intent() {
    for store in stores(500) {
        tell(&store, [intent("i", &["cat.jpg"], milli(500)).fact()]).await;
        tell(&store, [batch_line("cat.jpg", "A", second(0)).fact()]).await;
        settle_until(&store, 10).await;
        assert_eq!(unfulfilled(&store).await, 0);
        tell(&store, [notice("cat.jpg", "A", milli(100)).fact()]).await;
        settle_until(&store, 11).await;
        assert_eq!((fulfilments(&store, "i").await, unfulfilled(&store).await), (vec![], 1));
        assert_eq!(corrections(&store, "unfulfilled").await, 1);
    }
}

#[tokio::test]
async fn a_latency_of_more_than_an_hour_is_told_by_reason_once_and_not_observed() {
    for store in stores(500) {
        tell(&store, [intent("i", &["cat.jpg"], minute(0)).fact()]).await;
        tell(&store, [notice("cat.jpg", "A", milli(3_600_001)).fact()]).await;
        let report = settle_until(&store, 70).await;
        assert_eq!(
            report.discarded_latencies.into_iter().collect::<Vec<_>>(),
            [(DiscardedLatency::OverOneHour, 1)]
        );
        assert_eq!(latencies(&store).await, (0, 0));
        let line = batch_line("cat.jpg", "A", second(3_600));
        tell(&store, [line.fact()]).await;
        let again = settle_until(&store, 300).await;
        assert!(again.discarded_latencies.is_empty(), "{again:?}");
    }
}

#[tokio::test]
async fn lifecycle_fulfils_an_intent_as_well() {
    for store in stores(500) {
        tell(&store, [intent("i", &["cat.jpg"], minute(0)).fact()]).await;
        let expired = Evidence {
            cause: deltrail_core::domain::Cause::Lifecycle,
            ..notice("cat.jpg", "L", minute(2))
        };
        tell(&store, [expired.fact()]).await;
        settle_until(&store, 5).await;
        assert_eq!(fulfilments(&store, "i").await, [by("cat.jpg", "L")]);
    }
}
