//! Declared intents as anybody may write them: what is kept of one is within its limits and says
//! the same when it is written again, and the lines beside a bad one are told.
#![no_main]

use std::collections::BTreeSet;

use deltrail_core::decode::{Wanted, read_intent};
use deltrail_core::domain::Intent;
use deltrail_fuzz::decode;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const GOOD: &str = concat!(
    r#"{"deltrail":"intent","id":"job-7/1","bucket":"images","keys":["a.png"],"#,
    r#""requested_at":"2026-11-23T10:00:00.123Z"}"#
);

fuzz_target!(|bytes: &[u8]| {
    match read_intent(bytes) {
        Ok(Some(intent)) => {
            is_within_limits(&intent);
            says_the_same_again(&intent);
        }
        Ok(None) => {}
        Err(error) => {
            assert!(error.detail.chars().count() < 600, "{}", error.detail);
            assert!(!error.detail.chars().any(char::is_control), "{:?}", error.detail);
        }
    }
    let _ = decode(bytes, Wanted::Deletes);
    survives(bytes);
});

fn is_within_limits(intent: &Intent) {
    let texts = [Some(&intent.id), intent.by.as_ref(), intent.reference.as_ref()];
    assert!(texts.into_iter().flatten().all(|text| (1..=1_024).contains(&text.len())));
    assert!((1..=10_000).contains(&intent.keys.len()));
    assert!(intent.keys.iter().all(|key| (1..=1_024).contains(&key.len())));
    assert_eq!(intent.keys.iter().collect::<BTreeSet<_>>().len(), intent.keys.len());
    assert!(!intent.bucket.is_empty() && !intent.bucket.contains([':', '/']));
}

fn says_the_same_again(intent: &Intent) {
    let written = json!({
        "ref": intent.reference, "by": intent.by, "keys": intent.keys, "bucket": intent.bucket,
        "requested_at": intent.requested_at.to_string(), "id": intent.id, "deltrail": "intent",
    });
    assert_eq!(read_intent(written.to_string().as_bytes()).as_ref(), Ok(&Some(intent.clone())));
}

/// Whatever lies between two good lines.
fn survives(between: &[u8]) {
    let text = [GOOD.as_bytes(), b"\n", between, b"\n", GOOD.as_bytes()].concat();
    let (decoded, summary) = decode(&text, Wanted::Deletes).expect("lines");
    let (first, last) = (&decoded.facts[0], decoded.facts.last().expect("two at least"));
    assert_eq!((first.record_index, last.record_index), (0, summary.records - 1));
    assert_eq!(first.fact, last.fact);
}
