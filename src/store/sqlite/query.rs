//! Questions about removals: which rows answer them, found over an index however many others there
//! are. It writes nothing; what is said of a row is `rows`' affair.

mod completeness;
mod intents;
mod key;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use deltrail_core::domain::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, ToSql, params};

use self::completeness::completeness;
use self::intents::unfulfilled_within;
pub(super) use self::key::key_history;
use self::rows::rows_of;
use super::rows::actor;
use super::settle::each_bucket;
use crate::store::{DeletionFilter, Deletions, Looking, Within};

/// A moment of a store that is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) connection: &'a Connection,
    pub(super) looking: Looking,
}

/// A removal that fits, by its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    at: i64,
    rowid: i64,
}

/// The removals that fit, newest first.
pub(super) fn deletions(asked: Asked<'_>, filter: &DeletionFilter) -> Result<Deletions> {
    let mut found = newest(asked.connection, filter, filter.limit.saturating_add(1))?;
    let has_more = found.len() > filter.limit;
    found.truncate(filter.limit);
    let rowids: Vec<i64> = found.into_iter().map(|it| it.rowid).collect();
    Ok(Deletions {
        rows: rows_of(asked, &rowids)?,
        has_more,
        unfulfilled: unfulfilled_within(asked.connection, filter)?,
        completeness: completeness(asked.connection, filter.bucket())?,
    })
}

/// The newest that fit, at most `count`, from the newest to the oldest.
fn newest(connection: &Connection, filter: &DeletionFilter, count: usize) -> Result<Vec<Found>> {
    if filter.request_id.is_some() || filter.bucket().is_some() {
        return Selection::of(filter, filter.bucket(), None).run(connection, filter, count);
    }
    // No index holds the times of all buckets, and there are many more rows than buckets.
    let mut found: Vec<Found> = Vec::new();
    for bucket in buckets(connection)? {
        let oldest = found.last().filter(|_| found.len() >= count).map(|it| it.at);
        let selection = Selection::of(filter, Some(&bucket), oldest);
        found.extend(selection.run(connection, filter, count)?);
        found.sort_by_key(|it| std::cmp::Reverse(it.at));
        found.truncate(count);
    }
    Ok(found)
}

/// Every bucket with a removal.
fn buckets(connection: &Connection) -> Result<Vec<String>> {
    each_bucket(connection, "SELECT min(bucket) FROM removals WHERE bucket > ?1")
}

/// The statement that finds removals, and its values. What is not in it, `run` looks at.
struct Selection {
    sql: String,
    values: Vec<(&'static str, Value)>,
}

impl Selection {
    /// `oldest` is an event time before which nobody wants any.
    fn of(filter: &DeletionFilter, bucket: Option<&str>, oldest: Option<i64>) -> Self {
        let mut values: Vec<(&'static str, Value)> = Vec::new();
        let mut conditions = Vec::new();
        // The tables in the order in which they are to be read.
        let mut tables = "removals AS r";
        if let Some(request_id) = &filter.request_id {
            conditions.push(
                "r.request_id = :request_id AND r.slot_id IN (
                     SELECT slot_id FROM evidence
                     WHERE request_id = :request_id AND slot_id IS NOT NULL
                         AND is_key_of_request = 0
                     UNION ALL SELECT s.id FROM requests AS q CROSS JOIN slots AS s
                         ON s.bucket = q.bucket AND s.key = coalesce(q.key, '')
                     WHERE q.identity = 'r:' || :request_id
                 )",
            );
            values.push((":request_id", request_id.clone().into()));
        }
        match (&filter.within, bucket) {
            (Within::Prefix { bucket, prefix }, _) => {
                tables = match filter.request_id {
                    Some(_) => "removals AS r CROSS JOIN slots AS s ON s.id = r.slot_id",
                    None => "slots AS s CROSS JOIN removals AS r ON r.slot_id = s.id",
                };
                conditions.push("s.bucket = :bucket AND s.key >= :prefix");
                values.push((":bucket", bucket.clone().into()));
                values.push((":prefix", prefix.clone().into()));
                if let Some(end) = after_prefix(prefix) {
                    conditions.push("s.key < :prefix_end");
                    values.push((":prefix_end", end.into()));
                }
            }
            (_, Some(bucket)) => {
                conditions.push("r.bucket = :bucket");
                values.push((":bucket", bucket.to_owned().into()));
            }
            (_, None) => {}
        }
        // A clock of whole seconds may show its second's beginning.
        conditions.push("r.at >= :from AND r.at < :until AND r.at + r.is_coarse * 999 >= :since");
        let since = filter.since.map_or(i64::MIN, Timestamp::as_millis);
        let from = since.saturating_sub(999).max(oldest.unwrap_or(i64::MIN));
        let until = filter.until.map_or(i64::MAX, Timestamp::as_millis);
        values.extend(
            [(":from", from), (":until", until), (":since", since)]
                .map(|(name, value)| (name, value.into())),
        );
        let conditions = conditions.join(" AND ");
        let actor = if filter.principal.is_some() { ", r.actor_id" } else { "" };
        Self {
            sql: format!(
                "SELECT r.at, r.rowid{actor} FROM {tables} WHERE {conditions}
                 ORDER BY r.at DESC, r.rowid DESC"
            ),
            values,
        }
    }

    fn run(
        &self,
        connection: &Connection,
        filter: &DeletionFilter,
        count: usize,
    ) -> Result<Vec<Found>> {
        // With a limit the sorter, where one is needed, keeps that many rows only.
        let limit = if filter.principal.is_some() { "" } else { " LIMIT :limit" };
        let limit_value = Value::from(i64::try_from(count).unwrap_or(i64::MAX));
        let mut values: Vec<(&str, &dyn ToSql)> =
            self.values.iter().map(|(name, value)| (*name, value as &dyn ToSql)).collect();
        if !limit.is_empty() {
            values.push((":limit", &limit_value));
        }
        let mut select = connection.prepare_cached(&format!("{}{limit}", self.sql))?;
        let mut rows = select.query(values.as_slice())?;
        let mut callers = Callers { connection, is_asked_for: HashMap::new() };
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if found.len() >= count {
                break;
            }
            if callers.fit(filter, row)? {
                found.push(Found { at: row.get(0)?, rowid: row.get(1)? });
            }
        }
        Ok(found)
    }
}

/// As many callers are remembered at most.
const CALLERS_REMEMBERED_MAX: usize = 100_000;

/// Callers that were looked at: many rows name the same.
struct Callers<'a> {
    connection: &'a Connection,
    is_asked_for: HashMap<i64, bool>,
}

impl Callers<'_> {
    /// Whether the caller of a row is one of those that are asked for.
    fn fit(&mut self, filter: &DeletionFilter, row: &Row<'_>) -> Result<bool> {
        let Some(principal) = &filter.principal else { return Ok(true) };
        let id: i64 = row.get("actor_id")?;
        if let Some(known) = self.is_asked_for.get(&id) {
            return Ok(*known);
        }
        // Most can be told by a part of their text, which is not read further then.
        let caller = self
            .connection
            .prepare_cached("SELECT actor FROM actors WHERE id = ?1 AND instr(actor, ?2) > 0")?
            .query_row(params![id, principal.literal().unwrap_or_default()], actor)
            .optional()?;
        let fits = caller.is_some_and(|caller| principal.matches(&caller));
        if self.is_asked_for.len() >= CALLERS_REMEMBERED_MAX {
            self.is_asked_for.clear();
        }
        self.is_asked_for.insert(id, fits);
        Ok(fits)
    }
}

/// The first text after all that begin with `prefix`, in the order of the index; `None` when there
/// is no such text.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut head = prefix.to_owned();
    while let Some(last) = head.pop() {
        // The code points between these two are no characters.
        let next =
            if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            head.push(next);
            return Some(head);
        }
    }
    None
}
