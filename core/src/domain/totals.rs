//! What a commit adds to the durable totals: the difference between what was counted before and
//! what the fold says now. It knows no registry and no store, only families and labels.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cause, Kind, Outcome, Removal, Request};

/// Upper bounds of the latency histogram's buckets in milliseconds, from a fast call (5 ms) to the
/// longest plausible wait of a declared delete (1 h).
pub const LATENCY_BUCKETS_MS: [i64; 17] = [
    5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000,
    900_000, 3_600_000,
];

/// A family of series that lives in the store and continues over restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Requests, by API and outcome.
    DeleteRequests,
    /// Removals, each once.
    ObjectsRemoved,
    /// Removals by kind and cause, counted when the kind is known.
    RemovalsByKind,
    /// Removals that S3 itself confirmed.
    RemovalsConfirmed,
    /// Seconds from a request to its removal; stored in milliseconds.
    RequestToDeleteLatency,
    /// Counted facts that later evidence contradicted.
    Corrections,
}

impl Family {
    /// Every durable family.
    pub const ALL: [Self; 6] = [
        Self::DeleteRequests,
        Self::ObjectsRemoved,
        Self::RemovalsByKind,
        Self::RemovalsConfirmed,
        Self::RequestToDeleteLatency,
        Self::Corrections,
    ];

    /// The metric's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeleteRequests => "deltrail_delete_requests_total",
            Self::ObjectsRemoved => "deltrail_objects_removed_total",
            Self::RemovalsByKind => "deltrail_removals_by_kind_total",
            Self::RemovalsConfirmed => "deltrail_removals_confirmed_total",
            Self::RequestToDeleteLatency => "deltrail_request_to_delete_latency_seconds",
            Self::Corrections => "deltrail_corrections_total",
        }
    }

    /// The names of its labels, in the order of [`Series::labels`].
    #[must_use]
    pub const fn label_names(self) -> &'static [&'static str] {
        match self {
            Self::DeleteRequests => &["bucket", "api", "outcome"],
            Self::ObjectsRemoved | Self::RemovalsConfirmed => &["bucket"],
            Self::RemovalsByKind => &["bucket", "kind", "cause"],
            Self::RequestToDeleteLatency => &["bucket", "basis"],
            Self::Corrections => &["reason"],
        }
    }

    /// The family of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }
}

/// One series of a durable family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// The family.
    pub family: Family,
    /// The label values, in the order of [`Family::label_names`].
    pub labels: Vec<String>,
}

/// The part of a series that a number belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The value of a counter.
    Value,
    /// Observations in one bucket of a histogram, by index into [`LATENCY_BUCKETS_MS`]; the index
    /// past the last is for what is larger. Not cumulative.
    Bucket(u8),
    /// The sum of a histogram's observations, in milliseconds.
    SumMillis,
}

/// Amounts to add to durable totals. Whole numbers, so that sums do not depend on their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta(BTreeMap<(Series, Part), i64>);

impl Delta {
    /// Adds `amount` to one part of one series.
    pub fn add(&mut self, family: Family, labels: &[&str], part: Part, amount: i64) {
        if amount != 0 {
            let labels = labels.iter().map(|&label| label.to_owned()).collect();
            *self.0.entry((Series { family, labels }, part)).or_default() += amount;
        }
    }

    /// Adds everything that `other` adds.
    pub fn merge(&mut self, other: Self) {
        for (at, amount) in other.0 {
            *self.0.entry(at).or_default() += amount;
        }
    }

    /// The amounts, in a stable order.
    pub fn iter(&self) -> impl Iterator<Item = (&Series, Part, i64)> {
        self.0.iter().map(|((series, part), amount)| (series, *part, *amount))
    }

    /// Whether there is nothing to add.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a latency was not observed; the value of the `reason` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiscardedLatency {
    /// The end lies before the start.
    Negative,
    /// More than an hour.
    OverOneHour,
}

impl DiscardedLatency {
    /// The value of the `reason` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::OverOneHour => "over_1h",
        }
    }
}

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
        Some(before) if before.outcome != after.outcome => {
            delta.add(Family::Corrections, &["request_outcome"], Part::Value, 1);
        }
        Some(_) => {}
    }
}

/// Observes the service latency of a request once, when both of its ends are first known.
///
/// # Errors
/// Why it was discarded, when it is not plausible. It is discarded once as well.
pub fn count_latency(
    before: Option<&Request>,
    after: &Request,
    bucket: &str,
    delta: &mut Delta,
) -> Result<(), DiscardedLatency> {
    // A refusal that is learnt late leaves what was observed; it is a correction of the outcome.
    let was_known = before.is_some_and(|before| {
        before.started_at.is_some() && before.ended_at.is_some() || before.outcome != Outcome::Ok
    });
    match after.service_millis().filter(|_| !was_known) {
        None => Ok(()),
        Some(millis) if millis < 0 => Err(DiscardedLatency::Negative),
        Some(millis) if millis > 3_600_000 => Err(DiscardedLatency::OverOneHour),
        Some(millis) => {
            let slot = LATENCY_BUCKETS_MS.iter().take_while(|&&bound| bound < millis).count();
            let part = Part::Bucket(u8::try_from(slot).unwrap_or(u8::MAX));
            let labels = [bucket, "service"];
            delta.add(Family::RequestToDeleteLatency, &labels, part, 1);
            delta.add(Family::RequestToDeleteLatency, &labels, Part::SumMillis, millis);
            Ok(())
        }
    }
}

/// What the totals already hold for one removal row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// The kind and cause it was counted under, once its kind was known.
    pub kind: Option<(Kind, Cause)>,
    /// Whether it was counted as confirmed.
    pub is_confirmed: bool,
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
) -> Recount {
    let mut recount = Recount::default();
    let came = after.len().saturating_sub(before.len());
    recount.delta.add(Family::ObjectsRemoved, &[bucket], Part::Value, amount(came));
    for (removal, was) in after.iter().zip(inherit(before, after)) {
        recount.counted.push(count_removal(was, removal, bucket, &mut recount.delta));
    }
    recount
}

/// What was counted for each removal before, under this identity or under one that went: of the
/// same kind first, then of no kind yet, and what is left over contradicts.
fn inherit(before: &BTreeMap<String, Counted>, after: &[Removal]) -> Vec<Counted> {
    let mut inherited: Vec<Option<Counted>> =
        after.iter().map(|removal| before.get(&removal.identity).copied()).collect();
    let stays: BTreeSet<&str> = after.iter().map(|removal| removal.identity.as_str()).collect();
    let mut gone: Vec<Counted> = before
        .iter()
        .filter(|(identity, _)| !stays.contains(identity.as_str()))
        .map(|(_, counted)| *counted)
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
    inherited.into_iter().map(Option::unwrap_or_default).collect()
}

fn count_removal(was: Counted, removal: &Removal, bucket: &str, delta: &mut Delta) -> Counted {
    let now = (removal.kind != Kind::Unknown).then_some((removal.kind, removal.cause));
    match (was.kind, now) {
        (None, Some((kind, cause))) => {
            let labels = [bucket, kind.as_str(), cause.as_str()];
            delta.add(Family::RemovalsByKind, &labels, Part::Value, 1);
        }
        (Some(was), Some(now)) if was != now => {
            delta.add(Family::Corrections, &["kind"], Part::Value, 1);
        }
        _ => {}
    }
    if removal.is_confirmed && !was.is_confirmed {
        delta.add(Family::RemovalsConfirmed, &[bucket], Part::Value, 1);
    }
    Counted { kind: now.or(was.kind), is_confirmed: removal.is_confirmed || was.is_confirmed }
}

fn amount(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
