//! `mass_delete`: more was removed within 5 minutes, an hour or 24 hours than twice the largest of
//! the last 28 days, in the bucket as a whole or by one principal in it.
//!
//! The record rule of [`super::limits`]. While a bucket was observed for less than a week only a
//! floor counts: 1 000 objects within an hour, and more than thrice what came before them.

use super::baseline::{Baseline, MASS_MIN, Records};
use super::cell::Window;
use super::episode::{Episode, Trigger, begun_on};
use super::limits::{Knowledge, Rule};
use super::scene::{Of, Scene, unsigned};
use super::series::{Point, Span, Sum, sums};
use crate::domain::{Day, Detector, Finding, Reason, Severity};

/// As many are a mass wherever nothing is known yet, and are critical where something is.
const MANY: u64 = 1_000;
/// Days a principal has to be known for before it has a record of its own.
const OWN_RECORD_DAYS: i64 = 7;

/// All findings of the day: one of the bucket, else those of its principals.
pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    if let Some(finding) = judge(scene, Of::Bucket) {
        return vec![finding];
    }
    scene.principals().filter_map(|of| judge(scene, of)).collect()
}

fn judge(scene: &Scene<'_>, of: Of) -> Option<Finding> {
    let episode = episode(scene, of)?;
    let finding = scene.finding(
        Detector::MassDelete,
        of,
        (episode.first, episode.last),
        Severity::Warning,
        reason(scene, record_of(scene, of), &episode),
    );
    let is_known = scene.days_observed(scene.input.day) >= 1;
    let is_many = finding.tally.removed() >= MANY;
    let severity = if is_many && is_known { Severity::Critical } else { Severity::Warning };
    Some(Finding { severity, ..finding })
}

/// The baseline that a series is held to: a principal that is hardly known has the bucket's.
fn record_of<'a>(scene: &Scene<'a>, of: Of) -> &'a Baseline {
    let of_bucket = scene.baselines.bucket();
    let is_old = |own: &&Baseline| {
        let known_until = scene.input.day.number() - OWN_RECORD_DAYS;
        own.first_day.is_some_and(|first| i64::from(first) <= known_until)
    };
    scene.baseline(of).filter(is_old).unwrap_or(of_bucket)
}

fn episode(scene: &Scene<'_>, of: Of) -> Option<Episode> {
    let points = scene.series(of).points(|counts| counts.removed);
    let records = &record_of(scene, of).removed;
    begun_on(scene.input.day, &triggers(scene, of, &points, records))
}

/// What is too much on the day before, the day and the day after; each by the rule of its day, and
/// the day after by that of the day.
fn triggers(scene: &Scene<'_>, of: Of, points: &[Point], records: &Records) -> Vec<Trigger> {
    let today = scene.input.day;
    let mut triggers = Vec::new();
    for (index, span) in Span::ALL.into_iter().enumerate() {
        let mut earlier = Earlier::default();
        for sum in sums(points, span) {
            let day = Window::numbered(sum.last).day();
            let before = earlier.largest_before(sum, span);
            if day < today.plus(-1) {
                continue;
            }
            let record =
                if day < today { records.yesterday[index] } else { largest(records, index) };
            let threshold = match scene.knowledge(day.min(today)) {
                Knowledge::Cold if span == Span::Day || of != Of::Bucket => continue,
                knowledge => {
                    let (record, minimum) = if knowledge == Knowledge::Cold {
                        (u64::from(record).max(before), MANY)
                    } else {
                        (u64::from(record), MASS_MIN[index])
                    };
                    let sensitivity = scene.input.settings.sensitivity;
                    Rule::new(sensitivity, knowledge, minimum).threshold(record)
                }
            };
            if unsigned(sum.count) >= threshold {
                triggers.push(Trigger { span, sum, threshold });
            }
        }
    }
    triggers
}

fn largest(records: &Records, index: usize) -> u32 {
    records.today[index].largest
}

/// The largest sum that ended before a sum began.
#[derive(Default)]
struct Earlier {
    /// Sums that may still overlap with the next one.
    waiting: std::collections::VecDeque<Sum>,
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

fn reason(scene: &Scene<'_>, baseline: &Baseline, episode: &Episode) -> Reason {
    let Trigger { span, sum, threshold } = episode.peak;
    let observed = unsigned(sum.count);
    let index = Span::ALL.iter().position(|it| *it == span).unwrap_or(0);
    let record = baseline.removed.today[index];
    let words = span.words();
    let past = past_words(scene);
    let sentence = if record.largest == 0 {
        format!("{observed} within {}, and none in {past}", within(span))
    } else {
        let times = times(observed, u64::from(record.largest));
        let day = Day::numbered(i64::from(record.day));
        format!("{times} times the largest {words} of {past} ({}, on {day})", record.largest)
    };
    Reason { observed, threshold, baseline: u64::from(record.largest), sentence }
}

const fn within(span: Span) -> &'static str {
    match span {
        Span::FiveMinutes => "5 minutes",
        Span::Hour => "an hour",
        Span::Day => "24 hours",
    }
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
