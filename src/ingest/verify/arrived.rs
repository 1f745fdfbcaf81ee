//! A digest that a message named: verified by its signature, and with it the log files that it
//! names. It follows no chain, which takes all digests: `deltrail verify` does.

use deltrail_core::decode::ObjectRef;
use deltrail_core::decode::digest::{ChainId, DigestedLog};
use deltrail_core::domain::Source;
use futures_util::future::join_all;

use super::digests::{Outcome, read};
use super::logs::state_of;
use super::places::{DigestPlace, Place};
use super::told::Verified;
use super::verdict;
use crate::ingest::Ingest;
use crate::ingest::object::ObjectFailure;
use crate::store::{
    Batch, LedgerCounts, LedgerEntry, LedgerKey, LedgerResult, LedgerState, Origin, Reject,
};
use crate::trail_keys::TrailKeys;

/// Log files of one digest that are read at a time.
const AT_ONCE: usize = 4;
/// Faults of one digest that are told one by one in the log; the reject table has all of them.
const TOLD_MAX: usize = 20;

/// Verifies a digest and what it names. What does not hold is told, counted and kept in the reject
/// table, each once.
///
/// # Errors
/// What keeps it from being verified; it is tried again with its message.
pub(in crate::ingest) async fn verify_arrived(
    ingest: &Ingest,
    keys: &TrailKeys,
    object: &ObjectRef,
) -> Result<(), ObjectFailure> {
    let Some((id, ended_at)) = ChainId::of_file(&object.key) else { return Ok(()) };
    let place = Place { bucket: object.bucket.clone(), key: object.key.clone() };
    let place = DigestPlace { place, ended_at };
    let _permit = ingest.object_permits.acquire().await.map_err(|_| ObjectFailure::Stopping)?;
    let read = read(&ingest.objects, &place).await;
    if let Err(Outcome::Unreadable { reason, message }) = &read.outcome {
        return Err(ObjectFailure::Digest { reason, message: message.clone() });
    }
    let verdict = verdict(keys, &id, &read, read.signature.as_deref()).await?;
    let mut told = vec![(place.place.clone(), Verified::digest(&id, &place, &verdict))];
    if let (Ok(found), Ok(())) = (&read.outcome, &verdict) {
        for logs in found.0.log_files.chunks(AT_ONCE) {
            for verified in join_all(logs.iter().map(|log| verify_log(ingest, log))).await {
                told.push(verified?);
            }
        }
    }
    let digest = LedgerKey {
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        revision: read.revision.clone(),
    };
    keep(ingest, digest, &told).await
}

/// What is known of a log file that a verified digest names. Only log buckets are read, whatever a
/// digest names.
async fn verify_log(
    ingest: &Ingest,
    log: &DigestedLog,
) -> Result<(Place, Verified), ObjectFailure> {
    let place = Place { bucket: log.bucket.clone(), key: log.key.clone() };
    if !(ingest.options.allows)(&log.bucket, &log.key) {
        let verified = Verified::elsewhere(&place);
        return Ok((place, verified));
    }
    let inflated_bytes_max = ingest.options.limits.inflated_bytes_max;
    let verified = match state_of(&ingest.objects, &place, log.sha256, inflated_bytes_max).await {
        Ok(state) => Verified::log(&place, state),
        Err(error) if error.is_transient() => return Err(error.into()),
        Err(error) => Verified::unreadable_log(&place, &error),
    };
    Ok((place, verified))
}

/// Keeps what does not hold, and counts what was found out unless that was done before.
async fn keep(
    ingest: &Ingest,
    digest: LedgerKey,
    told: &[(Place, Verified)],
) -> Result<(), ObjectFailure> {
    let source = Source::CloudTrail;
    let faults = told.iter().filter(|(_, verified)| verified.is_fault);
    let reject = |(place, verified): &(Place, Verified)| Reject {
        at: ingest.now(),
        source,
        reason: format!("{}_{}", verified.kind.as_str(), verified.verdict),
        detail: verified.detail.clone(),
        origin: Origin::LogObject {
            object: LedgerKey {
                bucket: place.bucket.clone(),
                key: place.key.clone(),
                revision: String::new(),
            },
            record_index: None,
        },
    };
    let state = LedgerState::Done(LedgerResult::Skipped, LedgerCounts::default());
    let batch = Batch {
        rejects: faults.clone().map(reject).collect(),
        ledger: Some(LedgerEntry { key: digest, source, state }),
        ..Batch::default()
    };
    if ingest.commit(batch).await?.was_committed {
        return Ok(());
    }
    for (_, verified) in told {
        let labels = [verified.kind.as_str(), verified.verdict];
        ingest.metrics.verified_files.with_label_values(&labels).inc();
    }
    for (_, fault) in faults.take(TOLD_MAX) {
        let (kind, verdict) = (fault.kind.as_str(), fault.verdict);
        tracing::error!(kind, verdict, name = fault.name, "{}", fault.detail);
    }
    Ok(())
}
