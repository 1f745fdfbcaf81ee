//! The inflater against streams that are whole, cut, damaged, joined and hostile.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::{DecodeError, Inflater, WINDOW_BYTES};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What the chunks inflate to, and how many bytes follow the last member.
fn inflate(chunks: &[&[u8]], limit: u64) -> Result<(Vec<u8>, u64), DecodeError> {
    let mut gunzip = Inflater::new(limit);
    let mut inflated = Vec::new();
    for chunk in chunks {
        let mut rest = *chunk;
        loop {
            let step = gunzip.step(rest)?;
            rest = &rest[step.consumed..];
            inflated.extend(step.bytes);
            if rest.is_empty() && !step.is_window_full {
                break;
            }
        }
    }
    gunzip.finish()?;
    let compressed: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    assert_eq!(gunzip.compressed_bytes(), compressed as u64);
    assert_eq!(gunzip.inflated_bytes(), inflated.len() as u64);
    Ok((inflated, gunzip.trailing_bytes()))
}

fn whole(bytes: &[u8]) -> Result<(Vec<u8>, u64), DecodeError> {
    inflate(&[bytes], u64::MAX)
}

#[test]
fn members_are_joined() {
    let mut bytes = gzip(b"one ");
    bytes.extend(gzip(b""));
    bytes.extend(gzip(b"two"));
    assert_eq!(whole(&bytes), Ok((b"one two".to_vec(), 0)));
}

#[test]
fn plain_bytes_pass_through() {
    assert_eq!(whole(b"{}"), Ok((b"{}".to_vec(), 0)));
    assert_eq!(whole(b""), Ok((Vec::new(), 0)));
    assert_eq!(whole(b"\x1f{}"), Ok((b"\x1f{}".to_vec(), 0)));
    assert_eq!(inflate(&[b"\x1f", b"{}"], 9), Ok((b"\x1f{}".to_vec(), 0)));
}

#[test]
fn what_follows_the_last_member_is_counted() {
    for tail in [&b"garbage"[..], &[0; 512], b"\x1f\x8bno", b"\x1f\x8b\x08\xff"] {
        let mut bytes = gzip(b"content");
        bytes.extend(tail);
        assert_eq!(whole(&bytes), Ok((b"content".to_vec(), tail.len() as u64)));
        let (head, end) = bytes.split_at(bytes.len() - tail.len() + 1);
        assert_eq!(inflate(&[head, end], 99), Ok((b"content".to_vec(), tail.len() as u64)));
    }
}

#[test]
fn damage_is_told_by_checksum_or_size() {
    let good = gzip(b"content");
    let at = good.len();
    let damaged = |position: usize| {
        let mut bytes = good.clone();
        bytes[position] ^= 1;
        whole(&bytes).unwrap_err()
    };
    assert!(matches!(damaged(at - 8), DecodeError::ChecksumMismatch { .. }));
    assert!(matches!(damaged(at - 1), DecodeError::SizeMismatch { .. }));
    assert!(matches!(damaged(2), DecodeError::CorruptGzip { .. }));
}

#[test]
fn a_claimed_size_is_never_believed() {
    let mut bytes = gzip(b"content");
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(whole(&bytes), Err(DecodeError::SizeMismatch { found: 7, .. })));
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let bytes = gzip(&vec![0; 64 * WINDOW_BYTES]);
    let limit = 3 * WINDOW_BYTES as u64 + 5;
    assert_eq!(inflate(&[&bytes], limit), Err(DecodeError::InflatedTooLarge { limit }));
    assert!(inflate(&[&bytes], 64 * WINDOW_BYTES as u64).is_ok());
}

#[test]
fn every_cut_is_an_error() {
    let mut bytes = gzip(b"first member");
    let boundary = bytes.len();
    bytes.extend(gzip(b"second member"));
    for end in (1..bytes.len()).filter(|&end| end != boundary) {
        let offset = end as u64;
        assert_eq!(whole(&bytes[..end]), Err(DecodeError::TruncatedGzip { offset }), "{end}");
    }
}

proptest! {
    #[test]
    fn chunking_and_members_do_not_matter(
        content in prop::collection::vec(prop::num::u8::ANY, 0..3_000),
        member_length in 1usize..2_000,
        chunk_length in 1usize..200,
    ) {
        let bytes: Vec<u8> = content.chunks(member_length).flat_map(gzip).collect();
        let chunks: Vec<&[u8]> = bytes.chunks(chunk_length).collect();
        prop_assert_eq!(inflate(&chunks, u64::MAX), Ok((content, 0)));
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        mut bytes in prop::collection::vec(prop::num::u8::ANY, 0..300),
        is_gzip in any::<bool>(),
    ) {
        if is_gzip {
            bytes.splice(0..0, [0x1f, 0x8b, 8]);
        }
        let _ = whole(&bytes);
    }
}
