//! The leases on the messages of a queue: from receipt until it is known that a message is deleted
//! or returned, it stays invisible to others. It knows nothing of what is done meanwhile.

mod away;
mod table;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Ingest;
use super::source_queue::SourceQueue;
use super::tell::{locked, queue_place};
use crate::queue::{Entry, EntryFailure, Message, Operation, QueueError};
use table::{Ask, Delivery, Loss, News, Table};

/// SQS extends a message for 12 hours at most, less what a call may take until it gets there.
const HELD_MAX: Duration = Duration::from_hours(12).saturating_sub(Duration::from_secs(5));
/// How often the age of the oldest message is shown anew.
const AGE_EVERY: Duration = Duration::from_secs(1);
/// Calls under way at once, while the queue answers.
const CALLS_MAX: usize = 4;

/// The leases on what was received from one queue. A third of the timeout after each was given or
/// extended, it is extended, up to ten in one call.
#[derive(Debug, Default)]
pub(super) struct Leases {
    table: Mutex<Table>,
    changed: Notify,
}

/// The lease on one message. When it is dropped, the message is let go: it stays invisible for as
/// long as was last promised, and comes again unless it was deleted.
#[derive(Debug)]
pub(super) struct Lease {
    leases: Arc<Leases>,
    number: u64,
    received_at: Instant,
    over: CancellationToken,
}

impl Drop for Lease {
    fn drop(&mut self) {
        locked(&self.leases.table).let_go(self.number);
    }
}

impl Leases {
    /// Holds a message that was received at this moment, invisible for `visibility`.
    /// `first_received_before` is how long ago it was received for the first time.
    pub(super) fn hold(
        self: &Arc<Self>,
        message: &Message,
        visibility: Duration,
        first_received_before: Duration,
    ) -> Lease {
        let now = Instant::now();
        // SQS counts from the first receipt. When that limit has passed already, it is asked once.
        let left = HELD_MAX.checked_sub(first_received_before).unwrap_or(HELD_MAX);
        let delivery = Delivery {
            entry: message.entry(),
            sent_at_millis: message.sent_at_millis,
            visibility,
            limit: now + left,
        };
        let (number, over, wakes) = locked(&self.table).hold(delivery, now);
        if wakes {
            self.changed.notify_one();
        }
        Lease { leases: Arc::clone(self), number, received_at: now, over }
    }
}

impl Lease {
    /// When the message was received.
    pub(super) const fn received_at(&self) -> Instant {
        self.received_at
    }

    /// Whether the message is still ours.
    pub(super) fn is_held(&self) -> bool {
        !self.over.is_cancelled()
    }

    /// Waits until the message is no longer ours, which may never be.
    pub(super) async fn lost(&self) {
        self.over.cancelled().await;
    }

    /// Notes that the message is about to be deleted: then a refusal is no loss.
    pub(super) fn settle(&self) {
        locked(&self.leases.table).settle(self.number);
    }

    /// Notes that the message is deleted.
    pub(super) fn deleted(self) {
        locked(&self.leases.table).deleted(self.number);
    }

    /// Lets the message be delivered again after `delay`; ends when the queue knows, or when the
    /// lease ran out.
    pub(super) async fn return_after(self, delay: Duration) {
        locked(&self.leases.table).give_back(self.number, delay, Instant::now());
        self.leases.changed.notify_one();
        self.over.cancelled().await;
    }
}

/// An answer to a call, with what was asked and when.
struct Answered {
    asks: Vec<Ask>,
    asked_at: Instant,
    answer: Result<Vec<EntryFailure>, QueueError>,
}

/// Makes the calls that the leases of a queue need, until the daemon has ended.
pub(super) async fn keep(ingest: Arc<Ingest>, queue: Arc<SourceQueue>) {
    let leases = Arc::clone(&queue.leases);
    let mut calls: JoinSet<Answered> = JoinSet::new();
    let mut ages = interval(AGE_EVERY);
    ages.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = Instant::now();
        let news = locked(&leases.table).expire(now);
        tell_all(&ingest, &queue, news);
        // One call finds out whether a queue in trouble answers again.
        let answers = queue.queue.answers(Operation::ChangeVisibility);
        let may_call = calls.len() < if answers { CALLS_MAX } else { 1 };
        let is_due = may_call && locked(&leases.table).is_due(now);
        let wake_at = locked(&leases.table).sleep(may_call && !is_due);
        tokio::select! {
            biased;
            () = ingest.ended.cancelled() => return,
            Some(Ok(answered)) = calls.join_next(), if !calls.is_empty() => {
                let Answered { asks, asked_at, answer } = answered;
                let now = Instant::now();
                let news = locked(&leases.table).answered(&asks, asked_at, answer, now);
                tell_all(&ingest, &queue, news);
            }
            () = queue.queue.until_turn(Operation::ChangeVisibility), if is_due => {
                let asked_at = Instant::now();
                let asks = locked(&leases.table).take_due(asked_at);
                if !asks.is_empty() {
                    calls.spawn(ask(queue.queue.clone(), asks, asked_at));
                }
            }
            () = wait_until(wake_at) => {}
            () = leases.changed.notified() => {}
            _ = ages.tick() => show_oldest(&ingest, &queue),
        }
    }
}

/// Shows the age of the oldest message that is known: held, or left to come again. When none is,
/// and the queue is not known to be empty, what was shown stays, because nobody knows better.
pub(super) fn show_oldest(ingest: &Ingest, queue: &SourceQueue) {
    let oldest = locked(&queue.leases.table).oldest_sent_at_millis(Instant::now());
    let gauge = ingest.metrics.oldest_message_age.with_label_values(&[queue.name()]);
    match oldest {
        Some(sent_at_millis) => {
            let age_millis = ingest.now().as_millis().saturating_sub(sent_at_millis).max(0);
            gauge.set(age_millis as f64 / 1e3);
        }
        None if queue.is_empty() => gauge.set(0.0),
        None => {}
    }
}

async fn wait_until(wake_at: Option<Instant>) {
    match wake_at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn ask(queue: crate::queue::Queue, asks: Vec<Ask>, asked_at: Instant) -> Answered {
    let changes: Vec<(Entry, Duration)> =
        asks.iter().map(|ask| (ask.entry.clone(), ask.time)).collect();
    let answer = queue.change_visibility(&changes).await;
    Answered { asks, asked_at, answer }
}

fn tell_all(ingest: &Ingest, queue: &SourceQueue, news: Vec<News>) {
    for news in news {
        tell(ingest, queue, news);
    }
}

/// Says what happened to a lease when that is new, and counts what was lost.
fn tell(ingest: &Ingest, queue: &SourceQueue, news: News) {
    let (held, returned) = (queue_place("leases", queue), queue_place("returning messages", queue));
    let name = queue.name();
    match news {
        News::Extended => ingest.place_is_well(&held),
        News::Returned(delay) => {
            queue.let_go(delay);
            ingest.place_is_well(&returned);
        }
        News::NotExtended(why) => {
            if ingest.is_new_trouble(&held, "not_extended") {
                tracing::warn!(
                    queue = name,
                    "lease on a message not extended, trying again: {why}"
                );
            } else {
                tracing::debug!(
                    queue = name,
                    "lease on a message not extended, trying again: {why}"
                );
            }
        }
        News::NotReturned { why, visibility } => {
            queue.let_go(visibility);
            if ingest.is_new_trouble(&returned, "not_hidden") {
                tracing::warn!(queue = name, "a message returns only after its lease: {why}");
            } else {
                tracing::debug!(queue = name, "a message returns only after its lease: {why}");
            }
        }
        News::Lost { entry, loss } => lost(ingest, queue, &entry, &loss),
    }
}

fn lost(ingest: &Ingest, queue: &SourceQueue, entry: &Entry, loss: &Loss) {
    queue.let_go(queue.visibility());
    let (kind, why) = match loss {
        Loss::Refused(code) => ("lease_lost", format!("the queue says {code}")),
        Loss::RanOut => ("lease_lost", "it could not be extended in time".to_owned()),
        Loss::AtLimit => {
            ("lease_limit", "SQS lets nobody hold a message for more than 12 hours".to_owned())
        }
    };
    queue.failed(ingest, kind);
    let (queue_name, message_id) = (queue.name(), entry.message_id.as_str());
    if ingest.is_new_trouble(&queue_place("leases", queue), kind) {
        tracing::warn!(
            queue = queue_name,
            message_id,
            "lease on the message was lost: {why}; what is committed stays, the rest comes again"
        );
    } else {
        tracing::debug!(
            queue = queue_name,
            message_id,
            "lease on the message was lost: {why}; what is committed stays, the rest comes again"
        );
    }
}
