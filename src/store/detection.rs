//! What the store gives to detectors and takes from them. It knows no database, and not what makes
//! a finding.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltrail_core::detect::{Announced, Cell, Expectation, Suspect, Traced, off_because};
use deltrail_core::domain::{
    Actor, Day, Detector, Finding, FindingText, Mode, ProtectionChange, Severity, Source,
    SourceSet, Standing, State, Timestamp,
};

use super::Completeness;

/// How long it takes to know what is usual.
const LEARNING_MILLIS: i64 = 28 * Day::MILLIS;
/// How long after its last change a finding is said to rise still.
const RISING_MILLIS: i64 = 5 * 60 * 1_000;

/// A bucket on a day that something changed on since its findings were made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueDay {
    /// The bucket; empty for what concerns an account as a whole.
    pub bucket: String,
    /// The day.
    pub day: Day,
    /// Which change was the last one.
    pub version: i64,
    /// Whether anything but files of the past changed it.
    pub is_live: bool,
}

/// Cells of a bucket, and who they name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cells {
    /// The cells.
    pub cells: Vec<Cell>,
    /// Their callers.
    pub callers: BTreeMap<i64, Arc<Actor>>,
}

/// What callers did to keys of a bucket, and who they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// What they did, by hour.
    pub traces: Vec<Traced>,
    /// The callers.
    pub callers: BTreeMap<i64, Arc<Actor>>,
}

/// What detectors are given of a bucket around a day, as [`deltrail_core::detect::Input`] has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observations {
    /// Which change of the past of the day was the last one: what was learnt from the past holds as
    /// long as it stays.
    pub past_version: i64,
    /// From two days before the day to two days after.
    pub cells: Vec<Cell>,
    /// The callers of the cells, of the suspects and of what was announced.
    pub callers: BTreeMap<i64, Arc<Actor>>,
    /// Single removals of the day that somebody should look at.
    pub suspects: Vec<Suspect>,
    /// Changes of protection.
    pub changes: Vec<ProtectionChange>,
    /// Bulk calls of the day that no key is known of.
    pub unresolved_calls: u64,
    /// Up to when each source that tells of the bucket is complete.
    pub watermarks: BTreeMap<Source, Timestamp>,
    /// Since when anything was observed.
    pub observed_since: Option<Timestamp>,
    /// What was announced, and what it speaks of.
    pub announced: Vec<Announced>,
}

/// The findings of one bucket on the days that its due days matter to: all there are, made from
/// rows that are at least as new as the versions of the due days.
#[derive(Debug, Clone)]
pub struct Found {
    /// The bucket.
    pub bucket: String,
    /// What they were made for, all of this bucket.
    pub due: Vec<DueDay>,
    /// For each day, the findings that begin on it, each with what becomes of it.
    pub days: BTreeMap<Day, Vec<(Finding, Mode)>>,
    /// Why findings of these days that were known are not among them, by their ids.
    pub withdrawn_because: BTreeMap<String, String>,
    /// Who is told of findings.
    pub notifiers: Vec<String>,
    /// The least severe findings that anybody is told of.
    pub told_from: Severity,
    /// What time it is.
    pub now: Timestamp,
}

/// What came of findings that were to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Whether nobody else had looked at newer rows meanwhile; else nothing was written.
    pub is_current: bool,
    /// The findings that are new or other than before.
    pub changed: Vec<FindingRow>,
}

/// A finding as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRow {
    /// Its id.
    pub id: String,
    /// What was found.
    pub finding: Finding,
    /// What becomes of it.
    pub mode: Mode,
    /// How far it has come.
    pub state: State,
    /// Whether anything but files of the past tells of it.
    pub is_live: bool,
    /// When it was first written.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// When it was resolved or withdrawn.
    pub closed_at: Option<Timestamp>,
    /// Rises with each change that people should see.
    pub revision: i64,
    /// Why it was withdrawn, when it is and whoever did so said it.
    pub withdrawn_because: Option<String>,
}

impl FindingRow {
    /// What becomes of telling it: its mode, or `history`, which is told to nobody.
    #[must_use]
    pub fn telling(&self) -> &'static str {
        if self.is_live { self.mode.as_str() } else { "history" }
    }

    /// What people are told of it, when the sources that tell of its bucket are so complete.
    #[must_use]
    pub fn text(&self, completeness: &Completeness, now: Timestamp) -> FindingText {
        let mut watermarks: BTreeMap<Source, Timestamp> = BTreeMap::new();
        for state in &completeness.sources {
            if let Some(at) = state.watermark_at {
                let lowest = watermarks.entry(state.key.source).or_insert(at);
                *lowest = at.min(*lowest);
            }
        }
        FindingText::of(&self.finding, &self.standing(&watermarks, now))
    }

    /// How far it has come, when the sources that tell of its bucket are so complete.
    #[must_use]
    pub fn standing<'a>(
        &'a self,
        watermarks: &'a BTreeMap<Source, Timestamp>,
        now: Timestamp,
    ) -> Standing<'a> {
        Standing {
            state: self.state,
            is_rising: now.millis_since(self.changed_at) < RISING_MILLIS,
            watermarks,
            withdrawn_because: self.withdrawn_because.as_deref(),
        }
    }
}

/// Which findings to list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// In which bucket.
    pub bucket: Option<String>,
    /// With a principal of this name behind it.
    pub principal: Option<String>,
    /// About keys that begin so, in that bucket: by the keys that it names, or because removals
    /// of such keys are a part of it. Nothing without a bucket.
    pub prefix: Option<String>,
    /// Of which a part was done by the request of this id.
    pub request_id: Option<String>,
    /// That lasted until this event time or longer.
    pub since: Option<Timestamp>,
    /// That began before this event time.
    pub until: Option<Timestamp>,
    /// By this detector.
    pub detector: Option<Detector>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// In this state; `None` for all but withdrawn ones.
    pub state: Option<State>,
    /// Whether those that were withdrawn too, when no state is asked for.
    pub with_withdrawn: bool,
    /// Only those after this one in the list: its end, in milliseconds, and its id.
    pub after: Option<(i64, String)>,
    /// How many at most, at least 1.
    pub limit: usize,
}

impl FindingFilter {
    /// Whether a row fits what the statement did not ask for.
    pub(super) fn fits(&self, row: &FindingRow) -> bool {
        let is_by = |name: &String| row.finding.who.iter().any(|who| who.principal == *name);
        let is_wanted = match self.state {
            Some(state) => row.state == state,
            None => self.with_withdrawn || row.state != State::Withdrawn,
        };
        is_wanted
            && self.detector.is_none_or(|detector| row.finding.detector == detector)
            && self.severity.is_none_or(|severity| row.finding.severity == severity)
            && self.principal.as_ref().is_none_or(is_by)
    }
}

/// Findings that were asked for, and how far that may be believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// The findings, newest first.
    pub rows: Vec<FindingRow>,
    /// Whether there are more than the limit.
    pub has_more: bool,
    /// Up to when the sources have told of the bucket that was asked for, or of all.
    pub completeness: Completeness,
    /// Since when anything was observed: what is usual is learnt from then on.
    pub observed_since: Option<Timestamp>,
    /// Whether it is kept what was done to keys.
    pub has_traces: bool,
}

impl Findings {
    /// The detectors that could find nothing for want of what they look at, and why. None before
    /// anything was observed. Files of the past do not say what is read from now on: as long as
    /// nothing else was read, only what no source could help is off.
    #[must_use]
    pub fn detectors_off(&self) -> Vec<(Detector, &'static str)> {
        if self.observed_since.is_none() {
            return Vec::new();
        }
        // Declared deletes are never complete, and so are not among the sources that are told.
        let told = self.completeness.sources.iter().map(|state| state.key.source);
        let is_history = self.completeness.sources.is_empty();
        let sources: SourceSet = if is_history {
            Source::ALL.into_iter().collect()
        } else {
            told.chain([Source::Intent]).collect()
        };
        let off = |detector: &Detector| {
            Some((*detector, off_because(*detector, sources, self.has_traces)?))
        };
        Detector::ALL.iter().filter_map(off).collect()
    }

    /// Until when too little has been observed to know what is usual; `None` once that is known,
    /// or as long as nothing was observed.
    #[must_use]
    pub fn learning_until(&self, now: Timestamp) -> Option<Timestamp> {
        let since = self.observed_since?;
        let until = Timestamp::from_millis(since.as_millis().saturating_add(LEARNING_MILLIS));
        (until > now).then_some(until)
    }
}

/// Deletions that were announced, and what came of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// What was announced.
    pub expectation: Expectation,
    /// By whom, as far as they said.
    pub said_by: Option<String>,
    /// Whether it stands in the configuration file.
    pub is_configured: bool,
    /// How many removals it speaks of came, more than it covers too; `None` when counting them
    /// would take too long.
    pub came: Option<u64>,
}

impl Expected {
    /// How many of the objects announced came; `None` when counting them would take too long.
    #[must_use]
    pub fn used(&self) -> Option<u64> {
        self.came.map(|came| came.min(self.expectation.objects_max))
    }

    /// How many came beyond them.
    #[must_use]
    pub fn beyond(&self) -> Option<u64> {
        self.came.map(|came| came.saturating_sub(self.expectation.objects_max))
    }
}

/// What became of an announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announcing {
    /// It is kept.
    Kept,
    /// There is one of this name already.
    Known(Expectation),
    /// There are so many for its bucket that are not over.
    TooMany(u64),
}

/// An announcement of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// What is announced.
    pub expectation: Expectation,
    /// Whether it goes on from when it was first kept, rather than from its own beginning.
    pub keeps_since: bool,
}

impl Configured {
    /// How the ids of all of them begin, and of no others.
    pub const ID_PREFIX: &str = "config:";
}

/// Something to be told to somebody, claimed by whoever is to tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What is to be told, as it is now.
    pub row: FindingRow,
    /// To whom.
    pub notifier: String,
    /// Whether they were told of it before.
    pub was_told: bool,
    /// How often it was tried since it last changed, this time included.
    pub attempts: u32,
}

/// How telling somebody ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// They know.
    Told,
    /// It is to be tried again at this time.
    Again(Timestamp),
    /// It will not be tried again.
    GaveUp,
}

/// Somebody who is to be told of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryState {
    /// Who.
    pub notifier: String,
    /// How far that has come.
    pub informed: Informed,
    /// How often it was tried since the finding last changed.
    pub attempts: u32,
}

/// What somebody was told of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Informed {
    /// All there is.
    Fully,
    /// What it was before it last changed.
    Earlier,
    /// Nothing, and it will be tried again.
    NotYet,
    /// Not the last change, and it will not be tried again.
    GaveUp,
}
