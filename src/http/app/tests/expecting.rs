//! What becomes of expectations, good and bad.

use std::time::Duration;

use deltrail_core::domain::{
    Actor, Api, Call, Cause, Evidence, Fact, Mark, Outcome, RemovalRole, Source, Target, Timestamp,
};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::{Answer, JSON, Limits, Served, served, served_within};
use crate::store::{Batch, StoredFact};

/// At 10:00:05 of that day.
fn expectation() -> Value {
    json!({
        "id": "e-1",
        "principal": "cleanup-job",
        "bucket": "images",
        "prefix": "tmp/",
        "since": "2026-11-23T09:00:00Z",
        "until": "2026-11-23T12:00:00Z",
        "max_objects": 5000,
        "by": "ops",
    })
}

/// The same with another value of a member, or without it.
fn with(member: &str, value: Option<Value>) -> Value {
    let mut body = expectation();
    match value {
        Some(value) => body[member] = value,
        None => drop(body.as_object_mut().unwrap().remove(member)),
    }
    body
}

async fn post(served: &Served, body: &Value) -> Answer {
    let request = "POST /api/v1/expectations HTTP/1.1";
    served.ask(request, &[JSON], body.to_string().as_bytes()).await
}

async fn listed(served: &Served) -> Value {
    let answer = served.get("/api/v1/expectations").await;
    assert_eq!(answer.status, 200, "{}", answer.head);
    answer.body["expectations"].clone()
}

/// The cleanup job removes a key at ten.
async fn remove(served: &Served, key: &str) {
    let arn = "arn:aws:sts::111122223333:assumed-role/cleanup-job/i-0a".to_owned();
    let evidence = Evidence {
        id: key.to_owned(),
        source: Source::CloudTrail,
        call: Some(Call { api: Api::DeleteObject, outcome: Outcome::Ok }),
        role: RemovalRole::Claim,
        bucket: "images".into(),
        key: Some(key.to_owned()),
        target: Target::Current,
        mark: Mark::Object,
        cause: Cause::Api,
        request_id: Some(key.into()),
        event_id: Some(key.to_owned()),
        shared_event_id: None,
        amends_event_id: None,
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        at: Timestamp::parse("2026-11-23T10:00:00Z").unwrap(),
        started_at: None,
        ended_at: None,
        total_millis: None,
        sequencer: None,
        http_status: Some(204),
        error_code: None,
        marker_version_id: None,
        actor: Actor { arn: Some(arn), ..Actor::default() }.into(),
    };
    let fact = Fact::Deletion(Box::new(evidence));
    let facts = vec![StoredFact { fact, record_index: None }];
    served.real_store.commit(Batch { facts, ..Batch::default() }).await.unwrap();
}

#[tokio::test]
async fn an_expectation_is_kept_and_listed_with_what_came_of_it() {
    let served = served().await;
    let answer = post(&served, &expectation()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.body["id"], "e-1");
    assert_eq!(answer.body["until"], "2026-11-23T12:00:00.000Z");
    let expected = json!([{
        "id": "e-1",
        "principal": "cleanup-job",
        "bucket": "images",
        "prefix": "tmp/",
        "since": "2026-11-23T09:00:00.000Z",
        "until": "2026-11-23T12:00:00.000Z",
        "max_objects": 5000,
        "by": "ops",
        "is_configured": false,
        "used": 0,
        "beyond": 0,
    }]);
    assert_eq!(listed(&served).await, expected);
    let due = served.real_store.due_days(10).await.unwrap();
    assert_eq!((due.len(), due[0].bucket.as_str()), (1, "images"), "findings are made anew");
}

#[tokio::test]
async fn what_came_of_an_expectation_is_told_up_to_its_maximum_and_beyond() {
    let served = served().await;
    assert_eq!(post(&served, &with("max_objects", Some(json!(2)))).await.status, 201);
    for (came, used, beyond) in [(1, 1, 0), (2, 2, 0), (3, 2, 1)] {
        remove(&served, &format!("tmp/{came}")).await;
        let told = &listed(&served).await[0];
        assert_eq!((&told["used"], &told["beyond"]), (&json!(used), &json!(beyond)));
    }
}

#[tokio::test]
async fn the_same_expectation_again_changes_nothing_and_another_one_is_refused() {
    let served = served().await;
    let from_now_on = with("since", None);
    assert_eq!(post(&served, &from_now_on).await.status, 201);
    let again = post(&served, &from_now_on).await;
    assert_eq!((again.status, &again.body["since"]), (200, &json!("2026-11-23T10:00:05.000Z")));
    let mut more = from_now_on.clone();
    more["max_objects"] = json!(6000);
    let other = post(&served, &more).await;
    assert_eq!(other.status, 409);
    assert!(other.detail().contains("another id"), "{}", other.body);
    assert_eq!(listed(&served).await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn only_where_until_and_how_many_have_to_be_said() {
    let served = served().await;
    let body = json!({
        "bucket": "images", "until": "2026-12-24T10:00:05Z", "max_objects": 1,
    });
    let (first, second) = (post(&served, &body).await, post(&served, &body).await);
    assert_eq!((first.status, second.status), (201, 201));
    assert_ne!(first.body["id"], second.body["id"]);
    assert_eq!(first.body["prefix"], "");
    assert_eq!(first.body["principal"], Value::Null);
}

#[tokio::test]
async fn what_is_not_understood_is_named_member_by_member() {
    let served = served().await;
    for (member, value) in [
        ("id", Some(json!(""))),
        ("id", Some(json!("config:a"))),
        ("id", Some(json!("a\u{7}"))),
        ("id", Some(json!("i".repeat(201)))),
        ("principal", Some(json!(""))),
        ("principal", Some(json!(["cleanup-job"]))),
        ("bucket", None),
        ("bucket", Some(json!(7))),
        ("prefix", Some(json!("a\u{0}"))),
        ("since", Some(json!("yesterday"))),
        ("until", None),
        ("until", Some(json!(1_795_428_005))),
        ("max_objects", None),
        ("max_objects", Some(json!(0))),
        ("max_objects", Some(json!(1.5))),
        ("max_objects", Some(json!("5"))),
    ] {
        let answer = post(&served, &with(member, value.clone())).await;
        assert_eq!(answer.status, 400, "{member} {value:?}: {}", answer.body);
        assert_eq!(answer.body["errors"][0]["reason"], member, "{}", answer.body);
        assert!(answer.detail().contains("nothing was kept"), "{}", answer.body);
    }
    let nothing = post(&served, &json!({})).await;
    let reasons = nothing.body["errors"].as_array().unwrap().iter().map(|it| &it["reason"]);
    assert_eq!(reasons.collect::<Vec<_>>(), ["bucket", "until", "max_objects"]);
    for body in ["", "[]", "{\"bucket\":\"images\",\"maximum\":1}", "{\"bucket\":1,\"bucket\":1}"] {
        let request = "POST /api/v1/expectations HTTP/1.1";
        let answer = served.ask(request, &[JSON], body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.detail().contains("no expectation"), "{}", answer.body);
    }
    assert_eq!(listed(&served).await, json!([]));
}

#[tokio::test]
async fn what_is_understood_and_not_allowed_is_not_kept() {
    let served = served().await;
    for (member, value, reason) in [
        ("bucket", "ledgers", "bucket_not_allowed"),
        ("until", "2026-11-23T10:00:05Z", "until"),
        ("until", "2026-12-24T10:00:06Z", "until"),
        ("since", "2026-11-23T12:00:00Z", "since"),
        ("since", "2026-10-23T10:00:04Z", "since"),
    ] {
        let answer = post(&served, &with(member, Some(json!(value)))).await;
        assert_eq!(answer.status, 422, "{member} {value}: {}", answer.body);
        assert_eq!(answer.body["errors"][0]["reason"], reason);
    }
    assert_eq!(listed(&served).await, json!([]));
    assert_eq!(served.real_store.due_days(10).await.unwrap(), []);
}

#[tokio::test]
async fn expectations_are_json_and_taken_only_when_the_daemon_is_ready() {
    let served = served().await;
    let request = "POST /api/v1/expectations HTTP/1.1";
    let body = expectation().to_string();
    for headers in [&[][..], &["content-type: text/plain"], &[JSON, "content-encoding: gzip"]] {
        let answer = served.ask(request, headers, body.as_bytes()).await;
        assert_eq!(answer.status, 415, "{headers:?}");
    }
    served.readiness.not_ready("draining");
    let answer = post(&served, &expectation()).await;
    assert_eq!(answer.status, 503);
    assert!(answer.has_header("retry-after: 30"), "{}", answer.head);
    assert_eq!(listed(&served).await, json!([]));
}

#[tokio::test]
async fn a_store_that_is_gone_is_no_success() {
    let served = served().await;
    served.real_store.clone().close().await.unwrap();
    let answer = post(&served, &expectation()).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.detail().contains("log says why"), "{}", answer.body);
}

#[tokio::test]
async fn a_body_that_is_still_on_its_way_takes_a_turn() {
    let turn_timeout = Duration::from_millis(50);
    let limits = Limits { requests: 1, turn_timeout, ..Limits::default() };
    let served = served_within(limits, None).await;
    let headers = [JSON, "content-length: 500", "expect: 100-continue"];
    let mut first = served.open("POST /api/v1/expectations HTTP/1.1", &headers).await;
    let mut asked = [0; 25];
    first.read_exact(&mut asked).await.unwrap();
    for path in ["/api/v1/findings", "/api/v1/expectations"] {
        let answer = served.get(path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.has_header("retry-after: 2"), "{}", answer.head);
        assert!(answer.detail().contains("fewer connections"), "{}", answer.body);
    }
}
