//! SQS on loopback: standard queues behind the JSON protocol that the AWS SDKs speak. It knows no
//! S3 and no CloudTrail.
//!
//! What differs from AWS: signatures are not verified (a request must only carry one that names
//! this region), FIFO queues, message attributes and tags are not kept, queues are consistent at
//! once, and a queue may be purged, or deleted and created anew, without a pause of a minute.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Response};
use deltrail_core::domain::Timestamp;
use tokio::sync::Notify;

use super::clock::Clock;
use super::faults::{Fault, Faults};
use super::identifiers::Identifiers;
use error::{Kind, SqsError};
use queue::{Message, Moment, Order, Queue, Received};
use receipt::Receipt;

mod attributes;
mod error;
mod protocol;
mod queue;
mod receipt;
#[cfg(test)]
mod wire_tests;

pub use attributes::{QueueAttributes, Redrive};
pub use queue::Depth;

/// After how long a receive comes back that finds nothing although there are messages.
const EMPTY_AFTER: Duration = Duration::from_secs(1);
/// For how long a message is held back that is delivered late.
const STALE_SECONDS: std::ops::Range<u64> = 5..30;

/// What the queues are made with.
#[derive(Debug, Clone)]
pub struct SqsOptions {
    /// What timestamps show.
    pub clock: Clock,
    /// How long timeouts, delays, retention and polls last.
    pub pace: Clock,
    /// Where message and request ids come from.
    pub identifiers: Identifiers,
    /// What goes wrong for requests over the wire.
    pub faults: Faults,
    /// The account that owns the queues, 12 digits.
    pub account: String,
    /// The region of the queues, such as `eu-west-1`.
    pub region: String,
    /// What queue URLs begin with, such as `http://127.0.0.1:9000`.
    pub base_url: String,
}

/// The queues of one account in one region. Clones are the same queues.
#[derive(Debug, Clone)]
pub struct Queues {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: SqsOptions,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    queues: BTreeMap<String, Kept>,
    made: u64,
    /// Names of queues that were deleted and not made anew.
    deleted: BTreeSet<String>,
    /// Requests over the wire by the queue that they name, and by what they ask.
    requests: BTreeMap<String, BTreeMap<String, u64>>,
}

/// A queue with what is known about it beside its messages.
#[derive(Debug)]
struct Kept {
    queue: Queue,
    created_at: Timestamp,
    modified_at: Timestamp,
    /// Wakes one long poll for a message that can be received, and all of them when they have to
    /// look at the time again.
    arrivals: Arc<Notify>,
}

/// What a receive asks for.
#[derive(Debug, Clone, Copy)]
struct Ask {
    max: usize,
    visibility: Option<Duration>,
    wait: Option<Duration>,
}

impl Queues {
    /// No queues yet.
    #[must_use]
    pub fn new(options: SqsOptions) -> Self {
        Self { inner: Arc::new(Inner { options, shelf: Mutex::default() }) }
    }

    /// Makes a queue, or sets the attributes of the one that has this name, and gives its URL.
    #[expect(clippy::must_use_candidate, reason = "who makes a queue may know its URL already")]
    pub fn create(&self, name: &str, attributes: QueueAttributes) -> String {
        let now = self.now();
        self.with_shelf(|shelf| {
            if let Some(kept) = shelf.queues.get_mut(name) {
                kept.queue.attributes = attributes;
                kept.modified_at = now.shown;
                return;
            }
            shelf.made += 1;
            shelf.deleted.remove(name);
            let kept = Kept {
                queue: Queue::new(shelf.made, attributes),
                created_at: now.shown,
                modified_at: now.shown,
                arrivals: Arc::default(),
            };
            shelf.queues.insert(name.to_owned(), kept);
        });
        self.url(name)
    }

    /// The ARN that a queue of this name has.
    #[must_use]
    pub fn arn(&self, name: &str) -> String {
        let SqsOptions { account, region, .. } = self.options();
        format!("arn:aws:sqs:{region}:{account}:{name}")
    }

    /// The URL that a queue of this name has.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        let SqsOptions { account, base_url, .. } = self.options();
        format!("{base_url}/{account}/{name}")
    }

    /// Sends a message, as a service of AWS does. False if there is no such queue.
    #[must_use]
    pub fn send(&self, queue_arn: &str, body: String) -> bool {
        let name = self.name_of_arn(queue_arn);
        name.is_some_and(|name| self.put(&name, body, None).is_ok())
    }

    /// How many messages a queue holds; none if there is no such queue.
    #[must_use]
    pub fn depth(&self, name: &str) -> Option<Depth> {
        self.with_queue(name, |kept, now| kept.queue.depth(now)).ok()
    }

    /// Deletes a queue with its messages, if there is one.
    pub fn delete_queue(&self, name: &str) {
        let kept = self.with_shelf(|shelf| {
            let kept = shelf.queues.remove(name)?;
            shelf.deleted.insert(name.to_owned());
            Some(kept)
        });
        if let Some(kept) = kept {
            kept.arrivals.notify_waiters();
        }
    }

    /// How many requests over the wire have named a queue of this name, whatever came of them.
    #[must_use]
    pub fn requests(&self, name: &str) -> u64 {
        self.with_shelf(|shelf| shelf.requests.get(name).into_iter().flatten().map(|it| it.1).sum())
    }

    /// How many of them asked for an action, such as `ReceiveMessage`.
    #[must_use]
    pub fn requests_for(&self, name: &str, action: &str) -> u64 {
        let count = |shelf: &mut Shelf| shelf.requests.get(name)?.get(action).copied();
        self.with_shelf(count).unwrap_or_default()
    }

    /// Counts a request over the wire; says whether it names a queue that was deleted.
    fn note_request(&self, name: &str, action: &str) -> bool {
        self.with_shelf(|shelf| {
            let requests = shelf.requests.entry(name.to_owned()).or_default();
            *requests.entry(action.to_owned()).or_default() += 1;
            shelf.deleted.contains(name)
        })
    }

    /// Answers one request of the AWS JSON 1.0 protocol.
    pub async fn answer(&self, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
        protocol::answer(self, headers, body).await
    }

    fn options(&self) -> &SqsOptions {
        &self.inner.options
    }

    fn now(&self) -> Moment {
        let SqsOptions { clock, pace, .. } = self.options();
        Moment { shown: clock.now(), paced: pace.now() }
    }

    fn name_of_arn(&self, arn: &str) -> Option<String> {
        let name = arn.strip_prefix(&self.arn(""))?;
        Some(name.to_owned())
    }

    fn with_shelf<T>(&self, act: impl FnOnce(&mut Shelf) -> T) -> T {
        act(&mut self.inner.shelf.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets `act` look at or change a queue, and wakes the long polls that this concerns.
    fn with_queue<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut Kept, Moment) -> T,
    ) -> Result<T, SqsError> {
        let now = self.now();
        self.with_shelf(|shelf| {
            let kept = shelf.queues.get_mut(name).ok_or_else(SqsError::no_such_queue)?;
            let due = kept.queue.next_visible_at();
            let outcome = act(kept, now);
            kept.wake(due, now);
            Ok(outcome)
        })
    }

    /// Puts a message into a queue and gives its id; without a delay the queue's own counts.
    fn put(&self, name: &str, body: String, delay: Option<Duration>) -> Result<String, SqsError> {
        let SqsOptions { identifiers, faults, .. } = self.options();
        let id = identifiers.uuid();
        self.with_queue(name, |kept, now| {
            let mut delay = delay.unwrap_or(kept.queue.attributes.delay);
            if faults.strikes(Fault::SqsStaleDelivery) {
                delay += Duration::from_secs(identifiers.number(STALE_SECONDS));
            }
            kept.queue.put(Message::new(id.clone(), body, now), delay, now);
            id
        })
    }

    /// Receives messages, waiting for the first as long as asked.
    async fn receive(&self, name: &str, ask: Ask) -> Result<Vec<(Receipt, Message)>, SqsError> {
        let own_wait = self.with_queue(name, |kept, _| kept.queue.attributes.receive_wait)?;
        let wait = ask.wait.unwrap_or(own_wait);
        let pace = &self.options().pace;
        let deadline = pace.after(wait);
        loop {
            let arrivals = self.with_queue(name, |kept, _| Arc::clone(&kept.arrivals))?;
            let mut arrival = pin!(arrivals.notified());
            // From here on no change is missed, though nobody waits yet.
            arrival.as_mut().enable();
            if self.finds_nothing(name)? {
                pace.sleep(wait.min(EMPTY_AFTER)).await;
                return Ok(Vec::new());
            }
            let (received, due) = self.take(name, ask)?;
            if received.is_over_limit && received.messages.is_empty() && wait.is_zero() {
                let message = "Too many messages in flight: delete messages before receiving more.";
                return Err(SqsError::new(Kind::OverLimit, message));
            }
            if !received.messages.is_empty() || pace.now() >= deadline {
                return Ok(received.messages);
            }
            let until = due.map_or(deadline, |due| due.min(deadline));
            tokio::select! {
                () = arrival => {}
                () = pace.sleep_until(until) => {}
            }
        }
    }

    /// Whether a receive comes upon servers of SQS that have none of the messages.
    fn finds_nothing(&self, name: &str) -> Result<bool, SqsError> {
        let has_some = self.with_shelf(|shelf| {
            let kept = shelf.queues.get_mut(name).ok_or_else(SqsError::no_such_queue)?;
            Ok(kept.queue.depth(self.now()).visible > 0)
        })?;
        Ok(has_some && self.options().faults.strikes(Fault::SqsEmptyReceive))
    }

    /// Receives what is there, and moves what was received too often to its dead-letter queue.
    /// Also says when the next message becomes visible by itself.
    fn take(&self, name: &str, ask: Ask) -> Result<(Received, Option<Timestamp>), SqsError> {
        let now = self.now();
        self.with_shelf(|shelf| {
            let kept = shelf.queues.get(name).ok_or_else(SqsError::no_such_queue)?;
            let redrive = kept.queue.attributes.redrive.as_ref().and_then(|redrive| {
                let target = self.name_of_arn(&redrive.dead_letter_arn)?;
                shelf.queues.contains_key(&target).then_some((target, redrive.receives_max))
            });
            let receives_max = redrive.as_ref().map(|(_, limit)| *limit);
            let kept = shelf.queues.get_mut(name).ok_or_else(SqsError::no_such_queue)?;
            let mut received = self.take_from(kept, ask, receives_max, now);
            let due = kept.queue.next_visible_at();
            let dead = std::mem::take(&mut received.dead);
            if let Some(target) = redrive.and_then(|(target, _)| shelf.queues.get_mut(&target)) {
                for mut message in dead {
                    message.dead_letter_source = Some(self.arn(name));
                    target.queue.put(message, Duration::ZERO, now);
                }
                let due = target.queue.next_visible_at();
                target.wake(due, now);
            }
            Ok((received, due))
        })
    }

    fn take_from(
        &self,
        kept: &mut Kept,
        ask: Ask,
        receives_max: Option<u32>,
        now: Moment,
    ) -> Received {
        let faults = &self.options().faults;
        let has_some = kept.queue.depth(now).visible > 0;
        let due = kept.queue.next_visible_at();
        let visibility = ask.visibility.unwrap_or(kept.queue.attributes.visibility_timeout);
        let is_turned = has_some && faults.strikes(Fault::SqsOutOfOrder);
        kept.queue.order = if is_turned { Order::YoungestFirst } else { Order::OldestFirst };
        let received = kept.queue.receive(ask.max, visibility, receives_max, now);
        for (receipt, _) in &received.messages {
            if faults.strikes(Fault::SqsDuplicateDelivery) {
                kept.queue.hand_out_again(*receipt);
            }
        }
        // Whom it wakes could not receive more either until a message is deleted.
        if !received.is_over_limit {
            kept.wake(due, now);
        }
        received
    }
}

impl Kept {
    /// Wakes a long poll if there is something to receive, and all of them if the next message
    /// now becomes visible sooner than at `due`, for which they wait.
    fn wake(&mut self, due: Option<Timestamp>, now: Moment) {
        let next = self.queue.next_visible_at();
        if next.is_some_and(|next| due.is_none_or(|due| next < due)) {
            self.arrivals.notify_waiters();
        }
        if self.queue.depth(now).visible > 0 {
            self.arrivals.notify_one();
        }
    }
}
