//! Deletions that somebody announced: the first of them, up to the number announced, are taken out
//! of what detectors see; what comes beyond is theirs. It knows no detector.

use std::collections::BTreeMap;

use super::cell::{Cell, Counts, Window};
use super::{Announced, Input};

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
        self.in_order().into_iter().find_map(|cell| {
            let removed = cell.counts.removed.max(0).cast_unsigned();
            let is_beyond = removed > left;
            left = left.saturating_sub(removed);
            is_beyond.then_some(cell.window)
        })
    }

    fn in_order(&self) -> Vec<&Cell> {
        let mut cells: Vec<&Cell> = self.cells.iter().collect();
        cells.sort_unstable_by_key(|cell| (cell.window, cell.caller));
        cells
    }
}

/// The cells of the input without what was announced, in the order of windows and callers.
pub(super) fn unannounced(input: &Input<'_>) -> Vec<Cell> {
    let mut counts: BTreeMap<(Window, i64), Counts> = BTreeMap::new();
    for cell in input.cells {
        *counts.entry((cell.window, cell.caller)).or_default() += cell.counts;
    }
    for announced in input.announced {
        let mut left = announced.expectation.objects_max;
        for cell in announced.in_order() {
            let expected = cell.counts.removed.max(0).cast_unsigned().min(left);
            left -= expected;
            if let Some(seen) = counts.get_mut(&(cell.window, cell.caller)) {
                take_out(seen, &cell.counts, expected.cast_signed());
            }
        }
    }
    let cells = counts.into_iter();
    cells.map(|((window, caller), counts)| Cell { window, caller, counts }).collect()
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
