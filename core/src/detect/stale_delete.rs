//! `stale_delete`: keys are removed shortly after a write that replaced them, by a principal that
//! usually does no such thing: the removal was meant for what was there before. The first is found,
//! and all of a day and principal are one finding.
//!
//! Usual is a share of 5 % of the principal's removals of 28 days (the mean of a Beta distribution
//! that knew 20 removals before, half of one of them stale), on 3 of these days or more: the
//! cleaner of temporary files does it on purpose.

use super::Suspicion;
use super::scene::Scene;
use super::suspected::{Numbers, by_principal, most_within_an_hour, usual_share};
use crate::domain::{Detector, Finding, Reason, Severity};

/// A larger share of a principal's removals is its way of working.
const SHARE_MAX: f64 = 0.05;
/// So many keys within an hour are critical, once no later write can excuse them.
const KEYS_CRITICAL: u64 = 20;

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    let is_stale = |suspicion: &Suspicion| matches!(suspicion, Suspicion::Stale { .. });
    let mut findings = Vec::new();
    for (of, suspects) in by_principal(scene, is_stale) {
        let share = usual_share(scene, of, Numbers::Stale);
        if share.is_usual(SHARE_MAX) {
            continue;
        }
        let gaps = suspects.iter().filter_map(|suspect| match suspect.suspicion {
            Suspicion::Stale { replaced_at } => Some(suspect.at.millis_since(replaced_at?)),
            _ => None,
        });
        let after = super::suspected::median_words(gaps.collect());
        let keys = suspects.len() as u64;
        let last = suspects.iter().map(|suspect| suspect.at).max();
        let is_settled = scene.input.watermarks.values().min() >= last.as_ref();
        let is_many = most_within_an_hour(&suspects) >= KEYS_CRITICAL;
        let severity = if is_many && is_settled { Severity::Critical } else { Severity::Warning };
        let usual = share.in_percent();
        let reason = Reason {
            observed: keys,
            threshold: 1,
            baseline: share.counted(),
            sentence: format!(
                "{keys} removed {after} a write that replaced them; usually {usual} of this \
                 principal's removals are so"
            ),
        };
        let detector = Detector::StaleDelete;
        findings.push(scene.finding_of_suspects(detector, of, &suspects, severity, reason));
    }
    findings
}
