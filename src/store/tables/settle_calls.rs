//! Settling bulk calls: whether any source told of a key of theirs.

use super::journal::Journal;
use super::request_rows::{request_columns, request_of};
use super::requests::is_resolved;
use super::settle::{Horizon, ROWS_MAX};
use crate::store::session::{Result, values};
use crate::store::slices::Name;

/// The calls of bucket `?1` that are due at `?2`.
const DUE: &str = concat!(
    "SELECT ",
    request_columns!(),
    " FROM requests LEFT JOIN actors ON actors.id = actor_id
     WHERE api = 'DeleteObjects' AND outcome = 'ok' AND resolution IS NULL AND bucket = ?1
         AND at <= ?2
     ORDER BY at LIMIT ?3"
);

/// The same, and those that were learnt from files of the past.
const DUE_OR_BACKFILLED: &str = concat!(
    "SELECT ",
    request_columns!(),
    " FROM requests LEFT JOIN actors ON actors.id = actor_id
     WHERE api = 'DeleteObjects' AND outcome = 'ok' AND resolution IS NULL AND bucket = ?1
         AND (at <= ?2 OR is_backfilled = 1)
     ORDER BY at LIMIT ?3"
);

/// Settles accepted bulk calls; gives how many.
pub(super) fn settle_calls(journal: &mut Journal<'_>, horizon: &Horizon<'_>) -> Result<usize> {
    let due = if horizon.takes_backfill { DUE_OR_BACKFILLED } else { DUE };
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let values = values![horizon.bucket, horizon.until, limit];
    let due = journal.session.rows(due, &values, request_of)?;
    for request in &due {
        let is_resolved = is_resolved(journal.session, request)?;
        if !is_resolved {
            journal.mark(horizon.bucket, request.at);
        }
        let resolution = if is_resolved { "resolved" } else { "unresolved" };
        for slice in journal.session.slices_with(Name::of_request(&request.identity))? {
            journal.session.execute(
                "UPDATE requests SET resolution = ?4
                     WHERE slice = ?1 AND identity = ?2 AND bucket = ?3",
                &values![slice, request.identity, request.bucket.as_str(), resolution],
            )?;
        }
    }
    Ok(due.len())
}
