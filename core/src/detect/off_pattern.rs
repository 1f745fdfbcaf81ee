//! `off_pattern`: more within 5 minutes than is likely at this hour. It finds what is small beside
//! the record but out of place: ten thousand at noon, in a bucket that is emptied every night.
//!
//! A negative binomial with the moments of this hour on days like this (working days, weekends) of
//! the last 28 has a tail below 10^-7, and the hour and those beside it never saw half as many.

use super::baseline::{Hours, Usual};
use super::cell::Window;
use super::episode::{Trigger, begun_on};
use super::limits::{Knowledge, Rule};
use super::scene::{Of, Scene, unsigned};
use super::series::{Span, Sum};
use super::settings::Sensitivity;
use super::tail::log_tail;
use crate::domain::{Detector, Finding, Reason, Severity};

/// Less is never out of pattern.
const OBJECTS_MIN: u64 = 20;

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    if let Some(finding) = judge(scene, Of::Bucket) {
        return vec![finding];
    }
    scene.principals().filter_map(|of| judge(scene, of)).collect()
}

fn judge(scene: &Scene<'_>, of: Of) -> Option<Finding> {
    let hours = scene.baseline(of)?.hours.as_deref()?;
    let begin = scene.input.day.plus(-1);
    let triggers: Vec<Trigger> = scene
        .series(of)
        .points(|counts| counts.removed)
        .into_iter()
        .map(|(window, count)| Sum { first: window, last: window, count })
        .filter(|sum| Window::numbered(sum.last).day() >= begin)
        .filter_map(|sum| trigger(scene, hours, sum))
        .collect();
    let episode = begun_on(scene.input.day, &triggers)?;
    let peak = episode.peak;
    let window = Window::numbered(peak.sum.last);
    let usual = hours.usual(window)?;
    let observed = unsigned(peak.sum.count);
    let reason = Reason {
        observed,
        threshold: peak.threshold,
        baseline: u64::from(usual.largest),
        sentence: sentence(window, observed, &usual),
    };
    let bounds = (episode.first, episode.last);
    Some(scene.finding(Detector::OffPattern, of, bounds, Severity::Warning, reason))
}

fn trigger(scene: &Scene<'_>, hours: &Hours, sum: Sum) -> Option<Trigger> {
    let count = unsigned(sum.count);
    if count < OBJECTS_MIN {
        return None;
    }
    let sensitivity = scene.input.settings.sensitivity;
    let usual = hours.usual(Window::numbered(sum.last))?;
    let rule = Rule::new(sensitivity, Knowledge::Warm, OBJECTS_MIN);
    let threshold = rule.threshold(u64::from(usual.largest));
    let is_unlikely =
        || log_tail(count as f64, usual.mean, usual.variance) < log_chance_max(sensitivity);
    (count >= threshold && is_unlikely()).then_some(Trigger {
        span: Span::FiveMinutes,
        sum,
        threshold,
    })
}

/// The logarithm of the chance below which a count is out of pattern.
fn log_chance_max(sensitivity: Sensitivity) -> f64 {
    let chance: f64 = match sensitivity {
        Sensitivity::Low => 1e-9,
        Sensitivity::Normal => 1e-7,
        Sensitivity::High => 1e-6,
    };
    chance.ln()
}

fn sentence(window: Window, observed: u64, usual: &Usual) -> String {
    let time = window.start().to_string();
    let hour = time.get(11..13).unwrap_or("00");
    let days = if window.day().is_weekend() { "weekend" } else { "working" };
    let exponent = log_tail(observed as f64, usual.mean, usual.variance) / std::f64::consts::LN_10;
    format!(
        "{observed} within 5 minutes, when up to {} were usual from {hour}:00 UTC on {days} days \
         (less likely than 1 in 10^{:.0})",
        usual.largest,
        (-exponent).floor()
    )
}
