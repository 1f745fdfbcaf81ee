//! What can be asked of the tables. It writes nothing.

use deltrail_core::domain::{Family, Removal, Series, Source, Timestamp};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::rows::removal_of;
use crate::store::{LedgerKey, ProofOfLife, RowCounts, Total, words};

/// The source of a log object that was read to its end; none for one that was not.
pub(super) fn committed_as(connection: &Connection, key: &LedgerKey) -> Result<Option<Source>> {
    let found: Option<String> = connection
        .prepare_cached(
            "SELECT source FROM log_objects
             WHERE bucket = ?1 AND key = ?2 AND revision = ?3 AND state = 'done'",
        )?
        .query_row(params![key.bucket, key.key, key.revision], |row| row.get(0))
        .optional()?;
    // A source of a newer version is none that is counted here.
    Ok(found.map(|source| words::source(&source).unwrap_or(Source::CloudTrail)))
}

/// The totals of all writers. Families of a newer version, whose rows may lie beside ours, are
/// left to that version.
pub(super) fn totals(connection: &Connection) -> Result<Vec<Total>> {
    let mut statement = connection.prepare_cached(
        "SELECT family, labels, part, sum(value) FROM totals GROUP BY family, labels, part",
    )?;
    let mut rows = statement.query([])?;
    let mut totals = Vec::new();
    while let Some(row) = rows.next()? {
        let family: String = row.get(0)?;
        let labels: String = row.get(1)?;
        let part: String = row.get(2)?;
        let known = (|| {
            let family = Family::named(&family)?;
            let labels: Vec<String> = serde_json::from_str(&labels).ok()?;
            let is_whole = labels.len() == family.label_names().len();
            is_whole.then_some((Series { family, labels }, words::part(&part)?))
        })();
        if let Some((series, part)) = known {
            totals.push(Total { series, part, value: row.get(3)? });
        }
    }
    Ok(totals)
}

pub(super) fn row_counts(connection: &Connection) -> Result<RowCounts> {
    let count = |table: &str| {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get::<_, i64>(0).map(|count| u64::try_from(count).unwrap_or_default())
        })
    };
    Ok(RowCounts {
        slots: count("slots")?,
        evidence: count("evidence")?,
        requests: count("requests")?,
        removals: count("removals")?,
        log_objects: count("log_objects")?,
        rejects: count("rejects")?,
    })
}

/// The removals of one key, sorted by identity.
pub(super) fn removals(connection: &Connection, bucket: &str, key: &str) -> Result<Vec<Removal>> {
    connection
        .prepare_cached(
            "SELECT removals.*, actor FROM removals JOIN slots ON slots.id = removals.slot_id
             LEFT JOIN actors ON actors.id = actor_id
             WHERE slots.bucket = ?1 AND slots.key = ?2 ORDER BY identity",
        )?
        .query_map([bucket, key], removal_of)?
        .collect()
}

pub(super) fn sources(connection: &Connection) -> Result<Vec<ProofOfLife>> {
    let mut statement = connection.prepare_cached(
        "SELECT source, account, region, newest_event_at, last_delivery_at, proof_of_life_at
         FROM sources ORDER BY source, account, region",
    )?;
    let mut rows = statement.query([])?;
    let mut sources = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let time = |index| {
            row.get::<_, Option<i64>>(index).map(|millis| millis.map(Timestamp::from_millis))
        };
        // A source of a newer version is left to that version.
        if let Some(source) = words::source(&name) {
            sources.push(ProofOfLife {
                source,
                account: row.get(1)?,
                region: row.get(2)?,
                newest_event_at: time(3)?,
                last_delivery_at: time(4)?,
                proof_of_life_at: time(5)?,
            });
        }
    }
    Ok(sources)
}
