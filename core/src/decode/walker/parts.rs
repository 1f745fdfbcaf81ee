//! What a walker finds in an object, and where. It reads nothing.

/// A value that holds no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::decode) enum Scalar<'a> {
    Text(&'a str),
    /// As it is written.
    Number(&'a str),
    Bool(bool),
    Null,
}

/// A part of an object's text. An object of 4 GiB has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// From `start` up to and without `end`, which a walker has passed.
    #[expect(clippy::cast_possible_truncation, reason = "a walker refuses larger objects")]
    pub(in crate::decode) const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// Its first byte.
    pub(in crate::decode) const fn start(self) -> usize {
        self.start as usize
    }

    /// The byte behind it.
    pub(in crate::decode) const fn end(self) -> usize {
        self.end as usize
    }

    /// Bytes.
    pub(in crate::decode) const fn length(self) -> usize {
        self.end() - self.start()
    }

    /// Without the first and the last byte.
    pub(in crate::decode) const fn within_quotes(self) -> Self {
        Self { start: self.start + 1, end: self.end - 1 }
    }

    /// Nothing, at the same place.
    pub(in crate::decode) const fn emptied(self) -> Self {
        Self { start: self.start, end: self.start }
    }

    /// This part of a text, which is empty when the text has no such part.
    #[inline]
    pub(in crate::decode) fn of(self, text: &str) -> &str {
        text.get(self.start()..self.end()).unwrap_or_default()
    }
}

/// What a value is that is not passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) enum Kind {
    /// Between two quotation marks.
    Text,
    /// Digits.
    Number,
    /// From brace to brace.
    Object,
}

/// A text, without its quotation marks, a number, or an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) struct Value {
    pub(in crate::decode) span: Span,
    pub(in crate::decode) kind: Kind,
}
