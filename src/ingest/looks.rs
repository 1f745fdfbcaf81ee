//! The looks at a queue's attributes: its gauges, its settings, and what its state may mean. They
//! know nothing of messages.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Ingest;
use super::source_queue::SourceQueue;
use crate::metrics::QueueState;
use crate::queue::{QueueAttributes, QueueError, Redrive};

/// How often the attributes of a queue are read.
const ATTRIBUTES_EVERY: Duration = Duration::from_secs(30);

/// Keeps the gauges of a queue and of its dead-letter queue.
pub(super) async fn watch_attributes(ingest: Arc<Ingest>, queue: Arc<SourceQueue>) {
    let mut every = interval_at(Instant::now() + ATTRIBUTES_EVERY, ATTRIBUTES_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = async {
                every.tick().await;
                read_attributes(&ingest, &queue).await;
            } => {}
            () = ingest.stop.cancelled() => return,
        }
    }
}

/// Learns how the queue is set up, and shows how deep it is.
pub(super) async fn read_attributes(ingest: &Ingest, queue: &SourceQueue) {
    match queue.queue.attributes().await {
        Ok(attributes) => {
            if queue.attributes_read() {
                tracing::info!(queue = queue.name(), "the attributes of the queue are read again");
            }
            queue.learn(ingest, &attributes);
            show_depth(ingest, queue, &attributes);
            hint(ingest, queue, &attributes);
            if let Some(redrive) = &attributes.redrive {
                show_dead_letters(ingest, queue, redrive).await;
            }
        }
        Err(error) => {
            report(queue, &error);
            // Whether messages arrive is known without them.
            hint(ingest, queue, &QueueAttributes::default());
        }
    }
}

/// Said when it begins and when it changes, and then only to those who look closer.
fn report(queue: &SourceQueue, error: &QueueError) {
    let (region, request_id) = error.region_and_request_id();
    let (name, reason) = (queue.name(), error.kind());
    if queue.attributes_failed(error) {
        tracing::warn!(
            queue = name,
            region,
            request_id,
            reason,
            "{error}; until they are read, metrics do not show the depth of this queue, its \
             messages are leased for 30 s at a time, and it is taken for a queue without a redrive \
             policy: a message that cannot be read is given up as --poison-after says, and put into \
             the reject table"
        );
    } else {
        tracing::debug!(queue = name, region, request_id, reason, "{error}");
    }
}

/// Says what the state of the queue may mean, when that is new.
fn hint(ingest: &Ingest, queue: &SourceQueue, attributes: &QueueAttributes) {
    let Some(hint) = queue.hint(attributes, ingest.space.is_short()) else { return };
    let told = hint.about(queue.name(), &ingest.options.log_bucket_names);
    let region = queue.queue.region();
    if hint.is_warning() {
        tracing::warn!(queue = queue.name(), region, "{told}");
    } else {
        tracing::info!(queue = queue.name(), region, "{told}");
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
