//! Gzip as it may come: the inflater agrees with another reader of the framing, whatever the
//! pieces, and never gives more than its limit.
#![no_main]

use std::io::{ErrorKind, Read, Write};

use deltrail_core::decode::DecodeError;
use deltrail_core::decode::fuzzing::inflate;
use deltrail_fuzz::cut;
use flate2::Compression;
#[expect(clippy::disallowed_types, reason = "it is the judge")]
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;

const LIMIT: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let whole = inflate([bytes], LIMIT);
    let kind = |error: DecodeError| error.kind();
    let in_pieces = inflate(cut(bytes), LIMIT).map_err(kind);
    assert_eq!(in_pieces, whole.clone().map_err(kind), "by the pieces");
    match judged(bytes) {
        Judged::Whole(content, trailing) => assert_eq!(whole, Ok((content, trailing))),
        Judged::Broken => assert!(whole.is_err(), "{whole:?}"),
        Judged::TooLarge => assert_eq!(whole, Err(DecodeError::InflatedTooLarge { limit: LIMIT })),
        Judged::NoGzip => {}
    }
    there_and_back(bytes);
});

/// What another reader says.
enum Judged {
    /// The content, and how many bytes follow the last member.
    Whole(Vec<u8>, u64),
    Broken,
    TooLarge,
    NoGzip,
}

/// Member by member.
fn judged(bytes: &[u8]) -> Judged {
    if !bytes.starts_with(b"\x1f\x8b\x08") || bytes.get(3).is_none_or(|flags| flags & 0xe0 != 0) {
        return Judged::NoGzip;
    }
    let mut content = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let is_first = rest.len() == bytes.len();
        #[expect(clippy::disallowed_types, reason = "it is the judge")]
        let mut member = GzDecoder::new(rest);
        if member.header().is_none() {
            let begins = [0x1f, 0x8b, 8];
            let is_cut = rest.iter().zip(begins).all(|(found, expected)| *found == expected)
                && rest.get(3).is_none_or(|flags| flags & 0xe0 == 0);
            return if is_first || is_cut {
                Judged::Broken
            } else {
                Judged::Whole(content, rest.len() as u64)
            };
        }
        let room = LIMIT + 1 - content.len() as u64;
        match (&mut member).take(room).read_to_end(&mut content) {
            _ if content.len() as u64 > LIMIT => return Judged::TooLarge,
            Ok(_) => rest = member.into_inner(),
            Err(error) => {
                assert_ne!(error.kind(), ErrorKind::Interrupted);
                return Judged::Broken;
            }
        }
    }
    Judged::Whole(content, 0)
}

/// What is compressed in members of any length comes out as it was.
fn there_and_back(bytes: &[u8]) {
    let members = cut(bytes).into_iter().take(8).flat_map(|member| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(member).expect("memory");
        encoder.finish().expect("memory")
    });
    let compressed: Vec<u8> = members.collect();
    let content: Vec<u8> = cut(bytes).into_iter().take(8).flatten().copied().collect();
    assert_eq!(inflate(cut(&compressed), LIMIT), Ok((content, 0)));
}
