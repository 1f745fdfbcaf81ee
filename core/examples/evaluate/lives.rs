//! A bucket's life as detectors and rivals see it, with or without an attack. It scores nothing.

use std::collections::BTreeMap;

use deltrail_core::detect::{
    Announced, Baselines, Cell, Expectation, Input, Sensitivity, Settings, TRACED_DAYS, Traced,
    detect_with,
};
use deltrail_core::domain::{Day, Detector, Finding, Mode, ProtectionChange, Severity};

use crate::attacks::Underway;
use crate::background::{Bucket, DAYS, FIRST_DAY};

/// A bucket with its cells by day.
pub struct Life {
    pub bucket: Bucket,
    by_day: Vec<Vec<Cell>>,
    announced: Vec<Announced>,
    settings: Settings,
}

impl Life {
    pub fn new(bucket: Bucket) -> Self {
        Self::with(bucket, Sensitivity::Normal)
    }

    pub fn with(bucket: Bucket, sensitivity: Sensitivity) -> Self {
        let mut by_day = vec![Vec::new(); DAYS as usize];
        for cell in &bucket.cells {
            let day = (cell.window.day().number() - FIRST_DAY.number()) as usize;
            by_day[day].push(*cell);
        }
        let modes = [(Detector::ReadThenDestroy, Mode::Live)].into();
        let settings = Settings { sensitivity, modes, ..Settings::default() };
        Self { bucket, by_day, announced: Vec::new(), settings }
    }

    /// A bucket of whose deletions some were announced.
    pub fn announcing(bucket: Bucket, expectation: Option<Expectation>) -> Self {
        let announce = |expectation: Expectation| {
            let name = expectation.principal.clone().unwrap_or_default();
            let is_by = |caller: &i64| {
                let actor = &bucket.callers[caller];
                actor.principal().is_some_and(|it| it.name == name)
            };
            let cells = bucket.cells.iter().filter(|cell| is_by(&cell.caller)).copied().collect();
            Announced { expectation, cells }
        };
        let announced = expectation.into_iter().map(announce).collect();
        Self { announced, ..Self::new(bucket) }
    }

    fn traces(&self, first: i64, last: i64) -> Vec<Traced> {
        let days = FIRST_DAY.plus(first)..=FIRST_DAY.plus(last);
        let traces = self.bucket.traces.iter();
        traces.filter(|it| days.contains(&Day::of(it.hour.start()))).cloned().collect()
    }

    fn days(&self, first: i64, last: i64) -> Vec<Cell> {
        let days = first.max(0)..=last.min(DAYS - 1);
        days.flat_map(|day| self.by_day[day as usize].iter().copied()).collect()
    }

    /// What is usual on a day.
    pub fn baselines(&self, day: i64) -> Baselines {
        let past = self.days(0, day - 2);
        let traces = self.traces(day - TRACED_DAYS, day - 2);
        let baselines = |input: &Input<'_>| {
            Baselines::of(&Input { past: &past, past_traces: &traces, ..*input })
        };
        self.asked(day, &[], &[], baselines)
    }

    /// The findings of a day with these further cells and changes.
    pub fn found(
        &self,
        baselines: &Baselines,
        day: i64,
        cells: &[Cell],
        changes: &[ProtectionChange],
    ) -> Vec<Finding> {
        let mut all = self.days(day - 2, day + 2);
        all.extend_from_slice(cells);
        let traces = self.traces(day - 2, day + 1);
        self.asked(day, &all, changes, |input| {
            detect_with(baselines, &Input { traces: &traces, ..*input })
        })
    }

    fn asked<T>(
        &self,
        day: i64,
        cells: &[Cell],
        changes: &[ProtectionChange],
        ask: impl Fn(&Input<'_>) -> T,
    ) -> T {
        ask(&Input {
            bucket: "photos",
            day: FIRST_DAY.plus(day),
            cells,
            past: &[],
            callers: &self.bucket.callers,
            suspects: &[],
            traces: &[],
            past_traces: &[],
            changes,
            unresolved_calls: 0,
            watermarks: &BTreeMap::new(),
            observed_since: FIRST_DAY.start(),
            announced: &self.announced,
            settings: &self.settings,
        })
    }

    /// Removals by 5 minutes from the first day to the end of `day`, with these further cells.
    pub fn counts(&self, day: i64, cells: &[Cell]) -> Vec<f64> {
        let begin = FIRST_DAY.number() * 288;
        let mut counts = vec![0.0; (day.min(DAYS - 1) as usize + 1) * 288];
        for cell in self.bucket.cells.iter().chain(cells) {
            let at = (cell.window.number() - begin) as usize;
            if let Some(count) = counts.get_mut(at) {
                *count += cell.counts.removed as f64;
            }
        }
        counts
    }

    /// The largest hour of the 28 days that ended a day before this one.
    pub fn largest_hour(&self, day: i64) -> i64 {
        let counts = self.counts(day - 2, &[]);
        let recent = &counts[counts.len().saturating_sub(28 * 288)..];
        recent.windows(12).map(|hour| hour.iter().sum::<f64>() as i64).max().unwrap_or(0)
    }
}

/// What deltrail says of an attack.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// Objects that were gone when it said so.
    pub objects_lost: i64,
    /// Minutes since it began.
    pub minutes: f64,
}

/// A bucket around the day of an attack, asked many times.
pub struct Watched<'a> {
    life: &'a Life,
    days: Vec<(i64, Baselines, Vec<Finding>)>,
}

impl<'a> Watched<'a> {
    pub fn new(life: &'a Life, day: i64) -> Self {
        let days = [day, (day + 1).min(DAYS - 1)].map(|day| {
            let baselines = life.baselines(day);
            let usual = life.found(&baselines, day, &[], &[]);
            (day, baselines, usual)
        });
        Self { life, days: days.into() }
    }

    /// Whether anything is found after the attack's first so many objects that is not without it,
    /// as a warning or worse; and what.
    pub fn found(&self, underway: &Underway, objects: i64) -> Option<Finding> {
        let cells = underway.cells(objects);
        let changes = underway.changes(&self.life.bucket);
        self.days.iter().find_map(|(day, baselines, usual)| {
            let found = self.life.found(baselines, *day, &cells, &changes);
            found.into_iter().find(|finding| {
                let is_known = |known: &Finding| {
                    known.id() == finding.id() && known.severity >= finding.severity
                };
                finding.severity >= Severity::Warning && !usual.iter().any(is_known)
            })
        })
    }

    /// When it is told, to the object; `None` when never.
    pub fn told(&self, underway: &Underway) -> Option<Told> {
        let all = underway.attack.objects;
        self.found(underway, all)?;
        let (mut without, mut with) = (-1, all);
        while with - without > 1 {
            let middle = without + (with - without) / 2;
            if self.found(underway, middle).is_some() {
                with = middle;
            } else {
                without = middle;
            }
        }
        Some(Told { objects_lost: with, minutes: underway.minutes_until(with.max(1)) })
    }
}
