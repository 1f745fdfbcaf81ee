//! What the checks are about, as AWS and this host told it. It judges nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::queue::QueueSettings;
use crate::setup::identity::{Clocks, Identity};
use crate::setup::notification::Listed;
use crate::setup::refusal::Refusal;
use crate::setup::trail::Trail;
use crate::store::ServerDurability;

/// An answer, or why there is none.
pub(super) type Answer<T> = Result<T, Refusal>;

/// All of it.
#[derive(Debug)]
pub(super) struct Seen {
    pub identity: Answer<Identity>,
    pub clocks: Option<Clocks>,
    /// Whose the log buckets are, where the settings say so.
    pub log_bucket_owner: Option<String>,
    pub queues: Vec<SeenQueue>,
    pub log_buckets: Vec<SeenLogBucket>,
    pub watched: SeenWatched,
    pub trails: Vec<Trail>,
    /// Regions whose trails were not told.
    pub trails_untold: Vec<Refusal>,
    pub store: SeenStore,
}

/// A queue of `--queue-url`.
#[derive(Debug)]
pub(super) struct SeenQueue {
    pub name: String,
    pub url: String,
    pub arn: String,
    pub settings: Answer<QueueSettings>,
    /// How many messages its dead-letter queue holds, when it has one.
    pub dead_letters: Option<Answer<Option<u64>>>,
}

/// A bucket of `--log-bucket`.
#[derive(Debug)]
pub(super) struct SeenLogBucket {
    pub name: String,
    /// Without a `/` at its end.
    pub prefix: String,
    pub inside: Answer<Inside>,
}

/// What is told of a log bucket that is there.
#[derive(Debug)]
pub(super) struct Inside {
    pub region: String,
    pub notifications: Answer<Vec<Listed>>,
    /// Of each topic that is told of its events: the queues that are subscribed to it.
    pub subscribers: BTreeMap<String, Answer<Vec<String>>>,
    pub newest: Answer<Option<NewestObject>>,
    /// The key of KMS that new objects are encrypted with, when it is one of the account's own.
    pub key_id: Answer<Option<String>>,
    /// What KMS says of the key that matters.
    pub key: Option<Answer<KeyState>>,
}

/// The newest object that was found, and what came of reading it.
#[derive(Debug)]
pub(super) struct NewestObject {
    pub key: String,
    /// How long ago it was written; `None` when that was not told.
    pub age: Option<Duration>,
    /// The key of KMS that it is encrypted with, if any.
    pub read: Answer<Option<String>>,
}

/// A key of KMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyState {
    pub arn: String,
    /// `Enabled`, `Disabled`, `PendingDeletion` ...
    pub state: String,
}

/// The buckets of `--watch-bucket`.
#[derive(Debug)]
pub(super) struct SeenWatched {
    pub buckets: Vec<SeenBucket>,
    /// How many more there are, which were not looked at.
    pub more: usize,
    /// Why the buckets that fit a pattern are not known, if so.
    pub unlisted: Option<Refusal>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct SeenBucket {
    pub name: String,
    pub protection: Answer<Protection>,
}

/// What keeps the objects of a bucket recoverable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Protection {
    pub region: String,
    pub versioning: Versioning,
    /// Days after which a lifecycle rule removes what is no longer the newest version, the fewest.
    pub noncurrent_days: Answer<Option<i32>>,
}

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versioning {
    Enabled,
    Suspended,
    Never,
}

/// The place of the store.
#[derive(Debug)]
pub(super) struct SeenStore {
    /// As it is shown.
    pub place: String,
    pub kind: StoreKind,
}

/// What was found there.
#[derive(Debug)]
pub(super) enum StoreKind {
    Memory,
    File {
        folder: String,
        /// Whether what is written can be made to stay.
        durable: Result<(), String>,
        /// What the file system is, in the numbers of Linux.
        file_system: Option<u64>,
        /// Whether the store that is there can be read; none when there is none yet.
        readable: Option<Result<(), String>>,
    },
    Postgres(Result<ServerDurability, String>),
    /// It did not answer in time.
    Silent,
}
