//! What is usual: the past of a bucket, and of each principal in it, in at most 1 KiB each. It is a
//! pure function of the cells of the past, so it may be kept for a day or made anew at any time.

mod hours;
mod known;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub(super) use hours::{Hours, Usual};
pub(super) use known::Known;

use super::cell::{Cell, Counts, WINDOWS_PER_DAY, Window};
use super::limits::{Knowledge, RECORD_DAYS, Record, Rule, record, tail_index};
use super::origin::{agent_family, network};
use super::series::{Series, Span, sums};
use super::subject::Subjects;
use super::traced::Habits;
use super::{Input, PAST_DAYS};
use crate::domain::{Actor, Day};

/// Below these, nothing is a mass: removals within 5 minutes, an hour, 24 hours.
/// Chosen above what people do by hand; `docs/DETECTION.md` shows what they cost and catch.
pub(super) const MASS_MIN: [u64; 3] = [50, 100, 200];
/// Below it, refused requests are no attempt at anything large.
pub(super) const DENIED_MIN: [u64; 3] = [20, 20, 20];
/// Below it, what lifecycle rules expire in a day is no surge.
pub(super) const LIFECYCLE_MIN: u64 = 200;

/// Records of one number: for the day, and for the day before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Records {
    /// By span.
    pub(super) today: [Record; 3],
    /// By span.
    pub(super) yesterday: [u32; 3],
}

/// What is usual for one series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Baseline {
    pub(super) removed: Records,
    pub(super) denied: Records,
    /// How far the tails of what was removed reach, by span, in hundredths; 0 while the bucket is
    /// learnt.
    pub(super) tails: [u16; 3],
    /// Of whole days.
    pub(super) lifecycle: Record,
    /// The most that was removed on one of the last 7 days, lifecycle rules included.
    pub(super) week: u32,
    /// The numbers of [`Counts`] over the 28 days.
    pub(super) sums: [u32; 10],
    /// On how many of the 28 days each was more than 0.
    pub(super) days: [u8; 10],
    /// The first of the 28 days with anything removed, by number since the Unix epoch.
    pub(super) first_day: Option<i32>,
    pub(super) origins: Known<16>,
    pub(super) agents: Known<8>,
    pub(super) hours: Option<Box<Hours>>,
}

/// What is usual in one bucket for one day: for the bucket as a whole, and for each principal that
/// removed something, or tried to, in the 28 days.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Baselines {
    bucket: Baseline,
    principals: HashMap<String, Baseline>,
    habits: Habits,
}

impl Baselines {
    /// Learns them from `past`, `past_traces`, `callers`, `day`, `observed_since` and the
    /// sensitivity of `input`; they hold as long as these do not change.
    #[must_use]
    pub fn of(input: &Input<'_>) -> Self {
        let subjects = Subjects::of(input.callers);
        let past = Past::of(input);
        let mut cells: Vec<&Cell> =
            input.past.iter().filter(|cell| past.holds(cell.window)).collect();
        cells.sort_unstable_by_key(|cell| (cell.window, cell.caller));
        let mut bucket = Learnt::default();
        let mut principals: BTreeMap<usize, Learnt> = BTreeMap::new();
        let mut origins = Origins::of(input.callers);
        for cell in cells {
            let is_recent = past.is_recent(cell.window);
            let (network, family) = origins.of_caller(cell.caller);
            bucket.add(cell, is_recent, network, family);
            if let Some(subject) = subjects.of_caller(cell.caller) {
                let learnt = principals.entry(subject).or_default();
                learnt.add(cell, is_recent, network, family);
            }
        }
        let principals = principals
            .into_iter()
            .filter_map(|(subject, learnt)| Some((subjects.all().get(subject)?, learnt)))
            .map(|(subject, learnt)| (subject.id.clone(), learnt.baseline(&past)))
            .filter(|(_, baseline)| baseline.is_active())
            .collect();
        let habits = Habits::of(&subjects, input.past_traces, input.day);
        Self { bucket: bucket.baseline(&past), principals, habits }
    }

    /// That of the bucket as a whole.
    #[must_use]
    pub(super) fn bucket(&self) -> &Baseline {
        &self.bucket
    }

    /// That of a principal; `None` when it did nothing in the 28 days.
    #[must_use]
    pub(super) fn principal(&self, id: &str) -> Option<&Baseline> {
        self.principals.get(id)
    }

    /// How many series they are of: the bucket, and each principal.
    #[must_use]
    pub fn series_count(&self) -> usize {
        1 + self.principals.len()
    }

    /// What principals are used to do to keys.
    #[must_use]
    pub(super) const fn habits(&self) -> &Habits {
        &self.habits
    }

    /// Roughly how many bytes of memory they hold, their heap included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let principals = self.principals.iter();
        size_of::<Self>()
            + self.bucket.heap_bytes()
            + self.habits.heap_bytes()
            + principals
                .map(|(id, it)| size_of::<String>() + id.len() + it.memory_bytes())
                .sum::<usize>()
    }
}

impl Baseline {
    /// Roughly how many bytes of memory it holds, its heap included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.heap_bytes()
    }

    fn heap_bytes(&self) -> usize {
        self.hours.as_ref().map_or(0, |_| size_of::<Hours>())
    }

    fn is_active(&self) -> bool {
        self.days.iter().any(|days| *days > 0)
    }

    /// On how many of the 28 days anything was removed.
    pub(super) fn days_active(&self) -> u8 {
        self.days[0]
    }

    /// The share of the 28 days' removals that this number had, by its place among the numbers.
    pub(super) fn share(&self, number: usize) -> f64 {
        f64::from(self.sums[number]) / f64::from(self.sums[0].max(1))
    }
}

/// Where the past begins and how much of it was observed.
struct Past {
    /// The first day that counts.
    first: Day,
    /// The day that it is the past of.
    day: Day,
    /// The day on which observation began.
    observed: Day,
    sensitivity: super::Sensitivity,
}

impl Past {
    fn of(input: &Input<'_>) -> Self {
        Self {
            first: input.day.plus(-PAST_DAYS),
            day: input.day,
            observed: Day::of(input.observed_since),
            sensitivity: input.settings.sensitivity,
        }
    }

    fn holds(&self, window: Window) -> bool {
        (self.first..=self.day.plus(-2)).contains(&window.day())
    }

    fn is_recent(&self, window: Window) -> bool {
        window.day() >= self.recent()
    }

    /// The first of the 28 days.
    fn recent(&self) -> Day {
        self.day.plus(-(RECORD_DAYS.cast_signed() as i64) - 1)
    }

    fn index(&self, day: Day) -> Option<usize> {
        usize::try_from(day.number() - self.first.number()).ok()
    }

    fn rule(&self, index: usize, minimum: u64) -> Option<Rule> {
        let day = self.first.number() + i64::try_from(index).ok()?;
        match Knowledge::after(day - self.observed.number()) {
            Knowledge::Cold => None,
            knowledge => Some(Rule::new(self.sensitivity, knowledge, minimum)),
        }
    }

    /// The record of the day, and of the day before; and up to where each of the 28 days counts.
    fn records(&self, best: &[u32], minimum: u64) -> (Record, u32, Vec<u32>) {
        let first = i32::try_from(self.first.number()).unwrap_or(0);
        let rules = |index| self.rule(index, minimum);
        let today = best.len();
        let (of_today, limits) = record(best, today, first, rules);
        let (of_yesterday, _) = record(best, today - 1, first, rules);
        (of_today, of_yesterday.largest, limits)
    }

    /// How far the tail of the 28 days reaches, once that is known.
    fn tail(&self, best: &[u32], limits: &[u32]) -> u16 {
        let recent = self.index(self.recent()).and_then(|first| best.get(first..));
        match Knowledge::after(self.day.number() - self.observed.number()) {
            Knowledge::Warm => recent.map_or(0, |recent| tail_index(recent, limits)),
            Knowledge::Cold | Knowledge::Learning => 0,
        }
    }

    fn best(&self, points: &[(i64, i64)], span: Span) -> Vec<u32> {
        let mut best = vec![0; usize::try_from(PAST_DAYS).unwrap_or(0)];
        for sum in sums(points, span) {
            let day = self.index(Window::numbered(sum.last).day());
            if let Some(best) = day.and_then(|index| best.get_mut(index)) {
                *best = (*best).max(small(sum.count));
            }
        }
        best
    }
}

/// The networks and families of callers, each made once.
struct Origins<'a> {
    callers: &'a BTreeMap<i64, Arc<Actor>>,
    made: HashMap<i64, (Option<u32>, Option<u32>)>,
}

impl<'a> Origins<'a> {
    fn of(callers: &'a BTreeMap<i64, Arc<Actor>>) -> Self {
        Self { callers, made: HashMap::new() }
    }

    fn of_caller(&mut self, caller: i64) -> (Option<u32>, Option<u32>) {
        *self.made.entry(caller).or_insert_with(|| {
            let actor = self.callers.get(&caller);
            let number = |name: Option<String>| name.map(|name| super::origin::number_of(&name));
            (
                number(actor.and_then(|actor| network(actor))),
                number(actor.and_then(|actor| agent_family(actor))),
            )
        })
    }
}

/// What is added up of a series before it becomes a baseline.
#[derive(Default)]
struct Learnt {
    series: Series,
    origins: Known<16>,
    agents: Known<8>,
}

impl Learnt {
    fn add(&mut self, cell: &Cell, is_recent: bool, network: Option<u32>, family: Option<u32>) {
        self.series.add(cell.window, cell.counts);
        if is_recent && cell.counts.removed > 0 {
            if let Some(number) = network {
                self.origins.insert(number);
            }
            if let Some(number) = family {
                self.agents.insert(number);
            }
        }
    }

    fn baseline(self, past: &Past) -> Baseline {
        let mut baseline =
            Baseline { origins: self.origins, agents: self.agents, ..Baseline::default() };
        let recent = past.recent();
        let mut last_days = [None::<Day>; 10];
        for (window, counts) in self.series.windows() {
            let day = window.day();
            if day < recent {
                continue;
            }
            for (number, count) in counts.numbers().into_iter().enumerate() {
                if count <= 0 {
                    continue;
                }
                let sum = &mut baseline.sums[number];
                *sum = sum.saturating_add(small(count));
                if last_days[number].replace(day) != Some(day) {
                    baseline.days[number] += 1;
                }
            }
            if counts.removed > 0 && baseline.first_day.is_none() {
                baseline.first_day = i32::try_from(day.number()).ok();
            }
        }
        let removed = self.series.points(|counts| counts.removed);
        let limits = fill(&mut baseline.removed, past, &removed, MASS_MIN, &mut baseline.tails);
        let denied = self.series.points(|it| it.denied);
        fill(&mut baseline.denied, past, &denied, DENIED_MIN, &mut [0; 3]);
        let expired = daily(past, &self.series, |counts| counts.lifecycle);
        (baseline.lifecycle, _, _) = past.records(&expired, LIFECYCLE_MIN);
        let all = daily(past, &self.series, |counts| counts.removed + counts.lifecycle);
        baseline.week = all.iter().rev().skip(1).take(7).copied().max().unwrap_or(0);
        baseline.hours = Hours::of(&removed, &limits, recent, past.observed).map(Box::new);
        baseline
    }
}

/// Learns the records over every span; returns up to where 5 minutes of each day count.
fn fill(
    records: &mut Records,
    past: &Past,
    points: &[(i64, i64)],
    minima: [u64; 3],
    tails: &mut [u16; 3],
) -> Vec<u32> {
    let mut limits_of_windows = Vec::new();
    for (index, span) in Span::ALL.into_iter().enumerate() {
        let best = past.best(points, span);
        let (today, yesterday, limits) = past.records(&best, minima[index]);
        tails[index] = past.tail(&best, &limits);
        records.today[index] = today;
        records.yesterday[index] = yesterday;
        if span == Span::FiveMinutes {
            limits_of_windows = limits;
        }
    }
    limits_of_windows
}

/// A number by day of the calendar.
fn daily(past: &Past, series: &Series, number: fn(&Counts) -> i64) -> Vec<u32> {
    let mut days = vec![0_i64; usize::try_from(PAST_DAYS).unwrap_or(0)];
    for (window, counts) in series.windows() {
        let day = past.index(window.day());
        if let Some(sum) = day.and_then(|index| days.get_mut(index)) {
            *sum = sum.saturating_add(number(counts));
        }
    }
    days.into_iter().map(small).collect()
}

/// As much of it as fits.
fn small(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

/// The hour of the day that a window lies in, from 0 to 23.
pub(super) fn hour_of(window: Window) -> usize {
    let in_day = window.number().rem_euclid(WINDOWS_PER_DAY);
    usize::try_from(in_day / Span::Hour.windows()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
