//! Reads one fetched object through the decoder into commits. It decides nothing about the message
//! that named the object.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use deltrail_core::decode::{Content, Located, LogPath, ObjectRef, Summary};
use deltrail_core::domain::{Source, Timestamp};

use super::Ingest;
use super::decoding::{Decoded, Decoding, DecodingFailure, PIECE_BYTES_MIN, Pass, Piece, Tally};
use super::memory::Reservation;
use super::object::{Handled, ObjectFailure, shown};
use super::observe::Delivered;
use crate::metrics::SkipReason;
use crate::objects::{Object, ObjectError};
use crate::store::{
    Batch, CommitReport, LedgerCounts, LedgerEntry, LedgerKey, LedgerResult, LedgerState, Origin,
    ProofOfLife, Reject, SourceKey, StoreError, StoredFact,
};

/// What a first reading came to.
pub(super) enum Staged {
    Done(Handled),
    /// It is good, and its evidence does not fit; what it had reserved is handed on.
    Outgrown(Reservation),
}

/// One object being read.
pub(super) struct Reading<'a> {
    pub(super) ingest: &'a Ingest,
    pub(super) object: &'a ObjectRef,
    pub(super) path: &'a LogPath,
    pub(super) key: LedgerKey,
}

/// A file that was decoded to its end.
struct Whole {
    decoding: Decoding,
    summary: Summary,
    written_at: Option<Timestamp>,
}

impl Reading<'_> {
    /// Reads a file to its end while its evidence waits, then commits all of it together.
    pub(super) async fn stage(
        &self,
        fetched: Object,
        reservation: Reservation,
    ) -> Result<Staged, ObjectFailure> {
        let whole = self.read(fetched, Pass::Stage, reservation).await?;
        if whole.decoding.pass == Pass::Verify {
            return Ok(Staged::Outgrown(whole.decoding.into_reservation()));
        }
        self.commit_whole(whole).await.map(Staged::Done)
    }

    /// Reads a file that was verified before, and commits its evidence as it comes.
    pub(super) async fn commit_in_chunks(
        &self,
        fetched: Object,
        reservation: Reservation,
    ) -> Result<Handled, ObjectFailure> {
        let whole = self.read(fetched, Pass::Commit, reservation).await?;
        self.commit_whole(whole).await
    }

    async fn read(
        &self,
        fetched: Object,
        pass: Pass,
        reservation: Reservation,
    ) -> Result<Whole, ObjectFailure> {
        let written_at = fetched.last_modified_millis.map(Timestamp::from_millis);
        let mut decoding = Decoding::new(self.ingest, self.path.clone(), pass, reservation);
        let mut pieces = Pieces::of(fetched);
        let started_at = Instant::now();
        let mut decoded_in = Duration::ZERO;
        let summary = loop {
            let mut piece = pieces.next().await?;
            let decoded = loop {
                let pushed_at = Instant::now();
                let stepped = decoding.decode(piece, self.ingest).await;
                let decoded;
                (decoding, decoded) = stepped.map_err(|failure| self.unreadable(failure))?;
                decoded_in += pushed_at.elapsed();
                let Decoded::Until(left) = decoded else { break decoded };
                piece = left;
                self.commit_chunk(&mut decoding, written_at).await?;
            };
            if let Decoded::Whole(summary) = decoded {
                break summary;
            }
        };
        let fetched_in = started_at.elapsed().saturating_sub(decoded_in);
        self.ingest.metrics.fetch.observe(fetched_in.as_secs_f64());
        self.ingest.metrics.decode.observe(decoded_in.as_secs_f64());
        Ok(Whole { decoding, summary, written_at })
    }

    /// Commits what waits of a verified file; the ledger row comes with the rest.
    async fn commit_chunk(
        &self,
        decoding: &mut Decoding,
        written_at: Option<Timestamp>,
    ) -> Result<(), ObjectFailure> {
        let source = decoding.facts.first().map_or(Source::CloudTrail, |first| first.fact.source());
        let ledger = Some(self.ledger(source, LedgerState::Reading));
        self.commit_facts(decoding, Batch { ledger, ..Batch::default() }, written_at).await?;
        Ok(())
    }

    async fn commit_whole(&self, whole: Whole) -> Result<Handled, ObjectFailure> {
        let Whole { mut decoding, summary, written_at } = whole;
        let source = source_of(summary.content);
        let handled = match summary.content {
            Content::CloudTrail | Content::AccessLog | Content::Intents => {
                Handled::Committed(source)
            }
            Content::Digest => Handled::Skipped(SkipReason::Digest),
            Content::NoRecords => Handled::WithoutRecords,
            Content::Empty => Handled::Skipped(SkipReason::ZeroByte),
        };
        let result = match handled {
            Handled::Committed(_) | Handled::Duplicate(_) => LedgerResult::Committed,
            Handled::Skipped(_) | Handled::WithoutRecords => LedgerResult::Skipped,
        };
        let state = LedgerState::Done(result, counts(&decoding.tally, &summary));
        let life = ProofOfLife {
            newest_event_at: decoding.tally.newest_event_at,
            ..heard(self.ingest, self.object, self.path, source)
        };
        let batch = Batch {
            rejects: self.rejects(&mut decoding, source),
            ledger: Some(self.ledger(source, state)),
            life: vec![life],
            ..Batch::default()
        };
        let report = self.commit_facts(&mut decoding, batch, written_at).await?;
        if report.was_committed {
            // Somebody else has read the same object meanwhile, finished first, and counted it.
            return Ok(Handled::Duplicate(source));
        }
        self.observe(source, &decoding.tally, &summary);
        Ok(handled)
    }

    /// Commits `batch` with the facts that wait.
    async fn commit_facts(
        &self,
        decoding: &mut Decoding,
        batch: Batch,
        written_at: Option<Timestamp>,
    ) -> Result<CommitReport, StoreError> {
        let place = |located: Located| StoredFact {
            fact: located.fact,
            record_index: Some(located.record_index),
        };
        let facts: Vec<_> = decoding.take_facts().into_iter().map(place).collect();
        let times: Vec<Timestamp> = facts.iter().map(|piece| piece.fact.at()).collect();
        let source = batch.ledger.as_ref().map_or(Source::CloudTrail, |entry| entry.source);
        let text = |told: &Option<String>| told.clone().unwrap_or_default();
        let log_of = Some((text(&self.path.account), text(&self.path.region)));
        let report = self.ingest.commit(Batch { facts, log_of, ..batch }).await?;
        if report.new_evidence > 0 {
            self.ingest.observe_delays(source, &[Delivered { times, written_at }]);
        }
        Ok(report)
    }

    fn ledger(&self, source: Source, state: LedgerState) -> LedgerEntry {
        LedgerEntry { key: self.key.clone(), source, state }
    }

    fn observe(&self, source: Source, tally: &Tally, summary: &Summary) {
        self.ingest.observe_object(source, tally, summary);
        self.ingest.observe_delivery(source);
        for (reason, count) in &tally.rejected {
            tracing::warn!(
                bucket = self.key.bucket,
                key = self.key.key,
                reason = reason.as_str(),
                count,
                "parts of this log object were rejected; the reject table says which and why"
            );
        }
    }

    fn rejects(&self, decoding: &mut Decoding, source: Source) -> Vec<Reject> {
        let at = self.ingest.now();
        std::mem::take(&mut decoding.rejected)
            .into_iter()
            .map(|rejected| Reject {
                at,
                source,
                reason: rejected.reason.as_str().to_owned(),
                detail: rejected.detail,
                origin: Origin::LogObject {
                    object: self.key.clone(),
                    record_index: rejected.record_index,
                },
            })
            .collect()
    }

    fn unreadable(&self, failure: DecodingFailure) -> ObjectFailure {
        ObjectFailure::Decode { object: shown(&self.key), failure }
    }
}

/// The source that writes such an object.
const fn source_of(content: Content) -> Source {
    match content {
        Content::AccessLog => Source::AccessLog,
        Content::Intents => Source::Intent,
        Content::CloudTrail | Content::Digest | Content::NoRecords | Content::Empty => {
            Source::CloudTrail
        }
    }
}

/// What the arrival of an object tells of the source that wrote it.
pub(super) fn heard(
    ingest: &Ingest,
    object: &ObjectRef,
    path: &LogPath,
    source: Source,
) -> ProofOfLife {
    let delivered_at = object.event_at.unwrap_or_else(|| ingest.now());
    ProofOfLife::delivered(source_key(source, path), delivered_at)
}

/// The source in the account and region that a log's path names.
pub(super) fn source_key(source: Source, path: &LogPath) -> SourceKey {
    SourceKey {
        source,
        account: path.account.clone().unwrap_or_default(),
        region: path.region.clone().unwrap_or_default(),
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

/// A body in pieces that are worth a decode worker's while, whatever the network's packets.
struct Pieces {
    object: Object,
    waiting: BytesMut,
    /// Bytes that are still to come, as far as that was said.
    left: Option<usize>,
}

impl Pieces {
    fn of(object: Object) -> Self {
        let left = object.content_length.and_then(|bytes| usize::try_from(bytes).ok());
        Self { object, waiting: BytesMut::new(), left }
    }

    /// At least [`PIECE_BYTES_MIN`], fewer at the end of the body, and then none. What comes in
    /// larger chunks is passed on as it is.
    async fn next(&mut self) -> Result<Piece, ObjectError> {
        while self.waiting.len() < PIECE_BYTES_MIN {
            let Some(chunk) = self.object.chunk().await? else {
                return Ok(Piece { bytes: self.waiting.split().freeze(), is_last: true });
            };
            if self.waiting.is_empty() {
                if chunk.len() >= PIECE_BYTES_MIN {
                    self.left = self.left.map(|left| left.saturating_sub(chunk.len()));
                    return Ok(Piece { bytes: chunk, is_last: false });
                }
                self.waiting.reserve(self.left.unwrap_or(0).min(PIECE_BYTES_MIN + chunk.len()));
            }
            self.left = self.left.map(|left| left.saturating_sub(chunk.len()));
            self.waiting.extend_from_slice(&chunk);
        }
        Ok(Piece { bytes: self.waiting.split().freeze(), is_last: false })
    }
}
