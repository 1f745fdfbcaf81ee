//! One message from receipt to its end: what is in it, the work it names, and what becomes of it.
//! It knows nothing of how messages are received.

use std::collections::BTreeMap;
use std::time::Duration;

use deltrail_core::decode::{
    DigestPath, Item, LogKey, LogPath, Nothing, ObjectRef, RejectReason, Rejected, parse_message,
};
use deltrail_core::domain::{Fact, Source};

use super::disposition::{Disposition, Failure, Verdict, dispose};
use super::facts::keep_facts;
use super::hints::Arrival;
use super::object::commit_object;
use super::source_queue::SourceQueue;
use super::tell::{STORE, queue_place};
use super::{Ingest, lease};
use crate::metrics::RecordResult;
use crate::queue::{Entry, Message};
use crate::store::{Batch, Origin, Reject, SourceKey};

/// Works on a message while its lease is held, and settles it.
pub(super) async fn see_through(ingest: &Ingest, queue: &SourceQueue, message: Message) {
    let entry = message.entry();
    let visibility = queue.visibility();
    let verdict = tokio::select! {
        verdict = work(ingest, queue, &message) => verdict,
        () = lease::keep(ingest, queue, &entry, visibility) => {
            queue.let_go(visibility);
            queue.failed(ingest, "lease_lost");
            tracing::warn!(
                queue = queue.name(), message_id = message.id,
                "lease on the message was lost; what is committed stays, the rest comes again"
            );
            return;
        }
        // Let another task have it at once rather than when the lease runs out.
        () = ingest.abandon.cancelled() => return queue.hide(ingest, &entry, Duration::ZERO).await,
    };
    // What is left is short, and an extension that crosses the deletion would only look like a
    // lost lease.
    settle(ingest, queue, &message, &entry, &verdict).await;
}

async fn settle(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    entry: &Entry,
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
        Disposition::Acknowledge => acknowledge(ingest, queue, entry).await,
        Disposition::ReturnAfter(delay) => queue.hide(ingest, entry, delay).await,
        Disposition::LeaveToRedrive => queue.let_go(queue.visibility()),
        Disposition::RejectAndAcknowledge => {
            reject(ingest, queue, message, entry, verdict.failures()).await;
        }
    }
}

/// Keeps the body of a message that nothing can be done with, once for each failure, then deletes
/// it: its queue has no dead-letter queue that would keep it.
async fn reject(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    entry: &Entry,
    failures: &[Failure],
) {
    let source = Source::S3Notification;
    let row = |(nth, failure): (u64, &Failure)| {
        reject_row(ingest, queue, message, source, failure.reason, &failure.message, Some(nth))
    };
    let rejects = (0..).zip(failures).map(row).collect();
    match ingest.commit(Batch { rejects, ..Batch::default() }).await {
        Ok(report) => {
            if report.new_rejects > 0 {
                for failure in failures {
                    ingest.count_rejects(source, failure.reason, 1);
                }
            }
            acknowledge(ingest, queue, entry).await;
        }
        Err(error) => {
            queue.let_go(queue.visibility());
            tracing::warn!(
                queue = queue.name(),
                message_id = message.id,
                "poison not yet moved to the reject table: {error}"
            );
        }
    }
}

async fn acknowledge(ingest: &Ingest, queue: &SourceQueue, entry: &Entry) {
    let place = queue_place("deleting messages", queue);
    let error = match queue.acknowledger.acknowledge(entry.clone()).await {
        Ok(()) => {
            queue.acknowledged(ingest);
            return ingest.place_is_well(&place);
        }
        Err(error) => error.0,
    };
    queue.let_go(queue.visibility());
    queue.failed(ingest, "not_acknowledged");
    let queue = queue.name();
    if ingest.is_new_trouble(&place, "not_acknowledged") {
        tracing::warn!(queue, "message not deleted; it comes again and is found done: {error}");
    } else {
        tracing::debug!(queue, "message not deleted; it comes again and is found done: {error}");
    }
}

/// Does everything that the message asks for.
async fn work(ingest: &Ingest, queue: &SourceQueue, message: &Message) -> Verdict {
    let items = match parse_message(&message.body) {
        Ok(items) => items,
        Err(error) => {
            queue.arrived(Arrival::News);
            return Verdict::Poison(vec![Failure::of_message(
                RejectReason::UnknownEnvelope.as_str(),
                format!("message {} of queue {}: {error}", message.id, queue.name()),
            )]);
        }
    };
    if let Some(arrival) = items.iter().find_map(arrival_of) {
        queue.arrived(arrival);
    }
    let mut verdict = Verdict::Done;
    let mut facts = Vec::new();
    let mut rejects = Vec::new();
    for item in items {
        match item {
            Item::Created { object, .. } | Item::NamedLog(object) if ingest.allows(&object) => {
                queue.heard(sources_of_log(&object));
                verdict = verdict.and(commit_object(ingest, &object).await);
            }
            Item::NamedLog(object) => {
                ingest.tell_stranger(queue, &object);
                rejects.push((object.source, not_allowed(&object)));
            }
            Item::Created { object, .. } if is_log_of_a_trail(&object) => {
                ingest.tell_stranger(queue, &object);
                rejects.push((object.source, not_allowed(&object)));
            }
            Item::Created { creation: Ok(creation), .. } => facts.push(Fact::Creation(creation)),
            Item::Created { object, creation: Err(rejected) } => {
                rejects.push((object.source, rejected));
            }
            Item::Told(fact) => facts.push(fact),
            Item::Other { source, .. } => {
                ingest.count_records(source, RecordResult::Ignored, 1);
            }
            Item::Nothing(_) => {}
            Item::Rejected { source, rejected } => rejects.push((source, rejected)),
        }
    }
    let verdict = verdict.and(keep_facts(ingest, queue, message, facts).await);
    verdict.and(keep_rejects(ingest, queue, message, &rejects).await)
}

/// What an item tells of the way that it came.
fn arrival_of(item: &Item) -> Option<Arrival> {
    match item {
        Item::Nothing(Nothing::TestEvent) => Some(Arrival::TestEvent),
        Item::Nothing(_) => None,
        _ => Some(Arrival::News),
    }
}

/// Whose words a log object may hold: what it is shows when it is read.
fn sources_of_log(object: &ObjectRef) -> impl Iterator<Item = SourceKey> {
    let path = match LogKey::of(&object.key) {
        LogKey::Log(path) | LogKey::Digest(DigestPath { log: path, .. }) => path,
        _ => LogPath::default(),
    };
    [Source::CloudTrail, Source::AccessLog].into_iter().map(move |source| SourceKey {
        source,
        account: path.account.clone().unwrap_or_default(),
        region: path.region.clone().unwrap_or_default(),
    })
}

/// Whether an object that nobody allowed looks like a CloudTrail log: then `--log-bucket` is
/// probably incomplete, and its owner should hear of it.
fn is_log_of_a_trail(object: &ObjectRef) -> bool {
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

/// Puts rejected parts of a message where they can be found again: one row, with the body, for
/// each reason, however many parts there are. Only what is new counts, for a message may come
/// again.
async fn keep_rejects(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    rejects: &[(Source, Rejected)],
) -> Verdict {
    let mut by_reason: BTreeMap<(Source, RejectReason), (u64, &Rejected)> = BTreeMap::new();
    for (source, rejected) in rejects {
        by_reason.entry((*source, rejected.reason)).or_insert((0, rejected)).0 += 1;
    }
    for ((source, reason), (count, first)) in by_reason {
        // Its bucket was named in the log, or is one of too many.
        let is_told = reason == RejectReason::BucketNotAllowed;
        let reason = reason.as_str();
        let (detail, index) = (first.detail.as_str(), first.record_index);
        let row = reject_row(ingest, queue, message, source, reason, detail, index);
        match ingest.commit(Batch { rejects: vec![row], ..Batch::default() }).await {
            Ok(report) if report.new_rejects > 0 => {
                ingest.count_rejects(source, reason, count);
                if is_told {
                    continue;
                }
                tracing::warn!(
                    queue = queue.name(),
                    message_id = message.id,
                    reason,
                    count,
                    "{detail}"
                );
            }
            Ok(_) => {}
            Err(error) => {
                let place = Some(STORE.to_owned());
                let failure = Failure::of_message("store", error.to_string());
                return Verdict::Retry(vec![Failure { place, ..failure }]);
            }
        }
    }
    Verdict::Done
}

fn reject_row(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    source: Source,
    reason: &str,
    detail: &str,
    record_index: Option<u64>,
) -> Reject {
    Reject {
        at: ingest.now(),
        source,
        reason: reason.to_owned(),
        detail: detail.to_owned(),
        origin: Origin::Message {
            queue: queue.name().to_owned(),
            message_id: message.id.clone(),
            record_index,
            body: message.body.clone(),
        },
    }
}
