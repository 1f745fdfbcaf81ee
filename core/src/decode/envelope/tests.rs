//! One test for each envelope, composed from what AWS documents and what was captured of it.

mod eventbridge;
mod notification;
mod whole_record;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{EnvelopeError, Item, Nothing, ObjectRef, parse_message};
use crate::decode::reject::RejectReason;
use crate::domain::{Creation, Evidence, Fact, Source};

/// A record as captured in September 2026, of an ordinary put or delete.
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
            "bucket": {
                "name": "trail", "arn": "arn:aws:s3:::trail",
                "ownerIdentity": {"principalId": "A1EXAMPLE"}
            },
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

fn item_of_record(record: &Value) -> Item {
    item(&json!({ "Records": [record] }))
}

fn reason(item: &Item) -> Option<RejectReason> {
    match item {
        Item::Rejected { rejected, .. } => Some(rejected.reason),
        _ => None,
    }
}

fn evidence(item: Item) -> Evidence {
    match item {
        Item::Told(Fact::Deletion(evidence)) => *evidence,
        other => panic!("{other:?}"),
    }
}

fn creation(item: Item) -> (ObjectRef, Creation) {
    match item {
        Item::Created { object, creation } => (object, *creation.unwrap()),
        other => panic!("{other:?}"),
    }
}

fn created_key(item: &Item) -> Option<&str> {
    match item {
        Item::Created { object, .. } => Some(&object.key),
        _ => None,
    }
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
fn several_records_are_several_items_and_bad_ones_stop_no_good_one() {
    let mut no_key = s3_record("ObjectRemoved:Delete", "k");
    no_key["s3"]["object"] = json!({"key": 7});
    let mut old = s3_record("ObjectCreated:Put", "k");
    old["eventVersion"] = "3.0".into();
    let mut arn = s3_record("ObjectCreated:Put", "k");
    arn["s3"]["bucket"]["name"] = "arn:aws:s3:::trail".into();
    let mut url = s3_record("ObjectRemoved:Delete", "k");
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
            Some(RejectReason::MissingBucket),
            Some(RejectReason::UnknownEnvelope),
            None,
        ]
    );
    assert_eq!(created_key(&items[6]), Some("good"));
    let Item::Rejected { rejected, count, .. } = &items[3] else { panic!() };
    assert_eq!((rejected.record_index, *count), (Some(3), 2), "the first of two for one reason");
}

#[test]
fn half_of_a_surrogate_pair_in_one_record_harms_no_other() {
    let good = s3_record("ObjectCreated:Put", "a").to_string();
    let bad = good.replace("ObjectCreated:Put", "\\ud83d");
    let items = items(&format!(r#"{{"Records":[{bad},{good}]}}"#));
    assert_eq!(reason(&items[0]), Some(RejectReason::InvalidJson));
    assert_eq!(created_key(&items[1]), Some("a"));
}

#[test]
fn a_message_of_countless_values_is_not_taken_apart() {
    let many = "0,".repeat(60_000);
    let deep = format!(r#"{{"source":"aws.s3","detail-type":"x","detail":{{"a":[{many}0]}}}}"#);
    assert_eq!(reason(&items(&deep)[0]), Some(RejectReason::RecordTooLarge));
    assert!(parse_message(&format!(r#"{{"x":[{many}0]}}"#)).is_err());
}

#[test]
fn countless_bad_records_are_counted_and_harm_no_good_one() {
    let many = "0,".repeat(400_000);
    let good = s3_record("ObjectCreated:Put", "good");
    let body = format!(r#"{{"Records":[{many}{good},{many}{{}}]}}"#);
    let items = items(&body);
    assert_eq!(
        items.iter().map(reason).collect::<Vec<_>>(),
        [Some(RejectReason::NotAnObject), None, Some(RejectReason::UnknownEnvelope),]
    );
    let Item::Rejected { count, .. } = &items[0] else { panic!() };
    assert_eq!((*count, created_key(&items[1])), (800_000, Some("good")));
    let keys = format!(r#"{{"s3Bucket":"trail","s3ObjectKey":[{many}"k"]}}"#);
    assert_eq!(parse_message(&keys).unwrap()[1], named_log("k"));
}

#[test]
fn a_message_that_names_more_than_fits_into_one_is_left_to_its_queue() {
    let short =
        r#"{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}"#;
    for (record, list) in
        [(short, r#"{"Records":["#), (r#""k""#, r#"{"s3Bucket":"b","s3ObjectKey":["#)]
    {
        let of = |count: usize| format!("{list}{}]}}", vec![record; count].join(","));
        assert_eq!(items(&of(10_000)).len(), 10_000);
        assert_eq!(parse_message(&of(10_001)), Err(EnvelopeError::TooManyRecords));
    }
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
    let inner = records(&[s3_record("ObjectRemoved:Delete", "k")]);
    let direct = items(&inner);
    assert_eq!(items(&sns(&inner)), direct);
    assert_eq!(items(&sns(&sns(&inner))), direct);
    let error = parse_message(&sns(&sns(&sns(&inner)))).unwrap_err();
    assert!(matches!(error, EnvelopeError::TooDeep { .. }));
}

#[test]
fn a_declared_intent_is_told_directly_and_through_sns() {
    let declared = json!({
        "deltrail": "intent", "id": "job-7", "bucket": "images", "keys": ["a b+c"],
        "requested_at": "2026-11-23T10:00:00.123Z"
    });
    for body in [declared.to_string(), sns(&declared.to_string())] {
        let Item::Told(Fact::Intent(intent)) = &items(&body)[0] else { panic!("{body}") };
        assert_eq!((intent.id.as_str(), intent.keys.as_slice()), ("job-7", &["a b+c".into()][..]));
    }
    let mut broken = declared.clone();
    broken["keys"] = json!([]);
    assert_eq!(reason(&item(&broken)), Some(RejectReason::WrongType));
    let mut other = declared;
    other["deltrail"] = "greeting".into();
    assert!(matches!(parse_message(&other.to_string()), Err(EnvelopeError::Unknown { .. })));
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
    for body in [
        json!({}),
        json!([]),
        json!("text"),
        json!(7),
        json!({"Records": null}),
        json!({"Records": {}}),
        json!([[]]),
        json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change", "detail": {}}),
    ] {
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

/// Messages of every kind, to be spoilt.
fn any_message() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        records(&[s3_record("ObjectRemoved:Delete", "k"), s3_record("ObjectCreated:Put", "k")]),
        sns(&records(&[s3_record("LifecycleExpiration:Delete", "k")])),
        eventbridge::deleted("k").to_string(),
        eventbridge::call_via_cloudtrail().to_string(),
        json!({"s3Bucket": "trail", "s3ObjectKey": ["k"]}).to_string(),
    ])
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(body in "\\PC*") {
        let _ = parse_message(&body);
    }

    #[test]
    fn a_spoilt_message_never_panics(
        message in any_message(),
        at in any::<prop::sample::Index>(),
        length in 0usize..12,
        odd in "[\\[\\]{}\",:\\\\%+0-9a-z가 -]{0,6}",
    ) {
        let begin = message.floor_char_boundary(at.index(message.len()));
        let end = message.ceil_char_boundary((begin + length).min(message.len()));
        let _ = parse_message(&format!("{}{odd}{}", &message[..begin], &message[end..]));
    }
}
