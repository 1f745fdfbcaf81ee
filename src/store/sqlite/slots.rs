//! Slots and the removals in them: which slots a batch touches, and the difference that its new
//! evidence makes there. How a slot's evidence becomes removals is the fold's affair.

use std::collections::BTreeMap;

use deltrail_core::domain::{Counted, Evidence, Fact, RemovalRole, fold};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::neighbourhood::{Search, neighbours};
use super::rows::{counted_of, write_removal};
use crate::store::StoredFact;
use crate::store::change::{SlotChange, slot_change};

/// A slot as it was before the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlotRow {
    pub(super) id: i64,
    /// It was made by this batch: there is nothing in it to read.
    pub(super) is_new: bool,
    pub(super) has_child: bool,
}

/// The key of the slot that `evidence` is kept in, none when it is about no single key. A removal
/// of an unknown key is in the slot of the empty key, which no object can have.
pub(super) fn slot_key(evidence: &Evidence) -> Option<&str> {
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
    connection: &Connection,
    facts: &'a [StoredFact],
) -> Result<BTreeMap<(&'a str, &'a str), SlotRow>> {
    let mut slots = BTreeMap::new();
    let mut names: Vec<(&str, &str)> = facts
        .iter()
        .filter_map(|stored| match &stored.fact {
            Fact::Deletion(evidence) => {
                slot_key(evidence).map(|key| (evidence.bucket.as_str(), key))
            }
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    for (bucket, key) in names {
        slots.insert((bucket, key), upsert_slot(connection, bucket, key)?);
    }
    Ok(slots)
}

fn upsert_slot(connection: &Connection, bucket: &str, key: &str) -> Result<SlotRow> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO slots (bucket, key) VALUES (?1, ?2)
         ON CONFLICT (bucket, key) DO NOTHING RETURNING id",
    )?;
    let made = insert.query_row([bucket, key], |row| row.get(0)).optional()?;
    if let Some(id) = made {
        return Ok(SlotRow { id, is_new: true, has_child: false });
    }
    let mut select = connection
        .prepare_cached("SELECT id, has_child FROM slots WHERE bucket = ?1 AND key = ?2")?;
    select.query_row([bucket, key], |row| {
        Ok(SlotRow { id: row.get(0)?, is_new: false, has_child: row.get(1)? })
    })
}

/// Writes what `fresh` evidence, already stored, changes in its slot, and returns the change, whose
/// rows are in the store then. None when it cannot change any removal.
pub(super) fn write_slot(
    connection: &Connection,
    slot: SlotRow,
    (bucket, key): (&str, &str),
    fresh: &[&Evidence],
    bucket_label: impl FnOnce() -> Result<String>,
) -> Result<Option<SlotChange>> {
    let is_relevant =
        |piece: &&Evidence| piece.role != RemovalRole::None || piece.amends_event_id.is_some();
    if !fresh.iter().any(is_relevant) {
        return Ok(None);
    }
    let brings_child = fresh.iter().any(|piece| piece.role == RemovalRole::Child);
    if brings_child && !slot.has_child {
        connection
            .prepare_cached("UPDATE slots SET has_child = 1 WHERE id = ?1")?
            .execute([slot.id])?;
    }
    let search =
        Search { slot_id: slot.id, key: said_key(key), has_child: slot.has_child || brings_child };
    let known = if slot.is_new { Vec::new() } else { neighbours(connection, search, fresh)? };
    let standing = fold(&known);
    let mut counted = BTreeMap::new();
    for removal in &standing {
        if let Some(was) = read_counted(connection, slot.id, &removal.identity)? {
            counted.insert(removal.identity.clone(), was);
        }
    }
    let change = slot_change(&known, fresh, standing, &counted, &bucket_label()?);
    for identity in &change.vanished {
        connection
            .prepare_cached("DELETE FROM removals WHERE slot_id = ?1 AND identity = ?2")?
            .execute(params![slot.id, identity])?;
    }
    for (removal, now) in &change.written {
        write_removal(connection, slot.id, bucket, removal, *now)?;
    }
    Ok(Some(change))
}

fn read_counted(connection: &Connection, slot_id: i64, identity: &str) -> Result<Option<Counted>> {
    let mut statement = connection.prepare_cached(
        "SELECT counted_kind, counted_cause, counted_confirmed FROM removals
         WHERE slot_id = ?1 AND identity = ?2",
    )?;
    statement.query_row(params![slot_id, identity], counted_of).optional()
}
