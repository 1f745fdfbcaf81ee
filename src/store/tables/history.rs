//! The part of a key's history that says what some of its removals are, read and judged. When that
//! may be believed is decided elsewhere.

use std::collections::BTreeSet;

use deltrail_core::domain::{
    Counted, Created, DUPLICATE_MILLIS_MAX, History, PAIR_MILLIS_MAX, Removal, Target, Verdict,
    judge,
};

use super::creations::{created_of, creation_columns};
use super::rows::{counted_columns, counted_of, removal_columns, removal_of};
use crate::store::session::{Result, Row, Session, values};
use crate::store::slices::Name;

/// The part of a slot's history that says what `due` removals are, judged.
pub(super) fn judged(
    session: &Session<'_>,
    slot_id: i64,
    due: &[(String, i64)],
    stale_window_millis: i64,
    has_creations: bool,
) -> Result<Vec<Judged>> {
    let first = due.iter().map(|(_, at)| *at).min().unwrap_or_default();
    let last = due.iter().map(|(_, at)| *at).max().unwrap_or_default();
    // S3's order of events may differ from that of the clocks by a little.
    let window_millis = DUPLICATE_MILLIS_MAX.max(stale_window_millis) + PAIR_MILLIS_MAX;
    let from = first.saturating_sub(window_millis);
    let to = last.saturating_add(PAIR_MILLIS_MAX);
    let creations =
        if has_creations { creations_between(session, slot_id, from, to)? } else { Vec::new() };
    let mut rows = removals_between(session, slot_id, from, to)?;
    let last_write = creations.iter().find(|it| it.moment.at.as_millis() < from);
    if let Some(write) = last_write {
        rows.extend(removal_of_last(session, slot_id, write, from)?);
    }
    let (removals, counted): (Vec<Removal>, Vec<Counted>) = rows.into_iter().unzip();
    let calls = known_calls(session, &removals)?;
    let history =
        History { removals: &removals, creations: &creations, calls: &calls, stale_window_millis };
    let mut verdicts = judge(&history);
    let due: BTreeSet<&str> = due.iter().map(|(identity, _)| identity.as_str()).collect();
    let judged = removals.iter().zip(&mut verdicts);
    for (removal, verdict) in judged.filter(|(it, _)| due.contains(it.identity.as_str())) {
        if let Target::Version(version) = &removal.target
            && !verdict.is_undelete
        {
            verdict.is_undelete = made_marker(session, slot_id, version)?;
        }
    }
    let judged = removals.into_iter().zip(counted).zip(verdicts);
    Ok(judged.map(|((removal, counted), verdict)| Judged { removal, counted, verdict }).collect())
}

/// A removal, what the totals hold for it, and what is to be said of it.
pub(super) struct Judged {
    pub(super) removal: Removal,
    pub(super) counted: Counted,
    pub(super) verdict: Verdict,
}

fn removal_and_counted(row: &mut Row<'_>) -> Result<(Removal, Counted)> {
    Ok((removal_of(row)?, counted_of(row)?))
}

/// The writes between, and the last one before: however long ago it was, it may be the one that
/// was replaced.
pub(super) fn creations_between(
    session: &Session<'_>,
    slot_id: i64,
    from: i64,
    to: i64,
) -> Result<Vec<Created>> {
    session.rows(
        concat!(
            "SELECT ",
            creation_columns!(),
            " FROM creations
             WHERE slot_id = ?1 AND at <= ?3 AND at >= coalesce((
                 SELECT max(at) FROM creations AS earlier
                 WHERE earlier.slot_id = ?1 AND earlier.at < ?2
             ), ?2)"
        ),
        &values![slot_id, from, to],
        created_of,
    )
}

fn removals_between(
    session: &Session<'_>,
    slot_id: i64,
    from: i64,
    to: i64,
) -> Result<Vec<(Removal, Counted)>> {
    session.rows(
        concat!(
            "SELECT ",
            removal_columns!(),
            ", ",
            counted_columns!(),
            "
 FROM removals LEFT JOIN actors ON actors.id = actor_id
             WHERE slot_id = ?1 AND at BETWEEN ?2 AND ?3"
        ),
        &values![slot_id, from, to],
        removal_and_counted,
    )
}

/// The removal, before all that is looked at, of the last write before.
fn removal_of_last(
    session: &Session<'_>,
    slot_id: i64,
    write: &Created,
    before: i64,
) -> Result<Option<(Removal, Counted)>> {
    let version = write.version_id.as_ref().map(|id| Target::Version(id.clone()).to_string());
    session.optional(
        concat!(
            "SELECT ",
            removal_columns!(),
            ", ",
            counted_columns!(),
            "
 FROM removals LEFT JOIN actors ON actors.id = actor_id
             WHERE slot_id = ?1 AND at >= ?2 AND at < ?3
                 AND (target NOT LIKE 'version %' OR target = ?4)
             ORDER BY at DESC LIMIT 1"
        ),
        &values![slot_id, write.moment.at.as_millis(), before, version],
        removal_and_counted,
    )
}

/// The request ids of children's removals that are those of known bulk calls.
fn known_calls(session: &Session<'_>, removals: &[Removal]) -> Result<BTreeSet<String>> {
    let mut calls = BTreeSet::new();
    let children = removals.iter().filter(|it| it.is_child_only() && it.target == Target::Unknown);
    for request_id in children.filter_map(|child| child.request_id.as_deref()) {
        if !calls.contains(request_id) && is_known_call(session, request_id)? {
            calls.insert(request_id.to_owned());
        }
    }
    Ok(calls)
}

fn is_known_call(session: &Session<'_>, request_id: &str) -> Result<bool> {
    let identity = format!("r:{request_id}");
    for slice in session.slices_with(Name::of_request(&identity))? {
        let is_known = session.is_any(
            "SELECT 1 FROM requests WHERE slice = ?1 AND identity = ?2 AND api = 'DeleteObjects'",
            &values![slice, identity],
        )?;
        if is_known {
            return Ok(true);
        }
    }
    Ok(false)
}

fn made_marker(session: &Session<'_>, slot_id: i64, version: &str) -> Result<bool> {
    session.is_any(
        "SELECT 1 FROM removals WHERE slot_id = ?1 AND marker_version_id = ?2",
        &values![slot_id, version],
    )
}
