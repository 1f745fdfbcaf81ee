//! What callers did to keys, hour by hour: sets that only ever grow, in a bounded size. What that
//! means the core decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deltrail_core::detect::{Traced, principal_names};
use deltrail_core::domain::{Actor, Day, Deed, Hour, KeySketch, Timestamp, Trace};

use super::rollups::Rollups;
use super::rows::{actor, time};
use crate::store::Traces;
use crate::store::session::{Result, Row, Session, column, values};

/// For how many hours a read matters to what is done to the same keys.
const READ_HOURS: i64 = 24;
/// Letters of one key's hash as it is stored.
const KEY_LETTERS: i64 = 8;

/// What the batches of one transaction tell.
#[derive(Default)]
pub(super) struct NewTraces {
    cells: BTreeMap<(String, Hour, Deed, i64), (Trace, bool)>,
}

impl NewTraces {
    /// Notes what a caller did, and whether that is news.
    pub(super) fn add(&mut self, trace: &Trace, actor_id: i64, is_live: bool) {
        let place = (trace.bucket.to_string(), trace.hour, trace.deed, actor_id);
        let cell = self.cells.entry(place).or_insert_with(|| (trace.clone(), false));
        cell.0.join(trace);
        cell.1 |= is_live;
    }

    /// Writes it, and marks the days whose findings it may change.
    pub(super) fn write(self, session: &Session<'_>, rollups: &mut Rollups) -> Result<()> {
        let mut reads: BTreeMap<(String, Hour), bool> = BTreeMap::new();
        for ((bucket, hour, deed, actor_id), (trace, is_live)) in self.cells {
            if !join(session, trace, actor_id)? {
                continue;
            }
            if deed == Deed::Read {
                *reads.entry((bucket, hour)).or_default() |= is_live;
            } else {
                rollups.mark(&bucket, Day::of(hour.start()), is_live);
            }
        }
        // Most of what is read is never removed.
        for ((bucket, hour), is_live) in reads {
            let struck: Vec<i64> = session.rows(
                "SELECT DISTINCT hour_number FROM traces
                 WHERE bucket = ?1 AND hour_number BETWEEN ?2 AND ?3 AND deed <> 'read'",
                &values![bucket, hour.number(), hour.plus(READ_HOURS).number()],
                column,
            )?;
            for struck in struck {
                rollups.mark(&bucket, Day::of(Hour::numbered(struck).start()), is_live);
            }
        }
        Ok(())
    }
}

/// Joins a trace with what is known of the same; whether that changed anything.
fn join(session: &Session<'_>, mut trace: Trace, actor_id: i64) -> Result<bool> {
    let bucket = trace.bucket.to_string();
    let (hour, deed) = (trace.hour.number(), trace.deed.as_str());
    let known = session.optional(
        "SELECT keys, first_at, last_at FROM traces
         WHERE bucket = ?1 AND hour_number = ?2 AND deed = ?3 AND actor_id = ?4",
        &values![bucket, hour, deed, actor_id],
        sketch,
    )?;
    let is_known = known.is_some();
    if let Some((keys, first_at, last_at)) = known {
        let mut joined = Trace { keys, first_at, last_at, ..trace.clone() };
        if !joined.join(&trace) {
            return Ok(false);
        }
        trace = joined;
    }
    let keys = trace.keys.text();
    let row = values![
        bucket,
        hour,
        deed,
        actor_id,
        keys,
        trace.first_at.as_millis(),
        trace.last_at.as_millis(),
    ];
    if is_known {
        session.execute(
            "UPDATE traces SET keys = ?5, first_at = ?6, last_at = ?7
             WHERE bucket = ?1 AND hour_number = ?2 AND deed = ?3 AND actor_id = ?4",
            &row,
        )?;
    } else {
        session.execute(
            "INSERT INTO traces (bucket, hour_number, deed, actor_id, keys, first_at, last_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &row,
        )?;
    }
    Ok(true)
}

fn sketch(row: &mut Row<'_>) -> Result<(KeySketch, Timestamp, Timestamp)> {
    Ok((row.text(KeySketch::parse)?, time(row)?, time(row)?))
}

/// What those did in a bucket, from one day up to another, who removed or encrypted `keys_min` keys
/// or more within an hour, and what is known of the same principals by other descriptions.
pub(in crate::store) fn traces(
    session: &Session<'_>,
    bucket: &str,
    (from, to): (Day, Day),
    keys_min: i64,
) -> Result<Traces> {
    let (first, last) = (Hour::of(from.start()).number(), Hour::of(to.start()).number());
    let destroyers: Vec<i64> = session.rows(
        "SELECT DISTINCT actor_id FROM traces
         WHERE bucket = ?1 AND hour_number >= ?2 AND hour_number < ?3 AND deed <> 'read'
             AND length(keys) >= CAST(?4 AS BIGINT)",
        &values![bucket, first, last, keys_min.saturating_mul(KEY_LETTERS)],
        column,
    )?;
    if destroyers.is_empty() {
        return Ok(Traces::default());
    }
    let callers: Vec<(i64, Arc<Actor>)> = session.rows(
        "SELECT id, actor FROM actors WHERE id IN (
             SELECT actor_id FROM traces
             WHERE bucket = ?1 AND hour_number >= ?2 AND hour_number < ?3
         )",
        &values![bucket, first, last],
        |row| Ok((row.read()?, Arc::new(actor(row)?))),
    )?;
    let callers = same_principals(callers, &destroyers);
    let mut traces = Vec::new();
    for caller in callers.keys().copied() {
        traces.extend(session.rows(
            "SELECT hour_number, deed, keys, first_at, last_at FROM traces
             WHERE bucket = ?1 AND hour_number >= ?2 AND hour_number < ?3 AND actor_id = ?4",
            &values![bucket, first, last, caller],
            |row| {
                let (hour, deed) = (Hour::numbered(row.read()?), row.text(Deed::named)?);
                let (keys, first_at, last_at) = sketch(row)?;
                Ok(Traced { caller, hour, deed, keys, first_at, last_at })
            },
        )?);
    }
    Ok(Traces { traces, callers: callers.into_iter().collect() })
}

/// The callers that share a name with any of `numbers`, or with one who does.
fn same_principals(callers: Vec<(i64, Arc<Actor>)>, numbers: &[i64]) -> BTreeMap<i64, Arc<Actor>> {
    let mut others = callers;
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut same: BTreeMap<i64, Arc<Actor>> = BTreeMap::new();
    loop {
        let is_same = |(number, actor): &(i64, Arc<Actor>)| {
            numbers.contains(number) || principal_names(actor).any(|name| names.contains(name))
        };
        let (found, left): (Vec<_>, Vec<_>) = others.into_iter().partition(is_same);
        if found.is_empty() {
            return same;
        }
        for (_, actor) in &found {
            names.extend(principal_names(actor).map(str::to_owned));
        }
        same.extend(found);
        others = left;
    }
}
