//! `redundant_delete`: 20 keys or more within an hour were deleted again by another request, with
//! no write between, and these are 5 % or more of what the principal removed in that time. The
//! median gap tells a call that is made twice from one that is retried, and from two jobs.

use super::Suspicion;
use super::scene::{Of, Scene};
use super::suspected::{Numbers, by_principal, median_words, most_within_an_hour, usual_share};
use crate::domain::{Detector, Finding, Reason, Severity, Timestamp};

/// Fewer within an hour cost nobody anything.
const KEYS_MIN: u64 = 20;
/// So many are worth a look today.
const KEYS_WARNING: u64 = 200;
/// A smaller share of the removals is noise, a larger one of 28 days is the program's way.
const SHARE_MIN: f64 = 0.05;

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    let is_repeated = |suspicion: &Suspicion| matches!(suspicion, Suspicion::Repeated { .. });
    let mut findings = Vec::new();
    for (of, suspects) in by_principal(scene, is_repeated) {
        let most = most_within_an_hour(&suspects);
        let times = suspects.iter().map(|suspect| suspect.at);
        let removed = removed_between(scene, of, times.clone().min(), times.max());
        let share = usual_share(scene, of, Numbers::Repeated);
        let keys = suspects.len() as u64;
        let is_little = (keys as f64) < SHARE_MIN * removed as f64;
        if most < KEYS_MIN || is_little || share.is_usual(SHARE_MIN) {
            continue;
        }
        let gaps = suspects.iter().filter_map(|suspect| match suspect.suspicion {
            Suspicion::Repeated { first_at } => Some(suspect.at.millis_since(first_at)),
            _ => None,
        });
        let gaps: Vec<i64> = gaps.collect();
        let likely = likely_cause(&gaps);
        let after = median_words(gaps);
        let severity = if most >= KEYS_WARNING { Severity::Warning } else { Severity::Info };
        let reason = Reason {
            observed: keys,
            threshold: KEYS_MIN,
            baseline: share.counted(),
            sentence: format!(
                "{keys} deleted again {after} the first time, {most} of them within an hour: \
                 {likely}"
            ),
        };
        let detector = Detector::RedundantDelete;
        findings.push(scene.finding_of_suspects(detector, of, &suspects, severity, reason));
    }
    findings
}

/// What removes a thing twice so soon after one another.
fn likely_cause(gaps: &[i64]) -> &'static str {
    let mut gaps = gaps.to_vec();
    gaps.sort_unstable();
    match gaps.get(gaps.len() / 2) {
        Some(..2_000) => "the call is made twice",
        Some(..60_000) => "the call is retried",
        _ => "two jobs do the same",
    }
}

fn removed_between(
    scene: &Scene<'_>,
    of: Of,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
) -> u64 {
    let (Some(first), Some(last)) = (first, last) else { return 0 };
    let bounds = (super::Window::of(first), super::Window::of(last));
    scene.cells(of, bounds).map(|cell| cell.counts.removed.max(0).cast_unsigned()).sum()
}
