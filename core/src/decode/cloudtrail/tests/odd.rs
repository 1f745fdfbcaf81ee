//! Records that are old, odd, broken or hostile: a delete is counted as far as it can be read, and
//! refused rather than passed over where it cannot.

use serde_json::{Value, json};

use super::{child_with, direct, direct_with, evidence, read, read_both, refusal};
use crate::decode::log_key::LogPath;
use crate::decode::reject::RejectReason;
use crate::domain::{ActorKind, Cause, Fact, Outcome, RemovalRole, Target, Timestamp};

#[test]
fn an_old_record_counts() {
    let record = json!({
        "eventVersion": "1.01", "eventTime": "2014-09-21T10:00:00Z",
        "eventSource": "s3.amazonaws.com", "eventName": "DeleteObject",
        "requestParameters": {"bucketName": ["photos"], "key": ["k"]}
    });
    let first = evidence(&record);
    assert_eq!(first.role, RemovalRole::Claim);
    assert!(first.id.starts_with("ct::#") && first.id.len() == 5 + 32, "{}", first.id);
    assert_eq!(first.id, evidence(&record).id, "the same record has the same identity");
    assert_eq!(first.actor, crate::domain::Actor::default().into());
}

#[test]
fn members_of_any_type_are_passed_over() {
    for odd in [json!(null), json!("omitted"), json!({"omitted": true}), json!(7), json!([1])] {
        let evidence = evidence(&direct_with(json!({
            "requestParameters": odd, "responseElements": odd, "additionalEventData": odd,
            "userIdentity": odd, "serviceEventDetails": odd, "addendum": odd,
        })));
        assert_eq!(evidence.bucket, "photos");
        assert_eq!(evidence.key.as_deref(), Some("a/b.jpg"), "from the resources");
    }
    let no_place = direct_with(json!({"requestParameters": {"bucketName": 7}, "resources": null}));
    assert_eq!(refusal(&no_place), RejectReason::MissingBucket);
    let no_key = json!({"requestParameters": {"bucketName": "b", "key": {}}, "resources": null});
    assert_eq!(evidence(&direct_with(no_key)).key.as_deref(), Some(""), "unknown, yet counted");
}

#[test]
fn a_member_larger_than_aws_makes_it_counts_as_missing() {
    let parameters = json!({"bucketName": "other", "key": "k", "x": "y".repeat(600 * 1024)});
    let evidence = evidence(&direct_with(json!({ "requestParameters": parameters })));
    assert_eq!((evidence.bucket.as_str(), evidence.key.as_deref()), ("photos", Some("a/b.jpg")));
}

#[test]
fn numbers_may_be_spelled_in_several_ways() {
    let evidence = evidence(&direct_with(json!({"additionalEventData": {
        "startTime": 1_790_000_000_123.0, "endTime": "1790000000223", "httpStatusCode": 204.0
    }})));
    assert_eq!(evidence.ended_at.unwrap().millis_since(evidence.started_at.unwrap()), 100);
    assert_eq!(evidence.http_status, Some(204));
}

#[test]
fn the_time_is_the_events_own_or_the_end_of_its_call() {
    let no_time = json!({"eventTime": "yesterday"});
    assert_eq!(evidence(&direct_with(no_time)).at, Timestamp::from_millis(1_790_000_000_223));
    let none = json!({"eventTime": "absent", "additionalEventData": "absent"});
    assert_eq!(refusal(&direct_with(none)), RejectReason::MissingTime);
}

#[test]
fn only_major_version_one_is_read() {
    for version in [json!("1.99"), json!(1.08), json!("absent"), json!(null)] {
        assert!(read(&direct_with(json!({ "eventVersion": version }))).unwrap().is_some());
    }
    for version in [json!("2.0"), json!("10.1"), json!(""), json!({}), json!("new")] {
        let record = direct_with(json!({ "eventVersion": version }));
        assert_eq!(refusal(&record), RejectReason::UnknownVersion, "{version}");
    }
}

#[test]
fn a_delete_that_cannot_be_recognised_is_refused_and_not_ignored() {
    for changes in [
        json!({"eventSource": 7}),
        json!({"eventSource": "absent"}),
        json!({"eventName": {"api": "DeleteObject"}}),
    ] {
        assert_eq!(refusal(&direct_with(changes.clone())), RejectReason::WrongType, "{changes}");
    }
    assert_eq!(read(&direct_with(json!({"eventName": ["DeleteObject"]}))), read(&direct()));
}

#[test]
fn a_record_speaks_only_for_the_account_and_region_of_its_path() {
    let read = |account: &str, region: &str| {
        let path = LogPath {
            account: Some(account.into()),
            region: Some(region.into()),
            ..LogPath::default()
        };
        read_both(direct().to_string().as_bytes(), &path).map(|evidence| evidence.is_some())
    };
    assert_eq!(read("111122223333", "us-east-1"), Ok(true));
    assert_eq!(
        read("999999999999", "us-east-1").unwrap_err().reason,
        RejectReason::AccountMismatch
    );
    assert_eq!(
        read("111122223333", "eu-west-1").unwrap_err().reason,
        RejectReason::AccountMismatch
    );
}

#[test]
fn what_aws_itself_does_is_told_apart() {
    let by = |identity: Value| evidence(&direct_with(json!({ "userIdentity": identity })));
    let lifecycle = by(json!({"type": "AWSService", "invokedBy": "lifecycle.s3.amazonaws.com"}));
    assert_eq!(lifecycle.cause, Cause::Lifecycle);
    let service = by(json!({"type": "AWSService", "invokedBy": "backup.amazonaws.com"}));
    assert_eq!((service.cause, service.actor.kind()), (Cause::Api, ActorKind::Service));
}

#[test]
fn text_that_is_broken_is_refused_only_in_deletes() {
    let text = direct().to_string();
    let surrogate = text.replace("a/b.jpg", r"a\ud800b");
    let reason = |bytes: &[u8]| read_both(bytes, &LogPath::default()).map_err(|r| r.reason);
    assert_eq!(reason(surrogate.as_bytes()), Err(RejectReason::InvalidJson));
    let mut bytes = text.clone().into_bytes();
    let at = text.find("b.jpg").unwrap();
    bytes[at] = 0xff;
    assert_eq!(reason(&bytes), Err(RejectReason::InvalidUtf8));
    let other = surrogate.replace("\"DeleteObject\"", "\"PutObject\"");
    assert_eq!(reason(other.as_bytes()), Ok(None));
}

#[test]
fn a_child_may_name_its_place_only_in_the_service_event_details() {
    for details in [
        json!({"bucketName": "photos", "key": "k", "versionId": "v"}),
        json!({"bucket": {"name": "photos"}, "object": {"key": "k", "versionId": "v"}}),
        json!({"resources": [{"ARN": "arn:aws:s3:::photos/k"}], "versionId": "v"}),
    ] {
        let child = evidence(&child_with(json!({
            "requestParameters": null, "resources": null, "serviceEventDetails": details
        })));
        assert_eq!((child.role, child.bucket.as_str()), (RemovalRole::Child, "photos"));
        assert_eq!(child.key.as_deref(), Some("k"), "{details}");
        assert_eq!(child.target, Target::Version("v".into()), "{details}");
    }
}

#[test]
fn an_error_code_that_is_no_text_still_says_that_the_call_failed() {
    for (code, outcome) in [
        (json!(403), Outcome::Denied),
        (json!(403.0), Outcome::Denied),
        (json!(404), Outcome::Failed),
        (json!({"omitted": true}), Outcome::Failed),
        (json!(["AccessDenied", "x"]), Outcome::Failed),
    ] {
        let refused = evidence(&direct_with(json!({ "errorCode": code })));
        assert_eq!(refused.call.map(|call| call.outcome), Some(outcome), "{code}");
        assert_eq!(refused.role, RemovalRole::None, "{code}");
    }
    assert_eq!(evidence(&direct_with(json!({"errorCode": null}))).role, RemovalRole::Claim);
}

#[test]
fn a_delete_is_not_lost_for_what_cannot_be_held_beside_it() {
    let record = direct().to_string();
    for (whole, broken) in [
        (r#""[aws-cli/2.15]""#, r#""\ud83d""#),
        (r#""192.0.2.1""#, r#""\udc00""#),
        (r#""responseElements":null"#, r#""responseElements":{"x":"\ud83d"}"#),
        (r#""bytesTransferredIn":0.0"#, r#""bytesTransferredIn":1e999"#),
    ] {
        assert!(record.contains(whole), "{whole}");
        let broken = record.replace(whole, broken);
        let fact = read_both(broken.as_bytes(), &LogPath::default()).unwrap();
        let evidence = fact.and_then(Fact::deletion).unwrap();
        assert_eq!(evidence.role, RemovalRole::Claim, "{broken}");
    }
}

#[test]
fn an_account_written_as_a_number_has_its_twelve_digits() {
    let path = LogPath { account: Some("000012345678".into()), ..LogPath::default() };
    let record = direct_with(json!({"recipientAccountId": 12_345_678.0})).to_string();
    let fact = read_both(record.as_bytes(), &path).unwrap();
    let evidence = fact.and_then(Fact::deletion).unwrap();
    assert_eq!(evidence.account, "000012345678");
}
