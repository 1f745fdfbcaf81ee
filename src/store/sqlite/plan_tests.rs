//! No statement that runs with every commit or every tick reads a whole table of evidence: each one
//! finds its rows by an index, as SQLite itself says.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::open::open_writer;
use crate::store::Location;

/// The files whose statements run with every commit, every tick, or every look at the gauges.
const FILES: [(&str, &str); 15] = [
    ("commit.rs", include_str!("commit.rs")),
    ("creations.rs", include_str!("creations.rs")),
    ("gauges.rs", include_str!("gauges.rs")),
    ("heard.rs", include_str!("heard.rs")),
    ("intents.rs", include_str!("intents.rs")),
    ("neighbourhood.rs", include_str!("neighbourhood.rs")),
    ("requests.rs", include_str!("requests.rs")),
    ("history.rs", include_str!("history.rs")),
    ("settle.rs", include_str!("settle.rs")),
    ("settle_calls.rs", include_str!("settle_calls.rs")),
    ("settle_intents.rs", include_str!("settle_intents.rs")),
    ("slots.rs", include_str!("slots.rs")),
    ("totals.rs", include_str!("totals.rs")),
    ("told.rs", include_str!("told.rs")),
    ("watermarks.rs", include_str!("watermarks.rs")),
];

/// What the statements of a file are put together from, as it stands there.
const PARTS: [(&str, &str, &[&str]); 6] = [
    (
        "settle.rs",
        "{rows}",
        &[
            "removals WHERE settled <> 1",
            "requests WHERE api = 'DeleteObjects' AND outcome = 'ok' AND resolution IS NULL",
            "intent_keys WHERE state = 'pending'",
        ],
    ),
    ("settle.rs", "{condition}", &["at <= ?2", "at > ?2 AND is_backfilled = 1"]),
    ("settle_calls.rs", "{condition}", &["at <= ?2", "(at <= ?2 OR is_backfilled)"]),
    ("settle_intents.rs", "{condition}", &["due_at <= ?2", "(due_at <= ?2 OR is_backfilled)"]),
    (
        "neighbourhood.rs",
        "{condition}",
        &[
            "request_id = ?2",
            "shared_event_id = ?2",
            "event_id = ?2 AND request_id IS NULL",
            "id = ?2",
            "role = 'child' AND at BETWEEN ?2 AND ?3",
        ],
    ),
    ("neighbourhood.rs", "{EVIDENCE_COLUMNS}", &[]),
];

/// What may be read as a whole: tables of few rows, two rows of a subquery, the exceptions that
/// gauges count, and the smallest index of the writes, which are counted.
const SCANS_ALLOWED: [&str; 8] = [
    "SCAN (subquery-1)",
    "SCAN l USING COVERING INDEX sqlite_autoindex_labelled_buckets_1",
    "SCAN sources",
    "SCAN sources USING INDEX sqlite_autoindex_sources_1",
    "SCAN requests USING COVERING INDEX requests_unresolved",
    "SCAN removals USING COVERING INDEX removals_unconfirmed",
    "SCAN intent_keys USING COVERING INDEX intent_keys_unfulfilled",
    "SCAN creations USING COVERING INDEX creations_by_time",
];

/// The statements of a file, each part that varies filled in with all that it may be.
fn statements(file: &str, text: &str) -> Vec<String> {
    let begins = ["SELECT ", "UPDATE ", "DELETE ", "INSERT "];
    let mut statements: Vec<String> = text
        .match_indices('"')
        .map(|(quote, _)| &text[quote + 1..])
        .filter(|rest| begins.iter().any(|begin| rest.starts_with(begin)))
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect();
    for (_, name, fillings) in PARTS.iter().filter(|(of, _, _)| *of == file) {
        let fillings: &[&str] =
            if *name == "{EVIDENCE_COLUMNS}" { &[super::rows::EVIDENCE_COLUMNS] } else { fillings };
        statements = statements
            .into_iter()
            .flat_map(|statement| {
                let filled = fillings.iter().map(|filling| statement.replace(name, filling));
                filled.collect::<BTreeSet<_>>()
            })
            .collect();
    }
    statements
}

/// The tables and indexes that a statement reads as a whole.
fn scans(connection: &Connection, statement: &str) -> Vec<String> {
    // A row that is added breaks no reference to it: SQLite plans that check and skips it.
    let checks_references = !statement.starts_with("INSERT");
    connection.pragma_update(None, "foreign_keys", checks_references).unwrap();
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let mut steps = plan.raw_query();
    let mut scans = Vec::new();
    while let Some(step) = steps.next().unwrap() {
        let detail: String = step.get("detail").unwrap();
        if detail.starts_with("SCAN") && detail != "SCAN CONSTANT ROW" {
            scans.push(detail);
        }
    }
    scans
}

#[test]
fn no_statement_of_a_commit_or_a_tick_reads_a_whole_table_of_evidence() {
    let connection = open_writer(&Location::Memory).unwrap();
    let (mut allowed, mut others) = (BTreeSet::new(), Vec::new());
    for (file, text) in FILES {
        let statements = statements(file, text);
        assert!(!statements.is_empty(), "{file} has no statement that this test finds");
        for statement in statements {
            assert!(!statement.contains('{'), "what {file} fills in is not known: {statement}");
            for scan in scans(&connection, &statement) {
                match SCANS_ALLOWED.iter().find(|&&known| known == scan) {
                    Some(known) => _ = allowed.insert(known),
                    None => others.push(format!("{file}: {scan}: {statement}")),
                }
            }
        }
    }
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(allowed, SCANS_ALLOWED.iter().collect(), "what never happens need not be allowed");
}

#[test]
fn what_statements_are_filled_in_with_stands_in_their_files() {
    for (file, name, fillings) in PARTS {
        let (_, text) = FILES.iter().find(|(name, _)| *name == file).unwrap();
        for part in fillings.iter().chain([&name]) {
            assert!(text.contains(part), "{file} has no {part:?} any more");
        }
    }
}

#[test]
fn a_statement_that_reads_a_whole_table_is_found() {
    let connection = open_writer(&Location::Memory).unwrap();
    let slow = "SELECT count(*) FROM evidence WHERE error_code = ?1";
    assert_eq!(scans(&connection, slow), ["SCAN evidence"]);
}
