//! What a commit and a settling add to the durable totals: the difference between what was counted
//! before and what is known now. It knows no registry and no store, only families and labels.

use std::collections::{BTreeMap, BTreeSet};

use super::latency::{Basis, DiscardedLatency, observe_latency};
use super::totals::{Delta, Family, Part};
use super::{Cause, Kind, Removal, Request, Timestamp};

/// What a request adds, given what was known of it before. An outcome is counted once, when the
/// request is learnt; a copy that contradicts it is a correction.
pub fn count_request(before: Option<&Request>, after: &Request, bucket: &str, delta: &mut Delta) {
    match before {
        None => delta.add(
            Family::DeleteRequests,
            &[bucket, after.api.as_str(), after.outcome.as_str()],
            Part::Value,
            1,
        ),
        Some(before) if before.outcome != after.outcome => correct("request_outcome", delta),
        Some(_) => {}
    }
}

/// Where evidence comes from, as far as counting goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Provenance {
    /// As it happens.
    #[default]
    Live,
    /// Files of the past: what is learnt from them is counted apart, so that history never looks
    /// like a purge.
    Backfill,
}

/// What is said of a settled removal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The identity of the removal that it repeats.
    pub duplicate_of: Option<String>,
    /// Whether it is stale; `None` when no creations of its bucket are known.
    pub is_stale: Option<bool>,
    /// Whether it removed a delete marker whose making is known.
    pub is_undelete: bool,
    /// Whether S3's own word on it is missing, although S3 tells of the bucket.
    pub is_unconfirmed: bool,
}

impl Said {
    /// What it holds against the removal, by the reason of a correction.
    const fn accusations(&self) -> [(&'static str, bool); 3] {
        [
            ("duplicate", self.duplicate_of.is_some()),
            ("stale", matches!(self.is_stale, Some(true))),
            ("unconfirmed", self.is_unconfirmed),
        ]
    }
}

/// How far the settling of a removal has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Settling {
    /// Evidence may still be on its way.
    #[default]
    Open,
    /// This is what is said of it.
    Settled(Said),
    /// This was said of it, and evidence came that may change it.
    Reopened(Said),
}

/// What the totals already hold for one removal row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// The kind and cause it was counted under, once its kind was known.
    pub kind: Option<(Kind, Cause)>,
    /// Whether it was counted as confirmed.
    pub is_confirmed: bool,
    /// Whether its latency from request to notification was observed or discarded.
    pub has_latency: bool,
    /// Whether it was learnt from files of the past.
    pub provenance: Provenance,
    /// What was said of it.
    pub settling: Settling,
}

/// The result of counting a slot's removals again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recount {
    /// For each removal, in order, what the totals hold for it now.
    pub counted: Vec<Counted>,
    /// What the totals gain.
    pub delta: Delta,
}

/// What the removals of a slot add to the totals, given the rows that were there before.
///
/// A row may change its identity when a child finds its claim; what was counted for a row that
/// went is carried over to one that came, so that nothing is counted twice.
#[must_use]
pub fn count_removals(
    before: &BTreeMap<String, Counted>,
    after: &[Removal],
    bucket: &str,
    provenance: Provenance,
) -> Recount {
    let mut recount = Recount::default();
    for (removal, was) in after.iter().zip(inherit(before, after)) {
        let was = was.unwrap_or_else(|| {
            let family = match provenance {
                Provenance::Live => Family::ObjectsRemoved,
                Provenance::Backfill => Family::BackfilledRemovals,
            };
            recount.delta.add(family, &[bucket], Part::Value, 1);
            Counted { provenance, ..Counted::default() }
        });
        recount.counted.push(count_removal(was, removal, bucket, &mut recount.delta));
    }
    recount
}

/// What was counted for each removal before, under this identity or under one that went: of the
/// same kind first, then of no kind yet, and what is left over contradicts.
fn inherit(before: &BTreeMap<String, Counted>, after: &[Removal]) -> Vec<Option<Counted>> {
    let mut inherited: Vec<Option<Counted>> =
        after.iter().map(|removal| before.get(&removal.identity).cloned()).collect();
    let stays: BTreeSet<&str> = after.iter().map(|removal| removal.identity.as_str()).collect();
    let mut gone: Vec<Counted> = before
        .iter()
        .filter(|(identity, _)| !stays.contains(identity.as_str()))
        .map(|(_, counted)| counted.clone())
        .collect();
    let agrees: [fn(&Counted, &Removal) -> bool; 3] = [
        |counted, removal| counted.kind == Some((removal.kind, removal.cause)),
        |counted, _| counted.kind.is_none(),
        |_, _| true,
    ];
    for agrees in agrees {
        for (was, removal) in inherited.iter_mut().zip(after).filter(|(was, _)| was.is_none()) {
            let nearest = gone.iter().position(|counted| agrees(counted, removal));
            *was = nearest.map(|nearest| gone.swap_remove(nearest));
        }
    }
    inherited
}

fn count_removal(was: Counted, removal: &Removal, bucket: &str, delta: &mut Delta) -> Counted {
    let is_live = was.provenance == Provenance::Live;
    let now = (removal.kind != Kind::Unknown).then_some((removal.kind, removal.cause));
    match (was.kind, now) {
        (None, Some(now)) if is_live => count_kind(now, bucket, delta),
        (Some(was), Some(now)) if is_live && was != now => correct("kind", delta),
        _ => {}
    }
    if is_live && removal.is_confirmed && !was.is_confirmed {
        delta.add(Family::RemovalsConfirmed, &[bucket], Part::Value, 1);
    }
    Counted {
        kind: now.or(was.kind),
        is_confirmed: removal.is_confirmed || was.is_confirmed,
        ..was
    }
}

fn count_kind((kind, cause): (Kind, Cause), bucket: &str, delta: &mut Delta) {
    let labels = [bucket, kind.as_str(), cause.as_str()];
    delta.add(Family::RemovalsByKind, &labels, Part::Value, 1);
}

fn correct(reason: &str, delta: &mut Delta) {
    delta.add(Family::Corrections, &[reason], Part::Value, 1);
}

/// Observes how long it took from the request to S3's notification of the removal, once, when both
/// are known; `started_at` is when S3 began to serve the request.
///
/// # Errors
/// Why it was discarded, when it is not plausible. It is discarded once as well.
pub fn count_confirmed_latency(
    removal: &Removal,
    counted: &mut Counted,
    started_at: Option<Timestamp>,
    bucket: &str,
    delta: &mut Delta,
) -> Result<(), DiscardedLatency> {
    let (Some(notified_at), Some(started_at)) = (removal.notified_at, started_at) else {
        return Ok(());
    };
    if counted.has_latency || counted.provenance == Provenance::Backfill {
        return Ok(());
    }
    counted.has_latency = true;
    observe_latency(Basis::Confirmed, notified_at.millis_since(started_at), bucket, delta)
}

/// What `said` of a removal, now that it is settled, adds to the totals. Counters move when it is
/// settled for the first time; what later evidence changes is a correction.
#[must_use]
pub fn count_settled(
    removal: &Removal,
    was: Counted,
    said: Said,
    bucket: &str,
    delta: &mut Delta,
) -> Counted {
    let mut counted = was;
    if counted.provenance == Provenance::Live {
        match &counted.settling {
            Settling::Open => {
                if counted.kind.is_none() {
                    counted.kind = Some((Kind::Unknown, removal.cause));
                    count_kind((Kind::Unknown, removal.cause), bucket, delta);
                }
                let facts = [
                    (said.duplicate_of.is_some(), Family::DuplicateDeleteRequests),
                    (said.is_stale == Some(true), Family::StaleDeletes),
                ];
                for (_, family) in facts.into_iter().filter(|(is_so, _)| *is_so) {
                    delta.add(family, &[bucket], Part::Value, 1);
                }
            }
            Settling::Settled(before) | Settling::Reopened(before) => {
                for ((reason, was_so), (_, is_so)) in
                    before.accusations().into_iter().zip(said.accusations())
                {
                    if was_so != is_so {
                        correct(reason, delta);
                    }
                }
            }
        }
    }
    counted.settling = Settling::Settled(said);
    counted
}
