//! What findings of one bucket and day mean for one another: which are related, and which become
//! more severe together. It finds nothing itself.

use std::collections::BTreeSet;

use super::Input;
use super::cell::Window;
use crate::domain::{Detector, Finding, Severity};

/// Puts the findings of a day in order, tells each of the others, and settles how severe they are.
pub(super) fn related(input: &Input<'_>, mut findings: Vec<Finding>) -> Vec<Finding> {
    let severities: Vec<Severity> =
        findings.iter().map(|finding| together(finding, &findings)).collect();
    for (finding, severity) in findings.iter_mut().zip(severities) {
        finding.severity = severity;
        tell_announced(input, finding);
        if input.settings.is_important {
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
        _ => finding.severity,
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
fn tell_announced(input: &Input<'_>, finding: &mut Finding) {
    let is_of_volume = matches!(
        finding.detector,
        Detector::MassDelete
            | Detector::OffPattern
            | Detector::NewDeleter
            | Detector::NewOrigin
            | Detector::VersionPurge
    );
    if !is_of_volume {
        return;
    }
    let last = Window::of(finding.last_at);
    let mut is_beyond = false;
    for announced in input.announced {
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

/// One step more severe.
pub(super) const fn raised(severity: Severity) -> Severity {
    match severity {
        Severity::Info => Severity::Warning,
        Severity::Warning | Severity::Critical => Severity::Critical,
    }
}
