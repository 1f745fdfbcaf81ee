//! How a request is served in a world: when, by which layout, with what answer about each key. It
//! leaves to the play which requests there are.

use std::collections::BTreeSet;

use super::acting::{BUCKETS, KEYS, Order, Play, Served};
use super::acts::{
    Answer, Call, Caller, ChildRequest, ChildShared, Declared, Layout, Named, Refusal, Removed,
    Timing, Way,
};
use super::bucket::{Versioning, delete};
use crate::domain::{Cause, Kind, Outcome};

const DENIED: Refusal = Refusal { code: "AccessDenied", status: 403 };
const FAILURES: [Refusal; 2] = [
    Refusal { code: "SlowDown", status: 503 },
    Refusal { code: "PreconditionFailed", status: 412 },
];
const KEY_FAILURE: Refusal = Refusal { code: "InternalError", status: 500 };

impl Play {
    pub(super) fn caller(&mut self) -> Caller {
        match self.dice.below(4) {
            0 => Caller::Foreign { names_shared: self.dice.one_in(2) },
            person => Caller::Person(u8::try_from(person).unwrap()),
        }
    }

    pub(super) fn layout(&mut self) -> Layout {
        use ChildRequest as R;
        use ChildShared as S;
        Layout {
            request: *self.dice.pick(&[R::Calls, R::Calls, R::Own, R::None]),
            shared: *self.dice.pick(&[S::Calls, S::Own, S::None]),
            names_version: self.dice.one_in(2),
            tells_marker: self.dice.one_in(2),
            tells_refusal: self.dice.one_in(2),
            timing: *self.dice.pick(&[Timing::Seconds, Timing::Millis]),
        }
    }

    pub(super) fn refusal_of_all(&mut self, chances: usize) -> Option<Refusal> {
        let refusal = *self.dice.pick(&[DENIED, DENIED, FAILURES[0], FAILURES[1]]);
        self.dice.one_in(chances).then_some(refusal)
    }

    pub(super) fn served(&mut self) -> Served {
        let received = self.now + self.dice.between(0, 400);
        let millis = if self.dice.one_in(8) {
            // Children lie near the end of a call and access-log lines at its beginning: of a call
            // that takes more than 10 s the law keeps them apart, if no request id joins them.
            self.dice.between(1_000, 8_000)
        } else {
            self.dice.between(3, 900)
        };
        Served { received, completed: received + millis }
    }

    /// A request so short that all that is written of it, and of another one `after` it, shows the
    /// same second.
    pub(super) fn served_at_once(&mut self, after: Option<Served>) -> Served {
        let received = match after {
            Some(before) => before.received + self.dice.between(5, 200),
            None => self.now + self.dice.between(0, 100),
        };
        let completed = received + self.dice.between(3, 250);
        Served { received, completed: completed.max(after.map_or(0, |b| b.completed + 30)) }
    }

    pub(super) fn serve(
        &mut self,
        way: Way,
        order: &Order,
        served: Served,
        refusal: Option<Refusal>,
    ) {
        let outcome = match refusal {
            None => Outcome::Ok,
            Some(refusal) if refusal.status == 403 => Outcome::Denied,
            Some(_) => Outcome::Failed,
        };
        let timing = match self.dice.below(12) {
            0..6 => Timing::Seconds,
            11 => Timing::Skewed,
            _ => Timing::Millis,
        };
        let answers: Vec<Answer> = order
            .entries
            .iter()
            .zip(0..)
            .map(|(entry, nth)| {
                let done = served.completed + 3 * nth + self.dice.between(0, 2);
                self.answer(way, order.bucket, entry, done, refusal)
            })
            .collect();
        let is_person = matches!(order.caller, Caller::Person(_));
        let call = Call {
            request_id: self.name("R"),
            bucket: BUCKETS[order.bucket].0.to_owned(),
            way,
            caller: order.caller,
            outcome,
            refusal,
            received: served.received,
            completed: served.completed,
            timing,
            is_logged: true,
            is_amended: way == Way::Single && is_person && self.dice.one_in(4),
            layout: order.layout,
            answers,
        };
        if self.dice.one_in(4) {
            let keys: BTreeSet<&str> = order.entries.iter().map(|(key, _)| *key).collect();
            let requested = served.received - self.dice.between(0, 90_000);
            self.declare(order.bucket, keys.into_iter().collect(), requested);
        }
        self.see_call(&call);
        self.world.calls.push(call);
    }

    fn answer(
        &mut self,
        way: Way,
        bucket: usize,
        (key, named): &(&'static str, Named),
        done: i64,
        refusal: Option<Refusal>,
    ) -> Answer {
        let key_refusal = *self.dice.pick(&[DENIED, KEY_FAILURE]);
        let is_refused = way == Way::Bulk && self.dice.one_in(7);
        let result = match refusal.or(is_refused.then_some(key_refusal)) {
            Some(refusal) => Err(refusal),
            None => Ok(self.remove(bucket, key, named, done, Cause::Api)),
        };
        self.see_key(key);
        Answer { key: (*key).to_owned(), named: named.clone(), result }
    }

    pub(super) fn remove(
        &mut self,
        bucket: usize,
        key: &'static str,
        named: &Named,
        done: i64,
        cause: Cause,
    ) -> Removed {
        let new_id = self.name("V");
        let versioning = BUCKETS[bucket].1;
        let versions = self.versions.get_mut(&(bucket, key)).unwrap();
        let effect = delete(versions, versioning, named, new_id);
        if cause == Cause::Api {
            self.see(match (named, effect.kind) {
                (_, Kind::Marker) if versioning == Versioning::Suspended => "null marker",
                (_, Kind::Marker) => "marker",
                (Named::Null, _) => "null version deleted by name",
                (Named::Version(_), _) if effect.is_undelete => "marker deleted by its id",
                (Named::Version(_), _) => "version deleted by its id",
                _ => "object",
            });
        }
        if !effect.is_any {
            self.see("missing key");
        }
        Removed {
            kind: effect.kind,
            cause,
            marker: effect.marker,
            done,
            sequencer: self.sequencer(),
            is_told: effect.is_any || self.dice.one_in(2),
        }
    }

    pub(super) fn declare(&mut self, bucket: usize, keys: Vec<&'static str>, requested: i64) {
        let id = self.name("I");
        let keys = keys.into_iter().map(str::to_owned).collect();
        let bucket = BUCKETS[bucket].0.to_owned();
        self.world.intents.push(Declared { id, bucket, keys, requested });
        self.see("intent");
    }

    /// A name that was never used, not in the order of time.
    pub(super) fn name(&mut self, prefix: &str) -> String {
        self.serial += 1;
        format!("{prefix}{:06X}{}", self.dice.below(0x100_0000), self.serial)
    }

    /// The next sequencer, sometimes padded: they are numbers.
    pub(super) fn sequencer(&mut self) -> String {
        self.sequencer += 1 + self.dice.below(40) as u64;
        let padding = if self.dice.one_in(4) { "00" } else { "" };
        format!("{padding}{:X}", self.sequencer)
    }

    pub(super) fn see(&mut self, what: &'static str) {
        self.world.seen.push(what);
    }

    pub(super) fn see_key(&mut self, key: &str) {
        let (class, _) = KEYS.into_iter().find(|(_, known)| *known == key).unwrap();
        self.see(class);
    }

    fn see_call(&mut self, call: &Call) {
        self.see(match (call.way, call.outcome) {
            (Way::Bulk, Outcome::Ok) => "bulk delete",
            (Way::Bulk, Outcome::Denied) => "bulk delete, denied",
            (Way::Bulk, Outcome::Failed) => "bulk delete, failed",
            (_, Outcome::Ok) => "single delete",
            (_, Outcome::Denied) => "single delete, denied",
            (_, Outcome::Failed) => "single delete, failed",
        });
        if matches!(call.caller, Caller::Foreign { .. }) {
            self.see("cross-account call");
        }
        if call.is_amended {
            self.see("amended caller");
        }
        if call.way != Way::Bulk || call.outcome != Outcome::Ok {
            return;
        }
        let accepted: Vec<&Answer> = call.answers.iter().filter(|a| a.result.is_ok()).collect();
        let keys: BTreeSet<&str> = accepted.iter().map(|answer| answer.key.as_str()).collect();
        if accepted.len() < call.answers.len() {
            self.see("bulk delete, refused in part");
        }
        if keys.len() < accepted.len() {
            self.see("two children of one key");
        }
        self.see(call.layout.name());
    }
}
