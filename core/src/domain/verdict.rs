//! What is said of a removal beyond that it happened: whether it repeats another one, whether it
//! took a fresh upload away, whether it brought an object back. A pure function of the history of
//! one key; it decides nothing about when that may be believed.

use std::cmp::Ordering;
use std::collections::BTreeSet;

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
    let events = in_order(history);
    let mut verdicts = vec![Verdict::default(); history.removals.len()];
    for (nth, event) in events.iter().enumerate() {
        let Event::Removal(index) = *event else { continue };
        let before = &events[..nth];
        verdicts[index] = Verdict {
            duplicate_of: repeated(history, before, index),
            is_stale: is_stale(history, before, index),
            is_undelete: is_undelete(history, index),
        };
    }
    verdicts
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

/// The identity of the removal before that `index` repeats.
fn repeated(history: &History<'_>, before: &[Event], index: usize) -> Option<String> {
    let removal = &history.removals[index];
    // What lifecycle removes, nobody requests.
    if removal.cause == Cause::Lifecycle {
        return None;
    }
    for event in before.iter().rev() {
        match *event {
            Event::Creation(_) => return None,
            Event::Removal(other) => {
                let other = &history.removals[other];
                if removal.at.millis_since(other.at) > DUPLICATE_MILLIS_MAX {
                    return None;
                }
                if other.cause == Cause::Api && asks_again(history, removal, other) {
                    return Some(other.identity.clone());
                }
            }
        }
    }
    None
}

/// Whether another request asked for the same thing. A child whose target is not told may be any
/// version, and if its request id is its own as well it may be of the same call: then it is not
/// known to repeat anything.
fn asks_again(history: &History<'_>, removal: &Removal, other: &Removal) -> bool {
    if removal.target != other.target {
        return false;
    }
    let is_of_known_call =
        |it: &Removal| it.request_id.as_ref().is_some_and(|id| history.calls.contains(id));
    let is_told =
        removal.target != Target::Unknown || (is_of_known_call(removal) && is_of_known_call(other));
    let is_same_request = removal.request_id.is_some() && removal.request_id == other.request_id;
    is_told && !is_same_request
}

/// Whether the last thing before was a write that replaced another one, within the window.
fn is_stale(history: &History<'_>, before: &[Event], index: usize) -> bool {
    let removal = &history.removals[index];
    if removal.cause == Cause::Lifecycle {
        return false;
    }
    let mut named_since = BTreeSet::new();
    let mut writes = before.iter().rev().filter_map(|event| match *event {
        Event::Creation(at) => {
            let write = &history.creations[at];
            let named = std::mem::take(&mut named_since);
            let is_gone = write.version_id.as_ref().is_some_and(|id| named.contains(id));
            Some((!is_gone).then_some(write))
        }
        Event::Removal(at) => match &history.removals[at].target {
            // It comes between only if it took away what was written.
            Target::Version(id) => {
                named_since.insert(id);
                None
            }
            Target::Current | Target::Unknown => Some(None),
        },
    });
    let (Some(Some(fresh)), Some(Some(_replaced))) = (writes.next(), writes.next()) else {
        return false;
    };
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
fn is_undelete(history: &History<'_>, index: usize) -> bool {
    let Target::Version(version) = &history.removals[index].target else { return false };
    history.removals.iter().any(|other| other.marker_version_id.as_ref() == Some(version))
}

#[cfg(test)]
mod tests;
