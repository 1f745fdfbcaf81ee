//! What is said of a removal beyond that it happened: whether it repeats another one, whether it
//! took a fresh upload away, whether it brought an object back. A pure function of the history of
//! one key; it decides nothing about when that may be believed.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Cause, Created, Moment, Removal, Target, Timestamp};

/// How long after an accepted request a second one for the same thing is a duplicate, in
/// milliseconds.
pub const DUPLICATE_MILLIS_MAX: i64 = 10 * 60 * 1_000;

/// The history of one key, in any order.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// Its removals.
    pub removals: &'a [Removal],
    /// Its writes.
    pub creations: &'a [Created],
    /// The request ids of bulk calls that are known: those a child's request id may be believed to
    /// be when nothing else tells of the removal.
    pub calls: &'a BTreeSet<String>,
    /// How soon after a write that replaced an object its removal is stale, in milliseconds.
    pub stale_window_millis: i64,
}

/// What is said of one removal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The identity of the removal that it repeats: the same thing was removed by another request
    /// within 10 minutes before, and not made anew between.
    pub duplicate_of: Option<String>,
    /// It removed a write that had just replaced another one.
    pub is_stale: bool,
    /// It removed a delete marker, so that what the marker hid is seen again.
    pub is_undelete: bool,
}

/// The verdicts on all removals of a history, in the order of `history.removals`.
#[must_use]
pub fn judge(history: &History<'_>) -> Vec<Verdict> {
    let markers: HashSet<&str> =
        history.removals.iter().filter_map(|it| it.marker_version_id.as_deref()).collect();
    let mut verdicts = vec![Verdict::default(); history.removals.len()];
    let mut before = Before::default();
    for event in in_order(history) {
        match event {
            Event::Creation(index) => before.write(&history.creations[index]),
            Event::Removal(index) => {
                let removal = &history.removals[index];
                verdicts[index] = Verdict {
                    duplicate_of: repeated(history, &before, removal),
                    is_stale: is_stale(history, &before, removal),
                    is_undelete: is_undelete(&markers, removal),
                };
                before.remove(removal);
            }
        }
    }
    verdicts
}

/// What came before an event, as far as it matters to what is said of it.
#[derive(Debug, Default)]
struct Before<'a> {
    /// The removals since the last write, from the first to the last.
    removed: HashMap<&'a Target, Vec<&'a Removal>>,
    /// The last write and whether it replaced another one, unless it was removed since.
    fresh: Option<(&'a Created, bool)>,
}

impl<'a> Before<'a> {
    fn write(&mut self, created: &'a Created) {
        self.removed.clear();
        self.fresh = Some((created, self.fresh.is_some()));
    }

    fn remove(&mut self, removal: &'a Removal) {
        self.removed.entry(&removal.target).or_default().push(removal);
        // It comes between only if it took away what was written.
        self.fresh = self.fresh.filter(|(fresh, _)| match &removal.target {
            Target::Version(id) => fresh.version_id.as_ref() != Some(id),
            Target::Current | Target::Unknown => false,
        });
    }
}

/// The removal that fulfils an intent of `requested_at`: the first one of the key at or after it.
/// A clock of whole seconds is given the benefit of its second.
#[must_use]
pub fn fulfilment(requested_at: Timestamp, removals: &[Removal]) -> Option<&Removal> {
    removals
        .iter()
        .filter(|removal| removal.moment().latest() >= requested_at)
        .min_by(|a, b| in_time(&a.moment(), &a.identity, &b.moment(), &b.identity))
}

/// One event of a history, by its place in it.
#[derive(Debug, Clone, Copy)]
enum Event {
    Creation(usize),
    Removal(usize),
}

/// All events from the first to the last. What happened at one time on the clocks there are is
/// told apart by identity, so that the order is always the same.
fn in_order(history: &History<'_>) -> Vec<Event> {
    let creations = history.creations.iter().map(|it| (it.moment.clone(), it.identity.as_str()));
    let removals = history.removals.iter().map(|it| (it.moment(), it.identity.as_str()));
    let creations = creations.enumerate().map(|(at, event)| (Event::Creation(at), event));
    let removals = removals.enumerate().map(|(at, event)| (Event::Removal(at), event));
    let mut events: Vec<_> = creations.chain(removals).collect();
    events.sort_by(|(_, a), (_, b)| a.0.at.cmp(&b.0.at).then_with(|| a.1.cmp(b.1)));
    by_sequencers(&mut events);
    events.into_iter().map(|(event, _)| event).collect()
}

/// Puts the events that have a sequencer into its order, in the places that they have by time.
/// Sequencers and times do not make one order together: three events may contradict each other in
/// a circle.
fn by_sequencers(events: &mut [(Event, (Moment, &str))]) {
    let places: Vec<usize> =
        (0..events.len()).filter(|&at| events[at].1.0.sequencer.is_some()).collect();
    let mut sequenced: Vec<_> = places.iter().map(|&at| events[at].clone()).collect();
    sequenced.sort_by(|(_, a), (_, b)| a.0.order(&b.0).then_with(|| a.1.cmp(b.1)));
    for (place, event) in places.into_iter().zip(sequenced) {
        events[place] = event;
    }
}

fn in_time(a: &Moment, a_identity: &str, b: &Moment, b_identity: &str) -> Ordering {
    a.order(b).then_with(|| a_identity.cmp(b_identity))
}

/// The identity of the removal before that this one repeats.
fn repeated(history: &History<'_>, before: &Before<'_>, removal: &Removal) -> Option<String> {
    // What lifecycle removes, nobody requests.
    if removal.cause == Cause::Lifecycle || !is_told(history, removal) {
        return None;
    }
    before
        .removed
        .get(&removal.target)?
        .iter()
        .rev()
        .take_while(|other| removal.at.millis_since(other.at) <= DUPLICATE_MILLIS_MAX)
        .filter(|other| other.cause == Cause::Api && is_told(history, other))
        .find(|other| removal.request_id.is_none() || removal.request_id != other.request_id)
        .map(|other| other.identity.clone())
}

/// Whether it is known which request removed what. A child whose target is not told may be any
/// version, and if its request id is its own as well it may be of the same call as another: then
/// it is not known to repeat anything.
fn is_told(history: &History<'_>, removal: &Removal) -> bool {
    let is_of_known_call =
        || removal.request_id.as_ref().is_some_and(|id| history.calls.contains(id.as_str()));
    removal.target != Target::Unknown || is_of_known_call()
}

/// Whether the last thing before was a write that replaced another one, within the window.
fn is_stale(history: &History<'_>, before: &Before<'_>, removal: &Removal) -> bool {
    let Some((fresh, true)) = before.fresh else { return false };
    if removal.cause == Cause::Lifecycle {
        return false;
    }
    let age_millis = removal.moment().latest().millis_since(fresh.moment.at);
    let removes_it = match &removal.target {
        Target::Current => true,
        // In a versioned bucket it may have been any version.
        Target::Unknown => fresh.version_id.is_none(),
        Target::Version(version) => fresh.version_id.as_ref() == Some(version),
    };
    let second_millis = if removal.is_coarse || fresh.moment.is_coarse { 999 } else { 0 };
    removes_it && age_millis <= history.stale_window_millis.saturating_add(second_millis)
}

/// Whether it removed a delete marker whose making is known.
fn is_undelete(markers: &HashSet<&str>, removal: &Removal) -> bool {
    matches!(&removal.target, Target::Version(version) if markers.contains(version.as_str()))
}

#[cfg(test)]
mod tests;
