//! What really happened in a scenario, written down as it happens from what S3 answered. It knows
//! nothing of how deltrail counts, only what its figures are to say.

use std::collections::BTreeMap;

/// The number of delete requests and removals, by what the figures tell apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Delete requests by bucket, API and outcome (`ok`, `denied`).
    pub requests: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// Removals by bucket: keys that S3 said yes to.
    pub removals: BTreeMap<&'static str, u64>,
    /// Removals whose kind CloudTrail tells, by bucket and kind.
    pub kinds: BTreeMap<(&'static str, &'static str), u64>,
    /// Requests that S3 accepted and so gives a latency for, by bucket.
    pub timed: BTreeMap<&'static str, u64>,
    /// Objects that a lifecycle rule expired.
    pub expired: u64,
}

impl Truth {
    /// One `DeleteObject` that S3 accepted; it did away with a thing of this kind (`object`,
    /// `version`, `marker`).
    pub fn deleted(&mut self, bucket: &'static str, kind: &'static str) {
        self.answered(bucket, "DeleteObject", "ok");
        *self.removals.entry(bucket).or_default() += 1;
        *self.kinds.entry((bucket, kind)).or_default() += 1;
    }

    /// One `DeleteObject` that S3 refused.
    pub fn refused(&mut self, bucket: &'static str) {
        self.answered(bucket, "DeleteObject", "denied");
    }

    /// One `DeleteObjects` that S3 accepted, with so many keys that it said yes to. What kind of
    /// removal each is, CloudTrail does not tell.
    pub fn deleted_many(&mut self, bucket: &'static str, accepted: u64) {
        self.answered(bucket, "DeleteObjects", "ok");
        *self.removals.entry(bucket).or_default() += accepted;
    }

    fn answered(&mut self, bucket: &'static str, api: &'static str, outcome: &'static str) {
        *self.requests.entry((bucket, api, outcome)).or_default() += 1;
        if outcome == "ok" {
            *self.timed.entry(bucket).or_default() += 1;
        }
    }
}
