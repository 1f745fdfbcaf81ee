//! The hash that digests name a file by: SHA-256 of what its gzip stream inflates to, and what
//! follows behind that stream. It does not look at what the bytes say.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::super::error::DecodeError;
use super::super::inflate::Inflater;

/// A SHA-256 sum; written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Sum([u8; 32]);

/// What a whole file amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashed {
    /// The sum of what the first gzip member inflates to; of plain bytes, theirs.
    pub sha256: Sha256Sum,
    /// Bytes of the file, as they are stored.
    pub stored_bytes: u64,
    /// Bytes behind the first gzip member, further members included: CloudTrail writes one, and
    /// whoever added something may have hidden it there.
    pub appended_bytes: u64,
}

/// The hash of one file, as its bytes arrive.
pub struct ContentHash {
    inflater: Inflater,
    running: Sha256,
    /// The sum at the end of the first member, and how many bytes were used by then.
    first: Option<(Sha256Sum, u64)>,
}

/// The hash of one file that is kept whole, as its bytes arrive.
pub struct Contents {
    hash: ContentHash,
    document: Vec<u8>,
}

impl Sha256Sum {
    /// The sum of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        decode_hexadecimal(text)?.try_into().ok().map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Sum({self})")
    }
}

/// The bytes that pairs of hexadecimal digits stand for, however many there are.
#[must_use]
pub fn decode_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |&[high, low]: &[u8; 2]| Some(digit(high)? << 4 | digit(low)?);
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

impl ContentHash {
    /// A hash of a file that inflates to `inflated_bytes_max` at most.
    #[must_use]
    pub fn new(inflated_bytes_max: u64) -> Self {
        Self { inflater: Inflater::new(inflated_bytes_max), running: Sha256::new(), first: None }
    }

    /// Takes the next bytes of the file, cut anywhere.
    ///
    /// # Errors
    /// When the stream is broken or too large.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.push_and_see(bytes, |_| {})
    }

    /// The sum, when no bytes follow.
    ///
    /// # Errors
    /// When the stream ended early.
    pub fn finish(mut self) -> Result<Hashed, DecodeError> {
        self.inflater.finish()?;
        let stored_bytes = self.inflater.compressed_bytes();
        let whole = || (Sha256Sum(self.running.clone().finalize().into()), stored_bytes);
        let (sha256, used) = self.first.unwrap_or_else(whole);
        Ok(Hashed { sha256, stored_bytes, appended_bytes: stored_bytes - used })
    }

    fn push_and_see(
        &mut self,
        bytes: &[u8],
        mut see: impl FnMut(&[u8]),
    ) -> Result<(), DecodeError> {
        let mut rest = bytes;
        loop {
            let step = self.inflater.step(rest)?;
            rest = &rest[step.consumed..];
            let is_window_full = step.is_window_full;
            if self.first.is_none() {
                self.running.update(step.bytes);
                see(step.bytes);
            }
            if self.first.is_none() && self.inflater.members() == 1 {
                let sum = Sha256Sum(self.running.clone().finalize().into());
                self.first = Some((sum, self.inflater.compressed_bytes()));
            }
            if rest.is_empty() && !is_window_full {
                return Ok(());
            }
        }
    }
}

impl Contents {
    /// Keeps a file that inflates to `inflated_bytes_max` at most.
    #[must_use]
    pub fn new(inflated_bytes_max: u64) -> Self {
        Self { hash: ContentHash::new(inflated_bytes_max), document: Vec::new() }
    }

    /// Takes the next bytes of the file, cut anywhere.
    ///
    /// # Errors
    /// When the stream is broken or too large.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let document = &mut self.document;
        self.hash.push_and_see(bytes, |inflated| document.extend_from_slice(inflated))
    }

    /// The document of the first member and the sum, when no bytes follow.
    ///
    /// # Errors
    /// When the stream ended early.
    pub fn finish(self) -> Result<(Vec<u8>, Hashed), DecodeError> {
        Ok((self.document, self.hash.finish()?))
    }
}
