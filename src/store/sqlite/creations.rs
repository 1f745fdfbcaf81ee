//! Writes of keys: kept for as long as they can tell a delete of a fresh upload from any other.
//! What that is, the core decides.

use deltrail_core::domain::{Created, Creation, SourceSet};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::journal::Journal;
use super::rows::{actor, actor_text, moment_of};
use super::slots::{SlotRow, reopen};

/// Adds what a piece of evidence tells of a write, and opens again what was settled and may be
/// judged otherwise now.
pub(super) fn write_creation(
    journal: &mut Journal<'_>,
    slot: SlotRow,
    creation: &Creation,
) -> Result<()> {
    let connection = journal.connection;
    let told = Created::of(creation);
    let is_new = insert(connection, slot.id, &told)? || join(connection, slot.id, told)?;
    journal.note(is_new);
    if is_new && !slot.is_new {
        supersede(connection, slot.id)?;
        reopen(connection, slot.id, creation.at, creation.at)?;
    }
    Ok(())
}

fn insert(connection: &Connection, slot_id: i64, created: &Created) -> Result<bool> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO creations (slot_id, identity, at, is_coarse, sequencer, version_id,
                 sources, actor, is_superseded)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            slot_id,
            created.identity,
            created.moment.at.as_millis(),
            created.moment.is_coarse,
            created.moment.sequencer,
            created.version_id,
            created.sources.bits(),
            actor_text(&created.actor)?,
        ])?;
    Ok(inserted == 1)
}

/// Joins it with what is known of the same write; whether that told anything.
fn join(connection: &Connection, slot_id: i64, told: Created) -> Result<bool> {
    let known = connection
        .prepare_cached("SELECT * FROM creations WHERE slot_id = ?1 AND identity = ?2")?
        .query_row(params![slot_id, told.identity], created_of)
        .optional()?;
    let Some(known) = known else { return Ok(false) };
    let joined = known.clone().join(told);
    if joined == known {
        return Ok(false);
    }
    connection
        .prepare_cached("DELETE FROM creations WHERE slot_id = ?1 AND identity = ?2")?
        .execute(params![slot_id, joined.identity])?;
    insert(connection, slot_id, &joined)
}

/// Marks the writes that another one came after.
fn supersede(connection: &Connection, slot_id: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE creations AS c SET is_superseded = 1
             WHERE slot_id = ?1 AND is_superseded = 0 AND EXISTS (
                 SELECT 1 FROM creations AS later
                 WHERE later.slot_id = ?1 AND later.at > c.at
             )",
        )?
        .execute([slot_id])?;
    Ok(())
}

/// Reads a row of `creations`.
pub(super) fn created_of(row: &Row<'_>) -> Result<Created> {
    Ok(Created {
        identity: row.get("identity")?,
        moment: moment_of(row)?,
        version_id: row.get("version_id")?,
        sources: SourceSet::from_bits(row.get("sources")?),
        actor: actor(row)?,
    })
}

/// Forgets writes that can tell nothing any more: those before `cutoff_millis` that were followed
/// by another, and the oldest beyond `creations_max`. At most `rows_max` of each at a time; gives
/// how many.
pub(super) fn forget(
    connection: &Connection,
    cutoff_millis: i64,
    creations_max: usize,
    rows_max: usize,
) -> Result<usize> {
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let superseded = connection
        .prepare_cached(
            "DELETE FROM creations WHERE (slot_id, identity) IN (
                 SELECT slot_id, identity FROM creations
                 WHERE is_superseded = 1 AND at < ?1 ORDER BY at LIMIT ?2
             )",
        )?
        .execute([cutoff_millis, rows_max])?;
    let kept: i64 = connection
        .prepare_cached("SELECT count(*) FROM creations")?
        .query_row([], |row| row.get(0))?;
    let surplus = kept.saturating_sub(i64::try_from(creations_max).unwrap_or(i64::MAX));
    if surplus <= 0 {
        return Ok(superseded);
    }
    let oldest = connection
        .prepare_cached(
            "DELETE FROM creations WHERE (slot_id, identity) IN (
                 SELECT slot_id, identity FROM creations ORDER BY at LIMIT ?1
             )",
        )?
        .execute([surplus.min(rows_max)])?;
    Ok(superseded + oldest)
}
