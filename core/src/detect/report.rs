//! Findings made out of what detectors saw: who, from where, how much, and from when to when. It
//! judges nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Suspect;
use super::cell::{Cell, Counts, Window};
use super::limits::LEARNING_DAYS;
use super::origin::{agent_family, network, number_of};
use super::scene::{Of, Scene, unsigned};
use super::subject::sessions;
use crate::domain::{Actor, Day, Detector, Finding, Reason, Severity, Tally, Timestamp, Who};

/// How many principals, networks, families and keys a finding tells.
const TOLD_MAX: usize = 5;
/// What is after the name of a network or a program that was never seen before.
pub(super) const NEW_SUFFIX: &str = " (new)";

impl Scene<'_> {
    /// A finding about what a series did from one window to another, both included.
    pub(super) fn finding(
        &self,
        detector: Detector,
        of: Of,
        bounds: (Window, Window),
        severity: Severity,
        reason: Reason,
    ) -> Finding {
        let cells: Vec<&Cell> = self.cells(of, bounds).collect();
        self.finding_of(detector, of, &cells, severity, reason)
    }

    /// A finding about these cells of a series.
    pub(super) fn finding_of(
        &self,
        detector: Detector,
        of: Of,
        cells: &[&Cell],
        severity: Severity,
        reason: Reason,
    ) -> Finding {
        let number = number_behind(detector);
        let cells: Vec<&Cell> =
            cells.iter().copied().filter(|cell| number(&cell.counts) > 0).collect();
        let mut tally = Counts::default();
        for cell in &cells {
            tally += cell.counts;
        }
        let (who, principals) = self.who(&cells, number);
        let actors = || cells.iter().filter_map(|cell| self.input.callers.get(&cell.caller));
        let bounds = cells.iter().map(|cell| cell.window);
        let today = Window::of(self.input.day.start());
        let first = bounds.clone().min().unwrap_or(today);
        let last = bounds.max().unwrap_or(today);
        let origins = actors().filter_map(|actor| network(actor)).collect();
        let agents = actors().filter_map(|actor| agent_family(actor)).collect();
        let known = self.baseline(of).unwrap_or(self.baselines.bucket());
        Finding {
            detector,
            bucket: self.input.bucket.to_owned(),
            subject: self.subject(of).map_or_else(String::new, |subject| subject.id.clone()),
            day: self.input.day,
            severity,
            who,
            principals,
            tally: tally_of(&tally),
            reason,
            first_at: first.start(),
            last_at: last.end(),
            origins: told(origins, |it| known.origins.is_new(it)),
            agents: told(agents, |it| known.agents.is_new(it)),
            related: Vec::new(),
            notes: self.learning().into_iter().collect(),
            sample_keys: Vec::new(),
            prefixes: Vec::new(),
        }
    }

    /// A finding about single removals of a principal; it tells the first keys of them.
    pub(super) fn finding_of_suspects(
        &self,
        detector: Detector,
        of: Of,
        suspects: &[&Suspect],
        severity: Severity,
        reason: Reason,
    ) -> Finding {
        let mut suspects = suspects.to_vec();
        suspects.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
        let mut keys: Vec<String> = Vec::new();
        for suspect in &suspects {
            if keys.len() < TOLD_MAX && !keys.contains(&suspect.key) {
                keys.push(suspect.key.clone());
            }
        }
        let midnight = self.input.day.start();
        let times = (
            suspects.first().map_or(midnight, |suspect| suspect.at),
            suspects.last().map_or(midnight, |suspect| suspect.at),
        );
        let callers: BTreeSet<i64> = suspects.iter().filter_map(|it| it.caller).collect();
        let actors: Vec<&Arc<Actor>> =
            callers.iter().filter_map(|caller| self.input.callers.get(caller)).collect();
        let who = self.subject(of).map(|subject| Who {
            principal: subject.name.clone(),
            sessions: sessions(actors.iter().copied()),
            objects: suspects.len() as u64,
        });
        let known = self.baseline(of).unwrap_or(self.baselines.bucket());
        let origins = actors.iter().filter_map(|actor| network(actor)).collect();
        let agents = actors.iter().filter_map(|actor| agent_family(actor)).collect();
        let unknown = if detector == Detector::UnfulfilledIntent { 0 } else { suspects.len() };
        Finding {
            subject: self.subject(of).map_or_else(String::new, |subject| subject.id.clone()),
            principals: u64::from(who.is_some()),
            who: who.into_iter().collect(),
            tally: Tally { unknown: unknown as u64, ..Tally::default() },
            origins: told(origins, |it| known.origins.is_new(it)),
            agents: told(agents, |it| known.agents.is_new(it)),
            sample_keys: keys,
            ..self.finding_at(detector, times, severity, reason)
        }
    }

    /// A finding about events that are no removals; about nobody until it is said.
    pub(super) fn finding_at(
        &self,
        detector: Detector,
        (first_at, last_at): (Timestamp, Timestamp),
        severity: Severity,
        reason: Reason,
    ) -> Finding {
        Finding {
            detector,
            bucket: self.input.bucket.to_owned(),
            subject: String::new(),
            day: self.input.day,
            severity,
            who: Vec::new(),
            principals: 0,
            tally: Tally::default(),
            reason,
            first_at,
            last_at,
            origins: Vec::new(),
            agents: Vec::new(),
            related: Vec::new(),
            notes: Vec::new(),
            prefixes: Vec::new(),
            sample_keys: Vec::new(),
        }
    }

    /// Until when the bucket is learnt, while it is.
    fn learning(&self) -> Option<String> {
        let until = Day::of(self.input.observed_since).plus(LEARNING_DAYS);
        (self.input.day < until).then(|| format!("learning until {until}"))
    }

    /// The principals behind cells, most first, and how many they are.
    fn who(&self, cells: &[&Cell], number: fn(&Counts) -> i64) -> (Vec<Who>, u64) {
        let mut by_subject: BTreeMap<usize, (i64, BTreeSet<i64>)> = BTreeMap::new();
        for cell in cells {
            if let Some(subject) = self.subjects.of_caller(cell.caller) {
                let (objects, callers) = by_subject.entry(subject).or_default();
                *objects = objects.saturating_add(number(&cell.counts));
                callers.insert(cell.caller);
            }
        }
        let principals = by_subject.len() as u64;
        let mut who: Vec<Who> = by_subject
            .into_iter()
            .filter_map(|(subject, behind)| Some((self.subjects.all().get(subject)?, behind)))
            .map(|(subject, (objects, callers))| Who {
                principal: subject.name.clone(),
                sessions: sessions(callers.iter().filter_map(|it| self.input.callers.get(it))),
                objects: unsigned(objects),
            })
            .collect();
        who.sort_by(|a, b| (Reverse(a.objects), a).cmp(&(Reverse(b.objects), b)));
        who.truncate(TOLD_MAX);
        (who, principals)
    }
}

/// The number that a detector looks at.
pub(super) fn number_behind(detector: Detector) -> fn(&Counts) -> i64 {
    match detector {
        Detector::DeleteDenied => |counts| counts.denied,
        Detector::LifecycleSurge => |counts| counts.lifecycle,
        Detector::VersionPurge => |counts| counts.versions,
        _ => |counts| counts.removed,
    }
}

fn tally_of(counts: &Counts) -> Tally {
    let known = counts.markers + counts.versions + counts.objects;
    Tally {
        markers: unsigned(counts.markers),
        versions: unsigned(counts.versions),
        objects: unsigned(counts.objects),
        unknown: unsigned(counts.removed - known),
        denied: unsigned(counts.denied),
    }
}

/// Names in order, as many as are told, those that are new before others and with a word for it.
fn told(names: BTreeSet<String>, is_new: impl Fn(u32) -> bool) -> Vec<String> {
    let (new, known): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| is_new(number_of(name)));
    let new = new.into_iter().map(|name| format!("{name}{NEW_SUFFIX}"));
    let mut told: Vec<String> = new.chain(known).take(TOLD_MAX).collect();
    told.sort_unstable();
    told
}
