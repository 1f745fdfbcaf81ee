//! Deletions that somebody announced: the first of them, up to the number announced, are taken out
//! of what detectors see; what comes beyond is theirs. It knows no detector.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cell::{Cell, Counts, Window};
use super::{Announced, Input};
use crate::domain::Actor;

impl Announced {
    /// How many removals it speaks of came.
    #[must_use]
    pub fn came(&self) -> u64 {
        self.cells.iter().map(|cell| cell.counts.removed.max(0).cast_unsigned()).sum()
    }

    /// How many of them it covers.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.came().min(self.expectation.objects_max)
    }

    /// How many came beyond it.
    #[must_use]
    pub fn beyond(&self) -> u64 {
        self.came() - self.used()
    }

    /// When the first removal beyond it came.
    pub(super) fn beyond_since(&self) -> Option<Window> {
        let mut left = self.expectation.objects_max;
        let mut cells: Vec<&Cell> = self.cells.iter().collect();
        cells.sort_unstable_by_key(|cell| cell.window);
        cells.into_iter().find_map(|cell| {
            let removed = cell.counts.removed.max(0).cast_unsigned();
            let is_beyond = removed > left;
            left = left.saturating_sub(removed);
            is_beyond.then_some(cell.window)
        })
    }

    /// Its cells in the order of time, and those of one window in the order of who they are of:
    /// numbers of callers tell in which order they were first heard of.
    fn in_order(&self, callers: &BTreeMap<i64, Arc<Actor>>) -> Vec<&Cell> {
        let mut cells: Vec<&Cell> = self.cells.iter().collect();
        cells.sort_by_key(|cell| (cell.window, callers.get(&cell.caller), cell.caller));
        cells
    }
}

/// The cells of the input without what was announced, in the order of windows and callers.
pub(super) fn unannounced(input: &Input<'_>) -> Vec<Cell> {
    let key = |cell: &Cell| (cell.window, cell.caller);
    let mut cells = input.cells.to_vec();
    cells.sort_unstable_by_key(key);
    cells.dedup_by(|next, sum| {
        let is_same = key(next) == key(sum);
        if is_same {
            sum.counts += next.counts;
        }
        is_same
    });
    for announced in input.announced {
        let mut left = announced.expectation.objects_max;
        for cell in announced.in_order(input.callers) {
            let expected = cell.counts.removed.max(0).cast_unsigned().min(left);
            left -= expected;
            if let Ok(at) = cells.binary_search_by_key(&key(cell), key) {
                take_out(&mut cells[at].counts, &cell.counts, expected.cast_signed());
            }
        }
    }
    cells
}

/// Takes `expected` of the removals in `spoken_of` out of `seen`; of each kind its share, rounded
/// up, so that what is left is never more than what is left in all.
fn take_out(seen: &mut Counts, spoken_of: &Counts, expected: i64) {
    if expected <= 0 {
        return;
    }
    let all = i128::from(spoken_of.removed.max(1));
    let share = |number: i64| {
        let share = (i128::from(number) * i128::from(expected) + all - 1) / all;
        i64::try_from(share).unwrap_or(i64::MAX)
    };
    let Counts { lifecycle, denied, .. } = *seen;
    let numbers = seen.numbers().into_iter().zip(spoken_of.numbers());
    let mut left = [0; 10];
    for (left, (seen, spoken_of)) in left.iter_mut().zip(numbers) {
        *left = (seen - share(spoken_of)).max(0);
    }
    *seen = Counts { lifecycle, denied, ..Counts::from_numbers(left) };
}
