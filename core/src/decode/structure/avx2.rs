//! The marks of a block with 32 bytes at a time, on x86-64 with AVX2.
#![expect(unsafe_code, reason = "bytes are loaded through a pointer")]

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8,
};

super::advance_with!(32 bytes at 0 1; #[target_feature(enable = "avx2,pclmulqdq,popcnt")]);

#[target_feature(enable = "avx2,pclmulqdq,popcnt")]
#[inline]
fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: the 32 bytes that are read are those of the array, and need no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,pclmulqdq,popcnt")]
#[inline]
fn equal([low, high]: [__m256i; 2], byte: u8) -> u64 {
    let wanted = _mm256_set1_epi8(byte.cast_signed());
    let of_half = |half| _mm256_movemask_epi8(_mm256_cmpeq_epi8(half, wanted)).cast_unsigned();
    u64::from(of_half(low)) | u64::from(of_half(high)) << 32
}

/// As [`super::parity`]: a product without carries with all ones adds each bit to all above it.
#[target_feature(enable = "avx2,pclmulqdq,popcnt")]
#[inline]
fn parity(bits: u64) -> u64 {
    let bits = _mm_set_epi64x(0, bits.cast_signed());
    let product = _mm_clmulepi64_si128::<0>(bits, _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product).cast_unsigned()
}

/// [`super::has_control`], with vectors of this size.
#[target_feature(enable = "avx2,pclmulqdq,popcnt")]
pub(super) fn has_control(bytes: &[u8]) -> bool {
    super::has_control(bytes)
}
