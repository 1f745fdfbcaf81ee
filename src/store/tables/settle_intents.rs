//! Settling declared deletes: which removal fulfilled each key, and how long that took.

use deltrail_core::domain::{
    Basis, Day, Family, Part, Removal, SETTLE_MILLIS, Timestamp, fulfilment, observe_latency,
    slow_intent_millis,
};

use super::journal::Journal;
use super::rows::{removal_columns, removal_of, time};
use super::settle::{Horizon, ROWS_MAX};
use crate::store::session::{Result, Row, Session, values};

/// Removals after an intent that are looked at: the first of them counts, and clocks of whole
/// seconds leave a few in question.
const CANDIDATES_MAX: i64 = 100;

/// One key of an intent.
struct Key {
    slot_id: i64,
    intent_id: String,
    requested_at: Timestamp,
    said_before: SaidBefore,
    has_latency: bool,
    is_backfilled: bool,
}

/// What was said of a key when it was last settled.
#[derive(PartialEq)]
enum SaidBefore {
    Nothing,
    Fulfilled,
    Unfulfilled,
}

/// The columns of [`key_of`].
macro_rules! key_columns {
    () => {
        "slot_id, intent_id, requested_at, removal, was_unfulfilled, counted_latency, is_backfilled"
    };
}

fn key_of(row: &mut Row<'_>) -> Result<Key> {
    Ok(Key {
        slot_id: row.read()?,
        intent_id: row.read()?,
        requested_at: time(row)?,
        said_before: {
            let was_fulfilled = row.read::<Option<String>>()?.is_some();
            match row.read()? {
                true => SaidBefore::Unfulfilled,
                false if was_fulfilled => SaidBefore::Fulfilled,
                false => SaidBefore::Nothing,
            }
        },
        has_latency: row.read()?,
        is_backfilled: row.read()?,
    })
}

/// The keys of bucket `?1` that are due at `?2`.
const DUE: &str = concat!(
    "SELECT ",
    key_columns!(),
    " FROM intent_keys WHERE state = 'pending' AND bucket = ?1 AND due_at <= ?2
     ORDER BY due_at LIMIT ?3"
);

/// The same, and those that were learnt from files of the past.
const DUE_OR_BACKFILLED: &str = concat!(
    "SELECT ",
    key_columns!(),
    " FROM intent_keys
     WHERE state = 'pending' AND bucket = ?1 AND (due_at <= ?2 OR is_backfilled = 1)
     ORDER BY due_at LIMIT ?3"
);

/// Settles keys of intents; gives how many were looked at.
pub(super) fn settle_intents(journal: &mut Journal<'_>, horizon: &Horizon<'_>) -> Result<usize> {
    let due = if horizon.takes_backfill { DUE_OR_BACKFILLED } else { DUE };
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let due = journal.session.rows(due, &values![horizon.bucket, horizon.until, limit], key_of)?;
    for key in &due {
        settle_key(journal, horizon, key)?;
    }
    Ok(due.len())
}

fn settle_key(journal: &mut Journal<'_>, horizon: &Horizon<'_>, key: &Key) -> Result<()> {
    let candidates = candidates(journal.session, key.slot_id, key.requested_at)?;
    let fulfilled_by = fulfilment(key.requested_at, &candidates);
    let is_slow =
        |by: &Removal| slow_intent_millis(key.requested_at, by.at).is_some() && !by.is_coarse;
    // What is slow is so within an hour, so that it lies on this day or the next, which are looked
    // at together.
    if key.said_before != SaidBefore::Nothing || fulfilled_by.is_none_or(is_slow) {
        let day = Day::of(key.requested_at);
        journal.rollups.mark(horizon.bucket, day, !key.is_backfilled);
    }
    match fulfilled_by {
        None => {
            if key.said_before == SaidBefore::Fulfilled {
                correct(journal, key);
            }
            write(journal.session, key, "unfulfilled", None, false)
        }
        // An earlier one may still be on its way.
        Some(removal)
            if removal.at.as_millis() > horizon.until
                && !(horizon.takes_backfill && key.is_backfilled) =>
        {
            wait_for(journal.session, key, removal)
        }
        Some(removal) => {
            let has_latency = observe(journal, horizon.bucket, key, removal)?;
            let is_late = removal.at.millis_since(key.requested_at) <= SETTLE_MILLIS;
            if key.said_before == SaidBefore::Unfulfilled && is_late {
                correct(journal, key);
            }
            write(journal.session, key, "fulfilled", Some(removal), has_latency)
        }
    }
}

fn correct(journal: &mut Journal<'_>, key: &Key) {
    if !key.is_backfilled {
        journal.delta.add(Family::Corrections, &["unfulfilled"], Part::Value, 1);
    }
}

/// The removals of a slot that may fulfil an intent of this time.
pub(super) fn candidates(
    session: &Session<'_>,
    slot_id: i64,
    requested_at: Timestamp,
) -> Result<Vec<Removal>> {
    // A clock of whole seconds may show its second's beginning.
    let from = requested_at.as_millis().saturating_sub(999);
    session.rows(
        concat!(
            "SELECT ",
            removal_columns!(),
            " FROM removals LEFT JOIN actors ON actors.id = actor_id
         WHERE slot_id = ?1 AND at >= ?2 ORDER BY at LIMIT ?3"
        ),
        &values![slot_id, from, CANDIDATES_MAX],
        removal_of,
    )
}

/// Observes how long it took, unless the removal is known from a clock of whole seconds only.
/// Whether it has been observed or discarded, now or before.
fn observe(journal: &mut Journal<'_>, bucket: &str, key: &Key, removal: &Removal) -> Result<bool> {
    if key.has_latency || key.is_backfilled || removal.is_coarse {
        return Ok(key.has_latency);
    }
    let label = journal.labels.of_latency(bucket)?;
    let millis = removal.at.millis_since(key.requested_at);
    let observed = observe_latency(Basis::Intent, millis, &label, &mut journal.delta);
    journal.note_latency(observed);
    Ok(true)
}

fn wait_for(session: &Session<'_>, key: &Key, removal: &Removal) -> Result<()> {
    session.execute(
        "UPDATE intent_keys SET due_at = ?3 WHERE slot_id = ?1 AND intent_id = ?2",
        &values![key.slot_id, key.intent_id, removal.at.as_millis()],
    )?;
    Ok(())
}

fn write(
    session: &Session<'_>,
    key: &Key,
    state: &str,
    removal: Option<&Removal>,
    has_latency: bool,
) -> Result<()> {
    session.execute(
        "UPDATE intent_keys SET state = ?3, was_unfulfilled = ?4, removal = ?5,
                 removed_at = ?6, counted_latency = ?7
             WHERE slot_id = ?1 AND intent_id = ?2",
        &values![
            key.slot_id,
            key.intent_id,
            state,
            state == "unfulfilled",
            removal.map(|removal| removal.identity.as_str()),
            removal.map(|removal| removal.at.as_millis()),
            has_latency || key.has_latency,
        ],
    )?;
    Ok(())
}
