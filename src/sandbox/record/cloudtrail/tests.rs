//! Records of acts, against what was captured at AWS, and as deltrail's decoder reads them.

use std::sync::Arc;

use deltrail_core::decode::{Limits, LogDecoder, LogPath};
use deltrail_core::domain::{Evidence, Mark, RemovalRole, Target};

use super::*;
use crate::sandbox::act::Caller;
use crate::sandbox::principal::Kind;
use crate::sandbox::record::log_file::packed_records;
use crate::sandbox::record::specimen::{act, principal};

fn recorded(act: &Act, layout: ChildLayout) -> Vec<Value> {
    records(act, layout, &Identifiers::seeded(5))
}

fn only(act: &Act) -> Value {
    let [record] = recorded(act, ChildLayout::SharedRequest).try_into().unwrap();
    record
}

fn delete(named_version: Option<&str>, effect: Effect) -> Act {
    let named_version = named_version.map(str::to_owned);
    act(Call::Delete { key: "cats/a b+c.jpg".into(), named_version, effect })
}

fn bulk() -> Act {
    let entry = |key: &str, version: Option<&str>, result| BulkEntry {
        key: key.into(),
        named_version: version.map(str::to_owned),
        result,
    };
    let version = Effect::Version { id: "V1".into(), was_marker: false };
    let denied = Refusal::access_denied("somebody", "s3:DeleteObject", "arn:aws:s3:::images/held");
    act(Call::BulkDelete {
        entries: vec![
            entry("one.jpg", Some("V1"), Ok(version)),
            entry("two.jpg", None, Ok(Effect::Marker { id: "V2".into() })),
            entry("held", None, Err(denied)),
        ],
    })
}

fn read_back(records: &[Value]) -> Vec<Evidence> {
    let limits = Limits { inflated_bytes_max: 1 << 20, record_bytes_max: 1 << 20 };
    let mut decoder = LogDecoder::new(limits, LogPath::default());
    decoder.push(&packed_records(records).body).unwrap();
    decoder.finish().unwrap();
    let read = decoder.take();
    assert!(read.rejected.is_empty(), "{:?}", read.rejected);
    read.facts.into_iter().filter_map(|located| located.fact.deletion()).collect()
}

#[test]
fn a_marker_is_told_as_in_the_captures() {
    let mut record = only(&delete(None, Effect::Marker { id: "V2".into() }));
    assert_eq!(record["eventID"].take().as_str().unwrap().len(), 36);
    let expected = json!({
        "additionalEventData": {
            "AuthenticationMethod": "AuthHeader",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "SignatureVersion": "SigV4",
            "bytesTransferredIn": 0,
            "bytesTransferredOut": 0,
            "endTime": 1_795_435_200_290_i64,
            "httpStatusCode": 204,
            "startTime": 1_795_435_200_250_i64,
            "x-amz-id-2": "host/id=",
        },
        "awsRegion": "eu-west-1",
        "eventCategory": "Data",
        "eventID": null,
        "eventName": "DeleteObject",
        "eventSource": "s3.amazonaws.com",
        "eventTime": "2026-11-23T12:00:00Z",
        "eventType": "AwsApiCall",
        "eventVersion": "1.11",
        "managementEvent": false,
        "readOnly": false,
        "recipientAccountId": "111122223333",
        "requestID": "REQUEST000000001",
        "requestParameters": {
            "Host": "images.s3.eu-west-1.amazonaws.com",
            "bucketName": "images",
            "key": "cats/a b+c.jpg",
            "x-id": "DeleteObject",
        },
        "resources": [
            {
                "ARN": "arn:aws:s3:::images",
                "accountId": "111122223333",
                "type": "AWS::S3::Bucket",
            },
            { "ARN": "arn:aws:s3:::images/cats/a b+c.jpg", "type": "AWS::S3::Object" },
        ],
        "responseElements": { "x-amz-delete-marker": "true", "x-amz-version-id": "V2" },
        "sourceIPAddress": "198.51.100.7",
        "tlsDetails": {
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "images.s3.eu-west-1.amazonaws.com",
            "tlsVersion": "TLSv1.3",
        },
        "userAgent": "[aws-sdk-rust/1.3.9 os/linux]",
        "userIdentity": {
            "accessKeyId": "AKIAIMAGESERVICE",
            "accountId": "111122223333",
            "arn": "arn:aws:sts::111122223333:assumed-role/image-service/i-0abc",
            "principalId": "AROAIMAGESERVICEXXXXX:i-0abc",
            "sessionContext": {
                "attributes": {
                    "creationDate": "2026-11-23T12:00:00Z",
                    "mfaAuthenticated": "false",
                },
                "sessionIssuer": {
                    "accountId": "111122223333",
                    "arn": "arn:aws:iam::111122223333:role/image-service",
                    "principalId": "AROAIMAGESERVICEXXXXX",
                    "type": "Role",
                    "userName": "image-service",
                },
            },
            "type": "AssumedRole",
        },
    });
    assert_eq!(record, expected);
}

#[test]
fn a_named_version_stands_among_the_parameters_and_leaves_no_response() {
    let gone = Effect::Version { id: "V1".into(), was_marker: true };
    let record = only(&delete(Some("V1"), gone));
    assert_eq!(record["requestParameters"]["versionId"], "V1");
    assert_eq!(record["responseElements"], Value::Null);
}

#[test]
fn a_refused_delete_tells_its_error_and_made_nothing() {
    let mut act = delete(None, Effect::Nothing);
    act.refusal = Some(Refusal::access_denied("somebody", "s3:DeleteObject", "images/a"));
    let record = only(&act);
    assert_eq!(record["errorCode"], "AccessDenied");
    assert_eq!(record["additionalEventData"]["httpStatusCode"], 403);
    let message = record["errorMessage"].as_str().unwrap();
    assert!(message.contains("s3:DeleteObject"), "{message}");
    assert_eq!(record["responseElements"], Value::Null);
}

#[test]
fn who_fails_to_prove_who_he_is_is_not_logged() {
    let mut act = delete(None, Effect::Nothing);
    for (status, code) in [(403, "SignatureDoesNotMatch"), (301, "PermanentRedirect")] {
        act.refusal = Some(Refusal { status, code: code.into(), message: String::new() });
        assert!(recorded(&act, ChildLayout::SharedRequest).is_empty(), "{code}");
    }
}

#[test]
fn lifecycle_is_invisible() {
    let expired = act(Call::Expire { key: "old".into(), effect: Effect::Object });
    assert!(recorded(&expired, ChildLayout::SharedRequest).is_empty());
}

#[test]
fn an_aggregate_names_no_key_and_hides_that_one_was_refused() {
    let record = recorded(&bulk(), ChildLayout::SharedRequest).remove(0);
    assert_eq!(record["eventName"], "DeleteObjects");
    assert_eq!(record["requestParameters"]["delete"], "");
    assert_eq!(record["resources"][1]["ARNPrefix"], "arn:aws:s3:::images/");
    assert_eq!(record["additionalEventData"]["httpStatusCode"], 200);
    assert_eq!(record["responseElements"], Value::Null);
    assert_eq!(record.get("errorCode"), None);
    assert!(!record.to_string().contains("one.jpg"));
}

#[test]
fn a_bulk_call_that_is_refused_has_no_children() {
    let mut refused = bulk();
    refused.refusal = Some(Refusal::access_denied("somebody", "s3:DeleteObject", "images"));
    let record = only(&refused);
    assert_eq!(record["errorCode"], "AccessDenied");
}

#[test]
fn children_of_the_first_layout_share_the_request_and_name_key_and_version() {
    let records = recorded(&bulk(), ChildLayout::SharedRequest);
    let [aggregate, one, two, held] = records.as_slice() else { panic!("{records:?}") };
    for child in [one, two, held] {
        assert_eq!(child["eventType"], "AwsServiceEvent");
        assert_eq!(child["requestID"], "REQUEST000000001");
        assert_ne!(child["eventID"], aggregate["eventID"]);
        assert_eq!(child["additionalEventData"].get("startTime"), None);
        assert_eq!(child["additionalEventData"].get("endTime"), None);
    }
    assert_eq!(one["requestParameters"]["key"], "one.jpg");
    assert_eq!(one["requestParameters"]["versionId"], "V1");
    assert_eq!(two["requestParameters"].get("versionId"), None);
    assert_eq!(held["errorCode"], "AccessDenied");
}

#[test]
fn children_of_the_second_layout_have_a_request_of_their_own_and_the_key_in_an_arn() {
    let records = recorded(&bulk(), ChildLayout::OwnRequest);
    let [_, one, two, _] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(one["requestParameters"], json!({ "bucketName": "images" }));
    assert_eq!(one["resources"][1]["ARN"], "arn:aws:s3:::images/one.jpg");
    assert_ne!(one["requestID"], "REQUEST000000001");
    assert_ne!(one["requestID"], two["requestID"]);
    assert!(!one.to_string().contains("V1"), "no version anywhere");
}

#[test]
fn a_reader_finds_one_child_for_each_accepted_key_in_both_layouts() {
    for layout in [ChildLayout::SharedRequest, ChildLayout::OwnRequest] {
        let evidence = read_back(&recorded(&bulk(), layout));
        let children: Vec<&str> = evidence
            .iter()
            .filter(|evidence| evidence.role == RemovalRole::Child)
            .map(|evidence| evidence.key.as_deref().unwrap())
            .collect();
        assert_eq!(children, ["one.jpg", "two.jpg"], "{layout:?}");
        assert_eq!(evidence.len(), 4, "{layout:?}: the call and the refused key as well");
    }
}

#[test]
fn a_reader_finds_what_was_asked_and_how_long_it_took() {
    let evidence = read_back(&[only(&delete(None, Effect::Marker { id: "V2".into() }))]);
    let [marker] = evidence.as_slice() else { panic!("{evidence:?}") };
    assert_eq!((marker.role, marker.mark), (RemovalRole::Claim, Mark::Marker));
    assert_eq!(marker.target, Target::Current);
    assert_eq!(marker.key.as_deref(), Some("cats/a b+c.jpg"));
    assert_eq!(marker.ended_at.unwrap().millis_since(marker.started_at.unwrap()), 40);
}

#[test]
fn reads_and_writes_tell_bytes() {
    let put = Call::Put {
        key: "a".into(),
        version_id: Some("V1".into()),
        object_bytes: 29,
        etag: "e".into(),
    };
    let put = only(&act(put));
    assert_eq!(put["eventName"], "PutObject");
    assert_eq!(put["additionalEventData"]["bytesTransferredIn"], 29);
    assert_eq!(put["responseElements"]["x-amz-version-id"], "V1");
    let head = Call::Get { key: "a".into(), named_version: None, object_bytes: 29, is_head: true };
    let head = only(&act(head));
    assert_eq!((&head["eventName"], &head["readOnly"]), (&json!("HeadObject"), &json!(true)));
    assert_eq!(head["additionalEventData"]["bytesTransferredOut"], 0);
    assert_eq!(head["additionalEventData"]["objectSize"], 29);
    let copy = Call::Copy {
        key: "b".into(),
        version_id: None,
        object_bytes: 29,
        etag: "e".into(),
        source: "images/a".into(),
    };
    let copy = only(&act(copy));
    assert_eq!(copy["eventName"], "CopyObject");
    assert_eq!(copy["requestParameters"]["x-amz-copy-source"], "images/a");
}

#[test]
fn users_services_and_strangers_are_told_apart() {
    let by = |kind: Option<Kind>, name: &str| {
        let mut act = delete(None, Effect::Object);
        let principal: Option<Arc<_>> = kind.map(|kind| principal(kind, name));
        act.caller = Caller { principal, user_agent: name.into(), ..act.caller };
        only(&act)
    };
    let user = by(Some(Kind::User), "dev");
    assert_eq!(user["userIdentity"]["type"], "IAMUser");
    assert_eq!(user["userIdentity"]["userName"], "dev");
    assert_eq!(user["requestParameters"].get("x-id"), None, "this client does not name the API");
    let service = by(Some(Kind::Service), "cloudtrail.amazonaws.com");
    let bare = json!({ "type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com" });
    assert_eq!(service["userIdentity"], bare);
    assert_eq!(service["userAgent"], "cloudtrail.amazonaws.com");
    assert_eq!(service.get("tlsDetails"), None);
    let stranger = by(None, "curl/8");
    assert_eq!(stranger["userIdentity"]["accountId"], "anonymous");
    assert_eq!(stranger["additionalEventData"].get("SignatureVersion"), None);
}
