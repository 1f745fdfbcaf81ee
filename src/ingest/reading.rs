//! Reads one fetched object through the decoder into commits. It decides nothing about the message
//! that named the object.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use deltrail_core::decode::{Content, Located, LogPath, ObjectRef, Rejected, Summary};
use deltrail_core::domain::{Source, Timestamp};

use super::Ingest;
use super::decoding::{
    Decoded, Decoding, DecodingFailure, Evidence, PIECE_BYTES_MIN, Pass, Piece, Tally,
};
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
    /// All of it waits to be committed.
    Whole(Whole),
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
struct ReadToEnd {
    decoding: Decoding,
    summary: Summary,
    written_at: Option<Timestamp>,
}

impl ReadToEnd {
    fn whole(self) -> Whole {
        let Self { decoding, summary, written_at } = self;
        Whole { evidence: decoding.into_evidence(), summary, written_at }
    }
}

/// What of such a file waits to be committed.
pub(super) struct Whole {
    evidence: Evidence,
    summary: Summary,
    written_at: Option<Timestamp>,
}

impl Reading<'_> {
    /// Reads a file to its end while its evidence waits.
    pub(super) async fn stage(
        &self,
        fetched: Object,
        reservation: Reservation,
    ) -> Result<Staged, ObjectFailure> {
        let read = self.read(fetched, Pass::Stage, reservation).await?;
        Ok(match read.decoding.pass {
            Pass::Verify => Staged::Outgrown(read.decoding.into_reservation()),
            Pass::Stage | Pass::Commit => Staged::Whole(read.whole()),
        })
    }

    /// Reads a file that was verified before, and commits its evidence as it comes; what came last
    /// waits.
    pub(super) async fn commit_in_chunks(
        &self,
        fetched: Object,
        reservation: Reservation,
    ) -> Result<Whole, ObjectFailure> {
        Ok(self.read(fetched, Pass::Commit, reservation).await?.whole())
    }

    async fn read(
        &self,
        fetched: Object,
        pass: Pass,
        reservation: Reservation,
    ) -> Result<ReadToEnd, ObjectFailure> {
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
        Ok(ReadToEnd { decoding, summary, written_at })
    }

    /// Commits what waits of a verified file; the ledger row comes with the rest.
    async fn commit_chunk(
        &self,
        decoding: &mut Decoding,
        written_at: Option<Timestamp>,
    ) -> Result<(), ObjectFailure> {
        let source = decoding.facts.first().map_or(Source::CloudTrail, |first| first.fact.source());
        let ledger = Some(self.ledger(source, LedgerState::Reading));
        let (facts, traces) = decoding.take();
        let batch = Batch { traces, ledger, ..Batch::default() };
        self.commit_facts(facts, batch, written_at).await?;
        Ok(())
    }

    /// Commits what waits of a file, all of it together, and the ledger row with it.
    pub(super) async fn commit(&self, whole: Whole) -> Result<Handled, ObjectFailure> {
        let Whole { evidence, summary, written_at } = whole;
        let Evidence { facts, traces, rejected, tally, reservation } = evidence;
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
        let state = LedgerState::Done(result, counts(&tally, &summary));
        let life = ProofOfLife {
            newest_event_at: tally.newest_event_at,
            ..heard(self.ingest, self.object, self.path, source)
        };
        let batch = Batch {
            traces,
            rejects: self.rejects(rejected, source),
            ledger: Some(self.ledger(source, state)),
            life: vec![life],
            ..Batch::default()
        };
        let report = self.commit_facts(facts, batch, written_at).await?;
        drop(reservation);
        if report.was_committed {
            // Somebody else has read the same object meanwhile, finished first, and counted it.
            return Ok(Handled::Duplicate(source));
        }
        self.observe(source, &tally, &summary);
        Ok(handled)
    }

    /// Commits `batch` with these facts.
    async fn commit_facts(
        &self,
        facts: Vec<Located>,
        batch: Batch,
        written_at: Option<Timestamp>,
    ) -> Result<CommitReport, StoreError> {
        let place = |located: Located| StoredFact {
            fact: located.fact,
            record_index: Some(located.record_index),
        };
        let facts: Vec<_> = facts.into_iter().map(place).collect();
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

    fn rejects(&self, rejected: Vec<Rejected>, source: Source) -> Vec<Reject> {
        let at = self.ingest.now();
        rejected
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
    waiting: Waiting,
    /// Bytes that are still to come, as far as that was said.
    left: Option<usize>,
}

/// What was received and is too little for a piece.
enum Waiting {
    /// A chunk as it came: most bodies are no more than that, and need not be copied.
    Chunk(Bytes),
    /// Several, put together.
    Several(BytesMut),
}

impl Waiting {
    fn len(&self) -> usize {
        match self {
            Self::Chunk(chunk) => chunk.len(),
            Self::Several(chunks) => chunks.len(),
        }
    }

    /// This and the next chunk, after which `left` more bytes are to come.
    fn and(self, chunk: Bytes, left: usize) -> Self {
        let mut chunks = match self {
            Self::Chunk(first) if first.is_empty() => return Self::Chunk(chunk),
            Self::Chunk(first) => {
                let rest = chunk.len() + left.min(PIECE_BYTES_MIN);
                let mut chunks = BytesMut::with_capacity(first.len() + rest);
                chunks.extend_from_slice(&first);
                chunks
            }
            Self::Several(chunks) => chunks,
        };
        chunks.extend_from_slice(&chunk);
        Self::Several(chunks)
    }

    fn take(&mut self) -> Bytes {
        match std::mem::replace(self, Self::Chunk(Bytes::new())) {
            Self::Chunk(chunk) => chunk,
            Self::Several(chunks) => chunks.freeze(),
        }
    }
}

impl Pieces {
    fn of(object: Object) -> Self {
        let left = object.content_length.and_then(|bytes| usize::try_from(bytes).ok());
        Self { object, waiting: Waiting::Chunk(Bytes::new()), left }
    }

    /// At least [`PIECE_BYTES_MIN`], fewer at the end of the body, and then none. What comes in
    /// larger chunks is passed on as it is.
    async fn next(&mut self) -> Result<Piece, ObjectError> {
        while self.waiting.len() < PIECE_BYTES_MIN {
            let Some(chunk) = self.object.chunk().await? else {
                return Ok(Piece { bytes: self.waiting.take(), is_last: true });
            };
            self.left = self.left.map(|left| left.saturating_sub(chunk.len()));
            let waiting = std::mem::replace(&mut self.waiting, Waiting::Chunk(Bytes::new()));
            self.waiting = waiting.and(chunk, self.left.unwrap_or(0));
        }
        Ok(Piece { bytes: self.waiting.take(), is_last: false })
    }
}
