//! What becomes of intents, good and bad.

use super::{INTENT, JSON, LINES, intent, served};

#[tokio::test]
async fn an_intent_is_kept_before_it_is_answered() {
    let served = served().await;
    let answer = served.post(JSON, INTENT).await;
    assert_eq!(answer.status, 201);
    assert!(answer.has_header("content-type: application/json"), "{}", answer.head);
    assert_eq!(answer.body, serde_json::json!({ "accepted": 1, "repeated": 0 }));
    let kept = served.store.intents.lock().unwrap();
    let [kept] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((kept.id.as_str(), kept.bucket.as_str()), ("i-1", "images"));
    assert_eq!(kept.keys, ["a b/ü.png"]);
    assert_eq!(kept.requested_at.to_string(), "2026-11-23T10:00:00.123Z");
    assert_eq!((kept.by.as_deref(), kept.reference.as_deref()), (Some("cleaner"), Some("job-7")));
}

#[tokio::test]
async fn the_same_intent_again_changes_nothing() {
    let served = served().await;
    assert_eq!(served.post(JSON, INTENT).await.status, 201);
    let again = served.post(JSON, INTENT).await;
    assert_eq!(
        (again.status, again.body),
        (200, serde_json::json!({"accepted": 0, "repeated": 1}))
    );
    let both = served.post(LINES, &format!("{INTENT}\n{}", intent("i-2", "images"))).await;
    assert_eq!((both.status, both.body), (201, serde_json::json!({"accepted": 1, "repeated": 1})));
    assert_eq!(served.kept_ids(), ["i-1", "i-2"]);
}

#[tokio::test]
async fn each_line_holds_an_intent_and_blank_ones_none() {
    let served = served().await;
    let body = format!("\r\n{INTENT}\r\n  \n\n{}", intent("i-2", "images-eu"));
    assert_eq!(served.post(LINES, &body).await.status, 201);
    assert_eq!(served.kept_ids(), ["i-1", "i-2"]);
}

#[tokio::test]
async fn one_intent_may_be_written_over_several_lines() {
    let served = served().await;
    let spread = INTENT.replace(',', ",\n");
    assert_eq!(
        served.post("content-type: application/json;charset=utf-8", &spread).await.status,
        201
    );
    assert_eq!(served.post(LINES, &spread).await.status, 400);
}

#[tokio::test]
async fn a_bad_line_is_named_and_nothing_of_its_request_is_kept() {
    let served = served().await;
    let without_time = intent("i-2", "images").replace("requested_at", "at");
    let body =
        format!("{INTENT}\n\n{without_time}\n{{\"deltrail\":\n[]\n{}", intent("i-3", "images"));
    let answer = served.post(LINES, &body).await;
    assert_eq!(answer.status, 400);
    let detail = answer.detail();
    assert!(detail.starts_with("3 of 5 intents are refused, the first in line 3: "), "{detail}");
    assert!(detail.contains("requested_at") && detail.contains("send all again"), "{detail}");
    let errors = answer.body["errors"].as_array().unwrap();
    let places: Vec<_> = errors.iter().map(|error| (&error["line"], &error["reason"])).collect();
    let places = serde_json::to_value(places).unwrap();
    let expected =
        serde_json::json!([[3, "missing_time"], [4, "invalid_json"], [5, "unknown_envelope"],]);
    assert_eq!(places, expected);
    assert!(served.kept_ids().is_empty());
    assert_eq!(served.rejected("missing_time"), "1");
    assert_eq!(served.records("rejected"), "3");
    assert_eq!(served.records("evidence"), "0");
}

#[tokio::test]
async fn a_bad_intent_by_itself_is_told_without_a_line() {
    let served = served().await;
    let answer = served.post(JSON, &INTENT.replace("[\"a b/ü.png\"]", "[]")).await;
    assert_eq!(answer.status, 400);
    let detail = answer.detail();
    assert!(detail.starts_with("the intent is refused: keys"), "{detail}");
    assert!(answer.body["errors"][0].get("line").is_none(), "{}", answer.body);
    for nothing in ["", " \n"] {
        let answer = served.post(JSON, nothing).await;
        assert_eq!(answer.status, 400);
        assert!(answer.detail().contains("holds no intent"), "{}", answer.body);
    }
}

#[tokio::test]
async fn of_many_faults_all_are_counted_and_the_first_are_told() {
    let served = served().await;
    let answer = served.post(LINES, &"x\n".repeat(30_000)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.detail().starts_with("30000 of 30000 intents"), "{}", answer.body);
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 20);
    assert_eq!(served.rejected("invalid_json"), "30000");
}

#[tokio::test]
async fn an_intent_for_a_bucket_that_is_not_watched_is_not_believed() {
    let served = served().await;
    let answer = served.post(JSON, &intent("i-9", "secrets")).await;
    assert_eq!(answer.status, 422);
    let detail = answer.detail();
    assert!(detail.contains("\"secrets\"") && detail.contains("watch-bucket"), "{detail}");
    assert_eq!(answer.body["errors"][0]["reason"], "bucket_not_allowed");
    assert!(served.kept_ids().is_empty());
    assert_eq!(served.rejected("bucket_not_allowed"), "1");
    // What is not understood weighs more, in whatever order.
    let mixed = format!("{}\nx\n{}", intent("i-9", "secrets"), intent("i-8", "secrets"));
    assert_eq!(served.post(LINES, &mixed).await.status, 400);
}

#[tokio::test]
async fn metrics_tell_of_what_was_kept() {
    let served = served().await;
    let delay = || -> f64 {
        served.metric(r#"deltrail_event_delay_seconds_sum{source="intent"}"#).parse().unwrap()
    };
    served.post(LINES, &format!("{INTENT}\n{}", intent("i-2", "images"))).await;
    assert_eq!(served.records("evidence"), "2");
    let arrived = served.metric(r#"deltrail_last_delivery_timestamp_seconds{source="intent"}"#);
    assert_eq!(arrived, "1795428005");
    // Declared at 10:00:00.123, kept at 10:00:05.
    assert!((delay() - 2.0 * 4.877).abs() < 1e-9, "{}", delay());
    assert_eq!(served.metric("deltrail_commit_seconds_count"), "1");
    served.post(JSON, INTENT).await;
    assert!((delay() - 2.0 * 4.877).abs() < 1e-9, "{}", delay());
}

#[tokio::test]
async fn other_content_types_are_refused() {
    let served = served().await;
    for headers in [
        &[][..],
        &["content-type: text/plain"],
        &["content-type: application/x-www-form-urlencoded"],
        &[JSON, "content-type: text/plain"],
        &[JSON, "content-encoding: gzip"],
    ] {
        let request = "POST /api/v1/intents HTTP/1.1";
        let answer = served.ask(request, headers, INTENT.as_bytes()).await;
        assert_eq!(answer.status, 415, "{headers:?}");
        assert!(answer.detail().contains("send"), "{}", answer.body);
    }
    assert!(served.kept_ids().is_empty());
}

#[tokio::test]
async fn other_paths_and_methods_are_problems() {
    let served = served().await;
    for path in ["/nothing", "/api/v1/intents/", "/api/v1/removals", "/metrics"] {
        let answer = served.ask(&format!("POST {path} HTTP/1.1"), &[JSON], b"{}").await;
        assert_eq!(answer.status, 404);
        assert!(answer.detail().contains(path), "{}", answer.body);
    }
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = served.ask(&format!("{method} /api/v1/intents HTTP/1.1"), &[], b"").await;
        assert_eq!(answer.status, 405);
        assert!(answer.has_header("allow: POST"), "{}", answer.head);
        assert!(answer.detail().contains(method), "{}", answer.body);
    }
}
