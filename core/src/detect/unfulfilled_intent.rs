//! `unfulfilled_intent`: a delete that an application declared did not happen: no removal of the
//! key at or after the time it was asked for, up to when its sources are complete. One is enough.

use super::Suspicion;
use super::scene::Scene;
use super::suspected::by_principal;
use crate::domain::{Detector, Finding, Reason, Severity, some};

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    by_principal(scene, |suspicion| matches!(suspicion, Suspicion::Unfulfilled))
        .into_iter()
        .map(|(of, suspects)| {
            let count = suspects.len() as u64;
            let reason = Reason {
                observed: count,
                threshold: 1,
                baseline: 0,
                sentence: format!(
                    "{}, and no removal of their keys since: the call was not made, or refused, or \
                     named another key",
                    some(count, "declared delete")
                ),
            };
            let detector = Detector::UnfulfilledIntent;
            scene.finding_of_suspects(detector, of, &suspects, Severity::Warning, reason)
        })
        .collect()
}
