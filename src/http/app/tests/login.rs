//! People who log in with a browser, and pages of other sites that would like to use their login.

use std::num::NonZeroU32;

use super::{Answer, INTENT, JSON, Served, served, served_with_token, served_within};
use crate::http::Token;
use crate::http::app::Limits;

const TOKEN: &str = "correct-horse-battery";
const FORM: &str = "content-type: application/x-www-form-urlencoded";
const DECLARE: &str = "POST /api/v1/intents HTTP/1.1";

/// What the listener answers when this is typed in, and the form comes from its own page.
async fn log_in(served: &Served, form: &str) -> Answer {
    let origin = format!("origin: http://{}", served.address);
    served.ask("POST /login HTTP/1.1", &[FORM, &origin], form.as_bytes()).await
}

/// The header by which a browser shows that its user has logged in.
async fn cookie(served: &Served) -> String {
    let answer = log_in(served, &format!("token={TOKEN}")).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    format!("cookie: {}", answer.header("set-cookie").split(';').next().unwrap())
}

#[tokio::test]
async fn a_browser_logs_in_and_comes_back_to_where_it_was_going() {
    let served = served_with_token(TOKEN).await;
    let sent = served.get("/findings?severity=critical&bucket=a%26b").await;
    assert_eq!(sent.status, 303);
    let login = sent.header("location");
    assert_eq!(login, "/login?to=%2Ffindings%3Fseverity%3Dcritical%26bucket%3Da%2526b");
    let form = served.get(login).await;
    assert_eq!(form.status, 200);
    let field = "name=\"to\" value=\"/findings?severity=critical&amp;bucket=a%26b\"";
    assert!(form.text.contains(field), "{}", form.text);
    let back = "to=%2Ffindings%3Fseverity%3Dcritical%26bucket%3Da%2526b";
    let answer = log_in(&served, &format!("token=+{TOKEN}%0A&{back}")).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), "/findings?severity=critical&bucket=a%26b");
    let (cookie, terms) = answer.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(terms, "Path=/; Max-Age=43200; HttpOnly; SameSite=Strict");
    assert!(!cookie.contains("horse"), "{cookie}");
    let cookie = format!("cookie: {cookie}");
    let page = served.ask("GET /findings?severity=critical HTTP/1.1", &[&cookie], b"").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("<h1><bdi>Findings"), "{}", page.text);
    // Who is in is not asked again.
    let again = served.ask("GET /login?to=/sources HTTP/1.1", &[&cookie], b"").await;
    assert_eq!((again.status, again.header("location")), (303, "/sources"));
}

#[tokio::test]
async fn who_shows_another_token_is_not_let_in_and_told_so() {
    let served = served_with_token(TOKEN).await;
    for wrong in
        ["token=correct-horse-batterx", "token=", "", "token=a&token=correct-horse-battery"]
    {
        let answer = log_in(&served, wrong).await;
        assert_eq!(answer.status, 403, "{wrong}");
        assert!(answer.text.contains("That is not the token"), "{}", answer.text);
        assert!(!answer.head.contains("set-cookie") && !answer.text.contains("horse"), "{wrong}");
    }
    let forged = "cookie: deltrail_session=9999999999.00";
    assert_eq!(served.ask("GET /sources HTTP/1.1", &[forged], b"").await.status, 303);
}

#[tokio::test]
async fn the_way_back_never_leads_to_another_site() {
    let served = served_with_token(TOKEN).await;
    for to in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil.example", "%2Flogin"]
    {
        let answer = log_in(&served, &format!("token={TOKEN}&to={to}")).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{to}");
    }
    assert_eq!(served.get("//evil.example/a").await.header("location"), "/login");
}

#[tokio::test]
async fn tries_are_limited_also_for_whoever_has_the_token_at_last() {
    let limits = Limits {
        logins_at_once: NonZeroU32::new(2).unwrap(),
        logins_per_minute: NonZeroU32::MIN,
        ..Limits::default()
    };
    let served = served_within(limits, Some(Token::new(TOKEN))).await;
    for _ in 0..2 {
        assert_eq!(log_in(&served, "token=guess").await.status, 403);
    }
    let answer = log_in(&served, &format!("token={TOKEN}")).await;
    assert_eq!(answer.status, 429);
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&seconds), "{seconds}");
    assert!(answer.text.contains(&format!("Wait {seconds} s")), "{}", answer.text);
    // The API is not the login page: who bears the token is served.
    let bearer = format!("authorization: Bearer {TOKEN}");
    assert_eq!(served.ask(DECLARE, &[JSON, &bearer], INTENT.as_bytes()).await.status, 201);
}

#[tokio::test]
async fn what_another_site_sends_is_not_done_with_somebodys_login() {
    let served = served_with_token(TOKEN).await;
    let cookie = cookie(&served).await;
    let own = format!("origin: http://{}", served.address);
    for foreign in [
        "x-nothing: says where it comes from",
        "origin: http://evil.example",
        "origin: null",
        "sec-fetch-site: cross-site",
        "sec-fetch-site: same-site",
        "sec-fetch-site: none",
    ] {
        let headers = [JSON, cookie.as_str(), foreign];
        let answer = served.ask(DECLARE, &headers, INTENT.as_bytes()).await;
        assert_eq!(answer.status, 403, "{foreign}");
        assert!(answer.detail().contains("another site"), "{}", answer.body);
    }
    assert!(served.kept_ids().is_empty());
    for own in [own.as_str(), "sec-fetch-site: same-origin"] {
        let headers = [JSON, cookie.as_str(), own];
        assert!(served.ask(DECLARE, &headers, INTENT.as_bytes()).await.status < 300, "{own}");
    }
}

#[tokio::test]
async fn answers_for_programs_are_given_to_the_own_page_and_to_no_other() {
    let served = served_with_token(TOKEN).await;
    let cookie = cookie(&served).await;
    let status = async |path: &str, site: &str| {
        let site = format!("sec-fetch-site: {site}");
        let request = format!("GET {path} HTTP/1.1");
        served.ask(&request, &[&cookie, &site], b"").await.status
    };
    for site in ["same-origin", "none"] {
        assert_eq!(status("/api/v1/findings", site).await, 200, "{site}");
    }
    for site in ["cross-site", "same-site"] {
        assert_eq!(status("/api/v1/findings", site).await, 403, "{site}");
        assert_eq!(status("/findings", site).await, 200, "a link of {site} may lead to a page");
    }
}

#[tokio::test]
async fn who_follows_a_link_of_another_site_comes_in_by_the_own_page() {
    let served = served_with_token(TOKEN).await;
    let site = "sec-fetch-site: cross-site";
    let request = "GET /findings?bucket=a&principal='b' HTTP/1.1";
    let answer = served.ask(request, &[site], b"").await;
    // Its browser has not sent the cookie; to this page's link it will.
    assert_eq!(answer.status, 200, "{}", answer.text);
    let again = "content=\"0; url=/findings?bucket=a&amp;principal='b'\"";
    assert!(answer.text.contains(again), "{}", answer.text);
    let led = served.ask("GET //evil.example/ HTTP/1.1", &[site], b"").await;
    assert!(led.text.contains("content=\"0; url=/\""), "{}", led.text);
    let own = served.ask("GET /findings HTTP/1.1", &["sec-fetch-site: same-origin"], b"").await;
    assert_eq!(own.status, 303, "whoever is not logged in does not go round in circles");
}

#[tokio::test]
async fn nobody_is_logged_in_or_out_by_another_site() {
    let served = served_with_token(TOKEN).await;
    let cookie = cookie(&served).await;
    let form = format!("token={TOKEN}");
    for foreign in ["origin: http://evil.example", "sec-fetch-site: same-site"] {
        for path in ["/login", "/logout"] {
            let request = format!("POST {path} HTTP/1.1");
            let answer = served.ask(&request, &[FORM, &cookie, foreign], form.as_bytes()).await;
            assert_eq!(answer.status, 403, "{path} {foreign}");
            assert!(!answer.head.contains("set-cookie"), "{}", answer.head);
        }
    }
    let own = format!("origin: http://{}", served.address);
    let out = served.ask("POST /logout HTTP/1.1", &[&cookie, &own], b"").await;
    assert_eq!((out.status, out.header("location")), (303, "/login"));
    assert!(out.header("set-cookie").starts_with("deltrail_session=; Path=/; Max-Age=0;"));
}

#[tokio::test]
async fn without_a_token_there_is_nothing_to_log_in_to() {
    let served = served().await;
    assert_eq!(served.get("/findings").await.status, 200);
    assert_eq!(served.get("/login").await.header("location"), "/");
    assert_eq!(log_in(&served, "token=a").await.header("location"), "/");
    assert!(!served.get("/findings").await.text.contains("Log out"));
}
