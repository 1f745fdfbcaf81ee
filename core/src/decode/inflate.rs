//! Compressed bytes in, inflated bytes out, one window at a time. It checks every gzip member's
//! checksum and size, passes plain bytes through, and counts what follows the last member. It knows
//! nothing about JSON, and its memory does not depend on the input.

#[cfg(test)]
mod tests;

use std::cell::Cell;

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use super::error::DecodeError;
use super::gzip_header::{GzipHeader, Step};
use super::lent::{Lend, Lent};

/// Bytes of the one output window. Deflate looks back 32 KiB, so a window of several times that
/// keeps the copying of history rare.
pub(super) const WINDOW_BYTES: usize = 256 * 1024;

enum State {
    /// Before a member: the first one, or one that may follow.
    Header(GzipHeader),
    /// Inside a member's deflate data.
    Body,
    /// Inside the eight bytes behind it.
    Trailer { bytes: [u8; 8], read: usize },
    /// The input is not gzip.
    Plain,
    /// Behind the last member.
    Trailing,
}

thread_local! {
    static GEAR: Cell<Option<Gear>> = const { Cell::new(None) };
}

/// What inflating needs, however little there is to inflate.
struct Gear {
    deflate: Decompress,
    window: Box<[u8]>,
}

impl Default for Gear {
    fn default() -> Self {
        let window = vec![0; WINDOW_BYTES].into_boxed_slice();
        Self { deflate: Decompress::new(false), window }
    }
}

impl Lend for Gear {
    fn with_kept<R>(see: impl FnOnce(&Cell<Option<Self>>) -> R) -> R {
        GEAR.with(see)
    }
}

/// A push-based gunzip. The caller hands it bytes and gets at most a window of them inflated.
pub(super) struct Inflater {
    state: State,
    gear: Lent<Gear>,
    limit: u64,
    checksum: Hasher,
    member_bytes: u64,
    members: u64,
    consumed: u64,
    inflated: u64,
    trailing: u64,
}

/// One step of the inflater.
pub(super) struct Inflated<'a> {
    /// How many bytes of the input were used.
    pub(super) consumed: usize,
    /// What they gave; may be empty.
    pub(super) bytes: &'a [u8],
    /// Whether there may be more to come without any more input.
    pub(super) is_window_full: bool,
}

impl Inflater {
    /// An inflater that fails after `limit` inflated bytes.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            state: State::Header(GzipHeader::new()),
            gear: Lent::none(),
            limit,
            checksum: Hasher::new(),
            member_bytes: 0,
            members: 0,
            consumed: 0,
            inflated: 0,
            trailing: 0,
        }
    }

    /// Compressed bytes so far.
    pub(super) const fn compressed_bytes(&self) -> u64 {
        self.consumed
    }

    /// Whether the input is passed through, because it does not begin like gzip.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self.state, State::Plain)
    }

    /// Inflated bytes so far.
    pub(super) const fn inflated_bytes(&self) -> u64 {
        self.inflated
    }

    /// Members that were read to their ends.
    pub(super) const fn members(&self) -> u64 {
        self.members
    }

    /// Bytes behind the last member so far.
    pub(super) const fn trailing_bytes(&self) -> u64 {
        self.trailing
    }

    /// Uses some of `input` and gives what it inflates to.
    ///
    /// # Errors
    /// When the stream is broken or inflates to more than the limit.
    pub(super) fn step(&mut self, input: &[u8]) -> Result<Inflated<'_>, DecodeError> {
        let (consumed, produced) = match self.state {
            State::Header(_) => self.step_header(input)?,
            State::Body => self.step_body(input)?,
            State::Trailer { .. } => (self.step_trailer(input)?, 0),
            State::Plain => {
                let length = input.len().min(WINDOW_BYTES);
                self.gear.get().window[..length].copy_from_slice(&input[..length]);
                (length, length)
            }
            State::Trailing => {
                self.trailing += input.len() as u64;
                (input.len(), 0)
            }
        };
        self.consumed += consumed as u64;
        self.inflated += produced as u64;
        if self.inflated > self.limit {
            return Err(DecodeError::InflatedTooLarge { limit: self.limit });
        }
        let is_window_full = produced == WINDOW_BYTES && matches!(self.state, State::Body);
        Ok(Inflated { consumed, bytes: &self.gear.get().window[..produced], is_window_full })
    }

    /// Says that no input follows.
    ///
    /// # Errors
    /// When it ended inside a member.
    pub(super) fn finish(&mut self) -> Result<(), DecodeError> {
        self.gear.leave();
        match &self.state {
            State::Header(header) if header.length() == 0 => Ok(()),
            State::Plain | State::Trailing => Ok(()),
            State::Header(_) | State::Body | State::Trailer { .. } => {
                Err(DecodeError::TruncatedGzip { offset: self.consumed })
            }
        }
    }

    fn step_header(&mut self, input: &[u8]) -> Result<(usize, usize), DecodeError> {
        let State::Header(header) = &mut self.state else { return Ok((0, 0)) };
        for (position, &byte) in input.iter().enumerate() {
            let read = position + 1;
            match header.push(byte) {
                Step::Continue => {}
                Step::Done => {
                    self.begin_member();
                    return Ok((read, 0));
                }
                Step::NotAMember => {
                    let length = header.length();
                    return self.leave_header(length, read);
                }
                Step::BadChecksum => {
                    let detail = "the checksum of the member's header is wrong";
                    return Err(self.corrupt(read, detail));
                }
            }
        }
        Ok((input.len(), 0))
    }

    /// The `length` bytes that were taken for a header are none; `read` of them are from this
    /// input. Gives how much of the input is used, and how many bytes of the window are plain
    /// input.
    fn leave_header(&mut self, length: u64, read: usize) -> Result<(usize, usize), DecodeError> {
        if self.members > 0 {
            self.trailing += length;
            self.state = State::Trailing;
            return Ok((read, 0));
        }
        // Plain input. The byte that did not fit is left to the next step; a byte before it may be
        // gone already, but did fit, so it is known.
        self.state = State::Plain;
        match length {
            1 => Ok((read - 1, 0)),
            2 => {
                self.gear.get().window[0] = 0x1f;
                Ok((read - 1, 1))
            }
            _ => Err(self.corrupt(read, "the compression method or the flags are unknown")),
        }
    }

    fn begin_member(&mut self) {
        self.gear.get().deflate.reset(false);
        self.checksum = Hasher::new();
        self.member_bytes = 0;
        self.state = State::Body;
    }

    fn step_body(&mut self, input: &[u8]) -> Result<(usize, usize), DecodeError> {
        let gear = self.gear.get();
        let (in_before, out_before) = (gear.deflate.total_in(), gear.deflate.total_out());
        let result = gear.deflate.decompress(input, &mut gear.window, FlushDecompress::None);
        let consumed = delta(in_before, gear.deflate.total_in());
        let produced = delta(out_before, gear.deflate.total_out());
        self.checksum.update(&gear.window[..produced]);
        let status = result.map_err(|error| self.corrupt(0, &error.to_string()))?;
        self.member_bytes += produced as u64;
        if status == Status::StreamEnd {
            self.state = State::Trailer { bytes: [0; 8], read: 0 };
        } else if consumed == 0 && produced == 0 && !input.is_empty() {
            return Err(self.corrupt(0, "the deflate stream makes no progress"));
        }
        Ok((consumed, produced))
    }

    fn step_trailer(&mut self, input: &[u8]) -> Result<usize, DecodeError> {
        let State::Trailer { bytes, read } = &mut self.state else { return Ok(0) };
        let length = input.len().min(bytes.len() - *read);
        bytes[*read..*read + length].copy_from_slice(&input[..length]);
        *read += length;
        if *read == bytes.len() {
            // Two little-endian numbers of four bytes: the low half is the checksum.
            let trailer = u64::from_le_bytes(*bytes);
            self.end_member(low_half(trailer), low_half(trailer >> 32))?;
        }
        Ok(length)
    }

    fn end_member(&mut self, checksum: u32, size: u32) -> Result<(), DecodeError> {
        let found = self.checksum.clone().finalize();
        if found != checksum {
            return Err(DecodeError::ChecksumMismatch { expected: checksum, found });
        }
        let found = low_half(self.member_bytes);
        if found != size {
            return Err(DecodeError::SizeMismatch { expected: size, found });
        }
        self.members += 1;
        self.state = State::Header(GzipHeader::new());
        Ok(())
    }

    fn corrupt(&self, ahead: usize, detail: &str) -> DecodeError {
        let offset = self.consumed + ahead as u64;
        DecodeError::CorruptGzip { offset, detail: detail.to_owned() }
    }
}

/// The growth of one of zlib's totals over a single call, which is bounded by a buffer's length.
fn delta(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}

const fn low_half(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
