//! The loop that receives from a queue while there are permits. It knows nothing of what messages
//! say.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use deltrail_core::domain::Timestamp;
use futures_util::future::join_all;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, interval, sleep, timeout};

use super::Ingest;
use super::disposition::pause_after_empty;
use super::lease::{Lease, show_oldest};
use super::looks::read_attributes;
use super::receive::{Received, see_all_through};
use super::source_queue::SourceQueue;
use crate::metrics::Heartbeat;
use crate::queue::{Message, Operation, QueueError};

/// Messages that one call may return, by the limit of SQS.
const RECEIVE_MESSAGES_MAX: usize = 10;
/// How long a receive waits for a message, the longest that SQS allows.
const RECEIVE_WAIT: Duration = Duration::from_secs(20);
/// An empty answer that comes sooner was not waited for.
const EMPTY_AT_ONCE: Duration = Duration::from_secs(1);
/// How often the loop shows that it is alive while it waits.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// How long the receive that is under way when the daemon stops is waited for.
const LAST_RECEIVE: Duration = Duration::from_millis(500);
/// How often a poller asks whether the store's disk has room again.
const SPACE_LOOK_EVERY: Duration = Duration::from_millis(500);

/// Receives messages and starts their work until the daemon stops. A message is asked for only when
/// a permit for it is held, so that backlog waits in SQS, where it is visible and free.
pub(super) async fn poll(ingest: Arc<Ingest>, queue: Arc<SourceQueue>, heartbeat: Heartbeat) {
    // How long a receive hides its messages is asked of the queue, so ask before the first one.
    if alive_until(&ingest, &heartbeat, read_attributes(&ingest, &queue)).await.is_none() {
        return;
    }
    let mut failures = 0_u32;
    let mut empties = 0_u32;
    loop {
        let begun_at = Instant::now();
        let mut round = pin!(receive(&ingest, &queue));
        let Some(round) = alive_until(&ingest, &heartbeat, round.as_mut()).await else {
            // What SQS is handing out at this moment would stay invisible and lose a receive.
            if let Ok(Round { received: Ok(messages), visibility, .. }) =
                timeout(LAST_RECEIVE, round).await
            {
                release(&ingest, &queue, messages, visibility).await;
            }
            return;
        };
        let mut pause = Duration::ZERO;
        match round.received {
            Ok(messages) => {
                failures = 0;
                if let Some(failures) = queue.receives() {
                    let queue = queue.name();
                    tracing::info!(queue, failures, "queue {queue} answers again");
                }
                let is_empty_at_once = messages.is_empty() && begun_at.elapsed() < EMPTY_AT_ONCE;
                empties = if is_empty_at_once { empties.saturating_add(1) } else { 0 };
                if is_empty_at_once {
                    pause = pause_after_empty(empties, fastrand::f64());
                }
                start(&ingest, &queue, messages, round.visibility, round.permits);
            }
            // The next receive waits for its turn.
            Err(error) => {
                failures = failures.saturating_add(1);
                report(&ingest, &queue, &error, failures);
            }
        }
        if alive_until(&ingest, &heartbeat, sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// Lets others have messages that came too late to be worked on.
async fn release(
    ingest: &Ingest,
    queue: &SourceQueue,
    messages: Vec<Message>,
    visibility: Duration,
) {
    count_received(ingest, queue, messages.len());
    let leases = messages.iter().map(|message| hold(ingest, queue, message, visibility));
    join_all(leases.map(|lease| lease.return_after(Duration::ZERO))).await;
}

/// Holds a message from now on, which is when it was received.
fn hold(ingest: &Ingest, queue: &SourceQueue, message: &Message, visibility: Duration) -> Lease {
    let first = message.first_received_at_millis.map(|first| age(ingest.now(), first));
    queue.leases.hold(message, visibility, first.unwrap_or_default())
}

fn age(now: Timestamp, at_millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(now.as_millis() - at_millis).unwrap_or(0))
}

fn count_received(ingest: &Ingest, queue: &SourceQueue, messages: usize) {
    let received = ingest.metrics.messages_received.with_label_values(&[queue.name()]);
    received.inc_by(messages as u64);
    queue.received(messages);
}

/// What `waited_for` gives, with a heartbeat meanwhile: waiting for a permit or for AWS is no
/// reason to look dead. Nothing when the daemon stops first.
async fn alive_until<T>(
    ingest: &Ingest,
    heartbeat: &Heartbeat,
    waited_for: impl Future<Output = T>,
) -> Option<T> {
    let mut waited_for = pin!(waited_for);
    let mut alive = interval(HEARTBEAT_EVERY);
    loop {
        tokio::select! {
            value = &mut waited_for => return Some(value),
            _ = alive.tick() => heartbeat.beat(Instant::now().into_std()),
            () = ingest.stop.cancelled() => return None,
        }
    }
}

/// What one receive came to.
struct Round {
    permits: OwnedSemaphorePermit,
    /// How long the messages stay invisible.
    visibility: Duration,
    received: Result<Vec<Message>, QueueError>,
}

/// One permit at least, as many more as are free up to a full receive, and what came for them.
async fn receive(ingest: &Ingest, queue: &SourceQueue) -> Round {
    while ingest.space.is_short() && !ingest.stop.is_cancelled() {
        sleep(SPACE_LOOK_EVERY).await;
    }
    // While this queue fails, others need the permits.
    queue.queue.until_turn(Operation::Receive).await;
    ingest.bodies.until_room().await;
    let Ok(mut permits) = Arc::clone(&ingest.message_permits).acquire_owned().await else {
        // The semaphore is never closed; a closed one would mean that nothing may start.
        return std::future::pending().await;
    };
    // A queue that waits for its first message holds what it asked for; with few permits and many
    // queues each takes its share only.
    let share = (ingest.options.in_flight_messages / ingest.queue_count().max(1))
        .clamp(1, RECEIVE_MESSAGES_MAX);
    while permits.num_permits() < share {
        match Arc::clone(&ingest.message_permits).try_acquire_owned() {
            Ok(more) => permits.merge(more),
            Err(_) => break,
        }
    }
    let visibility = queue.visibility();
    let received = if ingest.stop.is_cancelled() {
        Ok(Vec::new())
    } else {
        queue.queue.receive(permits.num_permits(), RECEIVE_WAIT, Some(visibility)).await
    };
    Round { permits, visibility, received }
}

fn start(
    ingest: &Arc<Ingest>,
    queue: &Arc<SourceQueue>,
    messages: Vec<Message>,
    visibility: Duration,
    mut permits: OwnedSemaphorePermit,
) {
    // Before anything else is done for any of them.
    let held: Vec<(Message, Lease)> = messages
        .into_iter()
        .map(|message| {
            let lease = hold(ingest, queue, &message, visibility);
            (message, lease)
        })
        .collect();
    let now = ingest.now();
    let oldest = held.iter().filter_map(|(message, _)| message.sent_at_millis).min();
    let oldest = oldest.map(|sent| age(now, sent));
    queue.came_back(oldest);
    show_oldest(ingest, queue);
    count_received(ingest, queue, held.len());
    let mut received = Vec::with_capacity(held.len());
    for (message, lease) in held {
        // SQS returns no more messages than were asked for, one for each permit.
        let Some(permit) = permits.split(1) else { break };
        let age = message.sent_at_millis.map(|sent| age(now, sent)).unwrap_or_default();
        let body = ingest.bodies.hold(message.body.len());
        received.push(Received { message, age, lease, permit, body });
    }
    if !received.is_empty() {
        let work = see_all_through(Arc::clone(ingest), Arc::clone(queue), received);
        ingest.messages.spawn(work);
    }
}

fn report(ingest: &Ingest, queue: &SourceQueue, error: &QueueError, failures: u32) {
    let (name, reason) = (queue.name(), error.kind());
    ingest.metrics.messages_failed.with_label_values(&[name, reason]).inc();
    let (region, request_id) = error.region_and_request_id();
    // Said when it begins and when it changes, and then only to those who look closer.
    if queue.receive_failed(reason) {
        tracing::warn!(
            queue = name,
            region,
            request_id,
            reason,
            "{error}; tried again until it works"
        );
    } else {
        tracing::debug!(queue = name, region, request_id, reason, failures, "{error}");
    }
}
