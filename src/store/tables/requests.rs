//! Requests: what all evidence together tells of a call, what that adds to the totals, and which
//! bulk calls have a key that somebody told of.

use std::collections::BTreeMap;

use deltrail_core::detect::Counts;
use deltrail_core::domain::{
    Api, Counted, Evidence, Family, PAIR_MILLIS_MAX, Part, Removal, RemovalRole, Request, Source,
    Timestamp, count_confirmed_latency, count_latency, count_request, slow_request_millis,
};

use super::journal::Journal;
use super::request_rows::{Placed, insert_request, update_request};
use super::rows::{counted_columns, counted_of, optional_time, removal_columns, removal_of};
use super::slots::{reopen, slot_of};
use crate::store::session::{Result, Session, values};
use crate::store::slices::Name;

/// Joins the requests of new evidence with what was known of them, and counts what is new.
pub(super) fn write_requests(journal: &mut Journal<'_>, fresh: &[&Evidence]) -> Result<()> {
    let mut told: Vec<Request> = fresh.iter().filter_map(|piece| Request::of(piece)).collect();
    // Every writer of every store takes them in the same order.
    told.sort_by(|a, b| (&a.bucket, &a.identity).cmp(&(&b.bucket, &b.identity)));
    let mut rest = told.into_iter().peekable();
    while let Some(mut request) = rest.next() {
        let is_same =
            |next: &Request| (&next.bucket, &next.identity) == (&request.bucket, &request.identity);
        let mut copies = Vec::new();
        while let Some(copy) = rest.next_if(is_same) {
            copies.push(copy);
        }
        for copy in copies {
            request = joined(journal.session, request, copy)?;
        }
        write_one(journal, request)?;
    }
    Ok(())
}

fn write_one(journal: &mut Journal<'_>, told: Request) -> Result<()> {
    let actor_id = journal.actors.id_of(&told.actor)?;
    let is_live = journal.is_live();
    let Some(known) = insert_request(journal.session, &told, actor_id, !is_live)? else {
        journal.count(&told.bucket, told.at, actor_id, Counts::of_request(&told));
        if slow_millis(&told).is_some() {
            journal.mark(&told.bucket, told.at);
        }
        return if is_live { count(journal, None, &told) } else { Ok(()) };
    };
    let Placed { slice, request: before, is_backfilled } = known;
    let after = joined(journal.session, before.clone(), told)?;
    if before == after {
        return Ok(());
    }
    let actor_id = journal.actors.id_of(&before.actor)?;
    let was = Counts::default() - Counts::of_request(&before);
    journal.count(&before.bucket, before.at, actor_id, was);
    let actor_id = journal.actors.id_of(&after.actor)?;
    journal.count(&after.bucket, after.at, actor_id, Counts::of_request(&after));
    if slow_millis(&before) != slow_millis(&after) {
        journal.mark(&before.bucket, before.at);
        journal.mark(&after.bucket, after.at);
    }
    update_request(journal.session, slice, &after, actor_id, is_backfilled)?;
    if is_backfilled { Ok(()) } else { count(journal, Some(&before), &after) }
}

fn slow_millis(request: &Request) -> Option<i64> {
    slow_request_millis(request.service_millis(), request.access_log_millis())
}

/// Both descriptions of one request together. If they name two keys, the row can name one of them
/// only, so that their evidence is to be found by itself.
fn joined(session: &Session<'_>, a: Request, b: Request) -> Result<Request> {
    if a.api == Api::DeleteObject && a.key != b.key {
        for request in [&a, &b] {
            let key = request.key.as_deref().unwrap_or_default();
            let slot_id = slot_of(session, &request.bucket, key)?;
            session.execute(
                "UPDATE evidence SET is_key_of_request = 0
                     WHERE slot_id = ?1 AND request_id = ?2 AND is_key_of_request = 1",
                &values![slot_id, request.request_id.as_deref()],
            )?;
        }
    }
    Ok(a.join(b))
}

/// Counts what is new of a request, and looks at what was waiting for it.
fn count(journal: &mut Journal<'_>, before: Option<&Request>, after: &Request) -> Result<()> {
    let label = journal.labels.of(&after.bucket)?;
    count_request(before, after, &label, &mut journal.delta);
    let label = journal.labels.of_latency(&after.bucket)?;
    for reason in count_latency(before, after, &label, &mut journal.delta) {
        journal.note_latency(Err(reason));
    }
    if before.is_none() && after.api == Api::DeleteObjects {
        reopen_children(journal.session, after)?;
    }
    let knew_start = before.is_some_and(|before| before.started_at.is_some());
    if !knew_start && after.started_at.is_some() {
        confirm_earlier(journal, after)?;
    }
    Ok(())
}

/// Opens again what was said of the removals of a bulk call that is known from now on: those of
/// different calls repeat each other.
fn reopen_children(session: &Session<'_>, request: &Request) -> Result<()> {
    let Some(request_id) = &request.request_id else { return Ok(()) };
    let children: Vec<(i64, i64)> = session.rows(
        "SELECT DISTINCT r.slot_id, r.at FROM evidence AS e INDEXED BY evidence_by_request
         CROSS JOIN removals AS r ON r.slot_id = e.slot_id AND r.at IN (e.at, e.ended_at)
         WHERE e.request_id = ?1 AND e.is_key_of_request = 0 AND e.bucket = ?2
             AND e.role = 'child' AND r.request_id = ?1
             AND r.settled <> 0",
        &values![request_id.as_str(), request.bucket.as_str()],
        |row| Ok((row.read()?, row.read()?)),
    )?;
    for (slot_id, at) in children {
        let at = Timestamp::from_millis(at);
        reopen(session, slot_id, at, at)?;
    }
    Ok(())
}

/// Observes the latency of the removals whose notification came before the start of their request
/// was known. Each has the time of its notification, so that a key's whole history is not read.
fn confirm_earlier(journal: &mut Journal<'_>, request: &Request) -> Result<()> {
    let Some(request_id) = &request.request_id else { return Ok(()) };
    if !journal.told_by(&request.bucket)?.contains(Source::S3Notification) {
        return Ok(());
    }
    let waiting: Vec<(i64, Removal, Counted)> = journal.session.rows(
        concat!(
            "SELECT slot_id, ",
            removal_columns!(),
            ", ",
            counted_columns!(),
            "
         FROM removals LEFT JOIN actors ON actors.id = actor_id
         WHERE (slot_id, at) IN (
                 SELECT e.slot_id, e.at FROM evidence AS e INDEXED BY evidence_by_request
                 WHERE e.request_id = ?1 AND e.is_key_of_request = 0 AND e.slot_id IS NOT NULL
                     AND e.bucket = ?2 AND e.source = 's3_notification'
             )
             AND request_id = ?1 AND counted_latency = 0"
        ),
        &values![request_id.as_str(), request.bucket.as_str()],
        |row| Ok((row.read()?, removal_of(row)?, counted_of(row)?)),
    )?;
    let label = journal.labels.of_latency(&request.bucket)?;
    for (slot_id, removal, mut counted) in waiting {
        let started_at = request.started_at;
        let delta = &mut journal.delta;
        let observed = count_confirmed_latency(&removal, &mut counted, started_at, &label, delta);
        journal.note_latency(observed);
        journal.session.execute(
            "UPDATE removals SET counted_latency = ?4
                 WHERE slot_id = ?1 AND at = ?2 AND identity = ?3",
            &values![slot_id, removal.at.as_millis(), removal.identity, counted.has_latency],
        )?;
    }
    Ok(())
}

/// When S3 began to serve the request of this id, where that is known to the millisecond and not
/// from files of the past.
pub(super) fn started_at(
    session: &Session<'_>,
    bucket: &str,
    request_id: &str,
) -> Result<Option<Timestamp>> {
    let identity = format!("r:{request_id}");
    for slice in session.slices_with(Name::of_request(&identity))? {
        let found = session.optional(
            "SELECT started_at FROM requests
                 WHERE slice = ?1 AND identity = ?2 AND bucket = ?3 AND is_backfilled = 0",
            &values![slice, identity, bucket],
            optional_time,
        )?;
        if let Some(started_at) = found {
            return Ok(started_at);
        }
    }
    Ok(None)
}

/// Resolves bulk calls that were settled as unresolved, when new evidence tells of a key of theirs.
pub(super) fn resolve_late(journal: &mut Journal<'_>, fresh: &[&Evidence]) -> Result<()> {
    let session = journal.session;
    let mut has_unresolved: BTreeMap<&str, bool> = BTreeMap::new();
    for piece in fresh.iter().filter(|piece| piece.key.is_some()) {
        let bucket = piece.bucket.as_str();
        let known = match has_unresolved.get(bucket) {
            Some(known) => *known,
            None => any_unresolved(session, bucket)?,
        };
        has_unresolved.insert(bucket, known);
        if known {
            let resolved = resolve_by(session, piece)?;
            let amount = i64::try_from(resolved).unwrap_or(i64::MAX);
            if resolved > 0 {
                journal.mark(bucket, piece.at);
            }
            journal.delta.add(Family::Corrections, &["unresolved"], Part::Value, amount);
        }
    }
    Ok(())
}

fn any_unresolved(session: &Session<'_>, bucket: &str) -> Result<bool> {
    session.is_any(
        "SELECT 1 FROM requests WHERE resolution = 'unresolved' AND bucket = ?1 LIMIT 1",
        &values![bucket],
    )
}

fn resolve_by(session: &Session<'_>, piece: &Evidence) -> Result<usize> {
    let mut resolved = 0;
    if let Some(request_id) = &piece.request_id {
        let identity = format!("r:{request_id}");
        for slice in session.slices_with(Name::of_request(&identity))? {
            resolved += session.execute(
                "UPDATE requests SET resolution = 'resolved'
                     WHERE slice = ?1 AND identity = ?2 AND bucket = ?3
                         AND resolution = 'unresolved'",
                &values![slice, identity, piece.bucket.as_str()],
            )?;
        }
    }
    if is_child(piece) {
        let at = piece.at.as_millis();
        resolved += session.execute(
            "UPDATE requests SET resolution = 'resolved'
                 WHERE resolution = 'unresolved' AND bucket = ?1 AND at BETWEEN ?2 AND ?3",
            &values![piece.bucket.as_str(), at - PAIR_MILLIS_MAX, at + PAIR_MILLIS_MAX],
        )?;
    }
    Ok(resolved)
}

/// A record of one key of a bulk call, accepted or refused.
pub(in crate::store) fn is_child(piece: &Evidence) -> bool {
    let is_refused =
        piece.role == RemovalRole::None && piece.call.is_none() && piece.amends_event_id.is_none();
    piece.role == RemovalRole::Child || is_refused
}

/// Whether any source tells of a key of this bulk call: by its request id, or by a child within
/// 10 s of it.
pub(super) fn is_resolved(session: &Session<'_>, request: &Request) -> Result<bool> {
    if let Some(request_id) = &request.request_id {
        let is_told = session.is_any(
            "SELECT 1 FROM evidence
                 WHERE request_id = ?1 AND is_key_of_request = 0 AND bucket = ?2
                     AND EXISTS (SELECT 1 FROM slots WHERE slots.id = slot_id AND slots.key <> '')
                 LIMIT 1",
            &values![request_id.as_str(), request.bucket.as_str()],
        )?;
        if is_told {
            return Ok(true);
        }
    }
    let at = request.at.as_millis();
    session.is_any(
        "SELECT 1 FROM evidence INDEXED BY evidence_children
             WHERE bucket = ?1 AND at BETWEEN ?2 AND ?3 AND (role = 'child'
                 OR (role = 'none' AND api IS NULL AND slot_id IS NOT NULL
                     AND amends_event_id IS NULL))
                 AND EXISTS (SELECT 1 FROM slots WHERE slots.id = slot_id AND slots.key <> '')
             LIMIT 1",
        &values![request.bucket.as_str(), at - PAIR_MILLIS_MAX, at + PAIR_MILLIS_MAX],
    )
}
