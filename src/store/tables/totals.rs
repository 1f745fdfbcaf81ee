//! Durable totals and the labels they are kept under. It does not know what is counted.

use std::collections::HashMap;

use deltrail_core::domain::Delta;
use foldhash::fast::RandomState;

use crate::store::session::{Result, Session, SqlError, column, values};
use crate::store::{Options, words};

/// The label of every bucket that has no label of its own.
pub(super) const OTHER: &str = "other";

/// The labels of the buckets of one batch.
pub(super) struct Labels<'a> {
    session: &'a Session<'a>,
    options: &'a Options,
    is_named: HashMap<String, bool, RandomState>,
    /// Buckets that were found to be without a label for the first time.
    pub(super) overflow: u64,
}

impl<'a> Labels<'a> {
    pub(super) fn new(session: &'a Session<'a>, options: &'a Options) -> Self {
        Self { session, options, is_named: HashMap::default(), overflow: 0 }
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
        let known = match self.find(bucket)? {
            Some(known) => known,
            None => self.decide(bucket)?,
        };
        self.is_named.insert(bucket.to_owned(), known);
        Ok(known)
    }

    fn find(&self, bucket: &str) -> Result<Option<bool>> {
        let find = "SELECT is_named FROM labelled_buckets WHERE bucket = ?1";
        self.session.optional(find, &values![bucket], column)
    }

    fn decide(&mut self, bucket: &str) -> Result<bool> {
        let named: i64 = self.session.one(
            "SELECT count(*) FROM labelled_buckets WHERE is_named = 1",
            &[],
            column,
        )?;
        let named = usize::try_from(named).unwrap_or(usize::MAX);
        let has_room = named < self.options.labelled_buckets_max;
        let decided = self.session.execute(
            "INSERT INTO labelled_buckets (bucket, is_named) VALUES (?1, ?2)
             ON CONFLICT DO NOTHING",
            &values![bucket, has_room],
        )?;
        if decided == 0 {
            // Another writer has just decided.
            return self.find(bucket)?.ok_or(SqlError::NoRow);
        }
        self.overflow += u64::from(!has_room);
        Ok(has_room)
    }
}

/// Adds to the totals of one writer.
pub(super) fn add_totals(session: &Session<'_>, writer: &str, delta: &Delta) -> Result<()> {
    for (series, part, amount) in delta.iter() {
        let labels = serde_json::Value::from(series.labels.clone()).to_string();
        session.execute(
            "INSERT INTO totals AS t (family, labels, part, writer, value)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (family, labels, part, writer)
                 DO UPDATE SET value = t.value + excluded.value",
            &values![series.family.name(), labels, words::part_text(part), writer, amount],
        )?;
    }
    Ok(())
}
