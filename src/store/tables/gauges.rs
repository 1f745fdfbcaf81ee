//! What gauges show of the store as a whole. It writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{Detector, Severity, Source, Timestamp};

use super::rows::{known_source, time};
use super::totals::OTHER;
use super::watermarks::{complete_until, lowest};
use crate::store::Gauges;
use crate::store::session::{Result, Session, Value, column, values};
use crate::store::settling::Held;

/// The length of the window that settled removals are counted in.
const WINDOW_MILLIS: i64 = 5 * 60 * 1_000;

/// Reads them all.
pub(in crate::store) fn gauges(session: &Session<'_>) -> Result<Gauges> {
    let settled_window = match complete_until(session, &Held::NONE)? {
        None => None,
        Some(watermark) => {
            let end = watermark.div_euclid(WINDOW_MILLIS) * WINDOW_MILLIS;
            Some((Timestamp::from_millis(end), removals_in(session, end - WINDOW_MILLIS, end)?))
        }
    };
    Ok(Gauges {
        unresolved_bulk_deletes: by_label(
            session,
            "SELECT bucket, count(*) FROM requests WHERE resolution = 'unresolved' GROUP BY bucket",
            &[],
        )?,
        unconfirmed_removals: by_label(
            session,
            "SELECT bucket, count(*) FROM removals WHERE is_unconfirmed = 1 GROUP BY bucket",
            &[],
        )?,
        unfulfilled_intents: by_label(
            session,
            "SELECT bucket, count(*) FROM intent_keys WHERE state = 'unfulfilled' GROUP BY bucket",
            &[],
        )?,
        settled_window,
        watermarks: lowest(session)?,
        open_findings: open_findings(session)?,
        last_deliveries: last_deliveries(session)?,
    })
}

/// Those of a newer version's detectors are left to that version.
fn open_findings(session: &Session<'_>) -> Result<BTreeSet<(Detector, String, Severity)>> {
    let open = session.rows(
        "SELECT detector, bucket, severity FROM findings WHERE state = 'open' AND mode = 'live'",
        &[],
        |row| {
            let detector = row.text(|name| Some(Detector::named(name)))?;
            let bucket = row.read::<String>()?;
            Ok((detector, bucket, row.text(|name| Some(Severity::named(name)))?))
        },
    )?;
    let mut labelled = BTreeSet::new();
    for (detector, bucket, severity) in open {
        let label = if bucket.is_empty() { bucket } else { label_of(session, bucket)? };
        labelled.extend(detector.zip(severity).map(|(it, severity)| (it, label, severity)));
    }
    Ok(labelled)
}

fn label_of(session: &Session<'_>, bucket: String) -> Result<String> {
    let named: Option<bool> = session.optional(
        "SELECT is_named FROM labelled_buckets WHERE bucket = ?1",
        &values![bucket],
        column,
    )?;
    Ok(if named == Some(true) { bucket } else { OTHER.to_owned() })
}

/// Removals by event time, for each bucket that is counted. What was learnt from files of the past
/// is none of them.
fn removals_in(session: &Session<'_>, from: i64, to: i64) -> Result<BTreeMap<String, u64>> {
    let counts = "SELECT l.bucket, (
            SELECT count(*) FROM removals AS r
            WHERE r.bucket = l.bucket AND r.at >= ?1 AND r.at < ?2 AND r.is_backfilled = 0
        ) FROM labelled_buckets AS l";
    by_label(session, counts, &values![from, to])
}

/// Sums counts of buckets under their labels.
fn by_label(
    session: &Session<'_>,
    counts: &'static str,
    values: &[Value<'_>],
) -> Result<BTreeMap<String, u64>> {
    let mut sums = BTreeMap::new();
    for (bucket, count) in session.rows(counts, values, |row| Ok((row.read()?, row.read()?)))? {
        let (bucket, count): (String, i64) = (bucket, count);
        *sums.entry(label_of(session, bucket)?).or_default() += u64::try_from(count).unwrap_or(0);
    }
    Ok(sums)
}

fn last_deliveries(session: &Session<'_>) -> Result<BTreeMap<Source, Timestamp>> {
    let last = session.rows(
        "SELECT source, max(last_delivery_at) FROM sources
         WHERE last_delivery_at IS NOT NULL GROUP BY source",
        &[],
        |row| Ok((known_source(row)?, time(row)?)),
    )?;
    Ok(last.into_iter().filter_map(|(source, at)| source.zip(Some(at))).collect())
}
