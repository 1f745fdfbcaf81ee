//! Who is let in.

use super::{INTENT, JSON, served, served_with_token};

const TOKEN: &str = "correct-horse-battery";
const REQUEST: &str = "POST /api/v1/intents HTTP/1.1";

#[tokio::test]
async fn with_a_token_every_request_has_to_bear_it() {
    let served = served_with_token(TOKEN).await;
    for path in ["/api/v1/intents", "/", "/nothing", "/api/v1/nothing"] {
        for method in ["POST", "GET"] {
            if method == "GET" && !path.starts_with("/api/") {
                // That is a page, which people log in to see.
                let answer = served.get(path).await;
                assert_eq!((answer.status, answer.text.as_str()), (303, ""), "{path}");
                continue;
            }
            let request = format!("{method} {path} HTTP/1.1");
            let answer = served.ask(&request, &[JSON], INTENT.as_bytes()).await;
            assert_eq!(answer.status, 401, "{request}");
            assert!(answer.has_header("www-authenticate: Bearer realm=\"deltrail\""));
            assert!(answer.detail().contains("Authorization: Bearer"), "{}", answer.body);
        }
    }
    for wrong in ["Bearer correct-horse-batterx", "Basic correct-horse-battery"] {
        let wrong = format!("authorization: {wrong}");
        let answer = served.ask(REQUEST, &[JSON, &wrong], INTENT.as_bytes()).await;
        assert_eq!(answer.status, 401);
        let challenge = "www-authenticate: Bearer realm=\"deltrail\", error=\"invalid_token\"";
        assert!(answer.has_header(challenge), "{}", answer.head);
        assert!(!answer.body.to_string().contains("horse"), "{}", answer.body);
    }
    assert!(served.kept_ids().is_empty());
}

#[tokio::test]
async fn who_bears_the_token_may_come_by_any_name() {
    let served = served_with_token(TOKEN).await;
    let bearer = format!("authorization: Bearer {TOKEN}");
    let headers = [JSON, &bearer, "host: deltrail.example", "origin: https://deltrail.example"];
    assert_eq!(served.ask(REQUEST, &headers, INTENT.as_bytes()).await.status, 201);
    let answer = served.ask("GET /api/v1/intents HTTP/1.1", &[&bearer], b"").await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn a_name_that_was_led_to_loopback_is_refused() {
    let served = served().await;
    for host in ["host: evil.example", "host: 10.0.0.7:10119", "host:"] {
        let answer = served.ask(REQUEST, &[JSON, host], INTENT.as_bytes()).await;
        assert_eq!(answer.status, 403, "{host}");
        assert!(answer.detail().contains("Host header"), "{}", answer.body);
    }
    assert!(served.kept_ids().is_empty());
    for host in ["host: localhost:10119", "host: [::1]"] {
        assert!(served.ask(REQUEST, &[JSON, host], INTENT.as_bytes()).await.status < 300, "{host}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_cannot_declare_intents() {
    let served = served().await;
    for origin in ["http://evil.example", "null", "http://localhost:3000"] {
        let origin = format!("origin: {origin}");
        let answer = served.ask(REQUEST, &[JSON, &origin], INTENT.as_bytes()).await;
        assert_eq!(answer.status, 403, "{origin}");
        assert!(answer.detail().contains("Origin header"), "{}", answer.body);
        // Nor is its browser told that it may ask.
        let headers = [origin.as_str(), "access-control-request-method: POST"];
        let answer = served.ask("OPTIONS /api/v1/intents HTTP/1.1", &headers, b"").await;
        assert_eq!(answer.status, 403);
        assert!(!answer.head.contains("access-control"), "{}", answer.head);
    }
    // What a page may send without its browser asking first is no content type of ours.
    for simple in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let simple = format!("content-type: {simple}");
        assert_eq!(served.ask(REQUEST, &[&simple], INTENT.as_bytes()).await.status, 415);
    }
    assert!(served.kept_ids().is_empty());
    let own = format!("origin: http://{}", served.address);
    assert_eq!(served.ask(REQUEST, &[JSON, &own], INTENT.as_bytes()).await.status, 201);
}

#[tokio::test]
async fn who_is_refused_sees_the_answer_even_while_still_sending() {
    let large = vec![b'x'; 3 << 20];
    let guarded = served_with_token(TOKEN).await;
    assert_eq!(guarded.ask(REQUEST, &[JSON], &large).await.status, 401);
    let open = served().await;
    assert_eq!(open.ask(REQUEST, &[JSON, "host: evil.example"], &large).await.status, 403);
}
