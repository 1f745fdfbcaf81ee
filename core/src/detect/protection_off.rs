//! `protection_off`: somebody took away what protects objects: versioning, MFA delete, replication,
//! object lock, a policy, a key, or added a lifecycle rule that expires. One event is enough.
//!
//! Who made such a change here within the 28 days before is an infrastructure program, and that is
//! worth knowing only. When within 48 hours more is removed on a day than on any of the 7 before,
//! it is critical.

use std::collections::BTreeMap;

use super::cell::{Counts, WINDOWS_PER_DAY, Window};
use super::changes::{Change, name_of};
use super::scene::{Of, Scene, unsigned};
use crate::domain::{Day, Detector, Finding, Reason, Severity, Timestamp, Who};

/// How long after a change removals are held against it, in milliseconds.
const ARMED_MILLIS: i64 = 48 * 60 * 60 * 1_000;
/// Fewer removals are not held against anything.
const OBJECTS_MIN: u64 = 50;

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    let changes = scene.input.changes.iter().filter_map(Change::of_protection);
    by_author(changes, scene.input.day)
        .into_values()
        .map(|changes| judge(scene, &changes))
        .collect()
}

/// The changes of a day in order of time, by author.
pub(super) fn by_author<'a>(
    changes: impl Iterator<Item = Change<'a>>,
    day: Day,
) -> BTreeMap<String, Vec<Change<'a>>> {
    let mut by_author: BTreeMap<String, Vec<Change<'a>>> = BTreeMap::new();
    for change in changes.filter(|it| Day::of(it.change.at) == day) {
        by_author.entry(change.subject()).or_default().push(change);
    }
    for changes in by_author.values_mut() {
        changes.sort_by(|a, b| (a.change.at, &a.change.id).cmp(&(b.change.at, &b.change.id)));
        changes.dedup_by(|a, b| a.change.id == b.change.id);
    }
    by_author
}

fn judge(scene: &Scene<'_>, changes: &[Change<'_>]) -> Finding {
    let is_usual = changes.iter().all(|it| was_made_before(scene, it, Change::of_protection));
    let severity = if is_usual { Severity::Info } else { Severity::Warning };
    let mut finding = told(scene, Detector::ProtectionOff, changes, severity);
    if let Some((removed, most)) = removed_since(scene, changes) {
        finding.severity = Severity::Critical;
        finding.notes.push(format!(
            "{removed} objects removed within a day since, when {most} were the most of 7 days"
        ));
    }
    finding
}

/// A finding that tells these changes of one author, which are not none.
pub(super) fn told(
    scene: &Scene<'_>,
    detector: Detector,
    changes: &[Change<'_>],
    severity: Severity,
) -> Finding {
    let midnight = scene.input.day.start();
    let first = changes.first().map_or(midnight, |it| it.change.at);
    let last = changes.last().map_or(midnight, |it| it.change.at);
    let told: Vec<String> = changes.iter().take(5).map(Change::told).collect();
    let more = changes.len() - told.len();
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let reason = Reason {
        observed: changes.len() as u64,
        threshold: 1,
        baseline: 0,
        sentence: format!("{}{more}", told.join("; ")),
    };
    let actors = || changes.iter().map(|it| &it.change.actor);
    let name = actors().map(|actor| name_of(actor)).min().unwrap_or_default();
    let origins: std::collections::BTreeSet<String> =
        actors().filter_map(|actor| super::origin::network(actor)).collect();
    let agents: std::collections::BTreeSet<String> =
        actors().filter_map(|actor| super::origin::agent_family(actor)).collect();
    Finding {
        subject: changes.first().map(Change::subject).unwrap_or_default(),
        who: vec![Who {
            principal: name,
            sessions: super::subject::sessions(actors()),
            objects: 0,
        }],
        principals: 1,
        origins: origins.into_iter().take(5).collect(),
        agents: agents.into_iter().take(5).collect(),
        ..scene.finding_at(detector, (first, last), severity, reason)
    }
}

/// Whether the same author made the same kind of change on a day before.
pub(super) fn was_made_before<'a>(
    scene: &Scene<'a>,
    change: &Change<'_>,
    meant: fn(&'a crate::domain::ProtectionChange) -> Option<Change<'a>>,
) -> bool {
    let earlier = scene.input.changes.iter().filter_map(meant);
    earlier.filter(|it| Day::of(it.change.at) < scene.input.day).any(|it| {
        it.change.event_name == change.change.event_name && it.subject() == change.subject()
    })
}

/// The most that was removed within 24 hours of the 48 after the first change, when that is more
/// than on any of the 7 days before; and what that was.
fn removed_since(scene: &Scene<'_>, changes: &[Change<'_>]) -> Option<(u64, u64)> {
    let begin = Window::of(changes.first()?.change.at);
    let end = Window::of(Timestamp::from_millis(begin.start().as_millis() + ARMED_MILLIS));
    let number = |counts: &Counts| counts.removed + counts.lifecycle;
    let points = [scene.series(Of::Bucket).points(number), scene.later.points(number)].concat();
    let within = |first: i64, last: i64| {
        let points = points.iter().filter(|(window, _)| (first..last).contains(window));
        points.map(|(_, count)| unsigned(*count)).sum::<u64>()
    };
    let middle = begin.number() + WINDOWS_PER_DAY;
    let removed = within(begin.number(), middle).max(within(middle, end.number()));
    let most = u64::from(scene.baselines.bucket().week);
    (removed > most && removed >= OBJECTS_MIN).then_some((removed, most))
}

/// What was taken away within the 48 hours before a time, the last of it.
pub(super) fn armed_at<'a>(scene: &Scene<'a>, at: Timestamp) -> Option<Change<'a>> {
    let changes = scene.input.changes.iter().filter_map(Change::of_protection);
    changes
        .filter(|it| (0..ARMED_MILLIS).contains(&at.millis_since(it.change.at)))
        .max_by(|a, b| (a.change.at, &a.change.id).cmp(&(b.change.at, &b.change.id)))
}
