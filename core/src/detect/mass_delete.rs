//! `mass_delete`: more was removed within 5 minutes, an hour or 24 hours than twice the largest of
//! the last 28 days, in the bucket as a whole or by one principal in it.
//!
//! The record rule of [`super::limits`]. While a bucket was observed for less than a week only a
//! floor counts: 1 000 objects within an hour, and more than thrice what came before them. 1 000
//! objects and four times what is too much are critical, once a day was observed.

use super::baseline::{Baseline, MASS_MIN};
use super::cell::Window;
use super::episode::{Trigger, begun_on};
use super::limits::{Knowledge, rare};
use super::scene::{Of, Scene, unsigned};
use super::series::Span;
use super::settings::Sensitivity;
use super::volume::{Volume, against_record};
use crate::domain::{Detector, Finding, Severity};

/// As many are a mass wherever nothing is known yet, and are critical where something is.
const MANY: u64 = 1_000;
/// So many times what is too much already is critical: a bucket of bursts passes that now and then.
const CRITICAL_TIMES: u64 = 4;
/// So many times the largest is rare, whatever the days are like, when it is that many objects.
const MANY_TIMES: u64 = 4;
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
    let known = record_of(scene, of);
    let volume = Volume {
        points: &scene.series(of).points(|counts| counts.removed),
        records: &known.removed,
        minima: MASS_MIN,
        cold_minimum: (of == Of::Bucket).then_some(MANY),
    };
    let triggers = volume.triggers(scene);
    let episode = begun_on(scene.input.day, &triggers)?;
    let reason = against_record(scene, &known.removed, &episode.peak);
    let bounds = (episode.first, episode.last);
    let finding = scene.finding(Detector::MassDelete, of, bounds, Severity::Info, reason);
    let is_known = scene.days_observed(scene.input.day) >= 1;
    let passed = unsigned(episode.peak.sum.count);
    let is_far_above = passed >= episode.peak.threshold.saturating_mul(CRITICAL_TIMES);
    // In the first week the floor is the threshold of a bucket in which hardly anything happened.
    let is_cold = scene.knowledge(scene.input.day) == Knowledge::Cold;
    let was_quiet = is_cold && episode.peak.threshold == MANY;
    let is_many = finding.tally.removed() >= MANY && (is_far_above || was_quiet);
    if is_many && is_known {
        return Some(Finding { severity: Severity::Critical, ..finding });
    }
    let is_of_today = |trigger: &&Trigger| {
        let last = Window::numbered(trigger.sum.last);
        last.day() >= scene.input.day && last <= episode.last
    };
    let mut of_today = triggers.iter().filter(is_of_today);
    if of_today.any(|trigger| is_rare(scene, known, trigger)) {
        return Some(Finding { severity: Severity::Warning, ..finding });
    }
    let note = "worth knowing only: days here differ so much that this comes now and then";
    Some(Finding { notes: [&finding.notes[..], &[note.to_owned()]].concat(), ..finding })
}

/// Whether so much hardly ever comes, by how much the days differ. 1 000 objects within an hour are
/// taken for rare wherever they are too much, and over the other spans where they are so many times
/// the largest.
fn is_rare(scene: &Scene<'_>, known: &Baseline, trigger: &Trigger) -> bool {
    let index = Span::ALL.iter().position(|it| *it == trigger.span).unwrap_or(0);
    let largest = u64::from(known.removed.today[index].largest);
    let count = unsigned(trigger.sum.count);
    let times = if trigger.span == Span::Hour { 1 } else { MANY_TIMES };
    scene.input.settings.sensitivity == Sensitivity::High
        || count as f64 >= rare(largest, known.tails[index])
        || (count >= MANY && count >= largest.saturating_mul(times))
}

/// The baseline that a series is held to: a principal that is hardly known has the bucket's.
pub(super) fn record_of<'a>(scene: &Scene<'a>, of: Of) -> &'a Baseline {
    let of_bucket = scene.baselines.bucket();
    let is_old = |own: &&Baseline| {
        let known_until = scene.input.day.number() - OWN_RECORD_DAYS;
        own.first_day.is_some_and(|first| i64::from(first) <= known_until)
    };
    scene.baseline(of).filter(is_old).unwrap_or(of_bucket)
}
