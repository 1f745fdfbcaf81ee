//! What can be said of the removals that some sources tell of: which of them repeat another one,
//! which took a fresh upload away, which undid a delete, and which intents they fulfil. It is
//! written from the acts, in the order in which they really happened.

use std::collections::BTreeMap;

use super::acting::{BEGIN_MILLIS, GRID_MILLIS};
use super::acts::{Upload, World};
use super::census::Census;
use super::truth::{Row, RowOf, rows_from};
use crate::domain::{
    Cause, DUPLICATE_MILLIS_MAX, Removal, Slot, Source, SourceSet, Target, Verdict,
};

/// What is said of the removals of one slot.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) duplicates: usize,
    /// Unless nobody can know which versions were taken.
    pub(super) stale: Option<usize>,
    pub(super) undeletes: usize,
    /// Of which request each of it is said, where a clock tells every two requests apart: of two
    /// in one second nobody can tell which one repeats the other.
    pub(super) by_request: Option<Vec<(Option<String>, [bool; 3])>>,
}

impl Judged {
    fn of(mut said: Vec<(Row, [bool; 3])>) -> Self {
        let count = |nth: usize| said.iter().filter(|(_, said)| said[nth]).count();
        let is_known = said.iter().all(|(row, _)| row.target != Target::Unknown);
        let (duplicates, stale, undeletes) = (count(0), count(1), count(2));
        said.sort();
        let is_fine = said.iter().all(|(row, _)| row.notified_at.is_some());
        let by_request = said.into_iter().map(|(row, said)| (row.request, said)).collect();
        Self {
            duplicates,
            // A delete of an unknown version may have left what was uploaded in its place.
            stale: is_known.then_some(stale),
            undeletes,
            by_request: is_fine.then_some(by_request),
        }
    }

    /// Enters what is said into the census.
    pub(super) fn enter(&self, census: &mut Census) {
        census.see_times("duplicate", self.duplicates);
        census.see_times("stale", self.stale.unwrap_or_default());
        census.see_times("undelete", self.undeletes);
        let is_fine = self.by_request.is_some();
        census.see_times("slots where every request is told apart", usize::from(is_fine));
    }

    /// What the code under test says.
    pub(super) fn from_verdicts(verdicts: &[(Removal, Verdict)]) -> Self {
        let said = verdicts.iter().map(|(removal, verdict)| {
            let said = [verdict.duplicate_of.is_some(), verdict.is_stale, verdict.is_undelete];
            (Row::of(removal), said)
        });
        Self::of(said.collect())
    }
}

/// What happened to one key, as far as it is known.
enum Event<'a> {
    Upload(&'a Upload),
    Removal(RowOf<'a>),
}

impl Event<'_> {
    const fn done(&self) -> i64 {
        match self {
            Self::Upload(upload) => upload.done,
            Self::Removal(removal) => removal.done,
        }
    }
}

/// The true verdicts on all that can be known from the `kept` sources.
pub(super) fn judged(
    world: &World,
    kept: SourceSet,
    stale_window_millis: i64,
) -> BTreeMap<Slot, Judged> {
    histories(world, kept)
        .into_iter()
        .map(|(slot, events)| {
            let stale = stale_of(&events, stale_window_millis);
            let said = removals(&events).map(|(nth, removal)| {
                let is_duplicate = is_duplicate(&events, removal);
                let said = [is_duplicate, stale.contains(&nth), is_undelete(&events, removal)];
                (removal.row.clone(), said)
            });
            let said: Vec<_> = said.collect();
            (slot, Judged::of(said))
        })
        .filter(|(_, judged)| *judged != Judged::of(Vec::new()))
        .collect()
}

fn histories(world: &World, kept: SourceSet) -> BTreeMap<Slot, Vec<Event<'_>>> {
    let mut histories: BTreeMap<Slot, Vec<Event<'_>>> = BTreeMap::new();
    let slot = |bucket: &str, key: &str| Slot { bucket: bucket.into(), key: key.into() };
    for removal in rows_from(world, kept) {
        let slot = slot(&removal.call.bucket, removal.key);
        histories.entry(slot).or_default().push(Event::Removal(removal));
    }
    // Uploads are known from S3's own notices only.
    if kept.contains(Source::S3Notification) || kept.contains(Source::EventBridge) {
        for upload in &world.uploads {
            let slot = slot(&upload.bucket, &upload.key);
            histories.entry(slot).or_default().push(Event::Upload(upload));
        }
    }
    for events in histories.values_mut() {
        events.sort_by_key(Event::done);
    }
    histories
}

fn removals<'a>(events: &'a [Event<'a>]) -> impl Iterator<Item = (usize, &'a RowOf<'a>)> {
    events.iter().enumerate().filter_map(|(nth, event)| match event {
        Event::Removal(removal) => Some((nth, removal)),
        Event::Upload(_) => None,
    })
}

/// A further accepted request for the same thing within 10 min of one before, no upload between.
fn is_duplicate(events: &[Event<'_>], removal: &RowOf<'_>) -> bool {
    let is_upload_between = |from: i64| {
        events.iter().any(|event| {
            matches!(event, Event::Upload(_)) && (from..removal.done).contains(&event.done())
        })
    };
    removal.row.cause == Cause::Api
        && removals(events).any(|(_, other)| {
            let age = removal.done - other.done;
            other.row.cause == Cause::Api
                && (1..=DUPLICATE_MILLIS_MAX).contains(&age)
                && is_same_thing(removal, other)
                && !is_upload_between(other.done)
        })
}

/// Children that name no version are taken for the same thing when it is known of which calls they
/// are; else two of them may be one call's.
fn is_same_thing(one: &RowOf<'_>, other: &RowOf<'_>) -> bool {
    let is_of_call = |it: &RowOf<'_>| it.row.request.as_ref() == Some(&it.call.request_id);
    one.row.target == other.row.target
        && one.call.request_id != other.call.request_id
        && (one.row.target != Target::Unknown || is_of_call(one) && is_of_call(other))
}

/// The places of the removals that took away an upload which had replaced another one.
fn stale_of(events: &[Event<'_>], window_millis: i64) -> Vec<usize> {
    let mut current: Option<(&Upload, bool)> = None;
    let mut stale = Vec::new();
    for (nth, event) in events.iter().enumerate() {
        let removal = match event {
            Event::Upload(upload) => {
                current = Some((upload, current.is_some()));
                continue;
            }
            Event::Removal(removal) => removal,
        };
        let Some((upload, has_replaced)) = current else { continue };
        let takes_it = match &removal.row.target {
            Target::Version(version) => upload.version.as_ref() == Some(version),
            Target::Current | Target::Unknown => true,
        };
        let is_soon = removal.done - upload.done <= window_millis;
        if takes_it && has_replaced && is_soon && removal.row.cause == Cause::Api {
            stale.push(nth);
        }
        if takes_it {
            current = None;
        }
    }
    stale
}

/// Whether it names a marker whose making is known.
fn is_undelete(events: &[Event<'_>], removal: &RowOf<'_>) -> bool {
    let Target::Version(version) = &removal.row.target else { return false };
    removals(events).any(|(_, other)| other.row.marker.as_ref() == Some(version))
}

/// Intents by id and key, and the group of acts in which each is fulfilled, if it is: requests of
/// one group may lie within the same second.
pub(super) type Fulfilled = BTreeMap<(String, Slot), Option<i64>>;

/// The group of acts that a time belongs to.
const fn group_at(millis: i64) -> i64 {
    (millis - BEGIN_MILLIS) / GRID_MILLIS
}

/// Which intents are fulfilled by whom: by the first known removal of the key that may lie at or
/// after the time it was asked for.
pub(super) fn fulfilled(world: &World, kept: SourceSet) -> Fulfilled {
    let rows: Vec<RowOf<'_>> = rows_from(world, kept).collect();
    each_intent(world, |slot, requested| {
        rows.iter()
            .filter(|it| it.call.bucket == slot.bucket && it.key == slot.key)
            .filter(|it| it.row.at + if it.row.is_coarse { 999 } else { 0 } >= requested)
            .map(|it| group_at(it.done))
            .min()
    })
}

/// Which intents the code under test takes for fulfilled.
pub(super) fn fulfilled_by<'a>(
    world: &World,
    fulfilment: impl Fn(&Slot, i64) -> Option<&'a Removal>,
) -> Fulfilled {
    each_intent(world, |slot, requested| {
        fulfilment(slot, requested).map(|removal| group_at(removal.at.as_millis()))
    })
}

fn each_intent(world: &World, group: impl Fn(&Slot, i64) -> Option<i64>) -> Fulfilled {
    let each = world.intents.iter().flat_map(|intent| {
        intent.keys.iter().map(|key| {
            let slot = Slot { bucket: intent.bucket.clone(), key: key.clone() };
            let group = group(&slot, intent.requested);
            ((intent.id.clone(), slot), group)
        })
    });
    each.collect()
}
