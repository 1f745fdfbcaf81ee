//! Documents that have misled readers of CloudTrail files: each must be read as a JSON reader
//! would, whatever the way its bytes are cut. `serde_json::Value` is the judge where it can read
//! the document at all; where it gives up because of one odd record, the others must survive here.

mod hostile;
mod laws;
mod table;
mod twice;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::structure::Level;
use super::{Content, DecodeError, Decoded, Limits, LogDecoder, LogPath, RejectReason, Summary};

const LIMITS: Limits = Limits { inflated_bytes_max: 1 << 30, record_bytes_max: 4 << 20 };

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What a file in these chunks gives; all levels must agree.
fn decode_within<'a>(
    limits: Limits,
    chunks: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
) -> Result<(Decoded, Summary), DecodeError> {
    let chunks = chunks.into_iter();
    let decode = |level| {
        let mut decoder = LogDecoder::at_level(limits, LogPath::default(), level);
        for chunk in chunks.clone() {
            decoder.push(chunk)?;
        }
        let summary = decoder.finish()?;
        Ok((decoder.take(), summary))
    };
    let mut each = Level::each().map(|level| (level, decode(level)));
    let (_, first) = each.next().expect("one that any processor has");
    for (level, other) in each {
        assert_eq!(other, first, "{level:?}");
    }
    first
}

fn decode_chunks<'a>(
    chunks: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
) -> Result<(Decoded, Summary), DecodeError> {
    decode_within(LIMITS, chunks)
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

/// How many S3 delete records the judge sees; `None` when it cannot read the document.
fn judged(document: &[u8]) -> Option<usize> {
    let document: Value = serde_json::from_slice(document).ok()?;
    let is_delete = |record: &&Value| {
        record["eventSource"] == "s3.amazonaws.com"
            && (record["eventName"] == "DeleteObject" || record["eventName"] == "DeleteObjects")
    };
    Some(document["Records"].as_array()?.iter().filter(is_delete).count())
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

/// The document in gzip members of so many bytes each.
fn gzip_members(document: &str, member_bytes: usize) -> Vec<u8> {
    document.as_bytes().chunks(member_bytes).flat_map(gzip).collect()
}

fn document(records: &[&str]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

fn with_key(key: &str) -> String {
    delete().replace(r#""key":"k""#, &format!(r#""key":"{key}""#))
}

#[test]
fn keys_with_escapes_are_read_as_written() {
    for (written, key) in
        [(r"a\\", r"a\"), (r"\uac00\n\ud83d\ude00", "가\n😀"), (r#"\"}]"#, "\"}]")]
    {
        let case = document(&[&with_key(written), &delete()]);
        let (decoded, _) = decode(&case).unwrap();
        assert_eq!(Some(decoded.facts.len()), judged(case.as_bytes()));
        assert_eq!(decoded.facts[0].fact.clone().deletion().unwrap().key.as_deref(), Some(key));
    }
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
