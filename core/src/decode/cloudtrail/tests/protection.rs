//! Changes of protection, one record at a time: which events are changes, what is told of them, and
//! that they are refused or passed over where deletes are.

use serde_json::{Value, json};

use super::{direct_with, read_both};
use crate::decode::cloudtrail::protection::each_change_name;
use crate::decode::log_key::LogPath;
use crate::decode::reject::RejectReason;
use crate::domain::{Fact, Outcome, ProtectionChange};

/// A management event of S3 about bucket `photos`, asked for with `parameters` besides its name.
fn of_bucket(event_name: &str, parameters: Value) -> Value {
    let Value::Object(mut request) = parameters else { panic!("parameters are an object") };
    request.insert("bucketName".into(), "photos".into());
    request.insert("Host".into(), "photos.s3.us-east-1.amazonaws.com".into());
    direct_with(json!({
        "eventName": event_name, "eventCategory": "Management", "managementEvent": true,
        "requestParameters": request, "additionalEventData": {"bytesTransferredIn": 0},
        "resources": [
            {"accountId": "111122223333", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::photos"}
        ],
    }))
}

/// An event of another service, which names nothing of S3.
fn of_service(service: &str, event_name: &str, request: &Value) -> Value {
    direct_with(json!({
        "eventSource": format!("{service}.amazonaws.com"), "eventName": event_name,
        "requestParameters": request, "additionalEventData": "absent", "resources": "absent",
    }))
}

fn told(record: &Value) -> Option<ProtectionChange> {
    match read_both(record.to_string().as_bytes(), &LogPath::default()).unwrap() {
        Some(Fact::Protection(change)) => Some(*change),
        None => None,
        Some(other) => panic!("{other:?}"),
    }
}

fn change(record: &Value) -> ProtectionChange {
    told(record).unwrap_or_else(|| panic!("no change: {record}"))
}

fn detail(record: &Value) -> Option<String> {
    change(record).detail
}

fn suspended() -> Value {
    let asked = json!({"xmlns": "http://s3.example/", "Status": "Suspended"});
    of_bucket("PutBucketVersioning", json!({"versioning": "", "VersioningConfiguration": asked}))
}

#[test]
fn a_change_is_told_with_its_author_and_what_was_asked_for() {
    let told = change(&suspended());
    assert_eq!(told.id, "ct:111122223333:E1");
    assert_eq!((told.service.as_str(), told.event_name.as_str()), ("s3", "PutBucketVersioning"));
    assert_eq!(told.bucket.as_deref(), Some("photos"));
    assert_eq!(told.resource.as_deref(), Some("arn:aws:s3:::photos"));
    assert_eq!(told.detail.as_deref(), Some("Status=Suspended"));
    assert_eq!((told.outcome, told.error_code), (Outcome::Ok, None));
    assert_eq!(told.at.to_string(), "2026-09-21T10:00:00.000Z");
    assert_eq!(told.actor.arn.as_deref(), Some("arn:aws:iam::111122223333:user/dev"));
    assert_eq!((told.request_id.as_deref(), told.event_id.as_deref()), (Some("R1"), Some("E1")));
    assert_eq!((told.account.as_str(), told.region.as_str()), ("111122223333", "us-east-1"));
}

#[test]
fn every_event_that_lessens_protection_is_a_change() {
    let of_s3 = [
        "DeleteAccountPublicAccessBlock",
        "DeleteBucket",
        "DeleteBucketEncryption",
        "DeleteBucketLifecycle",
        "DeleteBucketPolicy",
        "DeleteBucketPublicAccessBlock",
        "DeleteBucketReplication",
        "PutBucketAcl",
        "PutBucketEncryption",
        "PutBucketLifecycle",
        "PutBucketLogging",
        "PutBucketNotification",
        "PutBucketObjectLockConfiguration",
        "PutBucketPolicy",
        "PutBucketReplication",
        "PutObjectLockLegalHold",
        "PutObjectLockRetention",
    ];
    for name in of_s3 {
        let told = change(&of_bucket(name, json!({})));
        assert_eq!((told.service.as_str(), told.event_name.as_str()), ("s3", name));
    }
    for source in ["s3", "s3control"] {
        for name in ["CreateJob", "UpdateJobStatus"] {
            assert_eq!(change(&of_service(source, name, &json!({}))).service, source);
        }
    }
    for name in [
        "DeleteTrail",
        "PutEventConfiguration",
        "PutEventSelectors",
        "PutInsightSelectors",
        "StopLogging",
        "UpdateTrail",
    ] {
        assert_eq!(change(&of_service("cloudtrail", name, &json!({}))).event_name, name);
    }
    for name in ["DisableKey", "ScheduleKeyDeletion"] {
        assert_eq!(change(&of_service("kms", name, &json!({}))).event_name, name);
    }
    let in_china = json!({"eventSource": "kms.amazonaws.com.cn", "eventName": "DisableKey"});
    assert_eq!(change(&direct_with(in_china)).service, "kms");
}

#[test]
fn what_takes_nothing_away_or_is_another_services_is_no_change() {
    let versioning = |asked: Value| {
        told(&of_bucket("PutBucketVersioning", json!({"VersioningConfiguration": asked})))
    };
    assert_eq!(versioning(json!({"Status": "Enabled"})), None);
    assert_eq!(versioning(json!({"Status": "Enabled", "MfaDelete": "Enabled"})), None);
    assert_eq!(versioning(json!(null)), None);
    assert!(versioning(json!({"Status": "Enabled", "MfaDelete": "Disabled"})).is_some());
    assert!(versioning(json!({"Status": ["suspended"]})).is_some());
    for (service, name) in [
        ("s3", "PutBucketTagging"),
        ("s3", "StopLogging"),
        ("cloudtrail", "StartLogging"),
        ("cloudtrail", "DisableKey"),
        ("kms", "Decrypt"),
        ("sns", "DeleteBucket"),
        ("kms", "DeleteObject"),
    ] {
        assert_eq!(told(&of_service(service, name, &json!({}))), None, "{service} {name}");
    }
    let quoting = json!({"note": "DeleteTrail", "policy": {"Action": ["s3:PutBucketPolicy"]}});
    assert_eq!(told(&of_service("iam", "PutRolePolicy", &quoting)), None);
}

#[test]
fn a_name_written_with_escapes_is_found() {
    let record = suspended().to_string().replace("\"PutBucket", "\"\\u0050utBucket");
    assert!(read_both(record.as_bytes(), &LogPath::default()).unwrap().is_some());
    let record = of_service("kms", "DisableKey", &json!({"keyId": "k"})).to_string();
    let record = record.replace("DisableKey", "DisableKe\\u0079");
    assert!(read_both(record.as_bytes(), &LogPath::default()).unwrap().is_some());
}

#[test]
fn what_it_is_about_is_named_by_bucket_trail_key_or_job() {
    let place = |record: &Value| {
        let told = change(record);
        (told.bucket, told.resource)
    };
    let some = |text: &str| Some(text.to_owned());
    for (name, parameter) in [("StopLogging", "name"), ("PutEventSelectors", "trailName")] {
        let trail = of_service("cloudtrail", name, &json!({ parameter: "main" }));
        assert_eq!(place(&trail), (None, some("main")));
    }
    let key = of_service("kms", "ScheduleKeyDeletion", &json!({"keyId": "1234"}));
    assert_eq!(place(&key), (None, some("1234")));
    let mut with_arn = key;
    let arn = "arn:aws:kms:us-east-1:111122223333:key/1234";
    with_arn["resources"] = json!([{"type": "AWS::KMS::Key", "ARN": arn}]);
    assert_eq!(place(&with_arn), (None, some(arn)));
    let mut job = of_service("s3control", "CreateJob", &json!({"Priority": 1}));
    job["responseElements"] = json!({"jobId": "j-1"});
    job["resources"] = json!([{"ARN": "arn:aws:s3:us-east-1:111122223333:job/j-1"}]);
    assert_eq!(place(&job), (None, some("j-1")), "a job is no bucket");
    let mut held = of_bucket("PutObjectLockLegalHold", json!({"key": "a/b.jpg"}));
    held["resources"] = json!([
        {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::photos"},
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::photos/a/b.jpg"},
    ]);
    assert_eq!(place(&held), (some("photos"), some("arn:aws:s3:::photos/a/b.jpg")));
}

#[test]
fn what_was_asked_for_is_told_in_short() {
    let rule = json!({"Status": "Enabled", "Expiration": {"Days": 1}, "ID": "all",
        "Filter": {"Prefix": ""}});
    let lifecycle =
        json!({"lifecycle": "", "LifecycleConfiguration": {"xmlns": "http://x/", "Rule": rule}});
    assert_eq!(
        detail(&of_bucket("PutBucketLifecycle", lifecycle)).unwrap(),
        "Expiration.Days=1, Rule.ID=all, Rule.Status=Enabled"
    );
    let statement = json!({"Effect": "Allow", "Principal": "*", "Action": ["s3:Get*", "s3:Put*"]});
    assert_eq!(
        detail(&of_bucket("PutBucketPolicy", json!({"bucketPolicy": {"Statement": [statement]}})))
            .unwrap(),
        "Statement.Action=s3:Get*, Statement.Action=s3:Put*, Statement.Effect=Allow, \
         Statement.Principal=*"
    );
    let key = of_service("kms", "ScheduleKeyDeletion", &json!({"keyId": "k", "pendingWindow": 7}));
    assert_eq!(detail(&key).unwrap(), "pendingWindow=7");
    let none = of_service("cloudtrail", "PutInsightSelectors", &json!({"insightSelectors": []}));
    assert_eq!(detail(&none).unwrap(), "insightSelectors=none");
    assert_eq!(detail(&of_service("cloudtrail", "StopLogging", &json!({"name": "main"}))), None);
    let statements: Vec<Value> = (0..100).map(|n| json!({ "Sid": "가".repeat(n) })).collect();
    let policy = of_bucket("PutBucketPolicy", json!({"bucketPolicy": {"Statement": statements}}));
    assert!((300..=512).contains(&detail(&policy).unwrap().len()));
}

#[test]
fn a_refused_change_is_told_as_refused() {
    for (code, outcome) in [
        ("AccessDenied", Outcome::Denied),
        ("AccessDeniedException", Outcome::Denied),
        ("NoSuchBucket", Outcome::Failed),
    ] {
        let mut record = of_service("cloudtrail", "DeleteTrail", &json!(null));
        record["errorCode"] = code.into();
        let told = change(&record);
        assert_eq!((told.outcome, told.error_code.as_deref()), (outcome, Some(code)));
    }
    let mut unnamed = of_bucket("PutBucketPolicy", json!({}));
    unnamed["requestParameters"] = json!(null);
    unnamed["resources"] = json!(null);
    assert_eq!(change(&unnamed).bucket, None, "it is kept all the same");
}

#[test]
fn an_update_of_a_change_is_no_second_change() {
    let mut update = suspended();
    update["addendum"] = json!({"reason": "UPDATED_DATA", "originalEventID": "E0"});
    assert_eq!(told(&update), None);
    update["addendum"] = json!({"reason": "DELIVERY_DELAY"});
    assert_eq!(change(&update).id, "ct:111122223333:E1");
}

#[test]
fn a_change_is_refused_where_a_delete_would_be() {
    let refusal = |record: &Value, path: &LogPath| {
        read_both(record.to_string().as_bytes(), path).unwrap_err().reason
    };
    let nowhere = LogPath::default();
    let elsewhere = LogPath { account: Some("999999999999".into()), ..LogPath::default() };
    assert_eq!(refusal(&suspended(), &elsewhere), RejectReason::AccountMismatch);
    for (member, value, reason) in [
        ("eventVersion", json!("2.0"), RejectReason::UnknownVersion),
        ("eventTime", json!("yesterday"), RejectReason::MissingTime),
        ("eventSource", json!(null), RejectReason::WrongType),
    ] {
        let mut record = suspended();
        record[member] = value;
        assert_eq!(refusal(&record, &nowhere), reason, "{member}");
    }
    let bytes = suspended().to_string().replace("Suspended", "Susp\u{0}nded").into_bytes();
    let broken: Vec<u8> = bytes.into_iter().map(|b| if b == 0 { 0xff } else { b }).collect();
    let refused = read_both(&broken, &nowhere).unwrap_err();
    assert_eq!(refused.reason, RejectReason::InvalidUtf8);
}

#[test]
fn members_of_any_type_do_no_harm() {
    for odd in [json!(null), json!("omitted"), json!({"omitted": true}), json!(7), json!([[[1]]])] {
        for name in each_change_name() {
            let mut record = of_bucket(name, json!({}));
            for member in ["requestParameters", "responseElements", "resources", "userIdentity"] {
                record[member] = odd.clone();
            }
            assert_eq!(told(&record).is_some(), name != "PutBucketVersioning" && is_of_s3(name));
        }
    }
}

fn is_of_s3(name: &str) -> bool {
    ["Bucket", "Object", "Job", "PublicAccess"].iter().any(|part| name.contains(part))
}
