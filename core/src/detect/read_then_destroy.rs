//! `read_then_destroy`: a principal removes 20 keys or more within an hour or two, and had read
//! half of them or more within 24 hours before; or it writes so many with a key that only it has
//! (SSE-C), or, when it had read them, with a KMS key of another account. Who copies and then
//! destroys holds the data to ransom, or moves it.
//!
//! Usual is what it did on 3 days of 28: a consumer that removes what it has worked on. That is not
//! known in the first week, nor of who was removing before reads were kept: then it is a warning.
//! Removals that were announced are none of it.

use super::cell::Window;
use super::limits::{COLD_DAYS, PERSISTED_DAYS};
use super::scene::{Of, Scene, unsigned};
use super::traced::{Hands, KEYS_MIN, Struck, by_principal};
use crate::domain::{Day, Deed, Detector, Finding, Hour, Reason, Severity, Who};

/// Hours of the clock that are one episode when they lie so near to one another.
const APART_HOURS_MAX: i64 = 2;
/// Windows of an hour.
const WINDOWS: i64 = 12;

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    let principals = by_principal(&scene.subjects, scene.input.traces);
    principals.iter().filter_map(|(index, hands)| judge(scene, *index, hands)).collect()
}

fn judge(scene: &Scene<'_>, index: usize, hands: &Hands) -> Option<Finding> {
    let of = Of::Principal(index);
    let subject = scene.subject(of)?;
    let habit = scene.baselines.habits().of_principal(&subject.id);
    let is_usual = |struck: &Struck| {
        let days = if struck.deed == Deed::Removed { habit.removed } else { habit.encrypted };
        usize::from(days) >= PERSISTED_DAYS
    };
    let mut struck = hands.struck();
    struck.retain(|it| !is_usual(it) && !is_announced(scene, of, it));
    let struck = begun_on(scene.input.day, &struck);
    let first = struck.first()?;

    let removes_anyway =
        scene.baseline(of).is_some_and(|known| usize::from(known.days_active()) >= PERSISTED_DAYS);
    let is_cold = scene.days_observed(scene.input.day) < COLD_DAYS;
    let is_untold = removes_anyway && usize::from(habit.traced) < PERSISTED_DAYS;
    let is_critical = struck.iter().any(|it| match it.deed {
        Deed::Removed | Deed::Read => !is_cold && !is_untold,
        Deed::CustomerKey | Deed::ForeignKey => it.is_mostly_read || !is_cold,
    });
    let severity = if is_critical { Severity::Critical } else { Severity::Warning };

    let told: Vec<&Struck> = Deed::ALL.into_iter().filter_map(|it| most(&struck, it)).collect();
    let observed = told.iter().map(|it| it.keys).max().unwrap_or(0);
    let sentences: Vec<String> = told.iter().map(|it| sentence(it)).collect();
    let reason = Reason {
        observed,
        threshold: KEYS_MIN,
        baseline: u64::from(habit.removed.max(habit.encrypted)),
        sentence: sentences.join("; "),
    };
    let last = struck.iter().map(|it| it.hour).max().unwrap_or(first.hour);
    let bounds = (window(first.hour.plus(-1)), window(last.plus(1)));
    let bounds = (bounds.0, Window::numbered(bounds.1.number() - 1));
    let mut finding = scene.finding(Detector::ReadThenDestroy, of, bounds, severity, reason);
    // What was only encrypted is in no cell.
    let encrypted = struck.iter().filter(|it| it.deed != Deed::Removed);
    if finding.who.is_empty() {
        let principal = subject.name.clone();
        finding.who = vec![Who { principal, sessions: Vec::new(), objects: observed }];
        finding.principals = 1;
        finding.first_at = first.first_at;
        finding.last_at = first.last_at;
    }
    for it in encrypted {
        finding.first_at = finding.first_at.min(it.first_at);
        finding.last_at = finding.last_at.max(it.last_at);
    }
    if !is_critical {
        let why = "whether this principal usually does so is not known yet";
        finding.notes.push(why.to_owned());
    }
    Some(finding)
}

/// Whether so few of the removals were not announced that they are no reason.
fn is_announced(scene: &Scene<'_>, of: Of, struck: &Struck) -> bool {
    if struck.deed != Deed::Removed {
        return false;
    }
    let begin = window(struck.hour.plus(-1));
    let bounds = (begin, Window::numbered(begin.number() + 2 * WINDOWS - 1));
    let unannounced: i64 = scene.cells(of, bounds).map(|cell| cell.counts.removed).sum();
    unsigned(unannounced) < KEYS_MIN
}

/// The episodes that began on this day.
fn begun_on(day: Day, struck: &[Struck]) -> Vec<Struck> {
    let mut begun = Vec::new();
    let mut before: Option<(Hour, bool)> = None;
    for it in struck {
        let goes_on = before
            .filter(|(hour, _)| it.hour.number() - hour.number() <= APART_HOURS_MAX)
            .map(|(_, is_today)| is_today);
        let is_today = goes_on.unwrap_or_else(|| Day::of(it.hour.start()) == day);
        before = Some((it.hour, is_today));
        if is_today {
            begun.push(*it);
        }
    }
    begun
}

/// Where it did the most of one kind.
fn most(struck: &[Struck], deed: Deed) -> Option<&Struck> {
    let of_kind = struck.iter().filter(|it| it.deed == deed);
    of_kind.max_by_key(|it| (it.keys, std::cmp::Reverse(it.hour)))
}

fn sentence(struck: &Struck) -> String {
    let Struck { deed, keys, read, .. } = *struck;
    match deed {
        Deed::Removed | Deed::Read => format!(
            "{keys} keys removed within two hours, {read} of which it had read within the 24 \
             hours before"
        ),
        Deed::CustomerKey => format!(
            "{keys} keys written within two hours with an encryption key that only the caller has \
             (SSE-C), {read} of which it had read before"
        ),
        Deed::ForeignKey => format!(
            "{keys} keys written within two hours with a KMS key of another account, {read} of \
             which it had read before"
        ),
    }
}

fn window(hour: Hour) -> Window {
    Window::of(hour.start())
}
