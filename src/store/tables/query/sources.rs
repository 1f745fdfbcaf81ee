//! Questions about those who tell: how far each source has come, and what could not be understood.
//! It writes nothing.

use super::super::rows::{known_source, time};
use super::completeness::completeness;
use crate::store::session::{Result, Row, Session, values};
use crate::store::{RejectRow, SourceHealth};

/// How many of each list are told.
const LISTED_MAX: i64 = 20;

/// How all sources are.
pub(in crate::store) fn source_health(session: &Session<'_>) -> Result<SourceHealth> {
    let unresolved = session.rows(
        "SELECT bucket, count(*) FROM requests WHERE resolution = 'unresolved'
         GROUP BY bucket ORDER BY count(*) DESC, bucket LIMIT ?1",
        &values![LISTED_MAX],
        |row| Ok((row.read()?, u64::try_from(row.read::<i64>()?).unwrap_or_default())),
    )?;
    let rejects = session.rows(
        "SELECT r.at, r.source, r.reason, r.detail, l.bucket, l.key, r.record_index, r.queue,
             r.message_id
         FROM rejects AS r LEFT JOIN log_objects AS l ON l.id = r.log_object_id
         ORDER BY r.id DESC LIMIT ?1",
        &values![LISTED_MAX],
        reject_of,
    )?;
    Ok(SourceHealth {
        completeness: completeness(session, None)?,
        unresolved,
        rejects: rejects.into_iter().flatten().collect(),
    })
}

/// None for a source of a newer version.
fn reject_of(row: &mut Row<'_>) -> Result<Option<RejectRow>> {
    let (at, source) = (time(row)?, known_source(row)?);
    let (reason, detail) = (row.read()?, row.read()?);
    let log_object: (Option<String>, Option<String>) = (row.read()?, row.read()?);
    let (record_index, queue, message_id) = (row.read()?, row.read()?, row.read()?);
    Ok(source.map(|source| RejectRow {
        at,
        source,
        reason,
        detail,
        log_object: log_object.0.zip(log_object.1),
        record_index,
        queue,
        message_id,
    }))
}
