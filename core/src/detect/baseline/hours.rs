//! How much is usual at which hour, on working days and on weekends apart: what the negative
//! binomial of an hour is fitted to. It knows no tail of it.

use super::super::cell::Window;
use super::super::limits::RECORD_DAYS;
use super::super::series::Point;
use super::hour_of;
use crate::domain::Day;

/// Hours of a day, on two kinds of days.
const CELLS: usize = 48;
/// Working days, and weekend days, of two weeks: before, an hour is not known.
const DAYS_MIN: [u8; 2] = [10, 4];

/// Removals within 5 minutes, by hour and kind of day, over the 28 days.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Hours {
    sums: [u32; CELLS],
    squares: [f32; CELLS],
    largest: [u32; CELLS],
    /// On how many days anything happened in the hour.
    active: [u8; CELLS],
    /// How many working days and weekend days were observed as a whole.
    observed: [u8; 2],
}

/// What is usual within 5 minutes of an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Usual {
    /// The mean.
    pub(in super::super) mean: f64,
    /// The variance.
    pub(in super::super) variance: f64,
    /// The largest, of the hours beside it too.
    pub(in super::super) largest: u32,
}

impl Hours {
    /// Learns them from the points since `recent`; each counts up to the limit of its day. `None`
    /// when there is nothing to learn.
    pub(super) fn of(points: &[Point], limits: &[u32], recent: Day, since: Day) -> Option<Self> {
        let mut hours = Self {
            sums: [0; CELLS],
            squares: [0.0; CELLS],
            largest: [0; CELLS],
            active: [0; CELLS],
            observed: [0; 2],
        };
        let mut squares = [0.0; CELLS];
        let mut is_empty = true;
        let mut last_days = [None::<Day>; CELLS];
        for &(number, count) in points {
            let window = Window::numbered(number);
            let day = window.day();
            let Ok(index) = usize::try_from(day.number() - recent.number()) else { continue };
            let Some(limit) = limits.get(index) else { continue };
            let count = super::small(count).min(*limit);
            let cell = cell_of(window);
            hours.sums[cell] = hours.sums[cell].saturating_add(count);
            squares[cell] += f64::from(count) * f64::from(count);
            hours.largest[cell] = hours.largest[cell].max(count);
            if last_days[cell].replace(day) != Some(day) {
                hours.active[cell] += 1;
            }
            is_empty = false;
        }
        hours.squares = squares.map(narrow);
        for days in 0..RECORD_DAYS.cast_signed() as i64 {
            let day = recent.plus(days);
            // The day on which observation began was observed in part.
            if day > since {
                hours.observed[usize::from(day.is_weekend())] += 1;
            }
        }
        (!is_empty).then_some(hours)
    }

    /// What is usual in the hour of this window. An hour that is busy on most days is known by
    /// itself; all others of such days are one, for what happens now and then happens at any hour.
    /// `None` while too few such days were observed.
    pub(in super::super) fn usual(&self, window: Window) -> Option<Usual> {
        let is_weekend = usize::from(window.day().is_weekend());
        let days = self.observed[is_weekend];
        if days < DAYS_MIN[is_weekend] {
            return None;
        }
        let hour = hour_of(window);
        let is_busy =
            |hour: usize| u32::from(self.active[hour * 2 + is_weekend]) * 4 >= u32::from(days) * 3;
        let hours: Vec<usize> = if is_busy(hour) {
            vec![hour]
        } else {
            (0..24).filter(|other| !is_busy(*other)).collect()
        };
        let cells = || hours.iter().map(|hour| hour * 2 + is_weekend);
        let windows = f64::from(days) * 12.0 * hours.len() as f64;
        let sum: f64 = cells().map(|cell| f64::from(self.sums[cell])).sum();
        let squares: f64 = cells().map(|cell| f64::from(self.squares[cell])).sum();
        // Half a removal more than was seen: what never happened is not impossible.
        let mean = (sum + 0.5) / windows;
        let variance = (squares - sum * sum / windows).max(0.0) / (windows - 1.0);
        // Work that drifts over the full hour is not out of pattern, and what happens now and then
        // on working days may on a weekend.
        let around = [(hour + 23) % 24, hour, (hour + 1) % 24];
        let nearby = around.into_iter().map(|hour| hour * 2 + is_weekend);
        let other_days = hours.iter().filter(|_| hours.len() > 1).filter_map(|hour| {
            let other = hour * 2 + (1 - is_weekend);
            let days = u32::from(self.observed[1 - is_weekend]);
            (u32::from(self.active[other]) * 4 < days * 3).then_some(other)
        });
        let largest = cells().chain(nearby).chain(other_days);
        let largest = largest.map(|cell| self.largest[cell]).max().unwrap_or(0);
        Some(Usual { mean, variance, largest })
    }
}

fn cell_of(window: Window) -> usize {
    hour_of(window) * 2 + usize::from(window.day().is_weekend())
}

/// Half the memory; moments need no more than 7 digits.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
fn narrow(number: f64) -> f32 {
    number as f32
}
