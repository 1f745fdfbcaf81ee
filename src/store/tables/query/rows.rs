//! Everything that is known of removals that were found. What is not settled is judged now, as
//! settling would judge it.

use std::collections::BTreeMap;

use deltrail_core::domain::{
    Intent, PAIR_MILLIS_MAX, Removal, Request, Said, Settling, Target, Timestamp, fulfilment,
};

use super::super::history::{creations_between, judged};
use super::super::request_rows::request_in;
use super::super::rows::{counted_columns, counted_of, removal_columns, removal_of, time};
use super::super::settle::writes_kept_from;
use super::super::settle_intents::candidates;
use super::super::slots::said_key;
use super::super::told::Told;
use super::{Asked, Found};
use crate::store::session::{Result, Row, Session, values};
use crate::store::settling::Held;
use crate::store::slices::Sliced;
use crate::store::{DeletionRow, IntentState, KeyIntent, Repeated, Replacement};

/// Declared deletes of one key that are looked at, the newest first.
const INTENTS_MAX: i64 = 100;

/// A row and where it lies.
struct Placed {
    slot_id: i64,
    has_intent: bool,
    settling: Settling,
    row: DeletionRow,
}

/// The removals of these rows, in this order.
pub(super) fn rows_of(asked: Asked<'_>, found: &[Found]) -> Result<Vec<DeletionRow>> {
    let session = asked.session;
    let mut placed = Vec::with_capacity(found.len());
    for Found { at, slot_id, identity } in found {
        placed.push(session.one(
            concat!(
                "SELECT slot_id, r.bucket, s.key, s.has_intent, ",
                removal_columns!(),
                ", ",
                counted_columns!(),
                " FROM removals AS r
             JOIN slots AS s ON s.id = r.slot_id LEFT JOIN actors ON actors.id = actor_id
             WHERE slot_id = ?1 AND at = ?2 AND identity = ?3"
            ),
            &values![*slot_id, *at, *identity],
            placed_of,
        )?);
    }
    judge_open(asked, &mut placed)?;
    let mut slices = session.slices(Sliced::Requests)?;
    let mut declared: BTreeMap<i64, Vec<Declared>> = BTreeMap::new();
    for Placed { slot_id, has_intent, row, .. } in &mut placed {
        row.request = request_behind(session, &mut slices, row)?;
        row.repeats = match &row.said.duplicate_of {
            Some(identity) => {
                // Sequencers may have put it before one that its clock puts a little later.
                let until = row.removal.at.as_millis().saturating_add(PAIR_MILLIS_MAX);
                repeated(session, *slot_id, identity, Timestamp::from_millis(until))?
            }
            None => None,
        };
        if row.said.is_stale == Some(true) {
            let (from, to) = stale_span(asked, row);
            let writes = creations_between(session, *slot_id, from, to)?;
            row.stale = Replacement::before(&row.removal, writes);
        }
        if *has_intent {
            if !declared.contains_key(slot_id) {
                let key = row.key.as_deref();
                declared.insert(*slot_id, declared_of(session, *slot_id, &row.bucket, key)?);
            }
            let of_key = declared[slot_id].iter();
            let is_this = |it: &&Declared| it.removal.as_ref() == Some(&row.removal.identity);
            row.intents = of_key.filter(is_this).map(|it| it.intent.clone()).collect();
        }
    }
    Ok(placed.into_iter().map(|placed| placed.row).collect())
}

/// Between which times, in milliseconds, a write of a stale removal's object was. A clock of whole
/// seconds may mean up to its end.
fn stale_span(asked: Asked<'_>, row: &DeletionRow) -> (i64, i64) {
    let latest = row.removal.moment().latest().as_millis();
    (latest.saturating_sub(asked.looking.stale_window_millis), latest)
}

fn placed_of(row: &mut Row<'_>) -> Result<Placed> {
    let (slot_id, bucket, key): (i64, String, String) = (row.read()?, row.read()?, row.read()?);
    let has_intent = row.read()?;
    let removal = removal_of(row)?;
    let counted = counted_of(row)?;
    let (said, is_settled) = match &counted.settling {
        Settling::Settled(said) => (said.clone(), true),
        Settling::Reopened(said) => (said.clone(), false),
        Settling::Open => (Said::default(), false),
    };
    Ok(Placed {
        slot_id,
        has_intent,
        settling: counted.settling,
        row: DeletionRow {
            bucket,
            key: said_key(&key).map(str::to_owned),
            removal,
            said,
            is_settled,
            repeats: None,
            stale: None,
            request: None,
            intents: Vec::new(),
            provenance: counted.provenance,
        },
    })
}

/// Says of what is not settled what settling would say now.
fn judge_open(asked: Asked<'_>, placed: &mut [Placed]) -> Result<()> {
    let mut open: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (index, it) in placed.iter().enumerate().filter(|(_, it)| !it.row.is_settled) {
        open.entry(it.slot_id).or_default().push(index);
    }
    let kept_from = writes_kept_from(asked.session, &Held::NONE)?;
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    for (slot_id, indexes) in open {
        let due: Vec<(String, i64)> = indexes
            .iter()
            .map(|&index| &placed[index].row.removal)
            .map(|removal| (removal.identity.clone(), removal.at.as_millis()))
            .collect();
        let window = asked.looking.stale_window_millis;
        let judged = judged(asked.session, slot_id, &due, window, true)?.into_iter();
        let mut verdicts: BTreeMap<String, _> =
            judged.map(|it| (it.removal.identity, it.verdict)).collect();
        for index in indexes {
            let Placed { row, settling, .. } = &mut placed[index];
            let Some(verdict) = verdicts.remove(&row.removal.identity) else { continue };
            if !told.contains_key(&row.bucket) {
                told.insert(row.bucket.clone(), Told::of(asked.session, &row.bucket)?);
            }
            let told = &told[&row.bucket];
            let judged = (&row.removal, verdict);
            row.said = told.said(asked.session, slot_id, judged, settling, kept_from)?;
        }
    }
    Ok(())
}

/// The request behind a removal. Removals that lie together have requests that do, so the slice it
/// is found in comes first next.
fn request_behind(
    session: &Session<'_>,
    slices: &mut [i64],
    row: &DeletionRow,
) -> Result<Option<Request>> {
    let Removal { request_id, identity, target, .. } = &row.removal;
    let Some(identity) = request_identity(request_id.as_deref(), identity, target) else {
        return Ok(None);
    };
    for (nth, &slice) in slices.iter().enumerate() {
        if let Some(found) = request_in(session, slice, &row.bucket, &identity)? {
            slices[..=nth].rotate_right(1);
            return Ok(Some(found.request));
        }
    }
    Ok(None)
}

/// What the request behind a removal is kept as: by its id, or by what stands for one in the
/// removal's identity.
pub(super) fn request_identity(
    request_id: Option<&str>,
    identity: &str,
    target: &Target,
) -> Option<String> {
    match request_id {
        Some(id) => Some(format!("r:{id}")),
        None => identity.strip_suffix(&format!(" {target}")).map(str::to_owned),
    }
}

/// The removal that was repeated, no later than `until`.
fn repeated(
    session: &Session<'_>,
    slot_id: i64,
    identity: &str,
    until: Timestamp,
) -> Result<Option<Repeated>> {
    session.optional(
        "SELECT at, request_id FROM removals
             WHERE slot_id = ?1 AND at <= ?2 AND identity = ?3 ORDER BY at DESC LIMIT 1",
        &values![slot_id, until.as_millis(), identity],
        |row| Ok(Repeated { at: time(row)?, request_id: row.read()? }),
    )
}

/// The declared deletes of a key that no removal fulfils as things stand.
pub(super) fn unfulfilled(
    session: &Session<'_>,
    slot_id: i64,
    bucket: &str,
    key: &str,
) -> Result<Vec<KeyIntent>> {
    let mut intents = declared_of(session, slot_id, bucket, Some(key))?;
    intents.retain(|declared| declared.removal.is_none());
    Ok(intents.into_iter().map(|declared| declared.intent).collect())
}

/// A declared delete of a key and the removal that fulfils it, if any does.
struct Declared {
    intent: KeyIntent,
    removal: Option<String>,
}

fn declared_of(
    session: &Session<'_>,
    slot_id: i64,
    bucket: &str,
    key: Option<&str>,
) -> Result<Vec<Declared>> {
    let declared = session.rows(
        "SELECT k.intent_id, k.requested_at, i.said_by, i.reference, k.state
         FROM intent_keys AS k LEFT JOIN intents AS i ON i.id = k.intent_id
         WHERE k.slot_id = ?1 ORDER BY k.requested_at DESC, k.intent_id LIMIT ?2",
        &values![slot_id, INTENTS_MAX],
        |row| {
            let intent = Intent {
                id: row.read()?,
                bucket: bucket.to_owned(),
                keys: key.map(str::to_owned).into_iter().collect(),
                requested_at: time(row)?,
                by: row.read()?,
                reference: row.read()?,
            };
            Ok((intent, row.read()?))
        },
    )?;
    let with_removal = |(intent, state): (Intent, String)| {
        // What is settled is what it would be now, or it would be pending again.
        let removals = candidates(session, slot_id, intent.requested_at)?;
        let removal = fulfilment(intent.requested_at, &removals);
        let state = match removal {
            Some(removal) => IntentState::Fulfilled { millis: millis_to(removal, &intent) },
            None if state == "unfulfilled" => IntentState::Unfulfilled,
            None => IntentState::Pending,
        };
        let removal = removal.map(|removal| removal.identity.clone());
        Ok(Declared { intent: KeyIntent { intent, state }, removal })
    };
    declared.into_iter().map(with_removal).collect()
}

fn millis_to(removal: &Removal, intent: &Intent) -> Option<i64> {
    (!removal.is_coarse).then(|| removal.at.millis_since(intent.requested_at))
}
