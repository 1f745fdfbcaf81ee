//! Brings what AWS writes about acts to where it belongs, at the time of the sandbox's clock:
//! notifications at once, access logs and CloudTrail files later, digests at each full hour. It
//! composes nothing itself, and does not know who reads it.

mod access_logs;
mod notices;
#[cfg(test)]
mod tests;
mod trail;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deltrail_core::domain::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::access_logs::AccessLogs;
use self::notices::Notices;
use self::trail::Trail;
use super::act::Act;
use super::clock::Clock;
use super::faults::Faults;
use super::identifiers::Identifiers;
use super::principal::Kind;
use super::record::cloudtrail::ChildLayout;
use super::record::digest::{DigestError, DigestKey};
use super::s3::{AccessLogTarget, NotificationRule, ServicePut};

/// The service that writes access logs. What it writes is not logged again, so that buckets may
/// log into one another without end.
const LOG_DELIVERY: &str = "logging.s3.amazonaws.com";

/// The end of time, for writing everything whenever it is due.
const FOREVER: Timestamp = Timestamp::from_millis(i64::MAX);

/// The buckets and queues that delivery writes to.
pub trait Estate: Send + Sync {
    /// Puts an object in the name of a service; false if the bucket does not take it.
    fn put(&self, service: &str, put: ServicePut) -> bool;
    /// Sends a message to a queue; false if there is no such queue.
    fn send(&self, queue_arn: &str, body: String) -> bool;
    /// The notification rules of a bucket.
    fn notification_rules(&self, bucket: &str) -> Vec<NotificationRule>;
    /// Where a bucket's accesses are logged, if they are.
    fn access_log(&self, bucket: &str) -> Option<AccessLogTarget>;
}

/// What delivery needs.
#[derive(Clone)]
pub struct DeliveryOptions {
    /// The time that everything waits by.
    pub clock: Clock,
    /// Where identifiers and delays are drawn from.
    pub identifiers: Identifiers,
    /// What goes wrong.
    pub faults: Faults,
    /// Where everything is written to.
    pub estate: Arc<dyn Estate>,
    /// The account, 12 digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// The trail, if there is one.
    pub trail: Option<TrailOptions>,
    /// Seconds from the first line of an access log to its object.
    pub access_log_delay_seconds: Range<u64>,
}

/// A trail that logs data events.
#[derive(Clone)]
pub struct TrailOptions {
    /// Its name, which digests carry.
    pub name: String,
    /// The bucket that it writes to. Acts on this bucket are never logged.
    pub bucket: String,
    /// The prefix of its keys, without a slash at its end.
    pub prefix: Option<String>,
    /// How the keys of bulk calls are logged.
    pub child_layout: ChildLayout,
    /// Seconds from the end of an act to each of its records being due. AWS: 2 to 316 for data
    /// events, half of them within 188.
    pub delay_seconds: Range<u64>,
    /// For how long records that are due are gathered, to be written together; 0 for not at all.
    pub gather_seconds: u64,
    /// Which acts it logs.
    pub selects: Arc<dyn Fn(&Act) -> bool + Send + Sync>,
    /// Whether it writes a digest at each full hour.
    pub writes_digests: bool,
}

/// What has been written so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Messages sent to queues, duplicates included.
    pub notifications: u64,
    /// Log files, each once.
    pub log_files: u64,
    /// Log files that were written a second time.
    pub repeated_log_files: u64,
    /// Records in log files, each once.
    pub log_records: u64,
    /// Digests.
    pub digests: u64,
    /// Access-log objects.
    pub access_log_objects: u64,
    /// Lines in them.
    pub access_log_lines: u64,
    /// Objects and messages that no bucket or queue took; they are lost.
    pub refused: u64,
}

/// A delivery that runs.
pub struct Delivery {
    flushes: mpsc::UnboundedSender<oneshot::Sender<()>>,
    tally: Tally,
    digest_key: Option<Arc<DigestKey>>,
}

impl Delivery {
    /// Starts to deliver what is told about `acts`, until `closing` is cancelled: what waits then
    /// is lost. The bucket of the trail must be there, because CloudTrail marks it at once.
    ///
    /// # Errors
    /// When no key for digests can be made.
    pub async fn start(
        options: DeliveryOptions,
        acts: mpsc::UnboundedReceiver<Act>,
        closing: CancellationToken,
    ) -> Result<Self, DigestError> {
        // Before the key is made: a fast clock runs on meanwhile.
        let started_at = options.clock.now();
        let writes_digests = options.trail.as_ref().is_some_and(|trail| trail.writes_digests);
        let digest_key = if writes_digests { Some(new_key().await?) } else { None };
        let (flushes, flush_requests) = mpsc::unbounded_channel();
        let tally = Tally::default();
        let desk = Desk::new(options, started_at, digest_key.clone(), tally.clone());
        tokio::spawn(deliver(desk, acts, flush_requests, closing));
        Ok(Self { flushes, tally, digest_key })
    }

    /// Writes all that waits, due or not, and what the writing itself gives rise to. When this
    /// returns, every act sent before is in the logs and its notifications are in the queues.
    pub async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        // A delivery that has ended writes nothing more; then there is nothing to wait for.
        if self.flushes.send(done).is_ok() {
            let _ = is_done.await;
        }
    }

    /// What has been written so far.
    #[must_use]
    pub fn written(&self) -> Written {
        *self.tally.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key that signs the digests, if any are written.
    #[must_use]
    pub fn digest_key(&self) -> Option<&DigestKey> {
        self.digest_key.as_deref()
    }
}

async fn new_key() -> Result<Arc<DigestKey>, DigestError> {
    let key = tokio::task::spawn_blocking(DigestKey::generate).await;
    key.map_err(|_| DigestError::KeyGeneration)?.map(Arc::new)
}

/// Takes acts and writes what is due, with one timer for everything.
async fn deliver(
    mut desk: Desk,
    mut acts: mpsc::UnboundedReceiver<Act>,
    mut flushes: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
    closing: CancellationToken,
) {
    loop {
        let clock = desk.context.clock.clone();
        tokio::select! {
            biased;
            () = closing.cancelled() => return,
            Some(done) = flushes.recv() => {
                desk.flush(&mut acts);
                // Who asked may have gone.
                let _ = done.send(());
            }
            () = until(&clock, desk.next_due()) => desk.write(clock.now(), clock.now()),
            Some(act) = acts.recv() => desk.take(&act),
        }
    }
}

async fn until(clock: &Clock, due: Option<Timestamp>) {
    match due {
        Some(due) => clock.sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Everything that waits to be written.
struct Desk {
    context: Context,
    notices: Notices,
    access_logs: AccessLogs,
    trail: Option<Trail>,
}

impl Desk {
    fn new(
        options: DeliveryOptions,
        started_at: Timestamp,
        digest_key: Option<Arc<DigestKey>>,
        tally: Tally,
    ) -> Self {
        let DeliveryOptions { clock, identifiers, faults, estate, account, region, .. } = options;
        let context = Context { clock, identifiers, faults, estate, tally };
        let trail = options.trail.map(|trail| {
            let digests = digest_key.map(|key| (key, started_at));
            Trail::starting(context.clone(), trail, account, region, digests)
        });
        Self {
            notices: Notices::new(context.clone()),
            access_logs: AccessLogs::new(context.clone(), options.access_log_delay_seconds),
            trail,
            context,
        }
    }

    fn take(&mut self, act: &Act) {
        self.notices.raise(act);
        self.access_logs.gather(act);
        if let Some(trail) = &mut self.trail {
            trail.gather(act);
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        let trail = self.trail.as_ref().and_then(Trail::next_due);
        [self.notices.next_due(), self.access_logs.next_due(), trail].into_iter().flatten().min()
    }

    /// Writes what is due until then, as of `now`.
    fn write(&mut self, until: Timestamp, now: Timestamp) {
        self.notices.send(until);
        self.access_logs.write(until, now);
        if let Some(trail) = &mut self.trail {
            trail.write(until, now);
        }
    }

    /// Each object that is written is an act again, which may be notified and logged.
    fn flush(&mut self, acts: &mut mpsc::UnboundedReceiver<Act>) {
        loop {
            let mut is_idle = true;
            while let Ok(act) = acts.try_recv() {
                self.take(&act);
                is_idle = false;
            }
            self.write(FOREVER, self.context.clock.now());
            if is_idle && acts.is_empty() {
                return;
            }
        }
    }
}

/// What every part of delivery uses.
#[derive(Clone)]
struct Context {
    clock: Clock,
    identifiers: Identifiers,
    faults: Faults,
    estate: Arc<dyn Estate>,
    tally: Tally,
}

impl Context {
    /// Puts an object and counts it, or its refusal.
    fn put(&self, service: &str, put: ServicePut, count: impl FnOnce(&mut Written)) {
        let (bucket, key) = (put.bucket.clone(), put.key.clone());
        let is_taken = self.estate.put(service, put);
        if !is_taken {
            tracing::warn!(%bucket, %key, %service, "the sandbox could not write an object");
        }
        self.tally.count(|written| if is_taken { count(written) } else { written.refused += 1 });
    }

    /// A number of seconds out of `range`; its start if it is empty.
    fn delay(&self, range: &Range<u64>) -> Duration {
        let seconds = match range {
            range if range.is_empty() => range.start,
            range => self.identifiers.number(range.clone()),
        };
        Duration::from_secs(seconds)
    }
}

#[derive(Clone, Default)]
struct Tally(Arc<Mutex<Written>>);

impl Tally {
    fn count(&self, count: impl FnOnce(&mut Written)) {
        count(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn is_log_delivery(act: &Act) -> bool {
    let principal = act.caller.principal.as_ref();
    principal.is_some_and(|who| who.kind == Kind::Service && who.name == LOG_DELIVERY)
}
