//! The durable totals: families, series and amounts that are added to them. It knows no registry
//! and no store, and not what is counted.

use std::collections::BTreeMap;

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
    /// Removals that were learnt from files of the past, and are in no other family.
    BackfilledRemovals,
    /// Settled removals that repeat another one.
    DuplicateDeleteRequests,
    /// Settled removals of a write that had just replaced another one.
    StaleDeletes,
    /// Seconds from a request to its removal; stored in milliseconds.
    RequestToDeleteLatency,
    /// Counted or settled facts that later evidence contradicted.
    Corrections,
    /// Findings, each once.
    Findings,
}

impl Family {
    /// Every durable family.
    pub const ALL: [Self; 10] = [
        Self::DeleteRequests,
        Self::ObjectsRemoved,
        Self::RemovalsByKind,
        Self::RemovalsConfirmed,
        Self::BackfilledRemovals,
        Self::DuplicateDeleteRequests,
        Self::StaleDeletes,
        Self::RequestToDeleteLatency,
        Self::Corrections,
        Self::Findings,
    ];

    /// The metric's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeleteRequests => "deltrail_delete_requests_total",
            Self::ObjectsRemoved => "deltrail_objects_removed_total",
            Self::RemovalsByKind => "deltrail_removals_by_kind_total",
            Self::RemovalsConfirmed => "deltrail_removals_confirmed_total",
            Self::BackfilledRemovals => "deltrail_backfilled_removals_total",
            Self::DuplicateDeleteRequests => "deltrail_duplicate_delete_requests_total",
            Self::StaleDeletes => "deltrail_stale_deletes_total",
            Self::RequestToDeleteLatency => "deltrail_request_to_delete_latency_seconds",
            Self::Corrections => "deltrail_corrections_total",
            Self::Findings => "deltrail_findings_total",
        }
    }

    /// The names of its labels, in the order of [`Series::labels`].
    #[must_use]
    pub const fn label_names(self) -> &'static [&'static str] {
        match self {
            Self::DeleteRequests => &["bucket", "api", "outcome"],
            Self::ObjectsRemoved
            | Self::RemovalsConfirmed
            | Self::BackfilledRemovals
            | Self::DuplicateDeleteRequests
            | Self::StaleDeletes => &["bucket"],
            Self::RemovalsByKind => &["bucket", "kind", "cause"],
            Self::RequestToDeleteLatency => &["bucket", "basis"],
            Self::Corrections => &["reason"],
            Self::Findings => &["detector", "severity", "mode"],
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
