//! Walks through a compact JSON object, from one member to the next, with the places of its strings
//! and braces known beforehand. It knows no names.
//!
//! It reads what programs write: no whitespace, no escapes but where they are asked for, numbers of
//! plain digits, a few levels. Whatever it reads is what `serde_json` would read; at anything else
//! it gives `None`, and says nothing about what it is.

mod parts;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use simdutf8::basic::from_utf8;

pub(super) use self::parts::{Kind, Scalar, Span, Value};
use super::structure::{Marked, Marks};

/// Bytes that one mark is about.
const BLOCK_BITS: usize = u64::BITS as usize;
/// Levels of nesting that are followed.
const LEVELS_MAX: u32 = 16;
/// Bytes of a number that are followed: enough for any that a 64-bit integer holds.
const NUMBER_BYTES_MAX: usize = 20;

/// A place in an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walker<'a> {
    text: &'a str,
    marks: &'a [Marks],
    has_backslash: bool,
    quotes: u32,
    at: usize,
}

impl<'a> Walker<'a> {
    /// A walker at the beginning of this object. `None` when its bytes are no UTF-8, or hold
    /// control characters, line ends among them.
    pub(super) fn of(marked: Marked<'a>) -> Option<Self> {
        let text = from_utf8(marked.bytes).ok()?;
        let Marked { marks, has_backslash, quotes, .. } = marked;
        let is_readable = u32::try_from(text.len()).is_ok() && !marked.has_control();
        is_readable.then_some(Self { text, marks, has_backslash, quotes, at: 0 })
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
            let name = self.plain_text()?;
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
            b'"' => self.plain_text().map(Scalar::Text),
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
            let quoted = self.text.get(start..self.at)?;
            return serde_json::from_str(quoted).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(raw))
    }

    /// Reads a value, and is strict about what is in it.
    pub(super) fn pass(&mut self) -> Option<()> {
        self.pass_levels(LEVELS_MAX, &mut |_| ())
    }

    /// All texts and numbers that the object holds, names apart, in their order. Strict about all
    /// of it.
    pub(super) fn values(mut self) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        self.pass_levels(LEVELS_MAX, &mut |value| values.push(value))?;
        self.is_at_end().then_some(values)
    }

    /// Reads on to the end of a value of this kind; of a text, the quotation mark that begins it
    /// was read.
    #[inline]
    pub(super) fn pass_rest(&mut self, kind: Kind) -> Option<()> {
        match kind {
            Kind::Text => self.pass_text(),
            Kind::Number => self.number().map(drop),
            Kind::Object => self.skip_object(),
        }
    }

    /// Jumps over a value to where it ends, whatever is in it.
    #[inline]
    pub(super) fn skip(&mut self) -> Option<()> {
        match self.byte() {
            b'"' => self.raw_text().map(drop),
            b'{' => self.skip_object(),
            b'[' => self.skip_list(),
            _ => self.scalar().map(drop),
        }
    }

    /// All of the object.
    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// Whether there is a backslash in the object.
    pub(super) const fn has_backslash(&self) -> bool {
        self.has_backslash
    }

    /// How many quotation marks begin or end strings in the object: different in most objects of
    /// different members.
    pub(super) const fn quotes(&self) -> u32 {
        self.quotes
    }

    /// Where it stands.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// What was read since it stood there.
    pub(super) const fn since(&self, earlier: &Self) -> Span {
        Span::new(earlier.at, self.at)
    }

    /// A part of the object.
    pub(super) fn between(&self, span: Span) -> Option<&'a str> {
        self.text.get(span.start()..span.end())
    }

    /// One that stands in front of a part of the same object.
    pub(super) const fn at_start_of(&self, span: Span) -> Self {
        Self { at: span.start(), ..*self }
    }

    /// Whether all of it was read.
    pub(super) const fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn pass_levels(&mut self, levels: u32, found: &mut impl FnMut(Value)) -> Option<()> {
        let from = *self;
        match self.byte() {
            b'{' => {
                let deeper = levels.checked_sub(1)?;
                self.object(|walker, _| walker.pass_levels(deeper, found))
            }
            b'[' => {
                let deeper = levels.checked_sub(1)?;
                self.list(|walker| walker.pass_levels(deeper, found))
            }
            _ => {
                match self.scalar()? {
                    Scalar::Text(_) => {
                        let span = self.since(&from).within_quotes();
                        found(Value { span, kind: Kind::Text });
                    }
                    Scalar::Number(_) => {
                        found(Value { span: self.since(&from), kind: Kind::Number });
                    }
                    Scalar::Bool(_) | Scalar::Null => {}
                }
                Some(())
            }
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
            _ => walker.skip(),
        })
    }

    fn skip_object(&mut self) -> Option<()> {
        if self.byte() != b'{' {
            return None;
        }
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
    fn plain_text(&mut self) -> Option<&'a str> {
        let raw = self.raw_text()?;
        (!self.has_backslash || !raw.contains('\\')).then_some(raw)
    }

    /// What is between two quotation marks.
    #[inline]
    fn raw_text(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let text = self.rest_of_text()?;
        self.at += 1;
        Some(text)
    }

    /// Reads what is left of a text, up to the quotation mark that ends it.
    #[inline]
    fn rest_of_text(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.pass_text()?;
        self.text.get(start..self.at)
    }

    #[inline]
    fn pass_text(&mut self) -> Option<()> {
        self.at += self.quote_behind(self.at)?;
        Some(())
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

    /// Passes over just this.
    #[inline]
    pub(super) fn literal(&mut self, literal: &str) -> Option<()> {
        let end = self.at + literal.len();
        let is_there = self.text.as_bytes().get(self.at..end) == Some(literal.as_bytes());
        self.at = end;
        is_there.then_some(())
    }

    /// Reads digits, with a sign before them and a fraction behind them or not.
    fn number(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.is_next(b'-');
        let whole = self.digits();
        let is_whole = whole == 1 || (whole > 1 && self.text.as_bytes()[self.at - whole] != b'0');
        let is_fraction = !self.is_next(b'.') || self.digits() > 0;
        let is_short = self.at - start <= NUMBER_BYTES_MAX;
        // An exponent is noticed by whoever wants a comma or a bracket here.
        (is_whole && is_fraction && is_short).then(|| &self.text[start..self.at])
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
