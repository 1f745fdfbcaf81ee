//! No statement that runs with every commit or every tick reads a whole table of evidence: each one
//! finds its rows by an index, as PostgreSQL itself says. It knows the plans, not the questions.

use std::collections::BTreeSet;

use deltrail_core::domain::{Evidence, Timestamp};

use super::server::Database;
use super::tests::server;
use super::working_set::{WorkingSet, open_memory};
use super::{PostgresAddress, PostgresConnection, PostgresSession, Purpose, migrate};
use crate::store::session::{Result, Session};
use crate::store::tables::fixtures::options;
use crate::store::tables::story::{
    Told, ask, bulk, child, direct, facts, intent, line, minute, notice, written,
};
use crate::store::tables::{advance, forget, gauges, settle};
use crate::store::{Batch, Forget, Location, Sweep};

/// What is read as a whole: as many rows as there are sources, replicas or open findings, what is
/// to be forgotten first, and what is rare by its index, such as calls of which no key is known.
const WHOLE_READS_ALLOWED: [&str; 10] = [
    "creations_by_time",
    "findings_open",
    "forgotten",
    "holds_pkey",
    "intent_keys_settled",
    "intent_keys_unfulfilled",
    "removals_unconfirmed",
    "replicas_pkey",
    "requests_unresolved",
    "sources_pkey",
];

/// Everything that a daemon tells about a key and a bulk call, twice, so that the second time finds
/// what the first one wrote.
fn batches() -> Vec<Batch> {
    let told = |nth: i64| {
        let (key, name, at) = ("cat.jpg", format!("r-{nth}"), minute(nth));
        let part = child(key, &format!("child {nth}"), at);
        let copy = direct(key, &format!("copy {nth}"), at);
        facts([
            direct(key, &name, at).fact(),
            notice(key, &name, at).fact(),
            line(key, &name, at).fact(),
            bulk(&format!("bulk {nth}"), at).fact(),
            part.fact(),
            Evidence { shared_event_id: Some(name.clone()), ..copy }.fact(),
            written(key, &name, at).fact(),
            intent(&name, &[key], at).fact(),
        ])
    };
    vec![told(0), told(5), told(0)]
}

/// Runs what every commit runs.
fn commit_all(connection: &PostgresConnection, location: &Location) -> Result<()> {
    let options = options(location.clone(), 500);
    let memory = open_memory().unwrap();
    let working_set = WorkingSet::new(&memory, connection)?;
    for batch in batches() {
        working_set.commit(&options, &[&batch], Timestamp::from_millis(0))?;
    }
    Ok(())
}

/// Runs what every commit, every tick and every way through the store runs.
fn run_all(connection: &PostgresConnection, location: &Location) -> Result<()> {
    commit_all(connection, location)?;
    let options = options(location.clone(), 500);
    let session = Session::Postgres(PostgresSession::new(connection));
    let held = session.in_transaction(|| advance(&session, "here", &ask().holds))?;
    session.in_transaction(|| settle(&session, &options, &ask(), &held))?;
    gauges(&session)?;
    let mut next = Some(Sweep::start());
    while let Some(from) = next {
        let part = Forget { before: minute(1_000_000), from, rows_max: 10 };
        next = session.in_transaction(|| forget(&session, &part))?.next;
    }
    Ok(())
}

/// Makes some ten thousand rows of each row that there is, so that it matters how they are read.
fn grow(database: &Database<'_>) {
    let changes = [
        ("actors", "'id', t.id + n * 100, 'actor', t.actor || n"),
        ("slots", "'id', t.id + n * 100, 'key', t.key || n"),
        (
            "evidence",
            "'id', t.id || n, 'slot_id', t.slot_id + n * 100, 'request_id', t.request_id || n",
        ),
        ("requests", "'identity', t.identity || n"),
        ("removals", "'slot_id', t.slot_id + n * 100"),
        ("creations", "'slot_id', t.slot_id + n * 100"),
        ("intents", "'id', t.id || n"),
        ("intent_keys", "'slot_id', t.slot_id + n * 100"),
        ("rollups", "'window_number', t.window_number + n"),
    ];
    for (table, changes) in changes {
        database.ask(&format!(
            "INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object({changes}))).*
             FROM {table} AS t, generate_series(1, 3000) AS n ON CONFLICT DO NOTHING"
        ));
    }
    database.ask("ANALYZE");
}

/// The tables and indexes that prepared statements read as a whole, with the statement.
fn whole_reads(connection: &PostgresConnection) -> BTreeSet<(String, String)> {
    let prepared = "SELECT name, statement, cardinality(parameter_types)::bigint
        FROM pg_prepared_statements WHERE statement ~* '^\\s*(select|insert|update|delete)\\s'";
    let mut reads = BTreeSet::new();
    for row in connection.query(prepared, &[]).unwrap() {
        let (name, statement, values): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
        let nulls = vec!["NULL"; usize::try_from(values).unwrap()].join(", ");
        let nulls = if nulls.is_empty() { nulls } else { format!("({nulls})") };
        let explain = format!("EXPLAIN (COSTS OFF) EXECUTE \"{name}\" {nulls}");
        let plan: Vec<String> = connection
            .query(&explain, &[])
            .unwrap_or_else(|error| panic!("{error}: {statement}"))
            .iter()
            .map(|row| row.get(0))
            .collect();
        for (step, next) in plan.iter().zip(plan.iter().skip(1).map(String::as_str).chain([""])) {
            let is_bounded = next.trim_start().starts_with("Index Cond");
            let whole = ["Seq Scan on ", "Index Only Scan using ", "Index Scan using "]
                .iter()
                .find_map(|kind| Some(step.split_once(kind)?.1))
                .filter(|_| !is_bounded);
            if let Some(whole) = whole.and_then(|whole| whole.split(' ').next()) {
                reads.insert((whole.to_owned(), statement.clone()));
            }
        }
    }
    reads
}

#[test]
fn no_statement_of_a_commit_or_a_tick_reads_a_whole_table_of_evidence() {
    let Some(server) = server() else { return };
    let database = server.database();
    let address = PostgresAddress::parse(&database.url).unwrap();
    migrate(&address).unwrap();
    let connect = || PostgresConnection::open(&address, Purpose::Write).unwrap();
    let location = Location::parse(&database.url).unwrap();
    commit_all(&connect(), &location).unwrap();
    grow(&database);
    // It has planned nothing for tables without rows.
    let connection = connect();
    run_all(&connection, &location).unwrap();
    let reads = whole_reads(&connection);
    let is_allowed = |whole: &str| WHOLE_READS_ALLOWED.contains(&whole);
    let others: Vec<_> = reads.iter().filter(|(whole, _)| !is_allowed(whole)).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(reads.iter().any(|(whole, _)| is_allowed(whole)), "no plan was read");
    connection.query("SELECT count(*) FROM evidence WHERE error_code = $1", &[&"x"]).unwrap();
    let with_slow: BTreeSet<String> = whole_reads(&connection).into_iter().map(|it| it.0).collect();
    assert!(with_slow.contains("evidence"), "a statement that reads too much is not found");
}
