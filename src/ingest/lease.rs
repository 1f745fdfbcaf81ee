//! The lease on a message: its visibility is extended from receipt until its work is
//! done. It knows
//! nothing of what is done meanwhile.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::queue::{Entry, Queue};

/// Extends the lease at every third of `visibility`, for ever. It returns only when the lease is
/// lost: the queue says so, or no extension succeeded for a whole `visibility`. Then somebody else
/// may hold the message, and the work should stop; what it committed stays correct, because
/// evidence is a set.
pub(super) async fn keep(queue: &Queue, entry: &Entry, visibility: Duration) {
    let mut held_until = Instant::now() + visibility;
    while Instant::now() < held_until {
        sleep(visibility / 3).await;
        let asked_at = Instant::now();
        match queue.change_visibility(&[(entry.clone(), visibility)]).await {
            Ok(failures) if failures.is_empty() => held_until = asked_at + visibility,
            Ok(failures) if failures.iter().any(|failure| failure.lease_lost) => break,
            Ok(failures) => {
                let code = failures.first().map(|failure| failure.code.as_str());
                tracing::warn!(queue = queue.name(), code, "lease not extended, trying again");
            }
            Err(error) => {
                tracing::warn!(queue = queue.name(), %error, "lease not extended, trying again");
            }
        }
    }
}
