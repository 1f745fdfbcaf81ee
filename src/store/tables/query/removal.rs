//! One removal with all its evidence, where each piece of it stands, and what else happened to the
//! key around it. Each part is bounded, however often the key was deleted.

use deltrail_core::domain::{Api, Created, Evidence, Removal, Target, Timestamp, fold_told};

use super::super::creations::{created_of, creation_columns};
use super::super::neighbourhood::{Search, neighbours};
use super::super::rows::{evidence_columns, evidence_of};
use super::super::slots::{said_key, slot_of};
use super::completeness::completeness;
use super::rows::rows_of;
use super::{Asked, Found};
use crate::store::session::{Result, Session, Value, values};
use crate::store::words;
use crate::store::{DeletionName, DeletionRow, LogObject, Piece, RecordPlace, RemovalEvidence};

/// How far around a removal others of the key are told, in milliseconds.
const NEAR_MILLIS: i64 = 60 * 60 * 1_000;
/// How many others are told, on each side.
const NEAR_MAX: i64 = 25;
/// How many pieces of evidence are told.
const PIECES_MAX: usize = 100;
/// How many pieces of one request are looked at.
const SEEDS_MAX: i64 = 5_000;
/// How many writes before a removal are told.
const WRITES_MAX: i64 = 10;
/// How many later removals are looked through for versions that were removed.
const LATER_MAX: i64 = 5_000;

/// All of a removal, if there is one of this name.
pub(in crate::store) fn removal_evidence(
    asked: Asked<'_>,
    name: &DeletionName,
) -> Result<Option<RemovalEvidence>> {
    let session = asked.session;
    let key = name.key.as_deref().unwrap_or_default();
    let Some(slot_id) = slot_of(session, &name.bucket, key)? else { return Ok(None) };
    let Some(found) = found_in(session, slot_id, &name.identity)? else { return Ok(None) };
    let Some(row) = rows_of(asked, std::slice::from_ref(&found))?.pop() else { return Ok(None) };
    let mut evidence = evidence_behind(session, slot_id, key, &row.removal)?;
    evidence.extend(call_records(session, &row)?);
    evidence.sort_by(|a, b| (a.source, a.at, &a.id).cmp(&(b.source, b.at, &b.id)));
    let has_more_pieces = evidence.len() > PIECES_MAX;
    evidence.truncate(PIECES_MAX);
    let mut pieces = Vec::with_capacity(evidence.len());
    for piece in evidence {
        pieces.push(Piece { place: place_of(session, slot_id, &piece)?, evidence: piece });
    }
    let writes = writes_before(session, slot_id, &row.removal)?;
    let oldest = writes.last().map_or(row.removal.at, |write| write.moment.at.min(row.removal.at));
    let later = targets_since(session, slot_id, oldest)?;
    let undone_at = undone_at(&row.removal, &later);
    Ok(Some(RemovalEvidence {
        pieces,
        has_more_pieces,
        near: near(asked, &found)?,
        written_again: write_after(session, slot_id, &row.removal)?,
        writes,
        removed_versions: later.into_iter().filter_map(|(_, target)| version_of(target)).collect(),
        undone_at,
        completeness: completeness(session, Some(&row.bucket))?,
        row,
    }))
}

/// Where the row of a removal is.
fn found_in(session: &Session<'_>, slot_id: i64, identity: &str) -> Result<Option<Found>> {
    session.optional(
        "SELECT at, slot_id, identity FROM removals
         WHERE slot_id = ?1 AND identity = ?2 ORDER BY at DESC LIMIT 1",
        &values![slot_id, identity],
        Found::read,
    )
}

/// The evidence in its slot that a removal rests on, and what corrects who it was.
fn evidence_behind(
    session: &Session<'_>,
    slot_id: i64,
    key: &str,
    removal: &Removal,
) -> Result<Vec<Evidence>> {
    let key = said_key(key);
    let mut evidence = seeds(session, slot_id, key, removal)?;
    let has_child =
        session.is_any("SELECT 1 FROM slots WHERE id = ?1 AND has_child = 1", &values![slot_id])?;
    let around = {
        let seeds: Vec<&Evidence> = evidence.iter().collect();
        neighbours(session, Search { slot_id, key, has_child }, &seeds)?
    };
    evidence.extend(around);
    let told = fold_told(&evidence);
    let members = told.into_iter().find(|(it, _)| it.identity == removal.identity);
    let members: Vec<&Evidence> = members.map(|(_, members)| members).unwrap_or_default();
    let corrects = |piece: &Evidence| {
        let event = piece.amends_event_id.as_ref();
        event.is_some()
            && members.iter().any(|member| {
                member.event_id.as_ref() == event && member.request_id == piece.request_id
            })
    };
    let is_of_it =
        |piece: &&Evidence| members.iter().any(|member| member.id == piece.id) || corrects(piece);
    Ok(evidence.iter().filter(is_of_it).cloned().collect())
}

/// Evidence that the identity of a removal leads to: the rest is linked with it.
fn seeds(
    session: &Session<'_>,
    slot_id: i64,
    key: Option<&str>,
    removal: &Removal,
) -> Result<Vec<Evidence>> {
    let target = removal.target.to_string();
    // That of a child has its place among others of its call behind the target.
    let identity = if removal.is_child_only() {
        removal.identity.trim_start_matches("child ").rsplit_once(' ').map(|it| it.0)
    } else {
        Some(removal.identity.as_str())
    };
    let identity = identity.and_then(|it| it.strip_suffix(&target)).map(str::trim_end);
    let Some((kind, id)) = identity.and_then(|it| it.split_once(':')) else {
        return Ok(Vec::new());
    };
    let sql = match kind {
        "r" => concat!(
            "SELECT ",
            evidence_columns!(),
            " FROM evidence
             WHERE slot_id = ?1 AND request_id = ?2 LIMIT ?3"
        ),
        "s" => concat!(
            "SELECT ",
            evidence_columns!(),
            " FROM evidence
             WHERE slot_id = ?1 AND shared_event_id = ?2 LIMIT ?3"
        ),
        "e" => concat!(
            "SELECT ",
            evidence_columns!(),
            " FROM evidence
             WHERE slot_id = ?1 AND event_id = ?2 AND request_id IS NULL LIMIT ?3"
        ),
        _ => concat!(
            "SELECT ",
            evidence_columns!(),
            " FROM evidence
             WHERE slot_id = ?1 AND id = ?2 AND request_id IS NULL LIMIT ?3"
        ),
    };
    pieces(session, sql, &values![slot_id, id, SEEDS_MAX], key)
}

/// What tells of the bulk call as a whole, which names no key.
fn call_records(session: &Session<'_>, row: &DeletionRow) -> Result<Vec<Evidence>> {
    let Some(request_id) = row.removal.request_id.as_deref() else { return Ok(Vec::new()) };
    let sql = concat!(
        "SELECT ",
        evidence_columns!(),
        " FROM evidence
         WHERE slot_id IS NULL AND request_id = ?1 LIMIT ?2"
    );
    let mut told = pieces(session, sql, &values![request_id, SEEDS_MAX], None)?;
    told.retain(|piece| {
        piece.bucket == row.bucket && piece.call.is_some_and(|call| call.api == Api::DeleteObjects)
    });
    Ok(told)
}

fn pieces(
    session: &Session<'_>,
    sql: &'static str,
    values: &[Value<'_>],
    key: Option<&str>,
) -> Result<Vec<Evidence>> {
    session.rows(sql, values, |row| {
        let id = row.read()?;
        evidence_of(row, id, key)
    })
}

/// Where a piece of evidence was read.
fn place_of(session: &Session<'_>, slot_id: i64, piece: &Evidence) -> Result<Option<RecordPlace>> {
    let (sql, values) = match (&piece.key, &piece.request_id) {
        _ if piece.call.is_some_and(|call| call.api == Api::DeleteObjects) => (
            "SELECT l.bucket, l.key, l.revision, l.source, e.record_index
             FROM evidence AS e JOIN log_objects AS l ON l.id = e.log_object_id
             WHERE e.slot_id IS NULL AND e.id = ?1 AND e.record_index IS NOT NULL",
            values![piece.id].to_vec(),
        ),
        (_, Some(request_id)) => (
            "SELECT l.bucket, l.key, l.revision, l.source, e.record_index
             FROM evidence AS e JOIN log_objects AS l ON l.id = e.log_object_id
             WHERE e.slot_id = ?1 AND e.request_id = ?2 AND e.id = ?3
                 AND e.record_index IS NOT NULL",
            values![slot_id, request_id.as_str(), piece.id].to_vec(),
        ),
        (_, None) => (
            "SELECT l.bucket, l.key, l.revision, l.source, e.record_index
             FROM evidence AS e JOIN log_objects AS l ON l.id = e.log_object_id
             WHERE e.slot_id = ?1 AND e.id = ?2 AND e.request_id IS NULL
                 AND e.record_index IS NOT NULL",
            values![slot_id, piece.id].to_vec(),
        ),
    };
    session.optional(sql, &values, |row| {
        Ok(RecordPlace {
            object: LogObject {
                bucket: row.read()?,
                key: row.read()?,
                revision: row.read()?,
                source: row.text(words::source)?,
            },
            record_index: u64::try_from(row.read::<i64>()?).unwrap_or_default(),
        })
    })
}

/// Other removals of the key around one, the newest first.
fn near(asked: Asked<'_>, found: &Found) -> Result<Vec<DeletionRow>> {
    let at = found.at;
    let (from, to) = (at.saturating_sub(NEAR_MILLIS), at.saturating_add(NEAR_MILLIS));
    let mut others = asked.session.rows(
        "SELECT at, slot_id, identity FROM removals
         WHERE slot_id = ?1 AND at >= ?2 AND at <= ?3 ORDER BY at LIMIT ?4",
        &values![found.slot_id, at, to, NEAR_MAX + 1],
        Found::read,
    )?;
    others.reverse();
    others.extend(asked.session.rows(
        "SELECT at, slot_id, identity FROM removals
         WHERE slot_id = ?1 AND at >= ?2 AND at < ?3 ORDER BY at DESC LIMIT ?4",
        &values![found.slot_id, from, at, NEAR_MAX],
        Found::read,
    )?);
    others.retain(|other| other.identity != found.identity);
    rows_of(asked, &others)
}

/// The newest writes until a removal, the newest first.
fn writes_before(session: &Session<'_>, slot_id: i64, removal: &Removal) -> Result<Vec<Created>> {
    session.rows(
        concat!(
            "SELECT ",
            creation_columns!(),
            " FROM creations
             WHERE slot_id = ?1 AND at <= ?2 ORDER BY at DESC, identity LIMIT ?3"
        ),
        &values![slot_id, removal.moment().latest().as_millis(), WRITES_MAX],
        created_of,
    )
}

fn write_after(session: &Session<'_>, slot_id: i64, removal: &Removal) -> Result<Option<Created>> {
    session.optional(
        concat!(
            "SELECT ",
            creation_columns!(),
            " FROM creations
             WHERE slot_id = ?1 AND at > ?2 ORDER BY at, identity LIMIT 1"
        ),
        &values![slot_id, removal.moment().latest().as_millis()],
        created_of,
    )
}

/// What callers named when they removed something of the key from then on.
fn targets_since(
    session: &Session<'_>,
    slot_id: i64,
    since: Timestamp,
) -> Result<Vec<(Timestamp, Target)>> {
    session.rows(
        "SELECT at, target FROM removals
         WHERE slot_id = ?1 AND at >= ?2 ORDER BY at, identity LIMIT ?3",
        &values![slot_id, since.as_millis(), LATER_MAX],
        |row| Ok((Timestamp::from_millis(row.read()?), row.text(words::target)?)),
    )
}

fn undone_at(removal: &Removal, later: &[(Timestamp, Target)]) -> Option<Timestamp> {
    let marker = Target::Version(removal.marker_version_id.clone()?);
    let mut later = later.iter().filter(|(at, _)| *at >= removal.at);
    later.find(|(_, target)| *target == marker).map(|(at, _)| *at)
}

fn version_of(target: Target) -> Option<String> {
    match target {
        Target::Version(version) => Some(version),
        Target::Current | Target::Unknown => None,
    }
}
