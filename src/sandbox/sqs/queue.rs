//! One standard queue: which message is visible when, who holds it, and when it has been received
//! too often. It reads no clock and knows no protocol; every call is told the time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use deltrail_core::domain::Timestamp;

use super::attributes::QueueAttributes;
use super::receipt::Receipt;

/// Messages that may be in flight at once in a standard queue.
pub(super) const IN_FLIGHT_MAX: usize = 120_000;
/// How long a message may stay invisible after it was first received.
pub(super) const VISIBILITY_MAX: Duration = Duration::from_hours(12);

/// The time, on both clocks of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// What timestamps show.
    pub(super) shown: Timestamp,
    /// What timeouts, delays and retention are measured on.
    pub(super) paced: Timestamp,
}

/// How many messages a queue holds, by what may be done with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Can be received now.
    pub visible: usize,
    /// Received, and neither deleted nor visible again.
    pub in_flight: usize,
    /// Sent with a delay that is not over.
    pub delayed: usize,
}

/// A message of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// A UUID, which the message keeps in a dead-letter queue.
    pub(super) id: String,
    pub(super) body: String,
    pub(super) sent: Moment,
    /// How often it was received, in all queues that it was in.
    pub(super) receive_count: u32,
    pub(super) first_received: Option<Moment>,
    /// The ARN of the queue that gave it up.
    pub(super) dead_letter_source: Option<String>,
}

impl Message {
    /// A message that nobody has received yet.
    pub(super) fn new(id: String, body: String, sent: Moment) -> Self {
        Self { id, body, sent, receive_count: 0, first_received: None, dead_letter_source: None }
    }
}

/// What became of a request to receive.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// Each with the handle that this receive gave it.
    pub(super) messages: Vec<(Receipt, Message)>,
    /// Messages that were received too often and have left this queue.
    pub(super) dead: Vec<Message>,
    /// Whether messages were kept back because too many are in flight.
    pub(super) is_over_limit: bool,
}

/// Why a message's visibility was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unchanged {
    /// The handle was never one of this queue.
    UnknownReceipt,
    /// The message is gone, or was received again since.
    Stale,
    /// The message is visible.
    NotInFlight,
    /// It would be invisible for more than 12 hours since its first receive.
    BeyondMax,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Visible,
    Delayed(Timestamp),
    InFlight(Timestamp),
}

#[derive(Debug)]
struct Stored {
    message: Message,
    stage: Stage,
    /// How often this queue handed it out; names the newest receipt.
    delivery: u32,
}

/// Which messages a receive hands out first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    YoungestFirst,
}

/// A standard queue. Messages are handed out oldest first as a rule; SQS does not promise it.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) attributes: QueueAttributes,
    pub(super) order: Order,
    /// Tells its receipts from those of other queues.
    number: u64,
    last_place: u64,
    stored: BTreeMap<u64, Stored>,
    visible: BTreeSet<u64>,
    /// Places of the messages that become visible, by when.
    hidden: BTreeSet<(Timestamp, u64)>,
    /// Places by the time at which the message was first sent.
    ages: BTreeSet<(Timestamp, u64)>,
    delayed: usize,
}

impl Queue {
    /// An empty queue; `number` is one that no other queue of the sandbox has.
    pub(super) fn new(number: u64, attributes: QueueAttributes) -> Self {
        Self {
            attributes,
            order: Order::OldestFirst,
            number,
            last_place: 0,
            stored: BTreeMap::new(),
            visible: BTreeSet::new(),
            hidden: BTreeSet::new(),
            ages: BTreeSet::new(),
            delayed: 0,
        }
    }

    /// Takes a message in, visible after `delay`.
    pub(super) fn put(&mut self, message: Message, delay: Duration, now: Moment) {
        self.last_place += 1;
        let place = self.last_place;
        self.ages.insert((message.sent.paced, place));
        self.stored.insert(place, Stored { message, stage: Stage::Visible, delivery: 0 });
        self.visible.insert(place);
        if !delay.is_zero() {
            self.delayed += 1;
            self.hide(place, Stage::Delayed(later(now.paced, delay)));
        }
    }

    /// Hands out up to `max` messages, invisible for `visibility`. A message that was received
    /// `receives_max` times already leaves the queue instead.
    pub(super) fn receive(
        &mut self,
        max: usize,
        visibility: Duration,
        receives_max: Option<u32>,
        now: Moment,
    ) -> Received {
        self.advance(now.paced);
        let mut received = Received::default();
        while received.messages.len() < max {
            let first = match self.order {
                Order::OldestFirst => self.visible.first(),
                Order::YoungestFirst => self.visible.last(),
            };
            let Some(&place) = first else { break };
            let Some(stored) = self.stored.get_mut(&place) else { break };
            if receives_max.is_some_and(|limit| stored.message.receive_count >= limit) {
                received.dead.extend(self.remove(place));
                continue;
            }
            if self.hidden.len() - self.delayed >= IN_FLIGHT_MAX {
                received.is_over_limit = true;
                break;
            }
            stored.message.receive_count += 1;
            stored.message.first_received.get_or_insert(now);
            stored.delivery += 1;
            let receipt = Receipt { queue: self.number, place, delivery: stored.delivery };
            received.messages.push((receipt, stored.message.clone()));
            self.hide(place, Stage::InFlight(later(now.paced, visibility)));
        }
        // A timeout of zero leaves the message where the next receive finds it.
        self.advance(now.paced);
        received
    }

    /// Deletes the message that the receipt is the newest of; with an older one, or if it is gone,
    /// nothing is done.
    pub(super) fn delete(&mut self, receipt: Receipt) {
        if self.is_newest(receipt) {
            self.remove(receipt.place);
        }
    }

    /// Lets a message in flight become visible after `visibility` from now.
    pub(super) fn change_visibility(
        &mut self,
        receipt: Receipt,
        visibility: Duration,
        now: Moment,
    ) -> Result<(), Unchanged> {
        if !self.has_issued(receipt) {
            return Err(Unchanged::UnknownReceipt);
        }
        self.advance(now.paced);
        if !self.is_newest(receipt) {
            return Err(Unchanged::Stale);
        }
        let Some(stored) = self.stored.get(&receipt.place) else { return Err(Unchanged::Stale) };
        if !matches!(stored.stage, Stage::InFlight(_)) {
            return Err(Unchanged::NotInFlight);
        }
        let until = later(now.paced, visibility);
        let first = stored.message.first_received.unwrap_or(now);
        if until > later(first.paced, VISIBILITY_MAX) {
            return Err(Unchanged::BeyondMax);
        }
        self.surface(receipt.place);
        self.hide(receipt.place, Stage::InFlight(until));
        self.advance(now.paced);
        Ok(())
    }

    /// Makes a message in flight visible although its time is not over, as when another server of
    /// SQS hands it out too.
    pub(super) fn hand_out_again(&mut self, receipt: Receipt) {
        if self.is_newest(receipt) {
            self.surface(receipt.place);
        }
    }

    /// Removes every message.
    pub(super) fn purge(&mut self) {
        self.stored.clear();
        self.visible.clear();
        self.hidden.clear();
        self.ages.clear();
        self.delayed = 0;
    }

    /// How many messages there are.
    pub(super) fn depth(&mut self, now: Moment) -> Depth {
        self.advance(now.paced);
        Depth {
            visible: self.visible.len(),
            in_flight: self.hidden.len() - self.delayed,
            delayed: self.delayed,
        }
    }

    /// When the next message becomes visible by itself, as [`Moment::paced`] counts.
    pub(super) fn next_visible_at(&self) -> Option<Timestamp> {
        self.hidden.first().map(|&(at, _)| at)
    }

    /// Lets pass what was due until now: timeouts and delays that end, messages too old to keep.
    fn advance(&mut self, now: Timestamp) {
        while let Some(&(_, place)) = self.hidden.first().filter(|(at, _)| *at <= now) {
            self.surface(place);
        }
        let retention = self.attributes.retention;
        while let Some(&(_, place)) =
            self.ages.first().filter(|(sent, _)| later(*sent, retention) <= now)
        {
            self.remove(place);
        }
    }

    fn hide(&mut self, place: u64, stage: Stage) {
        let (Stage::Delayed(until) | Stage::InFlight(until)) = stage else { return };
        let Some(stored) = self.stored.get_mut(&place) else { return };
        stored.stage = stage;
        self.visible.remove(&place);
        self.hidden.insert((until, place));
    }

    fn surface(&mut self, place: u64) {
        let Some(stored) = self.stored.get_mut(&place) else { return };
        let stage = std::mem::replace(&mut stored.stage, Stage::Visible);
        self.visible.insert(place);
        self.unhide(place, stage);
    }

    fn remove(&mut self, place: u64) -> Option<Message> {
        let stored = self.stored.remove(&place)?;
        self.visible.remove(&place);
        self.ages.remove(&(stored.message.sent.paced, place));
        self.unhide(place, stored.stage);
        Some(stored.message)
    }

    fn unhide(&mut self, place: u64, stage: Stage) {
        if let Stage::Delayed(until) | Stage::InFlight(until) = stage {
            self.hidden.remove(&(until, place));
        }
        if matches!(stage, Stage::Delayed(_)) {
            self.delayed -= 1;
        }
    }

    /// Whether the receipt is one of this queue, old or new.
    pub(super) fn has_issued(&self, receipt: Receipt) -> bool {
        receipt.queue == self.number && (1..=self.last_place).contains(&receipt.place)
    }

    fn is_newest(&self, receipt: Receipt) -> bool {
        let newest = self.stored.get(&receipt.place).map(|stored| stored.delivery);
        self.has_issued(receipt) && newest == Some(receipt.delivery)
    }
}

fn later(at: Timestamp, time: Duration) -> Timestamp {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(at.as_millis().saturating_add(millis))
}

#[cfg(test)]
mod tests;
