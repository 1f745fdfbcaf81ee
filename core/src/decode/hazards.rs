//! Documents that have misled readers of CloudTrail files: each must be read as a JSON reader
//! would, whatever the way its bytes are cut. `serde_json::Value` is the judge where it can read
//! the document at all; where it gives up because of one odd record, the others must survive here.

mod laws;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::{Content, DecodeError, Decoded, Limits, LogDecoder, LogPath, RejectReason, Summary};

const LIMITS: Limits = Limits { inflated_bytes_max: 1 << 30, record_bytes_max: 4 << 20 };

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn decode_chunks<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Decoded, Summary), DecodeError> {
    let mut decoder = LogDecoder::new(LIMITS, LogPath::default());
    for chunk in chunks {
        decoder.push(chunk)?;
    }
    let summary = decoder.finish()?;
    Ok((decoder.take(), summary))
}

/// Decodes a document plainly, in one piece and in many, and compressed: all must agree.
fn decode(document: impl AsRef<[u8]>) -> Result<(Decoded, Summary), DecodeError> {
    let document = document.as_ref();
    let whole = decode_chunks([document]);
    if document.len() < 10_000 {
        assert_eq!(decode_chunks(document.chunks(1)), whole);
    }
    assert_eq!(decode_chunks(document.chunks(4_096)), whole);
    let of_gzip = decode_chunks(gzip(document).chunks(1_000));
    // What is no JSON from its first byte on is told to be no gzip either, when it was not.
    let as_plain = of_gzip.clone().map(|(decoded, _)| decoded).map_err(DecodeError::of_plain);
    assert_eq!(as_plain, whole.clone().map(|(decoded, _)| decoded));
    of_gzip.and(whole)
}

/// The number of pieces of evidence and the reasons of rejections.
fn outcome(document: impl AsRef<[u8]>) -> (usize, Vec<&'static str>) {
    let (decoded, summary) = decode(document).unwrap();
    let counted = (decoded.facts.len() + decoded.rejected.len()) as u64 + decoded.ignored;
    let of_the_whole = decoded.rejected.iter().filter(|r| r.record_index.is_none()).count() as u64;
    assert_eq!(counted - of_the_whole, summary.records, "every record is one of the three");
    (decoded.facts.len(), decoded.rejected.iter().map(|r| r.reason.as_str()).collect())
}

/// How many S3 delete records the judge sees.
fn judged(document: &str) -> usize {
    let document: Value = serde_json::from_str(document).unwrap();
    let records = document["Records"].as_array().unwrap();
    let is_delete = |record: &&Value| {
        record["eventSource"] == "s3.amazonaws.com"
            && (record["eventName"] == "DeleteObject" || record["eventName"] == "DeleteObjects")
    };
    records.iter().filter(is_delete).count()
}

/// A record; `extra` is spliced in as text.
fn record(event_name: &str, extra: &str) -> String {
    format!(
        concat!(
            r#"{{"eventVersion":"1.11","eventTime":"2026-09-21T10:00:00Z","#,
            r#""eventSource":"s3.amazonaws.com","eventName":"{event_name}","eventID":"E","#,
            r#""requestParameters":{{"bucketName":"b","key":"k"}}{extra}}}"#
        ),
        event_name = event_name,
        extra = extra,
    )
}

fn delete() -> String {
    record("DeleteObject", "")
}

fn get() -> String {
    record("GetObject", "")
}

fn document(records: &[&str]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

fn with_key(key: &str) -> String {
    delete().replace(r#""key":"k""#, &format!(r#""key":"{key}""#))
}

#[test]
fn spellings_of_the_same_document_agree_with_the_judge() {
    let canonical = document(&[&get(), &delete(), &get()]);
    let value: Value = serde_json::from_str(&canonical).unwrap();
    let escaped = |from: &str, to: &str| canonical.replace(from, to);
    let name_last = {
        let moved = delete().replace(r#""eventName":"DeleteObject","#, "");
        format!(r#"{},"eventName":"DeleteObject"}}"#, &moved[..moved.len() - 1])
    };
    let cases = [
        canonical.clone(),
        serde_json::to_string_pretty(&value).unwrap(),
        canonical.replace(':', " : ").replace(',', "\r\n,\t").replace("10 : 00 : 00", "10:00:00"),
        document(&[&name_last]),
        escaped(r#""DeleteObject""#, r#""\u0044eleteObject""#),
        escaped("eventName", r"event\u004eame"),
        escaped("s3.amazonaws", r"s3\u002eamazonaws"),
    ];
    for case in cases {
        assert_eq!(judged(&case), 1, "{case}");
        assert_eq!(outcome(&case), (1, vec![]), "{case}");
    }
}

#[test]
fn forgeries_inside_a_record_are_not_read() {
    let forged = delete();
    let as_text = serde_json::to_string(&forged).unwrap();
    let nested = record("PutObject", &format!(r#","policy":{forged}"#));
    let quoted = record("PutObject", &format!(r#","policy":{as_text}"#));
    let nested_list = record("DeleteObject", &format!(r#","x":{{"Records":[{forged}]}}"#));
    for (case, expected) in [
        (document(&[&nested]), 0),
        (document(&[&quoted]), 0),
        (document(&[&nested_list]), 1),
        (format!(r#"{{"meta":{{"Records":[{forged}]}},"Records":[{forged}]}}"#), 1),
        (format!(r#"{{"Records":[{forged}],"meta":[{forged}],"n":{forged}}}"#), 1),
    ] {
        assert_eq!(judged(&case), expected, "{case}");
        assert_eq!(outcome(&case), (expected, vec![]), "{case}");
    }
}

#[test]
fn keys_with_escapes_are_read_as_written() {
    for (written, key) in
        [(r"a\\", r"a\"), (r"\uac00\n\ud83d\ude00", "가\n😀"), (r#"\"}]"#, "\"}]")]
    {
        let case = document(&[&with_key(written), &delete()]);
        let (decoded, _) = decode(&case).unwrap();
        assert_eq!(decoded.facts.len(), judged(&case));
        assert_eq!(decoded.facts[0].fact.clone().deletion().unwrap().key.as_deref(), Some(key));
    }
}

#[test]
fn of_a_repeated_key_the_last_counts_and_every_list_of_records_is_read() {
    let get_then_delete = record("GetObject", r#","eventName":"DeleteObject""#);
    let delete_then_get = record("DeleteObject", r#","eventName":"GetObject""#);
    for (case, expected) in [(get_then_delete, 1), (delete_then_get, 0)] {
        let case = document(&[&case]);
        assert_eq!(judged(&case), expected);
        assert_eq!(outcome(&case), (expected, vec![]));
    }
    let lists = format!(r#"{{"Records":[{}],"Records":[{}]}}"#, delete(), get());
    assert_eq!(outcome(lists), (1, vec![]), "a JSON reader would lose the first list");
}

#[test]
fn members_of_odd_types_do_no_harm() {
    let place = r#","resources":[{"ARN":"arn:aws:s3:::b/k"}]"#;
    let parameters = r#"{"bucketName":"b","key":"k"}"#;
    for odd in ["null", r#""omitted""#, r#"{"omitted":true}"#] {
        let case = document(&[&record("DeleteObject", place).replace(parameters, odd)]);
        assert_eq!(judged(&case), 1);
        assert_eq!(outcome(case), (1, vec![]));
    }
    let other = delete().replace("s3.amazonaws.com", "dynamodb.amazonaws.com");
    let other = other.replace(r#""key":"k""#, r#""key":{"id":{"S":"1"}}"#);
    assert_eq!(outcome(document(&[&other, &delete()])), (1, vec![]));
}

#[test]
fn elements_that_are_no_objects_are_rejected_one_by_one() {
    let case = document(&["null", &delete(), "7", r#""DeleteObject""#, "[{}]", "true"]);
    assert_eq!(judged(&case), 1);
    assert_eq!(outcome(case), (1, vec!["not_an_object"; 5]));
}

#[test]
fn documents_without_records_are_told_apart() {
    let content = |document: &str| decode(document).unwrap().1.content;
    assert_eq!(outcome(r#"{"Records":[]}"#), (0, vec![]));
    assert_eq!(content(r#"{"Records":[]}"#), Content::CloudTrail);
    for none in [r#"{"Records":null}"#, "{}", r#"{"Records":{}}"#, r#"{"x":[1]}"#] {
        assert_eq!(outcome(none), (0, vec!["no_records"]), "{none}");
        assert_eq!(content(none), Content::NoRecords);
    }
    let digest = r#"{"awsAccountId":"1","digestEndTime":"x","digestS3Object":"k","logFiles":[]}"#;
    assert_eq!((outcome(digest), content(digest)), ((0, vec![]), Content::Digest));
    assert_eq!((outcome(""), content("")), ((0, vec![]), Content::Empty));
    assert_eq!(outcome(format!("[{},{}]", delete(), get())), (1, vec![]), "a bare list");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(outcome(format!("\u{feff}{}", document(&[&delete()]))), (1, vec![]));
}

#[test]
fn an_odd_record_takes_no_other_with_it() {
    let depth_200 = format!(r#","x":{}{}"#, "[".repeat(200), "]".repeat(200));
    let depth_million = format!(r#","x":{}{}"#, "[".repeat(1_000_000), "]".repeat(1_000_000));
    let long = format!(r#","x":"{}""#, "y".repeat(3_000_000));
    for extra in [
        r#","x":123456789012345678901234567890,"y":-0.1e-7"#,
        r#","x":1e999"#,
        r#","x":"\ud800""#,
        depth_200.as_str(),
        depth_million.as_str(),
        long.as_str(),
    ] {
        // In another record, and in a member of the delete itself that is not needed.
        let case = document(&[&record("GetObject", extra), &delete()]);
        assert_eq!(outcome(case), (1, vec![]), "{}", &extra[..20.min(extra.len())]);
        let case = document(&[&record("DeleteObject", extra), &delete()]);
        assert_eq!(outcome(case), (2, vec![]), "{}", &extra[..20.min(extra.len())]);
    }
}

#[test]
fn a_delete_that_cannot_be_read_is_rejected_alone() {
    for (written, reason) in [(r"\ud800", "invalid_json"), ("a\u{1}b", "invalid_json")] {
        assert_eq!(outcome(document(&[&with_key(written), &delete()])), (1, vec![reason]));
    }
    let with_bad_byte = |event: String| {
        let mut bytes = document(&[&event, &delete()]).into_bytes();
        let at = bytes.windows(5).position(|window| window == b"\"key\"").unwrap();
        bytes[at + 7] = 0xff;
        outcome(bytes)
    };
    assert_eq!(with_bad_byte(delete()), (1, vec!["invalid_utf8"]));
    assert_eq!(with_bad_byte(get()), (1, vec![]));
    assert_eq!(outcome(document(&[r#"{"x":[}"#, &delete()])), (1, vec![]), "skipped, not parsed");
    let junk = r#"{"eventName":"DeleteObject",junk}"#;
    assert_eq!(outcome(document(&[junk, &delete()])), (1, vec!["invalid_json"]));
}

#[test]
fn a_record_over_the_limit_is_rejected_and_the_rest_goes_on() {
    let huge = record("GetObject", &format!(r#","x":"{}""#, "y".repeat(4 << 20)));
    assert_eq!(outcome(document(&[&huge, &delete()])), (1, vec!["record_too_large"]));
}

#[test]
fn a_file_of_another_kind_is_told_to_be_neither_gzip_nor_json() {
    for bytes in [&b"\x89PNG\r\n"[..], b"PK\x03\x04", b"79a59df9 bucket [06/Feb/2026:00:00:38]"] {
        let error = decode_chunks([bytes]).unwrap_err();
        assert_eq!(error.kind(), "not_gzip", "{error}");
        assert_eq!(decode_chunks([gzip(bytes).as_slice()]).unwrap_err().kind(), "not_json");
    }
}

#[test]
fn a_broken_document_is_an_error() {
    let good = document(&[&delete(), &delete()]);
    for (case, is_cut) in [
        (good[..good.len() - 1].to_owned(), true),
        (good[..good.len() / 2].to_owned(), true),
        (good.replace("}},{", "}}{"), false),
        (" \n".to_owned(), true),
        ("DeleteObject".to_owned(), false),
        ("<Error/>".to_owned(), false),
    ] {
        let error = decode(&case).unwrap_err();
        assert_eq!(matches!(error, DecodeError::TruncatedJson { .. }), is_cut, "{error}");
        assert_eq!(matches!(error, DecodeError::NotJson { .. }), !is_cut, "{error}");
    }
}

#[test]
fn what_follows_the_document_or_the_stream_is_reported_once() {
    let good = document(&[&delete()]);
    assert_eq!(outcome(format!("{good}\n \n")), (1, vec![]));
    assert_eq!(outcome(format!("{good} garbage")), (1, vec!["trailing_bytes"]));
    let mut bytes = gzip(good.as_bytes());
    bytes.extend([0; 300]);
    let (decoded, summary) = decode_chunks(bytes.chunks(7)).unwrap();
    assert_eq!((decoded.facts.len(), summary.trailing_bytes), (1, 300));
    assert_eq!(decoded.rejected[0].reason, RejectReason::TrailingBytes);
}

#[test]
fn an_error_stays() {
    let mut decoder = LogDecoder::new(LIMITS, LogPath::default());
    let error = decoder.push(b"nonsense\n").unwrap_err();
    assert_eq!(decoder.push(document(&[]).as_bytes()), Err(error.clone()));
    assert_eq!(decoder.finish(), Err(error));
}

#[test]
fn staging_stops_near_the_budget_however_much_a_chunk_inflates_to() {
    let records = 50_000;
    let bytes = gzip(document(&vec![delete().as_str(); records]).as_bytes());
    let mut decoder = LogDecoder::new(LIMITS, LogPath::default());
    let (mut rest, mut found, mut takes, budget) = (bytes.as_slice(), 0, 0, 1 << 20);
    while !rest.is_empty() {
        let used = decoder.push_until(rest, budget).unwrap();
        assert!(used > 0);
        // Two windows of these records stage less than four times their own size.
        assert!(decoder.staged_bytes() < budget + 4 * 2 * super::inflate::WINDOW_BYTES);
        rest = &rest[used..];
        found += decoder.take().facts.len();
        takes += 1;
    }
    decoder.finish().unwrap();
    assert_eq!(found + decoder.take().facts.len(), records);
    assert!(takes > 10, "the budget was reached: {takes}");
}

#[test]
fn the_newest_time_is_seen_in_ignored_records_too() {
    let newer = get().replace("10:00:00", "11:00:00");
    let (decoded, _) = decode(document(&[&newer, &delete()])).unwrap();
    assert_eq!(decoded.newest_event_at.unwrap().to_string(), "2026-09-21T11:00:00.000Z");
}
