//! No statement that runs with every commit or every tick reads a whole table of evidence, nor all
//! of a bucket or of a key: each one finds its rows by an index, as SQLite itself says.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::creations::creation_columns;
use super::expectations::expectation_columns;
use super::finding_rows::finding_columns;
use super::protections::protection_columns;
use super::request_rows::request_columns;
use super::rows::{counted_columns, evidence_columns, removal_columns};
use crate::store::Location;
use crate::store::sqlite::open_writer;

/// The files whose statements run with every commit, every tick, or every look at the gauges.
pub(super) const FILES: [(&str, &str); 26] = [
    ("actors.rs", include_str!("actors.rs")),
    ("commit.rs", include_str!("commit.rs")),
    ("creations.rs", include_str!("creations.rs")),
    ("deliveries.rs", include_str!("deliveries.rs")),
    ("expectations.rs", include_str!("expectations.rs")),
    ("finding_rows.rs", include_str!("finding_rows.rs")),
    ("findings.rs", include_str!("findings.rs")),
    ("forget.rs", include_str!("forget.rs")),
    ("gauges.rs", include_str!("gauges.rs")),
    ("heard.rs", include_str!("heard.rs")),
    ("intents.rs", include_str!("intents.rs")),
    ("journal.rs", include_str!("journal.rs")),
    ("neighbourhood.rs", include_str!("neighbourhood.rs")),
    ("observations.rs", include_str!("observations.rs")),
    ("requests.rs", include_str!("requests.rs")),
    ("rollups.rs", include_str!("rollups.rs")),
    ("history.rs", include_str!("history.rs")),
    ("settle.rs", include_str!("settle.rs")),
    ("settle_calls.rs", include_str!("settle_calls.rs")),
    ("settle_intents.rs", include_str!("settle_intents.rs")),
    ("slots.rs", include_str!("slots.rs")),
    ("slow.rs", include_str!("slow.rs")),
    ("totals.rs", include_str!("totals.rs")),
    ("told.rs", include_str!("told.rs")),
    ("traces.rs", include_str!("traces.rs")),
    ("watermarks.rs", include_str!("watermarks.rs")),
];

/// What statements name their columns with, by the macros' names.
const COLUMNS: [(&str, &str); 9] = [
    ("counted_columns!()", counted_columns!()),
    ("creation_columns!()", creation_columns!()),
    ("evidence_columns!()", evidence_columns!()),
    ("expectation_columns!()", expectation_columns!()),
    ("finding_columns!()", finding_columns!()),
    ("key_columns!()", "slot_id"),
    ("protection_columns!()", protection_columns!()),
    ("removal_columns!()", removal_columns!()),
    ("request_columns!()", request_columns!()),
];

/// What may be read as a whole: tables of few rows or asked by people, the first rows of what is
/// due, two rows or the newest ones of a subquery, the exceptions that gauges count, and the
/// smallest index of the writes, which are counted. Of a bucket: few rows too, the first row of an
/// index, and what is open when files of the past have been read.
const WIDE_READS_ALLOWED: [&str; 18] = [
    "SCAN writes",
    "SCAN newest",
    "SCAN l USING COVERING INDEX sqlite_autoindex_labelled_buckets_1",
    "SCAN sources USING INDEX sqlite_autoindex_sources_1",
    "SCAN requests USING COVERING INDEX requests_unresolved",
    "SCAN removals USING COVERING INDEX removals_unconfirmed",
    "SCAN intent_keys USING COVERING INDEX intent_keys_unfulfilled",
    "SCAN detection_due USING INDEX detection_due_open",
    "SCAN expectations",
    "SCAN findings USING INDEX findings_open",
    "SCAN creations USING COVERING INDEX creations_by_time",
    "SEARCH b USING PRIMARY KEY (bucket=?)",
    "SEARCH bucket_sources USING PRIMARY KEY (bucket=?)",
    "SEARCH intent_keys USING INDEX intent_keys_pending (bucket=?)",
    "SEARCH labelled_buckets USING INDEX sqlite_autoindex_labelled_buckets_1 (bucket=?)",
    "SEARCH removals USING INDEX removals_unsettled (bucket=?)",
    "SEARCH requests USING COVERING INDEX requests_unresolved (bucket=?)",
    "SEARCH requests USING INDEX requests_unsettled (bucket=?)",
];

/// The statements of a file: its texts, and what it puts together from texts and columns.
pub(super) fn statements(file: &str, text: &str) -> Vec<String> {
    let begins = ["SELECT ", "UPDATE ", "DELETE ", "INSERT "];
    let mut statements = Vec::new();
    let mut rest = text;
    while let Some(quote) = rest.find('"') {
        let is_composed = rest[..quote].trim_end().ends_with("concat!(");
        rest = &rest[quote..];
        let mut statement = String::new();
        loop {
            let part;
            (part, rest) = first_part(file, rest);
            statement.push_str(part);
            match rest.trim_start().strip_prefix(',') {
                Some(next) if is_composed && !next.trim_start().starts_with(')') => rest = next,
                _ => break,
            }
        }
        if begins.iter().any(|begin| statement.starts_with(begin)) {
            statements.push(statement);
        }
    }
    statements
}

/// The text that `rest` begins with, a literal or columns, and what comes after it.
fn first_part<'a>(file: &str, rest: &'a str) -> (&'a str, &'a str) {
    let rest = rest.trim_start();
    if let Some(literal) = rest.strip_prefix('"') {
        return literal.split_once('"').unwrap();
    }
    let known =
        COLUMNS.iter().find_map(|(name, columns)| Some((*columns, rest.strip_prefix(name)?)));
    known.unwrap_or_else(|| panic!("{file} names columns in a way that is not known: {rest:.40}"))
}

/// The tables and indexes that a statement reads as a whole, or all of a bucket or a key in them.
fn wide_reads(connection: &Connection, statement: &str) -> Vec<String> {
    // A row that is added breaks no reference to it: SQLite plans that check and skips it.
    let checks_references = !statement.starts_with("INSERT");
    connection.pragma_update(None, "foreign_keys", checks_references).unwrap();
    let is_wide = |detail: &String| {
        let is_scan = detail.starts_with("SCAN") && detail != "SCAN CONSTANT ROW";
        is_scan || detail.ends_with("(bucket=?)") || detail.ends_with("(slot_id=?)")
    };
    plan(connection, statement).into_iter().filter(is_wide).collect()
}

/// How SQLite goes about a statement, step by step.
pub(super) fn plan(connection: &Connection, statement: &str) -> Vec<String> {
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let mut steps = plan.raw_query();
    let mut details = Vec::new();
    while let Some(step) = steps.next().unwrap() {
        details.push(step.get("detail").unwrap());
    }
    details
}

#[test]
fn no_statement_of_a_commit_or_a_tick_reads_all_there_is_of_a_table_a_bucket_or_a_key() {
    let connection = open_writer(&Location::Memory).unwrap();
    let (mut allowed, mut others) = (BTreeSet::new(), Vec::new());
    for (file, text) in FILES {
        let statements = statements(file, text);
        assert!(!statements.is_empty(), "{file} has no statement that this test finds");
        for statement in statements {
            for read in wide_reads(&connection, &statement) {
                match WIDE_READS_ALLOWED.iter().find(|&&known| known == read) {
                    Some(known) => _ = allowed.insert(known),
                    None => others.push(format!("{file}: {read}: {statement}")),
                }
            }
        }
    }
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(
        allowed,
        WIDE_READS_ALLOWED.iter().collect(),
        "what never happens need not be allowed"
    );
}

#[test]
fn a_statement_that_reads_too_much_is_found() {
    let connection = open_writer(&Location::Memory).unwrap();
    let slow = "SELECT count(*) FROM evidence WHERE error_code = ?1";
    assert_eq!(wide_reads(&connection, slow), ["SCAN evidence"]);
    let of_key = "SELECT * FROM removals WHERE slot_id = ?1 AND request_id = ?2";
    let read = "SEARCH removals USING INDEX removals_by_slot (slot_id=?)";
    assert_eq!(wide_reads(&connection, of_key), [read]);
}
