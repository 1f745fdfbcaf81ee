//! What the front refuses, over real sockets, and what every answer carries.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use super::super::rate::Rate;
use super::super::refused::Refused;
use super::super::serve;
use super::{Front, HEADERS_BYTES_MAX, PATH_BYTES_MAX, QUERY_BYTES_MAX};

/// A listener with one page, of which a peer may ask for three in a minute.
async fn served(requests: u32) -> SocketAddr {
    served_counting(requests).await.0
}

async fn served_counting(requests: u32) -> (SocketAddr, Refused) {
    let requests = NonZeroU32::new(requests).unwrap();
    let rate = Rate::new(NonZeroU32::MIN, requests);
    let routes = Router::new()
        .route("/page", get(async || ([("cache-control", "max-age=5")], "text")))
        .route("/free", get(async || "text"));
    let fronted = Front { rate, is_free: |path| path == "/free" }.before(routes);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let refused = Refused::apart();
    tokio::spawn(serve(listener, fronted, None, refused.clone(), CancellationToken::new()));
    (address, refused)
}

async fn ask_from(from: &str, address: SocketAddr, request: &str) -> (u16, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from.parse().unwrap()).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let request = format!("{request}\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

async fn ask(address: SocketAddr, request: &str) -> (u16, String) {
    ask_from("127.0.0.1:0", address, request).await
}

#[tokio::test]
async fn every_answer_is_shielded_whatever_it_is() {
    let address = served(100).await;
    let long = format!("GET /{} HTTP/1.1", "x".repeat(PATH_BYTES_MAX));
    for (request, expected) in [
        ("GET /page HTTP/1.1", 200),
        ("GET /nothing HTTP/1.1", 404),
        ("POST /page HTTP/1.1", 405),
        ("OPTIONS /page HTTP/1.1\r\norigin: https://evil.example", 405),
        (&long, 414),
    ] {
        let (status, answer) = ask(address, request).await;
        assert_eq!(status, expected, "{request}");
        for header in [
            "content-security-policy: default-src 'none'; ",
            "frame-ancestors 'none'\r\n",
            "x-content-type-options: nosniff\r\n",
            "x-frame-options: DENY\r\n",
            "referrer-policy: no-referrer\r\n",
            "cross-origin-resource-policy: same-origin\r\n",
        ] {
            assert!(answer.contains(header), "{request}: no {header} in {answer}");
        }
        assert!(!answer.contains("access-control-"), "{answer}");
        let cache = if expected == 200 { "max-age=5" } else { "no-store" };
        assert!(answer.contains(&format!("cache-control: {cache}\r\n")), "{answer}");
    }
}

#[tokio::test]
async fn a_head_may_be_so_large_and_no_larger() {
    let address = served(100).await;
    let path = |bytes: usize| format!("GET /{} HTTP/1.1", "x".repeat(bytes - 1));
    let query = |bytes: usize| format!("GET /page?{} HTTP/1.1", "x".repeat(bytes));
    let header = |bytes| format!("GET /page HTTP/1.1\r\nx-long: {}", "x".repeat(bytes));
    for (request, expected) in [
        (path(PATH_BYTES_MAX), 404),
        (path(PATH_BYTES_MAX + 1), 414),
        (query(QUERY_BYTES_MAX), 200),
        (query(QUERY_BYTES_MAX + 1), 414),
        (header(HEADERS_BYTES_MAX - 64), 200),
        (header(HEADERS_BYTES_MAX), 431),
        // Too large for the connection, which knows no words.
        (header(100 << 10), 431),
        (format!("GET /page HTTP/1.1{}", "\r\na: b".repeat(200)), 431),
    ] {
        let (status, answer) = ask(address, &request).await;
        assert_eq!(status, expected, "{} bytes: {answer}", request.len());
        if status == 414 {
            assert!(answer.contains("application/problem+json"), "{answer}");
        }
    }
}

#[tokio::test]
async fn each_peer_has_its_own_rate_and_free_paths_have_none() {
    let address = served(3).await;
    for _ in 0..3 {
        assert_eq!(ask(address, "GET /page HTTP/1.1").await.0, 200);
    }
    let (status, answer) = ask(address, "GET /page HTTP/1.1").await;
    assert_eq!(status, 429, "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
    assert_eq!(ask(address, "GET /free HTTP/1.1").await.0, 200);
    let forged = "GET /page HTTP/1.1\r\nx-forwarded-for: 192.0.2.7\r\nforwarded: for=192.0.2.7";
    assert_eq!(ask(address, forged).await.0, 429);
    assert_eq!(ask_from("127.0.0.2:0", address, "GET /page HTTP/1.1").await.0, 200);
}

#[tokio::test]
async fn what_the_front_refuses_is_counted_by_why() {
    let (address, refused) = served_counting(3).await;
    let long = format!("GET /{} HTTP/1.1", "x".repeat(PATH_BYTES_MAX));
    // The last of them is refused by the connection itself, whatever the rate.
    let endless = format!("GET /page HTTP/1.1{}", "\r\na: b".repeat(200));
    for request in ["GET /page HTTP/1.1", "GET /nothing HTTP/1.1", &long, &long, &long, &endless] {
        ask(address, request).await;
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    while refused.counts() != [0, 2, 2, 0, 0] {
        assert!(Instant::now() < deadline, "{:?}", refused.counts());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
