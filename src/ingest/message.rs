//! One message from receipt to its end: what is in it, the work it names, and what becomes of it.
//! It knows nothing of how messages are received.

use std::time::Duration;

use deltrail_core::decode::{
    DigestPath, EnvelopeError, Item, LogKey, LogPath, Nothing, ObjectRef, RejectReason, Rejected,
};
use deltrail_core::domain::{Fact, Source, Timestamp};
use tokio::time::Instant;

use super::Ingest;
use super::acknowledge::NotAcknowledged;
use super::disposition::{Disposition, Failure, Verdict, dispose};
use super::facts::{Told, keep_facts};
use super::hints::Arrival;
use super::lease::Lease;
use super::object::commit_object;
use super::reading::source_key;
use super::rejects::{keep_rejects, reject};
use super::source_queue::SourceQueue;
use super::tell::queue_place;
use super::underway::Naming;
use crate::metrics::RecordResult;
use crate::queue::{Entry, Message};
use crate::store::OneOf;

/// What a message says, or why that cannot be told.
pub(super) type Items = Result<Vec<Item>, EnvelopeError>;

/// How work under a lease ended.
pub(super) enum Outcome {
    /// It came to its end.
    Worked(Verdict),
    /// All its leases were lost, which was told; the work was not finished.
    Lost,
    /// The daemon ends, and no longer waits.
    Abandoned,
}

/// Works on a message while its lease is held, and settles it.
pub(super) async fn see_through(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    lease: Lease,
    items: Items,
) {
    let work = work(ingest, queue, message, lease.received_at(), items);
    match while_held(ingest, std::slice::from_ref(&lease), work).await {
        Outcome::Worked(verdict) => settle(ingest, queue, message, lease, &verdict).await,
        Outcome::Lost => {}
        // Let another task have it at once rather than when the lease runs out.
        Outcome::Abandoned => lease.return_after(Duration::ZERO).await,
    }
}

/// Does `work` while at least one of the leases on its messages is held. Work that is given up goes
/// no further, and commits nothing that is not with the store already.
pub(super) async fn while_held(
    ingest: &Ingest,
    leases: &[Lease],
    work: impl Future<Output = Verdict>,
) -> Outcome {
    let all_lost = async {
        for lease in leases {
            lease.lost().await;
        }
    };
    tokio::select! {
        biased;
        verdict = work => Outcome::Worked(verdict),
        () = all_lost => Outcome::Lost,
        () = ingest.abandon.cancelled() => Outcome::Abandoned,
    }
}

/// Settles a message by what came of it.
pub(super) async fn settle(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    lease: Lease,
    verdict: &Verdict,
) {
    for failure in verdict.failures() {
        queue.failed(ingest, failure.reason);
        ingest.tell_failure(queue, message, failure);
    }
    let disposition = dispose(
        verdict,
        message.receive_count,
        queue.redrive(),
        ingest.options.poison_after,
        fastrand::f64(),
    );
    match disposition {
        Disposition::Acknowledge => {
            acknowledge(ingest, queue, vec![(message.entry(), lease)]).await;
        }
        Disposition::ReturnAfter(delay) => lease.return_after(delay).await,
        Disposition::LeaveToRedrive => queue.let_go(queue.visibility()),
        Disposition::RejectAndAcknowledge => {
            reject(ingest, queue, message, lease, verdict.failures()).await;
        }
    }
}

/// Deletes messages that were worked off; what was lost meanwhile is left to those who have it. The
/// leases are held until it is known what became of each.
pub(super) async fn acknowledge(
    ingest: &Ingest,
    queue: &SourceQueue,
    settled: Vec<(Entry, Lease)>,
) {
    let place = queue_place("deleting messages", queue);
    let (entries, leases): (Vec<Entry>, Vec<Lease>) =
        settled.into_iter().filter(|(_, lease)| lease.is_held()).unzip();
    if entries.is_empty() {
        return;
    }
    for lease in &leases {
        lease.settle();
    }
    let answers = queue.acknowledger.acknowledge(entries).await;
    let deleted = answers.iter().filter(|answer| answer.is_ok()).count();
    for (lease, answer) in leases.into_iter().zip(&answers) {
        if answer.is_ok() {
            lease.deleted();
        }
    }
    if deleted > 0 {
        queue.acknowledged(ingest, deleted);
        ingest.place_is_well(&place);
    }
    for NotAcknowledged(error) in answers.into_iter().filter_map(Result::err) {
        queue.let_go(queue.visibility());
        queue.failed(ingest, "not_acknowledged");
        let queue = queue.name();
        if ingest.is_new_trouble(&place, "not_acknowledged") {
            tracing::warn!(queue, "message not deleted; it comes again and is found done: {error}");
        } else {
            tracing::debug!(
                queue,
                "message not deleted; it comes again and is found done: {error}"
            );
        }
    }
}

/// Does everything that the message asks for.
async fn work(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    received_at: Instant,
    items: Items,
) -> Verdict {
    let items = match items {
        Ok(items) => items,
        Err(error) => {
            queue.arrived(Arrival::News);
            queue.unread();
            return Verdict::Poison(vec![Failure::of_message(
                RejectReason::UnknownEnvelope.as_str(),
                format!("message {} of queue {}: {error}", message.id, queue.name()),
            )]);
        }
    };
    note_arrival(queue, &items);
    let is_redelivered = message.receive_count > 1;
    let naming = Naming { message_id: &message.id, received_at, is_redelivered };
    let mut verdict = Verdict::Done;
    let mut facts = Vec::new();
    let mut rejects = Vec::new();
    for item in items {
        match item {
            Item::Created { object, .. } | Item::NamedLog(object) if ingest.allows(&object) => {
                queue.heard([sources_of_log(&object)]);
                verdict = verdict.and(commit_object(ingest, &object, &naming).await);
            }
            Item::NamedLog(object) => {
                ingest.tell_stranger(queue, &object);
                rejects.push((object.source, not_allowed(&object), 1));
            }
            Item::Created { object, .. } if is_log_of_a_trail(&object) => {
                ingest.tell_stranger(queue, &object);
                rejects.push((object.source, not_allowed(&object), 1));
            }
            Item::Created { creation: Ok(creation), .. } => facts.push(Fact::Creation(creation)),
            Item::Created { object, creation: Err(rejected) } => {
                rejects.push((object.source, rejected, 1));
            }
            Item::Told(fact) => facts.push(fact),
            Item::Other { source, .. } => {
                ingest.count_records(source, RecordResult::Ignored, 1);
            }
            Item::Nothing(_) => {}
            Item::Rejected { source, rejected, count } => rejects.push((source, rejected, count)),
        }
    }
    let sent_at = message.sent_at_millis.map(Timestamp::from_millis);
    let told = vec![Told { sent_at, facts }];
    let verdict = verdict.and(keep_facts(ingest, queue, told).await.into_verdict());
    verdict.and(keep_rejects(ingest, queue, message, &rejects).await)
}

/// Notes what kind of message came.
pub(super) fn note_arrival(queue: &SourceQueue, items: &[Item]) {
    if let Some(arrival) = items.iter().find_map(arrival_of) {
        queue.arrived(arrival);
    }
}

/// What an item tells of the way that it came.
fn arrival_of(item: &Item) -> Option<Arrival> {
    match item {
        Item::Nothing(Nothing::TestEvent) => Some(Arrival::TestEvent),
        Item::Nothing(_) => None,
        _ => Some(Arrival::News),
    }
}

/// Whose words a log object may hold: what its path does not say shows when it is read.
fn sources_of_log(object: &ObjectRef) -> OneOf {
    let path = match LogKey::of(&object.key) {
        LogKey::Log(path) | LogKey::Digest(DigestPath { log: path, .. }) => path,
        _ => LogPath::default(),
    };
    let sources: &[Source] = match (&path.bucket, &path.account) {
        (Some(_), _) => &[Source::AccessLog],
        (None, Some(_)) => &[Source::CloudTrail],
        (None, None) => &[Source::CloudTrail, Source::AccessLog],
    };
    sources.iter().map(|&source| source_key(source, &path)).collect()
}

/// Whether an object that nobody allowed looks like a CloudTrail log: then `--log-bucket` is
/// probably incomplete, and its owner should hear of it.
pub(super) fn is_log_of_a_trail(object: &ObjectRef) -> bool {
    matches!(LogKey::of(&object.key), LogKey::Log(path) if path.account.is_some())
}

fn not_allowed(object: &ObjectRef) -> Rejected {
    Rejected::whole(
        RejectReason::BucketNotAllowed,
        &format!(
            "log object s3://{}/{} is in no --log-bucket and was not fetched; add its bucket to \
             --log-bucket if it is yours",
            object.bucket, object.key
        ),
    )
}
