//! Every index of the store answers a question, and docs/STORE.md says which one.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::forget::tests::statements as forget_statements;
use super::plan_tests::{FILES, plan, statements};
use crate::store::Location;
use crate::store::sqlite::open_writer;

/// The files whose statements run once a day, or when somebody asks; what `query.rs` puts together
/// from parts, its own tests look at.
const QUESTIONS: [(&str, &str); 8] = [
    ("query/completeness.rs", include_str!("query/completeness.rs")),
    ("query/intents.rs", include_str!("query/intents.rs")),
    ("query/key.rs", include_str!("query/key.rs")),
    ("query/request.rs", include_str!("query/request.rs")),
    ("query/rows.rs", include_str!("query/rows.rs")),
    ("query/sample.rs", include_str!("query/sample.rs")),
    ("query/sources.rs", include_str!("query/sources.rs")),
    ("query/summary.rs", include_str!("query/summary.rs")),
];

const DOCUMENT: &str = include_str!("../../../docs/STORE.md");

/// The names in the table of indexes.
fn listed() -> BTreeSet<&'static str> {
    let (_, table) = DOCUMENT.split_once("| Index | Question |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.split('`').nth(1)).collect()
}

/// The indexes of the tables, and whether each of them keeps rows from being there twice.
fn indexes(connection: &Connection) -> BTreeMap<String, bool> {
    let tables =
        "SELECT i.name, i.\"unique\" FROM sqlite_schema AS t, pragma_index_list(t.name) AS i
                  WHERE t.type = 'table' AND t.name <> 'refinery_schema_history'";
    let mut select = connection.prepare(tables).unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn every_index_is_listed_with_its_question_and_nothing_else_is() {
    let connection = open_writer(&Location::Memory).unwrap();
    let there = indexes(&connection);
    let there: BTreeSet<&str> = there.keys().map(String::as_str).collect();
    assert_eq!(listed(), there);
}

#[test]
fn every_index_that_keeps_nothing_out_is_read_by_a_statement() {
    let connection = open_writer(&Location::Memory).unwrap();
    let mut read = BTreeSet::new();
    let asked = FILES.into_iter().chain(QUESTIONS);
    let asked = asked.flat_map(|(file, text)| statements(file, text));
    for statement in asked.chain(forget_statements().map(str::to_owned)) {
        for step in plan(&connection, &statement) {
            let index = step.split_once("INDEX ").map(|(_, rest)| rest);
            read.extend(index.and_then(|rest| rest.split(' ').next()).map(str::to_owned));
        }
    }
    let unread: Vec<String> = indexes(&connection)
        .into_iter()
        .filter(|(name, is_unique)| !is_unique && !read.contains(name))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(unread, [""; 0]);
}
