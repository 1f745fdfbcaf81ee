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
    let is_unknown = insert(connection, slot.id, &told)?;
    let written = if is_unknown { Some(told) } else { join(connection, slot.id, told)? };
    journal.note(written.is_some());
    if let Some(written) = written {
        supersede(connection, slot.id, &written)?;
        if !slot.is_new {
            reopen(connection, slot.id, creation.at, creation.at)?;
        }
    }
    Ok(())
}

fn insert(connection: &Connection, slot_id: i64, created: &Created) -> Result<bool> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO creations (slot_id, identity, at, is_coarse, sequencer, version_id,
                 sources, actor)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
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

/// Joins it with what is known of the same write; nothing when that told nothing.
fn join(connection: &Connection, slot_id: i64, told: Created) -> Result<Option<Created>> {
    let known = connection
        .prepare_cached("SELECT * FROM creations WHERE slot_id = ?1 AND identity = ?2")?
        .query_row(params![slot_id, told.identity], created_of)
        .optional()?;
    let Some(known) = known else { return Ok(None) };
    let joined = known.clone().join(told);
    if joined == known {
        return Ok(None);
    }
    connection
        .prepare_cached("DELETE FROM creations WHERE slot_id = ?1 AND identity = ?2")?
        .execute(params![slot_id, joined.identity])?;
    insert(connection, slot_id, &joined)?;
    Ok(Some(joined))
}

/// Notes when a write was followed by the next, and when the one before it was.
fn supersede(connection: &Connection, slot_id: i64, written: &Created) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE creations AS c SET superseded_at = (
                 SELECT min(at) FROM creations AS later
                 WHERE later.slot_id = c.slot_id AND later.at > c.at
             )
             WHERE slot_id = ?1 AND at <= ?2 AND at >= coalesce((
                 SELECT max(at) FROM creations AS earlier
                 WHERE earlier.slot_id = ?1 AND earlier.at < ?2
             ), ?2)",
        )?
        .execute([slot_id, written.moment.at.as_millis()])?;
    Ok(())
}

/// Reads a row of `creations`.
pub(super) fn created_of(row: &Row<'_>) -> Result<Created> {
    Ok(Created {
        identity: row.get("identity")?,
        moment: moment_of(row)?,
        version_id: row.get("version_id")?,
        sources: SourceSet::from_bits(row.get("sources")?),
        actor: actor(row)?.into(),
    })
}

/// Forgets writes that can tell nothing any more: those that were followed by another one before
/// `cutoff_millis`, and the oldest beyond `creations_max`. At most `rows_max` of each at a time;
/// gives how many.
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
                 WHERE superseded_at < ?1 ORDER BY superseded_at LIMIT ?2
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
