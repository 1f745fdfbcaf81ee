//! The marks of a block with 16 bytes at a time, on 64-bit ARM.
#![expect(unsafe_code, reason = "bytes are loaded through a pointer")]

use std::arch::aarch64::{
    uint8x16_t, vandq_u8, vceqq_u8, vdupq_n_u8, vgetq_lane_u64, vld1q_u8, vpaddq_u8,
    vreinterpretq_u64_u8,
};

use super::parity;

/// The bit that each of eight bytes stands for in one byte, twice.
const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];

super::advance_with!(16 bytes at 0 1 2 3; #[target_feature(enable = "neon")]);

#[target_feature(enable = "neon")]
#[inline]
fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the 16 bytes that are read are those of the array, and need no alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
fn equal(quarters: [uint8x16_t; 4], byte: u8) -> u64 {
    let bits = load(&BITS);
    let wanted = vdupq_n_u8(byte);
    let [a, b, c, d] = quarters.map(|quarter| vandq_u8(vceqq_u8(quarter, wanted), bits));
    // Neighbours are added three times: of each eight bytes one is left.
    let sixteenths = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sixteenths, sixteenths)))
}
