//! A point in event time. It knows how AWS writes times; it never reads a clock.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an RFC 3339 time such as 2026-11-23T10:00:00Z")]
pub struct ParseTimestampError(String);

impl Timestamp {
    /// The time `millis` milliseconds after the epoch; any value is allowed.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Milliseconds from `earlier` to `self`, negative when `self` is the earlier one; saturates.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads an RFC 3339 time, as CloudTrail (`2026-09-21T10:00:00Z`) and S3 notifications
    /// (`2026-09-21T10:00:00.123Z`) write it.
    ///
    /// # Errors
    /// The text, shortened, when it is not such a time.
    pub fn parse(text: &str) -> Result<Self, ParseTimestampError> {
        text.parse::<jiff::Timestamp>()
            .map(|time| Self(time.as_millisecond()))
            .map_err(|_| ParseTimestampError(text.chars().take(64).collect()))
    }
}

/// A day of UTC, by number since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(i64);

impl Day {
    /// The length of a day, in milliseconds.
    pub const MILLIS: i64 = 24 * 60 * 60 * 1_000;

    /// The day with this number.
    #[must_use]
    pub const fn numbered(number: i64) -> Self {
        Self(number)
    }

    /// The day that `at` lies in.
    #[must_use]
    pub const fn of(at: Timestamp) -> Self {
        Self(at.0.div_euclid(Self::MILLIS))
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The day so many days later; earlier when negative.
    #[must_use]
    pub const fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// When it begins.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(Self::MILLIS))
    }

    /// Whether it is a Saturday or a Sunday.
    #[must_use]
    pub const fn is_weekend(self) -> bool {
        // The epoch was a Thursday.
        matches!(self.0.rem_euclid(7), 2 | 3)
    }
}

impl fmt::Display for Day {
    /// `2026-11-23`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.start().to_string();
        f.write_str(start.split('T').next().unwrap_or(&start))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Day, Timestamp};

    #[test]
    fn a_day_is_called_by_its_date_and_knows_the_weekend() {
        let sunday = Day::of(Timestamp::parse("2026-11-22T23:59:59.999Z").unwrap());
        assert_eq!(sunday.to_string(), "2026-11-22");
        let around: Vec<bool> = (-2..=1).map(|days| sunday.plus(days).is_weekend()).collect();
        assert_eq!(around, [false, true, true, false]);
    }

    #[test]
    fn seconds_and_milliseconds_are_read_alike() {
        let whole = Timestamp::parse("2026-09-21T10:00:00Z").unwrap();
        let exact = Timestamp::parse("2026-09-21T10:00:00.123Z").unwrap();
        assert_eq!(exact.millis_since(whole), 123);
        assert_eq!(exact.to_string(), "2026-09-21T10:00:00.123Z");
    }

    #[test]
    fn what_is_no_time_is_named_in_the_error() {
        let error = Timestamp::parse("yesterday").unwrap_err();
        assert!(error.to_string().contains("\"yesterday\""));
    }
}
