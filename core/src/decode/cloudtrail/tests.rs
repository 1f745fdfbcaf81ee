//! The counting rules, one record at a time. Records are composed from what AWS documents and what
//! was captured of it.

mod creation;
mod odd;
mod protection;

use serde_json::{Value, json};

use super::{Reader, Refusal, Wanted, read_any, read_record};
use crate::decode::log_key::LogPath;
use crate::decode::reject::RejectReason;
use crate::decode::structure::{Level, Marked, Room};
use crate::domain::{
    Api, Call, Cause, Evidence, Fact, Mark, Outcome, RemovalRole, Target, Timestamp,
};

/// A direct delete in an unversioned bucket, as of September 2026.
fn direct() -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/dev"},
        "eventTime": "2026-09-21T10:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "DeleteObject",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "[aws-cli/2.15]",
        "requestParameters": {"bucketName": "photos", "Host": "photos.s3", "key": "a/b.jpg"},
        "responseElements": null,
        "additionalEventData": {
            "bytesTransferredIn": 0.0, "httpStatusCode": 204,
            "startTime": 1_790_000_000_123_u64, "endTime": 1_790_000_000_223_u64
        },
        "requestID": "R1",
        "eventID": "E1",
        "readOnly": false,
        "resources": [
            {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::photos/a/b.jpg"},
            {"accountId": "111122223333", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::photos"}
        ],
        "eventType": "AwsApiCall",
        "managementEvent": false,
        "recipientAccountId": "111122223333",
        "eventCategory": "Data"
    })
}

/// [`direct`] with the members of `changes` set, or taken away where they are the text `"absent"`.
fn direct_with(changes: Value) -> Value {
    let mut record = direct();
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value == "absent" {
            record.as_object_mut().unwrap().remove(&name);
        } else {
            record[name] = value;
        }
    }
    record
}

fn child_with(changes: Value) -> Value {
    let mut record = direct_with(changes);
    record["eventType"] = "AwsServiceEvent".into();
    record
}

/// Reads a record as one that came alone, and as [`read_as`]: both must agree.
fn read_both(record: &[u8], path: &LogPath) -> Result<Option<Fact>, Refusal> {
    let alone = read_record(record, path);
    assert_eq!(read_as(record, path, Wanted::Deletes), alone);
    alone
}

/// Reads a record as one of a file, in which it stands twice, and as one that is written
/// uncommonly: all must agree.
fn read_as(record: &[u8], path: &LogPath, wanted: Wanted) -> Result<Option<Fact>, Refusal> {
    let alone = if record.starts_with(b"{") {
        read_any(record, path, wanted)
    } else {
        read_record(record, path)
    };
    let mut reader = Reader::of(path.clone());
    reader.want(wanted);
    for _ in 0..2 {
        if let Some(marked) = Marked::of(record, Level::best(), &mut Room::default()) {
            assert_eq!(reader.read(marked), alone, "{}", String::from_utf8_lossy(record));
        }
    }
    alone
}

fn read(record: &Value) -> Result<Option<Evidence>, Refusal> {
    let fact = read_both(record.to_string().as_bytes(), &LogPath::default())?;
    Ok(fact.and_then(Fact::deletion))
}

fn evidence(record: &Value) -> Evidence {
    read(record).unwrap().unwrap()
}

fn refusal(record: &Value) -> RejectReason {
    read(record).unwrap_err().reason
}

#[test]
fn a_direct_delete_is_one_request_and_one_removal() {
    let evidence = evidence(&direct());
    assert_eq!(evidence.id, "ct:111122223333:E1");
    assert_eq!(evidence.call, Some(Call { api: Api::DeleteObject, outcome: Outcome::Ok }));
    assert_eq!(evidence.role, RemovalRole::Claim);
    assert_eq!((evidence.bucket.as_str(), evidence.key.as_deref()), ("photos", Some("a/b.jpg")));
    assert_eq!((evidence.target, evidence.mark), (Target::Current, Mark::Object));
    assert_eq!(evidence.cause, Cause::Api);
    assert_eq!(evidence.at, Timestamp::parse("2026-09-21T10:00:00Z").unwrap());
    assert_eq!(evidence.ended_at.unwrap().millis_since(evidence.started_at.unwrap()), 100);
    assert_eq!(evidence.http_status, Some(204));
    assert_eq!(evidence.actor.user_agent.as_deref(), Some("aws-cli/2.15"));
    assert_eq!(
        (evidence.account.as_str(), evidence.region.as_str()),
        ("111122223333", "us-east-1")
    );
}

#[test]
fn other_events_are_ignored() {
    for changes in [
        json!({"eventName": "GetObject", "requestParameters": {"x-id": "DeleteObject"}}),
        json!({"eventName": "DeleteObjectTagging"}),
        json!({"eventSource": "sns.amazonaws.com"}),
        json!({"eventSource": "s3.amazonaws.com.example"}),
        json!({"eventName": null}),
    ] {
        assert_eq!(read(&direct_with(changes.clone())), Ok(None), "{changes}");
    }
}

#[test]
fn every_s3_service_counts() {
    for source in [
        "s3.amazonaws.com",
        "s3.amazonaws.com.cn",
        "s3express.amazonaws.com",
        "s3-outposts.amazonaws.com",
    ] {
        assert_eq!(
            evidence(&direct_with(json!({ "eventSource": source }))).role,
            RemovalRole::Claim
        );
    }
}

#[test]
fn an_aggregate_is_a_request_without_a_key() {
    for event_type in ["AwsApiCall", "AwsServiceEvent"] {
        let evidence = evidence(&direct_with(json!({
            "eventName": "DeleteObjects",
            "eventType": event_type,
            "requestParameters": {"bucketName": "photos", "delete": ""},
            "resources": [{"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::photos/"}],
        })));
        assert_eq!(evidence.call, Some(Call { api: Api::DeleteObjects, outcome: Outcome::Ok }));
        assert_eq!((evidence.role, evidence.key), (RemovalRole::None, None));
    }
}

#[test]
fn a_child_is_a_removal_and_no_request() {
    let child = evidence(&child_with(json!({})));
    assert_eq!((child.role, child.call), (RemovalRole::Child, None));
    assert_eq!((child.target, child.mark), (Target::Unknown, Mark::Unknown));
}

#[test]
fn a_childs_layout_may_be_any_plausible_one() {
    let bare = json!({"requestParameters": null, "resources": "absent"});
    let cases = [
        (json!({"bucketName": "photos", "objectKey": "k"}), "k", Target::Unknown, Mark::Unknown),
        (
            json!({"objects": [{"Key": ["k"], "VersionId": "v1"}]}),
            "k",
            Target::Version("v1".into()),
            Mark::Version,
        ),
        (json!({"arn": "arn:aws:s3:::photos/k/2"}), "k/2", Target::Unknown, Mark::Unknown),
        (json!({"key": "k", "deleteMarker": "true"}), "k", Target::Current, Mark::Marker),
        (json!({"note": "nothing known"}), "", Target::Unknown, Mark::Unknown),
    ];
    for (details, key, target, mark) in cases {
        let mut record = child_with(bare.clone());
        record["resources"] = json!([{"ARN": "arn:aws:s3:::photos"}]);
        record["serviceEventDetails"] = details;
        let child = evidence(&record);
        assert_eq!(child.key.as_deref(), Some(key), "{record}");
        assert_eq!((child.target, child.mark, child.role), (target, mark, RemovalRole::Child));
    }
}

#[test]
fn refused_calls_and_keys_are_no_removals() {
    let denied = json!({
        "errorCode": "AccessDenied", "requestParameters": {"bucketName": "photos"},
        "resources": "absent", "additionalEventData": {"httpStatusCode": 403}
    });
    let call = evidence(&direct_with(denied.clone()));
    assert_eq!(call.call, Some(Call { api: Api::DeleteObject, outcome: Outcome::Denied }));
    assert_eq!((call.role, call.key, call.mark), (RemovalRole::None, None, Mark::Unknown));
    let child = evidence(&child_with(denied));
    assert_eq!((child.role, child.call), (RemovalRole::None, None));
    let failed = evidence(&direct_with(json!({"additionalEventData": {"httpStatusCode": "503"}})));
    assert_eq!(failed.call.unwrap().outcome, Outcome::Failed);
    assert_eq!(failed.key.as_deref(), Some("a/b.jpg"), "a known key of a refused call is kept");
}

#[test]
fn an_update_is_neither_request_nor_removal() {
    let addendum = json!({
        "reason": "UPDATED_DATA", "updatedFields": "userIdentity",
        "originalRequestID": "R0", "originalEventID": "E0"
    });
    let update = evidence(&direct_with(json!({ "addendum": addendum })));
    assert_eq!((update.role, update.call), (RemovalRole::None, None));
    assert_eq!(update.amends_event_id.as_deref(), Some("E0"));
    assert_eq!(update.request_id.as_deref(), Some("R0"));
    assert_eq!(update.key.as_deref(), Some("a/b.jpg"));

    let same_id = evidence(&direct_with(json!({"addendum": {"reason": "UPDATED_DATA"}})));
    assert_eq!(same_id.amends_event_id.as_deref(), Some("E1"));
    assert_ne!(same_id.id, evidence(&direct()).id, "it must not take the place of its original");

    let late = evidence(&direct_with(json!({"addendum": {"reason": "DELIVERY_DELAY"}})));
    assert_eq!((late.role, late.amends_event_id), (RemovalRole::Claim, None));
}

#[test]
fn targets_and_marks_follow_what_the_caller_named() {
    let request =
        |version: Value| json!({"bucketName": "photos", "key": "k", "versionId": version});
    let made = json!({"x-amz-delete-marker": "true", "x-amz-version-id": "m1"});
    let made_as_boolean = json!({"x-amz-delete-marker": true, "x-amz-version-id": "m1"});
    let version = || Target::Version("v1".into());
    let marker_id = Some("m1");
    let cases = [
        (request(json!(null)), made.clone(), Target::Current, Mark::Marker, marker_id),
        (request(json!(null)), made_as_boolean, Target::Current, Mark::Marker, marker_id),
        (request(json!("v1")), json!(null), version(), Mark::Version, None),
        (request(json!(["v1"])), json!(null), version(), Mark::Version, None),
        (request(json!("v1")), made.clone(), version(), Mark::Version, None),
        (request(json!("null")), json!(null), Target::Current, Mark::Object, None),
        (request(json!("null")), made, Target::Current, Mark::Object, None),
    ];
    for (request, response, target, mark, marker_version_id) in cases {
        let record =
            direct_with(json!({"requestParameters": request, "responseElements": response}));
        let evidence = evidence(&record);
        assert_eq!((evidence.target, evidence.mark), (target, mark), "{record}");
        assert_eq!(evidence.marker_version_id.as_deref(), marker_version_id, "{record}");
    }
}

#[test]
fn keys_are_raw() {
    for key in ["a b+c%20d", "가나다/é.jpg", "a\\b\"c{}", "100%", " "] {
        let request = json!({"bucketName": ["photos"], "key": [key]});
        let record = direct_with(json!({ "requestParameters": request }));
        assert_eq!(evidence(&record).key.as_deref(), Some(key));
        let arn = format!("arn:aws:s3:::photos/{key}");
        let record = direct_with(json!({"requestParameters": null, "resources": [{"ARN": arn}]}));
        assert_eq!(evidence(&record).key.as_deref(), Some(key));
    }
}
