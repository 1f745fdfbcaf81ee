//! What every detector looks at: one bucket around one day, put in order once. It judges nothing;
//! it makes findings out of what detectors saw.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::Input;
use super::announced::unannounced;
use super::baseline::{Baseline, Baselines};
use super::cell::{Cell, Counts, Window};
use super::limits::{Knowledge, LEARNING_DAYS};
use super::origin::{agent_family, network, number_of};
use super::series::Series;
use super::subject::{Subject, Subjects, sessions};
use crate::domain::{Day, Detector, Finding, Reason, Severity, Tally, Who};

/// How many principals, networks and families a finding tells.
const TOLD_MAX: usize = 5;

/// One bucket around one day.
pub(super) struct Scene<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) baselines: &'a Baselines,
    subjects: Subjects,
    /// Without what was announced, in the order of windows and callers.
    cells: Vec<Cell>,
    bucket: Series,
    principals: Vec<Series>,
    /// Of callers that belong to no principal.
    nameless: Series,
}

/// Whom a series is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// The bucket as a whole.
    Bucket,
    /// The callers of whom no more than an account is known.
    Nameless,
    /// A principal, by its index.
    Principal(usize),
}

impl<'a> Scene<'a> {
    pub(super) fn new(baselines: &'a Baselines, input: &'a Input<'a>) -> Self {
        let subjects = Subjects::of(input.callers);
        let mut scene = Self {
            principals: vec![Series::default(); subjects.all().len()],
            cells: unannounced(input),
            bucket: Series::default(),
            nameless: Series::default(),
            input,
            baselines,
            subjects,
        };
        for cell in &scene.cells {
            scene.bucket.add(cell.window, cell.counts);
            let of = scene.subjects.of_caller(cell.caller);
            let series = of.and_then(|index| scene.principals.get_mut(index));
            series.unwrap_or(&mut scene.nameless).add(cell.window, cell.counts);
        }
        scene
    }

    /// How well the past of this day is known.
    pub(super) fn knowledge(&self, day: Day) -> Knowledge {
        Knowledge::after(self.days_observed(day))
    }

    /// For how many days the bucket was observed before this day.
    pub(super) fn days_observed(&self, day: Day) -> i64 {
        day.number() - Day::of(self.input.observed_since).number()
    }

    /// Every principal that did something.
    pub(super) fn principals(&self) -> impl Iterator<Item = Of> + '_ {
        let active = self.principals.iter().enumerate();
        active.filter(|(_, series)| !series.windows().is_empty()).map(|(at, _)| Of::Principal(at))
    }

    pub(super) fn series(&self, of: Of) -> &Series {
        match of {
            Of::Bucket => &self.bucket,
            Of::Nameless => &self.nameless,
            Of::Principal(index) => &self.principals[index],
        }
    }

    /// What is usual; `None` for a principal that did nothing in 28 days.
    pub(super) fn baseline(&self, of: Of) -> Option<&'a Baseline> {
        match of {
            Of::Bucket | Of::Nameless => Some(self.baselines.bucket()),
            Of::Principal(index) => self.baselines.principal(&self.subjects.all()[index].id),
        }
    }

    pub(super) fn subject(&self, of: Of) -> Option<&Subject> {
        match of {
            Of::Bucket | Of::Nameless => None,
            Of::Principal(index) => self.subjects.all().get(index),
        }
    }

    /// The cells of a series within these windows, both included.
    fn cells(&self, of: Of, first: Window, last: Window) -> impl Iterator<Item = &Cell> {
        let begin = self.cells.partition_point(|cell| cell.window < first);
        let cells = self.cells[begin..].iter().take_while(move |cell| cell.window <= last);
        cells.filter(move |cell| {
            let subject = self.subjects.of_caller(cell.caller);
            match of {
                Of::Bucket => true,
                Of::Nameless => subject.is_none(),
                Of::Principal(index) => subject == Some(index),
            }
        })
    }

    /// A finding about what a series did from one window to another, both included.
    pub(super) fn finding(
        &self,
        detector: Detector,
        of: Of,
        (first, last): (Window, Window),
        severity: Severity,
        reason: Reason,
    ) -> Finding {
        let number = number_behind(detector);
        let cells: Vec<&Cell> =
            self.cells(of, first, last).filter(|cell| number(&cell.counts) > 0).collect();
        let mut tally = Counts::default();
        for cell in &cells {
            tally += cell.counts;
        }
        let (who, principals) = self.who(&cells, number);
        let actors = || cells.iter().filter_map(|cell| self.input.callers.get(&cell.caller));
        let bounds = cells.iter().map(|cell| cell.window);
        let first = bounds.clone().min().unwrap_or(first);
        let last = bounds.max().unwrap_or(last);
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
fn number_behind(detector: Detector) -> fn(&Counts) -> i64 {
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
    let new = new.into_iter().map(|name| format!("{name} (new)"));
    let mut told: Vec<String> = new.chain(known).take(TOLD_MAX).collect();
    told.sort_unstable();
    told
}

/// A count as it is told.
pub(super) fn unsigned(count: i64) -> u64 {
    count.max(0).cast_unsigned()
}
