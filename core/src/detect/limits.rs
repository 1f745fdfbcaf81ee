//! How much is too much: the record rule. More than so many times the largest of the last 28 days
//! is unusual whatever the distribution; what was unusual itself counts only up to what was still
//! usual then. It knows no series and no span's name.
//!
//! If days are exchangeable, the best of `n` earlier days is beaten on one day of `n + 1`; a factor
//! above 1 makes that rarer, and much rarer when tails are light.

use super::settings::Sensitivity;

/// How many days are looked back at.
pub(super) const RECORD_DAYS: usize = 28;
/// A day counts from so many days later on: it ended at least 24 hours before.
const LAG_DAYS: usize = 2;
/// What was reached on so many days is usual, however unusual it was at first.
pub(super) const PERSISTED_DAYS: usize = 3;
/// Days of observation before anything is compared.
pub(super) const COLD_DAYS: i64 = 7;
/// Days of observation before a record is trusted as it is.
pub(super) const LEARNING_DAYS: i64 = 28;

/// The largest of the days before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// How much.
    pub(super) largest: u32,
    /// On which day, by number since the Unix epoch; 0 when there was none.
    pub(super) day: i32,
}

/// How well a day's past is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knowledge {
    /// Observed for less than a week.
    Cold,
    /// For less than four weeks.
    Learning,
    /// For longer.
    Warm,
}

impl Knowledge {
    /// After so many days of observation.
    pub(super) const fn after(days: i64) -> Self {
        if days < COLD_DAYS {
            Self::Cold
        } else if days < LEARNING_DAYS {
            Self::Learning
        } else {
            Self::Warm
        }
    }
}

/// A rule: so many times the record, and no less than a minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    /// In halves, so that it is exact.
    halves: u64,
    /// Less is never too much.
    minimum: u64,
}

impl Rule {
    /// The rule of this sensitivity; one more than that while a bucket is learnt.
    pub(super) const fn new(sensitivity: Sensitivity, knowledge: Knowledge, minimum: u64) -> Self {
        let halves = match sensitivity {
            Sensitivity::Low => 6,
            Sensitivity::Normal => 4,
            Sensitivity::High => 3,
        };
        let more = if matches!(knowledge, Knowledge::Warm) { 0 } else { 2 };
        Self { halves: halves + more, minimum }
    }

    /// The smallest number that is too much against this record.
    pub(super) fn threshold(self, largest: u64) -> u64 {
        self.minimum.max(largest.saturating_mul(self.halves) / 2 + 1)
    }
}

/// The record that held on day `judged`, an index into the best of each day (`best`), of which the
/// first has the number `first_day`. `rules` tells the rule of a day, `None` where nothing was
/// known yet, so that it counts as it is.
///
/// Days of the 28 count up to what was too much on them. That is judged by the 28 days before each,
/// of which those that lie further back than all of them count as they are: so no more than 57
/// days ever matter, however long rows are kept.
pub(super) fn record(
    best: &[u32],
    judged: usize,
    first_day: i32,
    rules: impl Fn(usize) -> Option<Rule>,
) -> (Record, Vec<u32>) {
    let zone_begin = (judged + 1).saturating_sub(RECORD_DAYS + LAG_DAYS);
    let zone_end = (judged + 1).saturating_sub(LAG_DAYS);
    let mut clipped = best.to_vec();
    let mut limits = vec![u32::MAX; RECORD_DAYS];
    for day in zone_begin..zone_end {
        let Some(rule) = rules(day) else { continue };
        let (largest, _) = largest(best, &clipped, day);
        let limit = u32::try_from(rule.threshold(u64::from(largest))).unwrap_or(u32::MAX);
        clipped[day] = best[day].min(limit);
        limits[day - zone_begin] = limit;
    }
    let (largest, at) = largest(best, &clipped, judged);
    // What is usual by now was so on the days that made it usual.
    for limit in &mut limits {
        *limit = largest.max(*limit);
    }
    let day = i32::try_from(at).map_or(0, |at| first_day.saturating_add(at));
    (Record { largest, day: if largest == 0 { 0 } else { day } }, limits)
}

/// The largest of the 28 days that count for `judged`, and when: clipped, but what was reached on
/// several days counts whole.
fn largest(best: &[u32], clipped: &[u32], judged: usize) -> (u32, usize) {
    let begin = (judged + 1).saturating_sub(RECORD_DAYS + LAG_DAYS);
    let end = (judged + 1).saturating_sub(LAG_DAYS);
    let mut record = (0, 0);
    let mut highest = [(0, 0); PERSISTED_DAYS];
    for day in begin..end {
        if clipped[day] > record.0 {
            record = (clipped[day], day);
        }
        let lowest = &mut highest[PERSISTED_DAYS - 1];
        if best[day] > lowest.0 {
            *lowest = (best[day], day);
            highest.sort_unstable_by(|a, b| b.cmp(a));
        }
    }
    let persisted = highest[PERSISTED_DAYS - 1];
    if persisted.0 > record.0 { persisted } else { record }
}

/// How far the tail of the 28 days reaches (`best`, of which each counts up to its limit): Hill's
/// estimate of the tail's index by the upper half of the active days, in hundredths. 0 where they
/// are alike, and where fewer than 4 were active.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "logarithms of counts of 32 bits are below 23, and none of these is negative"
)]
pub(super) fn tail_index(best: &[u32], limits: &[u32]) -> u16 {
    let counted = best.iter().zip(limits).map(|(count, limit)| *count.min(limit));
    let mut active: Vec<u32> = counted.filter(|count| *count > 0).collect();
    active.sort_unstable_by(|a, b| b.cmp(a));
    let half = active.len() / 2;
    if half < 2 {
        return 0;
    }
    let middle = f64::from(active[half]);
    let above = active[..half].iter().map(|count| (f64::from(*count) / middle).ln());
    (above.sum::<f64>() / half as f64 * 100.0).round() as u16
}

/// So many times rarer than once in 28 days.
const RARE: f64 = 100.0;

/// How much is rare: what is reached once in 100 times 28 days, if the tail goes on as it does up
/// to the largest, which is reached once.
pub(super) fn rare(largest: u64, tail_index: u16) -> f64 {
    largest as f64 * RARE.powf(f64::from(tail_index) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::{Knowledge, RECORD_DAYS, Record, Rule, rare, record, tail_index};
    use crate::detect::Sensitivity;

    const JUDGED: usize = 59;

    fn of_days(days: &[(usize, u32)]) -> Record {
        let mut best = vec![10; JUDGED];
        for (day, count) in days {
            best[*day] = *count;
        }
        let rule = Rule::new(Sensitivity::Normal, Knowledge::Warm, 50);
        record(&best, JUDGED, 1_000, |_| Some(rule)).0
    }

    #[test]
    fn the_largest_day_of_the_last_28_that_ended_a_day_ago_is_the_record() {
        assert_eq!(of_days(&[]), Record { largest: 10, day: 1_030 });
        assert_eq!(of_days(&[(40, 45)]), Record { largest: 45, day: 1_040 });
        let too_old = JUDGED - RECORD_DAYS - 2;
        assert_eq!(of_days(&[(too_old, 45), (58, 45)]).largest, 10);
        assert_eq!(of_days(&[(too_old + 1, 45), (40, 30)]).largest, 45);
    }

    #[test]
    fn an_attack_raises_the_record_to_what_was_too_much_and_no_further() {
        assert_eq!(of_days(&[(40, 9_000)]).largest, 50);
        assert_eq!(of_days(&[(40, 9_000), (42, 9_000)]).largest, 101);
    }

    #[test]
    fn what_comes_on_several_days_is_usual() {
        assert_eq!(of_days(&[(40, 9_000), (41, 7_000), (42, 8_000)]).largest, 7_000);
    }

    #[test]
    fn the_tail_of_days_that_are_alike_ends_where_they_do() {
        let limits = [u32::MAX; RECORD_DAYS];
        let mut days = [240; RECORD_DAYS];
        assert_eq!(tail_index(&days, &limits), 0);
        assert!((240.0..241.0).contains(&rare(240, 0)));
        days[..25].fill(0);
        days[26] = 9_000;
        assert_eq!(tail_index(&days, &limits), 0, "three days tell nothing");
    }

    #[test]
    fn the_wilder_the_days_the_more_is_rare() {
        let limits = [u32::MAX; RECORD_DAYS];
        // Day by day twice as much as on the day before, over and over: half of them lie above 8.
        let wild: Vec<u32> = (0..28).map(|day| 1 << (day % 8)).collect();
        let index = tail_index(&wild, &limits);
        assert!((140..160).contains(&index), "{index}");
        let mut mild: Vec<u32> = (0..28).map(|day| 100 + day % 8).collect();
        assert!(tail_index(&mild, &limits) < 5);
        assert!(rare(128, index) > 4_000.0 && rare(107, 5) < 214.0);
        // An attack among them makes nothing usual that was too much.
        mild[9] = 1_000_000;
        assert!(tail_index(&mild, &[220; RECORD_DAYS]) < 15);
    }

    #[test]
    fn sensitivity_and_learning_move_the_threshold() {
        let threshold = |sensitivity, knowledge, largest| {
            Rule::new(sensitivity, knowledge, 50).threshold(largest)
        };
        assert_eq!(threshold(Sensitivity::Normal, Knowledge::Warm, 100), 201);
        assert_eq!(threshold(Sensitivity::Normal, Knowledge::Learning, 100), 301);
        assert_eq!(threshold(Sensitivity::Low, Knowledge::Warm, 100), 301);
        assert_eq!(threshold(Sensitivity::High, Knowledge::Warm, 101), 152);
        assert_eq!(threshold(Sensitivity::High, Knowledge::Warm, 0), 50);
        assert_eq!(threshold(Sensitivity::Low, Knowledge::Warm, u64::MAX), u64::MAX / 2 + 1);
    }
}
