//! What really happened in a scenario, written down as it happens from what S3 answered. It knows
//! nothing of how deltrail counts, only what its figures are to say.

use std::collections::BTreeMap;

use deltrail_core::domain::{Intent, Timestamp};

use super::keys::Keys;

/// How many, by bucket.
pub type ByBucket = BTreeMap<&'static str, u64>;

/// Why a thing was removed.
const BY_REQUEST: &str = "api";
const BY_RULE: &str = "lifecycle";

/// What happened, by what the figures tell apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Delete requests by bucket, API and outcome (`ok`, `denied`).
    pub requests: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// Removals: keys that S3 said yes to, and what it expired by itself.
    pub removals: ByBucket,
    /// Removals by bucket, kind and cause.
    pub kinds: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// Requests that S3 accepted, so that both CloudTrail and the access log say how long it took.
    pub timed: ByBucket,
    /// Removals by a request of which S3 sends a notification: it takes back nothing for a key that
    /// is gone already.
    pub notified: ByBucket,
    /// Requests for what another one removed within ten minutes before.
    pub duplicates: ByBucket,
    /// Removals of what had just replaced something else.
    pub stale: ByBucket,
    /// Keys that an intent named and a request removed later.
    pub fulfilled: ByBucket,
    /// Objects with intents that were put among the logs.
    pub intent_objects: u64,
    /// Intents that were declared, each once.
    pub intents: u64,
    /// Records that CloudTrail writes of deletes: a call, and one for each key of a bulk call.
    pub trail_records: u64,
    /// Lines that an access log has of deletes.
    pub access_log_lines: u64,
    keys: Keys,
}

/// What a delete that S3 accepted did, as its answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed<'a> {
    /// The object of an unversioned bucket, if it was there.
    Object,
    /// A delete marker was put over it.
    Marker,
    /// A version for good, or a marker that was put there before.
    Version(&'a str),
}

impl Removed<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Marker => "marker",
            Self::Version(_) => "version",
        }
    }
}

impl Truth {
    /// An upload that S3 accepted.
    pub fn uploaded(&mut self, bucket: &'static str, key: &str, at: Timestamp) {
        self.keys.uploaded(bucket, key, at);
    }

    /// Something that the application said it will delete, and how.
    pub fn declared(&mut self, bucket: &'static str, intent: &Intent) {
        self.intents += 1;
        self.keys.declared(bucket, intent);
    }

    /// One `DeleteObject` that S3 accepted.
    pub fn deleted(
        &mut self,
        bucket: &'static str,
        key: &str,
        removed: Removed<'_>,
        at: Timestamp,
    ) {
        self.answered(bucket, "DeleteObject", "ok");
        self.removed(bucket, key, removed, at);
        self.trail_records += 1;
        self.access_log_lines += 1;
    }

    /// One `DeleteObject` that S3 refused.
    pub fn refused(&mut self, bucket: &'static str) {
        self.answered(bucket, "DeleteObject", "denied");
        self.trail_records += 1;
        self.access_log_lines += 1;
    }

    /// One `DeleteObjects` that S3 accepted, though it refused so many of its keys.
    pub fn deleted_many<'a>(
        &mut self,
        bucket: &'static str,
        accepted: impl IntoIterator<Item = (&'a str, Removed<'a>)>,
        refused: u64,
        at: Timestamp,
    ) {
        self.answered(bucket, "DeleteObjects", "ok");
        let mut keys = refused;
        for (key, removed) in accepted {
            self.removed(bucket, key, removed, at);
            keys += 1;
        }
        self.trail_records += 1 + keys;
        self.access_log_lines += 1 + keys;
    }

    /// Something that a lifecycle rule expired.
    pub fn expired(&mut self, bucket: &'static str, key: &str, removed: Removed<'_>) {
        *self.removals.entry(bucket).or_default() += 1;
        *self.kinds.entry((bucket, removed.kind(), BY_RULE)).or_default() += 1;
        self.keys.expired(bucket, key);
        self.access_log_lines += 1;
    }

    /// Objects that a lifecycle rule expired or hid.
    #[must_use]
    pub fn expiries(&self) -> u64 {
        let by_rule = self.kinds.iter().filter(|((_, _, cause), _)| *cause == BY_RULE);
        by_rule.map(|(_, count)| count).sum()
    }

    /// Intents with a key that no request has removed since.
    #[must_use]
    pub fn unfulfilled(&self) -> ByBucket {
        self.keys.unfulfilled()
    }

    fn removed(&mut self, bucket: &'static str, key: &str, removed: Removed<'_>, at: Timestamp) {
        *self.removals.entry(bucket).or_default() += 1;
        *self.kinds.entry((bucket, removed.kind(), BY_REQUEST)).or_default() += 1;
        let meant = self.keys.removed(bucket, key, removed, at);
        let count = |of: &mut ByBucket, count: u64| {
            if count > 0 {
                *of.entry(bucket).or_default() += count;
            }
        };
        count(&mut self.notified, u64::from(meant.is_notified));
        count(&mut self.duplicates, u64::from(meant.is_duplicate));
        count(&mut self.stale, u64::from(meant.is_stale));
        count(&mut self.fulfilled, meant.intents);
    }

    fn answered(&mut self, bucket: &'static str, api: &'static str, outcome: &'static str) {
        *self.requests.entry((bucket, api, outcome)).or_default() += 1;
        if outcome == "ok" {
            *self.timed.entry(bucket).or_default() += 1;
        }
    }
}
