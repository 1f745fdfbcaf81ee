//! What the store gives to detectors and takes from them. It knows no database, and not what makes
//! a finding.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltrail_core::detect::{Announced, Cell, Suspect};
use deltrail_core::domain::{
    Actor, Day, Finding, Mode, ProtectionChange, Severity, Source, State, Timestamp,
};

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

/// What detectors are given of a bucket around a day, as [`deltrail_core::detect::Input`] has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observations {
    /// From two days before the day to the day after.
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
}

/// Which findings to list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// In which bucket.
    pub bucket: Option<String>,
    /// With a principal of this name behind it.
    pub principal: Option<String>,
    /// That lasted until this event time or longer.
    pub since: Option<Timestamp>,
    /// That began before this event time.
    pub until: Option<Timestamp>,
    /// Whether only open ones.
    pub is_open_only: bool,
    /// Whether those that were withdrawn too.
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
        (self.with_withdrawn || row.state != State::Withdrawn)
            && self.principal.as_ref().is_none_or(is_by)
    }
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
