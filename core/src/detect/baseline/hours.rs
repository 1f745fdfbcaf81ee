//! How much is usual at which hour, on working days and on weekends apart: what the negative
//! binomial of an hour is fitted to. It knows no tail of it.

use super::super::cell::Window;
use super::super::limits::RECORD_DAYS;
use super::super::series::Point;
use super::hour_of;
use crate::domain::Day;

/// Hours of a day, on two kinds of days.
const CELLS: usize = 48;

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
}

fn cell_of(window: Window) -> usize {
    hour_of(window) * 2 + usize::from(window.day().is_weekend())
}

/// Half the memory; moments need no more than 7 digits.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
fn narrow(number: f64) -> f32 {
    number as f32
}
