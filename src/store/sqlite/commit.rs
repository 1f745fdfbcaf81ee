//! One batch inside a transaction: the commit protocol. It neither begins nor ends the transaction.
//!
//! The order is the same on every database: slots, evidence, requests, the removals of each slot,
//! rejects and signs of life, totals, and the ledger row last.

use std::collections::BTreeMap;

use deltrail_core::domain::{
    Delta, Evidence, Fact, Request, Timestamp, count_latency, count_request,
};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::rows::{Place, amount, insert_evidence, request_of, write_request};
use super::slots::{SlotRow, slot_key, upsert_slots, write_slot};
use super::totals::{Labels, add_totals};
use crate::store::{
    Batch, CommitReport, LedgerEntry, LedgerKey, LedgerState, Options, Origin, ProofOfLife, Reject,
};

type Slots<'a> = BTreeMap<(&'a str, &'a str), SlotRow>;

/// Writes `batch` and says what it changed; `now` is when it is committed.
pub(super) fn commit_batch(
    connection: &Connection,
    options: &Options,
    batch: &Batch,
    now: Timestamp,
) -> Result<CommitReport> {
    let mut report = CommitReport::default();
    let slots = upsert_slots(connection, &batch.facts)?;
    let log_object_id = match &batch.ledger {
        Some(entry) => Some(log_object_id(connection, &entry.key, entry.source.as_str())?),
        None => None,
    };
    let fresh = write_evidence(connection, batch, &slots, log_object_id, &mut report)?;
    let mut labels = Labels::new(connection, options);
    let mut delta = Delta::default();
    write_requests(connection, &fresh, &mut labels, &mut delta, &mut report)?;
    write_slots(connection, &slots, &fresh, &mut labels, &mut delta, &mut report)?;
    for reject in &batch.rejects {
        report.new_rejects += u64::from(write_reject(connection, reject)?);
    }
    for life in &batch.life {
        write_life(connection, life)?;
    }
    add_totals(connection, &options.writer, &delta)?;
    report.label_overflow = labels.overflow;
    if let (Some(entry), Some(id)) = (&batch.ledger, log_object_id) {
        report.was_committed = !write_ledger(connection, id, entry, now)?;
    }
    Ok(report)
}

/// Adds the evidence to the set and returns what was not in it.
fn write_evidence<'a>(
    connection: &Connection,
    batch: &'a Batch,
    slots: &Slots<'_>,
    log_object_id: Option<i64>,
    report: &mut CommitReport,
) -> Result<Vec<&'a Evidence>> {
    let mut fresh = Vec::new();
    for stored in &batch.facts {
        let Fact::Deletion(evidence) = &stored.fact else { continue };
        let slot = slot_key(evidence).and_then(|key| slots.get(&(evidence.bucket.as_str(), key)));
        let place = Place {
            slot_id: slot.map(|slot| slot.id),
            log_object_id,
            record_index: stored.record_index,
        };
        if insert_evidence(connection, evidence, place)? {
            fresh.push(evidence.as_ref());
            report.new_evidence += 1;
        } else {
            report.repeated_evidence += 1;
        }
    }
    Ok(fresh)
}

/// Joins the requests of new evidence with what was known of them, and counts what is new.
fn write_requests(
    connection: &Connection,
    fresh: &[&Evidence],
    labels: &mut Labels<'_>,
    delta: &mut Delta,
    report: &mut CommitReport,
) -> Result<()> {
    let mut requests: BTreeMap<(String, String), Request> = BTreeMap::new();
    for request in fresh.iter().filter_map(|piece| Request::of(piece)) {
        let identity = (request.bucket.clone(), request.identity.clone());
        let joined = match requests.remove(&identity) {
            Some(known) => known.join(request),
            None => request,
        };
        requests.insert(identity, joined);
    }
    for ((bucket, identity), request) in requests {
        let before = connection
            .prepare_cached("SELECT * FROM requests WHERE bucket = ?1 AND identity = ?2")?
            .query_row(params![bucket, identity], request_of)
            .optional()?;
        let after = match before.clone() {
            Some(before) => before.join(request),
            None => request,
        };
        if before.as_ref() == Some(&after) {
            continue;
        }
        write_request(connection, &after)?;
        count_request(before.as_ref(), &after, &labels.of(&bucket)?, delta);
        let label = labels.of_latency(&bucket)?;
        if let Err(reason) = count_latency(before.as_ref(), &after, &label, delta) {
            *report.discarded_latencies.entry(reason).or_default() += 1;
        }
    }
    Ok(())
}

fn write_slots(
    connection: &Connection,
    slots: &Slots<'_>,
    fresh: &[&Evidence],
    labels: &mut Labels<'_>,
    delta: &mut Delta,
    report: &mut CommitReport,
) -> Result<()> {
    let mut by_slot: BTreeMap<(&str, &str), Vec<&Evidence>> = BTreeMap::new();
    for &piece in fresh {
        if let Some(key) = slot_key(piece) {
            by_slot.entry((piece.bucket.as_str(), key)).or_default().push(piece);
        }
    }
    for (name, fresh) in by_slot {
        let Some(&slot) = slots.get(&name) else { continue };
        let change = write_slot(connection, slot, name, &fresh, || labels.of(name.0))?;
        if let Some(change) = change {
            report.removals += change.gained;
            delta.merge(change.delta);
        }
    }
    Ok(())
}

/// The row of a log object, made where it is missing.
fn log_object_id(connection: &Connection, key: &LedgerKey, source: &str) -> Result<i64> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO log_objects (bucket, key, revision, source, state)
         VALUES (?1, ?2, ?3, ?4, 'reading')
         ON CONFLICT (bucket, key, revision) DO NOTHING RETURNING id",
    )?;
    let values = params![key.bucket, key.key, key.revision, source];
    if let Some(id) = insert.query_row(values, |row| row.get(0)).optional()? {
        return Ok(id);
    }
    connection
        .prepare_cached(
            "SELECT id FROM log_objects WHERE bucket = ?1 AND key = ?2 AND revision = ?3",
        )?
        .query_row(params![key.bucket, key.key, key.revision], |row| row.get(0))
}

/// Brings the ledger forward; false when the object was done already.
fn write_ledger(
    connection: &Connection,
    id: i64,
    entry: &LedgerEntry,
    now: Timestamp,
) -> Result<bool> {
    let LedgerState::Done(result, counts) = entry.state else {
        return connection
            .prepare_cached("SELECT state <> 'done' FROM log_objects WHERE id = ?1")?
            .query_row([id], |row| row.get(0));
    };
    let changed = connection
        .prepare_cached(
            "UPDATE log_objects SET state = 'done', result = ?2, records = ?3, evidence = ?4,
                 ignored = ?5, rejected = ?6, compressed_bytes = ?7, inflated_bytes = ?8,
                 committed_at = ?9
             WHERE id = ?1 AND state <> 'done'",
        )?
        .execute(params![
            id,
            result.as_str(),
            amount(counts.records),
            amount(counts.evidence),
            amount(counts.ignored),
            amount(counts.rejected),
            amount(counts.compressed_bytes),
            amount(counts.inflated_bytes),
            now.as_millis(),
        ])?;
    Ok(changed == 1)
}

/// Keeps a reject; false when its origin was rejected for that reason before.
fn write_reject(connection: &Connection, reject: &Reject) -> Result<bool> {
    let source = reject.source.as_str();
    let (object, record_index, message) = match &reject.origin {
        Origin::LogObject { object, record_index } => {
            (Some(log_object_id(connection, object, source)?), record_index, None)
        }
        Origin::Message { queue, message_id, record_index, body } => {
            (None, record_index, Some((queue, message_id, body)))
        }
    };
    let inserted = connection
        .prepare_cached(
            "INSERT INTO rejects (at, source, reason, detail, log_object_id, record_index, queue,
                 message_id, body)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            reject.at.as_millis(),
            source,
            reject.reason,
            reject.detail,
            object,
            record_index.map(amount),
            message.map(|(queue, _, _)| queue),
            message.map(|(_, id, _)| id),
            message.map(|(_, _, body)| body),
        ])?;
    Ok(inserted == 1)
}

/// Moves the times of a source forward, never back.
fn write_life(connection: &Connection, life: &ProofOfLife) -> Result<()> {
    let millis = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
    connection
        .prepare_cached(
            "INSERT INTO sources AS s (source, account, region, newest_event_at, last_delivery_at,
                 proof_of_life_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (source, account, region) DO UPDATE SET
                 newest_event_at = max(coalesce(s.newest_event_at, excluded.newest_event_at),
                     coalesce(excluded.newest_event_at, s.newest_event_at)),
                 last_delivery_at = max(coalesce(s.last_delivery_at, excluded.last_delivery_at),
                     coalesce(excluded.last_delivery_at, s.last_delivery_at)),
                 proof_of_life_at = max(coalesce(s.proof_of_life_at, excluded.proof_of_life_at),
                     coalesce(excluded.proof_of_life_at, s.proof_of_life_at))",
        )?
        .execute(params![
            life.source.as_str(),
            life.account,
            life.region,
            millis(life.newest_event_at),
            millis(life.last_delivery_at),
            millis(life.proof_of_life_at),
        ])?;
    Ok(())
}
