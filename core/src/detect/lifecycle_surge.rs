//! `lifecycle_surge`: lifecycle rules removed more on a day than twice the most of the last 28
//! days, and 200 or more. The record rule of [`super::limits`] over days of the calendar, for rules
//! run once a day. It names who changed the rules last.

use super::baseline::LIFECYCLE_MIN;
use super::cell::Window;
use super::changes::{Change, name_of};
use super::limits::{Knowledge, Rule};
use super::scene::{Of, Scene, unsigned};
use super::volume::{past_words, times};
use crate::domain::{Day, Detector, Finding, Outcome, ProtectionChange, Reason, Severity};

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    judge(scene).into_iter().collect()
}

fn judge(scene: &Scene<'_>) -> Option<Finding> {
    let day = scene.input.day;
    let knowledge = scene.knowledge(day);
    if knowledge == Knowledge::Cold {
        return None;
    }
    let points = scene.series(Of::Bucket).points(|counts| counts.lifecycle);
    let is_today = |window: i64| Window::numbered(window).day() == day;
    let points: Vec<(i64, i64)> = points.into_iter().filter(|it| is_today(it.0)).collect();
    let observed = points.iter().map(|(_, count)| unsigned(*count)).sum();
    let record = scene.baselines.bucket().lifecycle;
    let rule = Rule::new(scene.input.settings.sensitivity, knowledge, LIFECYCLE_MIN);
    let threshold = rule.threshold(u64::from(record.largest));
    if observed < threshold {
        return None;
    }
    let past = past_words(scene);
    let sentence = if record.largest == 0 {
        format!("{observed} on one day, and none in {past}")
    } else {
        let times = times(observed, u64::from(record.largest));
        let when = Day::numbered(i64::from(record.day));
        format!("{times} times the largest day of {past} ({}, on {when})", record.largest)
    };
    let reason = Reason { observed, threshold, baseline: u64::from(record.largest), sentence };
    let bounds = (Window::numbered(points.first()?.0), Window::numbered(points.last()?.0));
    let detector = Detector::LifecycleSurge;
    let mut finding = scene.finding(detector, Of::Bucket, bounds, Severity::Warning, reason);
    finding.notes.push(last_rule(scene, bounds.1));
    Some(finding)
}

/// Who changed the rules last before that.
fn last_rule(scene: &Scene<'_>, until: Window) -> String {
    let is_rule = |change: &&ProtectionChange| {
        let names = ["PutBucketLifecycle", "DeleteBucketLifecycle"];
        change.outcome == Outcome::Ok
            && change.at <= until.end()
            && names.contains(&change.event_name.as_str())
    };
    let rules = scene.input.changes.iter().filter(is_rule);
    match rules.max_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id))) {
        Some(change) => format!(
            "rules last changed by {} at {}: {}",
            name_of(&change.actor),
            Change::minute(change.at),
            change.detail.as_deref().unwrap_or(&change.event_name)
        ),
        None => "nobody is known to have changed the rules within 28 days".to_owned(),
    }
}
