//! The part of a slot that new evidence can touch, so that a key that was deleted a million times
//! costs no more than one that was deleted twice.
//!
//! Two pieces can only be about one removal when they are linked: by an id that the fold groups by,
//! or as a child and a claim within 10 s. What is reachable over such links is closed, and the fold
//! of a closed part is exactly its part of the fold of the whole slot: claims never merge by time,
//! and the matching of one part does not see the others.

use std::collections::{BTreeMap, HashSet};

use deltrail_core::domain::{Evidence, PAIR_MILLIS_MAX, RemovalRole, Source, SourceSet, Target};
use rusqlite::{Connection, Result, ToSql, params};

use super::rows::{EVIDENCE_COLUMNS, evidence_of};

/// How far from a child the removal of a claim may lie that it may be put beside, in milliseconds:
/// it has the finest time of all that is in it, which may be that of another child, or of the end
/// of a second.
const CLAIM_MILLIS_MAX: i64 = 2 * PAIR_MILLIS_MAX + 1_000;

/// The slot that is searched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) slot_id: i64,
    /// `None` when it is not known which key it was.
    pub(super) key: Option<&'a str>,
    /// Whether any child is stored in the slot; without one nothing is linked by time.
    pub(super) has_child: bool,
}

/// The stored evidence, other than `fresh`, that `fresh` can touch.
pub(super) fn neighbours(
    connection: &Connection,
    search: Search<'_>,
    fresh: &[&Evidence],
) -> Result<Vec<Evidence>> {
    let mut found = Found {
        connection,
        search,
        fresh: fresh.iter().map(|piece| piece.id.as_str()).collect(),
        pieces: BTreeMap::new(),
        direct: HashSet::new(),
        asked: HashSet::new(),
    };
    let mut by_id: Vec<Evidence> = Vec::new();
    for piece in fresh {
        by_id.extend(found.linked_by_id(piece)?);
    }
    // So it is with most of what is told, above all with notices, which are many.
    if by_id.is_empty() && !search.has_child {
        return Ok(Vec::new());
    }
    by_id.extend(fresh.iter().map(|&piece| piece.clone()));
    let mut by_time: Vec<Evidence> = Vec::new();
    loop {
        // Ids first: whether a claim is linked by time depends on all of its members.
        while let Some(piece) = by_id.pop() {
            by_id.extend(found.linked_by_id(&piece)?);
            by_time.push(piece);
        }
        if !search.has_child {
            break;
        }
        for piece in by_time.drain(..) {
            by_id.extend(found.linked_by_time(&piece)?);
        }
        if by_id.is_empty() {
            break;
        }
    }
    Ok(found.pieces.into_values().collect())
}

struct Found<'a> {
    connection: &'a Connection,
    search: Search<'a>,
    fresh: HashSet<&'a str>,
    pieces: BTreeMap<String, Evidence>,
    /// The claims, by request and target, that a stored direct record belongs to.
    direct: HashSet<(String, Target)>,
    asked: HashSet<(&'static str, String)>,
}

impl Found<'_> {
    /// What shares an id with `piece` that the fold groups by, as far as it was not known.
    fn linked_by_id(&mut self, piece: &Evidence) -> Result<Vec<Evidence>> {
        let mut linked = Vec::new();
        if let Some(id) = &piece.request_id {
            linked.extend(self.sharing("request_id = ?2", id)?);
        }
        if let Some(id) = &piece.shared_event_id {
            linked.extend(self.sharing("shared_event_id = ?2", id)?);
        }
        if let (None, Some(id)) = (&piece.request_id, &piece.event_id) {
            linked.extend(self.sharing("event_id = ?2 AND request_id IS NULL", id)?);
        }
        Ok(linked)
    }

    fn sharing(&mut self, condition: &'static str, id: &str) -> Result<Vec<Evidence>> {
        if self.asked.insert((condition, id.to_owned())) {
            self.ask(condition, &[&id])
        } else {
            Ok(Vec::new())
        }
    }

    /// The claims near a child, and the children near a claim, as far as they were not known.
    fn linked_by_time(&mut self, piece: &Evidence) -> Result<Vec<Evidence>> {
        let at = piece.at.as_millis();
        let near = |millis: i64| (at.saturating_sub(millis), at.saturating_add(millis));
        match piece.role {
            RemovalRole::Child => self.claims_between(near(CLAIM_MILLIS_MAX)),
            RemovalRole::Claim if self.may_hold_a_child(piece) => {
                let (from, to) = near(PAIR_MILLIS_MAX);
                self.ask("role = 'child' AND at BETWEEN ?2 AND ?3", &[&from, &to])
            }
            RemovalRole::Claim | RemovalRole::None => Ok(Vec::new()),
        }
    }

    /// The evidence of the claims whose removals are stored at these times. A claim of CloudTrail's
    /// own record alone has no child.
    fn claims_between(&mut self, (from, to): (i64, i64)) -> Result<Vec<Evidence>> {
        let mut select = self.connection.prepare_cached(
            "SELECT identity, target FROM removals
             WHERE slot_id = ?1 AND at BETWEEN ?2 AND ?3 AND sources <> ?4",
        )?;
        let trail_only = SourceSet::from_iter([Source::CloudTrail]).bits();
        let claims = select
            .query_map(params![self.search.slot_id, from, to, trail_only], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<Vec<(String, String)>>>()?;
        let mut linked = Vec::new();
        for (identity, target) in claims {
            let request = identity.strip_suffix(&target).map(str::trim_end);
            // The other removals are children that found no claim.
            let Some((kind, id)) = request.and_then(|request| request.split_once(':')) else {
                continue;
            };
            linked.extend(match kind {
                "r" => self.sharing("request_id = ?2", id)?,
                "s" => self.sharing("shared_event_id = ?2", id)?,
                "e" => self.sharing("event_id = ?2 AND request_id IS NULL", id)?,
                "i" => self.sharing("id = ?2 AND request_id IS NULL", id)?,
                _ => Vec::new(),
            });
        }
        Ok(linked)
    }

    /// Whether the claim that `piece` belongs to could have had a child until now: not when a
    /// direct record of it is stored. This keeps a chain of direct deletes apart.
    fn may_hold_a_child(&self, piece: &Evidence) -> bool {
        piece.source != Source::CloudTrail
            && !self.direct.contains(&(piece.request_identity(), piece.target.clone()))
    }

    fn ask(&mut self, condition: &str, values: &[&dyn ToSql]) -> Result<Vec<Evidence>> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {EVIDENCE_COLUMNS} FROM evidence WHERE slot_id = ?1 AND {condition}"
        ))?;
        let slot_id: &dyn ToSql = &self.search.slot_id;
        let values: Vec<&dyn ToSql> = std::iter::once(slot_id).chain(values.to_vec()).collect();
        let mut rows = statement.query(values.as_slice())?;
        let mut unknown = Vec::new();
        while let Some(row) = rows.next()? {
            let id: String = row.get("id")?;
            if !self.fresh.contains(id.as_str()) && !self.pieces.contains_key(&id) {
                let piece = evidence_of(row, self.search.key)?;
                if piece.role == RemovalRole::Claim && piece.source == Source::CloudTrail {
                    self.direct.insert((piece.request_identity(), piece.target.clone()));
                }
                self.pieces.insert(id, piece.clone());
                unknown.push(piece);
            }
        }
        Ok(unknown)
    }
}
