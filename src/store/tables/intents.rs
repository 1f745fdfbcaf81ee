//! Declared deletes and their keys. Whether one was fulfilled is decided when it is settled.

use deltrail_core::domain::{Intent, Provenance, Timestamp};

use super::journal::Journal;
use crate::store::session::{Result, Session, values};

/// Adds an intent. Its keys are added one by one with [`write_key`]. What the same id said before
/// stays.
pub(super) fn write_intent(journal: &mut Journal<'_>, intent: &Intent) -> Result<()> {
    let inserted = journal.session.execute(
        "INSERT INTO intents (id, bucket, requested_at, said_by, reference)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        &values![
            intent.id,
            intent.bucket,
            intent.requested_at.as_millis(),
            intent.by,
            intent.reference,
        ],
    )?;
    journal.note(inserted == 1);
    // Its gauge has a label of its own, if there is one left.
    journal.labels.of(&intent.bucket)?;
    Ok(())
}

/// Adds one key of an intent.
pub(super) fn write_key(
    session: &Session<'_>,
    slot_id: i64,
    intent: &Intent,
    provenance: Provenance,
) -> Result<()> {
    session.execute(
        "UPDATE slots SET has_intent = 1 WHERE id = ?1 AND has_intent = 0",
        &values![slot_id],
    )?;
    session.execute(
        "INSERT INTO intent_keys (slot_id, intent_id, bucket, requested_at, due_at, state,
                 is_backfilled)
             VALUES (?1, ?2, ?3, ?4, ?4, 'pending', ?5) ON CONFLICT DO NOTHING",
        &values![
            slot_id,
            intent.id,
            intent.bucket,
            intent.requested_at.as_millis(),
            provenance == Provenance::Backfill,
        ],
    )?;
    Ok(())
}

/// Looks again at the intents of a slot that were fulfilled by a removal that is another one now.
pub(super) fn reopen_fulfilled_by(
    session: &Session<'_>,
    slot_id: i64,
    (removal, at): (&str, Timestamp),
) -> Result<()> {
    session.execute(
        "UPDATE intent_keys INDEXED BY intent_keys_settled
             SET state = 'pending', due_at = requested_at
             WHERE slot_id = ?1 AND removed_at = ?2 AND removal = ?3 AND state <> 'pending'",
        &values![slot_id, at.as_millis(), removal],
    )?;
    Ok(())
}

/// Looks again at the intents of a slot that removals between these times may fulfil, or fulfil
/// earlier than was thought.
pub(super) fn reopen_intents(
    session: &Session<'_>,
    slot_id: i64,
    first: Timestamp,
    last: Timestamp,
) -> Result<()> {
    // A clock of whole seconds may mean up to its end.
    let latest = last.as_millis().saturating_add(999);
    session.execute(
        "UPDATE intent_keys INDEXED BY intent_keys_settled
             SET state = 'pending', due_at = requested_at
             WHERE slot_id = ?1 AND removed_at IS NULL AND requested_at <= ?2
                 AND state <> 'pending'",
        &values![slot_id, latest],
    )?;
    session.execute(
        "UPDATE intent_keys INDEXED BY intent_keys_settled
             SET state = 'pending', due_at = requested_at
             WHERE slot_id = ?1 AND removed_at > ?3 AND requested_at <= ?2
                 AND state <> 'pending'",
        &values![slot_id, latest, first.as_millis()],
    )?;
    Ok(())
}
