//! Which of the formats of a log object these bytes are, and their records. It judges by the bytes
//! alone, and by no more of them than the first line that is not blank:
//!
//! - a brace or a bracket begins a JSON document, and a member `deltrail` before any list of
//!   records makes it the first of many lines of JSON, which are declared intents;
//! - a line of a server access log has its time, in brackets, in the third place;
//! - all else is an error of the object.

use memchr::memchr;

use super::Content;
use crate::decode::access_log::is_access_log;
use crate::decode::error::{DOCUMENT_START, DecodeError};
use crate::decode::lines::Lines;
use crate::decode::records::{Element, Shape, Splitter};
#[cfg(any(test, fuzzing))]
use crate::decode::structure::Level;
use crate::domain::Source;

/// So much of the first line of a text tells what it is: an owner, a bucket and a time.
const HEAD_BYTES_MAX: usize = 512;

/// A log object on its way to records, as far as its format is known.
pub(in crate::decode) struct Format {
    state: State,
    record_bytes_max: usize,
}

enum State {
    /// One JSON document, or the first of many lines of JSON; as long as it may be that, what came
    /// of it with earlier input is kept.
    Json { splitter: Splitter, kept: Vec<u8> },
    /// Text; the first bytes of its first line. The error is what remains if it is unknown.
    Text { head: Vec<u8>, error: DecodeError },
    /// Lines of a source.
    Lines { lines: Lines, source: Source },
}

impl Format {
    pub(in crate::decode) fn new(record_bytes_max: usize) -> Self {
        let splitter = Splitter::new(record_bytes_max);
        Self { state: State::Json { splitter, kept: Vec::new() }, record_bytes_max }
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn at_level(record_bytes_max: usize, level: Level) -> Self {
        let splitter = Splitter::at_level(record_bytes_max, level);
        Self { state: State::Json { splitter, kept: Vec::new() }, record_bytes_max }
    }

    /// Reads `bytes` and hands each record that ends in them to `emit`, with its source.
    ///
    /// # Errors
    /// When the bytes are of no known format.
    pub(in crate::decode) fn push(
        &mut self,
        bytes: &[u8],
        emit: &mut impl FnMut(Source, Element<'_>),
    ) -> Result<(), DecodeError> {
        match &mut self.state {
            State::Json { .. } => self.push_json(bytes, emit),
            State::Text { head, .. } => {
                let room = bytes.len().min(HEAD_BYTES_MAX - head.len());
                let line_end = memchr(b'\n', &bytes[..room]);
                let used = line_end.unwrap_or(room);
                head.extend(&bytes[..used]);
                if line_end.is_none() && head.len() < HEAD_BYTES_MAX {
                    return Ok(());
                }
                self.become_access_log(emit)?;
                self.push(&bytes[used..], emit)
            }
            State::Lines { lines, source } => {
                lines.push(bytes, |line| emit(*source, line));
                Ok(())
            }
        }
    }

    /// Says that no input follows. Gives what the object was, and how many bytes of it other than
    /// whitespace were behind the end of its document.
    ///
    /// # Errors
    /// When it ended too early, or was of no known format.
    pub(in crate::decode) fn finish(
        &mut self,
        emit: &mut impl FnMut(Source, Element<'_>),
    ) -> Result<(Content, u64), DecodeError> {
        self.become_access_log(emit)?;
        match &mut self.state {
            State::Json { splitter, .. } => {
                let shape = splitter.finish()?;
                Ok((content_of(shape), shape.trailing_bytes))
            }
            State::Lines { lines, source } => {
                lines.finish(|line| emit(*source, line));
                let is_intent = *source == Source::Intent;
                Ok((if is_intent { Content::Intents } else { Content::AccessLog }, 0))
            }
            State::Text { error, .. } => Err(error.clone()),
        }
    }

    /// Bytes of memory that a record holds whose end has not come yet.
    pub(super) const fn held_bytes(&self) -> usize {
        match &self.state {
            State::Json { splitter, kept } => splitter.held_bytes() + kept.capacity(),
            State::Text { head, .. } => head.capacity(),
            State::Lines { lines, .. } => lines.held_bytes(),
        }
    }

    fn push_json(
        &mut self,
        bytes: &[u8],
        emit: &mut impl FnMut(Source, Element<'_>),
    ) -> Result<(), DecodeError> {
        let State::Json { splitter, kept } = &mut self.state else { return Ok(()) };
        let offset = splitter.offset();
        let result = splitter.push(bytes, |element| emit(Source::CloudTrail, element));
        let read = splitter.offset();
        // Nothing but whitespace stands before it.
        let began_at = splitter.began_at().unwrap_or(read);
        let is_within_line = read.saturating_sub(began_at)
            <= u64::try_from(self.record_bytes_max).unwrap_or(u64::MAX);
        if splitter.is_line() {
            let (mut lines, rest) = if is_within_line {
                let mut lines = Lines::new(self.record_bytes_max);
                lines.push(kept, |line| emit(Source::Intent, line));
                (lines, behind(bytes, offset, began_at))
            } else {
                (Lines::within_too_large(self.record_bytes_max), behind(bytes, offset, read))
            };
            lines.push(rest, |line| emit(Source::Intent, line));
            self.state = State::Lines { lines, source: Source::Intent };
            return Ok(());
        }
        match result {
            Ok(()) if is_within_line && splitter.may_be_line() => {
                kept.extend(behind(bytes, offset, began_at));
                Ok(())
            }
            Ok(()) => {
                *kept = Vec::new();
                Ok(())
            }
            Err(error @ DecodeError::NotJson { expected: DOCUMENT_START, .. }) => {
                self.state = State::Text { head: Vec::new(), error };
                self.push(behind(bytes, offset, read), emit)
            }
            Err(error) => Err(error),
        }
    }

    /// Judges a text by its first line; what is none is left alone.
    fn become_access_log(
        &mut self,
        emit: &mut impl FnMut(Source, Element<'_>),
    ) -> Result<(), DecodeError> {
        let State::Text { head, error } = &self.state else { return Ok(()) };
        if !is_access_log(head) {
            return Err(error.clone());
        }
        let source = Source::AccessLog;
        let mut lines = Lines::new(self.record_bytes_max);
        lines.push(head, |line| emit(source, line));
        self.state = State::Lines { lines, source };
        Ok(())
    }
}

/// What of `bytes`, whose first one is at `offset`, is at `from` and behind it.
fn behind(bytes: &[u8], offset: u64, from: u64) -> &[u8] {
    let skipped = usize::try_from(from.saturating_sub(offset)).unwrap_or(usize::MAX);
    &bytes[skipped.min(bytes.len())..]
}

const fn content_of(shape: Shape) -> Content {
    match (shape.has_records, shape.is_digest) {
        (true, _) => Content::CloudTrail,
        (false, true) => Content::Digest,
        (false, false) => Content::NoRecords,
    }
}
