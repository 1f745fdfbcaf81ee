//! Announcements as JSON. What was told reads back as what it was told of. It asks nothing.

use deltrail_core::detect::Expectation;
use deltrail_core::domain::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{Text, Time, owned, told};
use crate::store::Expected;

/// Deletions that were announced.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ToldExpectation<'a> {
    /// What tells it from the others.
    pub id: Text<'a>,
    /// By whom they will be; null for anybody.
    pub principal: Option<Text<'a>>,
    /// Where they will be.
    pub bucket: Text<'a>,
    /// How their keys begin; empty for all keys.
    pub prefix: Text<'a>,
    /// From when on.
    pub since: Time,
    /// Until when.
    pub until: Time,
    /// How many at most.
    pub max_objects: u64,
}

impl<'a> ToldExpectation<'a> {
    /// What is told of it.
    #[must_use]
    pub fn of(expectation: &'a Expectation) -> Self {
        Self {
            id: Text::Borrowed(&expectation.id),
            principal: told(expectation.principal.as_deref()),
            bucket: Text::Borrowed(&expectation.bucket),
            prefix: Text::Borrowed(&expectation.prefix),
            since: Time(expectation.since),
            until: Time(expectation.until),
            max_objects: expectation.objects_max,
        }
    }
}

/// The same with what came of it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListedExpectation<'a> {
    /// What was announced.
    #[serde(flatten)]
    pub told: ToldExpectation<'a>,
    /// By whom it was, as far as they said.
    pub by: Option<Text<'a>>,
    /// Whether it stands in the configuration file.
    pub is_configured: bool,
    /// How many of the objects came; null when counting them would take too long.
    pub used: Option<u64>,
    /// How many came beyond them.
    pub beyond: Option<u64>,
}

impl<'a> ListedExpectation<'a> {
    /// As many are listed at most.
    pub const MAX: usize = 1_000;

    /// What ended at this time or later is listed: for 31 days after its end.
    #[must_use]
    pub fn listed_from(now: Timestamp) -> Timestamp {
        const LISTED_MILLIS: i64 = 31 * 24 * 60 * 60 * 1_000;
        Timestamp::from_millis(now.as_millis().saturating_sub(LISTED_MILLIS))
    }

    /// What is told of it.
    #[must_use]
    pub fn of(expected: &'a Expected) -> Self {
        Self {
            told: ToldExpectation::of(&expected.expectation),
            by: told(expected.said_by.as_deref()),
            is_configured: expected.is_configured,
            used: expected.used(),
            beyond: expected.beyond(),
        }
    }

    /// What it was told of.
    #[must_use]
    pub fn expected(&self) -> Expected {
        let told = &self.told;
        Expected {
            expectation: Expectation {
                id: told.id.to_string(),
                principal: owned(told.principal.as_ref()),
                bucket: told.bucket.to_string(),
                prefix: told.prefix.to_string(),
                since: told.since.0,
                until: told.until.0,
                objects_max: told.max_objects,
            },
            said_by: owned(self.by.as_ref()),
            is_configured: self.is_configured,
            came: self.used.map(|used| used + self.beyond.unwrap_or_default()),
        }
    }
}

/// What was announced and is not over for long.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExpectationList<'a> {
    /// First what ends last.
    pub expectations: Vec<ListedExpectation<'a>>,
}

impl<'a> ExpectationList<'a> {
    /// What is told of these.
    #[must_use]
    pub fn of(listed: &'a [Expected]) -> Self {
        Self { expectations: listed.iter().map(ListedExpectation::of).collect() }
    }
}
