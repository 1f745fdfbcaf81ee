//! `version_purge`: somebody who hardly ever removes versions for good removes 10 or more within an
//! hour. Hardly ever: less than 1 % of the principal's removals of 28 days, or on less than 3 of
//! them. Silent in the first week of observation.

use super::cell::Window;
use super::episode::{Trigger, begun_on};
use super::limits::{COLD_DAYS, PERSISTED_DAYS};
use super::scene::{Of, Scene, unsigned};
use super::series::{Span, sums};
use crate::domain::{Detector, Finding, Reason, Severity};

/// So many versions within an hour are a purge.
const VERSIONS_MIN: u64 = 10;
/// So many are critical.
const VERSIONS_CRITICAL: u64 = 100;
/// A smaller share of the removals is hardly ever.
const SHARE_MAX: f64 = 0.01;
/// The place of [`super::Counts::versions`] among the numbers.
const VERSIONS: usize = 2;

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    if scene.days_observed(scene.input.day) < COLD_DAYS {
        return Vec::new();
    }
    let nameless = std::iter::once(Of::Nameless);
    scene.principals().chain(nameless).filter_map(|of| judge(scene, of)).collect()
}

fn judge(scene: &Scene<'_>, of: Of) -> Option<Finding> {
    let (share, days, purged) = scene.baseline(of).map_or((0.0, 0, 0), |known| {
        (known.share(VERSIONS), known.days[VERSIONS], known.sums[VERSIONS])
    });
    if share >= SHARE_MAX && usize::from(days) >= PERSISTED_DAYS {
        return None;
    }
    let versions = scene.series(of).points(|counts| counts.versions);
    let begin = scene.input.day.plus(-1);
    let triggers: Vec<Trigger> = sums(&versions, Span::Hour)
        .filter(|sum| Window::numbered(sum.last).day() >= begin)
        .filter(|sum| unsigned(sum.count) >= VERSIONS_MIN)
        .map(|sum| Trigger { span: Span::Hour, sum, threshold: VERSIONS_MIN })
        .collect();
    let episode = begun_on(scene.input.day, &triggers)?;
    let most = unsigned(episode.peak.sum.count);
    let sentence = format!(
        "{most} versions removed for good within an hour, when {purged} were in 28 days \
         ({:.1} % of the removals)",
        share * 100.0
    );
    let reason =
        Reason { observed: most, threshold: VERSIONS_MIN, baseline: u64::from(purged), sentence };
    let bounds = (episode.first, episode.last);
    let finding = scene.finding(Detector::VersionPurge, of, bounds, Severity::Warning, reason);
    let is_critical = finding.tally.versions >= VERSIONS_CRITICAL;
    let severity = if is_critical { Severity::Critical } else { Severity::Warning };
    Some(Finding { severity, ..finding })
}
