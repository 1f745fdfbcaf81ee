//! `log_tamper`: somebody changed what tells of deletions: a trail, its selectors, a bucket's
//! notifications or access logs; or tried to. One event is enough, and it is critical, unless the
//! same author makes such changes anyway, which an infrastructure program does.

use super::changes::Change;
use super::protection_off::{by_author, told, was_made_before};
use super::scene::Scene;
use crate::domain::{Detector, Finding, Severity};

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    let changes = scene.input.changes.iter().filter_map(Change::of_logs);
    by_author(changes, scene.input.day)
        .into_values()
        .map(|changes| {
            let is_usual = changes.iter().all(|it| was_made_before(scene, it, Change::of_logs));
            let severity = if is_usual { Severity::Warning } else { Severity::Critical };
            told(scene, Detector::LogTamper, &changes, severity)
        })
        .collect()
}
