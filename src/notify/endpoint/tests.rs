//! Receivers that do not answer as they should, spoken to byte by byte.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::super::{HttpUrl, NotifyError, tls};
use super::{Endpoint, WORDS_BYTES_MAX, wanted};

/// A receiver that says these bytes to each who asks, and then keeps quiet, or leaves.
async fn receiver(says: Vec<u8>, leaves: bool) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let says = says.clone();
            tokio::spawn(async move {
                let mut asked = vec![0; 4096];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(&says).await;
                if !leaves {
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                }
            });
        }
    });
    let url = HttpUrl::parse(&format!("http://{address}/hooks/hunter2")).unwrap();
    Endpoint::new("webhook", url, &tls::connector().unwrap())
}

async fn answer(says: impl AsRef<[u8]>, leaves: bool) -> Result<String, NotifyError> {
    let endpoint = receiver(says.as_ref().to_vec(), leaves).await;
    endpoint.post(hyper::HeaderMap::new(), b"{}".to_vec()).await
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for_and_asked_again() {
    let mut endpoint = receiver(Vec::new(), false).await;
    endpoint.patience = Duration::from_millis(50);
    let error = endpoint.post(hyper::HeaderMap::new(), Vec::new()).await.unwrap_err();
    assert!(matches!(error, NotifyError::TimedOut { .. }) && error.is_transient(), "{error}");
}

#[tokio::test]
async fn nobody_there_is_told_and_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = HttpUrl::parse(&format!("http://{address}/hooks/hunter2")).unwrap();
    let endpoint = Endpoint::new("webhook", url, &tls::connector().unwrap());
    let error = endpoint.post(hyper::HeaderMap::new(), Vec::new()).await.unwrap_err();
    assert!(error.is_transient());
    let told = error.to_string();
    assert!(told.starts_with(&format!("webhook http://{address}/*** cannot be")), "{told}");
}

#[tokio::test]
async fn what_is_no_http_is_told() {
    for says in [&b"SSH-2.0-OpenSSH\r\n"[..], b"", b"HTTP/1.1 2", b"\0\xff\0\xff\0\xff\r\n\r\n"] {
        let error = answer(says, true).await.unwrap_err();
        assert!(matches!(error, NotifyError::Broken { .. }) && error.is_transient(), "{error}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_not_read() {
    let mut says = b"HTTP/1.1 200 OK\r\n".to_vec();
    says.extend(b"x: y\r\n".repeat(100_000));
    let error = answer(says, false).await.unwrap_err();
    assert!(matches!(error, NotifyError::Broken { .. }), "{error}");
}

#[tokio::test]
async fn a_message_was_taken_though_the_words_are_long_or_do_not_end() {
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n{}", "x".repeat(99_999));
    assert_eq!(answer(long, false).await.unwrap().len(), WORDS_BYTES_MAX);
    let cut_off = "HTTP/1.1 202 Accepted\r\ncontent-length: 10\r\n\r\nok";
    assert_eq!(answer(cut_off, true).await.as_deref(), Ok("ok"));
    let without_end = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok";
    assert_eq!(answer(without_end, false).await.as_deref(), Ok("ok"));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = acceptor.accept(stream).await;
    });
    let url = HttpUrl::parse(&format!("https://{address}/hooks/hunter2")).unwrap();
    let endpoint = Endpoint::new("webhook", url, &tls::connector().unwrap());
    let error = endpoint.post(hyper::HeaderMap::new(), Vec::new()).await.unwrap_err();
    assert!(matches!(error, NotifyError::Untrusted { .. }) && !error.is_transient(), "{error}");
}

#[test]
fn a_receiver_says_for_how_long_it_wants_no_more() {
    assert_eq!(wanted("120"), Some(Duration::from_mins(2)));
    assert_eq!(wanted("soon"), None);
    assert_eq!(wanted("Sun, 06 Nov 1994 08:49:37 GMT"), None, "a time that has passed");
    let later = wanted("Thu, 01 Jan 2150 00:00:00 GMT").unwrap();
    assert!(later > Duration::from_hours(24));
}
