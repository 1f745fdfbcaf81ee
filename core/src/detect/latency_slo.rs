//! `latency_slo`: deletes take longer than they should from the request to the removal, so often
//! that the error budget of a month is gone in days. With a target of 99 % that are fast enough:
//! more than 14.4 % slow ones within an hour and within the last 5 minutes of it (a fiftieth of the
//! budget in that hour), or more than 6 % within 24 hours and within the last hour of them.
//!
//! The windows and burn rates are those of multi-window alerts in "The Site Reliability Workbook",
//! chapter 5; 6 % is for 6 hours there, and held over 24 here.

use std::collections::BTreeMap;

use super::cell::Window;
use super::scene::{Of, Scene, unsigned};
use super::series::{Point, Span, Sum, sums};
use super::{Suspect, Suspicion};
use crate::domain::{Detector, Finding, Reason, Severity};

/// Fewer slow ones are no trend.
const SLOW_MIN: u64 = 10;
/// How fast the budget burns: over which span, in the last part of it too, and which share is slow.
const BURNS: [(Span, Span, f64, Severity); 2] = [
    (Span::Hour, Span::FiveMinutes, 0.144, Severity::Warning),
    (Span::Day, Span::Hour, 0.06, Severity::Info),
];

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    judge(scene).into_iter().collect()
}

fn judge(scene: &Scene<'_>) -> Option<Finding> {
    let is_slow = |suspect: &&Suspect| matches!(suspect.suspicion, Suspicion::Slow(_));
    let slow: Vec<&Suspect> = scene.input.suspects.iter().filter(is_slow).collect();
    let mut by_window: BTreeMap<i64, i64> = BTreeMap::new();
    for suspect in &slow {
        *by_window.entry(Window::of(suspect.at).number()).or_default() += 1;
    }
    let points: Vec<Point> = by_window.into_iter().collect();
    let removed = scene.series(Of::Bucket).points(|counts| counts.removed);
    BURNS.into_iter().find_map(|(long, short, share_max, severity)| {
        let burning = sums(&points, long).filter(|sum| is_today(scene, sum)).find(|sum| {
            let share = |span: Span| share_until(&points, &removed, sum.last, span);
            unsigned(sum.count) >= SLOW_MIN && share(long) > share_max && share(short) > share_max
        })?;
        let share = share_until(&points, &removed, burning.last, long);
        let mut millis: Vec<i64> = slow.iter().filter_map(|it| slowness(it)).collect();
        millis.sort_unstable();
        let median = millis.get(millis.len() / 2).copied().unwrap_or(0);
        let reason = Reason {
            observed: slow.len() as u64,
            threshold: SLOW_MIN,
            baseline: 0,
            sentence: format!(
                "{:.0} % of the deletes within {} took too long, half of these {:.1} s or more; \
                 {:.1} % are more than a target of 99 % can bear",
                share * 100.0,
                long.within(),
                median as f64 / 1_000.0,
                share_max * 100.0
            ),
        };
        let detector = Detector::LatencySlo;
        Some(scene.finding_of_suspects(detector, Of::Bucket, &slow, severity, reason))
    })
}

fn is_today(scene: &Scene<'_>, sum: &Sum) -> bool {
    Window::numbered(sum.last).day() == scene.input.day
}

fn slowness(suspect: &Suspect) -> Option<i64> {
    match suspect.suspicion {
        Suspicion::Slow(millis) => Some(millis),
        _ => None,
    }
}

/// The share of slow ones among what was removed in the span that ends with this window.
fn share_until(slow: &[Point], removed: &[Point], last: i64, span: Span) -> f64 {
    let within = |points: &[Point]| {
        let points = points.iter().filter(|it| it.0 <= last && it.0 > last - span.windows());
        points.map(|(_, count)| *count).sum::<i64>() as f64
    };
    let slow = within(slow);
    slow / within(removed).max(slow).max(1.0)
}
