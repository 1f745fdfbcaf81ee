//! What gauges show of the store as a whole. It writes nothing.

use std::collections::BTreeMap;

use deltrail_core::domain::{Source, Timestamp};
use rusqlite::{Connection, OptionalExtension, Result, ToSql};

use super::totals::OTHER;
use super::watermarks::{complete_until, lowest};
use crate::store::{Gauges, Holds, words};

/// The length of the window that settled removals are counted in.
const WINDOW_MILLIS: i64 = 5 * 60 * 1_000;

/// Reads them all.
pub(super) fn gauges(connection: &Connection) -> Result<Gauges> {
    let settled_window = match complete_until(connection, &Holds::None)? {
        None => None,
        Some(watermark) => {
            let end = watermark.div_euclid(WINDOW_MILLIS) * WINDOW_MILLIS;
            Some((Timestamp::from_millis(end), removals_in(connection, end - WINDOW_MILLIS, end)?))
        }
    };
    Ok(Gauges {
        unresolved_bulk_deletes: by_label(
            connection,
            "SELECT bucket, count(*) FROM requests WHERE resolution = 'unresolved' GROUP BY bucket",
            &[],
        )?,
        unconfirmed_removals: by_label(
            connection,
            "SELECT bucket, count(*) FROM removals WHERE is_unconfirmed = 1 GROUP BY bucket",
            &[],
        )?,
        unfulfilled_intents: by_label(
            connection,
            "SELECT bucket, count(*) FROM intent_keys WHERE state = 'unfulfilled' GROUP BY bucket",
            &[],
        )?,
        settled_window,
        watermarks: lowest(connection)?,
        last_deliveries: last_deliveries(connection)?,
    })
}

/// Removals by event time, for each bucket that is counted. What was learnt from files of the past
/// is none of them.
fn removals_in(connection: &Connection, from: i64, to: i64) -> Result<BTreeMap<String, u64>> {
    let counts = "SELECT l.bucket, (
            SELECT count(*) FROM removals AS r
            WHERE r.bucket = l.bucket AND r.at >= ?1 AND r.at < ?2 AND r.is_backfilled = 0
        ) FROM labelled_buckets AS l";
    by_label(connection, counts, &[&from, &to])
}

/// Sums counts of buckets under their labels.
fn by_label(
    connection: &Connection,
    counts: &str,
    values: &[&dyn ToSql],
) -> Result<BTreeMap<String, u64>> {
    let mut is_named =
        connection.prepare_cached("SELECT is_named FROM labelled_buckets WHERE bucket = ?1")?;
    let mut select = connection.prepare_cached(counts)?;
    let mut rows = select.query(values)?;
    let mut sums = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let bucket: String = row.get(0)?;
        let count: u64 = row.get::<_, i64>(1).map(|count| u64::try_from(count).unwrap_or(0))?;
        let named: Option<bool> = is_named.query_row([&bucket], |row| row.get(0)).optional()?;
        let label = if named == Some(true) { bucket } else { OTHER.to_owned() };
        *sums.entry(label).or_default() += count;
    }
    Ok(sums)
}

fn last_deliveries(connection: &Connection) -> Result<BTreeMap<Source, Timestamp>> {
    let mut select = connection.prepare_cached(
        "SELECT source, max(last_delivery_at) FROM sources
         WHERE last_delivery_at IS NOT NULL GROUP BY source",
    )?;
    let mut rows = select.query([])?;
    let mut last = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if let Some(source) = words::source(&name) {
            last.insert(source, Timestamp::from_millis(row.get(1)?));
        }
    }
    Ok(last)
}
