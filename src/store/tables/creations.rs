//! Writes of keys: kept for as long as they can tell a delete of a fresh upload from any other.
//! What that is, the core decides.

use deltrail_core::domain::{Created, Creation};

use super::journal::Journal;
use super::rows::{actor, actor_text, moment_of, sources};
use super::slots::{SlotRow, reopen};
use crate::store::session::{Result, Row, Session, column, values};

/// Adds what a piece of evidence tells of a write, and opens again what was settled and may be
/// judged otherwise now.
pub(super) fn write_creation(
    journal: &mut Journal<'_>,
    slot: SlotRow,
    creation: &Creation,
) -> Result<()> {
    let session = journal.session;
    let told = Created::of(creation);
    let is_unknown = insert(session, slot.id, &told)?;
    let written = if is_unknown { Some(told) } else { join(session, slot.id, told)? };
    journal.note(written.is_some());
    if let Some(written) = written {
        supersede(session, slot.id, &written)?;
        if !slot.is_new {
            reopen(session, slot.id, creation.at, creation.at)?;
        }
    }
    Ok(())
}

fn insert(session: &Session<'_>, slot_id: i64, created: &Created) -> Result<bool> {
    let inserted = session.execute(
        "INSERT INTO creations (slot_id, identity, at, is_coarse, sequencer, version_id,
                 sources, actor)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        &values![
            slot_id,
            created.identity,
            created.moment.at.as_millis(),
            created.moment.is_coarse,
            created.moment.sequencer,
            created.version_id,
            created.sources.bits(),
            actor_text(&created.actor)?,
        ],
    )?;
    Ok(inserted == 1)
}

/// Joins it with what is known of the same write; nothing when that told nothing.
fn join(session: &Session<'_>, slot_id: i64, told: Created) -> Result<Option<Created>> {
    let known = session.optional(
        concat!(
            "SELECT ",
            creation_columns!(),
            " FROM creations WHERE slot_id = ?1 AND identity = ?2"
        ),
        &values![slot_id, told.identity],
        created_of,
    )?;
    let Some(known) = known else { return Ok(None) };
    let joined = known.clone().join(told);
    if joined == known {
        return Ok(None);
    }
    session.execute(
        "DELETE FROM creations WHERE slot_id = ?1 AND identity = ?2",
        &values![slot_id, joined.identity],
    )?;
    insert(session, slot_id, &joined)?;
    Ok(Some(joined))
}

/// Notes when a write was followed by the next, and when the one before it was.
fn supersede(session: &Session<'_>, slot_id: i64, written: &Created) -> Result<()> {
    session.execute(
        "UPDATE creations AS c SET superseded_at = (
                 SELECT min(at) FROM creations AS later
                 WHERE later.slot_id = c.slot_id AND later.at > c.at
             )
             WHERE slot_id = ?1 AND at <= ?2 AND at >= coalesce((
                 SELECT max(at) FROM creations AS earlier
                 WHERE earlier.slot_id = ?1 AND earlier.at < ?2
             ), ?2)",
        &values![slot_id, written.moment.at.as_millis()],
    )?;
    Ok(())
}

/// The columns of [`created_of`].
macro_rules! creation_columns {
    () => {
        "identity, at, is_coarse, sequencer, version_id, sources, actor"
    };
}
pub(super) use creation_columns;

/// Reads a row of `creations`.
pub(super) fn created_of(row: &mut Row<'_>) -> Result<Created> {
    Ok(Created {
        identity: row.read()?,
        moment: moment_of(row)?,
        version_id: row.read()?,
        sources: sources(row)?,
        actor: actor(row)?.into(),
    })
}

/// Forgets writes that can tell nothing any more: those that were followed by another one before
/// `cutoff_millis`, and the oldest beyond `creations_max`. At most `rows_max` of each at a time;
/// gives how many.
pub(super) fn forget(
    session: &Session<'_>,
    cutoff_millis: i64,
    creations_max: usize,
    rows_max: usize,
) -> Result<usize> {
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let superseded = session.execute(
        "DELETE FROM creations WHERE (slot_id, identity) IN (
                 SELECT slot_id, identity FROM creations
                 WHERE superseded_at < ?1 ORDER BY superseded_at LIMIT ?2
                 /*pg FOR UPDATE SKIP LOCKED */
             )",
        &values![cutoff_millis, rows_max],
    )?;
    let kept: i64 = session.one("SELECT count(*) FROM creations", &[], column)?;
    let surplus = kept.saturating_sub(i64::try_from(creations_max).unwrap_or(i64::MAX));
    if surplus <= 0 {
        return Ok(superseded);
    }
    let oldest = session.execute(
        "DELETE FROM creations WHERE (slot_id, identity) IN (
                 SELECT slot_id, identity FROM creations ORDER BY at LIMIT ?1
                 /*pg FOR UPDATE SKIP LOCKED */
             )",
        &values![surplus.min(rows_max)],
    )?;
    Ok(superseded + oldest)
}
