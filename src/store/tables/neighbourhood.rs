//! The part of a slot that new evidence can touch, so that a key that was deleted a million times
//! costs no more than one that was deleted twice.
//!
//! Two pieces can only be about one removal when they are linked: by an id that the fold groups by,
//! or as a child and a claim within 10 s. What is reachable over such links is closed, and the fold
//! of a closed part is exactly its part of the fold of the whole slot: claims never merge by time,
//! and the matching of one part does not see the others.

use std::collections::{BTreeMap, HashSet};

use deltrail_core::domain::{Evidence, PAIR_MILLIS_MAX, RemovalRole, Source, SourceSet, Target};

use super::rows::{evidence_columns, evidence_of};
use crate::store::session::{Result, Session, Value, values};

/// How far from a child the removal of a claim may lie that it may be put beside, in milliseconds:
/// it has the finest time of all that is in it, which may be that of another child, or of the end
/// of a second.
pub(in crate::store) const CLAIM_MILLIS_MAX: i64 = 2 * PAIR_MILLIS_MAX + 1_000;

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
    session: &Session<'_>,
    search: Search<'_>,
    fresh: &[&Evidence],
) -> Result<Vec<Evidence>> {
    let mut found = Found {
        session,
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
    session: &'a Session<'a>,
    search: Search<'a>,
    fresh: HashSet<&'a str>,
    pieces: BTreeMap<String, Evidence>,
    /// The claims, by request and target, that a stored direct record belongs to.
    direct: HashSet<(String, Target)>,
    asked: HashSet<(Link, String)>,
}

/// What the fold groups evidence by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Link {
    Request,
    SharedEvent,
    /// Without a request id.
    Event,
    /// Its own id, without a request id.
    Id,
}

impl Link {
    /// The evidence of slot `?1` with id `?2`.
    const fn statement(self) -> &'static str {
        match self {
            Self::Request => concat!(
                "SELECT ",
                evidence_columns!(),
                " FROM evidence
                 WHERE slot_id = ?1 AND request_id = ?2"
            ),
            Self::SharedEvent => concat!(
                "SELECT ",
                evidence_columns!(),
                " FROM evidence
                 WHERE slot_id = ?1 AND shared_event_id = ?2"
            ),
            Self::Event => concat!(
                "SELECT ",
                evidence_columns!(),
                " FROM evidence
                 WHERE slot_id = ?1 AND event_id = ?2 AND request_id IS NULL"
            ),
            Self::Id => concat!(
                "SELECT ",
                evidence_columns!(),
                " FROM evidence
                 WHERE slot_id = ?1 AND id = ?2 AND request_id IS NULL"
            ),
        }
    }
}

/// The children in slot `?1` between the times `?2` and `?3`.
const CHILDREN_BETWEEN: &str = concat!(
    "SELECT ",
    evidence_columns!(),
    " FROM evidence
     WHERE slot_id = ?1 AND role = 'child' AND at BETWEEN ?2 AND ?3"
);

impl Found<'_> {
    /// What shares an id with `piece` that the fold groups by, as far as it was not known.
    fn linked_by_id(&mut self, piece: &Evidence) -> Result<Vec<Evidence>> {
        let mut linked = Vec::new();
        if let Some(id) = &piece.request_id {
            linked.extend(self.sharing(Link::Request, id)?);
        }
        if let Some(id) = &piece.shared_event_id {
            linked.extend(self.sharing(Link::SharedEvent, id)?);
        }
        if let (None, Some(id)) = (&piece.request_id, &piece.event_id) {
            linked.extend(self.sharing(Link::Event, id)?);
        }
        Ok(linked)
    }

    fn sharing(&mut self, link: Link, id: &str) -> Result<Vec<Evidence>> {
        if self.asked.insert((link, id.to_owned())) {
            self.ask(link.statement(), &values![self.search.slot_id, id])
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
                self.ask(CHILDREN_BETWEEN, &values![self.search.slot_id, from, to])
            }
            RemovalRole::Claim | RemovalRole::None => Ok(Vec::new()),
        }
    }

    /// The evidence of the claims whose removals are stored at these times. A claim of CloudTrail's
    /// own record alone has no child.
    fn claims_between(&mut self, (from, to): (i64, i64)) -> Result<Vec<Evidence>> {
        let trail_only = SourceSet::from_iter([Source::CloudTrail]).bits();
        let claims: Vec<(String, String)> = self.session.rows(
            "SELECT identity, target FROM removals
             WHERE slot_id = ?1 AND at BETWEEN ?2 AND ?3 AND sources <> ?4",
            &values![self.search.slot_id, from, to, trail_only],
            |row| Ok((row.read()?, row.read()?)),
        )?;
        let mut linked = Vec::new();
        for (identity, target) in claims {
            let request = identity.strip_suffix(&target).map(str::trim_end);
            // The other removals are children that found no claim.
            let Some((kind, id)) = request.and_then(|request| request.split_once(':')) else {
                continue;
            };
            linked.extend(match kind {
                "r" => self.sharing(Link::Request, id)?,
                "s" => self.sharing(Link::SharedEvent, id)?,
                "e" => self.sharing(Link::Event, id)?,
                "i" => self.sharing(Link::Id, id)?,
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

    fn ask(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Evidence>> {
        let (fresh, pieces, key) = (&self.fresh, &self.pieces, self.search.key);
        let unknown = self.session.rows(sql, values, |row| {
            let id: String = row.read()?;
            let is_known = fresh.contains(id.as_str()) || pieces.contains_key(&id);
            if is_known { Ok(None) } else { evidence_of(row, id, key).map(Some) }
        })?;
        let unknown: Vec<Evidence> = unknown.into_iter().flatten().collect();
        for piece in &unknown {
            if piece.role == RemovalRole::Claim && piece.source == Source::CloudTrail {
                self.direct.insert((piece.request_identity(), piece.target.clone()));
            }
            self.pieces.insert(piece.id.clone(), piece.clone());
        }
        Ok(unknown)
    }
}
