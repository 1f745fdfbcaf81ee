//! What findings of one bucket and day mean for one another: which are related, and which become
//! more severe together. It finds nothing itself.

use std::collections::BTreeSet;

use super::cell::Window;
use super::protection_off::armed_at;
use super::scene::Scene;
use crate::domain::{Detector, Finding, Severity};

/// Puts the findings of a day in order, tells each of the others, and settles how severe they are.
pub(super) fn related(scene: &Scene<'_>, mut findings: Vec<Finding>) -> Vec<Finding> {
    drop_told(&mut findings);
    let severities: Vec<Severity> =
        findings.iter().map(|finding| together(finding, &findings)).collect();
    for (finding, severity) in findings.iter_mut().zip(severities) {
        finding.severity = severity;
        tell_armed(scene, finding);
        tell_announced(scene, finding);
        if scene.input.settings.is_important {
            finding.severity = raised(finding.severity);
        }
    }
    let detectors: BTreeSet<Detector> = findings.iter().map(|finding| finding.detector).collect();
    for finding in &mut findings {
        let others = detectors.iter().copied().filter(|it| *it != finding.detector);
        finding.related = others.collect();
    }
    findings.sort_by(|a, b| {
        (a.detector, &a.subject, a.first_at).cmp(&(b.detector, &b.subject, b.first_at))
    });
    findings
}

/// How severe a finding is beside the others.
fn together(finding: &Finding, all: &[Finding]) -> Severity {
    let with = |detectors: &[Detector]| {
        all.iter().any(|other| detectors.contains(&other.detector) && is_same(finding, other))
    };
    match finding.detector {
        Detector::NewDeleter if with(&[Detector::MassDelete, Detector::VersionPurge]) => {
            Severity::Critical
        }
        Detector::NewOrigin if with(WITH_NEW_ORIGIN) => Severity::Warning,
        Detector::RedundantDelete if with(&[Detector::StaleDelete]) => Severity::Warning,
        _ => finding.severity,
    }
}

/// What makes a new origin more than worth knowing.
const WITH_NEW_ORIGIN: &[Detector] = &[
    Detector::MassDelete,
    Detector::OffPattern,
    Detector::VersionPurge,
    Detector::StaleDelete,
    Detector::DeleteDenied,
    Detector::ProtectionOff,
];

/// What is found as a mass already is not found again by its hour.
fn drop_told(findings: &mut Vec<Finding>) {
    let masses: Vec<Finding> =
        findings.iter().filter(|it| it.detector == Detector::MassDelete).cloned().collect();
    findings.retain(|finding| {
        let is_told = |mass: &Finding| {
            (mass.subject == finding.subject || mass.subject.is_empty())
                && mass.first_at < finding.last_at
                && finding.first_at < mass.last_at
        };
        finding.detector != Detector::OffPattern || !masses.iter().any(is_told)
    });
}

/// Says what was switched off in the 48 hours before removals, and takes them for worse.
fn tell_armed(scene: &Scene<'_>, finding: &mut Finding) {
    let is_of_removals = is_of_volume(finding.detector)
        || matches!(finding.detector, Detector::LifecycleSurge | Detector::StaleDelete);
    if !is_of_removals {
        return;
    }
    if let Some(change) = armed_at(scene, finding.last_at) {
        finding.notes.push(format!("{} before", change.told()));
        finding.severity = raised(finding.severity);
    }
}

/// Whether two findings are about the same principal; one about the bucket is, when that principal
/// is behind it.
fn is_same(finding: &Finding, other: &Finding) -> bool {
    finding.subject == other.subject
        || (other.subject.is_empty()
            && other
                .who
                .iter()
                .any(|who| finding.who.iter().any(|own| own.principal == who.principal)))
}

/// Says how many came beyond what was announced, and takes it for worse.
fn tell_announced(scene: &Scene<'_>, finding: &mut Finding) {
    if !is_of_volume(finding.detector) {
        return;
    }
    let last = Window::of(finding.last_at);
    let mut is_beyond = false;
    for announced in scene.input.announced {
        if announced.beyond_since().is_some_and(|since| since <= last) {
            is_beyond = true;
            finding.notes.push(format!(
                "{} more than the {} announced as {}",
                announced.beyond(),
                announced.expectation.objects_max,
                announced.expectation.id
            ));
        }
    }
    if is_beyond {
        finding.severity = raised(finding.severity);
    }
}

/// Whether it is about how much was removed, or by whom.
fn is_of_volume(detector: Detector) -> bool {
    matches!(
        detector,
        Detector::MassDelete
            | Detector::OffPattern
            | Detector::NewDeleter
            | Detector::NewOrigin
            | Detector::VersionPurge
    )
}

/// One step more severe.
const fn raised(severity: Severity) -> Severity {
    match severity {
        Severity::Info => Severity::Warning,
        Severity::Warning | Severity::Critical => Severity::Critical,
    }
}
