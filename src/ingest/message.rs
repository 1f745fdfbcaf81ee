//! One message from receipt to its end: what is in it, the work it names, and what becomes of it.
//! It knows nothing of how messages are received.

use std::time::Duration;

use deltrail_core::decode::{Item, LogKey, ObjectRef, RejectReason, Rejected, parse_message};
use deltrail_core::domain::Source;

use super::disposition::{Disposition, Failure, Verdict, dispose};
use super::object::commit_object;
use super::source_queue::SourceQueue;
use super::{Ingest, lease};
use crate::metrics::RecordResult;
use crate::queue::{Entry, Message};
use crate::store::{Batch, Origin, Reject};

/// Works on a message while its lease is held, and settles it.
pub(super) async fn process(ingest: &Ingest, queue: &SourceQueue, message: Message) {
    let entry = message.entry();
    let visibility = queue.visibility();
    tokio::select! {
        () = work_and_settle(ingest, queue, &message, &entry) => {}
        () = lease::keep(&queue.queue, &entry, visibility) => {
            queue.failed(ingest, "lease_lost");
            tracing::warn!(
                queue = queue.name(), message = message.id,
                "lease on the message was lost; what is committed stays, the rest comes again"
            );
        }
        () = ingest.abandon.cancelled() => {
            // Let another task have it at once rather than when the lease runs out.
            let at_once = [(entry.clone(), Duration::ZERO)];
            if let Err(error) = queue.queue.change_visibility(&at_once).await {
                tracing::warn!(queue = queue.name(), %error, "message not released");
            }
        }
    }
}

async fn work_and_settle(ingest: &Ingest, queue: &SourceQueue, message: &Message, entry: &Entry) {
    let verdict = work(ingest, queue, message).await;
    if let Verdict::Retry(failure) | Verdict::Poison(failure) = &verdict {
        queue.failed(ingest, failure.reason);
        tracing::warn!(
            queue = queue.name(),
            message = message.id,
            receive_count = message.receive_count,
            reason = failure.reason,
            "{}",
            failure.message
        );
    }
    let disposition = dispose(
        &verdict,
        message.receive_count,
        queue.redrive(),
        ingest.options.poison_after,
        fastrand::f64(),
    );
    match disposition {
        Disposition::Acknowledge => acknowledge(ingest, queue, entry).await,
        Disposition::ReturnAfter(delay) => {
            if let Err(error) = queue.queue.change_visibility(&[(entry.clone(), delay)]).await {
                tracing::warn!(queue = queue.name(), %error, "message returns after its lease");
            }
        }
        Disposition::LeaveToRedrive => {}
        Disposition::RejectAndAcknowledge => reject(ingest, queue, message, &verdict, entry).await,
    }
}

async fn acknowledge(ingest: &Ingest, queue: &SourceQueue, entry: &Entry) {
    match queue.acknowledger.acknowledge(entry.clone()).await {
        Ok(()) => queue.acknowledged(ingest),
        Err(error) => {
            queue.failed(ingest, "not_acknowledged");
            tracing::warn!(
                queue = queue.name(),
                error = error.0,
                "message not deleted; it comes again and is found committed"
            );
        }
    }
}

/// Keeps the body of a message that nothing can be done with, then deletes it: its queue has no
/// dead-letter queue that would keep it.
async fn reject(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    verdict: &Verdict,
    entry: &Entry,
) {
    let Verdict::Poison(failure) = verdict else { return };
    let row = reject_row(ingest, queue, message, failure.reason, &failure.message, None);
    match ingest.commit(Batch { rejects: vec![row], ..Batch::default() }).await {
        Ok(_) => {
            ingest.count_rejects(Source::S3Notification, failure.reason, 1);
            acknowledge(ingest, queue, entry).await;
        }
        Err(error) => tracing::warn!(%error, "poison message not yet moved to the reject table"),
    }
}

/// Does everything that the message asks for.
async fn work(ingest: &Ingest, queue: &SourceQueue, message: &Message) -> Verdict {
    let items = match parse_message(&message.body) {
        Ok(items) => items,
        Err(error) => {
            return Verdict::Poison(Failure {
                reason: RejectReason::UnknownEnvelope.as_str(),
                message: format!("message {} of queue {}: {error}", message.id, queue.name()),
            });
        }
    };
    let mut verdict = Verdict::Done;
    let mut rejects = Vec::new();
    for item in items {
        match item {
            Item::Created(object) | Item::NamedLog(object) if ingest.allows(&object) => {
                verdict = verdict.and(commit_object(ingest, &object).await);
            }
            Item::NamedLog(object) => rejects.push(not_allowed(&object)),
            Item::Created(object) => {
                if is_log_of_a_trail(&object) {
                    let refused = not_allowed(&object);
                    tracing::warn!(queue = queue.name(), "{}", refused.detail);
                    ingest.count_rejects(object.source, refused.reason.as_str(), 1);
                }
                ingest.count_records(object.source, RecordResult::Ignored, 1);
            }
            Item::Other { source, .. } => {
                ingest.count_records(source, RecordResult::Ignored, 1);
            }
            Item::Nothing(_) => {}
            Item::Rejected(rejected) => rejects.push(rejected),
        }
    }
    verdict.and(keep_rejects(ingest, queue, message, rejects).await)
}

/// Whether an object that nobody allowed looks like a CloudTrail log: then `--log-bucket` is
/// probably incomplete, and its owner should hear of it.
fn is_log_of_a_trail(object: &ObjectRef) -> bool {
    matches!(LogKey::of(&object.key), LogKey::Log(path) if path.account.is_some())
}

fn not_allowed(object: &ObjectRef) -> Rejected {
    Rejected {
        record_index: None,
        reason: RejectReason::BucketNotAllowed,
        detail: format!(
            "log object s3://{}/{} is in no --log-bucket and was not fetched; add its bucket \
             to --log-bucket if it is yours",
            object.bucket.escape_debug(),
            object.key.escape_debug()
        ),
    }
}

/// Puts rejected parts of a message where they can be found again.
async fn keep_rejects(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    rejects: Vec<Rejected>,
) -> Verdict {
    if rejects.is_empty() {
        return Verdict::Done;
    }
    let rows = rejects.iter().map(|rejected| {
        let reason = rejected.reason.as_str();
        reject_row(ingest, queue, message, reason, &rejected.detail, rejected.record_index)
    });
    match ingest.commit(Batch { rejects: rows.collect(), ..Batch::default() }).await {
        Ok(_) => {
            for rejected in &rejects {
                let reason = rejected.reason.as_str();
                ingest.count_rejects(Source::S3Notification, reason, 1);
                tracing::warn!(
                    queue = queue.name(),
                    message = message.id,
                    reason,
                    "{}",
                    rejected.detail
                );
            }
            Verdict::Done
        }
        Err(error) => Verdict::Retry(Failure { reason: "store", message: error.to_string() }),
    }
}

fn reject_row(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    reason: &str,
    detail: &str,
    record_index: Option<u64>,
) -> Reject {
    Reject {
        at: ingest.now(),
        source: Source::S3Notification,
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
