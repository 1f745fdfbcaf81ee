//! What a commit's evidence leads to: by which ids and times a piece of it, told just now or stored
//! before, is linked to other rows of its slot. It knows no statement.

use std::collections::BTreeMap;

use deltrail_core::domain::{Evidence, PAIR_MILLIS_MAX, RemovalRole, Source, SourceSet};

use crate::store::tables::{CLAIM_MILLIS_MAX, CREATIONS_KEPT_MILLIS};

/// A piece of evidence in a slot, as far as it leads to others.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) slot_id: i64,
    pub(super) bucket: String,
    pub(super) role: RemovalRole,
    pub(super) is_of_trail: bool,
    pub(super) id: String,
    pub(super) request_id: Option<String>,
    pub(super) event_id: Option<String>,
    pub(super) shared_event_id: Option<String>,
    pub(super) at: i64,
    pub(super) ended_at: Option<i64>,
}

/// An id that the fold groups the evidence of a slot by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Link {
    Request(String),
    SharedEvent(String),
    /// Without a request id.
    Event(String),
    /// Its own, without a request id.
    Id(String),
}

/// From when to when, in milliseconds, both included.
pub(super) type Span = (i64, i64);

impl Piece {
    /// Of evidence that is told just now, in this slot.
    pub(super) fn of(evidence: &Evidence, slot_id: i64) -> Self {
        Self {
            slot_id,
            bucket: evidence.bucket.to_string(),
            role: evidence.role,
            is_of_trail: evidence.source == Source::CloudTrail,
            id: evidence.id.clone(),
            request_id: evidence.request_id.as_ref().map(ToString::to_string),
            event_id: evidence.event_id.clone(),
            shared_event_id: evidence.shared_event_id.clone(),
            at: evidence.at.as_millis(),
            ended_at: evidence.ended_at.map(deltrail_core::domain::Timestamp::as_millis),
        }
    }

    /// The ids that it shares with others, its own among them: it may be stored already.
    pub(super) fn links(&self) -> Vec<Link> {
        let mut links = Vec::with_capacity(2);
        match (&self.request_id, &self.event_id) {
            (Some(id), _) => links.push(Link::Request(id.clone())),
            (None, event) => {
                links.push(Link::Id(self.id.clone()));
                links.extend(event.clone().map(Link::Event));
            }
        }
        links.extend(self.shared_event_id.clone().map(Link::SharedEvent));
        links
    }

    /// When the removals were of the claims that it may be put beside, if it is a child.
    pub(super) fn claims_near(&self) -> Option<Span> {
        (self.role == RemovalRole::Child).then(|| around(self.at, CLAIM_MILLIS_MAX))
    }

    /// When the children were that may be put beside it, if it is a claim: none beside CloudTrail's
    /// own record of a delete.
    pub(super) fn children_near(&self) -> Option<Span> {
        let may_hold = self.role == RemovalRole::Claim && !self.is_of_trail;
        may_hold.then(|| around(self.at, PAIR_MILLIS_MAX))
    }

    /// When the removals were that it may be part of.
    pub(super) fn removals_near(&self) -> Span {
        let (first, last) = self.times();
        (first.saturating_sub(CLAIM_MILLIS_MAX), last.saturating_add(CLAIM_MILLIS_MAX))
    }

    /// When the removals were that may have to be judged again for it.
    pub(super) fn reopened(&self) -> Span {
        let (first, last) = self.times();
        (
            first.saturating_sub(CLAIM_MILLIS_MAX + PAIR_MILLIS_MAX),
            last.saturating_add(CLAIM_MILLIS_MAX + CREATIONS_KEPT_MILLIS),
        )
    }

    fn times(&self) -> Span {
        let ended_at = self.ended_at.unwrap_or(self.at);
        (self.at.min(ended_at), self.at.max(ended_at))
    }
}

fn around(at: i64, millis: i64) -> Span {
    (at.saturating_sub(millis), at.saturating_add(millis))
}

/// The id that a removal is named by, if it is a claim's.
pub(super) fn link_of_claim(identity: &str, target: &str) -> Option<Link> {
    let (kind, id) = identity.strip_suffix(target)?.trim_end().split_once(':')?;
    match kind {
        "r" => Some(Link::Request(id.to_owned())),
        "s" => Some(Link::SharedEvent(id.to_owned())),
        "e" => Some(Link::Event(id.to_owned())),
        "i" => Some(Link::Id(id.to_owned())),
        _ => None,
    }
}

/// Whose removals hold no child: those of CloudTrail's own records alone.
pub(super) fn trail_only() -> i64 {
    i64::from(SourceSet::from_iter([Source::CloudTrail]).bits())
}

/// Spans by what they are of, those that meet made one.
pub(super) fn united<K: Ord + Clone>(spans: impl IntoIterator<Item = (K, Span)>) -> Vec<(K, Span)> {
    let mut by_key: BTreeMap<K, Vec<Span>> = BTreeMap::new();
    for (key, span) in spans {
        by_key.entry(key).or_default().push(span);
    }
    let mut united: Vec<(K, Span)> = Vec::new();
    for (key, mut spans) in by_key {
        spans.sort_unstable();
        let mut last: Option<Span> = None;
        for (from, to) in spans {
            last = match last {
                Some((first, end)) if from <= end => Some((first, end.max(to))),
                Some(done) => {
                    united.push((key.clone(), done));
                    Some((from, to))
                }
                None => Some((from, to)),
            };
        }
        united.extend(last.map(|span| (key, span)));
    }
    united
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_meet_become_one() {
        let spans = [("b", (5, 9)), ("a", (4, 6)), ("a", (1, 4)), ("a", (8, 9)), ("b", (1, 20))];
        assert_eq!(united(spans), [("a", (1, 6)), ("a", (8, 9)), ("b", (1, 20))]);
    }

    #[test]
    fn a_claims_removal_is_named_by_what_the_fold_groups_by() {
        assert_eq!(link_of_claim("r:R1 current", "current"), Some(Link::Request("R1".into())));
        assert_eq!(
            link_of_claim("s:S version v 1", "version v 1"),
            Some(Link::SharedEvent("S".into()))
        );
        assert_eq!(link_of_claim("child E", "unknown"), None);
    }
}
