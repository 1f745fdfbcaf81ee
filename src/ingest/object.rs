//! One log object from its name to its commit. It knows nothing of messages, except that something
//! named the object.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use deltrail_core::decode::{
    Content, DecodeError, DigestPath, Located, LogKey, LogPath, ObjectRef, Summary,
};
use deltrail_core::domain::{Source, Timestamp};

use super::Ingest;
use super::decoding::{Decoding, OBJECT_BYTES_MIN, Pass, Tally};
use super::disposition::{Failure, Verdict};
use super::memory::Reservation;
use super::observe::InFlight;
use crate::metrics::{ObjectResult, SkipReason};
use crate::objects::{Object, ObjectError, Revision};
use crate::store::{
    Batch, CommitReport, LedgerCounts, LedgerEntry, LedgerKey, LedgerResult, LedgerState, Origin,
    ProofOfLife, Reject, StoreError, StoredEvidence,
};

/// Compressed bytes that are handed to a decode worker together.
const PIECE_BYTES: usize = 256 * 1024;

/// What became of an object.
enum Handled {
    Committed,
    Duplicate,
    Skipped(SkipReason),
    /// It is JSON of some other kind; its row in the reject table says so.
    WithoutRecords,
}

/// Why an object could not be committed.
#[derive(Debug, thiserror::Error)]
enum ObjectFailure {
    #[error(transparent)]
    Fetch(#[from] ObjectError),
    #[error("log object s3://{bucket}/{key} cannot be read: {error}")]
    Decode { bucket: String, key: String, error: DecodeError },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the daemon is stopping")]
    Stopping,
}

impl ObjectFailure {
    fn verdict(&self) -> Verdict {
        let (is_transient, reason) = match self {
            // Whatever S3 refuses may be mended by its owner while the message waits.
            Self::Fetch(error) => (true, error.kind()),
            Self::Decode { error, .. } => (error.is_transient(), error.kind()),
            Self::Store(_) => (true, "store"),
            Self::Stopping => (true, "stopping"),
        };
        let failure = Failure { reason, message: self.to_string() };
        if is_transient { Verdict::Retry(failure) } else { Verdict::Poison(failure) }
    }
}

/// Fetches, decodes and commits one object of a log bucket, whatever of it was done before.
pub(super) async fn commit_object(ingest: &Ingest, object: &ObjectRef) -> Verdict {
    let source = Source::CloudTrail;
    let result = match LogKey::of(&object.key) {
        LogKey::Log(_) if object.size == Some(0) => Ok(Handled::Skipped(SkipReason::ZeroByte)),
        LogKey::Log(path) => read_object(ingest, object, &path).await,
        LogKey::Digest(digest) => note_digest(ingest, object, &digest).await,
        LogKey::Insight => Ok(Handled::Skipped(SkipReason::Insight)),
        LogKey::NetworkActivity => Ok(Handled::Skipped(SkipReason::NetworkActivity)),
        LogKey::Aggregated => Ok(Handled::Skipped(SkipReason::Aggregated)),
        LogKey::Folder => Ok(Handled::Skipped(SkipReason::Folder)),
    };
    match result {
        Ok(Handled::Committed) => ingest.count_object(source, ObjectResult::Committed),
        Ok(Handled::Duplicate) => ingest.count_object(source, ObjectResult::Duplicate),
        Ok(Handled::WithoutRecords) => ingest.count_object(source, ObjectResult::Skipped),
        Ok(Handled::Skipped(reason)) => ingest.metrics.skip_object(source, reason),
        Err(ObjectFailure::Fetch(error))
            if matches!(error, ObjectError::Gone { .. }) && ingest.options.skips_missing =>
        {
            tracing::warn!(reason = error.kind(), "{error}; skipped, as --missing-object says");
            ingest.metrics.skip_object(source, SkipReason::Missing);
        }
        Err(failure) => {
            ingest.count_object(source, ObjectResult::Failed);
            return failure.verdict();
        }
    }
    Verdict::Done
}

/// A digest is not read, but it proves that its trail was alive until the hour it covers ended.
async fn note_digest(
    ingest: &Ingest,
    object: &ObjectRef,
    digest: &DigestPath,
) -> Result<Handled, ObjectFailure> {
    let life =
        ProofOfLife { proof_of_life_at: digest.ended_at, ..heard(ingest, object, &digest.log) };
    ingest.commit(Batch { life: vec![life], ..Batch::default() }).await?;
    ingest.observe_delivery(Source::CloudTrail);
    Ok(Handled::Skipped(SkipReason::Digest))
}

async fn read_object(
    ingest: &Ingest,
    object: &ObjectRef,
    path: &LogPath,
) -> Result<Handled, ObjectFailure> {
    let named = object.version_id.as_deref().or(object.etag.as_deref());
    if let Some(revision) = named
        && ingest.store.is_committed(&ledger_key(object, revision)).await?
    {
        return Ok(Handled::Duplicate);
    }
    let permit = ingest.object_permits.acquire().await;
    let _permit = permit.map_err(|_| ObjectFailure::Stopping)?;
    let reserved = ingest.budget.reserve(OBJECT_BYTES_MIN).await;
    let reservation = reserved.ok_or(ObjectFailure::Stopping)?;
    let _flight = InFlight::new(&ingest.metrics.in_flight_objects);

    let fetched = fetch(ingest, object, None).await?;
    if fetched.content_length == Some(0) {
        return Ok(Handled::Skipped(SkipReason::ZeroByte));
    }
    let key = ledger_key(object, &fetched.revision);
    if named != Some(fetched.revision.as_str()) && ingest.store.is_committed(&key).await? {
        return Ok(Handled::Duplicate);
    }
    let reading = Reading { ingest, object, path, key };
    let etag = fetched.etag.clone();
    match reading.pass(fetched, Pass::Stage, reservation).await? {
        Passed::Done(handled) => Ok(handled),
        // Too much evidence to wait in memory. The file is good, so a second reading commits it in
        // chunks; `etag` makes sure that it is the same file.
        Passed::Verified(reservation) => {
            let again = fetch(ingest, object, etag.as_deref()).await?;
            match reading.pass(again, Pass::Commit, reservation).await? {
                Passed::Done(handled) => Ok(handled),
                Passed::Verified(_) => Ok(Handled::Committed),
            }
        }
    }
}

async fn fetch(
    ingest: &Ingest,
    object: &ObjectRef,
    etag: Option<&str>,
) -> Result<Object, ObjectError> {
    let revision = Revision { version_id: object.version_id.as_deref(), etag };
    ingest.objects.get(&object.bucket, &object.key, revision, object.region.as_deref()).await
}

fn ledger_key(object: &ObjectRef, revision: &str) -> LedgerKey {
    LedgerKey {
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        revision: revision.to_owned(),
    }
}

/// What the arrival of an object tells of the trail that wrote it.
fn heard(ingest: &Ingest, object: &ObjectRef, path: &LogPath) -> ProofOfLife {
    let delivered_at = object.event_at.unwrap_or_else(|| ingest.now());
    ProofOfLife {
        source: Source::CloudTrail,
        account: path.account.clone().unwrap_or_default(),
        region: path.region.clone().unwrap_or_default(),
        newest_event_at: None,
        last_delivery_at: Some(delivered_at),
        proof_of_life_at: None,
    }
}

/// What a pass over an object came to.
enum Passed {
    Done(Handled),
    /// It was good and too large to stage; what it had reserved is handed on.
    Verified(Reservation),
}

/// One object being read.
struct Reading<'a> {
    ingest: &'a Ingest,
    object: &'a ObjectRef,
    path: &'a LogPath,
    key: LedgerKey,
}

impl Reading<'_> {
    async fn pass(
        &self,
        fetched: Object,
        pass: Pass,
        reservation: Reservation,
    ) -> Result<Passed, ObjectFailure> {
        let mut decoding = Decoding::new(self.ingest, self.path.clone(), pass, reservation);
        let written_at = fetched.last_modified_millis.map(Timestamp::from_millis);
        let mut pieces = Pieces { object: fetched, waiting: BytesMut::new() };
        let started_at = Instant::now();
        let mut decoded_in = Duration::ZERO;
        while let Some(mut piece) = pieces.next().await? {
            while !piece.is_empty() {
                let pushed_at = Instant::now();
                let pushed = decoding.push(piece, self.ingest).await;
                (decoding, piece) = pushed.map_err(|error| self.unreadable(error))?;
                decoded_in += pushed_at.elapsed();
                if decoding.is_chunk_full() {
                    self.commit_chunk(&mut decoding, written_at).await?;
                }
            }
        }
        let fetched_in = started_at.elapsed().saturating_sub(decoded_in);
        self.ingest.metrics.fetch.observe(fetched_in.as_secs_f64());
        self.ingest.metrics.decode.observe(decoded_in.as_secs_f64());
        let finished = decoding.finish(self.ingest).await;
        let (decoding, summary) = finished.map_err(|error| self.unreadable(error))?;
        if decoding.pass == Pass::Verify {
            return Ok(Passed::Verified(decoding.into_reservation()));
        }
        self.commit_all(decoding, &summary, written_at).await.map(Passed::Done)
    }

    /// Commits what waits of a verified file; the ledger row comes with the rest.
    async fn commit_chunk(
        &self,
        decoding: &mut Decoding,
        written_at: Option<Timestamp>,
    ) -> Result<(), ObjectFailure> {
        let batch = Batch { ledger: Some(self.ledger(LedgerState::Reading)), ..Batch::default() };
        self.commit_evidence(decoding, batch, written_at).await?;
        Ok(())
    }

    async fn commit_all(
        &self,
        mut decoding: Decoding,
        summary: &Summary,
        written_at: Option<Timestamp>,
    ) -> Result<Handled, ObjectFailure> {
        let handled = match summary.content {
            Content::CloudTrail => Handled::Committed,
            Content::Digest => Handled::Skipped(SkipReason::Digest),
            Content::NoRecords => Handled::WithoutRecords,
            Content::Empty => Handled::Skipped(SkipReason::ZeroByte),
        };
        let result = match handled {
            Handled::Committed | Handled::Duplicate => LedgerResult::Committed,
            Handled::Skipped(_) | Handled::WithoutRecords => LedgerResult::Skipped,
        };
        let state = LedgerState::Done(result, counts(&decoding.tally, summary));
        let life = ProofOfLife {
            newest_event_at: decoding.tally.newest_event_at,
            ..heard(self.ingest, self.object, self.path)
        };
        let batch = Batch {
            rejects: self.rejects(&mut decoding),
            ledger: Some(self.ledger(state)),
            life: vec![life],
            ..Batch::default()
        };
        let report = self.commit_evidence(&mut decoding, batch, written_at).await?;
        self.observe(&decoding.tally, summary);
        // Somebody else may have read the same object meanwhile and finished first.
        Ok(if report.was_committed { Handled::Duplicate } else { handled })
    }

    /// Commits `batch` with the evidence that waits.
    async fn commit_evidence(
        &self,
        decoding: &mut Decoding,
        batch: Batch,
        written_at: Option<Timestamp>,
    ) -> Result<CommitReport, StoreError> {
        let place = |located: Located| StoredEvidence {
            evidence: located.evidence,
            record_index: Some(located.record_index),
        };
        let evidence: Vec<_> = decoding.take_evidence().into_iter().map(place).collect();
        let times: Vec<Timestamp> = evidence.iter().map(|piece| piece.evidence.at).collect();
        let report = self.ingest.commit(Batch { evidence, ..batch }).await?;
        if report.new_evidence > 0 {
            self.ingest.observe_delays(Source::CloudTrail, &times, written_at);
        }
        Ok(report)
    }

    fn ledger(&self, state: LedgerState) -> LedgerEntry {
        LedgerEntry { key: self.key.clone(), source: Source::CloudTrail, state }
    }

    fn observe(&self, tally: &Tally, summary: &Summary) {
        self.ingest.observe_object(Source::CloudTrail, tally, summary);
        self.ingest.observe_delivery(Source::CloudTrail);
        for (reason, count) in &tally.rejected {
            tracing::warn!(
                bucket = self.key.bucket,
                key = self.key.key,
                reason,
                count,
                "parts of this log object were rejected; the reject table says which and why"
            );
        }
    }

    fn rejects(&self, decoding: &mut Decoding) -> Vec<Reject> {
        let at = self.ingest.now();
        std::mem::take(&mut decoding.rejected)
            .into_iter()
            .map(|rejected| Reject {
                at,
                source: Source::CloudTrail,
                reason: rejected.reason.as_str().to_owned(),
                detail: rejected.detail,
                origin: Origin::LogObject {
                    object: self.key.clone(),
                    record_index: rejected.record_index,
                },
            })
            .collect()
    }

    fn unreadable(&self, error: DecodeError) -> ObjectFailure {
        ObjectFailure::Decode {
            bucket: self.key.bucket.escape_debug().to_string(),
            key: self.key.key.escape_debug().to_string(),
            error,
        }
    }
}

fn counts(tally: &Tally, summary: &Summary) -> LedgerCounts {
    LedgerCounts {
        records: summary.records,
        evidence: tally.evidence,
        ignored: tally.ignored,
        rejected: tally.rejected_records(summary),
        compressed_bytes: summary.compressed_bytes,
        inflated_bytes: summary.inflated_bytes,
    }
}

/// A body cut into pieces of a size that suits the decode workers, whatever the network's packets.
struct Pieces {
    object: Object,
    waiting: BytesMut,
}

impl Pieces {
    /// The next [`PIECE_BYTES`], fewer at the end of the body.
    async fn next(&mut self) -> Result<Option<Bytes>, ObjectError> {
        while self.waiting.len() < PIECE_BYTES {
            match self.object.chunk().await? {
                Some(chunk) => self.waiting.extend_from_slice(&chunk),
                None => break,
            }
        }
        let piece = self.waiting.split_to(PIECE_BYTES.min(self.waiting.len()));
        Ok((!piece.is_empty()).then(|| piece.freeze()))
    }
}
