//! What detectors count by: how much one caller did in one bucket within five minutes of event
//! time. It knows neither keys nor single removals.

use std::ops::{Add, AddAssign, Sub};

use crate::domain::{Cause, Day, Kind, Outcome, Removal, Request, Settling, Source, Timestamp};

/// The length of a window, in milliseconds.
pub const WINDOW_MILLIS: i64 = 5 * 60 * 1_000;
/// Windows of one day.
pub const WINDOWS_PER_DAY: i64 = Day::MILLIS / WINDOW_MILLIS;

/// A window of five minutes, by number since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window(i64);

impl Window {
    /// The window with this number.
    #[must_use]
    pub const fn numbered(number: i64) -> Self {
        Self(number)
    }

    /// The window that `at` lies in.
    #[must_use]
    pub const fn of(at: Timestamp) -> Self {
        Self(at.as_millis().div_euclid(WINDOW_MILLIS))
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The day it lies in.
    #[must_use]
    pub const fn day(self) -> Day {
        Day::numbered(self.0.div_euclid(WINDOWS_PER_DAY))
    }

    /// When it begins.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(WINDOW_MILLIS))
    }

    /// When it ends.
    #[must_use]
    pub const fn end(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_add(1).saturating_mul(WINDOW_MILLIS))
    }
}

/// What was counted; differences of it are added up, so that no number depends on an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Removals by calls, whatever their kind. Those of lifecycle rules are not among them.
    pub removed: i64,
    /// Of `removed`: delete markers that were put on top.
    pub markers: i64,
    /// Of `removed`: named versions, for good.
    pub versions: i64,
    /// Of `removed`: objects of buckets without versions, for good.
    pub objects: i64,
    /// Removals by lifecycle rules.
    pub lifecycle: i64,
    /// Delete requests that were refused.
    pub denied: i64,
    /// Of `removed`: those that CloudTrail tells nothing of.
    pub without_cloudtrail: i64,
    /// Of `removed`: those without S3's own word.
    pub without_confirmation: i64,
    /// Of `removed`: those that took a fresh upload away ([`crate::domain::Verdict::is_stale`]).
    pub stale: i64,
    /// Of `removed`: those that repeat another one ([`crate::domain::Verdict::duplicate_of`]).
    pub repeated: i64,
}

impl Counts {
    /// What one removal adds, as far as something is said of it.
    #[must_use]
    pub fn of_removal(removal: &Removal, said: &Settling) -> Self {
        if removal.cause == Cause::Lifecycle {
            return Self { lifecycle: 1, ..Self::default() };
        }
        Self {
            removed: 1,
            markers: i64::from(removal.kind == Kind::Marker),
            // Who takes a delete marker away brings an object back.
            versions: i64::from(removal.kind == Kind::Version && !is_undelete(said)),
            objects: i64::from(removal.kind == Kind::Object),
            without_cloudtrail: i64::from(!removal.sources.contains(Source::CloudTrail)),
            without_confirmation: i64::from(!removal.is_confirmed),
            ..Self::of_said(said)
        }
    }

    fn of_said(said: &Settling) -> Self {
        let (Settling::Settled(said) | Settling::Reopened(said)) = said else {
            return Self::default();
        };
        Self {
            stale: i64::from(said.is_stale == Some(true)),
            repeated: i64::from(said.duplicate_of.is_some()),
            ..Self::default()
        }
    }

    /// What one request adds.
    #[must_use]
    pub fn of_request(request: &Request) -> Self {
        Self { denied: i64::from(request.outcome == Outcome::Denied), ..Self::default() }
    }

    /// The numbers, in the order of the members.
    #[must_use]
    pub const fn numbers(&self) -> [i64; 10] {
        [
            self.removed,
            self.markers,
            self.versions,
            self.objects,
            self.lifecycle,
            self.denied,
            self.without_cloudtrail,
            self.without_confirmation,
            self.stale,
            self.repeated,
        ]
    }

    /// The counts with these numbers, in the order of the members.
    #[must_use]
    pub const fn from_numbers(numbers: [i64; 10]) -> Self {
        let [
            removed,
            markers,
            versions,
            objects,
            lifecycle,
            denied,
            no_trail,
            no_word,
            stale,
            repeated,
        ] = numbers;
        Self {
            removed,
            markers,
            versions,
            objects,
            lifecycle,
            denied,
            without_cloudtrail: no_trail,
            without_confirmation: no_word,
            stale,
            repeated,
        }
    }

    fn each(self, other: Self, reckon: fn(i64, i64) -> i64) -> Self {
        let mut numbers = self.numbers();
        for (number, another) in numbers.iter_mut().zip(other.numbers()) {
            *number = reckon(*number, another);
        }
        Self::from_numbers(numbers)
    }
}

const fn is_undelete(said: &Settling) -> bool {
    match said {
        Settling::Open => false,
        Settling::Settled(said) | Settling::Reopened(said) => said.is_undelete,
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.each(other, i64::wrapping_add)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.each(other, i64::wrapping_sub)
    }
}

/// What one caller did in a bucket within one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// When.
    pub window: Window,
    /// Who, by a number that [`super::Input::callers`] knows.
    pub caller: i64,
    /// How much.
    pub counts: Counts,
}
