//! Events through EventBridge: S3's as documented and captured, and records of CloudTrail.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{creation, evidence, item, items, reason, sns};
use crate::decode::cloudtrail::read_record;
use crate::decode::envelope::{Item, ObjectRef};
use crate::decode::log_key::LogPath;
use crate::decode::reject::RejectReason;
use crate::domain::{Cause, Mark, RemovalRole, Source, Target, Timestamp};

fn event(detail_type: &str, key: &str) -> Value {
    json!({
        "version": "0", "id": "i", "detail-type": detail_type, "source": "aws.s3",
        "account": "111122223333", "time": "2026-09-21T10:00:00Z", "region": "eu-west-1",
        "resources": ["arn:aws:s3:::trail"],
        "detail": {
            "version": "1.2", "bucket": {"name": "trail"}, "request-id": "R1",
            "object": {"key": key, "sequencer": "617f08299329d189"},
            "requester": "123456789012", "source-ip-address": "192.0.2.1"
        }
    })
}

/// A permanent delete by a caller.
pub(super) fn deleted(key: &str) -> Value {
    let mut event = event("Object Deleted", key);
    event["detail"]["reason"] = "DeleteObject".into();
    event["detail"]["deletion-type"] = "Permanently Deleted".into();
    event
}

fn deleted_with(deletion_type: Value, object: Value) -> Value {
    let mut event = deleted("k");
    event["detail"]["deletion-type"] = deletion_type;
    event["detail"]["object"] = object;
    event
}

fn created(key: &str) -> Value {
    let mut event = event("Object Created", key);
    event["detail"]["reason"] = "PutObject".into();
    event["detail"]["object"]["size"] = json!(5);
    event["detail"]["object"]["etag"] = "e".into();
    event["detail"]["object"]["version-id"] = "v1".into();
    event
}

/// A direct delete, as CloudTrail writes it into its files too.
fn cloudtrail_record() -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/dev"},
        "eventTime": "2026-09-21T10:00:00Z", "eventSource": "s3.amazonaws.com",
        "eventName": "DeleteObject", "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.1",
        "requestParameters": {"bucketName": "photos", "Host": "photos.s3", "key": "a+b/c.jpg"},
        "responseElements": null, "requestID": "R1", "eventID": "E1",
        "eventType": "AwsApiCall", "recipientAccountId": "111122223333", "eventCategory": "Data"
    })
}

pub(super) fn call_via_cloudtrail() -> Value {
    json!({
        "version": "0", "id": "i", "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3", "account": "111122223333", "time": "2026-09-21T10:00:00Z",
        "region": "eu-west-1", "resources": [], "detail": cloudtrail_record()
    })
}

#[test]
fn a_permanent_delete_is_evidence_with_everything_that_is_told() {
    let told = evidence(item(&deleted("a+b%20c")));
    assert_eq!(told.source, Source::EventBridge);
    assert_eq!((told.role, told.call), (RemovalRole::Claim, None));
    assert_eq!((told.bucket.as_str(), told.key.as_deref()), ("trail", Some("a+b%20c")));
    assert_eq!((&told.target, told.mark), (&Target::Current, Mark::Object));
    assert_eq!((told.cause, told.request_id.as_deref()), (Cause::Api, Some("R1")));
    assert_eq!((told.account.as_str(), told.region.as_str()), ("111122223333", "eu-west-1"));
    assert_eq!(told.at.to_string(), "2026-09-21T10:00:00.000Z");
    assert!(told.moment().is_coarse, "its clock has whole seconds");
    assert_eq!(told.sequencer.as_deref(), Some("617f08299329d189"));
    assert_eq!(told.actor.account_id.as_deref(), Some("123456789012"));
    assert_eq!(told.actor.principal_id, None);
    assert_eq!(told.actor.source_ip.as_deref(), Some("192.0.2.1"));
    assert!(told.id.starts_with("eb:") && told.id.len() == 47, "{}", told.id);
}

#[test]
fn the_deletion_type_tells_markers_from_versions() {
    let version = Target::Version("v1".into());
    let (marker, permanent) = (json!("Delete Marker Created"), json!("Permanently Deleted"));
    let named = json!({"key": "k", "version-id": "v1"});
    let tagged =
        json!({"key": "k", "version-id": "v1", "etag": "d41d8cd98f00b204e9800998ecf8427e"});
    let plain = json!({"key": "k"});
    let current = Target::Current;
    for (deletion_type, object, target, mark, marker_version_id) in [
        (&marker, &tagged, &current, Mark::Marker, Some("v1")),
        (&marker, &plain, &current, Mark::Marker, None),
        (&permanent, &named, &version, Mark::Version, None),
        (&permanent, &plain, &current, Mark::Object, None),
        // Not documented: a type that is missing or new.
        (&Value::Null, &tagged, &current, Mark::Marker, Some("v1")),
        (&Value::Null, &named, &version, Mark::Version, None),
        (&Value::Null, &plain, &current, Mark::Object, None),
    ] {
        let told = evidence(item(&deleted_with(deletion_type.clone(), object.clone())));
        assert_eq!((&told.target, told.mark), (target, mark), "{deletion_type} {object}");
        assert_eq!(told.marker_version_id.as_deref(), marker_version_id);
    }
}

#[test]
fn what_lifecycle_removes_says_so() {
    let mut event = deleted("k");
    event["detail"]["reason"] = "Lifecycle Expiration".into();
    event["detail"]["requester"] = "s3.amazonaws.com".into();
    event["detail"].as_object_mut().unwrap().remove("source-ip-address");
    let told = evidence(item(&event));
    assert_eq!((told.cause, told.mark), (Cause::Lifecycle, Mark::Object));
    assert_eq!(told.actor.principal_id.as_deref(), Some("s3.amazonaws.com"));
    assert_eq!((&told.actor.account_id, &told.actor.source_ip), (&None, &None));
}

#[test]
fn a_creation_is_work_and_evidence_at_once() {
    let (object, made) = creation(item(&created("a+b%20c")));
    let at = Timestamp::parse("2026-09-21T10:00:00Z").unwrap();
    assert_eq!(
        object,
        ObjectRef {
            bucket: "trail".into(),
            key: "a+b%20c".into(),
            version_id: Some("v1".into()),
            etag: Some("e".into()),
            size: Some(5),
            region: Some("eu-west-1".into()),
            event_at: Some(at),
            source: Source::EventBridge,
        }
    );
    assert_eq!((made.key.as_str(), made.at), ("a+b%20c", at));
    assert_eq!(made.version_id.as_deref(), Some("v1"));
    assert_eq!((made.account.as_str(), made.region.as_str()), ("111122223333", "eu-west-1"));
    assert_eq!(made.actor.account_id.as_deref(), Some("123456789012"));
    assert!(made.id.starts_with("eb:"));
}

#[test]
fn an_event_without_a_time_is_refused_unless_it_is_work() {
    let (mut removed, mut made) = (deleted("k"), created("k"));
    for event in [&mut removed, &mut made] {
        event["time"] = Value::Null;
    }
    assert_eq!(reason(&item(&removed)), Some(RejectReason::MissingTime));
    let Item::Created { object, creation } = item(&made) else { panic!() };
    assert_eq!((object.event_at, object.key.as_str()), (None, "k"));
    assert_eq!(creation.unwrap_err().reason, RejectReason::MissingTime);
}

#[test]
fn members_of_a_detail_may_be_missing_and_its_version_anything() {
    let mut bare = deleted("k");
    bare["detail"] = json!({"bucket": {"name": "b"}, "object": {"key": "k"}});
    let told = evidence(item(&bare));
    assert_eq!((told.request_id, told.sequencer), (None, None));
    for version in [json!("0"), json!("9.9"), json!(7), json!(null)] {
        let mut event = deleted("k");
        event["detail"]["version"] = version;
        assert_eq!(evidence(item(&event)), evidence(item(&deleted("k"))));
    }
    let mut elsewhere = created("k");
    elsewhere["detail"]["bucket"]["name"] = "http://trail".into();
    assert_eq!(reason(&item(&elsewhere)), Some(RejectReason::BucketNotAllowed));
    let mut no_key = deleted("k");
    no_key["detail"]["object"] = json!(null);
    assert_eq!(reason(&item(&no_key)), Some(RejectReason::WrongType));
    let mut no_type = deleted("k");
    no_type["detail-type"] = json!(7);
    assert_eq!(reason(&item(&no_type)), Some(RejectReason::WrongType));
}

#[test]
fn an_event_has_one_identity_and_two_events_have_two() {
    let id = |event: &Value| evidence(item(event)).id;
    let whole = deleted("k");
    assert_eq!(evidence(items(&sns(&whole.to_string())).remove(0)).id, id(&whole));
    let mut redelivered = whole.clone();
    redelivered["id"] = "another".into();
    assert_eq!(id(&redelivered), id(&whole));
    // Worked out by hand: a later release must not count an event again.
    assert_eq!(id(&whole), "eb:1a0c3687d00:d023b7052c29d8a22c386b6c2ccdcb28");
    let mut other_request = whole.clone();
    other_request["detail"]["request-id"] = "R2".into();
    let mut other_reason = whole.clone();
    other_reason["detail"]["reason"] = "Lifecycle Expiration".into();
    for other in [deleted("l"), other_request, other_reason] {
        assert_ne!(id(&other), id(&whole), "{other}");
    }
}

#[test]
fn other_events_of_s3_are_told_by_name() {
    for detail_type in ["Object Restore Completed", "Object Tags Deleted"] {
        let other = Item::Other {
            source: Source::EventBridge,
            event_name: detail_type.into(),
            bucket: "trail".into(),
        };
        assert_eq!(item(&event(detail_type, "k")), other);
    }
}

#[test]
fn a_record_of_cloudtrail_is_the_same_evidence_as_in_a_file() {
    let record = cloudtrail_record().to_string();
    let in_file = read_record(record.as_bytes(), &LogPath::default()).unwrap().unwrap();
    let in_file = in_file.deletion().unwrap();
    let event = call_via_cloudtrail();
    assert_eq!(evidence(item(&event)), in_file);
    assert_eq!(evidence(items(&sns(&event.to_string())).remove(0)), in_file);
    assert_eq!((in_file.id.as_str(), in_file.source), ("ct:111122223333:E1", Source::CloudTrail));
}

#[test]
fn a_key_of_a_bulk_call_comes_as_a_service_event() {
    let mut event = call_via_cloudtrail();
    event["detail-type"] = "AWS Service Event via CloudTrail".into();
    event["detail"]["eventType"] = "AwsServiceEvent".into();
    assert_eq!(evidence(item(&event)).role, RemovalRole::Child);
}

#[test]
fn the_envelope_and_the_record_must_agree_on_account_and_region() {
    for (name, lie) in [("account", "999988887777"), ("region", "us-east-1")] {
        let mut event = call_via_cloudtrail();
        event[name] = lie.into();
        assert_eq!(reason(&item(&event)), Some(RejectReason::AccountMismatch), "{name}");
    }
}

#[test]
fn other_calls_via_cloudtrail_are_told_by_detail_type() {
    let mut event = call_via_cloudtrail();
    event["source"] = "aws.ec2".into();
    event["detail"]["eventSource"] = "ec2.amazonaws.com".into();
    event["detail"]["eventName"] = "CreateImage".into();
    let other = Item::Other {
        source: Source::CloudTrail,
        event_name: "AWS API Call via CloudTrail".into(),
        bucket: String::new(),
    };
    assert_eq!(item(&event), other);
    event["source"] = "my.app".into();
    let body = event.to_string();
    assert!(super::parse_message(&body).is_err(), "anybody may put events of such a source");
}

#[test]
fn a_record_that_cannot_be_counted_is_refused() {
    let mut event = call_via_cloudtrail();
    event["detail"]["eventTime"] = "yesterday".into();
    assert_eq!(reason(&item(&event)), Some(RejectReason::MissingTime));
}

proptest! {
    #[test]
    fn any_key_stays_as_it_is(key in "[\\PC+%&=/ ]{1,40}") {
        let removed = evidence(item(&deleted(&key)));
        prop_assert_eq!(removed.key.as_deref(), Some(key.as_str()));
        let (object, made) = creation(item(&created(&key)));
        prop_assert_eq!((object.key, made.key), (key.clone(), key));
    }
}
