//! Decodes one log object on blocking threads, a piece at a time, and holds what came out of it
//! within its part of the memory budget. It knows nothing of where the bytes come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use deltrail_core::decode::{
    DecodeError, Located, LogDecoder, LogPath, RejectReason, Rejected, Summary,
};
use deltrail_core::domain::Timestamp;

use super::memory::Reservation;
use super::observe::InFlight;
use super::{Ingest, WatchesBucket};

/// What an object needs before anything is staged: the window, a piece of compressed bytes, and
/// what one slice of it may inflate to on its way out of the decoder.
pub const OBJECT_BYTES_MIN: usize = 640 * 1024;
/// The part of it in which a record is held that was cut at the end of a window.
const HELD_BYTES_USUAL: usize = 64 * 1024;
/// What an object needs at most without staging anything, when its records are as large as allowed.
pub(super) const fn object_bytes_max(record_bytes_max: usize) -> usize {
    OBJECT_BYTES_MIN.saturating_add(record_bytes_max.saturating_mul(2))
}

/// Evidence of one object that may wait for the end of its file; a larger one is read twice.
const STAGED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What the decoder may stage between two looks at the budget.
const STEP_BYTES_MAX: usize = 128 * 1024;
/// Evidence of one commit while a verified file is committed in chunks.
const CHUNK_BYTES: usize = 256 * 1024;
const CHUNK_ROWS_MAX: usize = 10_000;

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

/// One object on its way through the decoder.
pub(super) struct Decoding {
    decoder: LogDecoder,
    reservation: Reservation,
    /// What was reserved before anything was staged.
    base_bytes: usize,
    watches: WatchesBucket,
    pub(super) pass: Pass,
    pub(super) tally: Tally,
    pub(super) facts: Vec<Located>,
    pub(super) rejected: Vec<Rejected>,
    facts_bytes: usize,
}

impl Decoding {
    pub(super) fn new(
        ingest: &Ingest,
        path: LogPath,
        pass: Pass,
        reservation: Reservation,
    ) -> Self {
        Self {
            decoder: LogDecoder::new(ingest.options.limits, path),
            base_bytes: reservation.bytes(),
            reservation,
            watches: Arc::clone(&ingest.options.watches),
            pass,
            tally: Tally::default(),
            facts: Vec::new(),
            rejected: Vec::new(),
            facts_bytes: 0,
        }
    }

    /// Feeds compressed bytes, on a blocking thread, when a worker is free. Gives back those that
    /// were not used, because so much waits that it should be committed first.
    ///
    /// # Errors
    /// What is wrong with the bytes, or that there is no memory for them now.
    pub(super) async fn push(
        self,
        mut bytes: Bytes,
        ingest: &Ingest,
    ) -> Result<(Self, Bytes), DecodingFailure> {
        let push = move |decoding: &mut Self| {
            while !bytes.is_empty() && !decoding.is_chunk_full() {
                let used = decoding.decoder.push_until(&bytes, STEP_BYTES_MAX)?;
                bytes.advance(used);
                decoding.absorb();
                decoding.reserve_held()?;
            }
            Ok(bytes)
        };
        self.on_worker(ingest, push).await
    }

    /// Verifies the end of the file.
    ///
    /// # Errors
    /// What is wrong with it as a whole.
    pub(super) async fn finish(self, ingest: &Ingest) -> Result<(Self, Summary), DecodingFailure> {
        let finish = |decoding: &mut Self| {
            let summary = decoding.decoder.finish()?;
            decoding.absorb();
            Ok(summary)
        };
        self.on_worker(ingest, finish).await
    }

    /// Whether so much waits that it should be committed before more is read.
    pub(super) fn is_chunk_full(&self) -> bool {
        self.pass == Pass::Commit
            && (self.facts_bytes >= CHUNK_BYTES || self.facts.len() >= CHUNK_ROWS_MAX)
    }

    /// The evidence that waits. What was reserved for it stays reserved until the end.
    pub(super) fn take_facts(&mut self) -> Vec<Located> {
        self.facts_bytes = 0;
        std::mem::take(&mut self.facts)
    }

    /// Gives the reservation back for the next pass over the same object.
    pub(super) fn into_reservation(mut self) -> Reservation {
        self.reservation.shrink_to(self.base_bytes);
        self.reservation
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
            drop((permit, busy));
            result.map(|value| (self, value))
        });
        match done.await {
            Ok(result) => result,
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
        if self.pass == Pass::Stage && !self.may_stage() {
            self.pass = Pass::Verify;
            drop(self.take_facts());
            self.reservation.shrink_to(self.base_bytes);
        }
    }

    fn may_stage(&mut self) -> bool {
        let wanted = OBJECT_BYTES_MIN + self.facts_bytes + self.held_beyond_usual();
        self.facts_bytes <= STAGED_BYTES_MAX && self.reservation.grow_to(wanted)
    }

    fn held_beyond_usual(&self) -> usize {
        self.decoder.held_bytes().saturating_sub(HELD_BYTES_USUAL)
    }

    /// Reserves what a very large record holds whose end has not come. A lone object may hold it
    /// in any case: a record is bounded, and nobody else could make room.
    fn reserve_held(&mut self) -> Result<(), DecodingFailure> {
        let held = self.held_beyond_usual();
        let is_held = held == 0
            || self.reservation.grow_to(OBJECT_BYTES_MIN + held)
            || self.reservation.is_alone();
        if is_held { Ok(()) } else { Err(DecodingFailure::NoMemory) }
    }
}
