//! Findings and announcements as JSON: the names that programs rely on, in answers of the API and
//! of the command line. Times are RFC 3339 in UTC. It asks nothing.

use deltrail_core::detect::Expectation;
use deltrail_core::domain::{Reason, Timestamp, Who, title};
use serde::Serialize;

use crate::store::{Completeness, Expected, FindingRow, Findings, SourceState};

/// One finding.
#[derive(Debug, Serialize)]
pub struct ToldFinding<'a> {
    id: &'a str,
    detector: &'static str,
    severity: &'static str,
    /// `live`, or `dry_run`: nobody is told.
    mode: &'static str,
    state: &'static str,
    /// Null when it is about an account as a whole.
    bucket: Option<&'a str>,
    title: String,
    /// The first 5-minute window's beginning, by event time.
    first_at: String,
    last_at: String,
    opened_at: String,
    changed_at: String,
    closed_at: Option<String>,
    /// Rises with each change.
    revision: i64,
    /// Why it was withdrawn, by its numbers then and now; null otherwise.
    withdrawn_because: Option<&'a str>,
    /// Whether only files of the past tell of it; nobody was told then.
    is_history: bool,
    reason: &'a Reason,
    /// How many principals are behind it, of whom `who` names the first.
    principals: u64,
    who: &'a [Who],
    removed: Removed,
    denied: u64,
    origins: &'a [String],
    user_agents: &'a [String],
    related: Vec<&'static str>,
    notes: &'a [String],
    prefixes: &'a [String],
    sample_keys: &'a [String],
}

#[derive(Debug, Serialize)]
struct Removed {
    total: u64,
    markers: u64,
    versions: u64,
    objects: u64,
    unknown: u64,
}

impl<'a> ToldFinding<'a> {
    /// What is told of a row.
    #[must_use]
    pub fn of(row: &'a FindingRow) -> Self {
        let finding = &row.finding;
        let tally = &finding.tally;
        Self {
            id: &row.id,
            detector: finding.detector.as_str(),
            severity: finding.severity.as_str(),
            mode: row.mode.as_str(),
            state: row.state.as_str(),
            bucket: Some(finding.bucket.as_str()).filter(|bucket| !bucket.is_empty()),
            title: title(finding, row.state),
            first_at: finding.first_at.to_string(),
            last_at: finding.last_at.to_string(),
            opened_at: row.opened_at.to_string(),
            changed_at: row.changed_at.to_string(),
            closed_at: row.closed_at.map(|at| at.to_string()),
            revision: row.revision,
            withdrawn_because: row.withdrawn_because.as_deref(),
            is_history: !row.is_live,
            reason: &finding.reason,
            principals: finding.principals,
            who: &finding.who,
            removed: Removed {
                total: tally.removed(),
                markers: tally.markers,
                versions: tally.versions,
                objects: tally.objects,
                unknown: tally.unknown,
            },
            denied: tally.denied,
            origins: &finding.origins,
            user_agents: &finding.agents,
            related: finding.related.iter().map(|detector| detector.as_str()).collect(),
            notes: &finding.notes,
            prefixes: &finding.prefixes,
            sample_keys: &finding.sample_keys,
        }
    }
}

/// One finding and all that people are told of it.
#[derive(Debug, Serialize)]
pub struct WholeFinding<'a> {
    #[serde(flatten)]
    finding: ToldFinding<'a>,
    /// Several lines, as everybody is told it.
    text: String,
    completeness: ToldCompleteness<'a>,
    observed_since: Option<String>,
    learning_until: Option<String>,
}

impl<'a> WholeFinding<'a> {
    /// What is told of the only finding of an answer; `None` when there is none.
    #[must_use]
    pub fn of(found: &'a Findings, now: Timestamp) -> Option<Self> {
        let row = found.rows.first()?;
        Some(Self {
            finding: ToldFinding::of(row),
            text: row.text(&found.completeness, now).lines(),
            completeness: ToldCompleteness::of(&found.completeness),
            observed_since: found.observed_since.map(|at| at.to_string()),
            learning_until: found.learning_until(now).map(|at| at.to_string()),
        })
    }
}

/// A detector that cannot look.
#[derive(Debug, Serialize)]
pub struct DetectorOff {
    detector: &'static str,
    because: &'static str,
}

impl DetectorOff {
    /// Those of this answer.
    #[must_use]
    pub fn all_of(found: &Findings) -> Vec<Self> {
        let off = found.detectors_off().into_iter();
        off.map(|(detector, because)| Self { detector: detector.as_str(), because }).collect()
    }
}

/// Up to when what an answer rests on is complete.
#[derive(Debug, Serialize)]
pub struct ToldCompleteness<'a> {
    bucket: Option<&'a str>,
    complete_until: Option<String>,
    sources: Vec<ToldSource<'a>>,
}

#[derive(Debug, Serialize)]
struct ToldSource<'a> {
    source: &'static str,
    account: &'a str,
    region: &'a str,
    complete_until: Option<String>,
    last_delivery_at: Option<String>,
    is_silent: bool,
}

impl<'a> ToldCompleteness<'a> {
    /// What is told of it.
    #[must_use]
    pub fn of(completeness: &'a Completeness) -> Self {
        Self {
            bucket: completeness.bucket.as_deref(),
            complete_until: completeness.until.map(|at| at.to_string()),
            sources: completeness.sources.iter().map(ToldSource::of).collect(),
        }
    }
}

impl<'a> ToldSource<'a> {
    fn of(state: &'a SourceState) -> Self {
        Self {
            source: state.key.source.as_str(),
            account: &state.key.account,
            region: &state.key.region,
            complete_until: state.watermark_at.map(|at| at.to_string()),
            last_delivery_at: state.last_delivery_at.map(|at| at.to_string()),
            is_silent: state.is_silent,
        }
    }
}

/// Deletions that were announced.
#[derive(Debug, Serialize)]
pub struct ToldExpectation<'a> {
    id: &'a str,
    principal: Option<&'a str>,
    bucket: &'a str,
    prefix: &'a str,
    since: String,
    until: String,
    max_objects: u64,
}

impl<'a> ToldExpectation<'a> {
    /// What is told of it.
    #[must_use]
    pub fn of(expectation: &'a Expectation) -> Self {
        Self {
            id: &expectation.id,
            principal: expectation.principal.as_deref(),
            bucket: &expectation.bucket,
            prefix: &expectation.prefix,
            since: expectation.since.to_string(),
            until: expectation.until.to_string(),
            max_objects: expectation.objects_max,
        }
    }
}

/// The same with what came of it.
#[derive(Debug, Serialize)]
pub struct ListedExpectation<'a> {
    #[serde(flatten)]
    told: ToldExpectation<'a>,
    by: Option<&'a str>,
    /// Whether it stands in the configuration file.
    is_configured: bool,
    /// How many of the objects came; null when counting them would take too long.
    used: Option<u64>,
    /// How many came beyond them.
    beyond: Option<u64>,
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
            by: expected.said_by.as_deref(),
            is_configured: expected.is_configured,
            used: expected.used(),
            beyond: expected.beyond(),
        }
    }
}
