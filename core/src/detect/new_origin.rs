//! `new_origin`: a known principal removes 10 objects or more on a day from a network, or with a
//! family of programs, that it never used within 28 days. Principals that are seen with many of
//! them have no usual one.

use std::collections::{BTreeMap, BTreeSet};

use super::cell::{Cell, Window};
use super::origin::{agent_family, network, number_of};
use super::scene::{Of, Scene};
use crate::domain::{Actor, Day, Detector, Finding, Reason, Severity};

/// So many from one place on a day are no slip.
const OBJECTS_MIN: i64 = 10;
/// Known is who removed something on so many of the 28 days.
const ACTIVE_DAYS_MIN: u8 = 5;
/// Who comes from more networks than these is at home in none.
const ORIGINS_MAX: usize = 8;
/// Who uses more families of programs than these is used to new ones.
const AGENTS_MAX: usize = 4;

pub(super) fn find(scene: &Scene<'_>) -> Vec<Finding> {
    scene.principals().filter_map(|of| judge(scene, of)).collect()
}

fn judge(scene: &Scene<'_>, of: Of) -> Option<Finding> {
    let known = scene.baseline(of)?;
    if known.days_active() < ACTIVE_DAYS_MIN {
        return None;
    }
    let networks = match known.origins.count() {
        1..=ORIGINS_MAX => new_places(scene, of, network, |it| known.origins.is_new(it)),
        _ => BTreeSet::new(),
    };
    let families = match known.agents.count() {
        1..=AGENTS_MAX => new_places(scene, of, agent_family, |it| known.agents.is_new(it)),
        _ => BTreeSet::new(),
    };
    if networks.is_empty() && families.is_empty() {
        return None;
    }
    let is_behind = |actor: &Actor| {
        network(actor).is_some_and(|it| networks.contains(&it))
            || agent_family(actor).is_some_and(|it| families.contains(&it))
    };
    let cells: Vec<&Cell> = scene
        .cells(of, windows_of(scene.input.day))
        .filter(|cell| scene.input.callers.get(&cell.caller).is_some_and(|it| is_behind(it)))
        .collect();
    let severity =
        if networks.is_empty() || families.is_empty() { Severity::Info } else { Severity::Warning };
    let places: Vec<&str> = networks.iter().chain(&families).map(String::as_str).collect();
    let reason = Reason {
        observed: cells.iter().map(|cell| cell.counts.removed.max(0).cast_unsigned()).sum(),
        threshold: OBJECTS_MIN.cast_unsigned(),
        baseline: 0,
        sentence: format!(
            "removals from {}, where this principal never removed anything from within 28 days",
            places.join(" and ")
        ),
    };
    Some(scene.finding_of(Detector::NewOrigin, of, &cells, severity, reason))
}

/// Where enough was removed from on the day, and never before; what was new the day before already
/// is that day's.
fn new_places(
    scene: &Scene<'_>,
    of: Of,
    place: fn(&Actor) -> Option<String>,
    is_new: impl Fn(u32) -> bool,
) -> BTreeSet<String> {
    let day = scene.input.day;
    let before = removed_from(scene, of, day.plus(-1), place);
    removed_from(scene, of, day, place)
        .into_iter()
        .filter(|(_, removed)| *removed >= OBJECTS_MIN)
        .filter(|(name, _)| before.get(name).is_none_or(|removed| *removed < OBJECTS_MIN))
        .map(|(name, _)| name)
        .filter(|name| is_new(number_of(name)))
        .collect()
}

/// What was removed on a day, by where it was asked for from.
fn removed_from(
    scene: &Scene<'_>,
    of: Of,
    day: Day,
    place: fn(&Actor) -> Option<String>,
) -> BTreeMap<String, i64> {
    let mut by_caller: BTreeMap<i64, i64> = BTreeMap::new();
    for cell in scene.cells(of, windows_of(day)) {
        *by_caller.entry(cell.caller).or_default() += cell.counts.removed;
    }
    let mut removed = BTreeMap::new();
    for (caller, objects) in by_caller {
        if let Some(name) = scene.input.callers.get(&caller).and_then(|actor| place(actor)) {
            *removed.entry(name).or_default() += objects;
        }
    }
    removed
}

fn windows_of(day: Day) -> (Window, Window) {
    let last = Window::of(day.plus(1).start()).number() - 1;
    (Window::of(day.start()), Window::numbered(last))
}
