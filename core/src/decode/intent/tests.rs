//! Intents as an application may write them, well and badly.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{IntentError, KEY_BYTES_MAX, KEYS_MAX, TEXT_BYTES_MAX, read_intent};
use crate::decode::reject::RejectReason;
use crate::domain::Intent;

fn declared() -> Value {
    json!({
        "deltrail": "intent", "id": "job-7", "bucket": "images", "keys": ["a/1.jpg", "a/2.jpg"],
        "requested_at": "2026-11-23T10:00:00.123Z", "by": "cleaner", "ref": "ticket 12"
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut intent = declared();
    intent[name] = value;
    intent
}

fn without(name: &str) -> Value {
    let mut intent = declared();
    intent.as_object_mut().unwrap().remove(name);
    intent
}

fn read(value: &Value) -> Result<Option<Intent>, IntentError> {
    read_intent(value.to_string().as_bytes())
}

fn intent(value: &Value) -> Intent {
    read(value).unwrap().unwrap()
}

#[test]
fn an_intent_is_read_whole() {
    let read = intent(&declared());
    assert_eq!((read.id.as_str(), read.bucket.as_str()), ("job-7", "images"));
    assert_eq!(read.keys, ["a/1.jpg", "a/2.jpg"]);
    assert_eq!(read.requested_at.to_string(), "2026-11-23T10:00:00.123Z");
    assert_eq!(read.by.as_deref(), Some("cleaner"));
    assert_eq!(read.reference.as_deref(), Some("ticket 12"));
}

#[test]
fn by_and_ref_may_be_left_out() {
    for value in [without("by"), with("by", json!(null)), with("by", json!(""))] {
        assert_eq!(intent(&value).by, None);
    }
    assert_eq!(intent(&without("ref")).reference, None);
    assert_eq!(intent(&with("colour", json!({"any": ["thing"]}))), intent(&declared()));
}

#[test]
fn a_time_may_have_any_offset() {
    for written in ["2026-11-23T19:00:00.123+09:00", "2026-11-23T04:30:00.123-05:30"] {
        let at = intent(&with("requested_at", json!(written))).requested_at;
        assert_eq!(at.to_string(), "2026-11-23T10:00:00.123Z");
    }
}

#[test]
fn equal_keys_are_one_and_the_order_stays() {
    let read = intent(&with("keys", json!(["b", "a", "b", "c", "a"])));
    assert_eq!(read.keys, ["b", "a", "c"]);
}

#[test]
fn what_does_not_call_itself_an_intent_is_none() {
    for other in [
        without("deltrail"),
        with("deltrail", json!("expectation")),
        with("deltrail", json!(null)),
        with("deltrail", json!(["intent"])),
        json!([declared()]),
        json!("intent"),
        json!({}),
    ] {
        assert_eq!(read(&other), Ok(None), "{other}");
    }
}

#[test]
fn what_is_no_json_is_said_to_be_none() {
    for (text, reason) in [
        (&b"{\"deltrail\":\"intent\""[..], RejectReason::InvalidJson),
        (b"", RejectReason::InvalidJson),
        (b"intent", RejectReason::InvalidJson),
        (b"{\"deltrail\":\"intent\",\"id\":\"\xff\"}", RejectReason::InvalidUtf8),
    ] {
        let error = read_intent(text).unwrap_err();
        assert_eq!(error.reason, reason);
        assert!(!error.is_transient());
    }
}

#[test]
fn a_member_that_is_missing_empty_or_of_another_type_is_named() {
    for (name, reason) in [
        ("id", RejectReason::WrongType),
        ("bucket", RejectReason::MissingBucket),
        ("keys", RejectReason::WrongType),
        ("requested_at", RejectReason::MissingTime),
    ] {
        let odd = [json!(null), json!(7), json!(""), json!({}), json!([]), json!([""]), json!([1])];
        for value in odd.map(|odd| with(name, odd)).into_iter().chain([without(name)]) {
            let error = read(&value).unwrap_err();
            assert_eq!(error.reason, reason, "{value}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    for name in ["by", "ref"] {
        let error = read(&with(name, json!(7))).unwrap_err();
        assert_eq!(error.detail, format!("{name} is 7, no text"));
    }
    let error = read(&with("requested_at", json!("yesterday"))).unwrap_err();
    assert_eq!(error.reason, RejectReason::MissingTime);
    let error = read(&with("keys", json!(["a", ""]))).unwrap_err();
    assert_eq!(error.detail, "keys[1] is empty");
}

#[test]
fn half_of_a_surrogate_pair_in_a_key_is_refused() {
    let text = declared().to_string().replace("a/1.jpg", "\\ud83d");
    let error = read_intent(text.as_bytes()).unwrap_err();
    assert_eq!(error.reason, RejectReason::WrongType);
}

#[test]
fn a_bucket_is_a_name_and_nothing_else() {
    for bucket in ["arn:aws:s3:::images", "http://images", "images/a"] {
        let error = read(&with("bucket", json!(bucket))).unwrap_err();
        assert_eq!(error.reason, RejectReason::BucketNotAllowed);
    }
}

#[test]
fn every_limit_is_reached_and_kept() {
    let text = |bytes: usize| json!("x".repeat(bytes));
    let keys = |count: usize| json!((0..count).map(|n| n.to_string()).collect::<Vec<_>>());
    for (name, most, over) in [
        ("id", text(TEXT_BYTES_MAX), text(TEXT_BYTES_MAX + 1)),
        ("by", text(TEXT_BYTES_MAX), text(TEXT_BYTES_MAX + 1)),
        ("ref", text(TEXT_BYTES_MAX), text(TEXT_BYTES_MAX + 1)),
        ("bucket", text(255), text(256)),
        ("keys", keys(KEYS_MAX), keys(KEYS_MAX + 1)),
        ("keys", json!(["k", text(KEY_BYTES_MAX)]), json!(["k", text(KEY_BYTES_MAX + 1)])),
    ] {
        assert!(read(&with(name, most)).is_ok_and(|read| read.is_some()), "{name}");
        let error = read(&with(name, over)).unwrap_err();
        assert_eq!(error.reason, RejectReason::RecordTooLarge);
        assert!(error.detail.contains(name) && error.detail.len() < 300, "{error}");
    }
}

proptest! {
    #[test]
    fn any_keys_are_read_as_they_were_written(
        keys in prop::collection::hash_set("\\PC{1,40}", 1..20),
    ) {
        let keys: Vec<String> = keys.into_iter().collect();
        prop_assert_eq!(intent(&with("keys", json!(keys))).keys, keys);
    }

    #[test]
    fn odd_input_never_panics(
        name in prop::sample::select(vec!["deltrail", "id", "keys", "requested_at", "by"]),
        odd in "[\\[\\]{}\",:\\\\0-9a-z +-]{0,30}",
    ) {
        let written = declared()[name].to_string();
        let _ = read_intent(declared().to_string().replace(&written, &odd).as_bytes());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = read_intent(&bytes);
        let _ = read_intent(&[b"{\"deltrail\":\"intent\",", bytes.as_slice()].concat());
    }
}
