//! The marks of a block with plain arithmetic on eight bytes at a time.

use super::parity;

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// Multiplied with the lowest bit of each byte, it brings them together in the highest byte, the
/// first byte's lowest.
const GATHER: u64 = 0x0102_0408_1020_4080;

super::advance_with!(8 bytes at 0 1 2 3 4 5 6 7;);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as the wider kernels load")]
fn load(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

fn equal(words: [u64; 8], byte: u8) -> u64 {
    words.iter().rev().fold(0, |found, &word| found << 8 | equal_in(word, byte))
}

/// Which of the eight bytes are `byte`.
const fn equal_in(word: u64, byte: u8) -> u64 {
    let differing = word ^ (LOW_BITS * byte as u64);
    // The highest bit of each byte is set if any of its lower ones is.
    let lower = (differing & !HIGH_BITS) + !HIGH_BITS;
    let same = !(lower | differing) & HIGH_BITS;
    (same >> 7).wrapping_mul(GATHER) >> 56
}
