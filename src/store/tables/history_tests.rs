//! Settling against the pure core: random histories, told by whatever sources in whatever order and
//! cut, with settling at any place between, end in the rows that the core makes of all evidence. If
//! no source is later than it may be, nothing is ever corrected and the totals are exact.

pub(in crate::store) mod acts;
mod truth;

use std::collections::BTreeMap;

use deltrail_core::domain::{Api, Cause, Fact, Family, Kind, Outcome, Part, Removal, Said, Source};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use self::acts::{Piece, any_history, beginnings};
use self::truth::{Occurrences, Truth};
use super::fixtures::{database, open};
use super::story::{
    BUCKET, LATENESS_MINUTES, ask, ask_rows, rows_of, said_of, settle, settle_until, tell,
};
use crate::store::{Location, Store, Total};

const BUCKETS: [&str; 2] = [BUCKET, "plain"];
/// The pieces of each source in the order of their delivery. A source that keeps its word delivers
/// nothing later than it may; one that does not, anything at any time.
fn deliveries(pieces: &[Piece], keeps_word: bool) -> Vec<Vec<Fact>> {
    let due = |piece: &Piece| {
        let part = i64::from(piece.lateness);
        let lateness = LATENESS_MINUTES.iter().find(|(source, _)| *source == piece.fact.source());
        match lateness {
            Some((_, minutes)) if keeps_word => {
                piece.fact.at().as_millis() + minutes * 60_000 * part / (i64::from(u16::MAX) + 1)
            }
            _ => part,
        }
    };
    let mut by_source: BTreeMap<Source, Vec<&Piece>> = BTreeMap::new();
    for piece in pieces {
        by_source.entry(piece.fact.source()).or_default().push(piece);
    }
    let sorted = by_source.into_values().map(|mut pieces| {
        pieces.sort_by_key(|piece| due(piece));
        pieces.into_iter().map(|piece| piece.fact.clone()).collect()
    });
    sorted.collect()
}

/// What is taken from which source next, and whether facts are settled then.
type Step = (prop::sample::Index, usize, bool);

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((any::<prop::sample::Index>(), 1usize..6, any::<bool>()), 1..40)
}

/// Tells a store everything, step by step, and settles all of it at the end.
async fn told(place: Location, pieces: &[Piece], keeps_word: bool, steps: &[Step]) -> Store {
    let store = open(place, 500);
    tell(&store, beginnings()).await;
    let mut queues = deliveries(pieces, keeps_word);
    for (source, count, settles) in steps.iter().cycle() {
        queues.retain(|queue| !queue.is_empty());
        if queues.is_empty() {
            break;
        }
        let at = source.index(queues.len());
        let count = (*count).min(queues[at].len());
        let batch: Vec<Fact> = queues[at].drain(..count).collect();
        tell(&store, batch).await;
        if *settles {
            settle(&store, &ask()).await;
        }
    }
    settle_until(&store, 24 * 60).await;
    store
}

/// What the store holds, in the words of [`Truth::fulfilments`].
async fn fulfilments(store: &Store) -> BTreeMap<(String, String, String), Option<String>> {
    let settled = ask_rows(store, |session| {
        session.rows(
            "SELECT s.bucket, s.key, i.intent_id,
                 CASE WHEN i.state = 'fulfilled' THEN i.removal END
             FROM intent_keys AS i JOIN slots AS s ON s.id = i.slot_id
             WHERE i.state <> 'pending'",
            &[],
            |row| Ok(((row.read()?, row.read()?, row.read()?), row.read()?)),
        )
    });
    settled.await.into_iter().collect()
}

async fn check_rows(store: &Store, truth: &Truth) {
    for ((bucket, key), expected) in truth.rows() {
        let found = rows_of(store, &bucket, &key).await;
        let found: Vec<_> =
            found.into_iter().map(|(row, counted)| (row, said_of(&counted))).collect();
        let expected: Vec<_> = expected.into_iter().map(|(row, said)| (row, Some(said))).collect();
        assert_eq!(found, expected, "{bucket}/{key}");
    }
    assert_eq!(fulfilments(store).await, truth.fulfilments());
    let gauges = store.gauges().await.unwrap();
    for bucket in BUCKETS {
        let shown = gauges.unresolved_bulk_deletes.get(bucket).copied().unwrap_or_default();
        assert_eq!(shown, truth.unresolved(bucket) as u64, "{bucket}");
    }
}

fn total(totals: &[Total], family: Family, labels: &[&str]) -> i64 {
    let is_asked = |total: &&Total| {
        total.series.family == family
            && total.part == Part::Value
            && labels.iter().zip(&total.series.labels).all(|(asked, label)| asked == label)
    };
    totals.iter().filter(is_asked).map(|total| total.value).sum()
}

/// Checks what is counted, whatever was believed in between.
fn check_counts(totals: &[Total], truth: &Truth) {
    let rows = truth.rows();
    for bucket in BUCKETS {
        let of_bucket = rows.iter().filter(|((of, _), _)| of == bucket).flat_map(|(_, rows)| rows);
        let all: Vec<&(Removal, Said)> = of_bucket.collect();
        let confirmed = all.iter().filter(|(row, _)| row.is_confirmed).count();
        let number = |count: usize| i64::try_from(count).unwrap();
        assert_eq!(total(totals, Family::ObjectsRemoved, &[bucket]), number(all.len()));
        assert_eq!(total(totals, Family::RemovalsByKind, &[bucket]), number(all.len()));
        assert_eq!(total(totals, Family::RemovalsConfirmed, &[bucket]), number(confirmed));
        let calls = truth.calls.iter().filter(|call| call.bucket == bucket).count();
        let labels = [bucket, Api::DeleteObjects.as_str(), Outcome::Ok.as_str()];
        assert_eq!(total(totals, Family::DeleteRequests, &labels), number(calls));
    }
}

/// Checks what is counted when nothing had to be taken back.
fn check_exact_counts(totals: &[Total], truth: &Truth) {
    let rows = truth.rows();
    assert_eq!(total(totals, Family::Corrections, &[]), 0);
    for bucket in BUCKETS {
        let of_bucket = rows.iter().filter(|((of, _), _)| of == bucket).flat_map(|(_, rows)| rows);
        let all: Vec<&(Removal, Said)> = of_bucket.collect();
        let count = |is_so: &dyn Fn(&Removal, &Said) -> bool| {
            i64::try_from(all.iter().filter(|(row, said)| is_so(row, said)).count()).unwrap()
        };
        let duplicates = count(&|_, said| said.duplicate_of.is_some());
        assert_eq!(total(totals, Family::DuplicateDeleteRequests, &[bucket]), duplicates);
        let stale = count(&|_, said| said.is_stale == Some(true));
        assert_eq!(total(totals, Family::StaleDeletes, &[bucket]), stale);
        for kind in [Kind::Object, Kind::Version, Kind::Marker, Kind::Unknown] {
            for cause in [Cause::Api, Cause::Lifecycle] {
                let labels = [bucket, kind.as_str(), cause.as_str()];
                let expected = count(&|row, _| (row.kind, row.cause) == (kind, cause));
                assert_eq!(total(totals, Family::RemovalsByKind, &labels), expected, "{labels:?}");
            }
        }
    }
}

fn truth_of(pieces: &[Piece]) -> Truth {
    Truth::of(beginnings().into_iter().chain(pieces.iter().map(|piece| piece.fact.clone())))
}

#[test]
fn the_histories_are_rich() {
    let mut runner = TestRunner::deterministic();
    let mut seen = Occurrences::default();
    for _ in 0..256 {
        seen.note_all(&truth_of(&any_history().new_tree(&mut runner).unwrap().current()));
    }
    assert!(seen.0.values().all(|&count| count >= 10), "{seen:?}");
}

fn block_on(story: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(story);
}

/// Every case tells whole stores, so fewer of them do.
fn halved() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.div_ceil(2), ..usual }
}

/// Cases on a database, where each takes long.
fn few() -> ProptestConfig {
    ProptestConfig { cases: 3, ..ProptestConfig::default() }
}

/// Tells two stores everything in their own order and cut: both are exact.
async fn check_in_time(places: [Location; 2], pieces: &[Piece], steps: [&[Step]; 2]) {
    let truth = truth_of(pieces);
    let [first, second] = places;
    let one = told(first, pieces, true, steps[0]).await;
    check_rows(&one, &truth).await;
    let totals = one.totals().await.unwrap();
    check_counts(&totals, &truth);
    check_exact_counts(&totals, &truth);
    let other = told(second, pieces, true, steps[1]).await;
    check_rows(&other, &truth).await;
    assert_eq!(other.totals().await.unwrap(), totals);
}

async fn check_late(place: Location, pieces: &[Piece], steps: &[Step]) {
    let truth = truth_of(pieces);
    let store = told(place, pieces, false, steps).await;
    check_rows(&store, &truth).await;
    check_counts(&store.totals().await.unwrap(), &truth);
}

proptest! {
    #![proptest_config(halved())]

    #[test]
    fn sources_that_are_never_too_late_make_exact_totals_in_every_order_and_cut(
        pieces in any_history(),
        steps in (any_steps(), any_steps()),
    ) {
        let places = [Location::Memory, Location::Memory];
        block_on(check_in_time(places, &pieces, [&steps.0, &steps.1]));
    }

    #[test]
    fn whatever_comes_however_late_the_rows_end_as_if_it_had_come_in_time(
        pieces in any_history(),
        steps in any_steps(),
    ) {
        block_on(check_late(Location::Memory, &pieces, &steps));
    }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn a_database_and_memory_tell_the_same_history_exactly(
        pieces in any_history(),
        steps in (any_steps(), any_steps()),
    ) {
        let Some(database) = database() else { return Ok(()) };
        let places = [Location::Memory, database];
        block_on(check_in_time(places, &pieces, [&steps.0, &steps.1]));
    }

    #[test]
    fn on_a_database_the_rows_end_as_if_everything_had_come_in_time(
        pieces in any_history(),
        steps in any_steps(),
    ) {
        let Some(database) = database() else { return Ok(()) };
        block_on(check_late(database, &pieces, &steps));
    }
}
