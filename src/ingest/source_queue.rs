//! One queue as the poller sees it: its name, what its attributes say, and its own counters.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Ingest;
use super::acknowledge::Acknowledger;
use super::disposition::Redrive;
use crate::queue::{Entry, Queue, QueueAttributes};

/// The visibility timeout that SQS gives a queue unless told otherwise.
const VISIBILITY_DEFAULT: Duration = Duration::from_secs(30);

/// A queue that is drained, with what is known of it.
pub(super) struct SourceQueue {
    pub(super) queue: Queue,
    pub(super) acknowledger: Acknowledger,
    visibility_seconds: AtomicU64,
    redrive: AtomicU8,
    /// Why the attributes could not be read the last time.
    attributes_failure: Mutex<Option<&'static str>>,
}

impl SourceQueue {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            acknowledger: Acknowledger::start(queue.clone()),
            queue,
            visibility_seconds: AtomicU64::new(VISIBILITY_DEFAULT.as_secs()),
            redrive: AtomicU8::new(Redrive::Unknown as u8),
            attributes_failure: Mutex::new(None),
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

    /// Notes how reading the attributes went; says whether it went wrong in a new way.
    pub(super) fn attributes_failed(&self, failure: Option<&'static str>) -> bool {
        let mut last = self.attributes_failure.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = failure.is_some() && *last != failure;
        *last = failure;
        is_new
    }

    /// Takes over what the queue says of itself.
    pub(super) fn learn(&self, attributes: &QueueAttributes) {
        if let Some(visibility) = attributes.visibility_timeout {
            self.visibility_seconds.store(visibility.as_secs(), Ordering::Relaxed);
        }
        let redrive = if attributes.redrive.is_some() { Redrive::Present } else { Redrive::Absent };
        let before = self.redrive.swap(redrive as u8, Ordering::Relaxed);
        if redrive == Redrive::Absent && before != redrive as u8 {
            tracing::warn!(
                queue = self.name(),
                "the queue has no redrive policy: messages that cannot be read are put into the \
                 reject table after --poison-after receives; give it a dead-letter queue"
            );
        }
    }

    /// Sets how long a message stays invisible from now on.
    pub(super) async fn hide(&self, entry: &Entry, time: Duration) {
        let code = match self.queue.change_visibility(&[(entry.clone(), time)]).await {
            Ok(failures) => failures.into_iter().next().map(|failure| failure.code),
            Err(error) => Some(error.to_string()),
        };
        if let Some(code) = code {
            tracing::warn!(queue = self.name(), code, "a message returns only after its lease");
        }
    }

    pub(super) fn failed(&self, ingest: &Ingest, reason: &str) {
        ingest.metrics.messages_failed.with_label_values(&[self.name(), reason]).inc();
    }

    pub(super) fn acknowledged(&self, ingest: &Ingest) {
        ingest.metrics.messages_acknowledged.with_label_values(&[self.name()]).inc();
    }
}
