//! Findings as the API tells them: all of them, a page at a time, and one by itself.

use std::collections::BTreeMap;

use deltrail_core::detect::Expectation;
use deltrail_core::domain::{
    Day, Detector, Finding, Mode, Reason, Severity, Tally, Timestamp, Who,
};
use serde_json::{Value, json};

use super::{NOW_MILLIS, Served, served, served_with_token};
use crate::store::Found;

fn minute(nth: i64) -> Timestamp {
    Timestamp::from_millis(NOW_MILLIS + nth * 60_000)
}

/// What a detector found in `images` from 10 minutes before now to some minute before it.
fn finding(detector: Detector, severity: Severity, end: i64) -> Finding {
    Finding {
        detector,
        bucket: "images".to_owned(),
        subject: String::new(),
        day: Day::of(minute(0)),
        severity,
        who: vec![Who { principal: "intern".to_owned(), sessions: Vec::new(), objects: 60 }],
        principals: 1,
        tally: Tally { markers: 60, ..Tally::default() },
        reason: Reason {
            observed: 60,
            threshold: 50,
            baseline: 3,
            sentence: "20 times the largest hour of the last 28 days".to_owned(),
        },
        first_at: minute(-10),
        last_at: minute(end),
        origins: vec!["10.0.0.0/24 (new)".to_owned()],
        agents: vec!["aws-cli/2".to_owned()],
        related: Vec::new(),
        notes: Vec::new(),
        prefixes: Vec::new(),
        sample_keys: vec!["a b/ü.png".to_owned()],
    }
}

/// Has these found, and nothing else.
async fn find(served: &Served, findings: &[Finding]) {
    let store = &served.real_store;
    let expectation = Expectation {
        id: format!("{}", store.expectations(minute(-100), 99).await.unwrap().len()),
        principal: None,
        bucket: "images".to_owned(),
        prefix: String::new(),
        since: minute(-1),
        until: minute(1),
        objects_max: 1,
    };
    store.announce(expectation, None, minute(0)).await.unwrap();
    let due = store.due_days(10).await.unwrap();
    let due = due.into_iter().map(|due| crate::store::DueDay { is_live: true, ..due }).collect();
    let findings = findings.iter().map(|finding| (finding.clone(), Mode::Live)).collect();
    let found = Found {
        bucket: "images".to_owned(),
        due,
        days: BTreeMap::from([(Day::of(minute(0)), findings)]),
        withdrawn_because: BTreeMap::new(),
        notifiers: Vec::new(),
        told_from: Severity::Info,
        now: minute(-4),
    };
    assert!(store.write_findings(found).await.unwrap().is_current);
}

/// Five: three end at the same time.
fn five() -> Vec<Finding> {
    vec![
        finding(Detector::MassDelete, Severity::Critical, -1),
        finding(Detector::NewDeleter, Severity::Warning, -2),
        finding(Detector::NewOrigin, Severity::Info, -2),
        finding(Detector::VersionPurge, Severity::Warning, -2),
        finding(Detector::StaleDelete, Severity::Warning, -3),
    ]
}

async fn detectors(served: &Served, query: &str) -> Vec<String> {
    let answer = served.get(&format!("/api/v1/findings?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    let findings = answer.body["findings"].as_array().unwrap();
    findings.iter().map(|it| it["detector"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_list_tells_what_was_found_and_how_far_it_may_be_believed() {
    let served = served().await;
    let nothing = served.get("/api/v1/findings").await;
    assert_eq!(nothing.status, 200);
    assert_eq!(nothing.body["findings"], json!([]));
    let completeness = &nothing.body["completeness"];
    assert_eq!(
        (&completeness["complete_until"], &completeness["sources"]),
        (&Value::Null, &json!([]))
    );
    find(&served, &five()[..1]).await;
    let answer = served.get("/api/v1/findings?bucket=images").await;
    assert_eq!(answer.body["next_cursor"], Value::Null);
    let [told] = answer.body["findings"].as_array().unwrap().as_slice() else {
        panic!("{}", answer.body)
    };
    assert_eq!(told["id"], five()[0].id());
    assert_eq!((&told["state"], &told["severity"]), (&json!("open"), &json!("critical")));
    assert_eq!(
        (&told["removed"]["total"], &told["who"][0]["principal"]),
        (&json!(60), &json!("intern"))
    );
    assert_eq!(told["sample_keys"], json!(["a b/ü.png"]));
    assert_eq!(told["opened_at"], "2026-11-23T09:56:05.000Z");
    assert!(told["title"].as_str().unwrap().contains("mass_delete"), "{told}");
}

#[tokio::test]
async fn pages_follow_one_another_and_each_finding_is_on_one_of_them() {
    let served = served().await;
    find(&served, &five()).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for page in 0.. {
        let path = format!("/api/v1/findings?limit=2{cursor}");
        let answer = served.get(&path).await;
        let findings = answer.body["findings"].as_array().unwrap();
        seen.extend(findings.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        // What is found meanwhile is newer, and moves no page.
        let newer = finding(Detector::DeleteDenied, Severity::Info, page);
        find(&served, &[five(), vec![newer]].concat()).await;
        match answer.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        assert!(page < 9, "the pages do not end");
    }
    let mut expected: Vec<(Timestamp, String)> =
        five().iter().map(|finding| (finding.last_at, finding.id())).collect();
    expected.sort_by(|one, other| other.cmp(one));
    assert_eq!(seen, expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
}

#[tokio::test]
async fn each_filter_leaves_what_fits() {
    let served = served().await;
    find(&served, &five()).await;
    find(&served, &five()[..4]).await;
    assert_eq!(detectors(&served, "").await.len(), 4);
    assert_eq!(detectors(&served, "state=withdrawn").await, ["stale_delete"]);
    assert_eq!(detectors(&served, "state=resolved").await.len(), 0);
    assert_eq!(detectors(&served, "state=open&severity=critical").await, ["mass_delete"]);
    assert_eq!(detectors(&served, "detector=new_origin").await, ["new_origin"]);
    assert_eq!(detectors(&served, "principal=intern").await.len(), 4);
    assert_eq!(detectors(&served, "principal=nobody").await.len(), 0);
    assert_eq!(detectors(&served, "bucket=images-eu").await.len(), 0);
    assert_eq!(detectors(&served, "bucket=images&prefix=a%20b/").await.len(), 4);
    assert_eq!(detectors(&served, "bucket=images&prefix=zz").await.len(), 0);
    assert_eq!(detectors(&served, "request_id=unknown").await.len(), 0);
    let everywhere = served.get("/api/v1/findings?prefix=a").await;
    assert_eq!(everywhere.status, 400, "{}", everywhere.body);
    assert_eq!(detectors(&served, "since=2026-11-23T09:59:05Z").await, ["mass_delete"]);
    assert_eq!(detectors(&served, "until=2026-11-23T09:50:05Z").await.len(), 0);
}

#[tokio::test]
async fn one_finding_is_told_with_the_text_that_everybody_is_told() {
    let served = served().await;
    find(&served, &five()).await;
    let path = format!("/api/v1/findings/{}", five()[0].id());
    let answer = served.get(&path).await;
    assert_eq!(answer.status, 200);
    let text = answer.body["text"].as_str().unwrap();
    assert!(text.contains("20 times the largest hour"), "{text}");
    assert!(text.starts_with(answer.body["title"].as_str().unwrap()), "{text}");
    assert!(text.contains("still rising"), "{text}");
    assert_eq!(answer.body["completeness"]["bucket"], "images");
    for unknown in ["0123456789abcdef", "x", "%ff", "..%2f", &five()[0].id().to_uppercase()] {
        let answer = served.get(&format!("/api/v1/findings/{unknown}")).await;
        assert_eq!(answer.status, 404, "{unknown}");
        assert!(answer.detail().contains("no finding"), "{}", answer.body);
    }
}

#[tokio::test]
async fn parameters_that_are_not_understood_are_refused() {
    let served = served().await;
    for (query, reason) in [
        ("since=yesterday", "since"),
        ("until=2026-11-23", "until"),
        ("detector=mass", "detector"),
        ("severity=high", "severity"),
        ("state=closed", "state"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=abc", "cursor"),
        ("cursor=00000000000000000123456789abcdeg", "cursor"),
    ] {
        let answer = served.get(&format!("/api/v1/findings?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.body["errors"][0]["reason"], reason, "{}", answer.body);
        answer.detail();
    }
    for query in ["buckets=images", "bucket=a&bucket=b"] {
        let answer = served.get(&format!("/api/v1/findings?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.detail().contains("bucket"), "{}", answer.body);
    }
}

#[tokio::test]
async fn without_the_token_nothing_is_told() {
    let served = served_with_token("correct-horse-battery").await;
    find(&served, &five()).await;
    for path in ["/api/v1/findings", "/api/v1/findings/0123456789abcdef", "/api/v1/expectations"] {
        let answer = served.get(path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(!answer.body.to_string().contains("mass_delete"));
        let bearer = ["authorization: Bearer correct-horse-battery"];
        let answer = served.ask(&format!("GET {path} HTTP/1.1"), &bearer, b"").await;
        assert_ne!(answer.status, 401, "{path}");
    }
}
