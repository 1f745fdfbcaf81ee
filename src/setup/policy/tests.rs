//! Policies as people write them, and what they let a bucket do.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::document::fits_glob;
use super::{Deed, Openness, Permission, openness, permission, statement_to_send};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:trail-logs";
const BUCKET: &str = "arn:aws:s3:::example-trail-logs";

fn s3() -> Deed<'static> {
    Deed {
        service: "s3.amazonaws.com",
        source_arn: Some(BUCKET),
        source_account: Some("111122223333"),
        action: "sqs:SendMessage",
        resource: QUEUE,
    }
}

fn allow(more: Value) -> Value {
    let mut statement = json!({
        "Effect": "Allow", "Principal": { "Service": "s3.amazonaws.com" },
        "Action": "sqs:SendMessage", "Resource": QUEUE
    });
    if let (Value::Object(statement), Value::Object(more)) = (&mut statement, more) {
        statement.extend(more);
    }
    statement
}

fn deny(more: Value) -> Value {
    let mut statement = allow(more);
    statement["Effect"] = json!("Deny");
    statement
}

fn told(statements: &Value) -> Permission {
    let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    permission(Some(&policy), &s3())
}

#[test]
fn no_policy_lets_nobody_send() {
    for policy in [None, Some(""), Some(r#"{"Version":"2012-10-17","Statement":[]}"#)] {
        assert_eq!(permission(policy, &s3()), Permission::NotAllowed, "{policy:?}");
    }
}

#[test]
fn the_statement_that_is_proposed_lets_the_bucket_send_and_no_other() {
    let statement = statement_to_send("s3.amazonaws.com", BUCKET, Some("111122223333"), QUEUE);
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    assert_eq!(permission(Some(&policy), &s3()), Permission::Allowed);
    let others = [
        Deed { source_arn: Some("arn:aws:s3:::example-trail-logs-2"), ..s3() },
        Deed { source_account: Some("999900001111"), ..s3() },
        Deed { service: "sns.amazonaws.com", ..s3() },
        Deed { action: "sqs:ReceiveMessage", ..s3() },
        Deed { resource: "arn:aws:sqs:eu-west-1:111122223333:other", ..s3() },
    ];
    for other in others {
        assert_eq!(permission(Some(&policy), &other), Permission::NotAllowed, "{other:?}");
    }
    assert_eq!(openness(Some(&policy), "sqs:SendMessage", QUEUE), Openness::Closed);
}

#[test]
fn principals_actions_and_resources_are_read_in_every_spelling() {
    for more in [
        json!({}),
        json!({ "Principal": "*" }),
        json!({ "Principal": { "AWS": "*" } }),
        json!({ "Principal": { "AWS": ["arn:aws:iam::111122223333:root", "*"] } }),
        json!({ "Principal": { "Service": ["sns.amazonaws.com", "s3.amazonaws.com"] } }),
        json!({ "Action": "SQS:*" }),
        json!({ "Action": ["sqs:ReceiveMessage", "sqs:Send*"] }),
        json!({ "Action": "*", "Resource": "*" }),
        json!({ "Resource": "arn:aws:sqs:*:111122223333:trail-*" }),
    ] {
        assert_eq!(told(&json!(allow(more.clone()))), Permission::Allowed, "{more}");
    }
    for more in [
        json!({ "Principal": { "AWS": "111122223333" } }),
        json!({ "Principal": { "Service": "s3.amazonaws.co" } }),
        json!({ "Action": "sqs:ReceiveMessage" }),
        json!({ "Resource": "arn:aws:sqs:eu-west-1:111122223333:trail" }),
    ] {
        assert_eq!(told(&json!([allow(more.clone())])), Permission::NotAllowed, "{more}");
    }
    let mut all_but = allow(json!({}));
    all_but["NotAction"] = json!("sqs:DeleteQueue");
    all_but.as_object_mut().unwrap().remove("Action");
    assert_eq!(told(&json!([all_but])), Permission::Allowed);
}

#[test]
fn conditions_on_the_source_are_compared_as_iam_does() {
    let under = |condition: Value| told(&json!([allow(json!({ "Condition": condition }))]));
    for condition in [
        json!({ "ArnLike": { "aws:SourceArn": "arn:aws:s3:*:*:example-trail-logs" } }),
        json!({ "ArnEquals": { "AWS:sourcearn": "arn:aws:s3:::example-*" } }),
        json!({ "StringEquals": { "aws:SourceAccount": ["9", "111122223333"] } }),
        json!({ "StringLike": { "aws:SourceArn": "arn:aws:s3*logs" } }),
        json!({ "Bool": { "aws:SecureTransport": "true" } }),
        json!({ "StringNotEquals": { "aws:SourceAccount": "999900001111" } }),
        json!({ "StringEqualsIfExists": { "aws:PrincipalOrgID": "o-1" } }),
        json!({ "Null": { "aws:SourceArn": "false" } }),
    ] {
        assert_eq!(under(condition.clone()), Permission::Allowed, "{condition}");
    }
    for condition in [
        json!({ "ArnLike": { "aws:SourceArn": "arn:aws:s3*logs" } }),
        json!({ "ArnEquals": { "aws:SourceArn": "arn:aws:s3:::other" } }),
        json!({ "StringEquals": { "aws:SourceArn": "arn:aws:s3:::example-*" } }),
        json!({ "ArnLike": { "aws:SourceArn": BUCKET },
                "StringEquals": { "aws:SourceAccount": "999900001111" } }),
        json!({ "Bool": { "aws:SecureTransport": "false" } }),
        json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } }),
    ] {
        assert_eq!(under(condition.clone()), Permission::NotAllowed, "{condition}");
    }
    for condition in [
        json!({ "StringEquals": { "aws:SourceOrgID": "o-1" } }),
        json!({ "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } }),
        json!({ "ForAnyValue:StringEquals": { "aws:SourceArn": BUCKET } }),
        json!({ "StringEquals": { "aws:SourceAccount": "${aws:PrincipalTag/a}" } }),
    ] {
        let told = under(condition.clone());
        assert!(matches!(told, Permission::Unknown(_)), "{condition}: {told:?}");
    }
}

#[test]
fn a_statement_that_denies_wins() {
    let insecure = json!({ "Sid": "TlsOnly", "Principal": "*", "Action": "sqs:*",
                           "Condition": { "Bool": { "aws:SecureTransport": "false" } } });
    assert_eq!(told(&json!([allow(json!({})), deny(insecure)])), Permission::Allowed);
    let others = json!({ "Sid": "Ours", "Condition":
                         { "StringNotEquals": { "aws:SourceAccount": "999900001111" } } });
    let denied = Permission::Denied("statement \"Ours\"".to_owned());
    assert_eq!(told(&json!([allow(json!({})), deny(others)])), denied);
    let organisation = json!({ "Condition": { "StringNotEquals": { "aws:SourceOrgID": "o-1" } } });
    let told = told(&json!([allow(json!({})), deny(organisation)]));
    assert!(matches!(told, Permission::Unknown(_)), "{told:?}");
}

#[test]
fn what_is_not_known_of_the_sender_leaves_it_open() {
    let rule = Deed { service: "events.amazonaws.com", source_arn: None, ..s3() };
    let policy = |condition: Value| {
        let principal = json!({ "Service": "events.amazonaws.com" });
        let statement = allow(json!({ "Principal": principal, "Condition": condition }));
        json!({ "Statement": statement }).to_string()
    };
    assert_eq!(permission(Some(&policy(json!({}))), &rule), Permission::Allowed);
    let of_rule = json!({ "ArnEquals": { "aws:SourceArn": "arn:aws:events:eu-west-1:1:rule/r" } });
    let told = permission(Some(&policy(of_rule)), &rule);
    assert_eq!(told, Permission::Unknown("it depends on ArnEquals on aws:SourceArn".to_owned()));
}

#[test]
fn what_is_no_policy_is_said_to_be_none() {
    for text in ["{", "[]", "7", r#"{"Statement":[7]}"#, r#"{"Statement":{"Effect":"May"}}"#] {
        let told = permission(Some(text), &s3());
        assert!(
            matches!(&told, Permission::Unknown(why) if why.starts_with("the policy ")),
            "{told:?}"
        );
    }
}

#[test]
fn a_queue_that_anybody_may_send_to_is_found() {
    let of = |statement: Value| {
        let policy = json!({ "Statement": [deny(json!({})), statement] }).to_string();
        openness(Some(&policy), "sqs:SendMessage", QUEUE)
    };
    let everybody = allow(json!({ "Sid": "All", "Principal": "*" }));
    assert_eq!(of(everybody), Openness::Everybody("statement \"All\"".to_owned()));
    assert_eq!(of(allow(json!({}))), Openness::AnyAccount("statement 2".to_owned()));
    let account = json!({ "StringEquals": { "aws:SourceAccount": "111122223333" } });
    assert_eq!(of(allow(json!({ "Principal": "*", "Condition": account }))), Openness::Closed);
    let own = json!({ "Principal": { "AWS": "111122223333" } });
    assert_eq!(of(allow(own)), Openness::Closed);
}

proptest! {
    #[test]
    fn no_text_makes_the_reading_of_a_policy_fail(text in "\\PC*") {
        let _ = permission(Some(&text), &s3());
        let _ = openness(Some(&text), "sqs:SendMessage", QUEUE);
    }

    #[test]
    fn a_star_takes_any_part_of_a_text(
        before in "[a-z*?]{0,6}", part in "[a-z:/]{0,9}", after in "[a-z]{0,6}",
    ) {
        let text = format!("{before}{part}{after}");
        let mut pattern = format!("{before}*{after}");
        prop_assert!(fits_glob(&pattern, &text));
        pattern.push('#');
        prop_assert!(!fits_glob(&pattern, &text));
    }
}
