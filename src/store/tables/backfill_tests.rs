//! Files of the past: what is learnt from them is counted apart, so that history never looks like a
//! purge, and it proves nothing about what is delivered now.

use deltrail_core::domain::{Creation, Evidence, Fact, Family, Kind, Mark, Provenance};

use super::fixtures::{removed, stores};
use super::story::{
    BUCKET, Told, ask, ask_rows, bulk, count, direct, facts, intent, line, minute, notice, rows,
    said, settle, settle_until, tell, written,
};
use crate::store::session::column;
use crate::store::{Batch, Settle, Store, Total};

async fn tell_of_the_past(store: &Store, told: impl IntoIterator<Item = Fact>) {
    let batch = Batch { provenance: Provenance::Backfill, ..facts(told) };
    store.commit(batch).await.unwrap();
}

/// Settles what was learnt from files, as when all of them have been read.
async fn settle_the_past(store: &Store) -> u64 {
    settle(store, &Settle { settles_backfill: true, ..ask() }).await.settled
}

async fn backfilled(store: &Store) -> i64 {
    count(store, Family::BackfilledRemovals, &[BUCKET]).await
}

/// Everything that is counted, but what was learnt from files.
async fn live_totals(store: &Store) -> Vec<Total> {
    let totals = store.totals().await.unwrap();
    let is_live = |total: &Total| total.series.family != Family::BackfilledRemovals;
    totals.into_iter().filter(is_live).collect()
}

/// A past with everything in it that is counted when it happens.
fn past() -> Vec<Fact> {
    let write = |request, at| -> Creation { written("cat.jpg", request, minute(at)) };
    vec![
        write("old", 0).fact(),
        write("fresh", 60).fact(),
        notice("cat.jpg", "A", minute(65)).fact(),
        direct("cat.jpg", "A", minute(65)).fact(),
        direct("cat.jpg", "B", minute(66)).fact(),
        line("cat.jpg", "B", minute(66)).fact(),
        bulk("C", minute(70)).fact(),
        intent("i", &["cat.jpg"], minute(65)).fact(),
        intent("j", &["cat.jpg"], minute(80)).fact(),
    ]
}

#[tokio::test]
async fn the_past_is_counted_apart_and_settles_without_any_source() {
    for store in stores(500) {
        tell_of_the_past(&store, past()).await;
        assert_eq!(backfilled(&store).await, 2);
        settle(&store, &ask()).await;
        assert_eq!(said(&store, "cat.jpg").await, [None, None], "more files may follow");

        assert_eq!(
            settle_the_past(&store).await,
            5,
            "two removals, a call and two keys of intents"
        );
        let told = said(&store, "cat.jpg").await;
        assert!(told[1].as_ref().unwrap().duplicate_of.is_some());
        assert_eq!((backfilled(&store).await, live_totals(&store).await), (2, vec![]));
        assert_eq!(store.gauges().await.unwrap().unfulfilled_intents[BUCKET], 1);
        assert_eq!(settle_the_past(&store).await, 0);
    }
}

#[tokio::test]
async fn the_past_proves_nothing_about_what_is_delivered_now() {
    for store in stores(500) {
        tell_of_the_past(&store, past()).await;
        assert_eq!(store.sources().await.unwrap(), []);
        let told: i64 = ask_rows(&store, |session| {
            session.one("SELECT count(*) FROM bucket_sources", &[], column)
        })
        .await;
        assert_eq!(told, 0);
    }
}

#[tokio::test]
async fn what_is_told_live_of_a_removal_of_the_past_moves_nothing() {
    for store in stores(500) {
        tell_of_the_past(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
        let word = Evidence { mark: Mark::Marker, ..notice("cat.jpg", "A", minute(0)) };
        tell(&store, [word.fact(), line("cat.jpg", "A", minute(0)).fact()]).await;
        settle_until(&store, 10).await;
        let row = &rows(&store, "cat.jpg").await[0];
        assert_eq!((row.0.kind, row.0.is_confirmed), (Kind::Marker, true), "the row knows better");
        assert_eq!((backfilled(&store).await, live_totals(&store).await), (1, vec![]));
    }
}

#[tokio::test]
async fn what_a_file_tells_of_a_removal_that_is_known_is_in_its_row_and_counts_no_removal() {
    for store in stores(500) {
        tell(&store, [notice("cat.jpg", "A", minute(0)).fact()]).await;
        settle_until(&store, 0).await;
        let before = live_totals(&store).await;
        let again = [direct("cat.jpg", "A", minute(0)), line("cat.jpg", "A", minute(0))];
        tell_of_the_past(&store, again.map(Told::fact)).await;
        settle_the_past(&store).await;
        let row = &rows(&store, "cat.jpg").await[0];
        assert_eq!(row.0.actor.arn.as_deref(), Some("arn:dev"));
        assert_eq!(row.1.provenance, Provenance::Live);
        assert_eq!((backfilled(&store).await, live_totals(&store).await), (0, before));
    }
}

#[tokio::test]
async fn a_request_of_the_past_stays_uncounted_when_it_is_told_again() {
    for store in stores(500) {
        tell_of_the_past(&store, [bulk("A", minute(0)).fact()]).await;
        let copy = Evidence { id: "copy".into(), account: "2".into(), ..bulk("A", minute(0)) };
        tell(&store, [copy.fact()]).await;
        assert_eq!(live_totals(&store).await, []);
    }
}

#[tokio::test]
async fn the_past_is_settled_in_one_go_beside_what_happens_now() {
    for store in stores(500) {
        tell(&store, [direct("dog.jpg", "L", minute(0)).fact()]).await;
        settle_until(&store, -1).await;
        tell_of_the_past(&store, [direct("cat.jpg", "A", minute(500)).fact()]).await;
        // One fact of either kind is due at once.
        super::story::hear(&store, deltrail_core::domain::Source::CloudTrail, minute(50)).await;
        let report = store.settle(Settle { settles_backfill: true, ..ask() }).await.unwrap();
        assert_eq!((report.settled, report.has_more), (2, false));
        assert_eq!((removed(&store, BUCKET).await, backfilled(&store).await), (1, 1));
    }
}
