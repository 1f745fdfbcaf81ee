//! Domain values as rows and back, exactly. It decides nothing.
//!
//! Columns are read in their order: a statement names those of a value with the macro that stands
//! beside its reader.

use deltrail_core::domain::{
    Actor, Api, Call, Counted, Evidence, Kind, Moment, Provenance, Removal, Said, Settling, Source,
    SourceSet, Timestamp,
};

use crate::store::session::{Result, Row, Session, values};
use crate::store::words;

pub(super) fn time(row: &mut Row<'_>) -> Result<Timestamp> {
    row.read().map(Timestamp::from_millis)
}

pub(super) fn optional_time(row: &mut Row<'_>) -> Result<Option<Timestamp>> {
    Ok(row.read::<Option<i64>>()?.map(Timestamp::from_millis))
}

pub(super) fn sources(row: &mut Row<'_>) -> Result<SourceSet> {
    row.read().map(SourceSet::from_bits)
}

/// None for a source of a newer version, whose rows are left to that version.
pub(super) fn known_source(row: &mut Row<'_>) -> Result<Option<Source>> {
    row.text(|name| Some(words::source(name)))
}

pub(super) fn actor(row: &mut Row<'_>) -> Result<Actor> {
    row.text(|text| serde_json::from_str(text).ok())
}

pub(in crate::store) fn actor_text(actor: &Actor) -> Result<String> {
    Ok(serde_json::to_string(actor)?)
}

pub(super) fn millis(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_millis)
}

/// The columns of [`evidence_of`].
macro_rules! evidence_columns {
    () => {
        "id, bucket, source, api, outcome, role, target, mark, cause, request_id, event_id, \
         shared_event_id, amends_event_id, account, region, at, started_at, ended_at, \
         total_millis, sequencer, http_status, error_code, marker_version_id, \
         (SELECT actor FROM actors WHERE actors.id = actor_id) AS actor"
    };
}
pub(super) use evidence_columns;

/// Reads a row of `evidence` whose first column, the id, was read already; the key is its slot's.
pub(super) fn evidence_of(row: &mut Row<'_>, id: String, key: Option<&str>) -> Result<Evidence> {
    let bucket = row.short_text()?;
    let source = row.text(words::source)?;
    let api = row.optional_text(words::api)?;
    let outcome = row.optional_text(words::outcome)?;
    Ok(Evidence {
        id,
        source,
        call: api.zip(outcome).map(|(api, outcome)| Call { api, outcome }),
        role: row.text(words::role)?,
        bucket,
        key: key.map(str::to_owned),
        target: row.text(words::target)?,
        mark: row.text(words::mark)?,
        cause: row.text(words::cause)?,
        request_id: row.optional_short_text()?,
        event_id: row.read()?,
        shared_event_id: row.read()?,
        amends_event_id: row.read()?,
        account: row.short_text()?,
        region: row.short_text()?,
        at: time(row)?,
        started_at: optional_time(row)?,
        ended_at: optional_time(row)?,
        total_millis: row.read()?,
        sequencer: row.read()?,
        http_status: row.read()?,
        error_code: row.read()?,
        marker_version_id: row.read()?,
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
    session: &Session<'_>,
    evidence: &Evidence,
    place: Place,
    actor_id: i64,
) -> Result<bool> {
    let inserted = session.execute(
        "INSERT INTO evidence (id, slot_id, bucket, source, api, outcome, role, target, mark,
             cause, request_id, event_id, shared_event_id, amends_event_id, account, region, at,
             started_at, ended_at, total_millis, sequencer, http_status, error_code,
             marker_version_id, actor_id, is_key_of_request, log_object_id, record_index)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
        &values![
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
        ],
    )?;
    Ok(inserted == 1)
}

/// The columns of [`removal_of`], of `removals` beside `actors`.
macro_rules! removal_columns {
    () => {
        "identity, target, kind, cause, is_confirmed, at, is_coarse, sequencer, notified_at, \
         request_id, sources, actor, marker_version_id"
    };
}
pub(super) use removal_columns;

/// Reads a row of `removals`.
pub(super) fn removal_of(row: &mut Row<'_>) -> Result<Removal> {
    Ok(Removal {
        identity: row.read()?,
        target: row.text(words::target)?,
        kind: row.text(words::kind)?,
        cause: row.text(words::cause)?,
        is_confirmed: row.read()?,
        at: time(row)?,
        is_coarse: row.read()?,
        sequencer: row.read()?,
        notified_at: optional_time(row)?,
        request_id: row.optional_short_text()?,
        sources: sources(row)?,
        actor: actor(row)?.into(),
        marker_version_id: row.read()?,
    })
}

/// The columns of [`counted_of`].
macro_rules! counted_columns {
    () => {
        "counted_kind, counted_cause, counted_confirmed, counted_latency, is_backfilled, settled, \
         duplicate_of, is_stale, is_undelete, is_unconfirmed"
    };
}
pub(super) use counted_columns;

/// Reads what the totals hold for a row of `removals`.
pub(super) fn counted_of(row: &mut Row<'_>) -> Result<Counted> {
    let kind: Option<Kind> = row.optional_text(words::kind)?;
    let cause = row.optional_text(words::cause)?;
    let (is_confirmed, has_latency, is_backfilled) = (row.read()?, row.read()?, row.read()?);
    Ok(Counted {
        kind: kind.zip(cause),
        is_confirmed,
        has_latency,
        provenance: if is_backfilled { Provenance::Backfill } else { Provenance::Live },
        settling: settling_of(row)?,
    })
}

fn settling_of(row: &mut Row<'_>) -> Result<Settling> {
    let settled: u8 = row.read()?;
    let said = Said {
        duplicate_of: row.read()?,
        is_stale: row.read()?,
        is_undelete: row.read()?,
        is_unconfirmed: row.read()?,
    };
    Ok(match settled {
        0 => Settling::Open,
        1 => Settling::Settled(said),
        _ => Settling::Reopened(said),
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

/// Reads when something happened: `at, is_coarse, sequencer`.
pub(super) fn moment_of(row: &mut Row<'_>) -> Result<Moment> {
    Ok(Moment { at: time(row)?, is_coarse: row.read()?, sequencer: row.read()? })
}

/// Writes a removal over what was there.
pub(super) fn write_removal(
    session: &Session<'_>,
    slot_id: i64,
    bucket: &str,
    removal: &Removal,
    actor_id: i64,
    counted: &Counted,
) -> Result<()> {
    let insert =
        "INSERT INTO removals (slot_id, identity, bucket, target, kind, cause, is_confirmed, at,
             is_coarse, sequencer, notified_at, request_id, sources, actor_kind, actor_id,
             marker_version_id, counted_kind, counted_cause, counted_confirmed, counted_latency,
             is_backfilled, settled, duplicate_of, is_stale, is_undelete, is_unconfirmed)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING";
    let (settled, said) = settled_columns(&counted.settling);
    let target = removal.target.to_string();
    let values = values![
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
    if session.execute(insert, &values)? == 0 {
        delete_removal(session, slot_id, &removal.identity, removal.at)?;
        session.execute(insert, &values)?;
    }
    Ok(())
}

/// Takes a removal out that is another one now.
pub(super) fn delete_removal(
    session: &Session<'_>,
    slot_id: i64,
    identity: &str,
    at: Timestamp,
) -> Result<()> {
    session.execute(
        "DELETE FROM removals WHERE slot_id = ?1 AND identity = ?2 AND at = ?3",
        &values![slot_id, identity, at.as_millis()],
    )?;
    Ok(())
}

/// Writes what was said of a removal, and nothing else of its row: most of what is settled is
/// nothing remarkable, and no index but that of what is open should be touched.
pub(super) fn write_settled(
    session: &Session<'_>,
    slot_id: i64,
    removal: &Removal,
    counted: &Counted,
) -> Result<()> {
    let (settled, said) = settled_columns(&counted.settling);
    session.execute(
        "UPDATE removals SET settled = ?4, duplicate_of = ?5, is_stale = ?6, is_undelete = ?7,
                 is_unconfirmed = ?8, counted_kind = ?9, counted_cause = ?10
             WHERE slot_id = ?1 AND at = ?2 AND identity = ?3",
        &values![
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
        ],
    )?;
    Ok(())
}

/// A count or an index as SQLite holds it: no real one is near the limit.
pub(super) fn amount(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
