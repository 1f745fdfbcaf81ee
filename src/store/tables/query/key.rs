//! The history of one key: its removals, what was tried and declared, and what may explain that
//! nothing is known of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deltrail_core::domain::{Evidence, Outcome, ProtectionChange, Target, Timestamp};

use super::super::protections::{protection_columns, protection_of};
use super::super::request_rows::{request_columns, request_of};
use super::super::requests::is_resolved;
use super::super::rows::{evidence_columns, evidence_of};
use super::super::slots::slot_of;
use super::completeness::completeness;
use super::rows::{rows_of, unfulfilled};
use super::{Asked, Found, after_prefix};
use crate::store::session::{Result, Session, values};
use crate::store::slices::Sliced;
use crate::store::{
    Completeness, DeletionName, DeletionRow, KeyHistory, KeyQuestion, Refusal, UnresolvedCall,
};

/// How many removals of one key are looked up.
const DELETIONS_MAX: usize = 1_000;
/// How much of each other list is looked up.
const LISTED_MAX: usize = 10;
/// Copies of one attempt that several sources may tell of.
const COPIES_MAX: usize = 4;
/// Slots of a slice, and calls, that are looked through for one that counts.
const LOOKED_AT_MAX: i64 = 100_000;
const CALLS_LOOKED_AT_MAX: i64 = 100;
/// How long before a removal a change of protection is worth a line, in milliseconds.
const PROTECTION_MILLIS: i64 = 48 * 60 * 60 * 1_000;

/// What is known of a key.
pub(in crate::store) fn key_history(
    asked: Asked<'_>,
    question: &KeyQuestion,
) -> Result<KeyHistory> {
    let session = asked.session;
    let KeyQuestion { bucket, key, .. } = question;
    let target = question.version_id.as_deref().map(|version| Target::named(Some(version)));
    let slot_id = slot_of(session, bucket, key)?;
    let completeness = completeness(session, Some(bucket))?;
    let mut found = match slot_id {
        Some(slot_id) => removals_of(session, slot_id, question)?,
        None => Vec::new(),
    };
    let has_more = found.len() > DELETIONS_MAX;
    found.truncate(DELETIONS_MAX);
    let deletions = rows_of(asked, &found)?;
    let (refused, intents) = match slot_id {
        Some(slot_id) => (
            refusals(session, slot_id, key, target.as_ref())?,
            unfulfilled(session, slot_id, bucket, key)?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    Ok(KeyHistory {
        has_more,
        refused,
        intents,
        protection_changes: match last_moment(&deletions, &completeness) {
            Some(until) => protection_changes(session, bucket, until)?,
            None => Vec::new(),
        },
        unresolved_calls: unresolved_calls(session, bucket)?,
        unknown_keys: if deletions.is_empty() { unknown_keys(asked, bucket)? } else { Vec::new() },
        has_removed_below: has_removed_below(session, bucket, key)?,
        completeness,
        deletions,
    })
}

/// One removal, if it is known.
pub(in crate::store) fn deletion(
    asked: Asked<'_>,
    name: &DeletionName,
) -> Result<Option<DeletionRow>> {
    let DeletionName { bucket, key, identity } = name;
    let Some(slot_id) = slot_of(asked.session, bucket, key.as_deref().unwrap_or_default())? else {
        return Ok(None);
    };
    let found = asked.session.rows(
        "SELECT at, slot_id, identity FROM removals WHERE slot_id = ?1 AND identity = ?2 LIMIT 1",
        &values![slot_id, *identity],
        Found::read,
    )?;
    Ok(rows_of(asked, &found)?.pop())
}

/// The newest removals of a slot, one more than anybody wants.
fn removals_of(session: &Session<'_>, slot_id: i64, question: &KeyQuestion) -> Result<Vec<Found>> {
    let version = question.version_id.as_deref();
    let target = version.map(|version| Target::named(Some(version)).to_string());
    let limit = i64::try_from(DELETIONS_MAX).unwrap_or(i64::MAX) + 1;
    session.rows(
        "SELECT at, slot_id, identity FROM removals
             WHERE slot_id = ?1
                 AND (CAST(?2 AS TEXT) IS NULL OR target = ?2 OR marker_version_id = ?3)
             ORDER BY at DESC, identity DESC LIMIT ?4",
        &values![slot_id, target, version, limit],
        Found::read,
    )
}

/// The newest attempts that were refused, each once whoever tells of it.
fn refusals(
    session: &Session<'_>,
    slot_id: i64,
    key: &str,
    target: Option<&Target>,
) -> Result<Vec<Refusal>> {
    let limit = i64::try_from(LISTED_MAX * COPIES_MAX).unwrap_or(i64::MAX);
    let told = session.rows(
        concat!(
            "SELECT ",
            evidence_columns!(),
            " FROM evidence
         WHERE slot_id = ?1 AND role = 'none' AND amends_event_id IS NULL
             AND (outcome <> 'ok' OR error_code IS NOT NULL OR http_status >= 300)
         ORDER BY at DESC, id LIMIT ?2"
        ),
        &values![slot_id, limit],
        |row| {
            let id = row.read()?;
            evidence_of(row, id, Some(key))
        },
    )?;
    let concerns = |piece: &Evidence| match target {
        None => true,
        Some(target) => piece.target == *target || piece.target == Target::Unknown,
    };
    let mut order: Vec<String> = Vec::new();
    let mut refusals: BTreeMap<String, Refusal> = BTreeMap::new();
    for piece in told.into_iter().filter(concerns) {
        let identity = piece.request_identity();
        let refusal = refusal_of(piece);
        let told = if let Some(known) = refusals.remove(&identity) {
            joined(known, refusal)
        } else {
            order.push(identity.clone());
            refusal
        };
        refusals.insert(identity, told);
    }
    let newest_first = order.into_iter().filter_map(|identity| refusals.remove(&identity));
    Ok(newest_first.take(LISTED_MAX).collect())
}

pub(super) fn refusal_of(piece: Evidence) -> Refusal {
    let told = Outcome::from_error(piece.error_code.as_deref(), piece.http_status);
    Refusal {
        at: piece.at,
        api: piece.call.map(|call| call.api),
        outcome: piece.call.map_or(told, |call| call.outcome),
        error_code: piece.error_code,
        http_status: piece.http_status,
        target: piece.target,
        request_id: piece.request_id.map(Into::into),
        sources: [piece.source].into_iter().collect(),
        actor: piece.actor,
    }
}

/// Both descriptions of one attempt together.
fn joined(a: Refusal, b: Refusal) -> Refusal {
    Refusal {
        at: a.at.min(b.at),
        api: a.api.or(b.api),
        outcome: a.outcome.max(b.outcome),
        error_code: a.error_code.or(b.error_code),
        http_status: a.http_status.or(b.http_status),
        target: a.target.max(b.target),
        request_id: a.request_id.or(b.request_id),
        sources: a.sources.union(b.sources),
        actor: Arc::clone(a.actor.more_telling(&b.actor)),
    }
}

/// Up to when changes of protection are worth a line.
fn last_moment(deletions: &[DeletionRow], completeness: &Completeness) -> Option<Timestamp> {
    match deletions.first() {
        Some(newest) => Some(newest.removal.moment().latest()),
        None => completeness.sources.iter().filter_map(|state| state.newest_event_at).max(),
    }
}

/// Those of the bucket, and of the trails that tell of it.
fn protection_changes(
    session: &Session<'_>,
    bucket: &str,
    until: Timestamp,
) -> Result<Vec<ProtectionChange>> {
    let until = until.as_millis();
    let from = until.saturating_sub(PROTECTION_MILLIS);
    let limit = i64::try_from(LISTED_MAX * COPIES_MAX).unwrap_or(i64::MAX);
    let mut changes = session.rows(
        concat!(
            "SELECT ",
            protection_columns!(),
            " FROM protection_changes
         WHERE bucket = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at DESC, id LIMIT ?4"
        ),
        &values![bucket, from, until, limit],
        protection_of,
    )?;
    changes.extend(session.rows(
        concat!(
            "SELECT ",
            protection_columns!(),
            " FROM protection_changes
         WHERE bucket IS NULL AND at BETWEEN ?1 AND ?2 AND service = 'cloudtrail'
         ORDER BY at DESC, id LIMIT ?3"
        ),
        &values![from, until, limit],
        protection_of,
    )?);
    changes.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.id.cmp(&b.id)));
    // Copies for two accounts are one change.
    let mut shared = BTreeSet::new();
    changes.retain(|change| match &change.shared_event_id {
        Some(id) => shared.insert(id.clone()),
        None => true,
    });
    changes.truncate(LISTED_MAX);
    Ok(changes)
}

/// Bulk calls of which no key is known: those that are settled so, and those that are not settled
/// and stand so now.
fn unresolved_calls(session: &Session<'_>, bucket: &str) -> Result<Vec<UnresolvedCall>> {
    let listed_max = i64::try_from(LISTED_MAX).unwrap_or(i64::MAX);
    let settled = session.rows(
        concat!(
            "SELECT ",
            request_columns!(),
            " FROM requests LEFT JOIN actors ON actors.id = actor_id
         WHERE bucket = ?1 AND resolution = 'unresolved' ORDER BY at DESC LIMIT ?2"
        ),
        &values![bucket, listed_max],
        request_of,
    )?;
    let open = session.rows(
        concat!(
            "SELECT ",
            request_columns!(),
            " FROM requests LEFT JOIN actors ON actors.id = actor_id
         WHERE bucket = ?1 AND api = 'DeleteObjects' AND outcome = 'ok' AND resolution IS NULL
         ORDER BY at DESC LIMIT ?2"
        ),
        &values![bucket, CALLS_LOOKED_AT_MAX],
        request_of,
    )?;
    let mut calls: Vec<UnresolvedCall> =
        settled.into_iter().map(|request| UnresolvedCall { request, is_settled: true }).collect();
    for request in open {
        if !is_resolved(session, &request)? {
            calls.push(UnresolvedCall { request, is_settled: false });
        }
    }
    calls.sort_by_key(|call| std::cmp::Reverse(call.request.at));
    calls.truncate(LISTED_MAX);
    Ok(calls)
}

/// The newest removals of keys that no source names: they are in the slot of the empty key.
fn unknown_keys(asked: Asked<'_>, bucket: &str) -> Result<Vec<DeletionRow>> {
    let Some(slot_id) = slot_of(asked.session, bucket, "")? else { return Ok(Vec::new()) };
    let limit = i64::try_from(LISTED_MAX).unwrap_or(i64::MAX);
    let found = asked.session.rows(
        "SELECT at, slot_id, identity FROM removals WHERE slot_id = ?1
        ORDER BY at DESC, identity DESC LIMIT ?2",
        &values![slot_id, limit],
        Found::read,
    )?;
    rows_of(asked, &found)
}

/// Whether keys below this one, as below a folder, were removed.
fn has_removed_below(session: &Session<'_>, bucket: &str, key: &str) -> Result<bool> {
    let folder = if key.ends_with('/') { key.to_owned() } else { format!("{key}/") };
    // A folder ends with a slash, so there is always a text after it.
    let end = after_prefix(&folder);
    for slice in session.slices(Sliced::Keys)? {
        let is_any = session.is_any(
            "SELECT 1 FROM (
                     SELECT id FROM slots
                     WHERE slice = ?1 AND bucket = ?2 AND key > ?3 AND key < ?4 LIMIT ?5
                 ) AS s JOIN removals AS r ON r.slot_id = s.id LIMIT 1",
            &values![slice, bucket, folder, end, LOOKED_AT_MAX],
        )?;
        if is_any {
            return Ok(true);
        }
    }
    Ok(false)
}
