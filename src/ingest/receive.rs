//! The messages of one receive, seen through: those that only tell facts together, because they are
//! many and tiny, and each of the others by itself. It knows nothing of how messages are received.

use std::sync::Arc;
use std::time::Duration;

use deltrail_core::decode::{Item, parse_message};
use deltrail_core::domain::{Fact, Timestamp};
use futures_util::future::join_all;
use tokio::sync::OwnedSemaphorePermit;

use super::Ingest;
use super::bodies::HeldBody;
use super::disposition::Verdict;
use super::facts::{Told, keep_facts};
use super::lease::Lease;
use super::message::{
    Outcome, acknowledge, is_log_of_a_trail, note_arrival, see_through, settle, while_held,
};
use super::observe::InFlight;
use super::source_queue::SourceQueue;
use crate::metrics::RecordResult;
use crate::queue::Message;

/// A message that was received, and its leave to be in flight.
pub(super) struct Received {
    pub(super) message: Message,
    /// How old it was when it came.
    pub(super) age: Duration,
    pub(super) lease: Lease,
    pub(super) permit: OwnedSemaphorePermit,
    /// Counts its body.
    pub(super) body: HeldBody,
}

/// Sees the messages of one receive through.
pub(super) async fn see_all_through(
    ingest: Arc<Ingest>,
    queue: Arc<SourceQueue>,
    received: Vec<Received>,
) {
    let mut telling = Vec::new();
    for received in received {
        match parse_message(&received.message.body) {
            Ok(items) if items.iter().all(|item| only_tells(&ingest, item)) => {
                note_arrival(&queue, &items);
                telling.push((received, facts_of(&ingest, items)));
            }
            items => {
                let (ingest, queue) = (Arc::clone(&ingest), Arc::clone(&queue));
                let tracker = ingest.messages.clone();
                tracker.spawn(async move {
                    let _flight = InFlight::new(&ingest.metrics.in_flight_messages);
                    let _held = queue.hold(received.age);
                    let Received { message, lease, permit, body, .. } = received;
                    see_through(&ingest, &queue, &message, lease, items).await;
                    drop((permit, body));
                });
            }
        }
    }
    if !telling.is_empty() {
        see_telling_through(&ingest, &queue, telling).await;
    }
}

/// Whether an item is a fact, or nothing that needs any work.
fn only_tells(ingest: &Ingest, item: &Item) -> bool {
    match item {
        Item::Told(_) | Item::Other { .. } | Item::Nothing(_) => true,
        Item::Created { object, creation } => {
            creation.is_ok() && !ingest.allows(object) && !is_log_of_a_trail(object)
        }
        Item::NamedLog(_) | Item::Rejected { .. } => false,
    }
}

fn facts_of(ingest: &Ingest, items: Vec<Item>) -> Vec<Fact> {
    let mut facts = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Item::Told(fact) => facts.push(fact),
            Item::Created { creation: Ok(creation), .. } => facts.push(Fact::Creation(creation)),
            Item::Other { source, .. } => ingest.count_records(source, RecordResult::Ignored, 1),
            _ => {}
        }
    }
    facts
}

/// Commits what the messages tell in one batch, and deletes them in one call.
async fn see_telling_through(
    ingest: &Ingest,
    queue: &SourceQueue,
    telling: Vec<(Received, Vec<Fact>)>,
) {
    let _flights: Vec<_> =
        telling.iter().map(|_| InFlight::new(&ingest.metrics.in_flight_messages)).collect();
    let _held: Vec<_> = telling.iter().map(|(received, _)| queue.hold(received.age)).collect();
    let mut messages = Vec::with_capacity(telling.len());
    let mut leases = Vec::with_capacity(telling.len());
    let mut told = Vec::with_capacity(telling.len());
    let mut permits = Vec::with_capacity(telling.len());
    for (Received { message, lease, permit, .. }, facts) in telling {
        let sent_at = message.sent_at_millis.map(Timestamp::from_millis);
        told.push(Told { sent_at, facts });
        messages.push(message);
        leases.push(lease);
        permits.push(permit);
    }
    let mut is_one_fault = false;
    let work = async {
        let kept = keep_facts(ingest, queue, told).await;
        is_one_fault = kept.may_be_one_fault();
        kept.into_verdict()
    };
    let outcome = while_held(ingest, &leases, work).await;
    let each = messages.iter().zip(leases);
    match outcome {
        Outcome::Worked(Verdict::Done) => {
            let settled = each.map(|(message, lease)| (message.entry(), lease)).collect();
            acknowledge(ingest, queue, settled).await;
        }
        Outcome::Worked(_) if is_one_fault && messages.len() > 1 => {
            for (message, lease) in each {
                see_through(ingest, queue, message, lease, parse_message(&message.body)).await;
            }
        }
        Outcome::Worked(verdict) => {
            let settled =
                each.map(|(message, lease)| settle(ingest, queue, message, lease, &verdict));
            join_all(settled).await;
        }
        Outcome::Lost => {}
        Outcome::Abandoned => {
            join_all(each.map(|(_, lease)| lease.return_after(Duration::ZERO))).await;
        }
    }
}
