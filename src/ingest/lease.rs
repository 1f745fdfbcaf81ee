//! The leases on messages: their visibility is extended from receipt until their work is done. It
//! knows nothing of what is done meanwhile.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Ingest;
use super::source_queue::SourceQueue;
use super::tell::queue_place;
use crate::queue::Entry;

/// Extends the leases on up to 10 messages at every third of `visibility`, for ever. It returns
/// only when one of them is lost: the queue says so, or no extension succeeded for a whole
/// `visibility`. Then somebody else may hold the message, and the work should stop; what it
/// committed stays correct, because evidence is a set.
pub(super) async fn keep(
    ingest: &Ingest,
    queue: &SourceQueue,
    entries: &[Entry],
    visibility: Duration,
) {
    let mut held_until = Instant::now() + visibility;
    let asked: Vec<_> = entries.iter().map(|entry| (entry.clone(), visibility)).collect();
    while Instant::now() < held_until {
        sleep(visibility / 3).await;
        let asked_at = Instant::now();
        let failure = match queue.queue.change_visibility(&asked).await {
            Ok(failures) if failures.iter().any(|failure| failure.lease_lost) => break,
            Ok(failures) => failures.into_iter().next().map(|failure| failure.code),
            Err(error) => Some(error.to_string()),
        };
        let place = queue_place("leases", queue);
        let Some(failure) = failure else {
            held_until = asked_at + visibility;
            ingest.place_is_well(&place);
            continue;
        };
        let queue = queue.name();
        if ingest.is_new_trouble(&place, "not_extended") {
            tracing::warn!(queue, "lease on a message not extended, trying again: {failure}");
        } else {
            tracing::debug!(queue, "lease on a message not extended, trying again: {failure}");
        }
    }
}
