//! Finds the end of one JSON value, resumable at any byte. It follows strings and brackets with
//! counters only, so depth costs nothing; what the value says is not its business.
//!
//! Records are objects, and go through vector instructions; the rest is rare.

use std::mem;

use memchr::{memchr2, memchr3};

use crate::decode::structure::{Level, Progress, Room};

/// How far a value has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// A string; its opening quote was read or not.
    Text { is_open: bool, is_escaped: bool },
    /// A number, `true`, `false` or `null`: ends before the first byte that cannot be part of it.
    Scalar,
    /// An object.
    Object(Progress),
    /// A list. Only square brackets are counted: they alone tell its end. `text` is set inside a
    /// string, and says whether its next byte is escaped.
    List { depth: u64, text: Option<bool> },
}

impl Scan {
    /// The scan of the value that begins with `first`; `None` when no value does.
    pub(super) fn of(first: u8) -> Option<Self> {
        match first {
            b'{' => Some(Self::Object(Progress::default())),
            b'[' => Some(Self::List { depth: 0, text: None }),
            b'"' => Some(Self::Text { is_open: false, is_escaped: false }),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => Some(Self::Scalar),
            _ => None,
        }
    }

    /// Reads on, and gives the length of what belongs to the value when it ends in `rest`. Puts
    /// the marks of an object into `room`.
    pub(super) fn advance(&mut self, rest: &[u8], level: Level, room: &mut Room) -> Option<usize> {
        match self {
            Self::Text { is_open, is_escaped } => {
                let skipped = usize::from(!mem::replace(is_open, true));
                end_of_text(&rest[skipped..], is_escaped).map(|end| skipped + end)
            }
            Self::Scalar => rest.iter().position(|byte| {
                !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
            }),
            Self::Object(progress) => level.advance(rest, progress, room),
            Self::List { depth, text } => end_of_list(rest, depth, text),
        }
    }
}

/// The length up to and with the closing quote.
pub(super) fn end_of_text(rest: &[u8], is_escaped: &mut bool) -> Option<usize> {
    let mut at = usize::from(mem::take(is_escaped) && !rest.is_empty());
    while let Some(found) = memchr2(b'"', b'\\', &rest[at..]) {
        let position = at + found;
        if rest[position] == b'"' {
            return Some(position + 1);
        }
        at = position + 2;
        if at > rest.len() {
            *is_escaped = true;
            return None;
        }
    }
    None
}

/// The length up to and with the bracket that closes the first one.
fn end_of_list(rest: &[u8], depth: &mut u64, text: &mut Option<bool>) -> Option<usize> {
    let mut at = 0;
    loop {
        if let Some(is_escaped) = text {
            at += end_of_text(&rest[at..], is_escaped)?;
            *text = None;
        }
        at += memchr3(b'"', b'[', b']', &rest[at..])? + 1;
        match rest[at - 1] {
            b'"' => *text = Some(false),
            b'[' => *depth += 1,
            _ => {
                *depth -= 1;
                if *depth == 0 {
                    return Some(at);
                }
            }
        }
    }
}
