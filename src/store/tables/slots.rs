//! Slots and the removals in them: which slots a batch touches, and the difference that its new
//! evidence makes there. How a slot's evidence becomes removals is the fold's affair.

use std::collections::BTreeMap;

use deltrail_core::detect::Counts;
use deltrail_core::domain::{
    Counted, Evidence, Fact, PAIR_MILLIS_MAX, Removal, RemovalRole, Source, Timestamp,
    count_confirmed_latency, fold,
};

use super::intents::{reopen_fulfilled_by, reopen_intents};
use super::journal::Journal;
use super::neighbourhood::{Search, neighbours};
use super::requests::started_at;
use super::rows::{counted_columns, counted_of, delete_removal, write_removal};
use super::settle::CREATIONS_KEPT_MILLIS;
use crate::store::StoredFact;
use crate::store::change::slot_change;
use crate::store::session::{Result, Session, SqlError, values};
use crate::store::slices::Name;

/// A slot as it was before the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlotRow {
    pub(super) id: i64,
    /// It was made by this batch: there is nothing in it to read.
    pub(super) is_new: bool,
    pub(super) has_child: bool,
    pub(super) has_intent: bool,
}

/// The key of the slot that `evidence` is kept in, none when it is about no single key. A removal
/// of an unknown key is in the slot of the empty key, which no object can have.
pub(in crate::store) fn slot_key(evidence: &Evidence) -> Option<&str> {
    match (&evidence.key, evidence.role) {
        (Some(key), _) => Some(key),
        (None, RemovalRole::Claim | RemovalRole::Child) => Some(""),
        (None, RemovalRole::None) => None,
    }
}

/// The key that evidence in the slot of this key says it is about.
pub(super) fn said_key(slot_key: &str) -> Option<&str> {
    Some(slot_key).filter(|key| !key.is_empty())
}

/// The slots of a batch, made where they are missing, in the order of (bucket, key): every writer
/// of every store takes them in the same order, so that none waits for the other in a circle.
pub(super) fn upsert_slots<'a>(
    session: &Session<'_>,
    facts: &[&'a StoredFact],
) -> Result<BTreeMap<(&'a str, &'a str), SlotRow>> {
    let mut slots = BTreeMap::new();
    let mut names: Vec<(&str, &str)> = facts.iter().copied().flat_map(slots_of).collect();
    names.sort_unstable();
    names.dedup();
    for (bucket, key) in names {
        slots.insert((bucket, key), upsert_slot(session, bucket, key)?);
    }
    Ok(slots)
}

/// The slots that a fact is kept in.
pub(in crate::store) fn slots_of(stored: &StoredFact) -> Vec<(&str, &str)> {
    match &stored.fact {
        Fact::Deletion(evidence) => {
            slot_key(evidence).map(|key| (&*evidence.bucket, key)).into_iter().collect()
        }
        Fact::Creation(creation) => vec![(&*creation.bucket, &*creation.key)],
        Fact::Intent(intent) => intent.keys.iter().map(|key| (&*intent.bucket, &**key)).collect(),
        Fact::Protection(_) => Vec::new(),
    }
}

fn upsert_slot(session: &Session<'_>, bucket: &str, key: &str) -> Result<SlotRow> {
    let name = Name::of_key(bucket, key);
    let (newest, others) = session.place(name)?;
    for slice in others {
        if let Some(slot) = slot_in(session, slice, bucket, key)? {
            return Ok(slot);
        }
    }
    let made = session.insert(
        "INSERT INTO slots (slice, bucket, key) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        &values![newest, bucket, key],
    )?;
    if let Some(id) = made {
        session.note(name);
        return Ok(SlotRow { id, is_new: true, has_child: false, has_intent: false });
    }
    slot_in(session, newest, bucket, key)?.ok_or(SqlError::NoRow)
}

fn slot_in(session: &Session<'_>, slice: i64, bucket: &str, key: &str) -> Result<Option<SlotRow>> {
    session.optional(
        "SELECT id, has_child, has_intent FROM slots WHERE slice = ?1 AND bucket = ?2 AND key = ?3",
        &values![slice, bucket, key],
        |row| {
            let (id, has_child, has_intent) = (row.read()?, row.read()?, row.read()?);
            Ok(SlotRow { id, is_new: false, has_child, has_intent })
        },
    )
}

/// The slot of a key, if there is one.
pub(super) fn slot_of(session: &Session<'_>, bucket: &str, key: &str) -> Result<Option<i64>> {
    for slice in session.slices_with(Name::of_key(bucket, key))? {
        if let Some(slot) = slot_in(session, slice, bucket, key)? {
            return Ok(Some(slot.id));
        }
    }
    Ok(None)
}

/// Writes what `fresh` evidence, already stored, changes in its slot.
pub(super) fn write_slot(
    journal: &mut Journal<'_>,
    slot: SlotRow,
    (bucket, key): (&str, &str),
    fresh: &[&Evidence],
) -> Result<()> {
    let is_relevant =
        |piece: &&Evidence| piece.role != RemovalRole::None || piece.amends_event_id.is_some();
    if !fresh.iter().any(is_relevant) {
        return Ok(());
    }
    let session = journal.session;
    let brings_child = fresh.iter().any(|piece| piece.role == RemovalRole::Child);
    if brings_child && !slot.has_child {
        session.execute("UPDATE slots SET has_child = 1 WHERE id = ?1", &values![slot.id])?;
    }
    let search =
        Search { slot_id: slot.id, key: said_key(key), has_child: slot.has_child || brings_child };
    let known = if slot.is_new { Vec::new() } else { neighbours(session, search, fresh)? };
    let standing = fold(&known);
    let mut counted = BTreeMap::new();
    for removal in &standing {
        if let Some(was) = read_counted(session, slot.id, removal)? {
            counted.insert(removal.identity.clone(), was);
        }
    }
    let label = journal.labels.of(bucket)?;
    let change = slot_change(&known, fresh, standing, &counted, &label, journal.provenance);
    for (identity, at) in &change.vanished {
        delete_removal(session, slot.id, identity, *at)?;
    }
    if slot.has_intent {
        let written = change.written.iter().map(|(removal, _)| (&removal.identity, removal.at));
        let vanished = change.vanished.iter().map(|(identity, at)| (identity, *at));
        for (identity, at) in vanished.chain(written) {
            reopen_fulfilled_by(session, slot.id, (identity, at))?;
        }
    }
    journal.report.removals += change.gained;
    journal.delta.merge(change.delta);
    for (was, counted) in &change.replaced {
        let actor_id = journal.actors.id_of(&was.actor)?;
        let counts = Counts::default() - Counts::of_removal(was, &counted.settling);
        journal.count(bucket, was.at, actor_id, counts);
    }
    let times = change.written.iter().map(|(removal, _)| removal.at);
    let span = times.clone().min().zip(times.max());
    for (removal, mut now) in change.written {
        confirm(journal, bucket, &removal, &mut now)?;
        let actor_id = journal.actors.id_of(&removal.actor)?;
        write_removal(session, slot.id, bucket, &removal, actor_id, &now)?;
        journal.count(bucket, removal.at, actor_id, Counts::of_removal(&removal, &now.settling));
    }
    if let Some((first, last)) = span {
        if !slot.is_new {
            reopen(session, slot.id, first, last)?;
        }
        if slot.has_intent {
            reopen_intents(session, slot.id, first, last)?;
        }
    }
    Ok(())
}

/// Observes how long it took to S3's notification, if the start of the request is known.
fn confirm(
    journal: &mut Journal<'_>,
    bucket: &str,
    removal: &Removal,
    counted: &mut Counted,
) -> Result<()> {
    let (Some(_), Some(request_id), false) =
        (removal.notified_at, &removal.request_id, counted.has_latency)
    else {
        return Ok(());
    };
    let tellers = journal.told_by(bucket)?;
    if !tellers.contains(Source::CloudTrail) && !tellers.contains(Source::AccessLog) {
        return Ok(());
    }
    let Some(started_at) = started_at(journal.session, bucket, request_id)? else {
        return Ok(());
    };
    let label = journal.labels.of_latency(bucket)?;
    let delta = &mut journal.delta;
    let observed = count_confirmed_latency(removal, counted, Some(started_at), &label, delta);
    journal.note_latency(observed);
    Ok(())
}

/// Opens again what was settled in a slot and may be judged otherwise for new evidence of these
/// times: as long after it as writes are known, and a little before it, where its other members may
/// lie.
pub(super) fn reopen(
    session: &Session<'_>,
    slot_id: i64,
    first: Timestamp,
    last: Timestamp,
) -> Result<()> {
    let from = first.as_millis().saturating_sub(PAIR_MILLIS_MAX);
    let to = last.as_millis().saturating_add(CREATIONS_KEPT_MILLIS);
    session.execute(
        "UPDATE removals SET settled = 2
             WHERE slot_id = ?1 AND settled = 1 AND at BETWEEN ?2 AND ?3",
        &values![slot_id, from, to],
    )?;
    Ok(())
}

/// What the totals hold for a row.
pub(super) fn read_counted(
    session: &Session<'_>,
    slot_id: i64,
    removal: &Removal,
) -> Result<Option<Counted>> {
    session.optional(
        concat!(
            "SELECT ",
            counted_columns!(),
            " FROM removals WHERE slot_id = ?1 AND at = ?2 AND identity = ?3"
        ),
        &values![slot_id, removal.at.as_millis(), removal.identity],
        counted_of,
    )
}
