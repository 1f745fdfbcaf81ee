//! How far what is known may be believed, as the tables tell it.

use deltrail_core::domain::Timestamp;

use super::super::rows::optional_time;
use super::super::told::Told;
use super::super::watermarks::{SILENT_MILLIS_MAX, complete_until, source_key, watermark_of};
use crate::store::session::{Result, Row, Session, values};
use crate::store::settling::Held;
use crate::store::{Completeness, SourceKey, SourceState};

/// Of one bucket, or of all of them together.
pub(super) fn completeness(session: &Session<'_>, bucket: Option<&str>) -> Result<Completeness> {
    let Some(bucket) = bucket else {
        return Ok(Completeness {
            bucket: None,
            until: complete_until(session, &Held::NONE)?.map(Timestamp::from_millis),
            has_creations: false,
            sources: all_sources(session)?,
        });
    };
    Ok(Completeness {
        bucket: Some(bucket.to_owned()),
        until: watermark_of(session, bucket, &Held::NONE)?.map(Timestamp::from_millis),
        has_creations: Told::of(session, bucket)?.has_creations,
        sources: sources_of(session, bucket)?,
    })
}

fn sources_of(session: &Session<'_>, bucket: &str) -> Result<Vec<SourceState>> {
    let states = session.rows(
        "SELECT b.source, b.account, b.region, b.oldest_event_at, b.newest_event_at,
             s.watermark_at, s.last_delivery_at
         FROM bucket_sources AS b LEFT JOIN sources AS s USING (source, account, region)
         WHERE b.bucket = ?1 ORDER BY b.source, b.account, b.region",
        &values![bucket],
        |row| {
            let (key, oldest, newest) =
                (source_key(row)?, optional_time(row)?, optional_time(row)?);
            state_of(row, key, (oldest, newest))
        },
    )?;
    Ok(with_silence(states.into_iter().flatten().collect()))
}

fn all_sources(session: &Session<'_>) -> Result<Vec<SourceState>> {
    let states = session.rows(
        "SELECT source, account, region, newest_event_at, proof_of_life_at, watermark_at,
             last_delivery_at
         FROM sources ORDER BY source, account, region",
        &[],
        |row| {
            let key = source_key(row)?;
            let newest = optional_time(row)?.max(optional_time(row)?);
            state_of(row, key, (None, newest))
        },
    )?;
    Ok(with_silence(states.into_iter().flatten().collect()))
}

/// None for a source that never is complete. What is left to read of the row is the watermark and
/// the last delivery.
fn state_of(
    row: &mut Row<'_>,
    key: Option<SourceKey>,
    (oldest_event_at, newest_event_at): (Option<Timestamp>, Option<Timestamp>),
) -> Result<Option<SourceState>> {
    let (watermark_at, last_delivery_at) = (optional_time(row)?, optional_time(row)?);
    let is_silent = false;
    Ok(key.map(|key| SourceState {
        key,
        oldest_event_at,
        newest_event_at,
        watermark_at,
        last_delivery_at,
        is_silent,
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
