//! `mass_delete`: more was removed within 5 minutes, an hour or 24 hours than twice the largest of
//! the last 28 days, in the bucket as a whole or by one principal in it.
//!
//! The record rule of [`super::limits`]. While a bucket was observed for less than a week only a
//! floor counts: 1 000 objects within an hour, and more than thrice what came before them. 1 000
//! objects and four times what is too much are critical, once a day was observed.

use super::baseline::{Baseline, MASS_MIN};
use super::episode::{Episode, begun_on};
use super::limits::Knowledge;
use super::scene::{Of, Scene, unsigned};
use super::volume::{Volume, against_record};
use crate::domain::{Detector, Finding, Severity};

/// As many are a mass wherever nothing is known yet, and are critical where something is.
const MANY: u64 = 1_000;
/// So many times what is too much already is critical: a bucket of bursts passes that now and then.
const CRITICAL_TIMES: u64 = 4;
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
        against_record(scene, &record_of(scene, of).removed, &episode.peak),
    );
    let is_known = scene.days_observed(scene.input.day) >= 1;
    let passed = unsigned(episode.peak.sum.count);
    let is_far_above = passed >= episode.peak.threshold.saturating_mul(CRITICAL_TIMES);
    // In the first week the floor is the threshold of a bucket in which hardly anything happened.
    let is_cold = scene.knowledge(scene.input.day) == Knowledge::Cold;
    let was_quiet = is_cold && episode.peak.threshold == MANY;
    let is_many = finding.tally.removed() >= MANY && (is_far_above || was_quiet);
    let severity = if is_many && is_known { Severity::Critical } else { Severity::Warning };
    Some(Finding { severity, ..finding })
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

fn episode(scene: &Scene<'_>, of: Of) -> Option<Episode> {
    let volume = Volume {
        points: &scene.series(of).points(|counts| counts.removed),
        records: &record_of(scene, of).removed,
        minima: MASS_MIN,
        cold_minimum: (of == Of::Bucket).then_some(MANY),
    };
    begun_on(scene.input.day, &volume.triggers(scene))
}
