//! From messages to committed evidence: the shell that drives `queue`, `objects`, the core's
//! decoder and `store`. It decides order, limits and dispositions; what evidence means is the
//! core's business, and how totals are shown is `metrics`'.
//!
//! Everything is bounded before it begins: a message is received only with a permit for it, an
//! object is fetched only with a permit and a part of the memory budget, and bytes are decoded only
//! on one of the workers. Backlog waits in SQS.

mod acknowledge;
mod backlog;
mod bodies;
mod decoding;
mod disposition;
mod facts;
mod hints;
mod lease;
mod looks;
mod memory;
mod message;
mod object;
mod observe;
mod patience;
mod poller;
mod reading;
mod receive;
mod rejects;
mod scan;
mod source_queue;
mod space;
mod tell;
mod traces;
mod trouble;
mod underway;
mod verify;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use deltrail_core::decode::{Limits, ObjectRef, RejectReason, Wanted};
use deltrail_core::domain::{Provenance, Source, Timestamp};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use decoding::OBJECT_BYTES_MIN;
pub use scan::{Failed, ScanOrder, ScanProgress, ScanReport, ScanSnapshot, ScanSource};
pub use verify::{Verified, VerifiedKind, VerifyError, VerifyOrder, VerifySummary, verify};

use self::traces::{is_of_somebody, removed_keys};
use crate::metrics::{Heartbeat, Metrics};
use crate::objects::Objects;
use crate::queue::Queue;
use crate::store::{Batch, CommitReport, Holds, Store, StoreError};
use crate::trail_keys::TrailKeys;

/// How long the release of what was not settled in time may take: a call for every ten messages.
const RELEASE_MAX: Duration = Duration::from_secs(2);

/// Says whether an object (bucket, key) may be fetched.
pub type AllowsObject = Box<dyn Fn(&str, &str) -> bool + Send + Sync>;
/// Says whether evidence about a bucket is kept.
pub type WatchesBucket = Arc<dyn Fn(&str) -> bool + Send + Sync>;
/// Tells the time, which is the wall clock's except where time is played.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the shell is told by its owner.
pub struct Options {
    /// Limits of decoding one object.
    pub limits: Limits,
    /// What is read out of a trail.
    pub wanted: Wanted,
    /// Whether it is kept which keys were read, removed, or encrypted with a foreign key.
    pub keeps_traces: bool,
    /// Decode threads.
    pub workers: usize,
    /// Messages received and not settled.
    pub in_flight_messages: usize,
    /// Objects fetched and not committed.
    pub in_flight_objects: usize,
    /// Bytes that objects in flight may hold; at least [`OBJECT_BYTES_MIN`].
    pub memory_budget_bytes: u64,
    /// Whether a log object that is gone is skipped; else its message is tried again.
    pub skips_missing: bool,
    /// From which receive poison of a queue without a redrive policy is rejected.
    pub poison_after: u32,
    /// Whether this object (bucket, key) may be fetched.
    pub allows: AllowsObject,
    /// The log buckets that were named, for messages to people.
    pub log_bucket_names: Vec<String>,
    /// Whether evidence about this bucket is kept.
    pub watches: WatchesBucket,
    /// Public keys to verify digests with; none leaves them unverified.
    pub trail_keys: Option<TrailKeys>,
    /// Whether what is read is news or history.
    pub provenance: Provenance,
    /// What time it is.
    pub clock: Clock,
}

/// The shell, shared by everything that is in flight.
pub struct Ingest {
    options: Options,
    store: Store,
    objects: Objects,
    metrics: Arc<Metrics>,
    message_permits: Arc<Semaphore>,
    object_permits: Arc<Semaphore>,
    decode_permits: Arc<Semaphore>,
    bodies: bodies::Bodies,
    budget: memory::Budget,
    messages: TaskTracker,
    /// The queues that are drained; they share the message permits.
    queues: RwLock<Vec<Arc<source_queue::SourceQueue>>>,
    space: space::Space,
    underway: underway::Underway,
    said: tell::Said,
    learnt: scan::Learnt,
    /// Cancelled when nothing more is received, when what is in flight is given up, and when
    /// nothing is in flight any more.
    stop: CancellationToken,
    abandon: CancellationToken,
    ended: CancellationToken,
}

impl Ingest {
    /// Puts the shell together; nothing runs yet.
    #[must_use]
    pub fn new(
        options: Options,
        store: Store,
        objects: Objects,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        let reasons = RejectReason::ALL.map(RejectReason::as_str);
        for source in Source::ALL {
            metrics.expect_rejects(source, reasons);
        }
        Arc::new(Self {
            message_permits: Arc::new(Semaphore::new(options.in_flight_messages)),
            object_permits: Arc::new(Semaphore::new(options.in_flight_objects)),
            decode_permits: Arc::new(Semaphore::new(options.workers)),
            bodies: bodies::Bodies::default(),
            budget: memory::Budget::new(
                options.memory_budget_bytes,
                metrics.in_flight_bytes.clone(),
            ),
            options,
            store,
            objects,
            metrics,
            messages: TaskTracker::new(),
            queues: RwLock::default(),
            space: space::Space::default(),
            underway: underway::Underway::default(),
            said: tell::Said::default(),
            learnt: scan::Learnt::default(),
            stop: CancellationToken::new(),
            abandon: CancellationToken::new(),
            ended: CancellationToken::new(),
        })
    }

    /// Drains a queue until [`Ingest::stop`], beating `heartbeat` as it goes round.
    pub fn drain_queue(self: &Arc<Self>, queue: Queue, heartbeat: Heartbeat) {
        let queue = Arc::new(source_queue::SourceQueue::new(queue));
        self.queues.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&queue));
        self.metrics.expect_queue(queue.name());
        // Not among those that are waited for: it goes on until none of them needs it.
        tokio::spawn(lease::keep(Arc::clone(self), Arc::clone(&queue)));
        self.messages.spawn(looks::watch_attributes(Arc::clone(self), Arc::clone(&queue)));
        self.messages.spawn(poller::poll(Arc::clone(self), queue, heartbeat));
    }

    /// Whose watermarks must not move now, because a queue has a backlog.
    #[must_use]
    pub fn holds(&self) -> Holds {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues.iter().fold(Holds::None, |holds, queue| queue.add_holds(holds))
    }

    fn queue_count(&self) -> usize {
        self.queues.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Takes note of the free space on the store's disk. While it says that this is too little,
    /// nothing is received; what is in flight goes on.
    pub fn note_free_space(&self, free_bytes: u64) -> bool {
        let was_short = self.space.is_short();
        let is_short = self.space.note(free_bytes);
        if is_short && !was_short {
            tracing::error!(
                free_bytes,
                "the disk of the store is nearly full: nothing is received until there is more \
                 room; free some space or enlarge it"
            );
        } else if was_short && !is_short {
            tracing::info!(free_bytes, "the disk of the store has room again");
        }
        is_short
    }

    /// Stops receiving and waits until what is in flight is settled; after `patience` the rest is
    /// released to the queue. Returns whether all of it was settled in time.
    pub async fn stop(&self, patience: Duration) -> bool {
        self.stop.cancel();
        self.messages.close();
        let is_settled = timeout(patience, self.messages.wait()).await.is_ok();
        if !is_settled {
            self.abandon.cancel();
            // A queue that does not answer now delivers them again when their leases run out.
            let _ = timeout(RELEASE_MAX, self.messages.wait()).await;
        }
        self.ended.cancel();
        is_settled
    }

    /// Commits a batch and passes on to the metrics what the commit found out.
    async fn commit(&self, mut batch: Batch) -> Result<CommitReport, StoreError> {
        if self.options.keeps_traces {
            batch.traces.extend(removed_keys(&batch.facts));
            batch.traces.retain(is_of_somebody);
        }
        let (batch, span) = self.as_told(batch);
        let timer = self.metrics.commit.start_timer();
        let report = self.store.commit(batch).await;
        timer.observe_duration();
        if let Ok(report) = &report {
            self.learnt.note(report, span);
            self.observe_commit(report);
            self.place_is_well(tell::STORE);
        }
        report
    }

    /// Whether a message may make this object be fetched.
    fn allows(&self, object: &ObjectRef) -> bool {
        (self.options.allows)(&object.bucket, &object.key)
    }

    fn now(&self) -> Timestamp {
        (self.options.clock)()
    }
}
