//! What is asked for when old evidence is to be forgotten, and what came of it. It knows no
//! database and does not decide what is old.

use deltrail_core::domain::Timestamp;

/// A request to forget a part of what is old. The store is gone through from one end to the other,
/// a part in each transaction.
#[derive(Debug, Clone)]
pub struct Forget {
    /// What happened before this time is old: it is not learnt any more, and what is older by
    /// [`FORGET_MARGIN_MILLIS`] is forgotten.
    pub before: Timestamp,
    /// Where to go on.
    pub from: Sweep,
    /// How many rows of each table are looked at, and how many are forgotten, at most; at least 1.
    pub rows_max: u32,
}

/// How long what is too old to be learnt is still kept: so nothing that is learnt is ever a part of
/// a removal of which the rest is forgotten. All that tells of one removal lies within this time.
pub const FORGET_MARGIN_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// How far a way through the store has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// The number of the table that is being gone through.
    pub(super) stage: usize,
    /// The last row that was looked at.
    pub(super) after: After,
}

/// A row by what its table is sorted by; the first one comes after the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum After {
    /// Its number.
    Number(i64),
    /// Its name.
    Name(String),
    /// The slice that it is in, and its name.
    InSlice(i64, String),
}

impl Sweep {
    /// From the beginning.
    #[must_use]
    pub const fn start() -> Self {
        Self { stage: 0, after: After::Number(0) }
    }
}

/// What was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgetReport {
    /// Rows of all tables.
    pub rows: u64,
    /// Where to go on; `None` when all was gone through.
    pub next: Option<Sweep>,
}
