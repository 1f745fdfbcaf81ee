//! S3's own notifications: shapes of structure versions 2.1 to 2.3 as documented, and of 2.6 as
//! captured.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    created_key, creation, evidence, item_of_record, items, reason, records, s3_record, sns,
};
use crate::decode::envelope::{Item, ObjectRef};
use crate::decode::reject::RejectReason;
use crate::domain::{Cause, Mark, RemovalRole, Source, Target, Timestamp};

/// A delete as captured: without size and entity tag, unless a marker was made.
fn removal(event_name: &str, object: Value) -> Value {
    let mut record = s3_record(event_name, "cats/a.jpg");
    record["s3"]["object"] = object;
    record
}

fn without(mut record: Value, path: &[&str]) -> Value {
    let (last, parents) = path.split_last().unwrap();
    let parent = parents.iter().fold(&mut record, |value, name| &mut value[*name]);
    parent.as_object_mut().unwrap().remove(*last);
    record
}

#[test]
fn a_permanent_delete_is_evidence_with_everything_that_is_told() {
    let object = json!({"key": "cats/a.jpg", "sequencer": "0055AED6DCD90281E5"});
    let told = evidence(item_of_record(&removal("ObjectRemoved:Delete", object)));
    assert_eq!(told.source, Source::S3Notification);
    assert_eq!((told.role, told.call), (RemovalRole::Claim, None));
    assert_eq!((told.bucket.as_str(), told.key.as_deref()), ("trail", Some("cats/a.jpg")));
    assert_eq!((&told.target, told.mark), (&Target::Current, Mark::Object));
    assert_eq!((told.cause, told.request_id.as_deref()), (Cause::Api, Some("R1")));
    assert_eq!((told.account.as_str(), told.region.as_str()), ("", "us-east-1"));
    assert_eq!(told.at.to_string(), "2026-09-21T10:00:00.123Z");
    assert!(!told.moment().is_coarse, "its clock has milliseconds");
    assert_eq!(told.sequencer.as_deref(), Some("0055AED6DCD90281E5"));
    assert_eq!(told.actor.principal_id.as_deref(), Some("AWS:AIDAEXAMPLE"));
    assert_eq!(told.actor.source_ip.as_deref(), Some("192.0.2.1"));
    assert!(told.id.starts_with("n:") && told.id.len() == 46, "{}", told.id);
}

#[test]
fn the_version_is_the_target_of_a_delete_and_the_id_of_a_marker() {
    let version = |id: &str| Target::Version(id.to_owned());
    for (name, written, target, mark, marker_version_id) in [
        ("ObjectRemoved:Delete", json!("v1"), version("v1"), Mark::Version, None),
        ("ObjectRemoved:Delete", json!("null"), Target::Current, Mark::Object, None),
        ("ObjectRemoved:Delete", json!(null), Target::Current, Mark::Object, None),
        ("ObjectRemoved:Delete", json!(""), Target::Current, Mark::Object, None),
        (
            "ObjectRemoved:DeleteMarkerCreated",
            json!("m1"),
            Target::Current,
            Mark::Marker,
            Some("m1"),
        ),
        ("ObjectRemoved:DeleteMarkerCreated", json!(null), Target::Current, Mark::Marker, None),
    ] {
        let object = json!({
            "key": "k", "versionId": written, "eTag": "d41d8cd98f00b204e9800998ecf8427e"
        });
        let told = evidence(item_of_record(&removal(name, object)));
        assert_eq!((&told.target, told.mark), (&target, mark), "{name} {written}");
        assert_eq!(told.marker_version_id.as_deref(), marker_version_id, "{name} {written}");
    }
}

#[test]
fn what_lifecycle_removes_says_so() {
    let lifecycle = |name: &str, object: Value| {
        let mut record = removal(name, object);
        record["eventVersion"] = "2.3".into();
        record["userIdentity"]["principalId"] = "s3.amazonaws.com".into();
        record["requestParameters"]["sourceIPAddress"] = "s3.amazonaws.com".into();
        evidence(item_of_record(&record))
    };
    let expired = lifecycle("LifecycleExpiration:Delete", json!({"key": "k", "versionId": "v0"}));
    assert_eq!((expired.cause, expired.mark), (Cause::Lifecycle, Mark::Version));
    assert_eq!(expired.actor.principal_id.as_deref(), Some("s3.amazonaws.com"));
    let name = "s3:LifecycleExpiration:DeleteMarkerCreated";
    let marked = lifecycle(name, json!({"key": "k", "versionId": "m1"}));
    assert_eq!((marked.cause, marked.mark), (Cause::Lifecycle, Mark::Marker));
}

#[test]
fn a_creation_is_work_and_evidence_at_once() {
    for name in ["ObjectCreated:Put", "s3:ObjectCreated:CompleteMultipartUpload"] {
        let mut record = s3_record(name, "logs/a.gz");
        record["s3"]["object"]["versionId"] = "v1".into();
        let (object, made) = creation(item_of_record(&record));
        let at = Timestamp::parse("2026-09-21T10:00:00.123Z").unwrap();
        assert_eq!(
            object,
            ObjectRef {
                bucket: "trail".into(),
                key: "logs/a.gz".into(),
                version_id: Some("v1".into()),
                etag: Some("abc".into()),
                size: Some(1234),
                region: Some("us-east-1".into()),
                event_at: Some(at),
                source: Source::S3Notification,
            }
        );
        assert_eq!((made.bucket.as_str(), made.key.as_str()), ("trail", "logs/a.gz"));
        assert_eq!((made.at, made.source), (at, Source::S3Notification));
        assert_eq!(made.version_id.as_deref(), Some("v1"));
        assert_eq!(made.request_id.as_deref(), Some("R1"));
        assert_eq!(made.sequencer.as_deref(), Some("0A"));
        assert_eq!(made.region, "us-east-1");
        assert_eq!(made.actor.principal_id.as_deref(), Some("AWS:AIDAEXAMPLE"));
        assert!(made.id.starts_with("n:"));
    }
}

#[test]
fn a_creation_has_no_null_version() {
    for (written, kept) in [(json!("v1"), Some("v1")), (json!("null"), None), (json!(null), None)] {
        let mut record = s3_record("ObjectCreated:Put", "k");
        record["s3"]["object"]["versionId"] = written;
        let (object, made) = creation(item_of_record(&record));
        assert_eq!(object.version_id.as_deref(), kept);
        assert_eq!(made.version_id.as_deref(), kept);
    }
}

#[test]
fn an_object_whose_making_has_no_time_is_still_to_be_fetched() {
    for record in [without(s3_record("ObjectCreated:Put", "k"), &["eventTime"]), {
        let mut odd = s3_record("ObjectCreated:Put", "k");
        odd["eventTime"] = "yesterday".into();
        odd
    }] {
        let Item::Created { object, creation } = item_of_record(&record) else { panic!() };
        assert_eq!((object.key.as_str(), object.event_at), ("k", None));
        let rejected = creation.unwrap_err();
        assert_eq!(rejected.reason, RejectReason::MissingTime);
        assert_eq!(rejected.record_index, Some(0));
    }
}

#[test]
fn a_removal_without_a_time_is_refused() {
    let record = without(s3_record("ObjectRemoved:Delete", "k"), &["eventTime"]);
    assert_eq!(reason(&item_of_record(&record)), Some(RejectReason::MissingTime));
}

#[test]
fn only_bucket_key_and_name_are_needed_of_a_removal_with_a_time() {
    let whole = s3_record("ObjectRemoved:Delete", "k");
    for path in [
        &["eventVersion"][..],
        &["eventSource"],
        &["awsRegion"],
        &["userIdentity"],
        &["requestParameters"],
        &["responseElements"],
        &["s3", "object", "versionId"],
        &["s3", "object", "sequencer"],
        &["s3", "object", "size"],
        &["s3", "object", "eTag"],
    ] {
        let mut null = whole.clone();
        *path.iter().fold(&mut null, |value, name| &mut value[*name]) = Value::Null;
        let missing = evidence(item_of_record(&without(whole.clone(), path)));
        let null = evidence(item_of_record(&null));
        assert_eq!(missing, null, "{path:?}");
        assert_eq!(missing.key.as_deref(), Some("k"));
    }
    let bare = json!({
        "eventName": "ObjectRemoved:Delete", "eventTime": "2026-09-21T10:00:00.123Z",
        "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}
    });
    let bare = evidence(item_of_record(&bare));
    assert_eq!((bare.request_id, bare.sequencer, bare.region.as_str()), (None, None, ""));
}

#[test]
fn a_sequencer_that_is_no_number_orders_nothing() {
    let object = json!({"key": "k", "sequencer": "Happy Sequencer"});
    let told = evidence(item_of_record(&removal("ObjectRemoved:Delete", object)));
    assert_eq!(told.sequencer, None);
}

#[test]
fn an_event_has_one_identity_however_often_and_whichever_way_it_comes() {
    let record = s3_record("ObjectRemoved:Delete", "k");
    let id = |body: &str| evidence(items(body).remove(0)).id;
    let direct = id(&records(std::slice::from_ref(&record)));
    // Worked out by hand: a later release must not count an event again.
    assert_eq!(direct, "n:1a0c3687d7b:15fcf207516995ba3650e220f6c667f6");
    assert_eq!(id(&sns(&records(std::slice::from_ref(&record)))), direct);
    let prefixed = s3_record("s3:ObjectRemoved:Delete", "k");
    assert_eq!(id(&records(&[prefixed])), direct);
    let mut later_version = record.clone();
    later_version["eventVersion"] = "2.9".into();
    later_version["s3"]["object"]["hasObjectAnnotation"] = json!(false);
    assert_eq!(id(&records(&[later_version])), direct);
}

#[test]
fn two_events_have_two_identities() {
    let whole = s3_record("ObjectRemoved:Delete", "k");
    let with = |path: &[&str], value: &str| {
        let mut record = whole.clone();
        *path.iter().fold(&mut record, |part, name| &mut part[*name]) = value.into();
        record
    };
    let no_request = without(whole.clone(), &["responseElements"]);
    let mut no_request_later = no_request.clone();
    no_request_later["eventTime"] = "2026-09-22T10:00:00.123Z".into();
    let different = [
        with(&["s3", "object", "key"], "l"),
        with(&["s3", "object", "versionId"], "v1"),
        with(&["s3", "object", "sequencer"], "0B"),
        with(&["s3", "bucket", "name"], "b"),
        with(&["responseElements", "x-amz-request-id"], "R2"),
        with(&["eventName"], "ObjectRemoved:DeleteMarkerCreated"),
        no_request,
        no_request_later,
        whole.clone(),
    ];
    let ids: std::collections::BTreeSet<String> =
        different.iter().map(|record| evidence(item_of_record(record)).id).collect();
    assert_eq!(ids.len(), different.len());
}

#[test]
fn other_events_of_s3_are_told_by_name() {
    for name in [
        "ObjectRemoved",
        "ObjectRemoved:Else",
        "ObjectCreatedLater",
        "ObjectTagging:Delete",
        "LifecycleTransition",
        "ObjectRestore:Delete",
    ] {
        let other = Item::Other {
            source: Source::S3Notification,
            event_name: name.into(),
            bucket: "trail".into(),
        };
        assert_eq!(item_of_record(&s3_record(name, "k")), other);
        assert_eq!(item_of_record(&s3_record(&format!("s3:{name}"), "k")), other);
    }
}

#[test]
fn keys_are_form_encoded() {
    let encoded = "a+b%2Bc%2520/%EA%B0%80+%28x%29";
    let read = item_of_record(&s3_record("ObjectCreated:Put", encoded));
    assert_eq!(created_key(&read), Some("a b+c%20/가 (x)"));
    let removed = evidence(item_of_record(&s3_record("ObjectRemoved:Delete", encoded)));
    assert_eq!(removed.key.as_deref(), Some("a b+c%20/가 (x)"));
    let broken = item_of_record(&s3_record("ObjectRemoved:Delete", "a%FFb"));
    assert_eq!(reason(&broken), Some(RejectReason::InvalidUtf8));
}

/// As S3 writes keys: a space is `+`, slashes and a few signs stay, other bytes are escaped.
fn form_encoded(key: &str) -> String {
    use std::fmt::Write;
    key.bytes().fold(String::new(), |mut written, byte| {
        match byte {
            b' ' => written.push('+'),
            b'/' | b'.' | b'-' | b'_' | b'*' => written.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => written.push(char::from(byte)),
            _ => write!(written, "%{byte:02X}").unwrap(),
        }
        written
    })
}

proptest! {
    #[test]
    fn any_key_is_read_as_the_application_knows_it(key in "[\\PC+%&=/ ]{1,40}") {
        let encoded = form_encoded(&key);
        let removed = evidence(item_of_record(&s3_record("ObjectRemoved:Delete", &encoded)));
        prop_assert_eq!(removed.key.as_deref(), Some(key.as_str()));
        let made = item_of_record(&s3_record("ObjectCreated:Put", &encoded));
        prop_assert_eq!(created_key(&made), Some(key.as_str()));
    }
}
