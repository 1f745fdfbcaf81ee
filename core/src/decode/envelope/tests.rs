//! One test for each envelope, composed from what AWS documents and what was captured of it.

use serde_json::{Value, json};

use super::{EnvelopeError, Item, Nothing, ObjectRef, parse_message};
use crate::decode::reject::RejectReason;
use crate::domain::{Source, Timestamp};

fn s3_record(event_name: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.6",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-09-21T10:00:00.123Z",
        "eventName": event_name,
        "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "192.0.2.1"},
        "responseElements": {"x-amz-request-id": "R1", "x-amz-id-2": "H1"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "logs",
            "bucket": {"name": "trail", "arn": "arn:aws:s3:::trail"},
            "object": {
                "key": key, "size": 1234, "eTag": "abc", "sequencer": "0A", "versionId": null
            }
        }
    })
}

fn sns(message: &str) -> String {
    json!({
        "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:1:t",
        "Subject": "Amazon S3 Notification", "Message": message,
        "Timestamp": "2026-09-21T10:00:01.000Z", "SignatureVersion": "1", "Signature": "x",
        "SigningCertURL": "https://sns.example/cert", "UnsubscribeURL": "https://sns.example/u"
    })
    .to_string()
}

fn items(body: &str) -> Vec<Item> {
    parse_message(body).unwrap()
}

fn item(body: &Value) -> Item {
    let mut items = items(&body.to_string());
    assert_eq!(items.len(), 1);
    items.remove(0)
}

fn records(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

fn reason(item: &Item) -> Option<RejectReason> {
    match item {
        Item::Rejected { rejected, .. } => Some(rejected.reason),
        _ => None,
    }
}

fn created(key: &str) -> Item {
    Item::Created(ObjectRef {
        bucket: "trail".into(),
        key: key.into(),
        version_id: None,
        etag: Some("abc".into()),
        size: Some(1234),
        region: Some("us-east-1".into()),
        event_at: Some(Timestamp::parse("2026-09-21T10:00:00.123Z").unwrap()),
        source: Source::S3Notification,
    })
}

fn named_log(key: &str) -> Item {
    Item::NamedLog(ObjectRef {
        bucket: "trail".into(),
        key: key.into(),
        version_id: None,
        etag: None,
        size: None,
        region: None,
        event_at: None,
        source: Source::CloudTrail,
    })
}

#[test]
fn an_s3_record_names_a_created_object() {
    for name in ["ObjectCreated:Put", "s3:ObjectCreated:CompleteMultipartUpload"] {
        assert_eq!(items(&records(&[s3_record(name, "logs/a.gz")])), [created("logs/a.gz")]);
    }
}

#[test]
fn keys_of_s3_records_are_form_encoded() {
    let encoded = "a+b%2Bc%2520/%EA%B0%80+%28x%29";
    assert_eq!(
        items(&records(&[s3_record("ObjectCreated:Put", encoded)])),
        [created("a b+c%20/가 (x)")]
    );
    let broken = items(&records(&[s3_record("ObjectCreated:Put", "a%FFb")]));
    assert_eq!(reason(&broken[0]), Some(RejectReason::InvalidUtf8));
}

#[test]
fn a_version_is_kept_unless_it_is_the_null_version() {
    for (written, kept) in [(json!("v1"), Some("v1")), (json!("null"), None), (json!(null), None)] {
        let mut record = s3_record("ObjectCreated:Put", "k");
        record["s3"]["object"]["versionId"] = written;
        let Item::Created { object, .. } = item(&json!({"Records": [record]})) else { panic!() };
        assert_eq!(object.version_id.as_deref(), kept);
    }
}

#[test]
fn several_records_are_several_items_and_bad_ones_stop_no_good_one() {
    let mut no_key = s3_record("ObjectCreated:Put", "k");
    no_key["s3"]["object"] = json!({"key": 7});
    let mut old = s3_record("ObjectCreated:Put", "k");
    old["eventVersion"] = "3.0".into();
    let mut arn = s3_record("ObjectCreated:Put", "k");
    arn["s3"]["bucket"]["name"] = "arn:aws:s3:::trail".into();
    let mut url = s3_record("ObjectCreated:Put", "k");
    url["s3"]["bucket"]["name"] = "169.254.169.254/latest".into();
    let mut no_bucket = s3_record("ObjectCreated:Put", "k");
    no_bucket["s3"] = json!(null);
    let good = s3_record("ObjectCreated:Put", "good");
    let sns_record = json!({"EventSource": "aws:sns", "Sns": {}});
    let all = [json!(null), no_key, old, arn, url, no_bucket, sns_record, good];
    let items = items(&records(&all));
    assert_eq!(
        items.iter().map(reason).collect::<Vec<_>>(),
        [
            Some(RejectReason::NotAnObject),
            Some(RejectReason::WrongType),
            Some(RejectReason::UnknownVersion),
            Some(RejectReason::BucketNotAllowed),
            Some(RejectReason::BucketNotAllowed),
            Some(RejectReason::MissingBucket),
            Some(RejectReason::UnknownEnvelope),
            None,
        ]
    );
    assert_eq!(items[7], created("good"));
    let Item::Rejected { rejected, .. } = &items[1] else { panic!() };
    assert_eq!(rejected.record_index, Some(1));
}

#[test]
fn half_of_a_surrogate_pair_in_one_record_harms_no_other() {
    let good = s3_record("ObjectCreated:Put", "a").to_string();
    let bad = good.replace("ObjectCreated:Put", "\\ud83d");
    let items = items(&format!(r#"{{"Records":[{bad},{good}]}}"#));
    assert_eq!(reason(&items[0]), Some(RejectReason::InvalidJson));
    assert_eq!(items[1], created("a"));
}

#[test]
fn a_message_of_countless_values_is_not_taken_apart() {
    let many = format!(r#"{{"source":"aws.s3","detail":[{}0]}}"#, "0,".repeat(60_000));
    assert!(parse_message(&many).is_err());
    let records = format!(r#"{{"Records":[{}0]}}"#, "0,".repeat(60_000));
    let error = parse_message(&records).unwrap_err();
    assert_eq!(error, EnvelopeError::TooManyRecords { count: 60_001 }, "it is kept by its queue");
}

#[test]
fn members_of_an_object_may_be_missing() {
    let mut record = s3_record("ObjectCreated:Put", "k");
    record["s3"]["object"] = json!({"key": "k", "size": "12", "eTag": null});
    for name in ["eventVersion", "eventTime", "awsRegion", "eventSource"] {
        record.as_object_mut().unwrap().remove(name);
    }
    let Item::Created { object, .. } = item(&json!({"Records": [record]})) else { panic!() };
    assert_eq!((object.size, object.etag, object.event_at), (Some(12), None, None));
}

#[test]
fn other_s3_events_are_told_by_name() {
    let other = |event_name: &str| Item::Other {
        source: Source::S3Notification,
        event_name: event_name.into(),
        bucket: "trail".into(),
    };
    for name in ["ObjectRemoved:Delete", "LifecycleExpiration:Delete", "ObjectCreatedLater"] {
        assert_eq!(items(&records(&[s3_record(name, "k")])), [other(name)]);
    }
    let with_prefix = s3_record("s3:ObjectRemoved:DeleteMarkerCreated", "k");
    assert_eq!(items(&records(&[with_prefix])), [other("ObjectRemoved:DeleteMarkerCreated")]);
}

#[test]
fn an_empty_list_and_a_test_event_report_nothing() {
    assert_eq!(items(&records(&[])), [Item::Nothing(Nothing::EmptyRecords)]);
    let test = json!({
        "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-09-21T10:00:00.000Z",
        "Bucket": "trail", "RequestId": "R", "HostId": "H"
    });
    assert_eq!(item(&test), Item::Nothing(Nothing::TestEvent));
    assert_eq!(items(&sns(&test.to_string())), [Item::Nothing(Nothing::TestEvent)]);
}

#[test]
fn sns_is_peeled_off_twice_at_most() {
    let inner = records(&[s3_record("ObjectCreated:Put", "k")]);
    assert_eq!(items(&sns(&inner)), [created("k")]);
    assert_eq!(items(&sns(&sns(&inner))), [created("k")]);
    let error = parse_message(&sns(&sns(&sns(&inner)))).unwrap_err();
    assert!(matches!(error, EnvelopeError::TooDeep { .. }));
}

#[test]
fn keys_of_eventbridge_events_are_raw() {
    let event = |detail_type: &str| {
        json!({
            "version": "0", "id": "i", "detail-type": detail_type, "source": "aws.s3",
            "account": "111122223333", "time": "2026-09-21T10:00:00Z", "region": "eu-west-1",
            "resources": ["arn:aws:s3:::trail"],
            "detail": {
                "version": "1.2", "bucket": {"name": "trail"}, "request-id": "R1",
                "object": {"key": "a+b%20c", "size": 5, "etag": "e", "version-id": "v1",
                           "sequencer": "0A"},
                "requester": "111122223333", "reason": "PutObject"
            }
        })
    };
    assert_eq!(
        item(&event("Object Created")),
        Item::Created(ObjectRef {
            bucket: "trail".into(),
            key: "a+b%20c".into(),
            version_id: Some("v1".into()),
            etag: Some("e".into()),
            size: Some(5),
            region: Some("eu-west-1".into()),
            event_at: Some(Timestamp::parse("2026-09-21T10:00:00Z").unwrap()),
            source: Source::EventBridge,
        })
    );
    assert_eq!(
        item(&event("Object Deleted")),
        Item::Other {
            source: Source::EventBridge,
            event_name: "Object Deleted".into(),
            bucket: "trail".into(),
        }
    );
    let mut elsewhere = event("Object Created");
    elsewhere["detail"]["bucket"]["name"] = "http://trail".into();
    assert_eq!(reason(&item(&elsewhere)), Some(RejectReason::BucketNotAllowed));
}

#[test]
fn cloudtrail_names_its_files_with_raw_keys() {
    let message = json!({"s3Bucket": "trail", "s3ObjectKey": ["a+b%20c", "d"]}).to_string();
    let expected = [named_log("a+b%20c"), named_log("d")];
    assert_eq!(items(&message), expected);
    assert_eq!(items(&sns(&message)), expected);
    assert_eq!(item(&json!({"s3Bucket": "trail", "s3ObjectKey": "k"})), named_log("k"));
    let empty = json!({"s3Bucket": "trail", "s3ObjectKey": []});
    assert_eq!(item(&empty), Item::Nothing(Nothing::EmptyRecords));
    let mixed = items(&json!({"s3Bucket": "trail", "s3ObjectKey": [7, "k"]}).to_string());
    assert_eq!(reason(&mixed[0]), Some(RejectReason::WrongType));
    assert_eq!(mixed[1], named_log("k"));
    let arn = json!({"s3Bucket": "arn:aws:s3:::trail", "s3ObjectKey": "k"});
    assert_eq!(reason(&item(&arn)), Some(RejectReason::BucketNotAllowed));
}

#[test]
fn a_subscription_to_confirm_is_named_without_its_token() {
    let body = json!({"Type": "SubscriptionConfirmation", "Token": "secret", "Message": "You ..."});
    let error = parse_message(&body.to_string()).unwrap_err();
    assert!(!error.is_transient());
    let error = error.to_string();
    assert!(error.contains("SubscriptionConfirmation") && !error.contains("secret"), "{error}");
}

#[test]
fn the_validation_message_reports_nothing() {
    let text = "CloudTrail validation message.";
    let nothing = [Item::Nothing(Nothing::ValidationMessage)];
    assert_eq!(items(text), nothing);
    assert_eq!(items(&sns(text)), nothing);
}

#[test]
fn what_is_of_no_known_kind_is_an_error_with_a_short_excerpt() {
    for body in
        [json!({}), json!([]), json!("text"), json!(7), json!({"Records": null}), json!([[]])]
    {
        let error = parse_message(&body.to_string()).unwrap_err();
        assert!(matches!(error, EnvelopeError::Unknown { .. }), "{body}");
        assert!(!error.is_transient());
    }
    let error = parse_message(&format!("hello\n\u{1b}{}", "x".repeat(10_000))).unwrap_err();
    let shown = error.to_string();
    assert!(matches!(error, EnvelopeError::NotJson { .. }));
    assert!(shown.len() < 500 && !shown.contains(['\n', '\u{1b}']), "{shown}");
    assert!(parse_message("").is_err());
    assert!(parse_message(&"[".repeat(100_000)).is_err());
}

proptest::proptest! {
    #[test]
    fn arbitrary_text_never_panics(body in "\\PC*") {
        let _ = parse_message(&body);
    }

    #[test]
    fn form_decoding_undoes_form_encoding(key in "[a-z +%&=/가é\"]{1,20}") {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let encoded = utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string().replace("%20", "+");
        let items = items(&records(&[s3_record("ObjectCreated:Put", &encoded)]));
        proptest::prop_assert_eq!(items, vec![created(&key)]);
    }
}
