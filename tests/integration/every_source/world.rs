//! A world over some buckets and hours in which objects are uploaded and deleted: who did what,
//! when, and what of it each source could have seen. It knows no wire format and counts nothing.

use fastrand::Rng;

use super::bucket::{Bucket, Versioning};

/// How old the hours are in which something happens, in minutes. In each of them all is over after
/// [`BUSY_MINUTES`] and some quiet ones: no source may call any of it complete before the next.
const AGES_MINUTES: [i64; EPOCHS] = [13 * 60, 9 * 60 + 30, 6 * 60];
pub const EPOCHS: usize = 3;
/// Minutes of an epoch in which everything may happen at once.
pub const BUSY_MINUTES: i64 = 20;

pub const MINUTE: i64 = 60_000;

/// What asked S3 to remove something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    DeleteObject,
    DeleteObjects,
    Lifecycle,
}

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub status: u16,
}

pub const DENIED: Refusal = Refusal { code: "AccessDenied", status: 403 };
pub const FAILED: Refusal = Refusal { code: "PreconditionFailed", status: 412 };

/// What S3 did to one key for one call.
#[derive(Debug, Clone)]
pub struct Removed {
    pub key: String,
    /// The version that the caller named; `null` is one.
    pub version: Option<String>,
    /// The id of the delete marker that was made.
    pub marker: Option<String>,
    /// Whether the version that was named is a marker's.
    pub is_undelete: bool,
    pub refusal: Option<Refusal>,
    /// Whether CloudTrail writes a child for a refused key; AWS does not say.
    pub is_refusal_told: bool,
    /// When S3 tells of it; none when it does not.
    pub notified_at: Option<i64>,
    /// Whether the access log has its line: a few are lost.
    pub is_logged: bool,
}

/// How CloudTrail lays out the keys of a bulk call; AWS does not document it.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Whether children carry the request id of the aggregate, or one of their own.
    pub shares_request_id: bool,
    /// Whether a child tells the version that was named, and that a marker was made.
    pub names_version: bool,
    /// Whether a child has times to the millisecond.
    pub has_times: bool,
    pub key_in: KeyIn,
}

/// Where a child says its key.
#[derive(Debug, Clone, Copy)]
pub enum KeyIn {
    RequestParameters,
    Resources,
    ServiceEventDetails,
}

/// One call, or one run of a lifecycle rule.
#[derive(Debug, Clone)]
pub struct Call {
    pub bucket: &'static Bucket,
    pub by: By,
    pub request_id: String,
    pub started_at: i64,
    pub ended_at: i64,
    /// The whole of it was refused.
    pub refusal: Option<Refusal>,
    pub keys: Vec<Removed>,
    /// Whether CloudTrail's record has `startTime` and `endTime`, as those of 2026 have.
    pub has_times: bool,
    /// None for a bulk call without children, as all were before June 2025.
    pub layout: Option<Layout>,
    /// Whether another account called, so that each of two has a copy of the record.
    pub is_across_accounts: bool,
}

/// A key of a call, by their numbers.
pub type Taken = (usize, usize);

/// A successful write.
#[derive(Debug, Clone)]
pub struct Upload {
    pub bucket: &'static Bucket,
    pub key: String,
    pub request_id: String,
    pub at: i64,
    pub version: Option<String>,
}

/// A declared delete.
#[derive(Debug, Clone)]
pub struct Declared {
    pub id: String,
    pub bucket: &'static str,
    pub keys: Vec<String>,
    pub at: i64,
}

/// Two removals from one key within ten minutes.
#[derive(Debug, Clone, Copy)]
pub struct Repeat {
    pub first: Taken,
    pub second: Taken,
    pub is_made_anew_between: bool,
    /// Whether both named the same version, or none.
    pub is_of_same_version: bool,
}

/// Everything that was done.
pub struct World {
    pub random: Rng,
    begins: [i64; EPOCHS],
    keys: usize,
    pub calls: Vec<Call>,
    pub uploads: Vec<Upload>,
    pub declared: Vec<Declared>,
    pub repeats: Vec<Repeat>,
    /// Removals of what had just replaced an older upload.
    pub stale: Vec<Taken>,
    /// Changes of a bucket's protection.
    pub changes: Vec<(&'static Bucket, i64)>,
    /// Other things that happened to a key, which every source tells in its way.
    pub noise: Vec<(&'static Bucket, String, i64)>,
}

const ODD_KEYS: [&str; 8] = [
    "plain.png",
    "my cat.png",
    "a+b.png",
    "100%25 off.png",
    "한글/파일 이름.png",
    "tags/#1?x=y&z=1;2.png",
    "it's (a) \u{1F5D1}~test*.png",
    "deep//er/=.png",
];

impl World {
    /// A world in which nothing has happened, in the hours before `now`.
    pub fn before(now: i64, random: Rng) -> Self {
        Self {
            random,
            begins: AGES_MINUTES.map(|age| now - age * MINUTE),
            keys: 0,
            calls: Vec::new(),
            uploads: Vec::new(),
            declared: Vec::new(),
            repeats: Vec::new(),
            stale: Vec::new(),
            changes: Vec::new(),
            noise: Vec::new(),
        }
    }

    /// A time so many minutes after the beginning of an epoch.
    pub fn time(&self, epoch: usize, minutes: i64) -> i64 {
        self.begins[epoch] + minutes * MINUTE
    }

    /// The epoch that a time lies in.
    pub fn epoch_of(&self, at: i64) -> usize {
        self.begins.iter().rposition(|begin| *begin <= at).unwrap()
    }

    /// A time in the busy part of an epoch that leaves `minutes` of it for what follows.
    pub fn busy_time(&mut self, epoch: usize, minutes: i64) -> i64 {
        let begin = self.begins[epoch];
        self.random.i64(begin + 5_000..begin + (BUSY_MINUTES - minutes) * MINUTE)
    }

    /// A key that nothing has happened to.
    pub fn new_key(&mut self) -> String {
        self.keys += 1;
        format!("{}/{}", self.keys, self.random.choice(ODD_KEYS).unwrap())
    }

    /// Upper-case letters and digits, like a request id.
    pub fn token(&mut self, length: usize) -> String {
        token(&mut self.random, length)
    }

    /// What a delete without a version does to a key of the bucket.
    pub fn gone(&mut self, bucket: &Bucket, key: &str) -> Removed {
        let marker = match bucket.versioning {
            Versioning::Never => None,
            Versioning::Enabled => Some(self.token(32)),
            Versioning::Suspended => Some("null".to_owned()),
        };
        Removed {
            key: key.to_owned(),
            version: None,
            marker,
            is_undelete: false,
            refusal: None,
            is_refusal_told: self.random.bool(),
            notified_at: None,
            is_logged: true,
        }
    }

    /// What the delete of a version does.
    pub fn gone_version(&mut self, bucket: &Bucket, key: &str, version: &str) -> Removed {
        Removed { version: Some(version.to_owned()), marker: None, ..self.gone(bucket, key) }
    }

    /// Acts at a time; gives the number of the call.
    pub fn call(
        &mut self,
        bucket: &'static Bucket,
        by: By,
        at: i64,
        mut keys: Vec<Removed>,
    ) -> usize {
        let ended_at = at + self.random.i64(20..250);
        for removed in keys.iter_mut().filter(|removed| removed.refusal.is_none()) {
            let notified_at = ended_at + self.random.i64(0..40);
            removed.notified_at = bucket.is_notified.then_some(notified_at);
        }
        let layout = Layout {
            shares_request_id: self.random.bool(),
            names_version: self.random.bool(),
            has_times: self.random.bool(),
            key_in: self
                .random
                .choice([KeyIn::RequestParameters, KeyIn::Resources, KeyIn::ServiceEventDetails])
                .unwrap(),
        };
        let request_id = self.token(16);
        self.calls.push(Call {
            bucket,
            by,
            request_id,
            started_at: at,
            ended_at,
            refusal: None,
            keys,
            has_times: self.random.u8(..4) > 0,
            layout: Some(layout),
            is_across_accounts: false,
        });
        self.calls.len() - 1
    }

    /// Deletes a key by a call of its own.
    pub fn delete(&mut self, bucket: &'static Bucket, key: &str, at: i64) -> Taken {
        let removed = self.gone(bucket, key);
        (self.call(bucket, By::DeleteObject, at, vec![removed]), 0)
    }

    /// Deletes a key by a bulk call that takes another one, too.
    pub fn delete_in_bulk(&mut self, bucket: &'static Bucket, key: &str, at: i64) -> Taken {
        let other = self.new_key();
        let keys = [key, &other].map(|key| self.gone(bucket, key));
        (self.call(bucket, By::DeleteObjects, at, keys.to_vec()), 0)
    }

    /// Writes a key.
    pub fn upload(&mut self, bucket: &'static Bucket, key: &str, at: i64) -> usize {
        let version = (bucket.versioning == Versioning::Enabled).then(|| self.token(32));
        let request_id = self.token(16);
        self.uploads.push(Upload { bucket, key: key.to_owned(), request_id, at, version });
        self.uploads.len() - 1
    }

    /// Declares that keys will be deleted.
    pub fn declare(&mut self, bucket: &'static str, keys: &[&str], at: i64) {
        let id = format!("job-{}", self.token(8));
        let keys = keys.iter().map(|&key| key.to_owned()).collect();
        self.declared.push(Declared { id, bucket, keys, at });
    }
}

/// Upper-case letters and digits.
pub fn token(random: &mut Rng, length: usize) -> String {
    let digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".as_bytes();
    (0..length).map(|_| char::from(*random.choice(digits).unwrap())).collect()
}
