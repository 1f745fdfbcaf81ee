//! Identifiers as AWS forms them, drawn from a seed, so that the same seed gives the same day.
//! It knows their shapes and not what they name.

use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;

const UPPER_ALPHANUMERIC: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A source of identifiers; clones share one sequence.
#[derive(Debug, Clone)]
pub struct Identifiers {
    random: Arc<Mutex<Rng>>,
}

impl Identifiers {
    /// The sequence of `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { random: Arc::new(Mutex::new(Rng::with_seed(seed))) }
    }

    /// An S3 request id: 16 upper-case letters and digits.
    #[must_use]
    pub fn request_id(&self) -> String {
        self.letters(UPPER_ALPHANUMERIC, 16)
    }

    /// An S3 extended request id (`x-amz-id-2`): 76 characters of base64.
    #[must_use]
    pub fn host_id(&self) -> String {
        self.letters(ALPHANUMERIC, 75) + "="
    }

    /// An object version id: 32 letters and digits.
    #[must_use]
    pub fn version_id(&self) -> String {
        self.letters(ALPHANUMERIC, 32)
    }

    /// The 16 characters at the end of a CloudTrail file's name, and of an access-log object's.
    #[must_use]
    pub fn file_suffix(&self) -> String {
        self.letters(UPPER_ALPHANUMERIC, 16)
    }

    /// A random (version 4) UUID, as event ids, message ids and SQS request ids are.
    #[must_use]
    pub fn uuid(&self) -> String {
        let random = self.with(|random| random.u128(..));
        let bits = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }

    /// A number in `range`, for whatever else chance decides.
    #[must_use]
    pub fn number(&self, range: std::ops::Range<u64>) -> u64 {
        self.with(|random| random.u64(range))
    }

    fn letters(&self, alphabet: &[u8], count: usize) -> String {
        self.with(|random| {
            (0..count).map(|_| alphabet[random.usize(..alphabet.len())] as char).collect()
        })
    }

    fn with<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::Identifiers;

    #[test]
    fn the_same_seed_gives_the_same_identifiers() {
        let (one, other) = (Identifiers::seeded(7), Identifiers::seeded(7));
        assert_eq!(one.request_id(), other.request_id());
        assert_eq!(one.uuid(), other.uuid());
        assert_ne!(one.uuid(), Identifiers::seeded(8).uuid());
    }

    #[test]
    fn a_uuid_says_that_it_is_random() {
        let uuid = Identifiers::seeded(1).uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4", "{uuid}");
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
    }

    #[test]
    fn identifiers_have_the_length_that_aws_gives_them() {
        let identifiers = Identifiers::seeded(1);
        assert_eq!(identifiers.request_id().len(), 16);
        assert_eq!(identifiers.host_id().len(), 76);
        assert_eq!(identifiers.version_id().len(), 32);
        assert_eq!(identifiers.file_suffix().len(), 16);
    }
}
