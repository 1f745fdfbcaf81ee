//! Up to when each source is believed to be complete, and up to when that makes a bucket so. A
//! source that delivers nothing stays where it is: a dead pipe never looks complete.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{Source, Timestamp, lateness_millis};

use super::rows::{known_source, optional_time, time};
use crate::store::session::{Result, Row, Session, values};
use crate::store::settling::Held;
use crate::store::{Holds, SourceKey};

/// A source that has told nothing of a bucket for so long, while others did, is not waited for: it
/// was switched off, or never told of it regularly. Unless it is held: then more of it is there.
pub(super) const SILENT_MILLIS_MAX: i64 = 24 * 60 * 60 * 1_000;

/// Moves the watermarks of all sources that nobody holds to the newest event time that was
/// delivered, or until which the source is known to have been alive, less its lateness. Gives who
/// is held, by this writer of the store or another one.
pub(in crate::store) fn advance(
    session: &Session<'_>,
    writer: &str,
    holds: &Holds,
) -> Result<Held> {
    // Before anybody is asked: what is delivered from now on moves nothing this time.
    let heard = heard(session)?;
    let held = session.with_holds_of_others(writer, known(holds, &heard))?;
    for Heard { key, newest, .. } in &heard {
        let (Some(lateness), false) = (lateness_millis(key.source), held.holds(key)) else {
            continue;
        };
        let watermark = newest.as_millis() - lateness;
        session.execute(
            "UPDATE sources SET watermark_at = ?4
                 WHERE source = ?1 AND account = ?2 AND region = ?3
                     AND (watermark_at IS NULL OR watermark_at < ?4)",
            &values![key.source.as_str(), key.account, key.region, watermark],
        )?;
    }
    Ok(match held {
        Held::All => Held::All,
        Held::These(mut keys) => {
            for it in heard {
                keys.entry(it.key).and_modify(|at| *at = it.watermark);
            }
            Held::These(keys)
        }
    })
}

/// Those of the sources that the store was told anything by.
fn known(holds: &Holds, heard: &[Heard]) -> Held {
    let one_of_each = match holds {
        Holds::None => return Held::NONE,
        Holds::All => return Held::All,
        Holds::These(one_of_each) => one_of_each,
    };
    let heard: BTreeSet<&SourceKey> = heard.iter().map(|it| &it.key).collect();
    let mut keys = BTreeMap::new();
    for one_of in one_of_each {
        let mut known = one_of.iter().filter(|key| heard.contains(key)).peekable();
        if known.peek().is_none() {
            return Held::All;
        }
        keys.extend(known.map(|key| (key.clone(), None)));
    }
    Held::These(keys)
}

/// A source and how far it has come.
struct Heard {
    key: SourceKey,
    newest: Timestamp,
    watermark: Option<i64>,
}

/// Every source that has a watermark or will have one.
fn heard(session: &Session<'_>) -> Result<Vec<Heard>> {
    let heard = session.rows(
        "SELECT source, account, region, newest_event_at, proof_of_life_at, watermark_at
         FROM sources ORDER BY source, account, region",
        &[],
        |row| {
            let key = source_key(row)?;
            let newest = optional_time(row)?.max(optional_time(row)?);
            let watermark = row.read()?;
            Ok(key.zip(newest).map(|(key, newest)| Heard { key, newest, watermark }))
        },
    )?;
    Ok(heard.into_iter().flatten().collect())
}

/// Which source a row is about; none for one that never is complete, and for one of a newer
/// version, which is left to that version.
pub(super) fn source_key(row: &mut Row<'_>) -> Result<Option<SourceKey>> {
    let source = known_source(row)?.filter(|source| lateness_millis(*source).is_some());
    let (account, region) = (row.read()?, row.read()?);
    Ok(source.map(|source| SourceKey { source, account, region }))
}

/// Up to when everything is known of a bucket, in milliseconds: the lowest watermark of the
/// sources that tell of it, and of all sources when none does. None while any of them has none.
pub(super) fn watermark_of(
    session: &Session<'_>,
    bucket: &str,
    held: &Held,
) -> Result<Option<i64>> {
    let telling = session.rows(
        "SELECT b.source, b.account, b.region, b.newest_event_at, s.watermark_at
         FROM bucket_sources AS b LEFT JOIN sources AS s USING (source, account, region)
         WHERE b.bucket = ?1",
        &values![bucket],
        |row| {
            let key = source_key(row)?;
            let (newest, watermark) = (time(row)?, row.read()?);
            Ok(key.map(|key| Heard { key, newest, watermark }))
        },
    )?;
    let telling: Vec<Heard> = telling.into_iter().flatten().collect();
    if telling.is_empty() {
        return complete_until(session, held);
    }
    let may_tell = watermarks_that_may_tell(held, &telling);
    let watermarks = awaited(telling, held).map(|it| it.watermark).chain(may_tell);
    // None is the smallest.
    Ok(watermarks.min().flatten())
}

/// Those of held sources that never told of a bucket and may do so now: they are of its region, or
/// nobody knows of which.
fn watermarks_that_may_tell(held: &Held, telling: &[Heard]) -> Vec<Option<i64>> {
    let Held::These(keys) = held else { return Vec::new() };
    let is_of_region = |key: &SourceKey| {
        let is_same = |other: &str| other.is_empty() || other == key.region;
        key.region.is_empty() || telling.iter().any(|it| is_same(&it.key.region))
    };
    let is_new = |key: &SourceKey| telling.iter().all(|it| it.key != *key);
    let may_tell = keys.iter().filter(|(key, _)| is_new(key) && is_of_region(key));
    may_tell.map(|(_, watermark)| *watermark).collect()
}

/// Up to when all sources are complete, in milliseconds; none while any of them has no watermark.
pub(super) fn complete_until(session: &Session<'_>, held: &Held) -> Result<Option<i64>> {
    let watermarks = awaited(heard(session)?, held).map(|it| it.watermark);
    Ok(watermarks.min().flatten())
}

/// Those that have not been silent for long while others told something.
fn awaited(heard: Vec<Heard>, held: &Held) -> impl Iterator<Item = Heard> {
    let newest = heard.iter().map(|it| it.newest).max();
    heard.into_iter().filter(move |it| {
        let is_silent =
            newest.is_some_and(|newest| newest.millis_since(it.newest) > SILENT_MILLIS_MAX);
        !is_silent || held.holds(&it.key)
    })
}

/// The lowest watermark of each source that tells of a bucket, where it has one.
pub(super) fn lowest_by_source(
    session: &Session<'_>,
    bucket: &str,
) -> Result<BTreeMap<Source, Timestamp>> {
    let telling = session.rows(
        "SELECT b.source, min(s.watermark_at)
         FROM bucket_sources AS b JOIN sources AS s USING (source, account, region)
         WHERE b.bucket = ?1 AND s.watermark_at IS NOT NULL GROUP BY b.source",
        &values![bucket],
        |row| Ok((known_source(row)?, time(row)?)),
    )?;
    Ok(telling.into_iter().filter_map(|(source, at)| Some((source?, at))).collect())
}

/// The lowest watermark of each source that was heard of in the last 24 h of event time.
pub(super) fn lowest(session: &Session<'_>) -> Result<BTreeMap<Source, Timestamp>> {
    let mut lowest = BTreeMap::new();
    for it in awaited(heard(session)?, &Held::NONE) {
        if let Some(watermark) = it.watermark.map(Timestamp::from_millis) {
            let least = lowest.entry(it.key.source).or_insert(watermark);
            *least = watermark.min(*least);
        }
    }
    Ok(lowest)
}
