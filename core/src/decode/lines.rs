//! Cuts text into lines, as the bytes arrive. It holds at most one line, and what a line says is
//! for the reader of lines to judge.

#[cfg(test)]
mod tests;

use memchr::memchr;

use super::records::{BYTE_ORDER_MARK, Element};

/// Room for carried lines that is kept for the next one; a larger one is given back.
const CARRIED_BYTES_KEPT: usize = 64 * 1024;

/// The cutter of one text. Lines end with a line feed, the last one also with the text; whitespace
/// around a line and a byte order mark before it are no part of it; a line of nothing else is none.
#[derive(Debug)]
pub(super) struct Lines {
    /// The part of the current line that came with earlier input.
    carried: Vec<u8>,
    is_too_large: bool,
    line_bytes_max: usize,
}

impl Lines {
    /// A cutter that gives up on lines of more than `line_bytes_max` bytes.
    pub(super) const fn new(line_bytes_max: usize) -> Self {
        Self { carried: Vec::new(), is_too_large: false, line_bytes_max }
    }

    /// A cutter within a line that is too large already.
    pub(super) const fn within_too_large(line_bytes_max: usize) -> Self {
        Self { carried: Vec::new(), is_too_large: true, line_bytes_max }
    }

    /// Reads `bytes` and hands each line that ends in them to `emit`.
    pub(super) fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(Element<'_>)) {
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            self.end_line(&rest[..end], &mut emit);
            rest = &rest[end + 1..];
        }
        if self.has_room_for(rest) {
            self.carried.extend(rest);
        } else {
            self.drop_line();
        }
    }

    /// Says that no input follows.
    pub(super) fn finish(&mut self, mut emit: impl FnMut(Element<'_>)) {
        self.end_line(&[], &mut emit);
    }

    /// Bytes of memory that a part of a line holds until the rest of it comes.
    pub(super) const fn held_bytes(&self) -> usize {
        self.carried.capacity()
    }

    fn end_line(&mut self, piece: &[u8], emit: &mut impl FnMut(Element<'_>)) {
        if !self.has_room_for(piece) {
            emit(Element::TooLarge);
            self.drop_line();
        } else if self.carried.is_empty() {
            emit_filled(piece, emit);
        } else {
            self.carried.extend(piece);
            emit_filled(&self.carried, emit);
        }
        self.is_too_large = false;
        self.carried.clear();
        self.carried.shrink_to(CARRIED_BYTES_KEPT);
    }

    fn has_room_for(&self, piece: &[u8]) -> bool {
        !self.is_too_large && self.carried.len() + piece.len() <= self.line_bytes_max
    }

    fn drop_line(&mut self) {
        self.is_too_large = true;
        self.carried = Vec::new();
    }
}

fn emit_filled(line: &[u8], emit: &mut impl FnMut(Element<'_>)) {
    let line = line.strip_prefix(&BYTE_ORDER_MARK).unwrap_or(line).trim_ascii();
    if !line.is_empty() {
        emit(Element::Whole(line));
    }
}
