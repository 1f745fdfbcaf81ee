//! Up to when each source is believed to be complete, and up to when that makes a bucket so. A
//! source that delivers nothing stays where it is: a dead pipe never looks complete.

use std::collections::BTreeMap;

use deltrail_core::domain::{Source, Timestamp, lateness_millis};
use rusqlite::{Connection, Result, params};

use super::rows::optional_time;
use crate::store::{Holds, SourceKey, words};

/// A source that has told nothing of a bucket for so long, while others did, is not waited for: it
/// was switched off, or never told of it regularly.
const SILENT_MILLIS_MAX: i64 = 24 * 60 * 60 * 1_000;

/// Moves the watermarks of all sources that nobody holds to the newest event time that was
/// delivered, or until which the source is known to have been alive, less its lateness.
pub(super) fn advance(connection: &Connection, holds: &Holds) -> Result<()> {
    for (key, newest) in heard(connection)? {
        let lateness = lateness_millis(key.source);
        let (Some(lateness), Some(newest), false) = (lateness, newest, holds.holds(&key)) else {
            continue;
        };
        let watermark = newest.as_millis() - lateness;
        connection
            .prepare_cached(
                "UPDATE sources SET watermark_at = ?4
                 WHERE source = ?1 AND account = ?2 AND region = ?3
                     AND coalesce(watermark_at < ?4, 1)",
            )?
            .execute(params![key.source.as_str(), key.account, key.region, watermark])?;
    }
    Ok(())
}

/// Every source with the newest time that it is known to have delivered until.
fn heard(connection: &Connection) -> Result<Vec<(SourceKey, Option<Timestamp>)>> {
    let mut select = connection.prepare_cached("SELECT * FROM sources")?;
    let mut rows = select.query([])?;
    let mut heard = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get("source")?;
        // A source of a newer version is left to that version.
        let Some(source) = words::source(&name) else { continue };
        let newest =
            optional_time(row, "newest_event_at")?.max(optional_time(row, "proof_of_life_at")?);
        let key = SourceKey { source, account: row.get("account")?, region: row.get("region")? };
        heard.push((key, newest));
    }
    Ok(heard)
}

/// Up to when everything is known of a bucket, in milliseconds: the lowest watermark of the
/// sources that tell of it, and of all sources when none does. None while any of them has none.
pub(super) fn watermark_of(connection: &Connection, bucket: &str) -> Result<Option<i64>> {
    let mut select = connection.prepare_cached(
        "SELECT s.watermark_at FROM bucket_sources AS b
         LEFT JOIN sources AS s USING (source, account, region)
         WHERE b.bucket = ?1 AND b.newest_event_at >= ?2 + (
             SELECT max(newest_event_at) FROM bucket_sources WHERE bucket = ?1
         )",
    )?;
    let watermarks = select
        .query_map(params![bucket, -SILENT_MILLIS_MAX], |row| row.get(0))?
        .collect::<Result<Vec<Option<i64>>>>()?;
    if watermarks.is_empty() {
        return Ok(lowest(connection)?.into_values().min().map(Timestamp::as_millis));
    }
    // None is the smallest.
    Ok(watermarks.into_iter().min().flatten())
}

/// The lowest watermark of each source that was heard of in the last 24 h of event time.
pub(super) fn lowest(connection: &Connection) -> Result<BTreeMap<Source, Timestamp>> {
    let mut select = connection.prepare_cached(
        "SELECT source, min(watermark_at) FROM sources
         WHERE watermark_at IS NOT NULL AND max(coalesce(newest_event_at, proof_of_life_at),
                 coalesce(proof_of_life_at, newest_event_at)) >= ?1 + (
             SELECT max(max(coalesce(newest_event_at, proof_of_life_at),
                 coalesce(proof_of_life_at, newest_event_at))) FROM sources
             WHERE watermark_at IS NOT NULL
         ) GROUP BY source",
    )?;
    let mut rows = select.query([-SILENT_MILLIS_MAX])?;
    let mut lowest = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if let Some(source) = words::source(&name) {
            lowest.insert(source, Timestamp::from_millis(row.get(1)?));
        }
    }
    Ok(lowest)
}
