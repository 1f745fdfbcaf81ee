//! Cuts a JSON document into the elements of its list of records, as the bytes arrive. It reads
//! structure only: what is inside an element is for the reader of records to judge.
//!
//! It follows strings and braces with counters instead of recursion, so depth costs nothing, and
//! holds at most one element. An element that lies in one piece of input is handed out in place, an
//! object with the places of its strings.

mod scan;
#[cfg(test)]
mod tests;

use self::scan::{Scan, end_of_text};
use super::error::{DOCUMENT_START, DecodeError};
use super::excerpt::escaped_excerpt_of_bytes;
use super::lent::{Lend, Lent};
use super::structure::{Level, Marked, Room};

/// Raw bytes of a top-level key that are kept: enough for the longest one that matters with every
/// character escaped as `\uXXXX`.
const KEY_BYTES_MAX: usize = 128;

/// The key that lines of JSON have, and documents have not.
const LINE_KEY: &str = "deltrail";

/// Room for carried elements that is kept for the next one; a larger one is given back.
const CARRIED_BYTES_KEPT: usize = 64 * 1024;

pub(super) const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// One element of the list of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element<'a> {
    /// An object.
    Object(Marked<'a>),
    /// Anything else: its bytes, without whitespace around them.
    Whole(&'a [u8]),
    /// It was larger than the limit and its bytes are gone.
    TooLarge,
}

/// What the top level of a document held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// A list of records, even an empty one.
    pub(super) has_records: bool,
    /// The keys of a digest file.
    pub(super) is_digest: bool,
    /// Bytes behind the end of the document that are not whitespace.
    pub(super) trailing_bytes: u64,
}

/// Where in the document the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Inside a possible byte order mark; so many bytes of it were seen.
    Mark(usize),
    /// Before the document's first brace or bracket.
    Start,
    /// Before a key; a closing brace may come instead when the object is empty so far.
    Key { may_close: bool },
    /// Inside a key.
    InKey { is_escaped: bool },
    /// Between a key and its colon.
    Colon,
    /// Before the value of a key.
    Value,
    /// Behind a value of the top-level object.
    AfterValue,
    /// Before an element; a closing bracket may come instead when the list is empty so far.
    Element { may_close: bool },
    /// Behind an element.
    AfterElement,
    /// Inside a value of the top-level object (`is_element` false) or inside an element.
    Inside { scan: Scan, is_element: bool },
    /// Behind the document.
    End,
    /// Behind a key that tells that this is a line, not a document. Nothing more is read.
    Line,
}

/// The splitter of one document.
#[derive(Debug)]
pub(super) struct Splitter {
    place: Place,
    /// Whether the list of records is the document itself.
    is_bare_list: bool,
    key: Vec<u8>,
    /// The part of the current element that came with earlier input.
    carried: Vec<u8>,
    /// Room for the marks of an element.
    room: Lent<Room>,
    level: Level,
    is_too_large: bool,
    record_bytes_max: usize,
    offset: u64,
    began_at: Option<u64>,
    shape: Shape,
}

impl Splitter {
    /// A splitter that gives up on elements of more than `record_bytes_max` bytes.
    pub(super) fn new(record_bytes_max: usize) -> Self {
        Self::at_level(record_bytes_max, Level::best())
    }

    /// [`Splitter::new`], with these instructions.
    pub(super) fn at_level(record_bytes_max: usize, level: Level) -> Self {
        Self {
            place: Place::Mark(0),
            is_bare_list: false,
            key: Vec::new(),
            carried: Vec::new(),
            room: Lent::none(),
            level,
            is_too_large: false,
            record_bytes_max,
            offset: 0,
            began_at: None,
            shape: Shape { has_records: false, is_digest: false, trailing_bytes: 0 },
        }
    }

    /// Reads `bytes` and hands each element that ends in them to `emit`.
    ///
    /// # Errors
    /// When the bytes cannot be part of a JSON document at this place.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        mut emit: impl FnMut(Element<'_>),
    ) -> Result<(), DecodeError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let used = match self.place {
                Place::Inside { scan, is_element } => {
                    self.read_inside(scan, is_element, rest, &mut emit)
                }
                Place::InKey { is_escaped } => self.read_key(is_escaped, rest),
                Place::Line => return Ok(()),
                Place::End => {
                    let is_content = |byte: &&u8| !byte.is_ascii_whitespace();
                    self.shape.trailing_bytes += rest.iter().filter(is_content).count() as u64;
                    rest.len()
                }
                _ => self.read_structure(rest)?,
            };
            self.offset += used as u64;
            rest = &rest[used..];
        }
        Ok(())
    }

    /// Bytes that were read.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the document's first brace or bracket is, when it has come.
    pub(super) const fn began_at(&self) -> Option<u64> {
        self.began_at
    }

    /// Whether what began like a document is a line of a declared intent. Nothing is read behind
    /// the key that told so.
    pub(super) const fn is_line(&self) -> bool {
        matches!(self.place, Place::Line)
    }

    /// Whether it may still turn out to be one.
    pub(super) const fn may_be_line(&self) -> bool {
        !self.shape.has_records && !matches!(self.place, Place::End)
    }

    /// Bytes of memory that a part of an element holds until the rest of it comes.
    pub(super) const fn held_bytes(&self) -> usize {
        let marks = match self.room.held() {
            Some(room) => room.held_bytes(),
            None => 0,
        };
        self.carried.capacity() + marks
    }

    /// Says that no input follows.
    ///
    /// # Errors
    /// When it ended inside the document.
    pub(super) fn finish(&mut self) -> Result<Shape, DecodeError> {
        // For the next one of this thread.
        self.room.leave();
        match self.place {
            Place::End => Ok(self.shape),
            _ => Err(DecodeError::TruncatedJson { offset: self.offset }),
        }
    }

    /// Reads one byte between values. It may stay unread when it belongs to what comes next.
    fn read_structure(&mut self, rest: &[u8]) -> Result<usize, DecodeError> {
        let byte = rest[0];
        if let Place::Mark(seen) = self.place {
            return self.read_mark(seen, rest);
        }
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            return Ok(1);
        }
        if self.place == Place::Start && matches!(byte, b'{' | b'[') {
            self.began_at = Some(self.offset);
        }
        self.place = match (self.place, byte) {
            (Place::Start, b'{') => Place::Key { may_close: true },
            (Place::Start, b'[') => {
                self.is_bare_list = true;
                self.enter_records()
            }
            (Place::Key { .. }, b'"') => {
                self.key.clear();
                Place::InKey { is_escaped: false }
            }
            (Place::Key { may_close: true } | Place::AfterValue, b'}') => Place::End,
            (Place::Colon, b':') => Place::Value,
            (Place::Value, b'[') if self.is_key("Records") => self.enter_records(),
            (Place::Value, _) => self.enter_value(rest, false)?,
            (Place::AfterValue, b',') => Place::Key { may_close: false },
            (Place::Element { may_close: true } | Place::AfterElement, b']') => {
                if self.is_bare_list { Place::End } else { Place::AfterValue }
            }
            (Place::Element { .. }, _) => self.enter_value(rest, true)?,
            (Place::AfterElement, b',') => Place::Element { may_close: false },
            _ => return Err(self.not_json(rest)),
        };
        // The first byte of a value is read with the value.
        Ok(usize::from(!matches!(self.place, Place::Inside { .. })))
    }

    fn read_mark(&mut self, seen: usize, rest: &[u8]) -> Result<usize, DecodeError> {
        if BYTE_ORDER_MARK.get(seen) == Some(&rest[0]) {
            self.place = Place::Mark(seen + 1);
            return Ok(1);
        }
        // Half a mark is no JSON.
        if seen != 0 && seen != BYTE_ORDER_MARK.len() {
            return Err(self.not_json(rest));
        }
        self.place = Place::Start;
        Ok(0)
    }

    const fn enter_records(&mut self) -> Place {
        self.shape.has_records = true;
        Place::Element { may_close: true }
    }

    fn enter_value(&self, rest: &[u8], is_element: bool) -> Result<Place, DecodeError> {
        let scan = Scan::of(rest[0]).ok_or_else(|| self.not_json(rest))?;
        Ok(Place::Inside { scan, is_element })
    }

    fn read_key(&mut self, mut is_escaped: bool, rest: &[u8]) -> usize {
        let end = end_of_text(rest, &mut is_escaped);
        let used = end.unwrap_or(rest.len());
        let room = (KEY_BYTES_MAX + 1).saturating_sub(self.key.len());
        self.key.extend(&rest[..used.min(room)]);
        if end.is_none() {
            self.place = Place::InKey { is_escaped };
            return used;
        }
        // The closing quote was kept with the key, unless the key was too long anyway.
        if self.key.last() == Some(&b'"') {
            self.key.pop();
        }
        self.shape.is_digest |= self.is_key("digestS3Object") || self.is_key("digestEndTime");
        let is_line = !self.shape.has_records && self.is_key(LINE_KEY);
        self.place = if is_line { Place::Line } else { Place::Colon };
        used
    }

    /// Whether the key just read is `name`, written with escapes or without.
    fn is_key(&self, name: &str) -> bool {
        if !self.key.contains(&b'\\') {
            return self.key == name.as_bytes();
        }
        let quoted = [b"\"", self.key.as_slice(), b"\""].concat();
        serde_json::from_slice::<String>(&quoted).is_ok_and(|key| key == name)
    }

    fn read_inside(
        &mut self,
        mut scan: Scan,
        is_element: bool,
        rest: &[u8],
        emit: &mut impl FnMut(Element<'_>),
    ) -> usize {
        let end = scan.advance(rest, self.level, self.room.get());
        let used = end.unwrap_or(rest.len());
        self.place = match (end.is_some(), is_element) {
            (false, _) => Place::Inside { scan, is_element },
            (true, true) => Place::AfterElement,
            (true, false) => Place::AfterValue,
        };
        if !is_element {
            return used;
        }
        let piece = &rest[..used];
        self.is_too_large |= self.carried.len() + piece.len() > self.record_bytes_max;
        match (end.is_some(), self.is_too_large) {
            (false, true) => self.carried = Vec::new(),
            (false, false) => self.carried.extend(piece),
            (true, true) => {
                emit(Element::TooLarge);
                self.forget_element();
            }
            (true, false) if self.carried.is_empty() => match scan {
                Scan::Object(progress) => {
                    emit(Element::Object(progress.marked(piece, self.room.get(), self.level)));
                }
                Scan::Text { .. } | Scan::Scalar | Scan::List { .. } => emit(Element::Whole(piece)),
            },
            (true, false) => self.end_carried(piece, emit),
        }
        used
    }

    /// Hands out an element whose last piece this is.
    fn end_carried(&mut self, piece: &[u8], emit: &mut impl FnMut(Element<'_>)) {
        self.carried.extend(piece);
        // The marks of its pieces are not in step with its bytes, so it is looked through again.
        match Marked::of(&self.carried, self.level, self.room.get()) {
            Some(marked) => emit(Element::Object(marked)),
            None => emit(Element::Whole(&self.carried)),
        }
        self.forget_element();
    }

    fn forget_element(&mut self) {
        self.carried.clear();
        self.carried.shrink_to(CARRIED_BYTES_KEPT);
        self.room.get().tidy();
        self.is_too_large = false;
    }

    fn not_json(&self, rest: &[u8]) -> DecodeError {
        let expected = match self.place {
            Place::Mark(_) | Place::Start => DOCUMENT_START,
            Place::Key { .. } => "a key or the end of the object",
            Place::Colon => "a colon",
            Place::AfterValue => "a comma or the end of the object",
            Place::Element { .. } => "a record or the end of the list",
            Place::AfterElement => "a comma or the end of the list of records",
            _ => "a value",
        };
        let found = escaped_excerpt_of_bytes(&rest[..1], 8);
        DecodeError::NotJson { offset: self.offset, found, expected }
    }
}
