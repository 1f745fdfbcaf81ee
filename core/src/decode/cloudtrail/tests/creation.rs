//! Writes of objects, where they are wanted.

use serde_json::{Value, json};

use super::{direct_with, read_as};
use crate::decode::cloudtrail::Wanted;
use crate::decode::log_key::LogPath;
use crate::decode::reject::RejectReason;
use crate::domain::{Creation, Fact, Source};

fn told(record: &Value, wanted: Wanted) -> Option<Fact> {
    read_as(record.to_string().as_bytes(), &LogPath::default(), wanted).unwrap()
}

fn creation(record: &Value) -> Option<Creation> {
    match told(record, Wanted::DeletesAndWrites)? {
        Fact::Creation(creation) => Some(*creation),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_write_tells_of_the_object_that_it_made() {
    for name in ["PutObject", "CopyObject", "CompleteMultipartUpload"] {
        let record = direct_with(json!({
            "eventName": name, "responseElements": {"x-amz-version-id": "V1"}
        }));
        let made = creation(&record).unwrap();
        assert_eq!((made.bucket.as_str(), made.key.as_str()), ("photos", "a/b.jpg"));
        assert_eq!(made.version_id.as_deref(), Some("V1"));
        assert_eq!((made.source, made.request_id.as_deref()), (Source::CloudTrail, Some("R1")));
        assert_eq!(
            (made.id.as_str(), made.account.as_str()),
            ("ct:111122223333:E1", "111122223333")
        );
        assert_eq!(made.at.to_string(), "2026-09-21T10:00:00.000Z");
        assert_eq!(made.actor.arn.as_deref(), Some("arn:aws:iam::111122223333:user/dev"));
    }
}

#[test]
fn writes_are_passed_over_where_only_deletes_are_wanted() {
    let record = direct_with(json!({ "eventName": "PutObject" }));
    assert_eq!(told(&record, Wanted::Deletes), None);
    let delete = direct_with(json!({}));
    assert_eq!(told(&delete, Wanted::Deletes), told(&delete, Wanted::DeletesAndWrites));
}

#[test]
fn a_write_that_failed_or_is_of_another_service_made_nothing() {
    for changes in [
        json!({ "errorCode": "AccessDenied" }),
        json!({ "additionalEventData": {"httpStatusCode": 503} }),
        json!({ "eventSource": "s3files.example.com" }),
        json!({ "addendum": {"reason": "UPDATED_DATA", "originalEventID": "E0"} }),
    ] {
        let mut changes = changes;
        changes["eventName"] = "PutObject".into();
        assert_eq!(creation(&direct_with(changes.clone())), None, "{changes}");
    }
}

#[test]
fn the_null_version_is_none() {
    let record = direct_with(json!({
        "eventName": "PutObject", "responseElements": {"x-amz-version-id": "null"}
    }));
    assert_eq!(creation(&record).unwrap().version_id, None);
}

#[test]
fn a_write_without_a_key_is_refused() {
    let record = direct_with(json!({
        "eventName": "PutObject", "requestParameters": {"bucketName": "photos"},
        "resources": "absent"
    }));
    let path = LogPath::default();
    let bytes = record.to_string();
    let refused = read_as(bytes.as_bytes(), &path, Wanted::DeletesAndWrites).unwrap_err();
    assert_eq!(refused.reason, RejectReason::WrongType);
}
