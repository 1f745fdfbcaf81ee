//! Domain values as rows and back, exactly. It decides nothing.

use deltrail_core::domain::{
    Actor, Api, Call, Counted, Evidence, Kind, Moment, Provenance, Removal, Said, Settling,
    SourceSet, Timestamp,
};
use rusqlite::types::Type;
use rusqlite::{Connection, Result, Row, params};

use crate::store::words;

/// The columns that [`evidence_of`] reads.
pub(super) const EVIDENCE_COLUMNS: &str = "id, bucket, source, api, outcome, role, target, mark, \
     cause, request_id, event_id, shared_event_id, amends_event_id, account, region, at, \
     started_at, ended_at, total_millis, sequencer, http_status, error_code, marker_version_id, \
     (SELECT actor FROM actors WHERE actors.id = actor_id) AS actor";

/// A text column whose words are a closed set; an unknown word is an error that names the column.
pub(super) fn word<T>(row: &Row<'_>, column: &str, read: fn(&str) -> Option<T>) -> Result<T> {
    let text: String = row.get(column)?;
    read(&text).ok_or_else(|| unreadable(row, column, format!("\"{text}\" in column {column}")))
}

fn optional_word<T>(row: &Row<'_>, column: &str, read: fn(&str) -> Option<T>) -> Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|_| word(row, column, read)).transpose()
}

fn unreadable(row: &Row<'_>, column: &str, detail: String) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, detail.into())
}

pub(super) fn time(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

pub(super) fn optional_time(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column).map(|millis| millis.map(Timestamp::from_millis))
}

pub(super) fn actor(row: &Row<'_>) -> Result<Actor> {
    let text: String = row.get("actor")?;
    serde_json::from_str(&text)
        .map_err(|error| unreadable(row, "actor", format!("column actor: {error}")))
}

pub(super) fn actor_text(actor: &Actor) -> Result<String> {
    serde_json::to_string(actor)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

pub(super) fn millis(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_millis)
}

/// A text that is short most times.
pub(super) fn short_text<T: for<'a> From<&'a str>>(row: &Row<'_>, name: &str) -> Result<T> {
    Ok(row.get_ref(name)?.as_str()?.into())
}

/// [`short_text`], where it may be missing.
pub(super) fn optional_short_text<T: for<'a> From<&'a str>>(
    row: &Row<'_>,
    name: &str,
) -> Result<Option<T>> {
    Ok(row.get_ref(name)?.as_str_or_null()?.map(Into::into))
}

/// Reads a row of `evidence`; the key is its slot's.
pub(super) fn evidence_of(row: &Row<'_>, key: Option<&str>) -> Result<Evidence> {
    let api = optional_word(row, "api", words::api)?;
    let outcome = optional_word(row, "outcome", words::outcome)?;
    Ok(Evidence {
        id: row.get("id")?,
        source: word(row, "source", words::source)?,
        call: api.zip(outcome).map(|(api, outcome)| Call { api, outcome }),
        role: word(row, "role", words::role)?,
        bucket: short_text(row, "bucket")?,
        key: key.map(str::to_owned),
        target: word(row, "target", words::target)?,
        mark: word(row, "mark", words::mark)?,
        cause: word(row, "cause", words::cause)?,
        request_id: optional_short_text(row, "request_id")?,
        event_id: row.get("event_id")?,
        shared_event_id: row.get("shared_event_id")?,
        amends_event_id: row.get("amends_event_id")?,
        account: short_text(row, "account")?,
        region: short_text(row, "region")?,
        at: time(row, "at")?,
        started_at: optional_time(row, "started_at")?,
        ended_at: optional_time(row, "ended_at")?,
        total_millis: row.get("total_millis")?,
        sequencer: row.get("sequencer")?,
        http_status: row.get("http_status")?,
        error_code: row.get("error_code")?,
        marker_version_id: row.get("marker_version_id")?,
        actor: actor(row)?.into(),
    })
}

/// Where a piece of evidence is kept and was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) slot_id: Option<i64>,
    pub(super) log_object_id: Option<i64>,
    pub(super) record_index: Option<u64>,
}

/// Adds a piece of evidence to the set; whether it was new.
pub(super) fn insert_evidence(
    connection: &Connection,
    evidence: &Evidence,
    place: Place,
    actor_id: i64,
) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO evidence (id, slot_id, bucket, source, api, outcome, role, target, mark,
             cause, request_id, event_id, shared_event_id, amends_event_id, account, region, at,
             started_at, ended_at, total_millis, sequencer, http_status, error_code,
             marker_version_id, actor_id, is_key_of_request, log_object_id, record_index)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )?;
    let inserted = statement.execute(params![
        evidence.id,
        place.slot_id,
        evidence.bucket.as_str(),
        evidence.source.as_str(),
        evidence.call.map(|call| call.api.as_str()),
        evidence.call.map(|call| call.outcome.as_str()),
        words::role_text(evidence.role),
        evidence.target.to_string(),
        words::mark_text(evidence.mark),
        evidence.cause.as_str(),
        evidence.request_id.as_deref(),
        evidence.event_id,
        evidence.shared_event_id,
        evidence.amends_event_id,
        evidence.account.as_str(),
        evidence.region.as_str(),
        evidence.at.as_millis(),
        millis(evidence.started_at),
        millis(evidence.ended_at),
        evidence.total_millis,
        evidence.sequencer,
        evidence.http_status,
        evidence.error_code,
        evidence.marker_version_id,
        actor_id,
        place.slot_id.is_some() && evidence.call.is_some_and(|it| it.api == Api::DeleteObject),
        place.log_object_id,
        place.record_index.map(amount),
    ])?;
    Ok(inserted == 1)
}

/// Reads a row of `removals`.
pub(super) fn removal_of(row: &Row<'_>) -> Result<Removal> {
    Ok(Removal {
        identity: row.get("identity")?,
        target: word(row, "target", words::target)?,
        kind: word(row, "kind", words::kind)?,
        cause: word(row, "cause", words::cause)?,
        is_confirmed: row.get("is_confirmed")?,
        at: time(row, "at")?,
        is_coarse: row.get("is_coarse")?,
        sequencer: row.get("sequencer")?,
        notified_at: optional_time(row, "notified_at")?,
        request_id: optional_short_text(row, "request_id")?,
        sources: SourceSet::from_bits(row.get("sources")?),
        actor: actor(row)?.into(),
        marker_version_id: row.get("marker_version_id")?,
    })
}

/// Reads what the totals hold for a row of `removals`.
pub(super) fn counted_of(row: &Row<'_>) -> Result<Counted> {
    let kind: Option<Kind> = optional_word(row, "counted_kind", words::kind)?;
    let cause = optional_word(row, "counted_cause", words::cause)?;
    let is_backfilled: bool = row.get("is_backfilled")?;
    Ok(Counted {
        kind: kind.zip(cause),
        is_confirmed: row.get("counted_confirmed")?,
        has_latency: row.get("counted_latency")?,
        provenance: if is_backfilled { Provenance::Backfill } else { Provenance::Live },
        settling: settling_of(row)?,
    })
}

fn settling_of(row: &Row<'_>) -> Result<Settling> {
    let said = || -> Result<Said> {
        Ok(Said {
            duplicate_of: row.get("duplicate_of")?,
            is_stale: row.get("is_stale")?,
            is_undelete: row.get("is_undelete")?,
            is_unconfirmed: row.get("is_unconfirmed")?,
        })
    };
    Ok(match row.get::<_, u8>("settled")? {
        0 => Settling::Open,
        1 => Settling::Settled(said()?),
        _ => Settling::Reopened(said()?),
    })
}

/// How `settled` is written, and what was said.
fn settled_columns(settling: &Settling) -> (u8, Said) {
    match settling {
        Settling::Open => (0, Said::default()),
        Settling::Settled(said) => (1, said.clone()),
        Settling::Reopened(said) => (2, said.clone()),
    }
}

/// Reads when something happened.
pub(super) fn moment_of(row: &Row<'_>) -> Result<Moment> {
    Ok(Moment {
        at: time(row, "at")?,
        is_coarse: row.get("is_coarse")?,
        sequencer: row.get("sequencer")?,
    })
}

/// Writes a removal over what was there.
pub(super) fn write_removal(
    connection: &Connection,
    slot_id: i64,
    bucket: &str,
    removal: &Removal,
    actor_id: i64,
    counted: &Counted,
) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO removals (slot_id, identity, bucket, target, kind, cause, is_confirmed, at,
             is_coarse, sequencer, notified_at, request_id, sources, actor_kind, actor_id,
             marker_version_id, counted_kind, counted_cause, counted_confirmed, counted_latency,
             is_backfilled, settled, duplicate_of, is_stale, is_undelete, is_unconfirmed)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )?;
    let (settled, said) = settled_columns(&counted.settling);
    let target = removal.target.to_string();
    let values = params![
        slot_id,
        removal.identity,
        bucket,
        target,
        removal.kind.as_str(),
        removal.cause.as_str(),
        removal.is_confirmed,
        removal.at.as_millis(),
        removal.is_coarse,
        removal.sequencer,
        millis(removal.notified_at),
        removal.request_id.as_deref(),
        removal.sources.bits(),
        removal.actor.kind().as_str(),
        actor_id,
        removal.marker_version_id,
        counted.kind.map(|(kind, _)| kind.as_str()),
        counted.kind.map(|(_, cause)| cause.as_str()),
        counted.is_confirmed,
        counted.has_latency,
        counted.provenance == Provenance::Backfill,
        settled,
        said.duplicate_of,
        said.is_stale,
        said.is_undelete,
        said.is_unconfirmed,
    ];
    // Most of them are new, and REPLACE would cost them more.
    if insert.execute(values)? == 0 {
        delete_removal(connection, slot_id, &removal.identity, removal.at)?;
        insert.execute(values)?;
    }
    Ok(())
}

/// Takes a removal out that is another one now.
pub(super) fn delete_removal(
    connection: &Connection,
    slot_id: i64,
    identity: &str,
    at: Timestamp,
) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM removals WHERE slot_id = ?1 AND identity = ?2 AND at = ?3")?
        .execute(params![slot_id, identity, at.as_millis()])?;
    Ok(())
}

/// Writes what was said of a removal, and nothing else of its row: most of what is settled is
/// nothing remarkable, and no index but that of what is open should be touched.
pub(super) fn write_settled(
    connection: &Connection,
    slot_id: i64,
    removal: &Removal,
    counted: &Counted,
) -> Result<()> {
    let (settled, said) = settled_columns(&counted.settling);
    connection
        .prepare_cached(
            "UPDATE removals SET settled = ?4, duplicate_of = ?5, is_stale = ?6, is_undelete = ?7,
                 is_unconfirmed = ?8, counted_kind = ?9, counted_cause = ?10
             WHERE slot_id = ?1 AND at = ?2 AND identity = ?3",
        )?
        .execute(params![
            slot_id,
            removal.at.as_millis(),
            removal.identity,
            settled,
            said.duplicate_of,
            said.is_stale,
            said.is_undelete,
            said.is_unconfirmed,
            counted.kind.map(|(kind, _)| kind.as_str()),
            counted.kind.map(|(_, cause)| cause.as_str()),
        ])?;
    Ok(())
}

/// A count or an index as SQLite holds it: no real one is near the limit.
pub(super) fn amount(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
