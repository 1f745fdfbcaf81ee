//! Folds that are wrong on purpose, around the right one: what the worlds have to notice.

use std::collections::BTreeMap;

use crate::domain::{Evidence, PAIR_MILLIS_MAX, Removal, RemovalRole, Target, fold};

pub(super) fn right(pieces: &[&Evidence]) -> Vec<Removal> {
    fold(pieces.iter().copied())
}

/// No child matching: children are counted beside the claims of the same removals.
pub(super) fn without_matching(pieces: &[&Evidence]) -> Vec<Removal> {
    let (children, others): (Vec<&Evidence>, Vec<&Evidence>) =
        pieces.iter().partition(|piece| piece.role == RemovalRole::Child);
    let mut removals = fold(children);
    removals.extend(fold(others));
    removals.sort_by(|a, b| a.identity.cmp(&b.identity));
    removals
}

/// Time-merging: claims of one target that lie within 10 s of one another become one.
pub(super) fn merging_by_time(pieces: &[&Evidence]) -> Vec<Removal> {
    let mut claims: Vec<Evidence> = pieces.iter().map(|piece| (*piece).clone()).collect();
    claims.sort_by_key(|piece| piece.at);
    let mut latest: BTreeMap<Target, Evidence> = BTreeMap::new();
    for claim in claims.iter_mut().filter(|piece| piece.role == RemovalRole::Claim) {
        if let Some(before) = latest.get(&claim.target)
            && claim.at.millis_since(before.at) <= PAIR_MILLIS_MAX
        {
            claim.request_id.clone_from(&before.request_id);
        }
        latest.insert(claim.target.clone(), claim.clone());
    }
    fold(&claims)
}

/// No dedupe: each delivered copy of an element becomes an element of its own.
pub(super) fn told_apart(mut batches: Vec<Vec<Evidence>>) -> Vec<Vec<Evidence>> {
    for (nth, piece) in batches.iter_mut().flatten().enumerate() {
        piece.id = format!("{} {nth}", piece.id);
    }
    batches
}
