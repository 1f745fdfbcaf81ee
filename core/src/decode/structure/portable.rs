//! The marks of a block with plain arithmetic on eight bytes at a time.

use super::{Bytes, parity};

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// Multiplied with the lowest bit of each byte, it brings them together in the highest byte, the
/// first byte's lowest.
const GATHER: u64 = 0x0102_0408_1020_4080;

super::advance_with!();

fn bytes_of(block: &[u8; 64]) -> Bytes {
    let mut found = Bytes { quotes: 0, backslashes: 0, opens: 0, closes: 0 };
    let (words, _) = block.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let at = place * 8;
        found.quotes |= equal(word, b'"') << at;
        found.backslashes |= equal(word, b'\\') << at;
        found.opens |= equal(word, b'{') << at;
        found.closes |= equal(word, b'}') << at;
    }
    found
}

/// Which of the eight bytes are `byte`.
const fn equal(word: u64, byte: u8) -> u64 {
    let differing = word ^ (LOW_BITS * byte as u64);
    // The highest bit of each byte is set if any of its lower ones is.
    let lower = (differing & !HIGH_BITS) + !HIGH_BITS;
    let same = !(lower | differing) & HIGH_BITS;
    (same >> 7).wrapping_mul(GATHER) >> 56
}
