//! What every detector looks at: one bucket around one day, put in order once. It judges nothing.

use super::announced::unannounced;
use super::baseline::{Baseline, Baselines};
use super::cell::{Cell, Window};
use super::limits::Knowledge;
use super::series::Series;
use super::subject::{Subject, Subjects};
use super::{Input, Suspect};
use crate::domain::Day;

/// One bucket around one day.
pub(super) struct Scene<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) baselines: &'a Baselines,
    pub(super) subjects: Subjects,
    /// Without what was announced, up to the day after, in the order of windows and callers.
    cells: Vec<Cell>,
    bucket: Series,
    /// The bucket on the second day after, which is no part of what begins on the day.
    pub(super) later: Series,
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
        let mut cells = unannounced(input);
        let end = Window::of(input.day.plus(2).start());
        let mut later = Series::default();
        for cell in cells.split_off(cells.partition_point(|cell| cell.window < end)) {
            later.add(cell.window, cell.counts);
        }
        let mut scene = Self {
            principals: vec![Series::default(); subjects.all().len()],
            cells,
            bucket: Series::default(),
            later,
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

    /// The principal behind a suspect.
    pub(super) fn of_suspect(&self, suspect: &Suspect) -> Of {
        let index = suspect.caller.and_then(|caller| self.subjects.of_caller(caller));
        index.map_or(Of::Nameless, Of::Principal)
    }

    /// The cells of a series within these windows, both included.
    pub(super) fn cells(
        &self,
        of: Of,
        (first, last): (Window, Window),
    ) -> impl Iterator<Item = &Cell> {
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
}

/// A count as it is told.
pub(super) fn unsigned(count: i64) -> u64 {
    count.max(0).cast_unsigned()
}
