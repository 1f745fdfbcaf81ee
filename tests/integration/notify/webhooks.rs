//! The generic webhook and Slack's, against a receiver that answers well and badly.

use std::time::Duration;

use aws_lc_rs::hmac;
use deltrail::notify::{Notice, Notifiers, NotifyError, Secret, Settings};
use deltrail_core::domain::State;

use super::receiver::{Posted, Receiver};
use super::{notice, notifiers, now, settings, url};

const SECRET: &str = "correct-horse-battery";
const NO_HEADER: (&str, &str) = ("x-nothing", "");

/// Tells a receiver's webhook, and Slack on the same receiver.
fn both(receiver: &Receiver) -> Notifiers {
    notifiers(Settings {
        webhook: Some(url(&format!("{}/hooks/hunter2", receiver.origin))),
        webhook_secret: Some(Secret::parse(SECRET).unwrap()),
        slack: Some(url(&format!("{}/services/T0/B0/hunter2", receiver.origin))),
        external_url: Some(url("https://deltrail.example.com/")),
        ..settings()
    })
}

/// As a receiver verifies a message: by the bytes that came and the time in the header.
fn is_genuine(posted: &Posted) -> bool {
    let header = posted.header("deltrail-signature");
    let (time, tag) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let age_seconds = now().as_millis() / 1000 - time.parse::<i64>().unwrap();
    let signed = [time.as_bytes(), b".", &posted.body].concat();
    let tag: Vec<u8> = (0..tag.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&tag[at..at + 2], 16).unwrap())
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    (0..300).contains(&age_seconds) && hmac::verify(&key, &signed, &tag).is_ok()
}

#[tokio::test]
async fn a_webhook_can_tell_who_wrote_and_when() {
    let receiver = Receiver::start().await;
    both(&receiver).send("webhook", &notice("acme-img")).await.unwrap();
    let [posted] = receiver.posted().try_into().unwrap();
    assert!(is_genuine(&posted), "{posted:?}");
    let mut forged = posted.clone();
    forged.body.push(b' ');
    assert!(!is_genuine(&forged), "another body");
    let mut later = posted.clone();
    let header = posted.header("deltrail-signature").replacen("t=1", "t=2", 1);
    later.headers.insert("deltrail-signature", header.parse().unwrap());
    assert!(!is_genuine(&later), "another time");
}

#[tokio::test]
async fn a_webhook_is_told_the_finding_as_json() {
    let receiver = Receiver::start().await;
    let notice = Notice { revision: 7, was_told: true, ..notice("acme-img") };
    both(&receiver).send("webhook", &notice).await.unwrap();
    let [posted] = receiver.posted().try_into().unwrap();
    assert_eq!(posted.path, "/hooks/hunter2");
    assert_eq!(posted.header("content-type"), "application/json");
    assert!(posted.header("user-agent").starts_with("deltrail/"));
    let told = posted.json();
    let id = notice.id();
    assert_eq!(posted.header("deltrail-delivery"), format!("{id}-7"));
    assert_eq!((&told["thread"], &told["change"]), (&id.clone().into(), &"updated".into()));
    assert_eq!(told["url"], format!("https://deltrail.example.com/findings/{id}"));
    assert_eq!(told["text"], notice.text);
    let finding = &told["finding"];
    assert_eq!((&finding["bucket"], &finding["removed"]), (&"acme-img".into(), &12_480.into()));
    assert_eq!(finding["sample_keys"][0], "thumbs/\"a\"/é.jpg");
    assert_eq!(finding["first_at"], notice.finding.first_at.to_string());
}

#[tokio::test]
async fn what_is_tried_again_is_known_for_what_was_tried_before() {
    let receiver = Receiver::start().await;
    receiver.answer(429, ("retry-after", "700"), "slow down");
    let (notifiers, notice) = (both(&receiver), notice("acme-img"));
    let error = notifiers.send("webhook", &notice).await.unwrap_err();
    assert!(error.is_transient());
    let wait = error.next_try(1, Duration::ZERO, &notice.id()).unwrap();
    assert!(wait >= Duration::from_secs(700), "{wait:?}");
    assert!(error.to_string().contains("slow down"), "{error}");

    notifiers.send("webhook", &notice).await.unwrap();
    let posted = receiver.posted();
    let deliveries: Vec<&str> = posted.iter().map(|one| one.header("deltrail-delivery")).collect();
    let expected = format!("{}-1", notice.id());
    assert_eq!(deliveries, [expected.as_str(); 2]);
    assert!(is_genuine(&posted[1]));
}

#[tokio::test]
async fn each_status_is_passing_trouble_or_somebody_has_to_mend_it() {
    let receiver = Receiver::start().await;
    let notifiers = both(&receiver);
    for (status, is_transient) in [
        (400, false),
        (401, false),
        (403, false),
        (404, false),
        (408, true),
        (410, false),
        (413, false),
        (425, true),
        (429, true),
        (500, true),
        (502, true),
        (503, true),
        (599, true),
    ] {
        for name in ["webhook", "slack"] {
            receiver.answer(status, NO_HEADER, "because");
            let error = notifiers.send(name, &notice("acme-img")).await.unwrap_err();
            assert_eq!(error.is_transient(), is_transient, "{status}: {error}");
            assert!(error.to_string().contains(&format!("HTTP {status}: because")), "{error}");
            assert!(error.next_try(1, Duration::ZERO, "a1").is_some(), "{status}");
        }
    }
    for status in [200, 201, 202, 204] {
        receiver.answer(status, NO_HEADER, "");
        notifiers.send("webhook", &notice("acme-img")).await.unwrap();
    }
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    for status in [301, 302, 303, 307, 308] {
        receiver.answer(status, ("location", &format!("{}/new/hunter2", elsewhere.origin)), "");
        let error = both(&receiver).send("webhook", &notice("acme-img")).await.unwrap_err();
        let told = error.to_string();
        assert!(matches!(error, NotifyError::Redirected { .. }), "{told}");
        assert!(told.contains("points to 127.0.0.1;") && !told.contains("hunter2"), "{told}");
    }
    assert!(elsewhere.posted().is_empty());
}

#[tokio::test]
async fn a_receiver_that_repeats_the_url_does_not_bring_it_into_the_log() {
    let receiver = Receiver::start().await;
    for words in ["Cannot POST /hooks/hunter2", "<p>/hooks/hunter2</p>"] {
        receiver.answer(404, NO_HEADER, words);
        let error = both(&receiver).send("webhook", &notice("acme-img")).await.unwrap_err();
        for told in [error.to_string(), format!("{error:?}")] {
            assert!(told.contains("HTTP 404") && !told.contains("hunter2"), "{told}");
            assert!(told.contains(&receiver.origin), "{told}");
        }
    }
}

#[tokio::test]
async fn slack_is_told_in_blocks_what_becomes_of_a_finding() {
    let receiver = Receiver::start().await;
    let notifiers = both(&receiver);
    let opened = notice("acme-img");
    let resolved = Notice { state: State::Resolved, was_told: true, revision: 2, ..opened.clone() };
    for notice in [&opened, &resolved] {
        notifiers.send("slack", notice).await.unwrap();
    }
    let [first, second] = receiver.posted().try_into().unwrap();
    assert_eq!(first.path, "/services/T0/B0/hunter2");
    let (first, second) = (first.json(), second.json());
    assert_eq!(first["text"], opened.short_text);
    assert_eq!(first["blocks"][0]["text"]["text"], opened.title);
    assert_eq!(second["text"], opened.short_text);
    for told in [&first, &second] {
        let context = told["blocks"][2]["elements"][0]["text"].as_str().unwrap();
        assert!(context.contains(&opened.id()), "{told}");
    }
}

#[tokio::test]
async fn a_page_in_the_place_of_slack_is_no_yes() {
    let receiver = Receiver::start().await;
    receiver.answer(200, NO_HEADER, "\n<!doctype html><title>Log in</title>");
    let error = both(&receiver).send("slack", &notice("acme-img")).await.unwrap_err();
    assert!(matches!(error, NotifyError::WebPage { .. }), "{error}");
    for words in ["ok", "", r#"{"success":true}"#] {
        receiver.answer(200, NO_HEADER, words);
        both(&receiver).send("slack", &notice("acme-img")).await.unwrap();
    }
}

#[tokio::test]
async fn a_message_for_a_notifier_that_is_set_no_more_is_given_up() {
    let receiver = Receiver::start().await;
    let notifiers = notifiers(Settings { slack: Some(url(&receiver.origin)), ..settings() });
    assert_eq!(notifiers.names(), ["slack"]);
    let error = notifiers.send("webhook", &notice("acme-img")).await.unwrap_err();
    assert_eq!(error.next_try(1, Duration::ZERO, "a1"), None, "{error}");
    assert!(notifiers.alertmanager().is_none(), "off by default");
}
