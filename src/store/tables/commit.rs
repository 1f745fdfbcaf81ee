//! One batch inside a transaction: the commit protocol. It neither begins nor ends the transaction.
//!
//! The order is the same on every database: slots, facts, requests, the removals of each slot,
//! rejects and signs of life, totals, and the ledger row last.

use std::collections::BTreeMap;

use deltrail_core::domain::{Evidence, Fact, Provenance, Source, Timestamp};

use super::creations::write_creation;
use super::forget::forgotten_before;
use super::intents::{write_intent, write_key};
use super::journal::Journal;
use super::protections::write_protection;
use super::requests::{resolve_late, write_requests};
use super::rows::{Place, amount, insert_evidence};
use super::slots::{SlotRow, slot_key, upsert_slots, write_slot};
use crate::store::session::{Result, Session, column, values};
use crate::store::{
    Batch, CommitReport, LedgerEntry, LedgerKey, LedgerState, Options, Origin, Reject, StoredFact,
};

type Slots<'a> = BTreeMap<(&'a str, &'a str), SlotRow>;

/// Writes `batches` and says what each changed; `now` is when they are committed.
pub(in crate::store) fn commit_batches(
    session: &Session<'_>,
    options: &Options,
    batches: &[&Batch],
    now: Timestamp,
) -> Result<Vec<CommitReport>> {
    let mut journal = Journal::new(session, options);
    let forgotten_before = forgotten_before(session)?;
    let mut reports = Vec::with_capacity(batches.len());
    for batch in batches {
        reports.push(commit_batch(&mut journal, batch, forgotten_before, now)?);
    }
    journal.close()?;
    Ok(reports)
}

fn commit_batch<'a>(
    journal: &mut Journal<'a>,
    batch: &'a Batch,
    forgotten_before: i64,
    now: Timestamp,
) -> Result<CommitReport> {
    journal.begin(batch.provenance);
    let session = journal.session;
    let facts = young(&batch.facts, forgotten_before, &mut journal.report.too_old);
    let slots = upsert_slots(session, &facts)?;
    let log_object_id = match &batch.ledger {
        Some(entry) => Some(log_object_id(session, &entry.key, entry.source.as_str(), now)?),
        None => None,
    };
    let fresh = write_facts(journal, batch.provenance, &facts, &slots, log_object_id)?;
    write_requests(journal, &fresh)?;
    write_slots(journal, &slots, &fresh)?;
    resolve_late(journal, &fresh)?;
    // What is so old is forgotten; that a read was is no news to anybody.
    for trace in batch.traces.iter().filter(|it| it.last_at.as_millis() >= forgotten_before) {
        journal.trace(trace)?;
    }
    for reject in &batch.rejects {
        journal.report.new_rejects += u64::from(write_reject(session, reject, now)?);
    }
    // History proves nothing about what is delivered now.
    if batch.provenance == Provenance::Live {
        journal.heard.note(batch, now);
    }
    let mut report = journal.end();
    if let (Some(entry), Some(id)) = (&batch.ledger, log_object_id) {
        report.was_committed = !write_ledger(session, id, entry, now)?;
    }
    Ok(report)
}

/// The facts that are not so old that their like was forgotten; the others are counted.
fn young<'a>(
    facts: &'a [StoredFact],
    forgotten_before: i64,
    too_old: &mut BTreeMap<Source, u64>,
) -> Vec<&'a StoredFact> {
    let mut young = Vec::with_capacity(facts.len());
    for stored in facts {
        if stored.fact.at().as_millis() < forgotten_before {
            *too_old.entry(stored.fact.source()).or_default() += 1;
        } else {
            young.push(stored);
        }
    }
    young
}

/// Adds the facts to their sets and returns the evidence of deletes that was not known.
fn write_facts<'a>(
    journal: &mut Journal<'_>,
    provenance: Provenance,
    facts: &[&'a StoredFact],
    slots: &Slots<'_>,
    log_object_id: Option<i64>,
) -> Result<Vec<&'a Evidence>> {
    let mut fresh = Vec::new();
    for stored in facts {
        let place = Place { slot_id: None, log_object_id, record_index: stored.record_index };
        journal.rollups.observe(stored.fact.at());
        match &stored.fact {
            Fact::Deletion(evidence) => {
                let slot = slot_key(evidence).and_then(|key| slots.get(&(&*evidence.bucket, key)));
                let place = Place { slot_id: slot.map(|slot| slot.id), ..place };
                let actor_id = journal.actors.id_of(&evidence.actor)?;
                let is_new = insert_evidence(journal.session, evidence, place, actor_id)?;
                journal.note(is_new);
                journal.note_source(&evidence.bucket, evidence.source)?;
                fresh.extend(is_new.then_some(&**evidence));
            }
            Fact::Creation(creation) => {
                if let Some(&slot) = slots.get(&(&*creation.bucket, &*creation.key)) {
                    write_creation(journal, slot, creation)?;
                    journal.mark(&creation.bucket, creation.at);
                }
            }
            Fact::Intent(intent) => {
                write_intent(journal, intent)?;
                for key in &intent.keys {
                    if let Some(slot) = slots.get(&(&*intent.bucket, &**key)) {
                        write_key(journal.session, slot.id, intent, provenance)?;
                    }
                }
            }
            Fact::Protection(change) => write_protection(journal, change, place)?,
        }
    }
    Ok(fresh)
}

fn write_slots(journal: &mut Journal<'_>, slots: &Slots<'_>, fresh: &[&Evidence]) -> Result<()> {
    let mut by_slot: BTreeMap<(&str, &str), Vec<&Evidence>> = BTreeMap::new();
    for &piece in fresh {
        if let Some(key) = slot_key(piece) {
            by_slot.entry((piece.bucket.as_str(), key)).or_default().push(piece);
        }
    }
    for (name, fresh) in by_slot {
        if let Some(&slot) = slots.get(&name) {
            write_slot(journal, slot, name, &fresh)?;
        }
    }
    Ok(())
}

/// The row of a log object, made where it is missing.
fn log_object_id(
    session: &Session<'_>,
    key: &LedgerKey,
    source: &str,
    now: Timestamp,
) -> Result<i64> {
    let made = session.insert(
        "INSERT INTO log_objects (bucket, key, revision, source, state, committed_at)
         VALUES (?1, ?2, ?3, ?4, 'reading', ?5) ON CONFLICT DO NOTHING",
        &values![key.bucket, key.key, key.revision, source, now.as_millis()],
    )?;
    if let Some(id) = made {
        return Ok(id);
    }
    session.one(
        "SELECT id FROM log_objects WHERE bucket = ?1 AND key = ?2 AND revision = ?3",
        &values![key.bucket, key.key, key.revision],
        column,
    )
}

/// Brings the ledger forward; false when the object was done already.
fn write_ledger(
    session: &Session<'_>,
    id: i64,
    entry: &LedgerEntry,
    now: Timestamp,
) -> Result<bool> {
    let LedgerState::Done(result, counts) = entry.state else {
        // Who never reads it to its end has read a part of it now.
        let changed = session.execute(
            "UPDATE log_objects SET committed_at = ?2 WHERE id = ?1 AND state <> 'done'",
            &values![id, now.as_millis()],
        )?;
        return Ok(changed == 1);
    };
    let changed = session.execute(
        "UPDATE log_objects SET state = 'done', result = ?2, records = ?3, evidence = ?4,
                 ignored = ?5, rejected = ?6, compressed_bytes = ?7, inflated_bytes = ?8,
                 committed_at = ?9
             WHERE id = ?1 AND state <> 'done'",
        &values![
            id,
            result.as_str(),
            amount(counts.records),
            amount(counts.evidence),
            amount(counts.ignored),
            amount(counts.rejected),
            amount(counts.compressed_bytes),
            amount(counts.inflated_bytes),
            now.as_millis(),
        ],
    )?;
    Ok(changed == 1)
}

/// Keeps a reject; false when its origin was rejected for that reason before.
fn write_reject(session: &Session<'_>, reject: &Reject, now: Timestamp) -> Result<bool> {
    let source = reject.source.as_str();
    let (object, record_index, message) = match &reject.origin {
        Origin::LogObject { object, record_index } => {
            (Some(log_object_id(session, object, source, now)?), record_index, None)
        }
        Origin::Message { queue, message_id, record_index, body } => {
            (None, record_index, Some((queue, message_id, body)))
        }
    };
    let inserted = session.execute(
        "INSERT INTO rejects (at, source, reason, detail, log_object_id, record_index, queue,
                 message_id, body)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        &values![
            reject.at.as_millis(),
            source,
            reject.reason,
            reject.detail,
            object,
            record_index.map(amount),
            message.map(|(queue, _, _)| queue.as_str()),
            message.map(|(_, id, _)| id.as_str()),
            message.map(|(_, _, body)| body.as_str()),
        ],
    )?;
    Ok(inserted == 1)
}
