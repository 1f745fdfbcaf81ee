//! Which records tell of a read, or of a foreign key, and that both readers agree.

use serde_json::{Value, json};

use super::super::Reader;
use super::touch_of_any;
use crate::decode::log_key::LogPath;
use crate::decode::structure::{Level, Marked, Room};
use crate::decode::touch::Touch;
use crate::domain::Deed;

/// A record of a call about one key, as CloudTrail writes it.
fn record(event_name: &str, request: &Value) -> Value {
    let mut parameters = json!({"bucketName": "photos", "key": "cats/1.jpg"});
    for (name, value) in request.as_object().expect("an object") {
        parameters[name] = value.clone();
    }
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLEEXAMPLEXX:i-0a",
            "arn": "arn:aws:sts::111122223333:assumed-role/app/i-0a",
            "accountId": "111122223333",
        },
        "eventTime": "2026-11-23T10:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": event_name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "[aws-sdk-java/2.20.1]",
        "requestParameters": parameters,
        "responseElements": null,
        "requestID": "R1",
        "eventID": "e-1",
        "readOnly": true,
        "resources": [
            {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::photos/cats/1.jpg"},
            {"accountId": "111122223333", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::photos"},
        ],
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    })
}

/// What is told, by the quick look and whichever reader it comes to; the slow one agrees.
fn touch(record: &Value) -> Option<Touch> {
    let text = record.to_string();
    let mut room = Room::default();
    let mut reader = Reader::of(LogPath::default());
    let mut told = Level::each().map(|level| {
        let marked = Marked::of(text.as_bytes(), level, &mut room).expect("an object");
        reader.touch(marked)
    });
    let first = told.next().unwrap();
    assert!(told.all(|other| other == first), "{text}");
    assert_eq!(touch_of_any(text.as_bytes(), &LogPath::default()), first, "{text}");
    first
}

fn deed(record: &Value) -> Option<Deed> {
    touch(record).map(|touch| touch.deed)
}

#[test]
fn a_read_is_told_with_its_key_and_caller() {
    let told = touch(&record("GetObject", &json!({"Host": "photos.s3.amazonaws.com"}))).unwrap();
    assert_eq!((&*told.bucket, &*told.key, told.deed), ("photos", "cats/1.jpg", Deed::Read));
    assert_eq!(told.at.to_string(), "2026-11-23T10:00:00.000Z");
    let arn = "arn:aws:sts::111122223333:assumed-role/app/i-0a";
    assert_eq!(told.actor.arn.as_deref(), Some(arn));
    let escaped = record("GetObject", &json!({"key": "cats/\"1\"\u{e9}.jpg"}));
    assert_eq!(touch(&escaped).unwrap().key, "cats/\"1\"\u{e9}.jpg");
}

#[test]
fn what_failed_or_reads_no_content_tells_nothing() {
    for name in ["HeadObject", "GetObjectTagging", "ListObjects", "DeleteObject", "PutObject"] {
        assert_eq!(deed(&record(name, &json!({}))), None, "{name}");
    }
    let mut failed = record("GetObject", &json!({}));
    failed["errorCode"] = json!("AccessDenied");
    assert_eq!(deed(&failed), None);
    failed["errorCode"] = json!("NoSuchKey");
    assert_eq!(deed(&failed), None);
    let mut of_others = record("GetObject", &json!({}));
    of_others["eventSource"] = json!("example.amazonaws.com");
    assert_eq!(deed(&of_others), None);
}

#[test]
fn a_write_under_a_key_of_the_caller_is_told() {
    let customer = json!({"x-amz-server-side-encryption-customer-algorithm": "AES256"});
    for name in ["PutObject", "CopyObject"] {
        let told = touch(&record(name, &customer)).unwrap();
        assert_eq!((told.deed, told.is_of_itself), (Deed::CustomerKey, false), "{name}");
    }
}

#[test]
fn a_copy_onto_itself_read_the_key_too_however_its_source_is_written() {
    let from = |source: &str| {
        let request = json!({
            "x-amz-server-side-encryption-customer-algorithm": "AES256",
            "x-amz-copy-source": source,
        });
        let told = touch(&record("CopyObject", &request)).unwrap();
        told.each().map(|touched| touched.deed).collect::<Vec<Deed>>()
    };
    let both = [Deed::CustomerKey, Deed::Read];
    for source in [
        "photos/cats/1.jpg",
        "/photos/cats/1.jpg",
        "photos/cats%2F1.jpg",
        "/photos%2Fcats%2F1.jpg?versionId=abc",
    ] {
        assert_eq!(from(source), both, "{source}");
    }
    for source in ["photos/cats/2.jpg", "other/cats/1.jpg", "photos", ""] {
        assert_eq!(from(source), [Deed::CustomerKey], "{source}");
    }
}

#[test]
fn a_kms_key_is_foreign_when_its_account_is_not_the_buckets() {
    let name = "x-amz-server-side-encryption-aws-kms-key-id";
    let key = |account: &str| format!("arn:aws:kms:eu-west-1:{account}:key/1");
    let asked = |key: &str| deed(&record("PutObject", &json!({ name: key })));
    assert_eq!(asked(&key("444455556666")), Some(Deed::ForeignKey));
    assert_eq!(asked(&key("111122223333")), None);
    assert_eq!(asked("alias/mine"), None);
    let mut used = record("CopyObject", &json!({ name: "alias/theirs" }));
    used["responseElements"] = json!({ name: key("444455556666") });
    assert_eq!(deed(&used), Some(Deed::ForeignKey));
    used["resources"][1]["accountId"] = json!("444455556666");
    assert_eq!(deed(&used), None, "the bucket is of the key's account");
}
