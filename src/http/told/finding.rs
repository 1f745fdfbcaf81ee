//! Findings as JSON: the names that programs rely on, in answers of the API and of the command
//! line. What was told reads back as what it was told of, but for what nobody is told. It asks
//! nothing.

use deltrail_core::domain::{
    Day, Detector, Finding, Mode, Reason, Severity, State, Tally, Timestamp, Who, title,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::completeness::ToldCompleteness;
use super::values::{Text, Time, Word, owned, told};
use crate::store::{FindingRow, Findings};

/// One finding.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ToldFinding<'a> {
    /// Its id: 16 hexadecimal digits.
    pub id: Text<'a>,
    /// What found it.
    pub detector: Word<Detector>,
    /// How soon somebody has to look.
    pub severity: Word<Severity>,
    /// `live`, or `dry_run`: nobody is told.
    pub mode: Word<Mode>,
    /// How far it has come.
    pub state: Word<State>,
    /// Null when it is about an account as a whole.
    pub bucket: Option<Text<'a>>,
    /// One line.
    pub title: String,
    /// The first 5-minute window's beginning, by event time.
    pub first_at: Time,
    /// The last window's end.
    pub last_at: Time,
    /// When it was found.
    pub opened_at: Time,
    /// When it last changed.
    pub changed_at: Time,
    /// When it was resolved or withdrawn.
    pub closed_at: Option<Time>,
    /// Rises with each change.
    pub revision: i64,
    /// Why it was withdrawn, by its numbers then and now; null otherwise.
    pub withdrawn_because: Option<Text<'a>>,
    /// Whether only files of the past tell of it; nobody was told then.
    pub is_history: bool,
    /// Why it is unusual.
    pub reason: ToldReason<'a>,
    /// How many principals are behind it, of whom `who` names the first.
    pub principals: u64,
    /// Those behind it, most removals first.
    pub who: Vec<ToldWho<'a>>,
    /// How much was removed.
    pub removed: Removed,
    /// How many requests were refused.
    pub denied: u64,
    /// Networks that it came from.
    pub origins: Vec<Text<'a>>,
    /// Families of user agents.
    pub user_agents: Vec<Text<'a>>,
    /// Other detectors that found something in the bucket on this day.
    pub related: Vec<Word<Detector>>,
    /// Further sentences.
    pub notes: Vec<Text<'a>>,
    /// What the keys begin with, most keys first.
    pub prefixes: Vec<Text<'a>>,
    /// Some of the keys.
    pub sample_keys: Vec<Text<'a>>,
}

/// Why a finding is unusual, and against what.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ToldReason<'a> {
    /// What was seen: removals, requests, keys or seconds.
    pub observed: u64,
    /// What it passed.
    pub threshold: u64,
    /// What was usual before.
    pub baseline: u64,
    /// The sentence.
    pub sentence: Text<'a>,
}

/// Somebody behind a finding.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ToldWho<'a> {
    /// The role without its session, the user, the account or the service.
    pub principal: Text<'a>,
    /// The sessions of a role, at most 3.
    pub sessions: Vec<Text<'a>>,
    /// What they removed, or tried to.
    pub objects: u64,
}

/// How much was removed, by what became of it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Removed {
    /// All of it.
    pub total: u64,
    /// Delete markers that were put on top.
    pub markers: u64,
    /// Named versions, for good.
    pub versions: u64,
    /// Objects of buckets without versions, for good.
    pub objects: u64,
    /// Of a kind that no source tells yet.
    pub unknown: u64,
}

fn texts(texts: &[String]) -> Vec<Text<'_>> {
    texts.iter().map(|text| Text::Borrowed(text.as_str())).collect()
}

fn strings(texts: &[Text<'_>]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

impl<'a> ToldFinding<'a> {
    /// What is told of a row.
    #[must_use]
    pub fn of(row: &'a FindingRow) -> Self {
        let finding = &row.finding;
        let (tally, reason) = (&finding.tally, &finding.reason);
        Self {
            id: Text::Borrowed(&row.id),
            detector: Word(finding.detector),
            severity: Word(finding.severity),
            mode: Word(row.mode),
            state: Word(row.state),
            bucket: told(Some(finding.bucket.as_str()).filter(|bucket| !bucket.is_empty())),
            title: title(finding, row.state),
            first_at: Time(finding.first_at),
            last_at: Time(finding.last_at),
            opened_at: Time(row.opened_at),
            changed_at: Time(row.changed_at),
            closed_at: row.closed_at.map(Time),
            revision: row.revision,
            withdrawn_because: told(row.withdrawn_because.as_deref()),
            is_history: !row.is_live,
            reason: ToldReason {
                observed: reason.observed,
                threshold: reason.threshold,
                baseline: reason.baseline,
                sentence: Text::Borrowed(&reason.sentence),
            },
            principals: finding.principals,
            who: finding.who.iter().map(ToldWho::of).collect(),
            removed: Removed {
                total: tally.removed(),
                markers: tally.markers,
                versions: tally.versions,
                objects: tally.objects,
                unknown: tally.unknown,
            },
            denied: tally.denied,
            origins: texts(&finding.origins),
            user_agents: texts(&finding.agents),
            related: finding.related.iter().copied().map(Word).collect(),
            notes: texts(&finding.notes),
            prefixes: texts(&finding.prefixes),
            sample_keys: texts(&finding.sample_keys),
        }
    }

    /// The row that it was told of.
    #[must_use]
    pub fn row(&self) -> FindingRow {
        let (removed, reason) = (&self.removed, &self.reason);
        let finding = Finding {
            detector: self.detector.0,
            bucket: self.bucket.as_deref().unwrap_or_default().to_owned(),
            subject: String::new(),
            day: Day::of(self.first_at.0),
            severity: self.severity.0,
            who: self.who.iter().map(ToldWho::who).collect(),
            principals: self.principals,
            tally: Tally {
                markers: removed.markers,
                versions: removed.versions,
                objects: removed.objects,
                unknown: removed.unknown,
                denied: self.denied,
            },
            reason: Reason {
                observed: reason.observed,
                threshold: reason.threshold,
                baseline: reason.baseline,
                sentence: reason.sentence.to_string(),
            },
            first_at: self.first_at.0,
            last_at: self.last_at.0,
            origins: strings(&self.origins),
            agents: strings(&self.user_agents),
            related: self.related.iter().map(|detector| detector.0).collect(),
            notes: strings(&self.notes),
            prefixes: strings(&self.prefixes),
            sample_keys: strings(&self.sample_keys),
        };
        FindingRow {
            id: self.id.to_string(),
            finding,
            mode: self.mode.0,
            state: self.state.0,
            is_live: !self.is_history,
            opened_at: self.opened_at.0,
            changed_at: self.changed_at.0,
            closed_at: self.closed_at.map(|at| at.0),
            revision: self.revision,
            withdrawn_because: owned(self.withdrawn_because.as_ref()),
        }
    }
}

impl<'a> ToldWho<'a> {
    fn of(who: &'a Who) -> Self {
        Self {
            principal: Text::Borrowed(&who.principal),
            sessions: texts(&who.sessions),
            objects: who.objects,
        }
    }

    fn who(&self) -> Who {
        Who {
            principal: self.principal.to_string(),
            sessions: strings(&self.sessions),
            objects: self.objects,
        }
    }
}

/// Findings, newest first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct FindingList<'a> {
    /// The findings.
    pub findings: Vec<ToldFinding<'a>>,
    /// Whether there are more.
    pub has_more: bool,
    /// What to ask for the next ones with; null when there are none. Opaque.
    pub next_cursor: Option<String>,
    /// Since when anything was observed.
    pub observed_since: Option<Time>,
    /// Null once enough was observed to know what is usual.
    pub learning_until: Option<Time>,
    /// Those that could find nothing for want of what they look at.
    #[serde(skip_deserializing)]
    pub detectors_off: Vec<DetectorOff>,
    /// Whether it is kept which keys were read.
    pub has_traces: bool,
    /// How far that may be believed.
    pub completeness: ToldCompleteness<'a>,
}

impl<'a> FindingList<'a> {
    /// What is told of an answer.
    #[must_use]
    pub fn of(found: &'a Findings, now: Timestamp) -> Self {
        let last = found.rows.last().filter(|_| found.has_more);
        Self {
            findings: found.rows.iter().map(ToldFinding::of).collect(),
            has_more: found.has_more,
            next_cursor: last.map(cursor_after),
            observed_since: found.observed_since.map(Time),
            learning_until: found.learning_until(now).map(Time),
            detectors_off: DetectorOff::all_of(found),
            has_traces: found.has_traces,
            completeness: ToldCompleteness::of(&found.completeness),
        }
    }

    /// The answer that it was told of.
    #[must_use]
    pub fn answer(&self) -> Findings {
        Findings {
            rows: self.findings.iter().map(ToldFinding::row).collect(),
            has_more: self.has_more,
            completeness: self.completeness.completeness(),
            observed_since: self.observed_since.map(|at| at.0),
            has_traces: self.has_traces,
        }
    }
}

/// The place after a finding: its end and its id, so that what is found meanwhile moves nothing.
pub(in crate::http) fn cursor_after(row: &FindingRow) -> String {
    let end_millis = row.finding.last_at.as_millis();
    format!("{:016x}{}", end_millis.cast_unsigned(), row.id)
}

/// One finding and all that people are told of it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct WholeFinding<'a> {
    /// The finding.
    #[serde(flatten)]
    pub finding: ToldFinding<'a>,
    /// Several lines, as everybody is told it.
    pub text: String,
    /// How far that may be believed.
    pub completeness: ToldCompleteness<'a>,
    /// Since when anything was observed.
    pub observed_since: Option<Time>,
    /// Null once enough was observed to know what is usual.
    pub learning_until: Option<Time>,
    /// Whether it is kept which keys were read.
    pub has_traces: bool,
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
            observed_since: found.observed_since.map(Time),
            learning_until: found.learning_until(now).map(Time),
            has_traces: found.has_traces,
        })
    }

    /// The answer that it was told of.
    #[must_use]
    pub fn answer(&self) -> Findings {
        Findings {
            rows: vec![self.finding.row()],
            has_more: false,
            completeness: self.completeness.completeness(),
            observed_since: self.observed_since.map(|at| at.0),
            has_traces: self.has_traces,
        }
    }
}

/// A detector that cannot look.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DetectorOff {
    /// Which one.
    pub detector: Word<Detector>,
    /// Why.
    pub because: &'static str,
}

impl DetectorOff {
    /// Those of this answer.
    #[must_use]
    pub fn all_of(found: &Findings) -> Vec<Self> {
        let off = found.detectors_off().into_iter();
        off.map(|(detector, because)| Self { detector: Word(detector), because }).collect()
    }
}
