//! What it costs to keep deletions in PostgreSQL, beside COPY into a staging table and one
//! statement that merges it, for each table of each transaction. It knows nothing of what rows
//! mean.

#[expect(clippy::unwrap_used, dead_code, reason = "it is the server of the tests")]
#[path = "../../tests/integration/postgres/server.rs"]
mod server;

use std::fmt::Write as _;
use std::pin::pin;

use anyhow::{Result, ensure};
use bytes::Bytes;
use deltrail::store::Location;
use futures_util::SinkExt as _;
use rusqlite::types::Value;
use tokio::runtime::Builder;
use tokio_postgres::{Client, NoTls};

use super::{Load, Rows, commit, open, open_at};
use crate::harness::{Clock, Figure, Interleaved, Row, Table};
use server::Database;
pub use server::Server;

const COUNTED: [&str; 4] = ["slots", "evidence", "requests", "removals"];

/// Measures one load.
pub fn measure_load(server: &Server, load: Load, rounds: usize, table: &mut Table) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let folder = tempfile::tempdir_in(crate::harness::target_folder())?;
    let kept = folder.path().join("kept.db");
    commit(&runtime, open(&kept)?, load.batches())?;
    let copies = Copies::of(&Rows::read(&kept, load.transactions())?)?;
    let (stored, plain) = (server.database(), server.database());
    for database in [&stored, &plain] {
        runtime.block_on(open_at(Location::parse(&database.url)?)?.close())?;
    }
    let timings = Interleaved::new(&[Clock::Wall])
        .prepared(
            "store",
            || {
                empty(&stored);
                Ok((open_at(Location::parse(&stored.url)?)?, load.batches()))
            },
            |(store, batches)| commit(&runtime, store, batches),
        )
        .prepared(
            "copy",
            || {
                empty(&plain);
                runtime.block_on(connected(&plain, &copies))
            },
            |client| runtime.block_on(copies.load(&client)),
        )
        .run(rounds)?;
    for table in COUNTED {
        let count = format!("SELECT count(*) FROM {table}");
        ensure!(stored.ask(&count) == plain.ask(&count), "the rows of {table} differ");
    }
    let name = load.profile.as_str();
    let ratio = timings.ratio("store", "copy", Clock::Wall)?;
    let row = Row::new(format!("{name}: PostgreSQL, store / COPY and merge"), "x wall", ratio);
    table.push(row.at_most(3.0, 2.0));
    for candidate in ["store", "copy"] {
        let rate = timings.rate(candidate, load.removals as f64, Clock::Wall)?;
        let micros = 1e6 / rate.median;
        let figure = Figure { median: micros, spread: micros * rate.spread / rate.median };
        let named = format!("{name}: PostgreSQL, {candidate}");
        table.push(Row::new(named, "µs wall per removal", figure));
    }
    Ok(())
}

/// Takes all rows out that the store wrote.
fn empty(database: &Database<'_>) {
    let tables = database.ask(
        "SELECT string_agg(tablename, ', ') FROM pg_tables WHERE schemaname = 'public'
             AND tablename NOT IN ('refinery_schema_history', 'compatibility', 'forgotten')",
    );
    database.ask(&format!("TRUNCATE {tables} RESTART IDENTITY"));
}

/// Connects with the store's durability, and makes the staging tables.
async fn connected(database: &Database<'_>, copies: &Copies) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute("SET synchronous_commit = on").await?;
    for table in &copies.tables {
        let make = format!("CREATE TEMP TABLE staged_{table} (LIKE {table}) ON COMMIT DELETE ROWS");
        client.batch_execute(&make).await?;
    }
    Ok(client)
}

/// Rows as COPY takes them, by transaction and table.
struct Copies {
    tables: Vec<String>,
    transactions: Vec<Vec<Bytes>>,
}

impl Copies {
    fn of(rows: &Rows) -> Result<Self> {
        let copied = |tables: &Vec<Vec<Vec<Value>>>| tables.iter().map(|it| copied(it)).collect();
        let transactions = rows.transactions.iter().map(copied).collect::<Result<_>>()?;
        Ok(Self { tables: rows.tables.clone(), transactions })
    }

    async fn load(&self, client: &Client) -> Result<()> {
        for transaction in &self.transactions {
            client.batch_execute("BEGIN").await?;
            for (table, rows) in self.tables.iter().zip(transaction).filter(|it| !it.1.is_empty()) {
                let copy = format!("COPY staged_{table} FROM STDIN");
                let mut sink = pin!(client.copy_in(copy.as_str()).await?);
                sink.send(rows.clone()).await?;
                sink.finish().await?;
                let merge = format!(
                    "INSERT INTO {table} SELECT * FROM staged_{table} ON CONFLICT DO NOTHING"
                );
                client.batch_execute(&merge).await?;
            }
            client.batch_execute("COMMIT").await?;
        }
        Ok(())
    }
}

/// The text format: <https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.2>
fn copied(rows: &[Vec<Value>]) -> Result<Bytes> {
    let mut copied = String::new();
    for row in rows {
        for (nth, value) in row.iter().enumerate() {
            copied.push_str(if nth == 0 { "" } else { "\t" });
            match value {
                Value::Integer(value) => write!(copied, "{value}")?,
                Value::Text(text) => {
                    for character in text.chars() {
                        match character {
                            '\\' => copied.push_str("\\\\"),
                            '\t' => copied.push_str("\\t"),
                            '\n' => copied.push_str("\\n"),
                            '\r' => copied.push_str("\\r"),
                            other => copied.push(other),
                        }
                    }
                }
                Value::Null | Value::Real(_) | Value::Blob(_) => copied.push_str("\\N"),
            }
        }
        copied.push('\n');
    }
    Ok(copied.into())
}
