//! What one principal, or a bucket as a whole, did in the course of time: counts by 5-minute
//! window, and their sums over the lengths that are watched. It knows no threshold.

use super::cell::{Counts, WINDOWS_PER_DAY, Window};

/// A length of time that removals are added up over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Span {
    /// One window.
    FiveMinutes,
    /// Twelve.
    Hour,
    /// As many as a day has; it begins at any of them.
    Day,
}

impl Span {
    pub(super) const ALL: [Self; 3] = [Self::FiveMinutes, Self::Hour, Self::Day];

    /// How many windows it holds.
    pub(super) const fn windows(self) -> i64 {
        match self {
            Self::FiveMinutes => 1,
            Self::Hour => 12,
            Self::Day => WINDOWS_PER_DAY,
        }
    }

    /// What people say that something happened within.
    pub(super) const fn within(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5 minutes",
            Self::Hour => "an hour",
            Self::Day => "24 hours",
        }
    }

    /// What people call it.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5 minutes",
            Self::Hour => "hour",
            Self::Day => "24 hours",
        }
    }
}

/// A number at a window, in the order of windows; 0 where there is none.
pub(super) type Point = (i64, i64);

/// Counts by window, in the order of windows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Series(Vec<(Window, Counts)>);

impl Series {
    /// Adds counts up by window; `cells` are in the order of windows.
    pub(super) fn add(&mut self, window: Window, counts: Counts) {
        match self.0.last_mut() {
            Some((last, sum)) if *last == window => *sum += counts,
            _ => self.0.push((window, counts)),
        }
    }

    /// The windows with anything in them.
    pub(super) fn windows(&self) -> &[(Window, Counts)] {
        &self.0
    }

    /// One of the numbers, where it is more than 0.
    pub(super) fn points(&self, number: fn(&Counts) -> i64) -> Vec<Point> {
        let points = self.0.iter().map(|(window, counts)| (window.number(), number(counts)));
        points.filter(|(_, count)| *count > 0).collect()
    }
}

/// A sum over a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum {
    /// The first window in it with anything in it.
    pub(super) first: i64,
    /// The window that it ends with; something is in it.
    pub(super) last: i64,
    /// The sum.
    pub(super) count: i64,
}

/// The sums over every span that ends with a point.
pub(super) fn sums(points: &[Point], span: Span) -> impl Iterator<Item = Sum> + '_ {
    let mut begin = 0;
    let mut count = 0_i64;
    points.iter().map(move |&(last, added)| {
        count = count.saturating_add(added);
        while points[begin].0 <= last - span.windows() {
            count = count.saturating_sub(points[begin].1);
            begin += 1;
        }
        Sum { first: points[begin].0, last, count }
    })
}

#[cfg(test)]
mod tests {
    use super::{Span, Sum, sums};

    #[test]
    fn sums_reach_back_as_far_as_their_span() {
        let points = [(0, 5), (11, 1), (12, 2), (299, 4)];
        let hour: Vec<Sum> = sums(&points, Span::Hour).collect();
        let sum = |first, last, count| Sum { first, last, count };
        assert_eq!(hour, [sum(0, 0, 5), sum(0, 11, 6), sum(11, 12, 3), sum(299, 299, 4)]);
        let day: Vec<i64> = sums(&points, Span::Day).map(|sum| sum.count).collect();
        assert_eq!(day, [5, 6, 8, 6]);
    }
}
