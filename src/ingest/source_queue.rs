//! One queue as the poller sees it: its name, what its attributes say, and its own counters.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Ingest;
use super::acknowledge::Acknowledger;
use super::backlog::Backlog;
use super::disposition::Redrive;
use super::hints::{Arrival, Hint, Hints, Look};
use super::lease::Leases;
use super::tell::locked;
use super::trouble::{Told, Trouble};
use crate::queue::{Queue, QueueAttributes, QueueError};
use crate::store::{Holds, OneOf};

/// The visibility timeout that SQS gives a queue unless told otherwise.
const VISIBILITY_DEFAULT: Duration = Duration::from_secs(30);

/// A queue that is drained, with what is known of it.
pub(super) struct SourceQueue {
    pub(super) queue: Queue,
    pub(super) acknowledger: Acknowledger,
    pub(super) leases: Arc<Leases>,
    visibility_seconds: AtomicU64,
    redrive: AtomicU8,
    /// Whether it had nothing to give when it was asked last.
    is_empty: AtomicBool,
    drained_since: Instant,
    /// Messages that this process holds, and all that it has received.
    held: AtomicU64,
    received: AtomicU64,
    receiving: Mutex<Trouble>,
    reading_attributes: Mutex<Trouble>,
    hints: Mutex<Hints>,
    backlog: Mutex<Backlog>,
    told: Mutex<Told>,
}

/// A message that is held as long as this lives.
pub(super) struct Held<'a> {
    queue: &'a SourceQueue,
    number: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.queue.held.fetch_sub(1, Ordering::Relaxed);
        locked(&self.queue.backlog).end(self.number);
    }
}

impl SourceQueue {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            acknowledger: Acknowledger::start(queue.clone()),
            leases: Arc::default(),
            queue,
            visibility_seconds: AtomicU64::new(VISIBILITY_DEFAULT.as_secs()),
            redrive: AtomicU8::new(Redrive::Unknown as u8),
            is_empty: AtomicBool::new(false),
            drained_since: Instant::now(),
            held: AtomicU64::new(0),
            received: AtomicU64::new(0),
            receiving: Mutex::default(),
            reading_attributes: Mutex::default(),
            hints: Mutex::new(Hints::new(Duration::ZERO, VISIBILITY_DEFAULT)),
            backlog: Mutex::default(),
            told: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.queue.name()
    }

    /// How long a received message stays invisible unless extended. At least a second, because a
    /// queue may be set to none at all.
    pub(super) fn visibility(&self) -> Duration {
        Duration::from_secs(self.visibility_seconds.load(Ordering::Relaxed).max(1))
    }

    pub(super) fn redrive(&self) -> Redrive {
        match self.redrive.load(Ordering::Relaxed) {
            code if code == Redrive::Present as u8 => Redrive::Present,
            code if code == Redrive::Absent as u8 => Redrive::Absent,
            _ => Redrive::Unknown,
        }
    }

    /// Notes that a receive failed; says whether that is new.
    pub(super) fn receive_failed(&self, reason: &'static str) -> bool {
        locked(&self.receiving).failed(reason, true)
    }

    /// Notes that a receive succeeded; says how many had failed before it, if that was told.
    pub(super) fn receives(&self) -> Option<u32> {
        locked(&self.receiving).passed()
    }

    /// Notes that the attributes could not be read; says whether that is to be told. What keeps
    /// the queue as a whole from answering is told by the receive, which comes more often.
    pub(super) fn attributes_failed(&self, error: &QueueError) -> bool {
        let receives = locked(&self.receiving).failures() == 0;
        let mut reading = locked(&self.reading_attributes);
        let may_say = !error.is_of_whole_queue() || (receives && reading.failures() > 0);
        reading.failed(error.kind(), may_say)
    }

    /// Notes that the attributes were read; says whether that is to be told.
    pub(super) fn attributes_read(&self) -> bool {
        locked(&self.reading_attributes).passed().is_some()
    }

    /// Whether something is told for the first time.
    pub(super) fn is_first_told(&self, name: String) -> bool {
        locked(&self.told).is_first(name)
    }

    /// Counts messages that came.
    pub(super) fn received(&self, messages: usize) {
        self.received.fetch_add(messages as u64, Ordering::Relaxed);
    }

    /// Counts a message that is so old among those that this process holds.
    pub(super) fn hold(&self, age: Duration) -> Held<'_> {
        self.held.fetch_add(1, Ordering::Relaxed);
        let number = locked(&self.backlog).begin(age, self.drained_since.elapsed());
        Held { queue: self, number }
    }

    /// Whether the last receive brought nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty.load(Ordering::Relaxed)
    }

    /// Notes that a receive came back, and the age of its oldest message.
    pub(super) fn came_back(&self, oldest: Option<Duration>) {
        self.is_empty.store(oldest.is_none(), Ordering::Relaxed);
        locked(&self.backlog).received(oldest, self.drained_since.elapsed());
    }

    /// Notes whose words came by this queue: each time those of one of these.
    pub(super) fn heard(&self, sources: impl IntoIterator<Item = OneOf>) {
        locked(&self.backlog).heard(sources);
    }

    /// Adds whose watermarks must not move because of a backlog in this queue.
    pub(super) fn add_holds(&self, holds: Holds) -> Holds {
        locked(&self.backlog).add_to(holds, self.drained_since.elapsed())
    }

    /// Notes what kind of message came.
    pub(super) fn arrived(&self, arrival: Arrival) {
        locked(&self.hints).arrived(arrival, self.drained_since.elapsed());
    }

    /// Notes that a message was left in the queue, invisible for `time`.
    pub(super) fn let_go(&self, time: Duration) {
        let returns_at = self.drained_since.elapsed() + time;
        locked(&self.hints).let_go(returns_at);
        locked(&self.backlog).let_go(returns_at);
    }

    /// Notes that a message cannot be read, and may come again.
    pub(super) fn unread(&self) {
        let returns_at = self.drained_since.elapsed() + self.visibility();
        locked(&self.backlog).unread(returns_at);
    }

    /// What the state of the queue may mean, if that is new. While nothing is received, as when
    /// `is_paused`, its quiet means nothing.
    pub(super) fn hint(&self, attributes: &QueueAttributes, is_paused: bool) -> Option<Hint> {
        let at = self.drained_since.elapsed();
        let is_deaf = is_paused || locked(&self.receiving).failures() > 0;
        let mut hints = locked(&self.hints);
        if is_deaf {
            hints.deaf(at);
            return None;
        }
        let in_flight = attributes.in_flight.unwrap_or_default();
        let waiting = [attributes.visible, attributes.delayed].into_iter().flatten().sum::<u64>();
        let look = Look {
            messages: waiting.saturating_add(in_flight),
            in_flight,
            held: self.held.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
        };
        hints.looked(look, at)
    }

    /// Takes over what the queue says of itself.
    pub(super) fn learn(&self, ingest: &Ingest, attributes: &QueueAttributes) {
        if let Some(visibility) = attributes.visibility_timeout {
            self.visibility_seconds.store(visibility.as_secs(), Ordering::Relaxed);
            // Messages of an earlier run may be in flight for so long.
            locked(&self.hints).let_go(visibility);
        }
        let redrive = if attributes.redrive.is_some() { Redrive::Present } else { Redrive::Absent };
        let before = self.redrive.swap(redrive as u8, Ordering::Relaxed);
        let shown = ingest.metrics.queue_redrive_policy.with_label_values(&[self.name()]);
        shown.set(i64::from(redrive == Redrive::Present));
        if redrive == Redrive::Absent && before != redrive as u8 {
            let told = without_redrive(self.name(), ingest.options.poison_after);
            tracing::warn!(queue = self.name(), region = self.queue.region(), "{told}");
        }
    }

    pub(super) fn failed(&self, ingest: &Ingest, reason: &str) {
        ingest.metrics.messages_failed.with_label_values(&[self.name(), reason]).inc();
    }

    pub(super) fn acknowledged(&self, ingest: &Ingest, messages: usize) {
        let acknowledged = ingest.metrics.messages_acknowledged.with_label_values(&[self.name()]);
        acknowledged.inc_by(messages as u64);
    }
}

/// What it means that a queue has no redrive policy.
fn without_redrive(queue: &str, poison_after: u32) -> String {
    format!(
        "queue {queue} has no redrive policy: a message that cannot be read is given up after \
         {poison_after} receives (--poison-after) and put into the reject table; give the queue a \
         dead-letter queue to keep such messages"
    )
}

#[cfg(test)]
mod tests {
    use super::without_redrive;

    #[test]
    fn a_queue_without_a_redrive_policy_is_told_what_becomes_of_its_poison() {
        insta::assert_snapshot!(without_redrive("trail", 5), @r#"
        queue trail has no redrive policy: a message that cannot be read is given up after 5 receives (--poison-after) and put into the reject table; give the queue a dead-letter queue to keep such messages
        "#);
    }
}
