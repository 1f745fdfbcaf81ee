//! The bytes of chosen records of a log object, as they stand there: what evidence was read from,
//! for people to see. It makes nothing of them, and does not say whether the object is whole: that
//! was seen when evidence was read from it.

use std::collections::BTreeSet;

use super::error::DecodeError;
use super::inflate::Inflater;
use super::log::{Format, Limits};
use super::records::Element;
use super::structure::Marked;

/// A record as it stands in its log object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// The position among the records of the object, as in [`super::Located`].
    pub record_index: u64,
    /// Its bytes, inflated; `None` when it has more than the limit.
    pub bytes: Option<Vec<u8>>,
}

/// The reader of some records of one log object. It holds those that it has found, each of at most
/// the limit for a record.
pub struct RawRecords {
    inflater: Inflater,
    format: Format,
    found: Found,
}

/// What is looked for, and what was found.
struct Found {
    wanted: BTreeSet<u64>,
    records: u64,
    raw: Vec<RawRecord>,
}

impl Found {
    fn see(&mut self, element: Element<'_>) {
        let record_index = self.records;
        self.records += 1;
        if !self.wanted.remove(&record_index) {
            return;
        }
        let bytes = match element {
            Element::TooLarge => None,
            Element::Object(Marked { bytes, .. }) | Element::Whole(bytes) => Some(bytes.to_vec()),
        };
        self.raw.push(RawRecord { record_index, bytes });
    }
}

impl RawRecords {
    /// A reader of the records at these positions.
    #[must_use]
    pub fn new(limits: Limits, wanted: impl IntoIterator<Item = u64>) -> Self {
        Self {
            inflater: Inflater::new(limits.inflated_bytes_max),
            format: Format::new(limits.record_bytes_max),
            found: Found { wanted: wanted.into_iter().collect(), records: 0, raw: Vec::new() },
        }
    }

    /// Reads the next bytes of the object, cut anywhere. Whether all records were found: then no
    /// more bytes are needed.
    ///
    /// # Errors
    /// When the object is broken, too large, or of no known format.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, DecodeError> {
        let mut rest = bytes;
        loop {
            let step = self.inflater.step(rest)?;
            rest = &rest[step.consumed..];
            let is_window_full = step.is_window_full;
            self.format.push(step.bytes, &mut |_, element| self.found.see(element))?;
            let has_all = self.found.wanted.is_empty();
            if has_all || (rest.is_empty() && !is_window_full) {
                return Ok(has_all);
            }
        }
    }

    /// What was found, in the order of the object, when no bytes follow or none are needed.
    ///
    /// # Errors
    /// When records are missing because the object ended early.
    pub fn finish(mut self) -> Result<Vec<RawRecord>, DecodeError> {
        if !self.found.wanted.is_empty() {
            self.inflater.finish()?;
            self.format.finish(&mut |_, element| self.found.see(element))?;
        }
        Ok(self.found.raw)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { inflated_bytes_max: 1 << 20, record_bytes_max: 64 };

    fn read(
        object: &[u8],
        wanted: &[u64],
        piece: usize,
    ) -> Result<Vec<(u64, Option<String>)>, DecodeError> {
        let mut records = RawRecords::new(LIMITS, wanted.iter().copied());
        for piece in object.chunks(piece) {
            if records.push(piece)? {
                break;
            }
        }
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let raw = records.finish()?.into_iter();
        Ok(raw.map(|raw| (raw.record_index, raw.bytes.map(text))).collect())
    }

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_record_is_given_as_it_stands() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(80));
        let object = packed(&format!(r#"{{"Records":[ {{"n":0}} ,{{"n" : 1}},{long},7]}}"#));
        for piece in [1, 7, object.len()] {
            let told = |index: u64, text: &str| (index, Some(text.to_owned()));
            assert_eq!(read(&object, &[1], piece).unwrap(), [told(1, r#"{"n" : 1}"#)]);
            let all = read(&object, &[3, 0, 2], piece).unwrap();
            assert_eq!(all, [told(0, r#"{"n":0}"#), (2, None), told(3, "7")]);
            assert_eq!(read(&object, &[9], piece).unwrap(), []);
        }
    }

    #[test]
    fn lines_are_records_too() {
        let line = |key: &str| {
            let at = "[23/Nov/2026:10:00:00 +0000]";
            format!("owner b {at} 1.2.3.4 - R REST.DELETE.OBJECT {key} \"-\" 204")
        };
        let limits = Limits { record_bytes_max: 1 << 10, ..LIMITS };
        let mut records = RawRecords::new(limits, [1]);
        let text = format!("{}\n\n{}\n", line("a"), line("b"));
        records.push(text.as_bytes()).unwrap();
        let raw = records.finish().unwrap();
        assert_eq!(raw[0].bytes.as_deref(), Some(line("b").as_bytes()));
    }

    #[test]
    fn an_object_that_ends_early_is_not_taken_for_one_without_the_record() {
        let object = packed(r#"{"Records":[{"n":0},{"n":1}]}"#);
        assert!(read(&object[..object.len() - 9], &[5], 8).is_err());
        assert!(read(b"nothing of the kind", &[0], 8).is_err());
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, &[0, 3], 7);
            let _ = read(&[b"{\"Records\":[".as_slice(), &bytes].concat(), &[0, 3], 7);
        }
    }
}
