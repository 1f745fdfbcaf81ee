//! What one request, and all together, may take; what the store cannot do; and the end.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::body::BYTES_MAX;
use super::{INTENT, JSON, LINES, Limits, Served, answer, intent, served, served_within, until};
use crate::http::Token;
use crate::store::StoreError;

const REQUEST: &str = "POST /api/v1/intents HTTP/1.1";
const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_body_may_have_a_mebibyte_and_no_more() {
    let served = served().await;
    let padded = |bytes: usize| format!("{INTENT}{}", "\n".repeat(bytes - INTENT.len()));
    assert_eq!(served.post(LINES, &padded(BYTES_MAX)).await.status, 201);
    for bytes in [BYTES_MAX + 1, 8 << 20] {
        let answer = served.post(LINES, &padded(bytes)).await;
        assert_eq!(answer.status, 413);
        assert!(answer.detail().contains("1048576 bytes"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_body_of_unknown_length_is_bounded_as_well() {
    let served = served().await;
    let headers = [LINES, "transfer-encoding: chunked"];
    let mut stream = served.open(REQUEST, &headers).await;
    let chunk = format!("10000\r\n{}\r\n", "\n".repeat(0x10000));
    for _ in 0..20 {
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(answer(stream).await.status, 413);
    let mut stream = served.open(REQUEST, &headers).await;
    let chunk = format!("{:x}\r\n{INTENT}\r\n0\r\n\r\n", INTENT.len());
    stream.write_all(chunk.as_bytes()).await.unwrap();
    assert_eq!(answer(stream).await.status, 201);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let served = served_within(Limits { body_timeout: SOON, ..Limits::default() }, None).await;
    let mut stream = served.open(REQUEST, &[JSON, "content-length: 500"]).await;
    stream.write_all(INTENT.as_bytes()).await.unwrap();
    let answer = answer(stream).await;
    assert_eq!(answer.status, 408);
    assert!(answer.detail().contains("did not arrive"), "{}", answer.body);
    assert!(served.kept_ids().is_empty());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_kept() {
    let served = served().await;
    let mut stream = served.open(REQUEST, &[LINES, "content-length: 500"]).await;
    stream.write_all(format!("{INTENT}\n").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = answer(stream).await;
    assert_eq!(answer.status, 400);
    assert!(served.kept_ids().is_empty());
}

#[tokio::test]
async fn more_requests_than_there_are_turns_wait_and_are_sent_away() {
    let limits = Limits { requests: 1, turn_timeout: SOON, ..Limits::default() };
    let served = served_within(limits, None).await;
    let gate = served.store.gate.acquire_many(1_000).await.unwrap();
    let first = begun(&served).await;
    let second = served.post(JSON, &intent("i-2", "images")).await;
    assert_eq!(second.status, 503);
    assert!(second.has_header("retry-after: 2"), "{}", second.head);
    assert!(second.detail().contains("x-ndjson"), "{}", second.body);
    drop(gate);
    assert_eq!(answer(first).await.status, 201);
    assert_eq!(served.post(JSON, &intent("i-2", "images")).await.status, 201);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let one = NonZeroU32::MIN;
    let two = NonZeroU32::new(2).unwrap();
    let limits = Limits { requests_per_second: one, requests_at_once: two, ..Limits::default() };
    let served = served_within(limits, Some(Token::new("correct-horse-battery"))).await;
    // Whoever guesses tokens asks as often as anybody else.
    for _ in 0..2 {
        assert_eq!(served.post(JSON, INTENT).await.status, 401);
    }
    let answer = served.post(JSON, INTENT).await;
    assert_eq!(answer.status, 429);
    assert!(answer.has_header("retry-after: 1"), "{}", answer.head);
    assert!(answer.detail().contains("too often"), "{}", answer.body);
    assert!(served.kept_ids().is_empty());
}

#[tokio::test]
async fn a_store_that_cannot_keep_them_is_no_success() {
    let served = served().await;
    let store = "sqlite:///var/lib/deltrail/deltrail.db".to_owned();
    *served.store.fails.lock().unwrap() = Some(StoreError::DiskFull { store: store.clone() });
    let answer = served.post(JSON, INTENT).await;
    assert_eq!(answer.status, 503);
    assert!(answer.has_header("retry-after: 30"), "{}", answer.head);
    let detail = answer.detail();
    assert!(detail.contains("log says why") && !detail.contains("/var"), "{detail}");
    *served.store.fails.lock().unwrap() = Some(StoreError::ReadOnly { store });
    let answer = served.post(JSON, INTENT).await;
    assert_eq!(answer.status, 503);
    assert!(!answer.head.contains("retry-after"), "{}", answer.head);
    assert_eq!(served.records("evidence"), "0");
    *served.store.fails.lock().unwrap() = None;
    assert_eq!(served.post(JSON, INTENT).await.status, 201);
}

#[tokio::test]
async fn a_slow_store_is_not_waited_for_and_what_it_keeps_is_counted() {
    let served = served_within(Limits { commit_timeout: SOON, ..Limits::default() }, None).await;
    let gate = served.store.gate.acquire_many(1_000).await.unwrap();
    let answer = served.post(JSON, INTENT).await;
    assert_eq!(answer.status, 503);
    assert!(answer.has_header("retry-after: 2"), "{}", answer.head);
    assert!(answer.detail().contains("changes nothing if they were"), "{}", answer.body);
    drop(gate);
    until("it is kept and counted", || served.records("evidence") == "1").await;
    assert_eq!(served.kept_ids(), ["i-1"]);
}

#[tokio::test]
async fn nothing_is_taken_in_while_the_daemon_is_not_ready() {
    let served = served().await;
    served.readiness.not_ready("the disk of the store is nearly full");
    let answer = served.post(JSON, INTENT).await;
    assert_eq!(answer.status, 503);
    assert!(answer.has_header("retry-after: 30"), "{}", answer.head);
    assert!(answer.detail().contains("nearly full"), "{}", answer.body);
    assert!(served.kept_ids().is_empty());
    served.readiness.ready();
    assert_eq!(served.post(JSON, INTENT).await.status, 201);
}

#[tokio::test]
async fn an_open_request_is_answered_before_the_listener_ends() {
    let served = served().await;
    let gate = served.store.gate.acquire_many(1_000).await.unwrap();
    let open = begun(&served).await;
    served.shutdown.cancel();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(served.address).await.is_ok() {
        assert!(std::time::Instant::now() < deadline, "connections are still taken");
        tokio::task::yield_now().await;
    }
    assert!(!served.serving.is_finished());
    drop(gate);
    assert_eq!(answer(open).await.status, 201);
    served.serving.await.unwrap();
}

/// A request with an intent that the daemon has begun to answer: it has asked for the body.
async fn begun(served: &Served) -> TcpStream {
    let length = format!("content-length: {}", INTENT.len());
    let mut stream = served.open(REQUEST, &[JSON, &length, "expect: 100-continue"]).await;
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(INTENT.as_bytes()).await.unwrap();
    stream
}
