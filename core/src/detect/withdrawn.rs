//! Why a finding is not made any more: the numbers that it was made of, and what they are now. It
//! decides nothing; the finding is gone already.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::blind_spot::missing_behind;
use super::cell::Window;
use super::changes::Change;
use super::mass_delete::record_of;
use super::origin::number_of;
use super::report::{NEW_SUFFIX, number_behind};
use super::scene::{Of, Scene, unsigned};
use super::series::{Point, Span, sums};
use super::{Baselines, Input, Suspicion};
use crate::domain::{Day, Detector, Finding, Mode};

/// The places of two of the numbers of [`super::Counts`].
const VERSIONS: usize = 2;
const STALE: usize = 8;
const REPEATED: usize = 9;

/// In one line, what has become of what `was` found, which is not among the findings of its day
/// `now`: the numbers then and now.
#[must_use]
pub fn withdrawn_because(
    baselines: &Baselines,
    input: &Input<'_>,
    was: &Finding,
    now: &[Finding],
) -> String {
    if input.settings.mode(was.detector) == Mode::Off {
        return format!("{} is switched off", was.detector.as_str());
    }
    if let Some(other) = now.iter().find(|other| tells_the_same(other, was)) {
        let name = other.who.first().map_or("nobody known", |who| who.principal.as_str());
        let whom = if other.subject.is_empty() { "the bucket as a whole" } else { name };
        return format!("told of {whom} now, as {} ({})", other.detector.as_str(), other.id());
    }
    let scene = Scene::new(baselines, input);
    let counted = Counted::of(&scene, was);
    let mut because = if counted.then == counted.now {
        format!("{} as before", counted.told(counted.now))
    } else {
        format!("{} then, {} now", counted.told(counted.then), counted.now)
    };
    for announced in input.announced.iter().filter(|it| it.used() > 0 && counted.is_of_removals) {
        let id = &announced.expectation.id;
        // Writing to a text cannot fail.
        let _ = write!(because, "; {} were announced as {id}", announced.used());
    }
    let usual = usual(&scene, was);
    let about = usual.or_else(|| {
        (counted.then == counted.now).then(|| "what is known of the days before changed".to_owned())
    });
    if let Some(about) = about {
        let _ = write!(because, "; {about}");
    }
    because
}

/// Whether a finding tells what another one told: of the same time and, as far as names say,
/// of the same principals.
fn tells_the_same(other: &Finding, was: &Finding) -> bool {
    let is_mass = |finding: &Finding| finding.detector == Detector::MassDelete;
    let is_alike =
        other.detector == was.detector || (was.detector == Detector::OffPattern && is_mass(other));
    let names = |finding: &Finding| -> BTreeSet<String> {
        finding.who.iter().map(|who| who.principal.clone()).collect()
    };
    let is_of_them = other.subject.is_empty()
        || was.subject.is_empty()
        || !names(other).is_disjoint(&names(was));
    is_alike
        && other.id() != was.id()
        && is_of_them
        && other.first_at <= was.last_at
        && was.first_at <= other.last_at
}

/// What a finding was made of, as a number then and now.
struct Counted {
    what: &'static str,
    then: u64,
    now: u64,
    is_of_removals: bool,
}

impl Counted {
    fn of(scene: &Scene<'_>, was: &Finding) -> Self {
        let suspects = |is_meant: fn(&Suspicion) -> bool| count_suspects(scene, was, is_meant);
        let observed = was.reason.observed;
        let (what, then, now) = match was.detector {
            Detector::DeleteDenied => ("refused deletes", was.tally.denied, count(scene, was)),
            Detector::VersionPurge => {
                ("versions removed for good", was.tally.versions, count(scene, was))
            }
            Detector::LifecycleSurge => ("expired objects", observed, count(scene, was)),
            Detector::NewOrigin => {
                let (then, now) = new_places(scene, was);
                ("new networks and programs", then, now)
            }
            Detector::BlindSpot if was.subject == "keys" => {
                ("calls without a key", observed, scene.input.unresolved_calls)
            }
            Detector::BlindSpot => {
                ("removals that were not told", observed, count_missing(scene, was))
            }
            Detector::StaleDelete => {
                ("fresh uploads", observed, suspects(|it| matches!(it, Suspicion::Stale { .. })))
            }
            Detector::RedundantDelete => {
                let now = suspects(|it| matches!(it, Suspicion::Repeated { .. }));
                ("keys deleted again", observed, now)
            }
            Detector::UnfulfilledIntent => {
                let now = suspects(|it| matches!(it, Suspicion::Unfulfilled));
                ("declared deletes", observed, now)
            }
            Detector::LatencySlo => {
                ("slow deletes", observed, suspects(|it| matches!(it, Suspicion::Slow(_))))
            }
            Detector::ProtectionOff => {
                ("changes", observed, count_changes(scene, was, Change::of_protection))
            }
            Detector::LogTamper => {
                ("changes", observed, count_changes(scene, was, Change::of_logs))
            }
            Detector::MassDelete
            | Detector::OffPattern
            | Detector::NewDeleter
            | Detector::ReadThenDestroy => ("removals", was.tally.removed(), count(scene, was)),
        };
        let is_of_removals = matches!(
            was.detector,
            Detector::MassDelete
                | Detector::OffPattern
                | Detector::NewDeleter
                | Detector::VersionPurge
        );
        Self { what, then, now, is_of_removals }
    }

    fn told(&self, number: u64) -> String {
        format!("{number} {}", self.what)
    }
}

/// Whom a finding was about; `None` when there is nobody of that id any more.
fn whom(scene: &Scene<'_>, was: &Finding) -> Option<Of> {
    let of_nobody = matches!(was.detector, Detector::VersionPurge | Detector::DeleteDenied);
    match was.subject.as_str() {
        "" if of_nobody => Some(Of::Nameless),
        "" => Some(Of::Bucket),
        _ if was.detector == Detector::BlindSpot => Some(Of::Bucket),
        id => scene.subjects.all().iter().position(|it| it.id == id).map(Of::Principal),
    }
}

/// Its first window and its last one.
fn bounds(was: &Finding) -> (Window, Window) {
    (Window::of(was.first_at), Window::numbered(Window::of(was.last_at).number() - 1))
}

/// What is counted within the time of the finding now.
fn count(scene: &Scene<'_>, was: &Finding) -> u64 {
    let number = number_behind(was.detector);
    let Some(of) = whom(scene, was) else { return 0 };
    scene.cells(of, bounds(was)).map(|cell| unsigned(number(&cell.counts))).sum()
}

fn count_missing(scene: &Scene<'_>, was: &Finding) -> u64 {
    let Some(missing) = missing_behind(&was.subject) else { return 0 };
    scene.cells(Of::Bucket, bounds(was)).map(|cell| unsigned(missing(&cell.counts))).sum()
}

fn count_suspects(scene: &Scene<'_>, was: &Finding, is_meant: fn(&Suspicion) -> bool) -> u64 {
    let of = whom(scene, was);
    let is_of = |found: Of| match of {
        Some(Of::Bucket) => found == Of::Nameless || was.detector == Detector::LatencySlo,
        other => Some(found) == other,
    };
    let suspects = scene.input.suspects.iter().filter(|it| Day::of(it.at) == was.day);
    let of_them = suspects.filter(|it| is_meant(&it.suspicion) && is_of(scene.of_suspect(it)));
    of_them.count() as u64
}

fn count_changes<'a>(
    scene: &Scene<'a>,
    was: &Finding,
    meant: fn(&'a crate::domain::ProtectionChange) -> Option<Change<'a>>,
) -> u64 {
    let changes = scene.input.changes.iter().filter(|it| Day::of(it.at) == was.day);
    changes.filter_map(meant).filter(|it| it.subject() == was.subject).count() as u64
}

/// How many places were new then, and how many of them are.
fn new_places(scene: &Scene<'_>, was: &Finding) -> (u64, u64) {
    let known = whom(scene, was).and_then(|of| scene.baseline(of));
    let new = |names: &[String]| -> Vec<u32> {
        names.iter().filter_map(|it| it.strip_suffix(NEW_SUFFIX)).map(number_of).collect()
    };
    let (networks, families) = (new(&was.origins), new(&was.agents));
    let now = known.map_or(0, |known| {
        let networks = networks.iter().filter(|it| known.origins.is_new(**it)).count();
        networks + families.iter().filter(|it| known.agents.is_new(**it)).count()
    });
    ((networks.len() + families.len()) as u64, now as u64)
}

/// What of the past tells now that it was not unusual.
fn usual(scene: &Scene<'_>, was: &Finding) -> Option<String> {
    let of = whom(scene, was)?;
    let known = scene.baseline(of).unwrap_or(scene.baselines.bucket());
    let then = was.reason.baseline;
    let largest = |now: u64| {
        (now != then).then(|| format!("up to {then} were usual then, and up to {now} are now"))
    };
    let sum_of = |number: usize| {
        let now = u64::from(known.sums[number]);
        (now != then)
            .then(|| format!("{then} in 28 days before were known then, and {now} are now"))
    };
    match was.detector {
        Detector::MassDelete | Detector::DeleteDenied => {
            let points = scene.series(of).points(number_behind(was.detector));
            let index = span_of(&points, was.reason.observed)?;
            let records = match was.detector {
                Detector::DeleteDenied => known.denied,
                _ => record_of(scene, of).removed,
            };
            largest(u64::from(records.today[index].largest))
        }
        Detector::OffPattern => {
            let points = scene.series(of).points(number_behind(was.detector));
            let observed = i64::try_from(was.reason.observed).ok()?;
            let (window, _) = points.iter().find(|(_, count)| *count == observed)?;
            let usual = known.hours.as_deref()?.usual(Window::numbered(*window))?;
            largest(u64::from(usual.largest))
        }
        Detector::LifecycleSurge => largest(u64::from(known.lifecycle.largest)),
        Detector::NewDeleter => {
            let days = scene.baseline(of).map_or(0, super::Baseline::days_active);
            (days > 0).then(|| format!("removed something on {days} of the 28 days before"))
        }
        Detector::VersionPurge => sum_of(VERSIONS),
        Detector::StaleDelete => sum_of(STALE),
        Detector::RedundantDelete => sum_of(REPEATED),
        _ => None,
    }
}

/// The span that a sum of so much is over.
fn span_of(points: &[Point], observed: u64) -> Option<usize> {
    let is_it = |span: &Span| sums(points, *span).any(|sum| unsigned(sum.count) == observed);
    Span::ALL.iter().position(is_it)
}
