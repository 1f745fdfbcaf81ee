//! The marks of a block with 16 bytes at a time, on any x86-64.
#![expect(unsafe_code, reason = "bytes are loaded through a pointer")]

use std::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8,
};

use super::parity;

super::advance_with!(16 bytes at 0 1 2 3; #[target_feature(enable = "sse2")]);

#[target_feature(enable = "sse2")]
#[inline]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the 16 bytes that are read are those of the array, and need no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "sse2")]
#[inline]
fn equal(quarters: [__m128i; 4], byte: u8) -> u64 {
    let wanted = _mm_set1_epi8(byte.cast_signed());
    let of_quarter = |quarter| {
        let same = _mm_movemask_epi8(_mm_cmpeq_epi8(quarter, wanted));
        u64::from(same.cast_unsigned())
    };
    let [a, b, c, d] = quarters.map(of_quarter);
    a | b << 16 | c << 32 | d << 48
}
