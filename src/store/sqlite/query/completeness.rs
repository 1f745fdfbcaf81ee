//! How far what is known may be believed, as the tables tell it.

use deltrail_core::domain::{Timestamp, lateness_millis};
use rusqlite::{Connection, Result, Row};

use super::super::rows::optional_time;
use super::super::told::Told;
use super::super::watermarks::{SILENT_MILLIS_MAX, complete_until, watermark_of};
use crate::store::{Completeness, Holds, SourceKey, SourceState, words};

/// Of one bucket, or of all of them together.
pub(super) fn completeness(connection: &Connection, bucket: Option<&str>) -> Result<Completeness> {
    let Some(bucket) = bucket else {
        return Ok(Completeness {
            bucket: None,
            until: complete_until(connection, &Holds::None)?.map(Timestamp::from_millis),
            has_creations: false,
            sources: all_sources(connection)?,
        });
    };
    Ok(Completeness {
        bucket: Some(bucket.to_owned()),
        until: watermark_of(connection, bucket, &Holds::None)?.map(Timestamp::from_millis),
        has_creations: Told::of(connection, bucket)?.has_creations,
        sources: sources_of(connection, bucket)?,
    })
}

fn sources_of(connection: &Connection, bucket: &str) -> Result<Vec<SourceState>> {
    let mut select = connection.prepare_cached(
        "SELECT b.source, b.account, b.region, b.oldest_event_at, b.newest_event_at,
             s.watermark_at, s.last_delivery_at
         FROM bucket_sources AS b LEFT JOIN sources AS s USING (source, account, region)
         WHERE b.bucket = ?1 ORDER BY b.source, b.account, b.region",
    )?;
    let states = select.query_map([bucket], |row| {
        state_of(
            row,
            optional_time(row, "oldest_event_at")?,
            optional_time(row, "newest_event_at")?,
        )
    })?;
    Ok(with_silence(states.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect()))
}

fn all_sources(connection: &Connection) -> Result<Vec<SourceState>> {
    let mut select =
        connection.prepare_cached("SELECT * FROM sources ORDER BY source, account, region")?;
    let states = select.query_map([], |row| {
        let newest =
            optional_time(row, "newest_event_at")?.max(optional_time(row, "proof_of_life_at")?);
        state_of(row, None, newest)
    })?;
    Ok(with_silence(states.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect()))
}

/// None for a source that never is complete, and for one of a newer version, which is left to that
/// version.
fn state_of(
    row: &Row<'_>,
    oldest_event_at: Option<Timestamp>,
    newest_event_at: Option<Timestamp>,
) -> Result<Option<SourceState>> {
    let name: String = row.get("source")?;
    let source = words::source(&name).filter(|source| lateness_millis(*source).is_some());
    let Some(source) = source else { return Ok(None) };
    Ok(Some(SourceState {
        key: SourceKey { source, account: row.get("account")?, region: row.get("region")? },
        oldest_event_at,
        newest_event_at,
        watermark_at: optional_time(row, "watermark_at")?,
        last_delivery_at: optional_time(row, "last_delivery_at")?,
        is_silent: false,
    }))
}

fn with_silence(mut states: Vec<SourceState>) -> Vec<SourceState> {
    let newest = states.iter().filter_map(|state| state.newest_event_at).max();
    for state in &mut states {
        state.is_silent = newest.is_some_and(|newest| {
            state.newest_event_at.is_none_or(|at| newest.millis_since(at) > SILENT_MILLIS_MAX)
        });
    }
    states
}
