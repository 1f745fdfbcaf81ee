//! Peers that are slow, many, or silent, over real sockets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{Terms, serve_within};
use crate::http::places::Capacity;
use crate::http::refused::Refused;
use crate::http::tls::{PemFiles, Tls};
use crate::metrics::HttpRefusal;

const SOON: Duration = Duration::from_millis(100);
const NEVER: Duration = Duration::from_hours(1);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";

const PATIENT: Terms = Terms {
    capacity: Capacity { all: 8, of_one_peer: 8, for_newcomers: 0 },
    handshake_timeout: NEVER,
    head_timeout: NEVER,
    write_timeout: NEVER,
};

async fn served(terms: Terms, tls: Option<Tls>) -> SocketAddr {
    served_counting(terms, tls).await.0
}

async fn served_counting(terms: Terms, tls: Option<Tls>) -> (SocketAddr, Refused) {
    let large = "x".repeat(64 << 20);
    let router = Router::new().route("/", get("hello")).route("/large", get(large));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (refused, closing) = (Refused::apart(), CancellationToken::new());
    tokio::spawn(serve_within(terms, listener, router, tls, refused.clone(), closing));
    (address, refused)
}

/// Waits until so many were refused for each reason.
async fn until_refused(refused: &Refused, expected: [u64; HttpRefusal::ALL.len()]) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while refused.counts() != expected {
        assert!(Instant::now() < deadline, "{:?}, not {expected:?}", refused.counts());
        tokio::time::sleep(SOON / 10).await;
    }
}

async fn connect_from(from: &str, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from.parse().unwrap()).unwrap();
    socket.connect(address).await.unwrap()
}

/// Whether the connection is served; a listener that has no place for it closes it at once.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let mut status = [0; 12];
    let asked = stream.write_all(REQUEST).await;
    let answered = asked.is_ok() && stream.read_exact(&mut status).await.is_ok();
    answered && &status == b"HTTP/1.1 200"
}

/// Waits until the other end has closed it, whatever it may send before.
async fn closed(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn a_head_that_trickles_in_is_not_waited_for() {
    let (address, refused) = served_counting(Terms { head_timeout: SOON, ..PATIENT }, None).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    // Each byte comes well in time, and the head does not.
    while stream.write_all(b"a").await.is_ok() {
        tokio::time::sleep(SOON / 10).await;
    }
    until_refused(&refused, [0, 0, 0, 1, 0]).await;
}

#[tokio::test]
async fn a_connection_that_nothing_is_asked_over_ends() {
    let (address, refused) = served_counting(Terms { head_timeout: SOON, ..PATIENT }, None).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(is_answered(&mut stream).await);
    closed(stream).await;
    closed(TcpStream::connect(address).await.unwrap()).await;
    // Who has asked before and is silent now is not slow.
    until_refused(&refused, [0, 0, 0, 1, 0]).await;
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let capacity = Capacity { all: 1, of_one_peer: 1, for_newcomers: 0 };
    let terms = Terms { capacity, write_timeout: SOON, ..PATIENT };
    let (address, refused) = served_counting(terms, None).await;
    let mut lazy = TcpStream::connect(address).await.unwrap();
    lazy.write_all(b"GET /large HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    // Its place is free again when the connection has been given up, though it is still open here.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_answered(&mut TcpStream::connect(address).await.unwrap()).await {
        assert!(Instant::now() < deadline, "the place is still taken");
    }
    let [too_many, .., too_slow, _] = refused.counts();
    assert!(too_many > 0 && too_slow == 1, "{:?}", refused.counts());
    drop(lazy);
}

#[tokio::test]
async fn who_holds_many_connections_keeps_nobody_else_out() {
    let capacity = Capacity { all: 4, of_one_peer: 3, for_newcomers: 1 };
    let address = served(Terms { capacity, ..PATIENT }, None).await;
    let mut held = Vec::new();
    for from in ["127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.2:0"] {
        let mut stream = connect_from(from, address).await;
        assert!(is_answered(&mut stream).await, "{from}");
        held.push(stream);
    }
    for full in ["127.0.0.1:0", "127.0.0.2:0"] {
        assert!(!is_answered(&mut connect_from(full, address).await).await, "{full}");
    }
    assert!(is_answered(&mut connect_from("127.0.0.3:0", address).await).await);
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_answered(&mut connect_from("127.0.0.1:0", address).await).await {
        assert!(Instant::now() < deadline, "the places of who has left are still taken");
    }
}

#[tokio::test]
async fn a_peer_that_never_agrees_on_keys_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files =
        PemFiles { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
    std::fs::write(&files.certificate, own.cert.pem()).unwrap();
    std::fs::write(&files.key, own.signing_key.serialize_pem()).unwrap();
    let tls = Tls::following(files).await.unwrap();
    let terms = Terms { handshake_timeout: SOON, ..PATIENT };
    let (address, refused) = served_counting(terms, Some(tls)).await;
    closed(TcpStream::connect(address).await.unwrap()).await;
    until_refused(&refused, [0, 0, 0, 1, 0]).await;
    // Nor is anything answered in clear text.
    let mut clear = TcpStream::connect(address).await.unwrap();
    assert!(!is_answered(&mut clear).await);
}
