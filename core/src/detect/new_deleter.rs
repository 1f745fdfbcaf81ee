//! `new_deleter`: a principal that removed nothing in this bucket within 28 days does: 10 objects
//! within an hour, or a named version for good. Silent while the bucket was observed for less than
//! 14 days, for then everybody is new.

use super::cell::{WINDOWS_PER_DAY, Window};
use super::scene::{Of, Scene, unsigned};
use super::series::{Span, sums};
use crate::domain::{Detector, Finding, Reason, Severity};

/// So many objects within an hour are no slip.
const OBJECTS_MIN: i64 = 10;
/// Days of observation before anybody is called new.
const LEARNING_DAYS: i64 = 14;

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    if scene.days_observed(scene.input.day) < LEARNING_DAYS {
        return Vec::new();
    }
    scene.principals().filter_map(|of| judge(scene, of)).collect()
}

/// What a new principal does in the 24 hours after its first removal is new; the finding belongs to
/// the day on which that was enough.
fn judge(scene: &Scene<'_>, of: Of) -> Option<Finding> {
    if scene.baseline(of).is_some_and(|known| known.days_active() > 0) {
        return None;
    }
    let mut removed = scene.series(of).points(|counts| counts.removed);
    let first = removed.first()?.0;
    removed.retain(|(window, _)| *window < first + WINDOWS_PER_DAY);
    let last = removed.last()?.0;
    let many = sums(&removed, Span::Hour).find(|sum| sum.count >= OBJECTS_MIN);
    let for_good = scene.series(of).points(|counts| counts.versions);
    let for_good = for_good.first().map(|(window, _)| *window).filter(|window| *window <= last);
    let enough = many.map(|sum| sum.last).into_iter().chain(for_good).min()?;
    if Window::numbered(enough).day() != scene.input.day {
        return None;
    }
    let most = sums(&removed, Span::Hour).map(|sum| unsigned(sum.count)).max().unwrap_or(0);
    let is_many = many.is_some_and(|sum| sum.last == enough);
    let threshold = if is_many { unsigned(OBJECTS_MIN) } else { 1 };
    let what = if is_many { "" } else { ", for good" };
    let sentence = format!(
        "the first removals by this principal in this bucket within 28 days: {most} within an \
         hour{what}"
    );
    let reason = Reason { observed: most, threshold, baseline: 0, sentence };
    let bounds = (Window::numbered(first), Window::numbered(last));
    Some(scene.finding(Detector::NewDeleter, of, bounds, Severity::Warning, reason))
}
