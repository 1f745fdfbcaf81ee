//! Questions about removals: which rows answer them, found over an index however many others there
//! are. It writes nothing; what is said of a row is `rows`' affair.

mod completeness;
mod findings;
mod intents;
mod key;
mod removal;
mod request;
mod rows;
mod sample;
mod sources;
mod summary;
#[cfg(test)]
mod tests;
mod touched;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;

use deltrail_core::domain::Timestamp;

use self::completeness::completeness;
pub(in crate::store) use self::findings::{finding, findings};
use self::intents::unfulfilled_within;
pub(in crate::store) use self::key::{deletion, key_history};
pub(in crate::store) use self::removal::removal_evidence;
pub(in crate::store) use self::request::request;
use self::rows::rows_of;
pub(in crate::store) use self::sources::source_health;
pub(in crate::store) use self::summary::summary;
use super::settle::each_bucket;
use crate::store::session::{Cell, Result, Row, Session, Value, column, values};
use crate::store::slices::Sliced;
use crate::store::{Cursor, DeletionFilter, Deletions, Looking, Only, PrincipalPattern, Within};

/// A moment of a store that is asked.
#[derive(Clone, Copy)]
pub(in crate::store) struct Asked<'a> {
    pub(in crate::store) session: &'a Session<'a>,
    pub(in crate::store) looking: Looking,
}

/// A removal that fits, by what its row is found by, in the order of lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    at: i64,
    slot_id: i64,
    identity: String,
}

impl Found {
    /// The place after it.
    fn cursor(self) -> Cursor {
        Cursor { at: self.at, slot_id: self.slot_id, identity: self.identity }
    }

    fn read(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { at: row.read()?, slot_id: row.read()?, identity: row.read()? })
    }
}

/// The removals that fit, newest first.
pub(in crate::store) fn deletions(asked: Asked<'_>, filter: &DeletionFilter) -> Result<Deletions> {
    let mut found = newest(asked.session, filter, filter.limit.saturating_add(1))?;
    let has_more = found.len() > filter.limit;
    found.truncate(filter.limit);
    let unfulfilled = match filter.after {
        Some(_) => Vec::new(),
        None => unfulfilled_within(asked.session, filter)?,
    };
    Ok(Deletions {
        rows: rows_of(asked, &found)?,
        has_more,
        next: found.pop().filter(|_| has_more).map(Found::cursor),
        unfulfilled,
        completeness: completeness(asked.session, filter.bucket())?,
    })
}

/// The newest that fit, at most `count`, from the newest to the oldest.
fn newest(session: &Session<'_>, filter: &DeletionFilter, count: usize) -> Result<Vec<Found>> {
    let is_below = matches!(filter.within, Within::Below(_));
    if (filter.request_id.is_some() && !is_below) || filter.bucket().is_some() {
        let selection = Selection::of(session, filter, filter.bucket(), None)?;
        return selection.run(session, filter, count);
    }
    // No index holds the times of all buckets, and there are many more rows than buckets.
    let mut found: Vec<Found> = Vec::new();
    for bucket in buckets(session)? {
        let oldest = found.last().filter(|_| found.len() >= count).map(|it| it.at);
        let within = match &filter.within {
            Within::Below(prefix) => Within::Prefix { bucket, prefix: prefix.clone() },
            _ => Within::Bucket(bucket),
        };
        let filter = DeletionFilter { within, ..filter.clone() };
        let selection = Selection::of(session, &filter, filter.bucket(), oldest)?;
        found.extend(selection.run(session, &filter, count)?);
        found.sort_by(|a, b| b.cmp(a));
        found.truncate(count);
    }
    Ok(found)
}

/// Every bucket with a removal.
fn buckets(session: &Session<'_>) -> Result<Vec<String>> {
    each_bucket(session, "SELECT min(bucket) FROM removals WHERE bucket > ?1")
}

/// The part of a statement that finds removals as `r`, and its values. What is not in it, `run`
/// looks at.
struct Selection {
    from: String,
    values: Vec<Cell<'static>>,
}

impl Selection {
    /// `oldest` is an event time before which nobody wants any.
    fn of(
        session: &Session<'_>,
        filter: &DeletionFilter,
        bucket: Option<&str>,
        oldest: Option<i64>,
    ) -> Result<Self> {
        let mut selection = Self { from: String::new(), values: Vec::new() };
        let mut conditions = Vec::new();
        // The tables in the order in which they are to be read.
        let mut tables = "removals AS r";
        if let Some(request_id) = &filter.request_id {
            let id = selection.text(request_id);
            let identity = selection.text(&format!("r:{request_id}"));
            let (keys, requests) =
                (slices(session, Sliced::Keys)?, slices(session, Sliced::Requests)?);
            conditions.push(format!(
                "r.request_id = {id} AND r.slot_id IN (
                     SELECT slot_id FROM evidence
                     WHERE request_id = {id} AND slot_id IS NOT NULL AND is_key_of_request = 0
                     UNION ALL SELECT s.id FROM requests AS q CROSS JOIN slots AS s
                         ON s.slice IN ({keys}) AND s.bucket = q.bucket
                             AND s.key = coalesce(q.key, '')
                     WHERE q.slice IN ({requests}) AND q.identity = {identity}
                 )"
            ));
        }
        match (&filter.within, bucket) {
            (Within::Prefix { bucket, prefix }, _) => {
                let reading = match filter.request_id {
                    Some(_) => Reading::OfRequest,
                    None if has_many_keys(session, bucket, prefix)? => Reading::ByTime,
                    None => Reading::ByKey,
                };
                tables = reading.tables();
                conditions.push(selection.below(session, reading, (bucket, prefix))?);
            }
            (_, Some(bucket)) => {
                conditions.push(format!("r.bucket = {}", selection.text(bucket)));
            }
            (_, None) => {}
        }
        // A clock of whole seconds may show its second's beginning.
        let since = filter.since.map_or(i64::MIN, Timestamp::as_millis);
        let from = since.saturating_sub(999).max(oldest.unwrap_or(i64::MIN));
        let until = filter.until.map_or(i64::MAX, Timestamp::as_millis);
        let after = filter.after.as_ref();
        let until = until.min(after.map_or(i64::MAX, |after| after.at.saturating_add(1)));
        let [from, until, since] = [from, until, since].map(|time| selection.integer(time));
        conditions.push(format!(
            "r.at >= {from} AND r.at < {until} AND r.at + r.is_coarse * 999 >= {since}"
        ));
        if let Some(Cursor { at, slot_id, identity }) = after {
            let (at, slot_id) = (selection.integer(*at), selection.integer(*slot_id));
            let identity = selection.text(identity);
            conditions
                .push(format!("(r.at, r.slot_id, r.identity) < ({at}, {slot_id}, {identity})"));
        }
        if let Some(kind) = filter.kind {
            conditions.push(format!("r.kind = {}", selection.text(kind.as_str())));
        }
        conditions.extend(filter.only.map(|only| said(only).to_owned()));
        let conditions = conditions.join(" AND ");
        selection.from = format!("FROM {tables} WHERE {conditions}");
        Ok(selection)
    }

    /// The statement for the rows by which removals are found, newest first.
    fn newest_first(&self) -> String {
        format!(
            "SELECT r.at, r.slot_id, r.identity, r.actor_id {} \
             ORDER BY r.at DESC, r.slot_id DESC, r.identity DESC",
            self.from
        )
    }

    /// That the key of `s` begins so.
    fn below(
        &mut self,
        session: &Session<'_>,
        reading: Reading,
        (bucket, prefix): (&str, &str),
    ) -> Result<String> {
        let (bucket, from) = (self.text(bucket), self.text(prefix));
        let place = match reading {
            Reading::ByTime => format!("r.bucket = {bucket}"),
            Reading::OfRequest | Reading::ByKey => {
                let keys = slices(session, Sliced::Keys)?;
                format!("s.slice IN ({keys}) AND s.bucket = {bucket}")
            }
        };
        let end = after_prefix(prefix).map(|end| format!(" AND s.key < {}", self.text(&end)));
        Ok(format!("{place} AND s.key >= {from}{}", end.unwrap_or_default()))
    }

    /// Adds a value; gives how the statement names it.
    fn text(&mut self, text: &str) -> String {
        self.value(Cell::Text(Cow::Owned(text.to_owned())))
    }

    fn integer(&mut self, value: i64) -> String {
        self.value(Cell::Integer(value))
    }

    fn value(&mut self, value: Cell<'static>) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    fn run(
        mut self,
        session: &Session<'_>,
        filter: &DeletionFilter,
        count: usize,
    ) -> Result<Vec<Found>> {
        let mut sql = self.newest_first();
        let mut callers = filter.principal.as_ref().map(|it| Callers::of(session, it));
        if callers.is_none() {
            // With a limit the sorter, where one is needed, keeps that many rows only.
            let limit = self.integer(i64::try_from(count).unwrap_or(i64::MAX));
            sql = format!("{sql} LIMIT {limit}");
        }
        let values: Vec<Value<'_>> = self.values.iter().map(Value::from).collect();
        let mut found = Vec::new();
        session.each_of_composed(&sql, &values, |row| {
            if found.len() >= count {
                return Ok(ControlFlow::Break(()));
            }
            let removal = Found::read(row)?;
            let fits = match &mut callers {
                Some(callers) => callers.fit(row.read()?)?,
                None => true,
            };
            found.extend(fits.then_some(removal));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }
}

/// That this is said of `r`. The indexes of what is suspect and of what is open begin so.
const fn said(only: Only) -> &'static str {
    match only {
        Only::Duplicate => {
            "(r.is_stale = 1 OR r.duplicate_of IS NOT NULL) AND r.duplicate_of IS NOT NULL"
        }
        Only::Stale => "(r.is_stale = 1 OR r.duplicate_of IS NOT NULL) AND r.is_stale = 1",
        Only::Unconfirmed => "r.is_unconfirmed = 1",
        Only::Provisional => "r.settled <> 1",
    }
}

/// In which order removals below a prefix are read.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// Those of a request, each with its key.
    OfRequest,
    /// Key by key.
    ByKey,
    /// From the newest on, each with its key, until there are enough.
    ByTime,
}

impl Reading {
    const fn tables(self) -> &'static str {
        match self {
            Self::OfRequest | Self::ByTime => {
                "removals AS r CROSS JOIN slots AS s ON s.id = r.slot_id"
            }
            Self::ByKey => "slots AS s CROSS JOIN removals AS r ON r.slot_id = s.id",
        }
    }
}

/// The removals of more keys than this are not read one key after the other to find the newest.
const KEYS_READ_MAX: usize = 5_000;

/// Whether so many keys begin so that the newest removals are found sooner by their time.
fn has_many_keys(session: &Session<'_>, bucket: &str, prefix: &str) -> Result<bool> {
    let end = after_prefix(prefix);
    let mut count = 0;
    for slice in session.slices(Sliced::Keys)? {
        let limit = i64::try_from(KEYS_READ_MAX - count).unwrap_or(i64::MAX);
        let found: i64 = session.one(
            "SELECT count(*) FROM (
                 SELECT id FROM slots WHERE slice = ?1 AND bucket = ?2 AND key >= ?3
                     AND (CAST(?4 AS TEXT) IS NULL OR key < ?4) LIMIT ?5
             ) AS s",
            &values![slice, bucket, prefix, end, limit],
            column,
        )?;
        count += usize::try_from(found).unwrap_or_default();
        if count >= KEYS_READ_MAX {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The slices of a table, as a statement lists them.
fn slices(session: &Session<'_>, table: Sliced) -> Result<String> {
    let numbers: Vec<String> = session.slices(table)?.iter().map(i64::to_string).collect();
    Ok(numbers.join(", "))
}

/// As many callers are remembered at most.
const CALLERS_REMEMBERED_MAX: usize = 100_000;

/// Callers that were looked at: many rows name the same.
struct Callers<'a> {
    session: &'a Session<'a>,
    principal: &'a PrincipalPattern,
    is_asked_for: HashMap<i64, bool>,
}

impl<'a> Callers<'a> {
    fn of(session: &'a Session<'a>, principal: &'a PrincipalPattern) -> Self {
        Self { session, principal, is_asked_for: HashMap::new() }
    }

    /// Whether the caller of this row of `actors` is one of those that are asked for.
    fn fit(&mut self, id: i64) -> Result<bool> {
        if let Some(known) = self.is_asked_for.get(&id) {
            return Ok(*known);
        }
        // Most can be told by a part of their text, which is not read further then.
        let literal = self.principal.literal().unwrap_or_default();
        let is_asked_for = |text: &str| {
            if !text.contains(literal) {
                return Some(false);
            }
            serde_json::from_str(text).ok().map(|caller| self.principal.matches(&caller))
        };
        let fits = self.session.optional(
            "SELECT actor FROM actors WHERE id = ?1",
            &values![id],
            |row| row.text(is_asked_for),
        )?;
        if self.is_asked_for.len() >= CALLERS_REMEMBERED_MAX {
            self.is_asked_for.clear();
        }
        self.is_asked_for.insert(id, fits == Some(true));
        Ok(fits == Some(true))
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
