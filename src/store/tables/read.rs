//! What can be asked of the tables. It writes nothing.

use deltrail_core::domain::{Family, Removal, Series, Source};

use super::rows::{known_source, optional_time, removal_columns, removal_of};
use super::slots::slot_of;
use crate::store::session::{Result, Session, column, values};
use crate::store::{LedgerKey, ProofOfLife, RowCounts, Total, words};

/// The source of a log object that was read to its end; none for one that was not.
pub(in crate::store) fn committed_as(
    session: &Session<'_>,
    key: &LedgerKey,
) -> Result<Option<Source>> {
    let found: Option<String> = session.optional(
        "SELECT source FROM log_objects
             WHERE bucket = ?1 AND key = ?2 AND revision = ?3 AND state = 'done'",
        &values![key.bucket, key.key, key.revision],
        column,
    )?;
    // A source of a newer version is none that is counted here.
    Ok(found.map(|source| words::source(&source).unwrap_or(Source::CloudTrail)))
}

/// The totals of all writers. Families of a newer version, whose rows may lie beside ours, are
/// left to that version.
pub(in crate::store) fn totals(session: &Session<'_>) -> Result<Vec<Total>> {
    let totals = session.rows(
        "SELECT family, labels, part, CAST(sum(value) AS BIGINT) FROM totals
         GROUP BY family, labels, part ORDER BY family, labels, part",
        &[],
        |row| {
            let family = row.text(|name| Some(Family::named(name)))?;
            let labels: Option<Vec<String>> = row.text(|text| serde_json::from_str(text).ok())?;
            let (part, value) = (row.text(|text| Some(words::part(text)))?, row.read()?);
            Ok(family.zip(labels).zip(part).map(|((family, labels), part)| {
                let series = Series { family, labels };
                Total { series, part, value }
            }))
        },
    )?;
    let is_whole = |it: &Total| it.series.labels.len() == it.series.family.label_names().len();
    Ok(totals.into_iter().flatten().filter(is_whole).collect())
}

pub(in crate::store) fn row_counts(session: &Session<'_>) -> Result<RowCounts> {
    let count = |sql| -> Result<u64> {
        let count: i64 = session.one(sql, &[], column)?;
        Ok(u64::try_from(count).unwrap_or_default())
    };
    Ok(RowCounts {
        slots: count("SELECT count(*) FROM slots")?,
        evidence: count("SELECT count(*) FROM evidence")?,
        requests: count("SELECT count(*) FROM requests")?,
        removals: count("SELECT count(*) FROM removals")?,
        log_objects: count("SELECT count(*) FROM log_objects")?,
        rejects: count("SELECT count(*) FROM rejects")?,
    })
}

/// The removals of one key, sorted by identity.
pub(in crate::store) fn removals(
    session: &Session<'_>,
    bucket: &str,
    key: &str,
) -> Result<Vec<Removal>> {
    let slot_id = slot_of(session, bucket, key)?;
    session.rows(
        concat!(
            "SELECT ",
            removal_columns!(),
            " FROM removals LEFT JOIN actors ON actors.id = actor_id
             WHERE slot_id = ?1 ORDER BY identity"
        ),
        &values![slot_id],
        removal_of,
    )
}

/// What was heard of the sources. A source of a newer version is left to that version.
pub(in crate::store) fn sources(session: &Session<'_>) -> Result<Vec<ProofOfLife>> {
    let sources = session.rows(
        "SELECT source, account, region, newest_event_at, last_delivery_at, proof_of_life_at
         FROM sources ORDER BY source, account, region",
        &[],
        |row| {
            let source = known_source(row)?;
            let (account, region) = (row.read()?, row.read()?);
            let newest_event_at = optional_time(row)?;
            let last_delivery_at = optional_time(row)?;
            let proof_of_life_at = optional_time(row)?;
            Ok(source.map(|source| ProofOfLife {
                source,
                account,
                region,
                newest_event_at,
                last_delivery_at,
                proof_of_life_at,
            }))
        },
    )?;
    Ok(sources.into_iter().flatten().collect())
}
