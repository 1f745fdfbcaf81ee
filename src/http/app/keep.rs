//! Intents that are good to keep, on their way to the disk, and what the metrics are told of them.
//! It reads no body.

use std::sync::Arc;

use axum::http::StatusCode;
use deltrail_core::domain::{Fact, Intent, Source, Timestamp};
use tokio::sync::OwnedSemaphorePermit;

use super::super::problem::Problem;
use super::{BUSY_RETRY_SECONDS, Shared, UNABLE_RETRY_SECONDS};
use crate::metrics::{Metrics, RecordResult};
use crate::store::{Batch, CommitReport, ProofOfLife, SourceKey, StoreError, StoredFact};

/// Commits, then counts, in a task of its own: who does not wait for the answer is counted too.
pub(super) async fn keep(
    shared: &Arc<Shared>,
    turn: OwnedSemaphorePermit,
    intents: Vec<Intent>,
) -> Result<CommitReport, Problem> {
    let own = Arc::clone(shared);
    let committing = tokio::spawn(async move {
        let report = commit(&own, intents).await;
        drop(turn);
        report
    });
    let unavailable = |detail| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    match tokio::time::timeout(shared.limits.commit_timeout, committing).await {
        Ok(Ok(Ok(report))) => Ok(report),
        Ok(Ok(Err(error))) => {
            tracing::warn!("declared intents were refused: {error}");
            let problem = unavailable(
                "the store cannot keep the intents, and the daemon's log says why; send them \
                 again when it can",
            );
            let is_transient = error.is_transient();
            Err(if is_transient { problem.with_retry_after(UNABLE_RETRY_SECONDS) } else { problem })
        }
        Ok(Err(_)) => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "keeping the intents failed by a defect of the daemon; please report what its log says",
        )),
        Err(_) => Err(unavailable(
            "the store is slow, and whether the intents were kept is not known; send them again, \
             which changes nothing if they were",
        )
        .with_retry_after(BUSY_RETRY_SECONDS)),
    }
}

async fn commit(shared: &Shared, intents: Vec<Intent>) -> Result<CommitReport, StoreError> {
    let state = &shared.state;
    let arrived_at = (state.clock)();
    let requested_at: Vec<Timestamp> = intents.iter().map(|intent| intent.requested_at).collect();
    let stored = |intent| StoredFact { fact: Fact::Intent(Box::new(intent)), record_index: None };
    let (account, region) = (String::new(), String::new());
    let key = SourceKey { source: Source::Intent, account, region };
    let life = ProofOfLife {
        newest_event_at: requested_at.iter().max().copied(),
        ..ProofOfLife::delivered(key, arrived_at)
    };
    let facts = intents.into_iter().map(stored).collect();
    let timer = state.metrics.commit.start_timer();
    let committed = (state.commit)(Batch { facts, life: vec![life], ..Batch::default() }).await;
    timer.observe_duration();
    let report = committed?;
    count_kept(&state.metrics, &report, &requested_at, (state.clock)());
    Ok(report)
}

fn count_kept(
    metrics: &Metrics,
    report: &CommitReport,
    requested_at: &[Timestamp],
    now: Timestamp,
) {
    let source = [Source::Intent.as_str()];
    let evidence = [Source::Intent.as_str(), RecordResult::Evidence.as_str()];
    metrics.records.with_label_values(&evidence).inc_by(requested_at.len() as u64);
    metrics.note_delivery(Source::Intent, now);
    if report.new_evidence > 0 {
        let delay = metrics.event_delay.with_label_values(&source);
        for &at in requested_at {
            delay.observe(now.millis_since(at).max(0) as f64 / 1e3);
        }
    }
    metrics.discard_latencies(&report.discarded_latencies);
    metrics.count_too_old(&report.too_old);
    metrics.label_overflow.inc_by(report.label_overflow);
}
