//! A JSON document as a log object: what is told of its records is what the reader of single
//! records tells, and no delete is passed over that a reader of all of it sees.
#![no_main]

use deltrail_core::decode::fuzzing::read_alone;
use deltrail_core::decode::{Content, Decoded, RejectReason, Wanted};
use deltrail_core::domain::Fact;
use deltrail_fuzz::{LIMITS, decode};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

const DELETE: &str = concat!(
    r#"{"eventVersion":"1.11","eventTime":"2026-09-21T10:00:00Z","#,
    r#""eventSource":"s3.amazonaws.com","eventName":"DeleteObject","eventID":"E","#,
    r#""requestParameters":{"bucketName":"b","key":"k"}}"#
);

fuzz_target!(|bytes: &[u8]| {
    let told = decode(bytes, Wanted::Deletes);
    let _ = decode(bytes, Wanted::DeletesAndWrites);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let (Ok((decoded, summary)), Some(records)) = (&told, records_of(text))
        && summary.content == Content::CloudTrail
    {
        agrees(decoded, &records);
    }
    if serde_json::from_str::<&RawValue>(text).is_ok() && bytes.len() < LIMITS.record_bytes_max {
        survives(text);
    }
});

/// The records as they are written; `None` where readers may differ: of two lists one reads the
/// first, another the last.
fn records_of(text: &str) -> Option<Vec<&RawValue>> {
    #[derive(serde::Deserialize)]
    struct Document<'a> {
        #[serde(rename = "Records", borrow)]
        records: Vec<&'a RawValue>,
    }
    let text = text.trim_start_matches('\u{feff}');
    let records = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).ok()?
    } else {
        serde_json::from_str::<Document<'_>>(text).ok()?.records
    };
    Some(records)
}

/// Every record is told, refused or passed over as it is when it comes alone; and as a delete,
/// where a plain reader of JSON says that it is one.
fn agrees(decoded: &Decoded, records: &[&RawValue]) {
    let mut facts = decoded.facts.iter().peekable();
    let mut rejected = decoded.rejected.iter().filter(|r| r.record_index.is_some()).peekable();
    for (index, record) in (0..).zip(records) {
        let record = record.get();
        let fact = facts.next_if(|fact| fact.record_index == index).map(|fact| &fact.fact);
        let refused = rejected.next_if(|r| r.record_index == Some(index)).map(|r| r.reason);
        if refused == Some(RejectReason::RecordTooLarge) {
            assert!(record.len() > LIMITS.record_bytes_max);
            continue;
        }
        match read_alone(record.as_bytes()) {
            Ok(alone) => assert_eq!((fact, refused), (alone.as_ref(), None), "{record}"),
            // What cannot be read and names nothing that matters is passed over.
            Err(reason) => {
                assert!(fact.is_none() && refused.is_none_or(|told| told == reason), "{record}");
            }
        }
        if let Some(delete) = delete_of(record) {
            let is_told = fact.is_some_and(|fact| matches!(fact, Fact::Deletion(_)));
            assert!(is_told || refused.is_some(), "passed over: {record}");
            names_the_same(fact, &delete);
        }
    }
    assert_eq!(facts.next(), None);
    assert_eq!(rejected.next(), None);
}

/// The record as a reader of any JSON has it, if that sees a delete in it.
fn delete_of(record: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(record).ok()?;
    let is_delete = value["eventSource"] == "s3.amazonaws.com"
        && (value["eventName"] == "DeleteObject" || value["eventName"] == "DeleteObjects");
    is_delete.then_some(value)
}

fn names_the_same(fact: Option<&Fact>, record: &Value) {
    let Some(Fact::Deletion(evidence)) = fact else { return };
    let request = &record["requestParameters"];
    let plain = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let is_name = |name: &String| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !name.ends_with("-s3alias")
    };
    if let Some(bucket) = plain(&request["bucketName"]).filter(is_name) {
        assert_eq!(evidence.bucket, bucket);
    }
    let is_single = record["eventName"] == "DeleteObject";
    if let Some(key) = plain(&request["key"]).filter(|_| is_single) {
        assert_eq!(evidence.key, Some(key));
    }
}

/// Whatever one element of a list of records is, those beside it are told.
fn survives(element: &str) {
    let document = format!(r#"{{"Records":[{DELETE},{element},{DELETE}]}}"#);
    let (decoded, summary) = decode(document.as_bytes(), Wanted::Deletes).expect("a document");
    assert_eq!(summary.records, 3);
    let told: Vec<u64> = decoded.facts.iter().map(|fact| fact.record_index).collect();
    assert!(told.contains(&0) && told.contains(&2), "{told:?}");
    let counted = decoded.facts.len() + decoded.rejected.len();
    assert_eq!(counted as u64 + decoded.ignored, 3, "each is one of the three");
}
