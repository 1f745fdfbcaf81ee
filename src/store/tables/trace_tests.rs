//! What was done to keys: the same rows whatever came in which order, how often and in how many
//! batches; the days that it matters to; and for whom it is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltrail_core::domain::{Actor, Day, Deed, Hour, Timestamp, Touched, Trace, Traces};

use super::fixtures::stores;
use super::forget::tests::forget_all;
use super::story::{BUCKET, ask_rows, minute};
use crate::store::session::{column, values};
use crate::store::{Batch, Store};

const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/mover";

fn caller(arn: Option<&str>, id: Option<&str>) -> Arc<Actor> {
    let text = |text: Option<&str>| text.map(str::to_owned);
    Actor { arn: text(arn), principal_id: text(id), ..Actor::default() }.into()
}

fn mover() -> Arc<Actor> {
    caller(Some(ROLE), Some("AROAEXAMPLEEXAMPLEXX"))
}

/// What a caller did to keys at this hour of the story.
fn done(hour: i64, deed: Deed, actor: &Arc<Actor>, keys: std::ops::Range<u32>) -> Vec<Trace> {
    let mut traces = Traces::default();
    for key in keys {
        let at = Timestamp::from_millis(minute(60 * hour).as_millis() + i64::from(key));
        let key = format!("photos/{key}.jpg");
        traces.note(&Touched { bucket: BUCKET, key: &key, deed, at, actor });
    }
    traces.take()
}

async fn tell(store: &Store, traces: Vec<Trace>) {
    store.commit(Batch { traces, ..Batch::default() }).await.unwrap();
}

/// The rows, each with its caller in words.
async fn rows(store: &Store) -> Vec<String> {
    let mut rows = ask_rows(store, |session| {
        session.rows(
            "SELECT hour_number, deed, actor, keys, first_at, last_at
             FROM traces JOIN actors ON actors.id = actor_id WHERE bucket = ?1",
            &values![BUCKET],
            |row| {
                let (hour, deed, actor): (i64, String, String) =
                    (row.read()?, row.read()?, row.read()?);
                let (keys, first, last): (String, i64, i64) =
                    (row.read()?, row.read()?, row.read()?);
                Ok(format!("{hour} {deed} {actor} {keys} {first} {last}"))
            },
        )
    })
    .await;
    rows.sort_unstable();
    rows
}

/// How often each day of the story was marked.
async fn marked(store: &Store) -> BTreeMap<i64, i64> {
    let due = store.due_days(100).await.unwrap();
    let first = Day::of(minute(0)).number();
    due.into_iter().map(|due| (due.day.number() - first, due.version)).collect()
}

#[tokio::test]
async fn the_same_deeds_make_the_same_rows_in_any_order_and_batches() {
    let parts: Vec<Vec<Trace>> = vec![
        done(1, Deed::Read, &mover(), 0..300),
        done(1, Deed::Read, &mover(), 200..900),
        done(2, Deed::Read, &mover(), 0..10),
        done(3, Deed::Removed, &mover(), 0..50),
        done(3, Deed::CustomerKey, &caller(Some("arn:dev"), None), 5..8),
    ];
    let mut held: Vec<Vec<String>> = Vec::new();
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
        for store in stores(500) {
            for part in order {
                tell(&store, parts[part].clone()).await;
                tell(&store, parts[order[0]].clone()).await;
            }
            held.push(rows(&store).await);
            store.close().await.unwrap();
        }
    }
    for store in stores(500) {
        tell(&store, parts.concat()).await;
        held.push(rows(&store).await);
        store.close().await.unwrap();
    }
    assert_eq!(held[0].len(), 4);
    assert!(held.iter().all(|rows| *rows == held[0]), "{held:#?}");
}

#[tokio::test]
async fn a_read_is_looked_at_again_only_where_keys_were_destroyed_within_a_day_after() {
    for store in stores(500) {
        tell(&store, done(1, Deed::Read, &mover(), 0..50)).await;
        assert_eq!(marked(&store).await, BTreeMap::new(), "nothing was removed");
        tell(&store, done(30, Deed::Removed, &mover(), 0..50)).await;
        assert_eq!(marked(&store).await, BTreeMap::from([(1, 1)]));
        tell(&store, done(5, Deed::Read, &mover(), 0..50)).await;
        tell(&store, done(31, Deed::Read, &mover(), 0..50)).await;
        assert_eq!(marked(&store).await, BTreeMap::from([(1, 1)]), "too early, and too late");
        tell(&store, done(6, Deed::Read, &mover(), 0..50)).await;
        tell(&store, done(30, Deed::Read, &mover(), 0..50)).await;
        assert_eq!(marked(&store).await, BTreeMap::from([(1, 3)]));
        tell(&store, done(6, Deed::Read, &mover(), 0..50)).await;
        tell(&store, done(30, Deed::Removed, &mover(), 10..20)).await;
        assert_eq!(marked(&store).await, BTreeMap::from([(1, 3)]), "that was known");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn those_are_told_of_who_destroyed_many_and_what_else_is_known_of_them() {
    for store in stores(500) {
        // A notice names an id, a log line an ARN, and CloudTrail both.
        let (by_id, by_arn) = (
            caller(None, Some("AWS:AROAEXAMPLEEXAMPLEXX:i-0a")),
            caller(Some("arn:aws:sts::111122223333:assumed-role/mover/i-0a"), None),
        );
        let other = caller(Some("arn:other"), None);
        tell(&store, done(2, Deed::Removed, &by_id, 0..30)).await;
        tell(&store, done(1, Deed::Read, &by_arn, 0..30)).await;
        tell(&store, done(1, Deed::Read, &other, 0..30)).await;
        tell(&store, done(2, Deed::Removed, &other, 0..9)).await;
        let day = Day::of(minute(0));
        let deeds = async |store: &Store| {
            let told = store.traces(BUCKET, day).await.unwrap();
            let of_known = |it: &&_| told.callers.contains_key(it);
            assert_eq!(told.traces.iter().map(|it| &it.caller).filter(of_known).count(), {
                told.traces.len()
            });
            let mut deeds: Vec<(Deed, u64)> =
                told.traces.iter().map(|it| (it.deed, it.keys.keys())).collect();
            deeds.sort_unstable();
            deeds
        };
        assert_eq!(deeds(&store).await, [(Deed::Removed, 30)]);
        tell(&store, done(2, Deed::Removed, &mover(), 0..30)).await;
        let all = [(Deed::Read, 30), (Deed::Removed, 30), (Deed::Removed, 30)];
        assert_eq!(deeds(&store).await, all, "who has both names is both");
        let past = store.past_traces(BUCKET, day.plus(2)).await.unwrap();
        assert_eq!(past.callers.len(), 4, "of the past, everybody");
        assert_eq!(store.past_traces(BUCKET, day.plus(1)).await.unwrap().traces, []);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_was_done_is_forgotten_when_no_day_is_judged_by_it_any_more() {
    for store in stores(500) {
        for nth in 0..100 {
            tell(&store, done(24 * nth, Deed::Read, &mover(), 0..3)).await;
        }
        forget_all(&store, minute(60 * 24 * 61), 7).await;
        let first = ask_rows(&store, |session| {
            session.one("SELECT min(hour_number) FROM traces", &[], column::<i64>)
        });
        // A day more than is asked for, and the 30 by which the oldest one is judged.
        assert_eq!(first.await, Hour::of(minute(60 * 24 * 30)).number());
        tell(&store, done(24, Deed::Read, &mover(), 0..3)).await;
        assert_eq!(rows(&store).await.len(), 70, "what was forgotten is not learnt again");
        store.close().await.unwrap();
    }
}
