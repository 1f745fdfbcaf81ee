//! A queue message as anybody may send it: what it says does not depend on how it is wrapped or
//! spaced, names nothing but buckets, and what is told of a fault can be shown to a person.
#![no_main]

use std::mem::discriminant;

use deltrail_core::decode::{EnvelopeError, Item, ObjectRef, parse_message};
use deltrail_core::domain::Fact;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = std::str::from_utf8(bytes) else { return };
    let told = parse_message(body);
    match &told {
        Ok(items) => {
            assert!(!items.is_empty(), "a message that says nothing says so");
            items.iter().for_each(check);
        }
        Err(error) => is_printable(&error.to_string()),
    }
    // S3's own way to write a message has a reader of its own.
    let spaced = format!("\u{feff}\n {} \t", body.replacen("[{", "[ {", 1));
    if body.starts_with(r#"{"Records":[{"#) {
        match (parse_message(&spaced), &told) {
            (Err(spaced), Err(told)) => assert_eq!(discriminant(&spaced), discriminant(told)),
            (spaced, told) => assert_eq!(&spaced, told, "by whitespace"),
        }
    }
    let wrapped = json!({ "Type": "Notification", "Message": body }).to_string();
    match (parse_message(&wrapped), told) {
        (Err(EnvelopeError::TooDeep { .. }), _) => {}
        // What is in an envelope is empty: then the envelope is what is not understood.
        (Err(EnvelopeError::Unknown { .. }), Err(_)) => {}
        (in_envelope, alone) => assert_eq!(in_envelope, alone, "by the envelope"),
    }
});

fn check(item: &Item) {
    match item {
        Item::Created { object, creation } => {
            check_object(object);
            if let Ok(creation) = creation {
                check_bucket(&creation.bucket);
                assert_eq!((&creation.bucket, &creation.key), (&object.bucket, &object.key));
            }
        }
        Item::NamedLog(object) => check_object(object),
        Item::Told(Fact::Deletion(evidence)) => {
            assert!(!evidence.bucket.is_empty() && !evidence.id.is_empty());
        }
        Item::Told(_) | Item::Nothing(_) | Item::Other { .. } => {}
        Item::Rejected { rejected, .. } => {
            assert!(rejected.detail.chars().count() <= 300);
            is_printable(&rejected.detail);
        }
    }
}

fn check_object(object: &ObjectRef) {
    check_bucket(&object.bucket);
    assert!(!object.key.is_empty());
}

fn check_bucket(bucket: &str) {
    assert!(!bucket.is_empty() && !bucket.contains([':', '/']), "{bucket:?}");
}

fn is_printable(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
