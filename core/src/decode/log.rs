//! A log object, from the compressed bytes as they arrive to facts: inflate, see which format it
//! is, cut it into records, read each. It knows no file, no network and no store. Nothing of it may
//! be used before [`LogDecoder::finish`] has said that the object was whole.

mod format;
mod stage;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(super) use self::format::Format;
use self::stage::Stage;
use super::cloudtrail::Wanted;
use super::error::DecodeError;
use super::inflate::Inflater;
use super::log_key::LogPath;
use super::reject::{RejectReason, Rejected};
#[cfg(any(test, fuzzing))]
use super::structure::Level;
use crate::domain::{Fact, Timestamp, Trace};

/// How many rejected parts of one object are told one by one; the rest is counted.
pub const REJECTED_MAX: usize = 1_000;

/// What one log object may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Inflated bytes of one object; more is an error of the object.
    pub inflated_bytes_max: u64,
    /// Bytes of one record; a larger one is rejected and the rest goes on. This is also what one
    /// decoder holds at most, twice at worst.
    pub record_bytes_max: usize,
}

/// A fact and where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The position among the records of the object, from 0, refused ones included. A record of a
    /// text is a line that is not blank.
    pub record_index: u64,
    /// What it says.
    pub fact: Fact,
}

/// What was decoded since it was last taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    /// What was told, in the order of the object.
    pub facts: Vec<Located>,
    /// What was done to keys that were not removed, if that is wanted; the same may be told in
    /// several parts.
    pub traces: Vec<Trace>,
    /// What could not be understood: the first [`REJECTED_MAX`] of the object.
    pub rejected: Vec<Rejected>,
    /// How many more there were, by reason.
    pub rejected_beyond: BTreeMap<RejectReason, u64>,
    /// How many records were neither: other events.
    pub ignored: u64,
    /// The newest event time of the evidence and of a sample of the other records (the first of
    /// every 64): never later than the newest event of the object, and seldom much earlier.
    pub newest_event_at: Option<Timestamp>,
}

/// What kind of object it was, by its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A list of records.
    CloudTrail,
    /// Lines of a server access log.
    AccessLog,
    /// Lines of declared intents.
    Intents,
    /// A digest file.
    Digest,
    /// A JSON document without a list of records.
    NoRecords,
    /// Nothing at all.
    Empty,
}

/// What the whole object amounted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Bytes as they were fetched.
    pub compressed_bytes: u64,
    /// Bytes of the document or text; the same for an object that was not compressed.
    pub inflated_bytes: u64,
    /// Elements of the list of records, or lines: facts, ignored and rejected ones.
    pub records: u64,
    /// Bytes behind the gzip stream, and other than whitespace behind the document.
    pub trailing_bytes: u64,
    /// What kind of object it was.
    pub content: Content,
}

/// The decoder of one log object.
///
/// Evidence is staged as it is found, before the checksum was seen: use it only when
/// [`LogDecoder::finish`] succeeded. After an error every further call gives the same error.
pub struct LogDecoder {
    inflater: Inflater,
    format: Format,
    staged: Stage,
    failure: Option<DecodeError>,
}

impl LogDecoder {
    /// A decoder for the object whose key said `path`.
    #[must_use]
    pub fn new(limits: Limits, path: LogPath) -> Self {
        Self {
            inflater: Inflater::new(limits.inflated_bytes_max),
            format: Format::new(limits.record_bytes_max),
            staged: Stage::of(path),
            failure: None,
        }
    }

    /// Reads this out of a trail, and not only deletes.
    #[must_use]
    pub const fn wanting(mut self, wanted: Wanted) -> Self {
        self.staged.want(wanted);
        self
    }

    /// Also tells which keys were read, and which were encrypted with a foreign key. The records of
    /// that count as ignored all the same: they are evidence of no removal.
    #[must_use]
    pub fn keeping_traces(mut self) -> Self {
        self.staged.keep_traces();
        self
    }

    /// [`LogDecoder::new`], with these instructions.
    #[cfg(any(test, fuzzing))]
    pub(super) fn at_level(limits: Limits, path: LogPath, level: Level) -> Self {
        let format = Format::at_level(limits.record_bytes_max, level);
        Self { format, ..Self::new(limits, path) }
    }

    /// Decodes the next bytes of the object, cut anywhere. A few compressed bytes may stage a
    /// thousand times as much; see [`LogDecoder::push_until`].
    ///
    /// # Errors
    /// When the object is broken, too large, or of no known format.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.push_until(bytes, usize::MAX).map(|_| ())
    }

    /// Like [`LogDecoder::push`], but stops when about `staged_bytes_max` bytes are staged. Gives
    /// how many of `bytes` were used, at least one; take what is staged and push the rest again.
    /// It may stage two windows' worth (512 KiB of records) more than asked for.
    ///
    /// # Errors
    /// As [`LogDecoder::push`].
    pub fn push_until(
        &mut self,
        bytes: &[u8],
        staged_bytes_max: usize,
    ) -> Result<usize, DecodeError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let result = self.decode(bytes, staged_bytes_max);
        self.settle(result)
    }

    /// What was decoded since the last time.
    pub fn take(&mut self) -> Decoded {
        self.staged.take()
    }

    /// About how many bytes of memory [`LogDecoder::take`] would give.
    #[must_use]
    pub const fn staged_bytes(&self) -> usize {
        self.staged.heap_bytes()
    }

    /// Bytes of memory that a record holds whose end has not come yet: at most twice the limit for
    /// a record.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.format.held_bytes()
    }

    /// Says that the object is complete. What it rejects as a whole is there to be taken after.
    ///
    /// # Errors
    /// When the object ended early, or had failed before.
    pub fn finish(&mut self) -> Result<Summary, DecodeError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let result = self.conclude();
        self.settle(result)
    }

    /// Remembers a failure, as one of an object that was compressed or was not.
    fn settle<T>(&mut self, result: Result<T, DecodeError>) -> Result<T, DecodeError> {
        let result =
            if self.inflater.is_plain() { result.map_err(DecodeError::of_plain) } else { result };
        result.inspect_err(|error| self.failure = Some(error.clone()))
    }

    fn decode(&mut self, bytes: &[u8], staged_bytes_max: usize) -> Result<usize, DecodeError> {
        let mut rest = bytes;
        loop {
            let step = self.inflater.step(rest)?;
            rest = &rest[step.consumed..];
            let is_window_full = step.is_window_full;
            self.format.push(step.bytes, &mut |source, record| self.staged.read(source, record))?;
            if rest.is_empty() && !is_window_full {
                return Ok(bytes.len());
            }
            let has_progressed = rest.len() < bytes.len();
            if has_progressed && !rest.is_empty() && self.staged.heap_bytes() >= staged_bytes_max {
                return Ok(bytes.len() - rest.len());
            }
        }
    }

    fn conclude(&mut self) -> Result<Summary, DecodeError> {
        self.inflater.finish()?;
        self.staged.finish();
        let behind_stream = self.inflater.trailing_bytes();
        let inflated_bytes = self.inflater.inflated_bytes();
        let (content, behind_document) = if inflated_bytes == 0 {
            (Content::Empty, 0)
        } else {
            self.format.finish(&mut |source, record| self.staged.read(source, record))?
        };
        if content == Content::NoRecords {
            let detail = "a JSON document without a list of records";
            self.staged.reject(None, RejectReason::NoRecords, detail);
        }
        for (count, what) in [(behind_stream, "gzip stream"), (behind_document, "JSON document")] {
            if count > 0 {
                let detail = format!("{count} bytes behind the end of the {what} were not read");
                self.staged.reject(None, RejectReason::TrailingBytes, &detail);
            }
        }
        Ok(Summary {
            compressed_bytes: self.inflater.compressed_bytes(),
            inflated_bytes,
            records: self.staged.records(),
            trailing_bytes: behind_stream + behind_document,
            content,
        })
    }
}
