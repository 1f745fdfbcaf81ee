//! What cannot be understood, kept where it can be found again: the reject table. It decides
//! nothing about what is rejected.

use std::collections::BTreeMap;

use deltrail_core::decode::{RejectReason, Rejected};
use deltrail_core::domain::Source;

use super::Ingest;
use super::disposition::{Failure, Verdict};
use super::lease::Lease;
use super::message::acknowledge;
use super::source_queue::SourceQueue;
use crate::queue::Message;
use crate::store::{Batch, Origin, Reject};

/// Keeps the body of a message that nothing can be done with, once for each failure, then deletes
/// it: its queue has no dead-letter queue that would keep it.
pub(super) async fn reject(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    lease: Lease,
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
            acknowledge(ingest, queue, vec![(message.entry(), lease)]).await;
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

/// Puts rejected parts of a message where they can be found again: one row, with the body, for
/// each reason, however many parts there are. Only what is new counts, for a message may come
/// again.
pub(super) async fn keep_rejects(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    rejects: &[(Source, Rejected, u64)],
) -> Verdict {
    let mut by_reason: BTreeMap<(Source, RejectReason), (u64, &Rejected)> = BTreeMap::new();
    for (source, rejected, count) in rejects {
        by_reason.entry((*source, rejected.reason)).or_insert((0, rejected)).0 += count;
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
            Err(error) => return Verdict::Retry(vec![Failure::of_store(&error)]),
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
