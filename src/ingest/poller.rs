//! The loop that receives from a queue while there are permits. It knows nothing of what messages
//! say.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, interval, sleep, timeout};

use super::Ingest;
use super::disposition::backoff;
use super::looks::read_attributes;
use super::receive::{Received, see_all_through};
use super::source_queue::SourceQueue;
use crate::metrics::Heartbeat;
use crate::queue::{Message, QueueError};

/// Messages that one call may return, by the limit of SQS.
const RECEIVE_MESSAGES_MAX: usize = 10;
/// How long a receive waits for a message, the longest that SQS allows.
const RECEIVE_WAIT: Duration = Duration::from_secs(20);
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
    loop {
        let mut round = pin!(receive(&ingest, &queue));
        let Some(received) = alive_until(&ingest, &heartbeat, round.as_mut()).await else {
            // What SQS is handing out at this moment would stay invisible and lose a receive.
            if let Ok((_, Ok(messages))) = timeout(LAST_RECEIVE, round).await {
                release(&ingest, &queue, &messages).await;
            }
            return;
        };
        match received {
            (permits, Ok(messages)) => {
                failures = 0;
                if let Some(failures) = queue.receives() {
                    let queue = queue.name();
                    tracing::info!(queue, failures, "queue {queue} answers again");
                }
                start(&ingest, &queue, messages, permits);
            }
            (permits, Err(error)) => {
                drop(permits);
                failures = failures.saturating_add(1);
                let delay = backoff(failures, fastrand::f64());
                report(&ingest, &queue, &error, failures, delay);
                if alive_until(&ingest, &heartbeat, sleep(delay)).await.is_none() {
                    return;
                }
            }
        }
    }
}

/// Lets others have messages that came too late to be worked on.
async fn release(ingest: &Ingest, queue: &SourceQueue, messages: &[Message]) {
    count_received(ingest, queue, messages);
    for message in messages {
        queue.hide(ingest, &message.entry(), Duration::ZERO).await;
    }
}

fn count_received(ingest: &Ingest, queue: &SourceQueue, messages: &[Message]) {
    let received = ingest.metrics.messages_received.with_label_values(&[queue.name()]);
    received.inc_by(messages.len() as u64);
    queue.received(messages.len());
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

/// One permit at least, as many more as are free up to a full receive, and what came for them.
async fn receive(
    ingest: &Ingest,
    queue: &SourceQueue,
) -> (OwnedSemaphorePermit, Result<Vec<Message>, QueueError>) {
    while ingest.space.is_short() && !ingest.stop.is_cancelled() {
        sleep(SPACE_LOOK_EVERY).await;
    }
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
    if ingest.stop.is_cancelled() {
        return (permits, Ok(Vec::new()));
    }
    let visibility = Some(queue.visibility());
    let received = queue.queue.receive(permits.num_permits(), RECEIVE_WAIT, visibility).await;
    (permits, received)
}

fn start(
    ingest: &Arc<Ingest>,
    queue: &Arc<SourceQueue>,
    messages: Vec<Message>,
    mut permits: OwnedSemaphorePermit,
) {
    let now = ingest.now();
    let oldest = messages.iter().filter_map(|message| message.sent_at_millis).min();
    let age = |sent: i64| Duration::from_millis(u64::try_from(now.as_millis() - sent).unwrap_or(0));
    let oldest = oldest.map(age);
    let age_seconds = oldest.unwrap_or_default().as_secs_f64();
    ingest.metrics.oldest_message_age.with_label_values(&[queue.name()]).set(age_seconds);
    queue.came_back(oldest);
    count_received(ingest, queue, &messages);
    let mut received = Vec::with_capacity(messages.len());
    for message in messages {
        // SQS returns no more messages than were asked for, one for each permit.
        let Some(permit) = permits.split(1) else { break };
        let age = message.sent_at_millis.map(age).unwrap_or_default();
        received.push(Received { message, age, permit });
    }
    if !received.is_empty() {
        let work = see_all_through(Arc::clone(ingest), Arc::clone(queue), received);
        ingest.messages.spawn(work);
    }
}

fn report(
    ingest: &Ingest,
    queue: &SourceQueue,
    error: &QueueError,
    failures: u32,
    delay: Duration,
) {
    let (name, reason) = (queue.name(), error.kind());
    ingest.metrics.messages_failed.with_label_values(&[name, reason]).inc();
    let (region, request_id) = error.region_and_request_id();
    let next_try_seconds = delay.as_secs_f64();
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
        tracing::debug!(
            queue = name,
            region,
            request_id,
            reason,
            failures,
            next_try_seconds,
            "{error}"
        );
    }
}
