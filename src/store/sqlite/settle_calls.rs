//! Settling bulk calls: whether any source told of a key of theirs.

use rusqlite::{Result, params};

use super::journal::Journal;
use super::request_rows::request_of;
use super::requests::is_resolved;
use super::settle::{Horizon, ROWS_MAX};

/// Settles accepted bulk calls; gives how many.
pub(super) fn settle_calls(journal: &Journal<'_>, horizon: &Horizon<'_>) -> Result<usize> {
    let condition = if horizon.takes_backfill { "(at <= ?2 OR is_backfilled)" } else { "at <= ?2" };
    let mut select = journal.connection.prepare_cached(&format!(
        "SELECT * FROM requests LEFT JOIN actors ON actors.id = actor_id
         WHERE api = 'DeleteObjects' AND outcome = 'ok'
             AND resolution IS NULL AND bucket = ?1 AND {condition} ORDER BY at LIMIT ?3"
    ))?;
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let due = select
        .query_map(params![horizon.bucket, horizon.until, limit], request_of)?
        .collect::<Result<Vec<_>>>()?;
    for request in &due {
        let is_resolved = is_resolved(journal.connection, request)?;
        let resolution = if is_resolved { "resolved" } else { "unresolved" };
        journal
            .connection
            .prepare_cached(
                "UPDATE requests SET resolution = ?3 WHERE bucket = ?1 AND identity = ?2",
            )?
            .execute(params![request.bucket.as_str(), request.identity, resolution])?;
    }
    Ok(due.len())
}
