//! Both listeners with a certificate that this test makes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Place;
use crate::emulator::http_get;

/// The flags that name a certificate, and its key.
fn issued(folder: &Path) -> (CertifiedKey<KeyPair>, [String; 4]) {
    let own = generate_simple_self_signed(["deltrail.internal".to_owned()]).unwrap();
    let [certificate, key] = ["tls.crt", "tls.key"].map(|name| folder.join(name));
    std::fs::write(&certificate, own.cert.pem()).unwrap();
    std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let [certificate, key] = [certificate, key].map(|file| file.display().to_string());
    (own, ["--tls-cert".to_owned(), certificate, "--tls-key".to_owned(), key])
}

/// What is answered to one who trusts this certificate and no other.
async fn ask(
    address: SocketAddr,
    trusted: &CertifiedKey<KeyPair>,
    path: &str,
    more: &str,
) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("deltrail.internal").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close");
    let request = format!("{head}{more}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn both_listeners_are_encrypted_and_nothing_is_answered_in_clear_text() {
    let place = Place::new("tls").await;
    let (own, settings) = issued(&place.folder);
    let settings = settings.each_ref().map(String::as_str);
    let running = place.run(&settings, &[]);
    let [flag, certificate, ..] = settings;
    place.until_healthy(&running, &[flag, certificate]).await;
    let metrics = ask(running.ops, &own, "/metrics", "").await;
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("deltrail_build_info"));
    // A page of the listener itself is an encrypted one now.
    for (origin, status) in [("https://localhost", "405"), ("http://localhost", "403")] {
        let origin = format!("\r\norigin: {origin}");
        let answer = ask(running.app, &own, "/api/v1/intents", &origin).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{origin}: {answer}");
    }
    for address in [running.ops, running.app] {
        let clear = http_get(address, "/-/healthy");
        assert!(
            clear.as_ref().is_ok_and(|(status, _)| *status == 0) || clear.is_err(),
            "{clear:?}"
        );
    }
    let without = place.healthcheck(&running, &[]);
    assert_eq!(without.status.code(), Some(1));
    let key = own.signing_key.serialize_pem();
    let log = running.stop();
    assert!(key.lines().all(|line| !log.contains(line)), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_does_not_start_with_a_certificate_of_another_key() {
    let place = Place::new("tls-pair").await;
    let (_, settings) = issued(&place.folder);
    let other = generate_simple_self_signed(["deltrail.internal".to_owned()]).unwrap();
    std::fs::write(place.folder.join("tls.key"), other.signing_key.serialize_pem()).unwrap();
    let settings = settings.each_ref().map(String::as_str);
    let mut running = place.run(&settings, &[]);
    let status = running.process.wait().unwrap();
    let log = running.output();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("is not the key of the first certificate"), "{log}");
    assert!(!place.folder.join("deltrail.db").exists(), "it has opened the store");
}
