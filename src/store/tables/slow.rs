//! Removals that took too long, from their request or from when they were declared, as detectors
//! are given them. It knows nobody's budget.

use std::sync::Arc;

use deltrail_core::detect::{Suspect, Suspicion};
use deltrail_core::domain::{Actor, Timestamp, slow_intent_millis, slow_request_millis};

use super::rows::{actor, time};
use crate::store::Observations;
use crate::store::session::{Result, Row, Session, values};

/// Slow removals of each kind that are looked at for one bucket and day.
const SLOW_MAX: i64 = 10_000;

/// Calls that removed one key.
const OF_ONE_KEY: &str = "SELECT coalesce(q.key, ''), q.identity, q.at, q.actor_id, a.actor,
        q.ended_at - q.started_at, q.total_millis
    FROM requests AS q INDEXED BY requests_slow JOIN actors AS a ON a.id = q.actor_id
    WHERE q.bucket = ?1 AND q.at >= ?2 AND q.at < ?3 AND q.outcome = 'ok'
        AND (q.total_millis > 1000 OR q.ended_at - q.started_at > 1000)
        AND q.api = 'DeleteObject'
    ORDER BY q.at, q.identity LIMIT ?4";

/// The keys of bulk calls, as far as the id of the call leads to them.
const OF_MANY_KEYS: &str = "SELECT s.key, q.identity, q.at, q.actor_id, a.actor,
        q.ended_at - q.started_at, q.total_millis
    FROM requests AS q INDEXED BY requests_slow
    CROSS JOIN evidence AS e INDEXED BY evidence_by_request ON e.request_id = q.request_id
    JOIN slots AS s ON s.id = e.slot_id
    JOIN actors AS a ON a.id = q.actor_id
    WHERE q.bucket = ?1 AND q.at >= ?2 AND q.at < ?3 AND q.outcome = 'ok'
        AND (q.total_millis > 1000 OR q.ended_at - q.started_at > 1000)
        AND q.api = 'DeleteObjects' AND e.slot_id IS NOT NULL AND e.is_key_of_request = 0
        AND e.bucket = q.bucket AND e.role <> 'none'
    ORDER BY q.at, q.identity, s.key LIMIT ?4";

/// Declared deletes that happened, but for those that only a clock of whole seconds tells.
const DECLARED: &str =
    "SELECT s.key, coalesce('r:' || r.request_id, r.identity), r.at, r.actor_id, a.actor,
        i.requested_at
    FROM intent_keys AS i INDEXED BY intent_keys_slow
    CROSS JOIN removals AS r ON r.slot_id = i.slot_id AND r.at = i.removed_at
    JOIN slots AS s ON s.id = i.slot_id
    JOIN actors AS a ON a.id = r.actor_id
    WHERE i.bucket = ?1 AND i.removed_at >= ?2 AND i.removed_at < ?3
        AND i.removed_at - i.requested_at > 60000 AND r.identity = i.removal
        AND r.is_coarse = 0
    ORDER BY i.removed_at, s.key LIMIT ?4";

/// A removal that took too long.
struct Slow {
    key: String,
    /// The identity of its request, where that is known.
    request: String,
    at: Timestamp,
    caller: i64,
    actor: Arc<Actor>,
    /// How long it took.
    millis: i64,
}

/// Adds the removals of a bucket between two times that took too long, each once, with the longest
/// that it took.
pub(super) fn slow(
    session: &Session<'_>,
    bucket: &str,
    (from, to): (i64, i64),
    into: &mut Observations,
) -> Result<()> {
    let asked = values![bucket, from, to, SLOW_MAX];
    let of_one_key = session.rows(OF_ONE_KEY, &asked, of_request)?;
    let of_many_keys = session.rows(OF_MANY_KEYS, &asked, of_request)?;
    let declared = session.rows(DECLARED, &asked, of_intent)?;
    let all = of_one_key.into_iter().chain(of_many_keys).chain(declared);
    let mut found: Vec<Slow> = all.flatten().collect();
    found.sort_by(|a, b| (&a.key, &a.request, b.millis).cmp(&(&b.key, &b.request, a.millis)));
    found.dedup_by(|a, b| (&a.key, &a.request) == (&b.key, &b.request));
    for Slow { key, at, caller, actor, millis, .. } in found {
        let suspicion = Suspicion::Slow(millis);
        into.suspects.push(Suspect { key, at, caller: Some(caller), suspicion });
        into.callers.insert(caller, actor);
    }
    Ok(())
}

fn of_request(row: &mut Row<'_>) -> Result<Option<Slow>> {
    let slow = of_removal(row)?;
    let millis = slow_request_millis(row.read()?, row.read()?);
    Ok(millis.map(|millis| Slow { millis, ..slow }))
}

fn of_intent(row: &mut Row<'_>) -> Result<Option<Slow>> {
    let slow = of_removal(row)?;
    let millis = slow_intent_millis(time(row)?, slow.at);
    Ok(millis.map(|millis| Slow { millis, ..slow }))
}

/// What all of them begin with.
fn of_removal(row: &mut Row<'_>) -> Result<Slow> {
    Ok(Slow {
        key: row.read()?,
        request: row.read()?,
        at: time(row)?,
        caller: row.read()?,
        actor: actor(row)?.into(),
        millis: 0,
    })
}
