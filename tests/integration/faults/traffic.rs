//! What happens at S3 in a test of faults or crashes, drawn from a seed, and the truth of it,
//! written down as it is drawn. It knows neither what AWS writes of it nor how that arrives.

use std::ops::Range;
use std::sync::Arc;

use deltrail::sandbox::act::{Act, BulkEntry, Call, Caller, Effect, Refusal};
use deltrail::sandbox::identifiers::Identifiers;
use deltrail::sandbox::principal::{Kind, Principal, identifier};
use deltrail_core::domain::Timestamp;
use fastrand::Rng;

use super::truth::Truth;

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "eu-west-1";
/// Keeps no versions.
pub const IMAGES: &str = "example-images";
/// Keeps every version.
pub const ARCHIVE: &str = "example-archive";

const ROLES: [&str; 3] = ["image-service", "cleanup-job", "archivist"];
const ODD_KEYS: [&str; 6] = [
    "plain.png",
    "my cat.png",
    "a+b%20c.png",
    "한글/파일 이름.png",
    "it's (a) \u{1F5D1}~test*.png",
    "deep//er/=&?#.png",
];
/// What belongs together is so many milliseconds apart.
const SOON_MILLIS: Range<i64> = 1_200..9_000;
const BULK_KEYS_MAX: usize = 12;

/// Draws what happens.
pub struct Traffic {
    random: Rng,
    identifiers: Identifiers,
    keys: usize,
    acts: Vec<Act>,
    truth: Truth,
}

impl Traffic {
    /// Nothing has happened yet.
    pub fn seeded(seed: u64) -> Self {
        Self {
            random: Rng::with_seed(seed),
            identifiers: Identifiers::seeded(seed),
            keys: 0,
            acts: Vec::new(),
            truth: Truth::default(),
        }
    }

    /// Lets so many deeds begin at times within `span`, in milliseconds since 1970; what happened,
    /// in the order in which it ended.
    pub fn acts(&mut self, deeds: usize, span: Range<i64>) -> Vec<Act> {
        for _ in 0..deeds {
            let at = self.random.i64(span.clone());
            self.deed(at);
        }
        let mut acts = std::mem::take(&mut self.acts);
        acts.sort_by_key(|act| act.ended_at);
        acts
    }

    /// An upload of no importance to each bucket: every source tells of it.
    pub fn pulse(&mut self, at: i64) -> Vec<Act> {
        for bucket in [IMAGES, ARCHIVE] {
            let key = self.new_key();
            self.put(bucket, &key, at);
        }
        std::mem::take(&mut self.acts)
    }

    /// What all of it comes to.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Something that nobody can read will be rejected for this reason.
    pub fn expect_reject(&mut self, reason: &str) {
        self.truth.expects_reject(reason);
    }

    fn deed(&mut self, at: i64) {
        match self.random.u8(..16) {
            0..=3 => self.delete(IMAGES, at),
            4 | 5 => self.delete(ARCHIVE, at),
            6 => self.delete_version(at),
            7..=9 => self.delete_many(at),
            10 => self.refused(at),
            11 => self.expire(at),
            12 => self.delete_twice(at),
            13 => self.delete_what_was_replaced(at),
            14 => {
                let key = self.new_key();
                self.put(IMAGES, &key, at);
            }
            _ => self.read(at),
        }
    }

    fn delete(&mut self, bucket: &'static str, at: i64) {
        let key = self.new_key();
        let effect = if self.random.u8(..6) == 0 { Effect::Nothing } else { self.gone(bucket) };
        // In a bucket with versions a marker is made though there is nothing to hide.
        let effect = if bucket == ARCHIVE { self.gone(bucket) } else { effect };
        self.delete_key(bucket, &key, at, effect);
    }

    fn delete_key(&mut self, bucket: &'static str, key: &str, at: i64, effect: Effect) {
        self.truth.expects_removal(bucket, key, None, &effect);
        let call = Call::Delete { key: key.into(), named_version: None, effect };
        self.called(bucket, "DeleteObject", at, call);
    }

    fn delete_version(&mut self, at: i64) {
        let (key, id) = (self.new_key(), self.identifiers.version_id());
        let effect = Effect::Version { id: id.clone(), was_marker: self.random.bool() };
        self.truth.expects_removal(ARCHIVE, &key, Some(&id), &effect);
        let call = Call::Delete { key, named_version: Some(id), effect };
        self.called(ARCHIVE, "DeleteObject", at, call);
    }

    fn delete_many(&mut self, at: i64) {
        let bucket = if self.random.bool() { IMAGES } else { ARCHIVE };
        let mut entries = Vec::new();
        for _ in 0..self.random.usize(1..=BULK_KEYS_MAX) {
            let (key, effect) = (self.new_key(), self.gone(bucket));
            let result = if self.random.u8(..8) == 0 {
                Err(Refusal::access_denied("somebody", "s3:DeleteObject", &key))
            } else {
                self.truth.expects_removal(bucket, &key, None, &effect);
                Ok(effect)
            };
            entries.push(BulkEntry { key, named_version: None, result });
        }
        self.called(bucket, "DeleteObjects", at, Call::BulkDelete { entries });
    }

    fn refused(&mut self, at: i64) {
        let key = self.new_key();
        let refusal = Refusal::access_denied("somebody", "s3:DeleteObject", &key);
        let (api, call) = if self.random.bool() {
            let effect = Effect::Nothing;
            ("DeleteObject", Call::Delete { key, named_version: None, effect })
        } else {
            let result = Err(refusal.clone());
            let entry = BulkEntry { key, named_version: None, result };
            ("DeleteObjects", Call::BulkDelete { entries: vec![entry] })
        };
        let act = Act { refusal: Some(refusal), ..self.act(IMAGES, at, call) };
        self.truth.expects_request(IMAGES, api, "denied", &act.request_id);
        self.acts.push(act);
    }

    fn expire(&mut self, at: i64) {
        let bucket = if self.random.bool() { IMAGES } else { ARCHIVE };
        let (key, effect) = (self.new_key(), self.gone(bucket));
        self.truth.expects_removal(bucket, &key, None, &effect);
        let mut act = self.act(bucket, at, Call::Expire { key, effect });
        act.caller.principal = Some(service("s3.amazonaws.com"));
        self.truth.done_by_rule(&act.request_id);
        self.acts.push(act);
    }

    fn delete_twice(&mut self, at: i64) {
        let key = self.new_key();
        let later = at + self.random.i64(SOON_MILLIS);
        self.delete_key(IMAGES, &key, at, Effect::Object);
        self.delete_key(IMAGES, &key, later, Effect::Nothing);
        self.truth.expects_duplicate(IMAGES);
    }

    fn delete_what_was_replaced(&mut self, at: i64) {
        let key = self.new_key();
        let replaced = at + self.random.i64(SOON_MILLIS);
        let deleted = replaced + self.random.i64(SOON_MILLIS);
        self.put(IMAGES, &key, at);
        self.put(IMAGES, &key, replaced);
        self.delete_key(IMAGES, &key, deleted, Effect::Object);
        self.truth.expects_stale(IMAGES);
    }

    fn put(&mut self, bucket: &'static str, key: &str, at: i64) {
        let version_id = (bucket == ARCHIVE).then(|| self.identifiers.version_id());
        let etag = format!("{:032x}", self.random.u128(..));
        let call = Call::Put { key: key.into(), version_id, object_bytes: 4_096, etag };
        let act = self.act(bucket, at, call);
        self.acts.push(act);
    }

    fn read(&mut self, at: i64) {
        let key = self.new_key();
        let call = Call::Get { key, named_version: None, object_bytes: 4_096, is_head: false };
        let act = self.act(IMAGES, at, call);
        self.acts.push(act);
    }

    /// A delete request that S3 accepts, with what was expected of its keys before.
    fn called(&mut self, bucket: &'static str, api: &'static str, at: i64, call: Call) {
        let act = self.act(bucket, at, call);
        let who = act.caller.principal.as_deref().map(Principal::arn).unwrap_or_default();
        self.truth.done(&act.request_id, &who);
        self.truth.expects_request(bucket, api, "ok", &act.request_id);
        self.acts.push(act);
    }

    fn act(&mut self, bucket: &str, at: i64, call: Call) -> Act {
        let role = self.random.choice(ROLES).unwrap_or(ROLES[0]);
        Act {
            started_at: Timestamp::from_millis(at),
            ended_at: Timestamp::from_millis(at + self.random.i64(20..400)),
            request_id: self.identifiers.request_id(),
            host_id: self.identifiers.host_id(),
            caller: Caller {
                principal: Some(Arc::new(principal(role, Kind::Role { session: "i-0abc".into() }))),
                source_address: "203.0.113.7".into(),
                user_agent: "aws-sdk-rust/1.3.9".into(),
                host: format!("{bucket}.s3.{REGION}.amazonaws.com"),
            },
            bucket: bucket.into(),
            bucket_account: ACCOUNT.into(),
            region: REGION.into(),
            call,
            refusal: None,
        }
    }

    /// What a delete without a version does to a key of the bucket.
    fn gone(&self, bucket: &str) -> Effect {
        if bucket == ARCHIVE {
            Effect::Marker { id: self.identifiers.version_id() }
        } else {
            Effect::Object
        }
    }

    /// A key that nothing has happened to.
    fn new_key(&mut self) -> String {
        self.keys += 1;
        format!("{}/{}", self.keys, self.random.choice(ODD_KEYS).unwrap_or_default())
    }
}

pub fn service(name: &str) -> Arc<Principal> {
    let secret_access_key = String::new();
    let access_key_id = String::new();
    Arc::new(Principal { access_key_id, secret_access_key, ..principal(name, Kind::Service) })
}

pub fn principal(name: &str, kind: Kind) -> Principal {
    Principal {
        name: name.into(),
        kind,
        account: ACCOUNT.into(),
        access_key_id: identifier("ASIA", name, 16),
        secret_access_key: format!("secret-of-{name}"),
    }
}
