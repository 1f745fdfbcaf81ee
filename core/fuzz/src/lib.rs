//! What the fuzz targets share: ways to cut an object into the pieces in which it may arrive, and
//! what of a decoding must not depend on them. It knows no format.

use deltrail_core::decode::fuzzing::{Outcome, decode_at_each_level};
use deltrail_core::decode::{Limits, LogDecoder, LogPath, Wanted};

/// Small, so that the fuzzer reaches them.
pub const LIMITS: Limits = Limits { inflated_bytes_max: 1 << 20, record_bytes_max: 16 << 10 };

/// `bytes` in pieces whose lengths are thrown with what is in them, so that an input stays what a
/// person can read and is cut in the same way each time.
#[must_use]
pub fn cut(bytes: &[u8]) -> Vec<&[u8]> {
    let mut seed = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let thrown = usize::try_from(seed >> 33).unwrap_or(1);
        // Many pieces of a byte or two, and now and then a long one.
        let longest = [1, 3, 70, 5_000][thrown % 4];
        let (piece, behind) = rest.split_at((1 + thrown / 4 % longest).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// What an object gives, having made sure that neither the instructions nor the pieces matter.
/// Where in the compressed bytes an error was noticed does depend on the pieces.
///
/// # Panics
/// When they do.
#[must_use]
pub fn decode(object: &[u8], wanted: Wanted) -> Outcome {
    let mut each = decode_at_each_level(object, LIMITS, wanted);
    let first = each.next().expect("one level that any processor has");
    for other in each {
        assert_eq!(other, first, "by the instructions");
    }
    match (&decode_pieces(&cut(object), wanted), &first) {
        (Err(in_pieces), Err(whole)) => assert_eq!(in_pieces.kind(), whole.kind()),
        (in_pieces, whole) => assert_eq!(in_pieces, whole, "by the pieces"),
    }
    first
}

fn decode_pieces(pieces: &[&[u8]], wanted: Wanted) -> Outcome {
    let mut decoder = LogDecoder::new(LIMITS, LogPath::default()).wanting(wanted);
    for piece in pieces {
        decoder.push(piece)?;
    }
    let summary = decoder.finish()?;
    Ok((decoder.take(), summary))
}
