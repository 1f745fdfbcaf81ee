//! Deletions as the API tells them: lists, pages, one key, one request, and spans of time; each
//! answer fits what the document says of it.

use deltrail_core::domain::{
    Actor, Api, Call, Cause, Evidence, Fact, Mark, Outcome, RemovalRole, Source, Target, Timestamp,
};
use serde_json::{Value, json};

use super::schema::Document;
use super::{Answer, NOW_MILLIS, Served, served};
use crate::store::{Batch, StoredFact};

/// A delete of a key of `images`, so many minutes before now.
fn deleted(key: &str, minutes_ago: i64) -> StoredFact {
    let at = Timestamp::from_millis(NOW_MILLIS - minutes_ago * 60_000);
    let arn = "arn:aws:sts::111122223333:assumed-role/cleaner/i-0abc";
    let evidence = Evidence {
        id: format!("trail {key}"),
        source: Source::CloudTrail,
        call: Some(Call { api: Api::DeleteObject, outcome: Outcome::Ok }),
        role: RemovalRole::Claim,
        bucket: "images".into(),
        key: Some(key.to_owned()),
        target: Target::Current,
        mark: Mark::Object,
        cause: Cause::Api,
        request_id: Some(format!("R-{key}").into()),
        event_id: Some(format!("event {key}")),
        shared_event_id: None,
        amends_event_id: None,
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        at,
        started_at: Some(at),
        ended_at: Some(Timestamp::from_millis(at.as_millis() + 42)),
        total_millis: None,
        sequencer: None,
        http_status: Some(204),
        error_code: None,
        marker_version_id: None,
        actor: Actor { arn: Some(arn.to_owned()), ..Actor::default() }.into(),
    };
    StoredFact { fact: Fact::Deletion(Box::new(evidence)), record_index: None }
}

/// Five keys, the first one the newest, and one of another folder.
async fn with_deletions() -> Served {
    let served = served().await;
    let keys = ["a/1", "a/2", "a/3", "a/4", "b \u{fc}/5"];
    let facts = (1..).zip(keys).map(|(minute, key)| deleted(key, minute)).collect();
    served.real_store.commit(Batch { facts, ..Batch::default() }).await.unwrap();
    served
}

/// Asks, and holds the answer to what the document says of the path.
async fn asked(served: &Served, path: &str, query: &str) -> Answer {
    let answer = served.get(&format!("{path}{query}")).await;
    Document::of_this_version().check(("get", path), answer.status, &answer.body);
    answer
}

fn keys(answer: &Answer) -> Vec<&str> {
    let deletions = answer.body["deletions"].as_array().unwrap();
    deletions.iter().map(|it| it["key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_tells_all_of_each_removal_and_what_it_rests_on() {
    let served = with_deletions().await;
    let answer = asked(&served, "/api/v1/deletions", "?bucket=images&prefix=b%20%C3%BC/").await;
    assert_eq!(answer.status, 200);
    let [told] = answer.body["deletions"].as_array().unwrap().as_slice() else {
        panic!("{}", answer.body)
    };
    assert_eq!((&told["key"], &told["kind"]), (&json!("b \u{fc}/5"), &json!("object")));
    assert_eq!(told["at"], "2026-11-23T09:55:05.042Z");
    assert_eq!(told["actor"]["name"], "cleaner");
    assert_eq!(told["latency"]["service_seconds"], 0.042);
    assert_eq!(told["sources"], json!(["cloudtrail"]));
    let completeness = &answer.body["completeness"];
    assert_eq!(completeness["bucket"], "images");
    assert_eq!(completeness["sources"][0]["source"], "cloudtrail");
    assert_eq!(completeness["missing"][0]["sources"][0], "s3_notification");
}

#[tokio::test]
async fn pages_of_deletions_follow_one_another() {
    let served = with_deletions().await;
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let answer = asked(&served, "/api/v1/deletions", &query).await;
        seen.extend(keys(&answer).into_iter().map(str::to_owned));
        let newer = deleted(&format!("new {}", seen.len()), 0);
        served.real_store.commit(Batch { facts: vec![newer], ..Batch::default() }).await.unwrap();
        let Some(cursor) = answer.body["next_cursor"].as_str() else { break };
        assert_eq!(answer.body["has_more"], true);
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["a/1", "a/2", "a/3", "a/4", "b \u{fc}/5"]);
}

#[tokio::test]
async fn each_filter_of_deletions_leaves_what_fits() {
    let served = with_deletions().await;
    for (query, count) in [
        ("", 5),
        ("?bucket=images", 5),
        ("?bucket=other", 0),
        ("?bucket=images&prefix=a/", 4),
        ("?prefix=a/", 4),
        ("?prefix=c/", 0),
        ("?bucket=&prefix=&principal=", 5),
        ("?principal=cleaner", 5),
        ("?principal=clean*", 5),
        ("?principal=intern", 0),
        ("?request_id=R-a/2", 1),
        ("?request_id=R-a/2&prefix=b", 0),
        ("?since=2026-11-23T09:57:05Z", 3),
        ("?until=2026-11-23T09:57:05Z", 2),
        ("?since=2026-11-23T10:00:00Z&until=2026-11-23T09:00:00Z", 0),
        ("?limit=3", 3),
    ] {
        let answer = asked(&served, "/api/v1/deletions", query).await;
        assert_eq!((answer.status, keys(&answer).len()), (200, count), "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_list_is_there_as_csv_with_its_place_in_a_header() {
    let served = with_deletions().await;
    let csv = ["accept: text/csv"];
    let line = "GET /api/v1/deletions?limit=2 HTTP/1.1";
    let stream = served.open(line, &csv).await;
    let answer = super::text_of(stream).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: text/csv; charset=utf-8; header=present"), "{head}");
    assert!(body.starts_with("bucket,key,at,"), "{body}");
    assert_eq!(body.lines().count(), 3);
    let next = head.lines().find_map(|line| line.strip_prefix("deltrail-next-cursor: ")).unwrap();
    let rest = asked(&served, "/api/v1/deletions", &format!("?cursor={next}")).await;
    assert_eq!(keys(&rest), ["a/3", "a/4", "b \u{fc}/5"]);
    let image = served.ask(line, &["accept: image/png"], b"").await;
    assert_eq!(image.status, 406);
    assert!(image.detail().contains("text/csv"), "{}", image.body);
}

#[tokio::test]
async fn a_key_is_told_with_who_removed_it_or_why_that_is_not_known() {
    let served = with_deletions().await;
    let path = "/api/v1/who-deleted";
    let answer = asked(&served, path, "?bucket=images&key=b%20%C3%BC/5").await;
    assert_eq!(keys(&answer), ["b \u{fc}/5"]);
    let folder = asked(&served, path, "?bucket=images&key=a").await;
    assert_eq!((keys(&folder).len(), &folder.body["has_deletions_below"]), (0, &json!(true)));
    let missing = asked(&served, path, "?version_id=v").await;
    assert_eq!(missing.status, 400);
    let reasons = [&missing.body["errors"][0]["reason"], &missing.body["errors"][1]["reason"]];
    assert_eq!(reasons, ["bucket", "key"]);
}

#[tokio::test]
async fn a_request_is_told_with_its_keys() {
    let served = with_deletions().await;
    let answer = served.get("/api/v1/requests/R-a%2F2").await;
    let path = "/api/v1/requests/{id}";
    let document = Document::of_this_version();
    document.check(("get", path), 200, &answer.body);
    assert_eq!(keys(&answer), ["a/2"]);
    let call = &answer.body["calls"][0];
    assert_eq!((&call["api"], &call["key"]), (&json!("DeleteObject"), &json!("a/2")));
    for unknown in ["R-c", "%ff", "..%2f"] {
        let answer = served.get(&format!("/api/v1/requests/{unknown}")).await;
        document.check(("get", path), 404, &answer.body);
        assert!(answer.detail().contains("no source tells"), "{unknown}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_span_is_told_as_a_whole() {
    let served = with_deletions().await;
    let answer = asked(&served, "/api/v1/summary", "").await;
    assert_eq!(answer.body["counts"]["removed"], 5);
    assert_eq!(answer.body["principals"][0]["principal"], "cleaner");
    assert_eq!(answer.body["prefixes"][0]["prefix"], "a/");
    assert_eq!(answer.body["latency"][0]["p50_seconds"], 0.042);
    assert_eq!(answer.body["bars"].as_array().unwrap().len(), 49);
    let hour = asked(&served, "/api/v1/summary", "?hours=1&until=2026-11-23T09:55:00Z").await;
    assert_eq!(
        (&hour.body["counts"]["removed"], &hour.body["bar_seconds"]),
        (&json!(0), &json!(300))
    );
    assert_eq!(hour.body["bars"][0]["is_complete"], false);
}

#[tokio::test]
async fn the_sources_tell_how_far_they_have_come() {
    let served = with_deletions().await;
    let answer = asked(&served, "/api/v1/sources", "").await;
    assert_eq!(answer.body["sources"][0]["source"], "cloudtrail");
    assert_eq!(answer.body["sources"][0]["lag_seconds"], Value::Null);
    assert_eq!(answer.body["missing"][0]["sources"][0], "s3_notification");
}

#[tokio::test]
async fn a_parameter_that_is_not_understood_is_named() {
    let served = with_deletions().await;
    for (path, query, reason) in [
        ("/api/v1/deletions", "?since=yesterday", "since"),
        ("/api/v1/deletions", "?until=", "until"),
        ("/api/v1/deletions", "?limit=0", "limit"),
        ("/api/v1/deletions", "?limit=1001", "limit"),
        ("/api/v1/deletions", "?cursor=abc", "cursor"),
        ("/api/v1/deletions", "?keys=a", "unknown"),
        ("/api/v1/deletions", "?bucket=a&bucket=b", "bucket"),
        ("/api/v1/summary", "?hours=8785", "hours"),
        ("/api/v1/summary", "?since=2026-11-23T10:00:00Z", "unknown"),
        ("/api/v1/sources", "?bucket=a", "unknown"),
        ("/api/v1/openapi.json", "?x=1", "unknown"),
    ] {
        let answer = asked(&served, path, query).await;
        assert_eq!(answer.status, 400, "{path}{query}");
        assert_eq!(answer.body["errors"][0]["reason"], reason, "{query}: {}", answer.body);
    }
    let all = asked(&served, "/api/v1/deletions", "?limit=x&since=x&x=x").await;
    assert_eq!(all.body["errors"].as_array().unwrap().len(), 3, "all at once: {}", all.body);
    let long = format!("?bucket={}", "b".repeat(256));
    let answer = asked(&served, "/api/v1/deletions", &long).await;
    assert!(answer.detail().contains("more than 255 characters"), "{}", answer.body);
}

#[tokio::test]
async fn the_document_is_served_and_tells_of_what_other_paths_answer() {
    let served = with_deletions().await;
    let answer = asked(&served, "/api/v1/openapi.json", "").await;
    assert_eq!(answer.body["openapi"], "3.1.0");
    let document = Document::of_this_version();
    for (path, item) in answer.body["paths"].as_object().unwrap() {
        let here = path.replace("{id}", "0123456789abcdef");
        for (method, operation) in item.as_object().unwrap() {
            let line = format!("{} {here} HTTP/1.1", method.to_uppercase());
            let answer = served.ask(&line, &["content-type: application/json"], b"{}").await;
            document.check((method, path), answer.status, &answer.body);
            for parameter in operation["parameters"].as_array().unwrap() {
                let name = parameter["name"].as_str().unwrap();
                let line = format!("GET {here}?{name}=%00 HTTP/1.1");
                let answer = served.ask(&line, &[], b"").await;
                let refused = answer.body["errors"][0]["reason"].as_str();
                assert!(name == "id" || refused != Some("unknown"), "{path} does not know {name}");
            }
        }
        for method in ["PUT", "DELETE", "PATCH"] {
            let answer = served.ask(&format!("{method} {here} HTTP/1.1"), &[], b"").await;
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
}
