//! Log objects of every format but CloudTrail's, by their bytes.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::{Content, DecodeError, Decoded, Limits, LogDecoder, LogPath, Summary};
use crate::decode::RejectReason;
use crate::domain::Deed;

const LIMITS: Limits = Limits { inflated_bytes_max: 1 << 20, record_bytes_max: 400 };
const DELETE: &str = "owner images [23/Nov/2026:12:00:00 +0000] 192.0.2.3 - R1 \
                      REST.DELETE.OBJECT a \"DELETE /a HTTP/1.1\" 204 - - - 40 40 \"-\" \"x\" - H=";
const GET: &str = "owner images [23/Nov/2026:13:00:00 +0000] 192.0.2.3 - R2 REST.GET.OBJECT a \
                   \"GET /a HTTP/1.1\" 200 - 9 9 40 40 \"-\" \"x\" - H=";
const INTENT: &str = "{\"deltrail\":\"intent\",\"id\":\"I1\",\"bucket\":\"images\",\
                      \"keys\":[\"a\",\"b\"],\"requested_at\":\"2026-11-23T12:00:00.123Z\"}";
const INTENT_LAST: &str = "{ \"requested_at\":\"2026-11-23T12:00:01Z\",\"keys\":[\"c\"],\
                           \"bucket\":\"images\",\"id\":\"I2\",\"x\":{\"deltrail\":1},\
                           \"deltr\\u0061il\":\"intent\"}";

type Read = Result<(Summary, Decoded), DecodeError>;

fn decode_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let mut decoder = LogDecoder::new(LIMITS, LogPath::default());
    for chunk in chunks {
        decoder.push(chunk)?;
        assert!(decoder.held_bytes() <= 2 * LIMITS.record_bytes_max.max(512));
    }
    Ok((decoder.finish()?, decoder.take()))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Decodes a text plainly, in one piece and in many, and compressed: all must agree.
fn decode(text: impl AsRef<[u8]>) -> Read {
    let text = text.as_ref();
    let whole = decode_chunks([text]);
    for chunk_length in [1, 7, 100] {
        assert_eq!(decode_chunks(text.chunks(chunk_length)), whole, "{chunk_length}");
    }
    let of_gzip = decode_chunks(gzip(text).chunks(10)).map(|(_, decoded)| decoded);
    let of_plain = whole.as_ref().map(|(_, decoded)| decoded.clone());
    match (of_gzip.map_err(DecodeError::of_plain), of_plain) {
        (Ok(of_gzip), Ok(of_plain)) => assert_eq!(of_gzip, of_plain),
        (of_gzip, of_plain) => assert_eq!(of_gzip.err(), of_plain.err().cloned()),
    }
    whole
}

/// What a text was, how many records it had, and the places of its facts and rejects.
fn outcome(text: impl AsRef<[u8]>) -> (Content, u64, Vec<u64>, Vec<(u64, &'static str)>) {
    let (summary, decoded) = decode(text).unwrap();
    let facts = decoded.facts.iter().map(|located| located.record_index).collect();
    let rejected = decoded.rejected.iter();
    let rejected = rejected.map(|it| (it.record_index.unwrap(), it.reason.as_str())).collect();
    (summary.content, summary.records, facts, rejected)
}

#[test]
fn an_access_log_is_known_by_its_first_line() {
    let text = format!("{GET}\n{DELETE}\n{GET}\n{DELETE}");
    assert_eq!(outcome(text), (Content::AccessLog, 4, vec![1, 3], vec![]));
    let odd = format!("\u{feff}\r\n \n{DELETE}\r\n\n{GET}\r\n\r\n");
    assert_eq!(outcome(odd), (Content::AccessLog, 2, vec![0], vec![]));
}

#[test]
fn intents_are_known_by_a_member_of_their_first_line() {
    let text = format!("{INTENT}\n{INTENT_LAST}\n");
    assert_eq!(outcome(text), (Content::Intents, 2, vec![0, 1], vec![]));
    let odd = format!("\n\u{feff} {INTENT_LAST}\r\n\r\n{INTENT}");
    let (summary, decoded) = decode(format!("\u{feff}\n {INTENT_LAST}\r\n\r\n{INTENT}")).unwrap();
    assert_eq!((summary.content, decoded.facts.len()), (Content::Intents, 2));
    assert!(decode(odd).is_err(), "a mark belongs to the beginning");
}

#[test]
fn a_bad_line_is_rejected_with_its_place_and_the_rest_goes_on() {
    let bad_time = DELETE.replace("23/Nov", "23/Nvo");
    let long = DELETE.replace("\"x\"", &format!("\"{}\"", "x".repeat(400)));
    let text = format!("{GET}\nnonsense\n\n{bad_time}\n{long}\n{DELETE}");
    let rejected = vec![(1, "malformed_line"), (2, "missing_time"), (3, "record_too_large")];
    assert_eq!(outcome(text), (Content::AccessLog, 5, vec![4], rejected));

    let no_bucket = INTENT.replace("\"bucket\"", "\"b\"");
    let long = INTENT.replace("I1", &"1".repeat(400));
    let text = format!("{INTENT}\n{{\n{no_bucket}\n{long}\n{{}}\n{DELETE}\n{INTENT_LAST}");
    let rejected = vec![
        (1, "invalid_json"),
        (2, "missing_bucket"),
        (3, "record_too_large"),
        (4, "unknown_envelope"),
        (5, "invalid_json"),
    ];
    assert_eq!(outcome(text), (Content::Intents, 7, vec![0, 6], rejected));
}

#[test]
fn a_first_line_that_is_bad_or_too_large_still_tells_the_format() {
    let long = DELETE.replace("\"x\"", &format!("\"{}\"", "x".repeat(1_000)));
    let rejected = vec![(0, "record_too_large")];
    assert_eq!(
        outcome(format!("{long}\n{DELETE}")),
        (Content::AccessLog, 2, vec![1], rejected.clone())
    );
    for long in [
        INTENT.replace("I1", &"1".repeat(400)),
        INTENT_LAST.replace("I2", &"2".repeat(400)),
        format!("{{\"x\":\"{}\",\"deltrail\":1,", "2".repeat(400)),
    ] {
        let text = format!("{long}\n{INTENT}");
        assert_eq!(outcome(text), (Content::Intents, 2, vec![1], rejected.clone()), "{long}");
    }
    let broken = format!("{{\"deltrail\":\"intent\"]\n{INTENT}");
    assert_eq!(outcome(broken), (Content::Intents, 2, vec![1], vec![(0, "invalid_json")]));
}

#[test]
fn other_text_is_an_error_of_the_object() {
    let shifted = DELETE.replace("owner images", "images");
    for text in ["nonsense", "time,bucket\n1,2\n", "<Error/>\n", "\u{feff}x", &shifted, "-", "7"] {
        for text in [text.to_owned(), format!("{text}\n{DELETE}"), text.repeat(1_000)] {
            let error = decode(&text).unwrap_err();
            assert_eq!(error.kind(), "not_gzip", "{text}");
        }
    }
    assert_eq!(decode_chunks([&gzip(b"nonsense")[..]]).unwrap_err().kind(), "not_json");
}

#[test]
fn json_without_the_member_is_a_document_as_before() {
    for (text, content) in [
        (r#"{"Records":[],"deltrail":"intent"}"#, Content::CloudTrail),
        (r#"[{"deltrail":"intent"}]"#, Content::CloudTrail),
        (r#"{"a":{"deltrail":"intent"}}"#, Content::NoRecords),
        (r#"{"digestEndTime":"x"}"#, Content::Digest),
    ] {
        assert_eq!(decode(text).unwrap().0.content, content, "{text}");
    }
    let (summary, _) = decode(format!("{{}}\n{INTENT}")).unwrap();
    assert_eq!(summary.content, Content::NoRecords);
    assert_eq!(summary.trailing_bytes, INTENT.len() as u64);
}

#[test]
fn a_cut_gzip_file_of_lines_fails_as_a_whole() {
    let whole = gzip(format!("{DELETE}\n{DELETE}\n{INTENT}").as_bytes());
    for end in 1..whole.len() {
        assert!(decode_chunks([&whole[..end]]).is_err(), "cut at {end}");
    }
    let (_, decoded) = decode_chunks([&[whole, vec![0; 9]].concat()[..]]).unwrap();
    let last = decoded.rejected.last().unwrap();
    assert_eq!((last.record_index, last.reason), (None, RejectReason::TrailingBytes));
}

#[test]
fn the_newest_time_is_seen_in_every_format() {
    let newest = |text: String| decode(text).unwrap().1.newest_event_at.unwrap().to_string();
    assert_eq!(newest(format!("{DELETE}\n{GET}")), "2026-11-23T12:00:00.000Z", "no sample");
    assert_eq!(newest(format!("{GET}\n{DELETE}")), "2026-11-23T13:00:00.000Z", "a sample");
    assert_eq!(newest(format!("{INTENT_LAST}\n{INTENT}")), "2026-11-23T12:00:01.000Z");
}

#[test]
fn lines_are_staged_within_the_budget() {
    let lines = 20_000;
    let bytes = gzip(format!("{DELETE}\n").repeat(lines).as_bytes());
    let limits = Limits { inflated_bytes_max: 1 << 30, ..LIMITS };
    let mut decoder = LogDecoder::new(limits, LogPath::default());
    let (mut rest, mut found, mut takes, budget) = (bytes.as_slice(), 0, 0, 1 << 20);
    while !rest.is_empty() {
        let used = decoder.push_until(rest, budget).unwrap();
        assert!(decoder.staged_bytes() < budget + 8 * 2 * crate::decode::inflate::WINDOW_BYTES);
        rest = &rest[used..];
        found += decoder.take().facts.len();
        takes += 1;
    }
    decoder.finish().unwrap();
    assert_eq!(found + decoder.take().facts.len(), lines);
    assert!(takes > 3, "the budget was reached: {takes}");
}

proptest! {
    #[test]
    fn cutting_the_bytes_anywhere_gives_the_same_facts(
        pieces in prop::collection::vec(prop::sample::select(vec![
            DELETE, GET, INTENT, INTENT_LAST, "\n", "\n", "\r\n", " ", "{", "}", "[", "\u{feff}",
            "\"deltrail\":", "\"Records\":[", "nonsense", "{\"a\":[\"\n\"],",
        ]), 0..8),
        noise in prop::collection::vec(any::<u8>(), 0..3),
        chunk_length in 1usize..200,
    ) {
        let bytes = [pieces.concat().into_bytes(), noise].concat();
        prop_assert_eq!(
            decode_chunks(bytes.chunks(chunk_length)),
            decode_chunks([bytes.as_slice()])
        );
    }
}

#[test]
fn traces_are_told_beside_all_else_however_the_object_is_cut() {
    let other = GET.replace("OBJECT a", "OBJECT b").replace("/a ", "/b ");
    let text = format!("{GET}\n{DELETE}\n{other}\n{GET}\n");
    let in_chunks = |chunk_length: usize| {
        let mut decoder = LogDecoder::new(LIMITS, LogPath::default()).keeping_traces();
        for chunk in text.as_bytes().chunks(chunk_length) {
            decoder.push(chunk).unwrap();
        }
        decoder.finish().unwrap();
        assert!(decoder.staged_bytes() > 0);
        let mut told = decoder.take();
        (std::mem::take(&mut told.traces), told)
    };
    let (traces, rest) = in_chunks(text.len());
    assert_eq!(rest, decode(&text).unwrap().1, "a read is ignored as ever");
    assert_eq!(traces.len(), 1, "{traces:?}");
    assert_eq!((traces[0].deed, traces[0].keys.keys()), (Deed::Read, 2));
    assert_eq!((&*traces[0].bucket, traces[0].last_at), ("images", traces[0].first_at));
    for chunk_length in [1, 7, 100] {
        assert_eq!(in_chunks(chunk_length), (traces.clone(), rest.clone()), "{chunk_length}");
    }
}
