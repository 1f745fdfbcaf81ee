//! Decodes one log object, a piece at a time, on blocking threads unless it is small, and holds
//! within its part of the memory budget. It knows nothing of where the bytes come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use deltrail_core::decode::{
    DecodeError, Located, LogDecoder, LogPath, RejectReason, Rejected, Summary,
};
use deltrail_core::domain::{Timestamp, Trace};

use super::memory::Reservation;
use super::observe::InFlight;
use super::{Ingest, WatchesBucket};

/// What an object needs before anything is staged: the window, a piece of compressed bytes, and
/// what one slice of it may inflate to on its way out of the decoder.
pub const OBJECT_BYTES_MIN: usize = 640 * 1024;
/// The same for an object that is decoded in one step: its window is the worker's.
const ONE_STEP_BYTES: usize = 256 * 1024;
/// Compressed bytes that a decode worker is bothered for, unless a body ends before: all of most
/// bodies, so that a decoder begins and ends on one thread, and its window is warm.
pub(super) const PIECE_BYTES_MIN: usize = 512 * 1024;
/// The part of it in which a record is held that was cut at the end of a window.
const HELD_BYTES_USUAL: usize = 64 * 1024;
/// Bytes that come from the network at a time, at most: those that the connection has read, and as
/// many that are being decoded.
const RECEIVED_BYTES_MAX: usize = 2 * PIECE_BYTES_MIN;
/// The part of the budget that they may take of one object.
const RECEIVED_SHARE: u64 = 8;

/// What an object of this size (compressed bytes, if they are known) takes before anything of it is
/// staged.
pub(super) fn object_bytes(size: Option<u64>, budget_bytes: u64) -> usize {
    let size = size.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
    let share = usize::try_from(budget_bytes / RECEIVED_SHARE).unwrap_or(usize::MAX);
    let decoder = if size <= PIECE_BYTES_MIN { ONE_STEP_BYTES } else { OBJECT_BYTES_MIN };
    decoder + size.saturating_mul(2).min(RECEIVED_BYTES_MAX).min(share)
}

/// What an object needs at most without staging anything, when its records are as large as allowed.
pub(super) const fn object_bytes_max(record_bytes_max: usize) -> usize {
    let usual = OBJECT_BYTES_MIN + RECEIVED_BYTES_MAX;
    usual.saturating_add(record_bytes_max.saturating_mul(2))
}

/// Evidence of one object that may wait for the end of its file; a larger one is read twice.
const STAGED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What the decoder may stage between two looks at the budget.
const STEP_BYTES_MAX: usize = 128 * 1024;
/// Evidence of one commit while a verified file is committed in chunks.
const CHUNK_BYTES: usize = 256 * 1024;
const CHUNK_ROWS_MAX: usize = 10_000;

/// A body of so few bytes is decoded where it was received: to wake a thread would cost more than
/// the decoding, which takes 0.1 ms usually, and 8 ms if it inflates as far as deflate can.
const AT_ONCE_BYTES_MAX: usize = 16 * 1024;

/// What is done with the evidence while the bytes stream by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// It waits until the file is verified.
    Stage,
    /// There was too much to wait: the file is only verified, and read again afterwards.
    Verify,
    /// The file was verified before: evidence is committed as it comes.
    Commit,
}

/// Counts of one object's records.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) evidence: u64,
    pub(super) ignored: u64,
    /// What was rejected by reason: records, and what is wrong with the object as a whole.
    pub(super) rejected: BTreeMap<RejectReason, u64>,
    pub(super) newest_event_at: Option<Timestamp>,
}

impl Tally {
    /// Records that are neither evidence nor ignored.
    pub(super) fn rejected_records(&self, summary: &Summary) -> u64 {
        summary.records.saturating_sub(self.evidence + self.ignored)
    }
}

/// Why an object could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecodingFailure {
    /// The bytes are at fault.
    #[error(transparent)]
    Bytes(#[from] DecodeError),
    /// A very large record has to be held, and other objects hold the memory for it. With
    /// [`object_bytes_max`] reserved it does not happen.
    #[error("it holds a very large record, and other objects take the rest of --memory-budget")]
    NoMemory,
}

impl DecodingFailure {
    /// Whether the same object may be decoded later.
    pub(super) const fn is_transient(&self) -> bool {
        match self {
            Self::Bytes(error) => error.is_transient(),
            Self::NoMemory => true,
        }
    }

    /// One of a closed set of words; the value of a label.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Bytes(error) => error.kind(),
            Self::NoMemory => "memory",
        }
    }
}

/// Bytes of a body, of which those before were decoded.
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    /// Whether the body ends with them.
    pub(super) is_last: bool,
}

/// How far it went.
pub(super) enum Decoded {
    /// All bytes were used, and more follow.
    Piece,
    /// What is left was not used, because so much waits that it should be committed first.
    Until(Piece),
    /// The file was verified to its end.
    Whole(Summary),
}

/// What an object takes that waits to be committed, beside its evidence: its name, its row in the
/// ledger, and its place in line.
const WAITING_BYTES: usize = 4 * 1024;

/// What was found in a file that was decoded to its end, with its part of the memory budget.
pub(super) struct Evidence {
    pub(super) facts: Vec<Located>,
    pub(super) traces: Vec<Trace>,
    pub(super) rejected: Vec<Rejected>,
    pub(super) tally: Tally,
    pub(super) reservation: Reservation,
}

/// One object on its way through the decoder.
pub(super) struct Decoding {
    decoder: LogDecoder,
    /// Whether it has seen no byte yet.
    is_untouched: bool,
    reservation: Reservation,
    /// What was reserved before anything was staged.
    base_bytes: usize,
    watches: WatchesBucket,
    pub(super) pass: Pass,
    pub(super) tally: Tally,
    pub(super) facts: Vec<Located>,
    traces: Vec<Trace>,
    pub(super) rejected: Vec<Rejected>,
    /// Of facts and traces.
    facts_bytes: usize,
}

impl Decoding {
    pub(super) fn new(
        ingest: &Ingest,
        path: LogPath,
        pass: Pass,
        reservation: Reservation,
    ) -> Self {
        let decoder = LogDecoder::new(ingest.options.limits, path).wanting(ingest.options.wanted);
        Self {
            decoder: if ingest.options.keeps_traces { decoder.keeping_traces() } else { decoder },
            is_untouched: true,
            base_bytes: reservation.bytes(),
            reservation,
            watches: Arc::clone(&ingest.options.watches),
            pass,
            tally: Tally::default(),
            facts: Vec::new(),
            traces: Vec::new(),
            rejected: Vec::new(),
            facts_bytes: 0,
        }
    }

    /// Decodes the next bytes of the body, and verifies the end of the file after its last ones.
    ///
    /// # Errors
    /// What is wrong with the bytes or with the file as a whole, or that there is no memory for
    /// them now.
    pub(super) async fn decode(
        mut self,
        piece: Piece,
        ingest: &Ingest,
    ) -> Result<(Self, Decoded), DecodingFailure> {
        if piece.is_last && self.is_untouched && piece.bytes.len() <= AT_ONCE_BYTES_MAX {
            return self.step(piece).map(|decoded| (self, decoded));
        }
        self.on_worker(ingest, |decoding| decoding.step(piece)).await
    }

    fn step(&mut self, mut piece: Piece) -> Result<Decoded, DecodingFailure> {
        self.is_untouched = false;
        while !piece.bytes.is_empty() {
            if self.is_chunk_full() {
                return Ok(Decoded::Until(piece));
            }
            let used = self.decoder.push_until(&piece.bytes, STEP_BYTES_MAX)?;
            piece.bytes.advance(used);
            self.absorb();
            self.reserve_held()?;
        }
        if !piece.is_last {
            return Ok(Decoded::Piece);
        }
        let summary = self.decoder.finish()?;
        self.absorb();
        Ok(Decoded::Whole(summary))
    }

    /// Whether so much waits that it should be committed before more is read.
    pub(super) fn is_chunk_full(&self) -> bool {
        self.pass == Pass::Commit
            && (self.facts_bytes >= CHUNK_BYTES || self.facts.len() >= CHUNK_ROWS_MAX)
    }

    /// What waits. What was reserved for it stays reserved until the end.
    pub(super) fn take(&mut self) -> (Vec<Located>, Vec<Trace>) {
        self.facts_bytes = 0;
        (std::mem::take(&mut self.facts), std::mem::take(&mut self.traces))
    }

    /// Gives the reservation back for the next pass over the same object.
    pub(super) fn into_reservation(mut self) -> Reservation {
        self.reservation.shrink_to(self.base_bytes);
        self.reservation
    }

    /// What waits in the end, without the decoder and what was reserved for it.
    pub(super) fn into_evidence(self) -> Evidence {
        let Self { facts, traces, rejected, tally, mut reservation, facts_bytes, .. } = self;
        let detail_bytes: usize = rejected.iter().map(|rejected| rejected.detail.len()).sum();
        let rejected_bytes = rejected.len() * size_of::<Rejected>() + detail_bytes;
        reservation.shrink_to(WAITING_BYTES + facts_bytes + rejected_bytes);
        Evidence { facts, traces, rejected, tally, reservation }
    }

    async fn on_worker<T: Send + 'static>(
        mut self,
        ingest: &Ingest,
        work: impl FnOnce(&mut Self) -> Result<T, DecodingFailure> + Send + 'static,
    ) -> Result<(Self, T), DecodingFailure> {
        // The semaphore is never closed, so there is always a permit in the end.
        let permit = Arc::clone(&ingest.decode_permits).acquire_owned().await.ok();
        let busy = InFlight::new(&ingest.metrics.workers_busy);
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&mut self);
            drop(busy);
            // Given back here, the permit would let another piece start while this thread is not
            // idle yet, and the runtime would make a thread for it.
            (permit, result.map(|value| (self, value)))
        });
        match done.await {
            Ok((_permit, result)) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is going down and takes this task with it.
            Err(_) => std::future::pending().await,
        }
    }

    fn absorb(&mut self) {
        let decoded = self.decoder.take();
        self.tally.ignored += decoded.ignored;
        self.tally.newest_event_at = self.tally.newest_event_at.max(decoded.newest_event_at);
        for rejected in &decoded.rejected {
            *self.tally.rejected.entry(rejected.reason).or_default() += 1;
        }
        for (reason, count) in decoded.rejected_beyond {
            *self.tally.rejected.entry(reason).or_default() += count;
        }
        self.rejected.extend(decoded.rejected);
        for located in decoded.facts {
            if located.fact.bucket().is_some_and(|bucket| !(self.watches)(bucket)) {
                self.tally.ignored += 1;
                continue;
            }
            self.tally.evidence += 1;
            if self.pass != Pass::Verify {
                self.facts_bytes += located.fact.memory_bytes();
                self.facts.push(located);
            }
        }
        for trace in decoded.traces {
            if self.pass != Pass::Verify && (self.watches)(&trace.bucket) {
                self.facts_bytes += trace.memory_bytes();
                self.traces.push(trace);
            }
        }
        if self.pass == Pass::Stage && !self.may_stage() {
            self.pass = Pass::Verify;
            drop(self.take());
            self.reservation.shrink_to(self.base_bytes);
        }
    }

    fn may_stage(&mut self) -> bool {
        let wanted = self.unstaged_bytes() + self.facts_bytes + self.held_beyond_usual();
        self.facts_bytes <= STAGED_BYTES_MAX && self.reservation.grow_to(wanted)
    }

    /// Without what a second reservation holds for very large records.
    fn unstaged_bytes(&self) -> usize {
        self.base_bytes.min(OBJECT_BYTES_MIN + RECEIVED_BYTES_MAX)
    }

    fn held_beyond_usual(&self) -> usize {
        self.decoder.held_bytes().saturating_sub(HELD_BYTES_USUAL)
    }

    /// Reserves what a very large record holds whose end has not come. A lone object may hold it
    /// in any case: a record is bounded, and nobody else could make room.
    fn reserve_held(&mut self) -> Result<(), DecodingFailure> {
        let held = self.held_beyond_usual();
        let is_held = held == 0
            || self.reservation.grow_to(self.unstaged_bytes() + held)
            || self.reservation.is_alone();
        if is_held { Ok(()) } else { Err(DecodingFailure::NoMemory) }
    }
}
