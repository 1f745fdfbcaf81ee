//! Texts that stand for one removal, and for a place in a list of removals: programs keep them and
//! give them back, and look into neither. It asks nothing.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The name of one removal. It is the same in every store, and stays when the time or the kind of
/// the removal are learnt better. As a text it may stand in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletionName {
    /// The bucket.
    pub bucket: String,
    /// The key; `None` when no source says which one it was.
    pub key: Option<String>,
    /// What tells it from the other removals of the key.
    pub identity: String,
}

/// What stands between the parts of a name: no text holds it.
const SEPARATOR: u8 = 0xff;

impl DeletionName {
    /// Reads what it is displayed as; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let parts: Vec<&[u8]> = bytes.split(|byte| *byte == SEPARATOR).collect();
        let [bucket, key, identity] = parts.try_into().ok()?;
        let text = |part: &[u8]| String::from_utf8(part.to_vec()).ok();
        let key = text(key)?;
        Some(Self {
            bucket: text(bucket)?,
            key: Some(key).filter(|key| !key.is_empty()),
            identity: text(identity)?,
        })
    }
}

impl fmt::Display for DeletionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_deref().unwrap_or_default();
        let parts = [self.bucket.as_bytes(), key.as_bytes(), self.identity.as_bytes()];
        f.write_str(&URL_SAFE_NO_PAD.encode(parts.join(&SEPARATOR)))
    }
}

/// A place in a list of removals that is sorted from the newest to the oldest: what comes in
/// meanwhile neither moves it nor makes anything be listed twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Event time of the removal before it, in milliseconds.
    pub(in crate::store) at: i64,
    /// The row of its key.
    pub(in crate::store) slot_id: i64,
    /// What tells it from the other removals of the key.
    pub(in crate::store) identity: String,
}

impl Cursor {
    /// Reads what it is displayed as, pairs of hexadecimal digits; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        let bytes: Vec<u8> = pairs.iter().copied().map(byte_of).collect::<Option<_>>()?;
        let (at, rest) = bytes.split_first_chunk()?;
        let (slot_id, identity) = rest.split_first_chunk()?;
        Some(Self {
            at: i64::from_be_bytes(*at),
            slot_id: i64::from_be_bytes(*slot_id),
            // A place that nothing is at is a place all the same.
            identity: String::from_utf8_lossy(identity).into_owned(),
        })
    }
}

fn byte_of([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    Some(digit(high)? << 4 | digit(low)?)
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.at.cast_unsigned(), self.slot_id.cast_unsigned())?;
        self.identity.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_reads_back_as_what_it_was(
            bucket in any::<String>(),
            key in proptest::option::of("(?s).{1,20}"),
            identity in any::<String>(),
        ) {
            let name = DeletionName { bucket, key, identity };
            let text = name.to_string();
            prop_assert!(text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it)));
            prop_assert_eq!(DeletionName::parse(&text), Some(name));
        }

        #[test]
        fn a_place_reads_back_as_what_it_was(
            at in any::<i64>(),
            slot_id in any::<i64>(),
            identity in any::<String>(),
        ) {
            let cursor = Cursor { at, slot_id, identity };
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }

        #[test]
        fn whatever_else_is_sent_is_no_name_or_another_one(text in any::<String>()) {
            // Nothing panics.
            let _ = Cursor::parse(&text);
            if let Some(name) = DeletionName::parse(&text) {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
