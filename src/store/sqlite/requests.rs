//! Requests: what all evidence together tells of a call, what that adds to the totals, and which
//! bulk calls have a key that somebody told of.

use std::collections::BTreeMap;

use deltrail_core::domain::{
    Api, Delta, Evidence, Family, PAIR_MILLIS_MAX, Part, RemovalRole, Request, Timestamp,
    count_confirmed_latency, count_latency, count_request,
};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::journal::Journal;
use super::rows::{counted_of, optional_time, removal_of, request_of, write_request};
use super::slots::reopen;

/// Joins the requests of new evidence with what was known of them, and counts what is new.
pub(super) fn write_requests(journal: &mut Journal<'_>, fresh: &[&Evidence]) -> Result<()> {
    let mut requests: BTreeMap<(String, String), Request> = BTreeMap::new();
    for request in fresh.iter().filter_map(|piece| Request::of(piece)) {
        let identity = (request.bucket.clone(), request.identity.clone());
        let joined = match requests.remove(&identity) {
            Some(known) => known.join(request),
            None => request,
        };
        requests.insert(identity, joined);
    }
    for (_, request) in requests {
        write_one(journal, request)?;
    }
    Ok(())
}

fn write_one(journal: &mut Journal<'_>, told: Request) -> Result<()> {
    let known = journal
        .connection
        .prepare_cached("SELECT * FROM requests WHERE bucket = ?1 AND identity = ?2")?
        .query_row(params![told.bucket, told.identity], |row| {
            Ok((request_of(row)?, row.get::<_, bool>("is_backfilled")?))
        })
        .optional()?;
    let (before, was_backfilled) = known.unzip();
    let after = match before.clone() {
        Some(before) => before.join(told),
        None => told,
    };
    if before.as_ref() == Some(&after) {
        return Ok(());
    }
    let is_backfilled = was_backfilled.unwrap_or(!journal.is_live());
    write_request(journal.connection, &after, is_backfilled)?;
    journal.note_request(&after.bucket);
    let label = journal.labels.of(&after.bucket)?;
    if is_backfilled {
        return Ok(());
    }
    count_request(before.as_ref(), &after, &label, &mut journal.delta);
    let label = journal.labels.of_latency(&after.bucket)?;
    for reason in count_latency(before.as_ref(), &after, &label, &mut journal.delta) {
        journal.note_latency(Err(reason));
    }
    if before.is_none() && after.api == Api::DeleteObjects {
        reopen_children(journal.connection, &after)?;
    }
    let began = |request: &Request| request.started_at;
    if before.as_ref().and_then(began).is_none() && after.started_at.is_some() {
        confirm_earlier(journal, &after)?;
    }
    Ok(())
}

/// Opens again what was said of the removals of a bulk call that is known from now on: those of
/// different calls repeat each other.
fn reopen_children(connection: &Connection, request: &Request) -> Result<()> {
    let Some(request_id) = &request.request_id else { return Ok(()) };
    let mut select = connection.prepare_cached(
        "SELECT DISTINCT r.slot_id, r.at FROM evidence AS e INDEXED BY evidence_by_request
         CROSS JOIN removals AS r ON r.slot_id = e.slot_id AND r.at IN (e.at, e.ended_at)
         WHERE e.request_id = ?1 AND e.bucket = ?2 AND e.role = 'child' AND r.request_id = ?1
             AND r.settled <> 0",
    )?;
    let children = select
        .query_map(params![request_id, request.bucket], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, i64)>>>()?;
    for (slot_id, at) in children {
        let at = Timestamp::from_millis(at);
        reopen(connection, slot_id, at, at)?;
    }
    Ok(())
}

/// Observes the latency of the removals whose notification came before the start of their request
/// was known. Each has the time of its notification, so that a key's whole history is not read.
fn confirm_earlier(journal: &mut Journal<'_>, request: &Request) -> Result<()> {
    let Some(request_id) = &request.request_id else { return Ok(()) };
    let mut select = journal.connection.prepare_cached(
        "SELECT * FROM removals WHERE rowid IN (
             SELECT r.rowid FROM evidence AS e INDEXED BY evidence_by_request
             CROSS JOIN removals AS r ON r.slot_id = e.slot_id AND r.at = e.at
             WHERE e.request_id = ?1 AND e.bucket = ?2 AND e.source = 's3_notification'
                 AND r.request_id = ?1 AND r.counted_latency = 0
         )",
    )?;
    let waiting = select
        .query_map(params![request_id, request.bucket], |row| {
            Ok((row.get::<_, i64>("slot_id")?, removal_of(row)?, counted_of(row)?))
        })?
        .collect::<Result<Vec<_>>>()?;
    let label = journal.labels.of_latency(&request.bucket)?;
    for (slot_id, removal, mut counted) in waiting {
        let started_at = request.started_at;
        let delta = &mut journal.delta;
        let observed = count_confirmed_latency(&removal, &mut counted, started_at, &label, delta);
        journal.note_latency(observed);
        journal
            .connection
            .prepare_cached(
                "UPDATE removals SET counted_latency = ?4
                 WHERE slot_id = ?1 AND at = ?2 AND identity = ?3",
            )?
            .execute(params![
                slot_id,
                removal.at.as_millis(),
                removal.identity,
                counted.has_latency
            ])?;
    }
    Ok(())
}

/// When S3 began to serve the request of this id, where that is known to the millisecond and not
/// from files of the past.
pub(super) fn started_at(
    connection: &Connection,
    bucket: &str,
    request_id: &str,
) -> Result<Option<Timestamp>> {
    let found = connection
        .prepare_cached(
            "SELECT started_at FROM requests
             WHERE bucket = ?1 AND identity = ?2 AND is_backfilled = 0",
        )?
        .query_row(params![bucket, format!("r:{request_id}")], |row| {
            optional_time(row, "started_at")
        })
        .optional()?;
    Ok(found.flatten())
}

/// Resolves bulk calls that were settled as unresolved, when new evidence tells of a key of theirs.
pub(super) fn resolve_late(
    connection: &Connection,
    fresh: &[&Evidence],
    delta: &mut Delta,
) -> Result<()> {
    let mut has_unresolved: BTreeMap<&str, bool> = BTreeMap::new();
    for piece in fresh.iter().filter(|piece| piece.key.is_some()) {
        let bucket = piece.bucket.as_str();
        let known = match has_unresolved.get(bucket) {
            Some(known) => *known,
            None => any_unresolved(connection, bucket)?,
        };
        has_unresolved.insert(bucket, known);
        if known {
            let resolved = resolve_by(connection, piece)?;
            let amount = i64::try_from(resolved).unwrap_or(i64::MAX);
            delta.add(Family::Corrections, &["unresolved"], Part::Value, amount);
        }
    }
    Ok(())
}

fn any_unresolved(connection: &Connection, bucket: &str) -> Result<bool> {
    let found = connection
        .prepare_cached(
            "SELECT 1 FROM requests WHERE resolution = 'unresolved' AND bucket = ?1 LIMIT 1",
        )?
        .query_row([bucket], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

fn resolve_by(connection: &Connection, piece: &Evidence) -> Result<usize> {
    let mut resolved = 0;
    if let Some(request_id) = &piece.request_id {
        resolved += connection
            .prepare_cached(
                "UPDATE requests SET resolution = 'resolved'
                 WHERE bucket = ?1 AND identity = ?2 AND resolution = 'unresolved'",
            )?
            .execute(params![piece.bucket, format!("r:{request_id}")])?;
    }
    if is_child(piece) {
        let at = piece.at.as_millis();
        resolved += connection
            .prepare_cached(
                "UPDATE requests SET resolution = 'resolved'
                 WHERE resolution = 'unresolved' AND bucket = ?1 AND at BETWEEN ?2 AND ?3",
            )?
            .execute(params![piece.bucket, at - PAIR_MILLIS_MAX, at + PAIR_MILLIS_MAX])?;
    }
    Ok(resolved)
}

/// A record of one key of a bulk call, accepted or refused.
fn is_child(piece: &Evidence) -> bool {
    let is_refused =
        piece.role == RemovalRole::None && piece.call.is_none() && piece.amends_event_id.is_none();
    piece.role == RemovalRole::Child || is_refused
}

/// Whether any source tells of a key of this bulk call: by its request id, or by a child within
/// 10 s of it.
pub(super) fn is_resolved(connection: &Connection, request: &Request) -> Result<bool> {
    if let Some(request_id) = &request.request_id {
        let told = connection
            .prepare_cached(
                "SELECT 1 FROM evidence
                 WHERE request_id = ?1 AND slot_id <> coalesce((
                     SELECT id FROM slots WHERE bucket = ?2 AND key = ''
                 ), -1) AND bucket = ?2 LIMIT 1",
            )?
            .query_row(params![request_id, request.bucket], |_| Ok(()))
            .optional()?;
        if told.is_some() {
            return Ok(true);
        }
    }
    let at = request.at.as_millis();
    let child = connection
        .prepare_cached(
            "SELECT 1 FROM evidence INDEXED BY evidence_children
             WHERE bucket = ?1 AND at BETWEEN ?2 AND ?3 AND (role = 'child'
                 OR (role = 'none' AND api IS NULL AND slot_id IS NOT NULL
                     AND amends_event_id IS NULL))
                 AND slot_id <> coalesce((
                     SELECT id FROM slots WHERE bucket = ?1 AND key = ''
                 ), -1)
             LIMIT 1",
        )?
        .query_row(params![request.bucket, at - PAIR_MILLIS_MAX, at + PAIR_MILLIS_MAX], |_| Ok(()))
        .optional()?;
    Ok(child.is_some())
}
