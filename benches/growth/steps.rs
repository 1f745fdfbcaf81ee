//! What each of many steps took, by how many things there were after it, brought together to a few
//! points that lie evenly between powers of ten. It knows no step.

use crate::harness::Figure;

/// Points between a power of ten and the next.
const POINTS_PER_DECADE: f64 = 8.0;

/// Steps in their order.
#[derive(Debug, Default)]
pub struct Steps(Vec<(u64, f64)>);

impl Steps {
    /// A step that ended with this many things, and what it took.
    pub fn push(&mut self, count: u64, took: f64) {
        self.0.push((count, took));
    }

    /// How many things there were in the end, and the mean of the steps since the point before: at
    /// each point that any step came to. The first one stands for all that came before it.
    pub fn means(&self, first: u64) -> Vec<(u64, f64)> {
        self.points(first, |took| took.iter().sum::<f64>() / took.len() as f64)
    }

    /// The same with the median of the steps: what others do to some of them is not in it.
    pub fn medians(&self, first: u64) -> Vec<(u64, f64)> {
        self.points(first, |took| Figure::of(took).median)
    }

    fn points(&self, first: u64, of: fn(Vec<f64>) -> f64) -> Vec<(u64, f64)> {
        // The logarithm of a power of ten need not come out whole.
        let group_of = |(count, _): &(u64, f64)| {
            ((*count.max(&first) as f64).log10() * POINTS_PER_DECADE - 1e-9).ceil()
        };
        self.0
            .chunk_by(|before, after| group_of(before).total_cmp(&group_of(after)).is_eq())
            .filter_map(|group| {
                Some((group.last()?.0, of(group.iter().map(|(_, took)| *took).collect())))
            })
            .collect()
    }
}

/// Whether the points are asked for at this number.
pub const fn is_power_of_ten(number: u64) -> bool {
    10_u64.pow(number.ilog10()) == number
}
