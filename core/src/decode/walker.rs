//! Walks through a compact JSON object, from one member to the next, with the places of its strings
//! and braces known beforehand. It knows no names.
//!
//! It reads what programs write: no whitespace, no escapes but where they are asked for, numbers of
//! plain digits, a few levels. Whatever it reads is what `serde_json` would read; at anything else
//! it gives `None`, and says nothing about what it is.

use std::borrow::Cow;

use simdutf8::basic::from_utf8;

use super::structure::{Marked, Marks};

/// Bytes that one mark is about.
const BLOCK_BITS: usize = u64::BITS as usize;
/// Levels of nesting that are followed.
const LEVELS_MAX: u32 = 16;
/// Bytes of a number that are followed: enough for any that a 64-bit integer holds.
const NUMBER_BYTES_MAX: usize = 20;

/// A value that holds no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    /// As it is written.
    Number(&'a str),
    Bool(bool),
    Null,
}

/// A place in an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walker<'a> {
    text: &'a str,
    marks: &'a [Marks],
    has_backslash: bool,
    at: usize,
}

impl<'a> Walker<'a> {
    /// A walker at the beginning of this object. `None` when its bytes are no UTF-8, or hold
    /// control characters, line ends among them.
    pub(super) fn of(marked: Marked<'a>) -> Option<Self> {
        let text = from_utf8(marked.bytes).ok()?;
        let Marked { marks, has_backslash, .. } = marked;
        (!has_control(marked.bytes)).then_some(Self { text, marks, has_backslash, at: 0 })
    }

    /// Reads an object: `member` is called behind the colon of each of its members, and reads the
    /// value.
    #[inline]
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.expect(b'{')?;
        if self.is_next(b'}') {
            return Some(());
        }
        loop {
            let name = self.text()?;
            self.expect(b':')?;
            member(self, name)?;
            if self.is_next(b'}') {
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    /// [`Walker::object`], or `null`.
    #[inline]
    pub(super) fn object_or_null(
        &mut self,
        member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        if self.byte() == b'n' { self.literal("null") } else { self.object(member) }
    }

    /// Reads a value that holds no others.
    #[inline]
    pub(super) fn scalar(&mut self) -> Option<Scalar<'a>> {
        match self.byte() {
            b'"' => self.text().map(Scalar::Text),
            b't' => self.literal("true").map(|()| Scalar::Bool(true)),
            b'f' => self.literal("false").map(|()| Scalar::Bool(false)),
            b'n' => self.literal("null").map(|()| Scalar::Null),
            _ => self.number().map(Scalar::Number),
        }
    }

    /// Reads a text that may hold escapes.
    pub(super) fn escaped_text(&mut self) -> Option<Cow<'a, str>> {
        let start = self.at;
        let raw = self.raw_text()?;
        if self.has_backslash && raw.contains('\\') {
            return serde_json::from_str(&self.text[start..self.at]).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(raw))
    }

    /// Reads a value, and is strict about what is in it.
    pub(super) fn pass(&mut self) -> Option<()> {
        self.pass_levels(LEVELS_MAX)
    }

    /// Jumps over a value to where it ends, whatever is in it.
    #[inline]
    pub(super) fn skip(&mut self) -> Option<&'a str> {
        let start = self.at;
        match self.byte() {
            b'"' => self.raw_text().map(drop)?,
            b'{' => self.skip_object()?,
            b'[' => self.skip_list()?,
            _ => self.scalar().map(drop)?,
        }
        self.text.get(start..self.at)
    }

    /// How many bytes this walker is behind another place in the same object.
    pub(super) const fn behind(&self, earlier: &Self) -> usize {
        self.at - earlier.at
    }

    /// Whether all of it was read.
    pub(super) const fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn pass_levels(&mut self, levels: u32) -> Option<()> {
        match self.byte() {
            b'{' => {
                let deeper = levels.checked_sub(1)?;
                self.object(|walker, _| walker.pass_levels(deeper))
            }
            b'[' => {
                let deeper = levels.checked_sub(1)?;
                self.list(|walker| walker.pass_levels(deeper))
            }
            _ => self.scalar().map(drop),
        }
    }

    fn list(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(b'[')?;
        if self.is_next(b']') {
            return Some(());
        }
        loop {
            element(self)?;
            if self.is_next(b']') {
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    /// Lists in lists are left to others.
    fn skip_list(&mut self) -> Option<()> {
        self.list(|walker| match walker.byte() {
            b'[' => None,
            _ => walker.skip().map(drop),
        })
    }

    fn skip_object(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        let mut place = self.at / BLOCK_BITS;
        let mut braces = self.marks.get(place)?.braces & (u64::MAX << (self.at % BLOCK_BITS));
        loop {
            while braces == 0 {
                place += 1;
                braces = self.marks.get(place)?.braces;
            }
            let at = place * BLOCK_BITS + braces.trailing_zeros() as usize;
            braces &= braces - 1;
            if *self.text.as_bytes().get(at)? == b'{' {
                depth += 1;
            } else {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    self.at = at + 1;
                    return Some(());
                }
            }
        }
    }

    /// A text without escapes.
    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        let raw = self.raw_text()?;
        (!self.has_backslash || !raw.contains('\\')).then_some(raw)
    }

    /// What is between two quotation marks.
    #[inline]
    fn raw_text(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let end = start + self.quote_behind(start)?;
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// How many bytes behind `start` the next quotation mark is.
    #[inline]
    fn quote_behind(&self, start: usize) -> Option<usize> {
        let (place, shift) = (start / BLOCK_BITS, start % BLOCK_BITS);
        let here = self.marks.get(place)?.quotes >> shift;
        // Most texts are short: 64 bytes from here on are looked at without asking where blocks
        // end, because that is different for each text and no processor can foresee it.
        let next = self.marks.get(place + 1).map_or(0, |marks| marks.quotes);
        let near = here | ((next << 1) << (BLOCK_BITS - 1 - shift));
        if near != 0 {
            return Some(near.trailing_zeros() as usize);
        }
        let far = self.marks.get(place + 1..)?;
        let blocks = far.iter().position(|marks| marks.quotes != 0)?;
        let within = far[blocks].quotes.trailing_zeros() as usize;
        Some((blocks + 1) * BLOCK_BITS - shift + within)
    }

    fn literal(&mut self, literal: &str) -> Option<()> {
        let is_there = self.text.as_bytes()[self.at..].starts_with(literal.as_bytes());
        self.at += literal.len();
        is_there.then_some(())
    }

    /// Digits, with a sign before them and a fraction behind them or not.
    fn number(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.is_next(b'-');
        let whole = self.digits();
        let is_whole = whole == 1 || (whole > 1 && self.text.as_bytes()[self.at - whole] != b'0');
        let is_fraction = !self.is_next(b'.') || self.digits() > 0;
        let is_short = self.at - start <= NUMBER_BYTES_MAX;
        (is_whole && is_fraction && is_short && !matches!(self.byte(), b'e' | b'E'))
            .then(|| &self.text[start..self.at])
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        self.at - start
    }

    #[inline]
    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    #[inline]
    fn is_next(&mut self, byte: u8) -> bool {
        let is_next = self.byte() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.is_next(byte).then_some(())
    }
}

/// Whether there is a control character. Byte by byte of whole blocks, so that compilers make
/// vectors of it.
fn has_control(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<BLOCK_BITS>();
    let mut lowest = [u8::MAX; BLOCK_BITS];
    for block in blocks {
        for (lowest, byte) in lowest.iter_mut().zip(block) {
            *lowest = (*lowest).min(*byte);
        }
    }
    lowest.iter().chain(rest).any(|&byte| byte < b' ')
}
