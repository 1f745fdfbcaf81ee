//! The plainest load of rows into SQLite: prepared inserts into the same tables and indexes, in
//! transactions, with the same settings of the connection. It knows nothing of what rows mean.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Tables of which the store itself writes every row. Rows refer to those of tables before. The one
/// row of `forgotten` and the first slices come with the tables.
fn tables(connection: &Connection) -> Result<Vec<String>> {
    let mut select = connection.prepare(
        "SELECT name FROM sqlite_schema
         WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
             AND name NOT IN ('refinery_schema_history', 'forgotten', 'slices')
         ORDER BY rowid",
    )?;
    let names = select.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// One table being copied.
struct Table {
    name: String,
    columns: usize,
    rows: u64,
    /// Few tables have no rowid, and those have few rows.
    has_rowid: bool,
    /// The rowid of the last row that was read.
    last: i64,
}

impl Table {
    fn of(source: &Connection, name: String) -> Result<Self> {
        let count = format!("SELECT count(*) FROM {name}");
        let rows: i64 = source.query_row(&count, [], |row| row.get(0))?;
        let columns = source.prepare(&format!("SELECT * FROM {name}"))?.column_count();
        let has_rowid = source.prepare(&format!("SELECT rowid FROM {name}")).is_ok();
        Ok(Self { name, columns, rows: rows.cast_unsigned(), has_rowid, last: i64::MIN })
    }

    /// The rows of one part of `parts` of nearly equal sizes, in the order in which they were
    /// written. Parts are asked for one after the other.
    fn part(&mut self, source: &Connection, part: u64, parts: u64) -> Result<Vec<Vec<Value>>> {
        let (from, to) = (self.rows * part / parts, self.rows * (part + 1) / parts);
        let name = &self.name;
        let (select, after) = if self.has_rowid {
            let after = self.last;
            (format!("SELECT *, rowid FROM {name} WHERE rowid > ?1 ORDER BY rowid LIMIT ?2"), after)
        } else {
            let after = from.cast_signed();
            (format!("SELECT *, 0 FROM {name} ORDER BY 1, 2 LIMIT ?2 OFFSET ?1"), after)
        };
        let mut select = source.prepare(&select)?;
        let mut found = select.query([after, (to - from).cast_signed()])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let values = (0..self.columns).map(|column| row.get(column));
            rows.push(values.collect::<rusqlite::Result<_>>()?);
            self.last = row.get(self.columns)?;
        }
        Ok(rows)
    }

    fn insert(&self) -> String {
        let marks = vec!["?"; self.columns].join(", ");
        format!("INSERT INTO {} VALUES ({marks})", self.name)
    }
}

/// The rows of a store as they are loaded: transactions of tables of rows.
pub struct Rows {
    /// The names of the tables.
    pub tables: Vec<String>,
    /// One statement for each table.
    inserts: Vec<String>,
    /// Rows by transaction and table.
    pub transactions: Vec<Vec<Vec<Vec<Value>>>>,
}

impl Rows {
    /// Reads all rows of the store at `source`, to be written in this many transactions.
    pub fn read(source: &Path, transactions: u64) -> Result<Self> {
        let source = Connection::open(source)?;
        let tables = tables(&source)?.into_iter().map(|name| Table::of(&source, name));
        let mut tables = tables.collect::<Result<Vec<_>>>()?;
        let mut part = |part| -> Result<Vec<_>> {
            tables.iter_mut().map(|table| table.part(&source, part, transactions)).collect()
        };
        let transactions = (0..transactions).map(&mut part).collect::<Result<_>>()?;
        let inserts = tables.iter().map(Table::insert).collect();
        Ok(Self { tables: tables.into_iter().map(|it| it.name).collect(), inserts, transactions })
    }

    /// Writes them into the empty store at `target`, and folds the write-ahead log into it as a
    /// store does that is closed.
    pub fn load(&self, target: &Path) -> Result<()> {
        let mut target = Connection::open(target)?;
        prepare(&target)?;
        for tables in &self.transactions {
            let transaction = target.transaction()?;
            for (insert, rows) in self.inserts.iter().zip(tables).filter(|(_, it)| !it.is_empty()) {
                let mut insert = transaction.prepare_cached(insert)?;
                for row in rows {
                    insert.execute(params_from_iter(row)).context("plain insert")?;
                }
            }
            transaction.commit()?;
        }
        Ok(target.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }
}

/// The settings of the store's own writing connection.
fn prepare(connection: &Connection) -> Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "cache_size", -16 * 1024)?;
    connection.pragma_update(None, "wal_autocheckpoint", 8_000)?;
    Ok(())
}

/// Sees that both stores hold the same rows.
pub fn ensure_equal(a: &Path, b: &Path) -> Result<()> {
    let connection = Connection::open(a)?;
    connection.execute("ATTACH ?1 AS other", [b.to_str().context("a path that is no text")?])?;
    for name in tables(&connection)? {
        let differing = format!(
            "SELECT (SELECT count(*) FROM main.{name}) - (SELECT count(*) FROM other.{name}),
                 (SELECT count(*) FROM (SELECT * FROM main.{name} EXCEPT
                     SELECT * FROM other.{name}))"
        );
        let differing: (i64, i64) =
            connection.query_row(&differing, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        ensure!(differing == (0, 0), "the rows of {name} differ");
    }
    Ok(())
}
