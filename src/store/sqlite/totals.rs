//! Durable totals and the labels they are kept under. It does not know what is counted.

use std::collections::HashMap;

use deltrail_core::domain::Delta;
use foldhash::fast::RandomState;
use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::store::{Options, words};

/// The label of every bucket that has no label of its own.
pub(super) const OTHER: &str = "other";

/// The labels of the buckets of one batch.
pub(super) struct Labels<'a> {
    connection: &'a Connection,
    options: &'a Options,
    is_named: HashMap<String, bool, RandomState>,
    /// Buckets that were found to be without a label for the first time.
    pub(super) overflow: u64,
}

impl<'a> Labels<'a> {
    pub(super) fn new(connection: &'a Connection, options: &'a Options) -> Self {
        Self { connection, options, is_named: HashMap::default(), overflow: 0 }
    }

    /// The label that this bucket is counted under.
    pub(super) fn of(&mut self, bucket: &str) -> Result<String> {
        Ok(if self.has_name(bucket)? { bucket.to_owned() } else { OTHER.to_owned() })
    }

    /// The label of this bucket in families of many series, where only important buckets have one.
    pub(super) fn of_latency(&mut self, bucket: &str) -> Result<String> {
        if (self.options.is_important)(bucket) { self.of(bucket) } else { Ok(OTHER.to_owned()) }
    }

    /// Decided once for each bucket and kept: a series must neither move nor come back.
    fn has_name(&mut self, bucket: &str) -> Result<bool> {
        if let Some(&known) = self.is_named.get(bucket) {
            return Ok(known);
        }
        let mut select = self
            .connection
            .prepare_cached("SELECT is_named FROM labelled_buckets WHERE bucket = ?1")?;
        let known = match select.query_row([bucket], |row| row.get(0)).optional()? {
            Some(known) => known,
            None => self.decide(bucket)?,
        };
        self.is_named.insert(bucket.to_owned(), known);
        Ok(known)
    }

    fn decide(&mut self, bucket: &str) -> Result<bool> {
        let named: usize = self
            .connection
            .prepare_cached("SELECT count(*) FROM labelled_buckets WHERE is_named = 1")?
            .query_row([], |row| row.get::<_, i64>(0))
            .map(|count| usize::try_from(count).unwrap_or(usize::MAX))?;
        let has_room = named < self.options.labelled_buckets_max;
        if !has_room {
            self.overflow += 1;
        }
        self.connection
            .prepare_cached("INSERT INTO labelled_buckets (bucket, is_named) VALUES (?1, ?2)")?
            .execute(params![bucket, has_room])?;
        Ok(has_room)
    }
}

/// Adds to the totals of one writer.
pub(super) fn add_totals(connection: &Connection, writer: &str, delta: &Delta) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO totals (family, labels, part, writer, value) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (family, labels, part, writer) DO UPDATE SET value = value + excluded.value",
    )?;
    for (series, part, amount) in delta.iter() {
        let labels = serde_json::Value::from(series.labels.clone()).to_string();
        statement.execute(params![
            series.family.name(),
            labels,
            words::part_text(part),
            writer,
            amount
        ])?;
    }
    Ok(())
}
