//! How much is too much within 5 minutes, an hour and 24 hours, by the record rule, and how that
//! is said. It knows not what is counted.

use std::collections::VecDeque;

use super::baseline::Records;
use super::cell::Window;
use super::episode::Trigger;
use super::limits::{Knowledge, Rule};
use super::scene::{Scene, unsigned};
use super::series::{Point, Span, Sum, sums};
use crate::domain::{Day, Reason};

/// A number in the course of time, and what it is held to.
pub(super) struct Volume<'a> {
    /// The number, around the day.
    pub(super) points: &'a [Point],
    /// The largest before.
    pub(super) records: &'a Records,
    /// What is never too much, by span.
    pub(super) minima: [u64; 3],
    /// The same for what is hardly known, within an hour; `None`: then nothing is too much.
    pub(super) cold_minimum: Option<u64>,
}

impl Volume<'_> {
    /// What is too much on the day before, the day and the day after; each by the rule of its day,
    /// and the day after by that of the day.
    pub(super) fn triggers(&self, scene: &Scene<'_>) -> Vec<Trigger> {
        let today = scene.input.day;
        let sensitivity = scene.input.settings.sensitivity;
        let mut triggers = Vec::new();
        for (index, span) in Span::ALL.into_iter().enumerate() {
            let mut earlier = Earlier::default();
            for sum in sums(self.points, span) {
                let day = Window::numbered(sum.last).day();
                let before = earlier.largest_before(sum, span);
                if day < today.plus(-1) {
                    continue;
                }
                let threshold = match scene.knowledge(day.min(today)) {
                    Knowledge::Cold => self.cold_threshold(scene, index, day, before),
                    knowledge => {
                        let rule = Rule::new(sensitivity, knowledge, self.minima[index]);
                        Some(rule.threshold(self.record(index, day < today)))
                    }
                };
                if let Some(threshold) = threshold.filter(|it| unsigned(sum.count) >= *it) {
                    triggers.push(Trigger { span, sum, threshold });
                }
            }
        }
        triggers
    }

    fn record(&self, index: usize, is_yesterday: bool) -> u64 {
        u64::from(if is_yesterday {
            self.records.yesterday[index]
        } else {
            self.records.today[index].largest
        })
    }

    /// In the first week: many within an hour, against what came before as far as it is there.
    fn cold_threshold(
        &self,
        scene: &Scene<'_>,
        index: usize,
        day: Day,
        before: u64,
    ) -> Option<u64> {
        let minimum = self.cold_minimum.filter(|_| Span::ALL[index] != Span::Day)?;
        let record = self.record(index, day < scene.input.day).max(before);
        let sensitivity = scene.input.settings.sensitivity;
        Some(Rule::new(sensitivity, Knowledge::Cold, minimum).threshold(record))
    }
}

/// The largest sum that ended before a sum began.
#[derive(Default)]
struct Earlier {
    /// Sums that may still overlap with the next one.
    waiting: VecDeque<Sum>,
    largest: i64,
}

impl Earlier {
    fn largest_before(&mut self, sum: Sum, span: Span) -> u64 {
        while self.waiting.front().is_some_and(|it| it.last <= sum.last - 2 * span.windows()) {
            let ended = self.waiting.pop_front();
            self.largest = self.largest.max(ended.map_or(0, |it| it.count));
        }
        self.waiting.push_back(sum);
        unsigned(self.largest)
    }
}

/// Why the peak is unusual: against the largest before.
pub(super) fn against_record(scene: &Scene<'_>, records: &Records, peak: &Trigger) -> Reason {
    let Trigger { span, sum, threshold } = *peak;
    let observed = unsigned(sum.count);
    let index = Span::ALL.iter().position(|it| *it == span).unwrap_or(0);
    let record = records.today[index];
    let past = past_words(scene);
    let sentence = if record.largest == 0 {
        format!("{observed} within {}, and none in {past}", span.within())
    } else {
        let times = times(observed, u64::from(record.largest));
        let day = Day::numbered(i64::from(record.day));
        format!(
            "{times} times the largest {} of {past} ({}, on {day})",
            span.words(),
            record.largest
        )
    };
    Reason { observed, threshold, baseline: u64::from(record.largest), sentence }
}

/// What of the past a day is compared with.
pub(super) fn past_words(scene: &Scene<'_>) -> String {
    match scene.days_observed(scene.input.day) {
        ..=0 => "the time observed before".to_owned(),
        1 => "the one day observed before".to_owned(),
        days @ 2..=28 => format!("the {days} days observed before"),
        _ => "the last 28 days".to_owned(),
    }
}

/// How many times `usual` goes into `observed`, to one digit after the point below ten.
pub(super) fn times(observed: u64, usual: u64) -> String {
    let tenths = u128::from(observed) * 10 / u128::from(usual.max(1));
    if tenths < 100 {
        format!("{}.{}", tenths / 10, tenths % 10)
    } else {
        (tenths / 10).to_string()
    }
}
