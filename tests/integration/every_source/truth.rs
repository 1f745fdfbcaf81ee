//! The truth of a world as far as some of its sources can tell it: counted from what was done, act
//! by act. It reads nothing that was written to the wire.

use super::bucket::DOCUMENTS;
use super::figures::{DISCARDED, Figures};
use super::world::{By, Call, Declared, Removed, Repeat, Taken, World};

/// A source of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Trail,
    Notifications,
    EventBridge,
    AccessLogs,
}

impl Source {
    pub const ALL: [Self; 4] =
        [Self::Trail, Self::Notifications, Self::EventBridge, Self::AccessLogs];
}

/// The sources that are there.
#[derive(Debug, Clone, Copy)]
pub struct Sources(pub &'static [Source]);

impl Sources {
    pub fn has(self, source: Source) -> bool {
        self.0.contains(&source)
    }

    /// Whether S3 itself tells of what happens as it happens.
    fn has_notices(self) -> bool {
        self.has(Source::Notifications) || self.has(Source::EventBridge)
    }
}

/// Who tells of the removal of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Witness {
    /// CloudTrail's record of a call for this key alone.
    Record,
    /// CloudTrail's record of one key of a bulk call.
    Child,
    /// S3 itself, when it happened.
    Notice,
    /// A line of an access log.
    Line,
}

/// What the sources tell of one key of one call.
struct Told<'a> {
    call: &'a Call,
    removed: &'a Removed,
    sources: Sources,
    /// Nobody, if it was refused.
    by: Vec<Witness>,
}

impl<'a> Told<'a> {
    fn of(call: &'a Call, removed: &'a Removed, sources: Sources) -> Self {
        let is_in_trail = sources.has(Source::Trail);
        let has_child = call.by == By::DeleteObjects && call.layout.is_some();
        let witnesses = [
            (Witness::Record, is_in_trail && call.by == By::DeleteObject),
            (Witness::Child, is_in_trail && has_child),
            (Witness::Notice, sources.has_notices() && removed.notified_at.is_some()),
            (Witness::Line, sources.has(Source::AccessLogs) && removed.is_logged),
        ];
        let tells = |is_there: bool| is_there && removed.refusal.is_none();
        let by = witnesses.into_iter().filter(|it| tells(it.1)).map(|it| it.0).collect();
        Self { call, removed, sources, by }
    }

    fn by(&self, witness: Witness) -> bool {
        self.by.contains(&witness)
    }

    /// Whether anybody tells of the removal.
    fn is_known(&self) -> bool {
        !self.by.is_empty()
    }

    fn is_confirmed(&self) -> bool {
        self.by(Witness::Notice) || self.by(Witness::Line)
    }

    /// Whether the record of a key says what became of it.
    fn child_names_version(&self) -> bool {
        let names_version = self.call.layout.is_some_and(|layout| layout.names_version);
        self.by(Witness::Child) && names_version
    }

    /// Whether anybody tells which version was named, if any was.
    fn is_target_told(&self) -> bool {
        let is_telling = self.removed.version.is_some() || self.removed.marker.is_some();
        self.by(Witness::Record)
            || self.is_confirmed()
            || (is_telling && self.child_names_version())
    }

    fn kind(&self) -> &'static str {
        let line = self.by(Witness::Line);
        // A line of a rule's says what it did; one of a call has the version that was named.
        let is_told = self.by(Witness::Record)
            || self.by(Witness::Notice)
            || (line && self.call.by == By::Lifecycle);
        match (&self.removed.marker, self.removed.version.as_deref()) {
            (Some(_), _) if is_told || self.child_names_version() => "marker",
            (None, Some("null")) if is_told || line => "object",
            (None, Some(version)) if version != "null" && self.is_target_told() => "version",
            (None, None) if is_told => "object",
            _ => "unknown",
        }
    }

    /// When it happened, to the millisecond, if anybody tells.
    fn exact_time(&self) -> Option<i64> {
        let notified_at =
            self.removed.notified_at.filter(|_| self.sources.has(Source::Notifications));
        let is_child_timed = self.call.layout.is_some_and(|layout| layout.has_times);
        let is_timed = (self.by(Witness::Record) && self.call.has_times)
            || (self.by(Witness::Child) && is_child_timed);
        notified_at.or(is_timed.then_some(self.call.ended_at))
    }
}

/// What `/metrics` has to say of the world when all of it is settled.
pub fn truth_of(world: &World, sources: Sources) -> Figures {
    let mut figures = Figures::default();
    for call in &world.calls {
        count_request(&mut figures, call, sources);
        for removed in &call.keys {
            count_removal(&mut figures, &Told::of(call, removed, sources));
        }
    }
    for repeat in &world.repeats {
        if is_duplicate(world, repeat, sources) {
            let bucket = world.calls[repeat.second.0].bucket.name;
            figures.add("deltrail_duplicate_delete_requests_total", &[bucket], 1);
        }
    }
    // A stale delete is one of an upload: who is told of uploads is told of their deletion.
    for (call, _) in world.stale.iter().filter(|_| sources.has_notices()) {
        figures.add("deltrail_stale_deletes_total", &[world.calls[*call].bucket.name], 1);
    }
    for declared in &world.declared {
        count_intent(&mut figures, world, declared, sources);
    }
    figures
}

/// Only important buckets have latencies of their own.
fn latency_label(bucket: &str) -> &str {
    if bucket == DOCUMENTS.name { bucket } else { "other" }
}

fn count_request(figures: &mut Figures, call: &Call, sources: Sources) {
    let api = match call.by {
        By::DeleteObject => "DeleteObject",
        By::DeleteObjects => "DeleteObjects",
        By::Lifecycle => return,
    };
    let is_single = call.by == By::DeleteObject;
    let in_trail = sources.has(Source::Trail);
    // The line of a single call is that of its key.
    let in_log = sources.has(Source::AccessLogs) && (!is_single || call.keys[0].is_logged);
    if !in_trail && !in_log {
        return;
    }
    let bucket = call.bucket.name;
    let outcome = match call.refusal {
        None => "ok",
        Some(refusal) if refusal.status == 403 => "denied",
        Some(_) => "failed",
    };
    figures.add("deltrail_delete_requests_total", &[bucket, api, outcome], 1);
    if call.refusal.is_some() {
        return;
    }
    let millis = call.ended_at - call.started_at;
    if in_trail && call.has_times {
        figures.observe(latency_label(bucket), "service", millis);
    }
    if in_log {
        figures.observe(latency_label(bucket), "access_log", millis);
    }
    if !is_single && !call.keys.iter().any(|removed| is_key_told(call, removed, sources)) {
        figures.add("deltrail_unresolved_bulk_deletes", &[bucket], 1);
    }
}

/// Whether anybody tells of a key of a bulk call, be it that it was refused.
fn is_key_told(call: &Call, removed: &Removed, sources: Sources) -> bool {
    if removed.refusal.is_none() {
        return Told::of(call, removed, sources).is_known();
    }
    let has_child = call.layout.is_some() && removed.is_refusal_told;
    (sources.has(Source::Trail) && has_child)
        || (sources.has(Source::AccessLogs) && removed.is_logged)
}

fn count_removal(figures: &mut Figures, told: &Told<'_>) {
    if !told.is_known() {
        return;
    }
    let (call, bucket) = (told.call, told.call.bucket.name);
    let cause = if call.by == By::Lifecycle { "lifecycle" } else { "api" };
    figures.add("deltrail_objects_removed_total", &[bucket], 1);
    figures.add("deltrail_removals_by_kind_total", &[bucket, told.kind(), cause], 1);
    if told.is_confirmed() {
        figures.add("deltrail_removals_confirmed_total", &[bucket], 1);
    } else if call.bucket.is_notified && told.sources.has_notices() {
        figures.add("deltrail_unconfirmed_removals", &[bucket], 1);
    }
    let notified_at = told.removed.notified_at.filter(|_| {
        told.sources.has(Source::Notifications)
            && told.sources.has(Source::Trail)
            && call.by != By::Lifecycle
            && call.has_times
    });
    if let Some(notified_at) = notified_at {
        figures.observe(latency_label(bucket), "confirmed", notified_at - call.started_at);
    }
}

fn is_duplicate(world: &World, repeat: &Repeat, sources: Sources) -> bool {
    let told = |(call, key): Taken| {
        let call = &world.calls[call];
        Told::of(call, &call.keys[key], sources)
    };
    let [first, second] = [repeat.first, repeat.second].map(told);
    if !first.is_known() || !second.is_known() {
        return false;
    }
    // Nobody else tells of uploads.
    if repeat.is_made_anew_between && sources.has_notices() {
        return false;
    }
    // Children that name no version look alike, whatever it was; but if their request ids are their
    // own as well, they are not known to be of two calls.
    let is_of_call = |told: &Told<'_>| told.call.layout.is_some_and(|it| it.shares_request_id);
    match (first.is_target_told(), second.is_target_told()) {
        (true, true) => repeat.is_of_same_version,
        (false, false) => is_of_call(&first) && is_of_call(&second),
        _ => false,
    }
}

fn count_intent(figures: &mut Figures, world: &World, declared: &Declared, sources: Sources) {
    for key in &declared.keys {
        let removals = world
            .calls
            .iter()
            .filter(|call| call.bucket.name == declared.bucket && call.started_at >= declared.at)
            .flat_map(|call| call.keys.iter().map(move |removed| (call, removed)))
            .filter(|(_, removed)| removed.key == *key)
            .map(|(call, removed)| Told::of(call, removed, sources))
            .filter(Told::is_known);
        let Some(first) = removals.min_by_key(|told| told.call.ended_at) else {
            figures.add("deltrail_unfulfilled_intents", &[declared.bucket], 1);
            continue;
        };
        let Some(at) = first.exact_time() else { continue };
        match at - declared.at {
            millis if millis > 3_600_000 => {
                figures.add(DISCARDED, &["over_1h"], 1);
            }
            millis => figures.observe(latency_label(declared.bucket), "intent", millis),
        }
    }
}
