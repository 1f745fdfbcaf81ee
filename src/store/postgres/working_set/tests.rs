//! Commits to PostgreSQL beside the same commits to SQLite: whatever is told in whatever batches,
//! by one program or by several at once, the rows and the totals are the same.

use std::collections::BTreeMap;

use deltrail_core::domain::{Deed, Evidence, Fact, Provenance, Timestamp, Touched, Trace, Traces};
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use super::{WorkingSet, open_memory};
use crate::store::postgres::tests::server;
use crate::store::postgres::{PostgresAddress, PostgresConnection, Purpose, migrate};
use crate::store::session::Session;
use crate::store::sqlite::{self, SqliteSession};
use crate::store::tables::commit_batches;
use crate::store::tables::fixtures::options;
use crate::store::tables::fold_tests::any_evidence;
use crate::store::tables::history_tests::acts::{any_history, beginnings};
use crate::store::{Batch, CommitReport, Location, StoredFact};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// What a store holds, in an order of its own, without the numbers that it gave.
const HELD: [&str; 12] = [
    "SELECT bucket, key, has_child, has_intent FROM slots",
    "SELECT e.id, s.bucket, s.key, e.bucket, source, api, outcome, role, target, mark, cause,
         request_id, event_id, shared_event_id, amends_event_id, account, region, at, started_at,
         ended_at, total_millis, sequencer, http_status, error_code, marker_version_id, actor,
         record_index
     FROM evidence AS e LEFT JOIN slots AS s ON s.id = slot_id
     LEFT JOIN actors AS a ON a.id = actor_id",
    "SELECT bucket, identity, key, api, outcome, request_id, account, region, at, started_at,
         ended_at, total_millis, http_status, error_code, sources, actor_kind, actor,
         is_backfilled, resolution
     FROM requests LEFT JOIN actors AS a ON a.id = actor_id",
    "SELECT s.bucket, s.key, identity, target, kind, cause, is_confirmed, at, is_coarse, sequencer,
         notified_at, request_id, sources, actor_kind, actor, marker_version_id,
         counted_confirmed, counted_latency, is_backfilled, settled, duplicate_of, is_stale,
         is_undelete, is_unconfirmed
     FROM removals LEFT JOIN slots AS s ON s.id = slot_id LEFT JOIN actors AS a ON a.id = actor_id",
    "SELECT s.bucket, s.key, identity, at, is_coarse, sequencer, version_id, sources, actor,
         superseded_at
     FROM creations LEFT JOIN slots AS s ON s.id = slot_id",
    "SELECT id, bucket, requested_at, said_by, reference FROM intents",
    "SELECT s.bucket, s.key, intent_id, requested_at, due_at, state, was_unfulfilled, removal,
         removed_at, counted_latency, is_backfilled
     FROM intent_keys LEFT JOIN slots AS s ON s.id = slot_id",
    "SELECT bucket, is_named FROM labelled_buckets",
    "SELECT source, account, region, newest_event_at, last_delivery_at, proof_of_life_at
     FROM sources",
    "SELECT bucket, source, account, region, oldest_event_at, newest_event_at, newest_creation_at
     FROM bucket_sources",
    "SELECT bucket, hour_number, deed, actor, keys, first_at, last_at
     FROM traces JOIN actors AS a ON a.id = actor_id",
    "SELECT family, labels, part, CAST(sum(value) AS BIGINT) FROM totals
     WHERE family NOT IN ('deltrail_corrections_total', 'deltrail_removals_by_kind_total')
     GROUP BY family, labels, part HAVING sum(value) <> 0",
];

/// What depends on the order in which contradictions were told: what is counted under which kind,
/// and by what an index finds evidence.
const IN_ORDER: [&str; 3] = [
    "SELECT s.bucket, s.key, identity, counted_kind, counted_cause
     FROM removals LEFT JOIN slots AS s ON s.id = slot_id",
    "SELECT e.id, s.bucket, s.key, is_key_of_request
     FROM evidence AS e LEFT JOIN slots AS s ON s.id = slot_id",
    "SELECT family, labels, part, CAST(sum(value) AS BIGINT) FROM totals
     WHERE family IN ('deltrail_corrections_total', 'deltrail_removals_by_kind_total')
     GROUP BY family, labels, part HAVING sum(value) <> 0",
];

type Held = Vec<Vec<String>>;

type Checked = Result<(), TestCaseError>;

fn held_by_sqlite(connection: &rusqlite::Connection) -> Held {
    let answered = |sql: &&str| {
        let mut select = connection.prepare(sql).unwrap();
        let count = select.column_count();
        let rows = select.query_map([], |row| {
            let cells = (0..count).map(|index| {
                Ok(match row.get(index)? {
                    rusqlite::types::Value::Null => "-".to_owned(),
                    rusqlite::types::Value::Integer(value) => value.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    other => panic!("{other:?}"),
                })
            });
            Ok(cells.collect::<rusqlite::Result<Vec<String>>>()?.join("|"))
        });
        let mut rows: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
        rows.sort();
        rows
    };
    HELD.iter().chain(&IN_ORDER).map(answered).collect()
}

fn held_by_postgres(connection: &PostgresConnection) -> Held {
    let answered = |sql: &&str| {
        let rows = connection.query(sql, &[]).unwrap();
        let shown = |row: &tokio_postgres::Row| {
            let cells = row.columns().iter().enumerate().map(|(index, column)| {
                let shown = if *column.type_() == tokio_postgres::types::Type::INT8 {
                    row.get::<_, Option<i64>>(index).map(|value| value.to_string())
                } else {
                    row.get::<_, Option<String>>(index)
                };
                shown.unwrap_or("-".to_owned())
            });
            cells.collect::<Vec<String>>().join("|")
        };
        let mut rows: Vec<String> = rows.iter().map(shown).collect();
        rows.sort();
        rows
    };
    HELD.iter().chain(&IN_ORDER).map(answered).collect()
}

/// Whether two stores hold the same; else what only one of them holds.
fn check_same(held: &[Vec<String>], expected: &[Vec<String>]) -> Checked {
    for (held, expected) in held.iter().zip(expected) {
        let only_in = |these: &[String], others: &[String]| -> Vec<String> {
            these.iter().filter(|it| !others.contains(it)).cloned().collect()
        };
        prop_assert_eq!(only_in(held, expected), only_in(expected, held));
        prop_assert_eq!(held.len(), expected.len());
    }
    Ok(())
}

fn batch_of(facts: &[Fact], provenance: Provenance) -> Batch {
    let traces = traces_of(facts);
    let facts = facts.iter().map(|fact| StoredFact { fact: fact.clone(), record_index: None });
    Batch { facts: facts.collect(), traces, provenance, ..Batch::default() }
}

/// What the callers behind some of the facts did to their keys.
fn traces_of(facts: &[Fact]) -> Vec<Trace> {
    let mut traces = Traces::default();
    for (nth, fact) in facts.iter().enumerate() {
        if let Fact::Deletion(evidence) = fact {
            traces.note(&Touched {
                bucket: &evidence.bucket,
                key: evidence.key.as_deref().unwrap_or("no key"),
                deed: Deed::ALL[nth % 3],
                at: evidence.at,
                actor: &evidence.actor,
            });
        }
    }
    traces.take()
}

/// Any batches: of the evidence of whole histories, and of evidence that nobody would expect, which
/// may contradict itself. Whether it does not is said.
fn any_batches() -> impl Strategy<Value = (bool, Vec<Batch>)> {
    let of_history = any_history()
        .prop_map(|pieces| pieces.into_iter().map(|piece| piece.fact).collect::<Vec<_>>());
    let of_anything = prop::collection::vec(any_evidence(), 1..24).prop_map(|evidence| {
        // Whoever says the same twice says it in the same words.
        let by_id: BTreeMap<String, Evidence> =
            evidence.into_iter().map(|it| (it.id.clone(), it)).collect();
        by_id.into_values().map(|it| Fact::Deletion(Box::new(it))).collect::<Vec<_>>()
    });
    let facts = prop_oneof![
        of_history.prop_shuffle().prop_map(|facts| (true, facts)),
        of_anything.prop_shuffle().prop_map(|facts| (false, facts)),
    ];
    let cuts = prop::collection::vec((1usize..8, prop::bool::weighted(0.2)), 1..12);
    let again = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    (facts, cuts, again).prop_map(|((is_history, facts), cuts, again)| {
        let mut rest = &facts[..];
        let mut batches = vec![batch_of(&beginnings(), Provenance::Live)];
        for (count, is_backfill) in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*count).min(rest.len()));
            let provenance = if *is_backfill { Provenance::Backfill } else { Provenance::Live };
            batches.push(batch_of(now, provenance));
            rest = later;
        }
        let copies: Vec<Batch> =
            again.iter().map(|index| batches[index.index(batches.len())].clone()).collect();
        batches.extend(copies);
        (is_history, batches)
    })
}

/// What one SQLite store makes of batches.
fn in_sqlite(batches: &[Batch]) -> (Vec<CommitReport>, Held) {
    let connection = sqlite::open_writer(&Location::Memory).unwrap();
    let session = Session::Sqlite(SqliteSession::new(&connection));
    let options = options(Location::Memory, 500);
    let commit = |batch: &Batch| commit_batches(&session, &options, &[batch], NOW).unwrap();
    let reports = batches.iter().flat_map(commit).collect();
    (reports, held_by_sqlite(&connection))
}

/// Runs as many cases as usual, each on tables that were emptied.
fn for_any_batches(
    check: impl Fn(&PostgresAddress, &PostgresConnection, bool, Vec<Batch>) -> Checked,
) {
    let Some(server) = server() else { return };
    let database = server.database();
    let address = PostgresAddress::parse(&database.url).unwrap();
    migrate(&address).unwrap();
    let connection = PostgresConnection::open(&address, Purpose::Write).unwrap();
    let tables = database.ask(
        "SELECT string_agg(tablename, ', ') FROM pg_tables WHERE schemaname = 'public'
             AND tablename NOT IN ('refinery_schema_history', 'compatibility', 'forgotten')",
    );
    let usual = ProptestConfig::default();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: usual.cases.div_ceil(8),
        failure_persistence: None,
        ..usual
    });
    let result = runner.run(&any_batches(), |(is_history, batches)| {
        connection.batch(&format!("TRUNCATE {tables} RESTART IDENTITY")).unwrap();
        check(&address, &connection, is_history, batches)
    });
    if let Err(TestError::Fail(reason, _)) = result {
        panic!("{reason}");
    }
}

#[test]
fn the_same_batches_make_the_same_rows_and_totals_as_in_sqlite() {
    let memory = open_memory().unwrap();
    for_any_batches(|_, connection, _, batches| {
        let working_set = WorkingSet::new(&memory, connection).unwrap();
        let options = options(Location::Memory, 500);
        let (expected_reports, expected) = in_sqlite(&batches);
        let commit = |batch: &Batch| working_set.commit(&options, &[batch], NOW).unwrap();
        let reports: Vec<CommitReport> = batches.iter().flat_map(commit).collect();
        check_same(&held_by_postgres(connection), &expected)?;
        prop_assert_eq!(reports, expected_reports);
        Ok(())
    });
}

#[test]
fn several_programs_at_once_make_the_rows_and_totals_of_one() {
    for_any_batches(|address, connection, is_history, mut batches| {
        for batch in &mut batches {
            // Who tells of something first says whether it is of the past.
            batch.provenance = Provenance::Live;
        }
        let (_, expected) = in_sqlite(&batches);
        std::thread::scope(|scope| {
            for nth in 0..3 {
                let batches = &batches;
                scope.spawn(move || {
                    let mut options = options(Location::Memory, 500);
                    options.writer = format!("writer {nth}");
                    let memory = open_memory().unwrap();
                    let connection = PostgresConnection::open(address, Purpose::Write).unwrap();
                    let working_set = WorkingSet::new(&memory, &connection).unwrap();
                    // Each takes every third, and some that others take too.
                    let mine =
                        batches.iter().enumerate().filter(|(at, _)| at % 3 == nth || at % 4 == nth);
                    for (_, batch) in mine {
                        working_set.commit(&options, &[batch], NOW).unwrap();
                    }
                });
            }
        });
        // The totals stand last. Who contradicts himself is counted as what he said first.
        let in_any_order = if is_history { HELD.len() } else { HELD.len() - 1 };
        check_same(&held_by_postgres(connection)[..in_any_order], &expected[..in_any_order])
    });
}
