//! From windows that are too much to what began on a day: windows close together are one episode,
//! and an episode belongs to the day on which it began. It knows neither thresholds nor findings.

use super::cell::{WINDOWS_PER_DAY, Window};
use super::series::{Span, Sum};
use crate::domain::Day;

/// So many windows apart, what is too much is still the same episode: an hour.
const GAP_WINDOWS: i64 = 12;

/// A sum that is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trigger {
    /// Over which span.
    pub(super) span: Span,
    /// The sum.
    pub(super) sum: Sum,
    /// The smallest sum that is too much.
    pub(super) threshold: u64,
}

impl Trigger {
    fn count(&self) -> u64 {
        self.sum.count.max(0).cast_unsigned()
    }

    /// Whether it passed its threshold by more than the other one did, as a ratio.
    fn is_further_than(&self, other: &Self) -> bool {
        let ahead = u128::from(self.count()) * u128::from(other.threshold);
        ahead > u128::from(other.count()) * u128::from(self.threshold)
    }
}

/// What began on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Episode {
    /// Its first window with anything in it.
    pub(super) first: Window,
    /// Its last window.
    pub(super) last: Window,
    /// The sum that passed its threshold furthest; of equals the first of the shortest span.
    pub(super) peak: Trigger,
}

/// All that began on the day, as one; `None` when nothing did. `triggers` are those of the day
/// before, the day and the day after, each span in the order of time.
///
/// Sums over 5 minutes and an hour make one course of time, which is broken by an hour without.
/// Sums over 24 hours make another, which is broken by 24 hours without, for what was too much
/// once stays in such sums for so long. That one begins nothing while the other already goes on,
/// and adds nothing to it.
pub(super) fn begun_on(day: Day, triggers: &[Trigger]) -> Option<Episode> {
    let (of_days, mut of_hours): (Vec<&Trigger>, Vec<&Trigger>) =
        triggers.iter().partition(|trigger| trigger.span == Span::Day);
    of_hours.sort_by_key(|trigger| (trigger.sum.last, trigger.span));
    let midnight = Window::of(day.start()).number();
    let is_begun = |run: &&Run<'_>| (midnight..midnight + WINDOWS_PER_DAY).contains(&run.begin());
    let short = runs(&of_hours, GAP_WINDOWS);
    let is_going_on = |run: &&Run<'_>| {
        let at = run.begin();
        short.iter().any(|it| it.begin() < midnight && it.end() + GAP_WINDOWS >= at)
    };
    let long = runs(&of_days, WINDOWS_PER_DAY);
    let fast: Vec<&Run<'_>> = short.iter().filter(is_begun).collect();
    let fast_begin = fast.first().map_or(i64::MAX, |run| run.begin());
    let slow = long.iter().filter(is_begun).filter(|run| !is_going_on(run));
    let slow = slow.filter(|run| run.begin() + GAP_WINDOWS < fast_begin);
    let begun: Vec<&Run<'_>> = fast.iter().copied().chain(slow).collect();
    let all = || begun.iter().flat_map(|run| run.0.iter().copied());
    let first = all().map(|trigger| trigger.sum.first).min()?;
    let last = all().map(|trigger| trigger.sum.last).max()?;
    let peak = all().reduce(|best, it| if it.is_further_than(best) { it } else { best })?;
    Some(Episode { first: Window::numbered(first), last: Window::numbered(last), peak: *peak })
}

/// Triggers that are one episode, in the order of time.
struct Run<'a>(Vec<&'a Trigger>);

impl Run<'_> {
    fn begin(&self) -> i64 {
        self.0.first().map_or(i64::MAX, |trigger| trigger.sum.last)
    }

    fn end(&self) -> i64 {
        self.0.last().map_or(i64::MIN, |trigger| trigger.sum.last)
    }
}

fn runs<'a>(triggers: &[&'a Trigger], gap: i64) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    for &trigger in triggers {
        match runs.last_mut() {
            Some(run) if trigger.sum.last - run.end() <= gap => run.0.push(trigger),
            _ => runs.push(Run(vec![trigger])),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::{Episode, Span, Sum, Trigger, begun_on};
    use crate::domain::Day;

    const DAY: i64 = 288;

    fn at(span: Span, last: i64, count: i64) -> Trigger {
        Trigger { span, sum: Sum { first: last, last, count }, threshold: 100 }
    }

    fn begun(day: i64, triggers: &[Trigger]) -> Option<(i64, i64, i64)> {
        let episode: Option<Episode> = begun_on(Day::numbered(day), triggers);
        episode.map(|it| (it.first.number(), it.last.number(), it.peak.sum.count))
    }

    #[test]
    fn an_episode_belongs_to_the_day_that_it_begins_on() {
        let over_midnight = [at(Span::FiveMinutes, DAY - 1, 200), at(Span::Hour, DAY + 5, 300)];
        assert_eq!(begun(0, &over_midnight), Some((DAY - 1, DAY + 5, 300)));
        assert_eq!(begun(1, &over_midnight), None);
    }

    #[test]
    fn an_hour_without_ends_an_episode_and_all_of_a_day_are_one() {
        let apart = [at(Span::FiveMinutes, DAY - 1, 200), at(Span::FiveMinutes, DAY + 12, 300)];
        assert_eq!(begun(1, &apart), Some((DAY + 12, DAY + 12, 300)));
        let twice = [at(Span::FiveMinutes, 3, 200), at(Span::FiveMinutes, 90, 150)];
        assert_eq!(begun(0, &twice), Some((3, 90, 200)));
    }

    #[test]
    fn what_stays_in_the_sum_of_24_hours_does_not_begin_again() {
        let burst = at(Span::FiveMinutes, 120, 900);
        let left = [burst, at(Span::Day, 120, 900), at(Span::Day, DAY + 100, 905)];
        assert_eq!(begun(1, &left), None);
        let mut again = left.to_vec();
        again.insert(1, at(Span::FiveMinutes, DAY + 101, 400));
        assert_eq!(begun(1, &again).map(|it| it.0), Some(DAY + 101));
    }

    #[test]
    fn what_goes_on_over_midnight_does_not_begin_by_its_24_hours() {
        let going_on = [at(Span::FiveMinutes, DAY - 1, 150), at(Span::Day, DAY + 3, 300)];
        assert_eq!(begun(1, &going_on), None);
        assert_eq!(begun(0, &going_on).map(|it| it.1), Some(DAY - 1));
        let slowly = [at(Span::Day, DAY + 3, 300)];
        assert_eq!(begun(1, &slowly).map(|it| it.0), Some(DAY + 3));
    }
}
