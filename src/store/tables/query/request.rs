//! Everything of one request: the calls of its id, what they removed, and what was refused of them.
//! It writes nothing.

use deltrail_core::domain::Provenance;

use super::super::request_rows::{request_columns, request_of};
use super::super::rows::{evidence_columns, evidence_of};
use super::super::slots::said_key;
use super::completeness::completeness;
use super::key::refusal_of;
use super::{Asked, deletions};
use crate::store::session::{Result, Row, Session, values};
use crate::store::slices::Sliced;
use crate::store::{DeletionFilter, RefusedKey, RequestHistory, RequestRow, Within};

/// Keys of one call: S3 takes no more.
const KEYS_MAX: usize = 1_000;
/// Pieces of evidence that are looked at for keys that were refused: several sources may tell.
const REFUSALS_READ_MAX: i64 = 4_000;

/// What is known of the request of this id; nothing when no source tells of it.
pub(in crate::store) fn request(asked: Asked<'_>, id: &str) -> Result<Option<RequestHistory>> {
    let session = asked.session;
    let calls = calls(session, &format!("r:{id}"))?;
    let filter = DeletionFilter {
        within: Within::Everything,
        principal: None,
        since: None,
        until: None,
        request_id: Some(id.to_owned()),
        kind: None,
        only: None,
        after: None,
        limit: KEYS_MAX,
    };
    let mut deletions = deletions(asked, &filter)?;
    let refused = refused(session, id)?;
    if calls.is_empty() && deletions.rows.is_empty() && refused.is_empty() {
        return Ok(None);
    }
    let first = deletions.rows.first().map(|row| row.bucket.clone());
    let bucket = calls.first().map(|call| call.request.bucket.to_string()).or(first);
    if bucket.is_some() {
        deletions.completeness = completeness(session, bucket.as_deref())?;
    }
    Ok(Some(RequestHistory { calls, deletions, refused }))
}

fn calls(session: &Session<'_>, identity: &str) -> Result<Vec<RequestRow>> {
    let mut calls = Vec::new();
    for slice in session.slices(Sliced::Requests)? {
        calls.extend(session.rows(
            concat!(
                "SELECT ",
                request_columns!(),
                ", is_backfilled, resolution FROM requests
                 LEFT JOIN actors ON actors.id = actor_id
                 WHERE slice = ?1 AND identity = ?2"
            ),
            &values![slice, identity],
            call_of,
        )?);
    }
    calls.sort_by(|a: &RequestRow, b| a.request.bucket.cmp(&b.request.bucket));
    Ok(calls)
}

fn call_of(row: &mut Row<'_>) -> Result<RequestRow> {
    let request = request_of(row)?;
    let is_backfilled: bool = row.read()?;
    let resolution: Option<String> = row.read()?;
    Ok(RequestRow {
        request,
        provenance: if is_backfilled { Provenance::Backfill } else { Provenance::Live },
        is_unresolved: resolution.as_deref() == Some("unresolved"),
    })
}

/// The keys of a bulk call that were refused, each once whoever tells of it, in the order of keys.
fn refused(session: &Session<'_>, id: &str) -> Result<Vec<RefusedKey>> {
    let told = session.rows(
        concat!(
            "SELECT s.key, ",
            evidence_columns!(),
            " FROM evidence AS e CROSS JOIN (SELECT id AS slot, key FROM slots) AS s
                 ON s.slot = e.slot_id
             WHERE e.request_id = ?1 AND e.slot_id IS NOT NULL
                 AND e.is_key_of_request = 0 AND e.role = 'none' AND e.amends_event_id IS NULL
                 AND (e.outcome <> 'ok' OR e.error_code IS NOT NULL OR e.http_status >= 300)
             ORDER BY s.key, e.at, e.id LIMIT ?2"
        ),
        &values![id, REFUSALS_READ_MAX],
        |row| {
            let key: String = row.read()?;
            let id = row.read()?;
            let evidence = evidence_of(row, id, said_key(&key))?;
            Ok((evidence.key.clone(), evidence.target.clone(), evidence))
        },
    )?;
    let mut refused: Vec<RefusedKey> = Vec::new();
    for (key, target, evidence) in told {
        let is_same = |it: &RefusedKey| it.key == key && it.refusal.target == target;
        if !refused.last().is_some_and(is_same) && refused.len() < KEYS_MAX {
            refused.push(RefusedKey { key, refusal: refusal_of(evidence) });
        }
    }
    Ok(refused)
}
