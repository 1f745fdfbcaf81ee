//! Messages that were left in the queue and are to come again, as far as they are remembered. It
//! takes times as values.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::table::Delivery;

/// What has not come so long after its time was taken by another process, or by a redrive policy.
const MISSED_AFTER: Duration = Duration::from_mins(1);
/// Messages that are remembered; what is beyond is forgotten.
const MESSAGES_MAX: usize = 10_000;

/// Messages by their ids: when each is visible again, and when it was sent.
#[derive(Debug, Default)]
pub(super) struct Away(BTreeMap<String, (Instant, i64)>);

impl Away {
    /// A message was left, and is visible from then on.
    pub(super) fn left(&mut self, delivery: Delivery, comes_at: Instant) {
        if let Some(sent_at_millis) = delivery.sent_at_millis
            && self.0.len() < MESSAGES_MAX
        {
            self.0.insert(delivery.entry.message_id, (comes_at, sent_at_millis));
        }
    }

    /// A message came, perhaps again.
    pub(super) fn came(&mut self, message_id: &str) {
        self.0.remove(message_id);
    }

    /// When the oldest of them was sent, in milliseconds since 1970.
    pub(super) fn oldest_sent_at_millis(&mut self, now: Instant) -> Option<i64> {
        self.0.retain(|_, (comes_at, _)| now < *comes_at + MISSED_AFTER);
        self.0.values().map(|&(_, sent_at_millis)| sent_at_millis).min()
    }
}
