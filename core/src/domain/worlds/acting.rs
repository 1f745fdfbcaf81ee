//! What happens in one world, by seed: uploads, deletes of every way, and what the actor has to
//! remember to play them. It decides which worlds are acted at all, and knows no sources.
//!
//! Acts come in groups. Groups begin whole multiples of [`GRID_MILLIS`] apart and last less than
//! 12 s, so that no two groups lie within the 10 s in which times speak for a pair, and so that no
//! two acts lie at the edge of a window of 10 min or [`STALE_MILLIS`]: clocks of whole seconds
//! could not tell on which side.

use std::collections::{BTreeMap, BTreeSet};

use super::acts::{
    Answer, Call, Caller, ChildRequest, ChildShared, Layout, Named, Timing, Upload, Way, World,
};
use super::bucket::{Stored, Versioning, store};
use crate::domain::dice::Dice;
use crate::domain::{Cause, Outcome};

/// How far apart groups of acts begin, at least and in whole multiples.
pub(super) const GRID_MILLIS: i64 = 44_000;
/// The windows in which a delete after an upload is stale, of which a world is judged by one.
pub(super) const STALE_MILLIS: [i64; 3] = [198_000, 900_000, 1_078_000];
/// When every world begins.
pub(super) const BEGIN_MILLIS: i64 = 1_795_428_000_000;

pub(super) const BUCKETS: [(&str, Versioning); 3] = [
    ("photos", Versioning::Never),
    ("archive", Versioning::Enabled),
    ("drafts", Versioning::Suspended),
];

/// Keys by what is special in them. Some are one another's encodings, and different keys.
pub(super) const KEYS: [(&str, &str); 12] = [
    ("plain", "cat.jpg"),
    ("plain", "a-b"),
    ("space", "a b"),
    ("space", " a  b "),
    ("plus", "a+b"),
    ("plus", "+"),
    ("percent", "a%20b"),
    ("percent", "100%25/%"),
    ("unicode", "ネコ/🐈.jpg"),
    ("unicode", "cafe\u{301}"),
    ("slash", "a/b"),
    ("slash", "/a//b/"),
];

/// Acts out the world of this seed.
pub(super) fn act_out(seed: u64) -> World {
    let mut dice = Dice::new(seed);
    let sequencer = dice.below(0x1_0000) as u64;
    let mut play = Play {
        keys: Vec::new(),
        versions: BTreeMap::new(),
        now: BEGIN_MILLIS,
        serial: 0,
        sequencer,
        world: World::default(),
        dice,
    };
    play.set_stage();
    for _ in 0..play.dice.between(10, 16) {
        play.now += GRID_MILLIS * *play.dice.pick(&[1, 1, 1, 2, 3, 4, 6, 8, 12, 14, 19, 30, 90]);
        play.act();
    }
    play.world
}

pub(super) struct Play {
    pub(super) dice: Dice,
    /// The keys of each bucket.
    pub(super) keys: Vec<Vec<&'static str>>,
    /// What each key of each bucket holds, the current version last.
    pub(super) versions: BTreeMap<(usize, &'static str), Vec<Stored>>,
    pub(super) now: i64,
    pub(super) serial: u64,
    pub(super) sequencer: u64,
    pub(super) world: World,
}

/// When a request is served.
#[derive(Clone, Copy)]
pub(super) struct Served {
    pub(super) received: i64,
    pub(super) completed: i64,
}

/// What a request asks for: its bucket, and keys with what was named of them.
#[derive(Clone)]
pub(super) struct Order {
    pub(super) bucket: usize,
    pub(super) entries: Vec<(&'static str, Named)>,
    pub(super) caller: Caller,
    pub(super) layout: Layout,
}

impl Play {
    fn set_stage(&mut self) {
        for (bucket, (_, versioning)) in BUCKETS.into_iter().enumerate() {
            let mut keys: BTreeSet<&str> = BTreeSet::new();
            while keys.len() < 2 {
                keys.insert(self.dice.pick(&KEYS).1);
            }
            for &key in &keys {
                let mut versions = Vec::new();
                if self.dice.one_in(2) {
                    store(&mut versions, Versioning::Never, String::new());
                }
                if versioning != Versioning::Never {
                    for _ in 0..self.dice.below(3) {
                        let (id, is_marker) = (self.name("V"), self.dice.one_in(3));
                        versions.insert(0, Stored { id, is_marker });
                    }
                }
                self.versions.insert((bucket, key), versions);
            }
            self.keys.push(keys.into_iter().collect());
        }
    }

    fn act(&mut self) {
        let bucket = self.dice.below(BUCKETS.len());
        match self.dice.below(15) {
            0..=2 => self.upload(bucket),
            3..=5 => self.delete_one(bucket),
            6..=10 => self.delete_many(bucket),
            11..=13 => self.expire(bucket),
            _ => self.replicate(),
        }
        if self.dice.one_in(12) {
            let key = *self.dice.pick(&self.keys[bucket]);
            let requested = self.now + self.dice.between(-60_000, 0);
            self.declare(bucket, vec![key], requested);
        }
    }

    fn upload(&mut self, bucket: usize) {
        let key = *self.dice.pick(&self.keys[bucket]);
        let rounds = if self.dice.one_in(2) { 2 } else { 1 };
        for round in 0..rounds {
            self.now += GRID_MILLIS * round;
            let (name, versioning) = BUCKETS[bucket];
            let id = self.name("V");
            let versions = self.versions.get_mut(&(bucket, key)).unwrap();
            let is_replacing = versions.last().is_some_and(|current| !current.is_marker);
            let version = store(versions, versioning, id);
            let upload = Upload {
                request_id: self.name("R"),
                bucket: name.to_owned(),
                key: key.to_owned(),
                version,
                done: self.now + self.dice.between(0, 999),
                sequencer: self.sequencer(),
            };
            self.world.uploads.push(upload);
            self.see(if is_replacing { "replacing upload" } else { "upload" });
        }
    }

    /// What a caller may name of a key. A version that never was is not named: S3 refuses most of
    /// them as malformed.
    fn named(&mut self, bucket: usize, key: &'static str) -> Named {
        let versions = &self.versions[&(bucket, key)];
        let is_suspended = BUCKETS[bucket].1 == Versioning::Suspended;
        if is_suspended && versions.iter().any(|v| v.id == "null") && self.dice.one_in(3) {
            return Named::Null;
        }
        let with_id: Vec<&Stored> = versions.iter().filter(|v| v.id != "null").collect();
        let markers: Vec<&Stored> = with_id.iter().copied().filter(|v| v.is_marker).collect();
        match self.dice.below(4) {
            0 | 1 if !markers.is_empty() => Named::Version(self.dice.pick(&markers).id.clone()),
            0..=2 if !with_id.is_empty() => Named::Version(self.dice.pick(&with_id).id.clone()),
            _ => Named::Nothing,
        }
    }

    fn delete_one(&mut self, bucket: usize) {
        let key = *self.dice.pick(&self.keys[bucket]);
        let entries = vec![(key, self.named(bucket, key))];
        let order = Order { bucket, entries, caller: self.caller(), layout: self.layout() };
        let served = self.served();
        let refusal = self.refusal_of_all(4);
        self.serve(Way::Single, &order, served, refusal);
        if refusal.is_none() && self.dice.one_in(3) {
            // The application's client sends it twice, or tries again at once.
            let received = served.received + *self.dice.pick(&[7, 40, 700, 2_500]);
            let completed = served.completed.max(received) + self.dice.between(30, 300);
            self.serve(Way::Single, &order, Served { received, completed }, None);
            self.see("duplicate client call");
        }
    }

    fn delete_many(&mut self, bucket: usize) {
        let mut entries: BTreeSet<(&'static str, Named)> = BTreeSet::new();
        for _ in 0..=self.dice.below(4) {
            let key = *self.dice.pick(&self.keys[bucket]);
            let named = self.named(bucket, key);
            // A key named twice in one call with the same target is one removal by the request id,
            // and two by children: not acted. The null version and no version are one target.
            if !entries.iter().any(|(k, other)| *k == key && other.target() == named.target()) {
                entries.insert((key, named));
            }
        }
        let entries: Vec<_> = entries.into_iter().collect();
        let mut order = Order { bucket, entries, caller: self.caller(), layout: self.layout() };
        self.make_copies_joinable(&mut order);
        let companion = self.dice.below(5);
        let has_companion = companion < 2;
        if companion == 0 {
            // Before all evidence has come, a child of one call may fit only the claim of the
            // other. If they are of two kinds, what is counted by kind depends on what came first
            // (and is corrected): so two calls at once name no key twice.
            order.entries.dedup_by_key(|(key, _)| *key);
        }
        if has_companion && order.layout.request != ChildRequest::Calls {
            // Two calls within 10 s about one key, and children that do not say of which call they
            // are: nobody can tell which child belongs to which, so nothing that tells calls apart
            // is written into the children. They may be exchanged, and no row shows it.
            order.layout.timing = Timing::Seconds;
        }
        let served = if has_companion { self.served_at_once(None) } else { self.served() };
        let refusal = self.refusal_of_all(7);
        self.serve(Way::Bulk, &order, served, refusal);
        if !has_companion {
            return;
        }
        let again = self.served_at_once(Some(served));
        if companion == 0 {
            self.serve(Way::Bulk, &order, again, None);
        } else {
            order.entries.truncate(1);
            self.serve(Way::Single, &order, again, None);
        }
        self.see("duplicate client call");
    }

    /// Copies for two accounts that have neither the request id nor a `sharedEventID` in common
    /// are two removals to everybody. They always have one: that much is documented.
    fn make_copies_joinable(&mut self, order: &mut Order) {
        let is_foreign = matches!(order.caller, Caller::Foreign { .. });
        let layout = &mut order.layout;
        if is_foreign && layout.request == ChildRequest::None && layout.shared == ChildShared::None
        {
            layout.shared = *self.dice.pick(&[ChildShared::Own, ChildShared::Calls]);
        }
    }

    fn expire(&mut self, bucket: usize) {
        let (name, versioning) = BUCKETS[bucket];
        let key = *self.dice.pick(&self.keys[bucket]);
        let versions = &self.versions[&(bucket, key)];
        let current = versions.last().filter(|current| !current.is_marker).map(|_| Named::Nothing);
        let older = versions.iter().rev().skip(1).find(|older| older.id != "null");
        let older = older.map(|older| Named::Version(older.id.clone()));
        let named = if self.dice.one_in(2) { older.or(current) } else { current.or(older) };
        let Some(named) = named else { return self.upload(bucket) };
        self.see(match (&named, versioning) {
            (Named::Version(_), _) => "lifecycle of a noncurrent version",
            (_, Versioning::Never) => "lifecycle of an object",
            _ => "lifecycle marker",
        });
        let done = self.now + self.dice.between(0, 999);
        // A child that belongs to no claim would fit that of a lifecycle rule within 10 s: rules
        // run in groups of their own.
        let removed = self.remove(bucket, key, &named, done, Cause::Lifecycle);
        self.see_key(key);
        let call = Call {
            request_id: self.name("R"),
            bucket: name.to_owned(),
            way: Way::Lifecycle,
            caller: Caller::Lifecycle,
            outcome: Outcome::Ok,
            refusal: None,
            received: done,
            completed: done,
            timing: Timing::Seconds,
            is_logged: true,
            is_amended: false,
            layout: self.layout(),
            answers: vec![Answer { key: key.to_owned(), named, result: Ok(removed) }],
        };
        self.world.calls.push(call);
    }

    /// A marker that replication makes in the destination, which is the versioned bucket.
    fn replicate(&mut self) {
        let bucket = 1;
        let key = *self.dice.pick(&self.keys[bucket]);
        let entries = vec![(key, Named::Nothing)];
        let layout = self.layout();
        let order = Order { bucket, entries, caller: Caller::Replication, layout };
        let served = self.served();
        self.serve(Way::Single, &order, served, None);
        let is_told = self.dice.one_in(2);
        self.see(if is_told { "replicated marker, told" } else { "replicated marker, not told" });
        let is_logged = self.dice.one_in(2);
        let call = self.world.calls.last_mut().unwrap();
        call.is_logged = is_logged;
        call.answers[0].result.as_mut().unwrap().is_told = is_told;
    }
}
