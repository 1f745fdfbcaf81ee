//! The loops around a queue: receive while there are permits, and read its attributes now and then.
//! They know nothing of what messages say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::disposition::backoff;
use super::observe::InFlight;
use super::source_queue::SourceQueue;
use super::{Ingest, message};
use crate::metrics::{Heartbeat, QueueState};
use crate::queue::{Message, QueueAttributes, QueueError, Redrive};

/// Messages that one call may return, by the limit of SQS.
const RECEIVE_MESSAGES_MAX: usize = 10;
/// How long a receive waits for a message, the longest that SQS allows.
const RECEIVE_WAIT: Duration = Duration::from_secs(20);
/// How often the loop shows that it is alive while it waits for permits.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// How often the attributes of a queue are read.
const ATTRIBUTES_EVERY: Duration = Duration::from_secs(30);

/// Receives messages and starts their work until the daemon stops. A message is asked for only when
/// a permit for it is held, so that backlog waits in SQS, where it is visible and free.
pub(super) async fn poll(ingest: Arc<Ingest>, queue: Arc<SourceQueue>, heartbeat: Heartbeat) {
    let mut failures = 0_u32;
    loop {
        let round = async {
            let permits = permits(&ingest.message_permits, &heartbeat).await;
            heartbeat.beat(Instant::now());
            let asked = permits.num_permits();
            (permits, queue.queue.receive(asked, RECEIVE_WAIT, None).await)
        };
        let received = tokio::select! {
            received = round => received,
            () = ingest.stop.cancelled() => return,
        };
        heartbeat.beat(Instant::now());
        match received {
            (permits, Ok(messages)) => {
                if failures > 0 {
                    tracing::info!(queue = queue.name(), "the queue answers again");
                }
                failures = 0;
                start(&ingest, &queue, messages, permits);
            }
            (permits, Err(error)) => {
                drop(permits);
                failures = failures.saturating_add(1);
                let delay = backoff(failures, fastrand::f64());
                report(&ingest, &queue, &error, failures, delay);
                tokio::select! {
                    () = sleep(delay) => {}
                    () = ingest.stop.cancelled() => return,
                }
            }
        }
    }
}

/// One permit at least, and as many more as are free, up to a full receive.
async fn permits(free: &Arc<Semaphore>, heartbeat: &Heartbeat) -> OwnedSemaphorePermit {
    let mut held = loop {
        match timeout(HEARTBEAT_EVERY, Arc::clone(free).acquire_owned()).await {
            Ok(Ok(permit)) => break permit,
            // The semaphore is never closed; a closed one would mean that nothing may start.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => heartbeat.beat(Instant::now()),
        }
    };
    while held.num_permits() < RECEIVE_MESSAGES_MAX {
        match Arc::clone(free).try_acquire_owned() {
            Ok(more) => held.merge(more),
            Err(_) => break,
        }
    }
    held
}

fn start(
    ingest: &Arc<Ingest>,
    queue: &Arc<SourceQueue>,
    messages: Vec<Message>,
    mut permits: OwnedSemaphorePermit,
) {
    let now = ingest.now();
    let oldest = messages.iter().filter_map(|message| message.sent_at_millis).min();
    let age_seconds = oldest.map_or(0.0, |sent| (now.as_millis() - sent).max(0) as f64 / 1e3);
    ingest.metrics.oldest_message_age.with_label_values(&[queue.name()]).set(age_seconds);
    ingest
        .metrics
        .messages_received
        .with_label_values(&[queue.name()])
        .inc_by(messages.len() as u64);
    for received in messages {
        // SQS returns no more messages than were asked for, one for each permit.
        let Some(permit) = permits.split(1) else { break };
        let (ingest, queue) = (Arc::clone(ingest), Arc::clone(queue));
        let tracker = ingest.messages.clone();
        tracker.spawn(async move {
            let _flight = InFlight::new(&ingest.metrics.in_flight_messages);
            message::process(&ingest, &queue, received).await;
            drop(permit);
        });
    }
}

fn report(
    ingest: &Ingest,
    queue: &SourceQueue,
    error: &QueueError,
    failures: u32,
    delay: Duration,
) {
    ingest.metrics.messages_failed.with_label_values(&[queue.name(), error.kind()]).inc();
    tracing::warn!(
        queue = queue.name(),
        reason = error.kind(),
        failures,
        next_try_seconds = delay.as_secs_f64(),
        "{error}"
    );
}

/// Keeps the gauges of a queue and of its dead-letter queue.
pub(super) async fn watch_attributes(ingest: Arc<Ingest>, queue: Arc<SourceQueue>) {
    let mut every = interval(ATTRIBUTES_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = ingest.stop.cancelled() => return,
        }
        match queue.queue.attributes().await {
            Ok(attributes) => {
                queue.learn(&attributes);
                show_depth(&ingest, &queue, &attributes);
                if let Some(redrive) = &attributes.redrive {
                    show_dead_letters(&ingest, &queue, redrive).await;
                }
            }
            Err(error) => tracing::debug!(
                queue = queue.name(),
                reason = error.kind(),
                "queue attributes not read: {error}"
            ),
        }
    }
}

fn show_depth(ingest: &Ingest, queue: &SourceQueue, attributes: &QueueAttributes) {
    let states = [
        (QueueState::Visible, attributes.visible),
        (QueueState::InFlight, attributes.in_flight),
        (QueueState::Delayed, attributes.delayed),
    ];
    for (state, count) in states {
        let gauge =
            ingest.metrics.queue_messages.with_label_values(&[queue.name(), state.as_str()]);
        gauge.set(gauge_value(count));
    }
    if attributes.visible == Some(0) {
        ingest.metrics.oldest_message_age.with_label_values(&[queue.name()]).set(0.0);
    }
}

/// How many messages the redrive policy took away. Looking is often not permitted, and then the
/// gauge has no series rather than a wrong one.
async fn show_dead_letters(ingest: &Ingest, queue: &SourceQueue, redrive: &Redrive) {
    let depth = match queue.queue.dead_letter_queue(redrive).await {
        Ok(dead) => dead.attributes().await,
        Err(error) => Err(error),
    };
    match depth {
        Ok(depth) => ingest
            .metrics
            .dead_letter_messages
            .with_label_values(&[queue.name()])
            .set(gauge_value(depth.visible)),
        Err(error) => tracing::debug!(
            queue = queue.name(),
            reason = error.kind(),
            "dead-letter queue not read: {error}"
        ),
    }
}

fn gauge_value(count: Option<u64>) -> i64 {
    i64::try_from(count.unwrap_or_default()).unwrap_or(i64::MAX)
}
