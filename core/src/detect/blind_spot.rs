//! `blind_spot`: one source is silent of what another one tells: in an hour more than 10 removals,
//! and more than 1 % of them, lack CloudTrail or S3's own word; or bulk calls name no key.
//!
//! An hour counts once the watermark of the silent source passed its end by 45 minutes, so that
//! what merely comes late is not missed. A source that does not tell of the bucket at all is not
//! silent, and one that usually tells of a part only is held to thrice what it usually leaves out.

use std::collections::BTreeMap;

use super::cell::{Counts, Window};
use super::limits::PERSISTED_DAYS;
use super::scene::{Of, Scene, unsigned};
use super::series::Span;
use crate::domain::{Day, Detector, Finding, Reason, Severity, Source, Timestamp};

/// Fewer in an hour may be chance.
const REMOVALS_MIN: u64 = 10;
/// A smaller share of an hour may be chance.
const SHARE_MIN: f64 = 0.01;
/// A source that usually leaves some out is silent when it leaves out so many times as many.
const USUAL_TIMES: f64 = 3.0;
/// How long after an hour its source has to be complete, in milliseconds.
const GRACE_MILLIS: i64 = 45 * 60 * 1_000;
/// So many bulk calls without a key are worth a look today.
const CALLS_WARNING: u64 = 10;

/// A source that may be silent.
struct Silent {
    /// Whom the finding is about: the source by its name.
    subject: &'static str,
    /// What it leaves out.
    missing: fn(&Counts) -> i64,
    /// The place of that among the numbers of [`Counts`].
    number: usize,
    severity: Severity,
    words: &'static str,
}

const TRAIL: Silent = Silent {
    subject: "cloudtrail",
    missing: |counts| counts.without_cloudtrail,
    number: 6,
    severity: Severity::Critical,
    words: "CloudTrail tells nothing of them",
};

const CONFIRMATION: Silent = Silent {
    subject: "confirmation",
    missing: |counts| counts.without_confirmation,
    number: 7,
    severity: Severity::Warning,
    words: "neither notifications nor access logs tell of them",
};

/// What a source leaves out, by the subject of the finding that tells so.
pub(super) fn missing_behind(subject: &str) -> Option<fn(&Counts) -> i64> {
    let of = |silent: Silent| (silent.subject == subject).then_some(silent.missing);
    of(TRAIL).or_else(|| of(CONFIRMATION))
}

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    let watermarks = scene.input.watermarks;
    let of_trail = watermarks.get(&Source::CloudTrail).copied();
    let confirming = watermarks.iter().filter(|(source, _)| source.is_confirmation());
    let of_confirmation = confirming.map(|(_, at)| *at).min();
    // Silent is only who is not the only one to tell.
    let both = of_trail.zip(of_confirmation);
    let trail = both.and_then(|(trail, _)| judge(scene, &TRAIL, trail));
    let confirmation = both.and_then(|(_, word)| judge(scene, &CONFIRMATION, word));
    [trail, confirmation, unresolved(scene)].into_iter().flatten().collect()
}

fn judge(scene: &Scene<'_>, silent: &Silent, watermark: Timestamp) -> Option<Finding> {
    let mut hours: BTreeMap<i64, Counts> = BTreeMap::new();
    for (window, counts) in scene.series(Of::Bucket).windows() {
        if window.day() == scene.input.day {
            let hour = window.number().div_euclid(Span::Hour.windows());
            *hours.entry(hour).or_default() += *counts;
        }
    }
    let known = scene.baselines.bucket();
    let usual = if usize::from(known.days[silent.number]) >= PERSISTED_DAYS {
        known.share(silent.number)
    } else {
        0.0
    };
    let share_max = SHARE_MIN.max(usual * USUAL_TIMES);
    let is_silent = |hour: i64, counts: &Counts| {
        let missing = unsigned((silent.missing)(counts));
        let share = missing as f64 / unsigned(counts.removed).max(1) as f64;
        let end = first_of(hour + 1).start();
        let is_complete = watermark.millis_since(end) >= GRACE_MILLIS;
        is_complete && missing > REMOVALS_MIN && share > share_max
    };
    hours.retain(|hour, counts| is_silent(*hour, counts));
    let (first, _) = hours.first_key_value()?;
    let (last, _) = hours.last_key_value()?;
    let bounds = (first_of(*first), Window::numbered(first_of(last + 1).number() - 1));
    let missing: u64 = hours.values().map(|counts| unsigned((silent.missing)(counts))).sum();
    let removed: u64 = hours.values().map(|counts| unsigned(counts.removed)).sum();
    let reason = Reason {
        observed: missing,
        threshold: REMOVALS_MIN + 1,
        baseline: 0,
        sentence: format!(
            "{missing} of {removed} removals in {}: {}, when {:.1} % usually lack it",
            if hours.len() == 1 { "an hour".to_owned() } else { format!("{} hours", hours.len()) },
            silent.words,
            usual * 100.0
        ),
    };
    let finding = scene.finding(Detector::BlindSpot, Of::Bucket, bounds, silent.severity, reason);
    Some(Finding { subject: silent.subject.to_owned(), ..finding })
}

/// Bulk calls of which no source names a key.
fn unresolved(scene: &Scene<'_>) -> Option<Finding> {
    let calls = scene.input.unresolved_calls;
    if calls == 0 {
        return None;
    }
    let severity = if calls >= CALLS_WARNING { Severity::Warning } else { Severity::Info };
    let reason = Reason {
        observed: calls,
        threshold: 1,
        baseline: 0,
        sentence: format!(
            "{calls} bulk calls of 1 to 1000 keys each, of which no source names a key: neither \
             notifications nor records of each key reach deltrail"
        ),
    };
    let day: Day = scene.input.day;
    let times = (day.start(), day.plus(1).start());
    let finding = scene.finding_at(Detector::BlindSpot, times, severity, reason);
    Some(Finding { subject: "keys".to_owned(), ..finding })
}

fn first_of(hour: i64) -> Window {
    Window::numbered(hour * Span::Hour.windows())
}
