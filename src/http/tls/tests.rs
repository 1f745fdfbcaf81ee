//! Certificates that this test makes, good and bad, and what becomes of them.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_util::sync::CancellationToken;

use super::super::refused::Refused;
use super::super::serve;
use super::{PemFiles, Tls};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn files(&self) -> PemFiles {
        PemFiles { certificate: self.path("tls.crt"), key: self.path("tls.key") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, certificate: &str, key: &str) {
        std::fs::write(self.path("tls.crt"), certificate).unwrap();
        std::fs::write(self.path("tls.key"), key).unwrap();
    }

    /// What is wrong with the files, without the folder's name.
    async fn refusal(&self) -> String {
        let error = Tls::following(self.files()).await.unwrap_err();
        assert!(!error.is_transient());
        error.to_string().replace(&self.0.path().display().to_string(), "[folder]")
    }
}

fn issued() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// Shakes hands as one who trusts this certificate only.
async fn connect(
    address: SocketAddr,
    trusted: &CertifiedKey<KeyPair>,
    protocols: &[&[u8]],
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.cert.der().clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn is_answered(stream: &mut TlsStream<TcpStream>) -> bool {
    if stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.is_err() {
        return false;
    }
    // All of it, so that the next one begins where this one ends: it has no body.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    head.starts_with(b"HTTP/1.1 404")
}

async fn serving(tls: Tls) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (refused, closing) = (Refused::apart(), CancellationToken::new());
    tokio::spawn(serve(listener, Router::new(), Some(tls), refused, closing));
    address
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_http_1_1_within() {
    let (folder, own) = (Folder::new(), issued());
    folder.write(&own.cert.pem(), &own.signing_key.serialize_pem());
    let address = serving(Tls::following(folder.files()).await.unwrap()).await;
    for version in [&TLS12, &TLS13] {
        let offered: [&[u8]; 2] = [b"h2", b"http/1.1"];
        let mut stream = connect(address, &own, &offered, &[version]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert!(is_answered(&mut stream).await, "{version:?}");
    }
    let mut without = connect(address, &own, &[], &[&TLS13]).await.unwrap();
    assert!(is_answered(&mut without).await);
    assert!(connect(address, &own, &[b"h2"], &[&TLS13]).await.is_err());
    assert!(connect(address, &issued(), &[], &[&TLS13]).await.is_err(), "it was trusted");
}

#[tokio::test]
async fn renewed_certificates_are_served_without_a_restart_and_old_connections_go_on() {
    let (folder, old, new) = (Folder::new(), issued(), issued());
    folder.write(&old.cert.pem(), &old.signing_key.serialize_pem());
    let every = Duration::from_millis(10);
    let tls = Tls::following_every(every, folder.files()).await.unwrap();
    let address = serving(tls).await;
    let mut open = connect(address, &old, &[], &[&TLS13]).await.unwrap();
    assert!(is_answered(&mut open).await);
    // Only one of the two files is there yet, and then nonsense: what was good goes on.
    for certificate in [new.cert.pem(), "nonsense".to_owned()] {
        std::fs::write(folder.path("tls.crt"), certificate).unwrap();
        tokio::time::sleep(every * 5).await;
        assert!(connect(address, &old, &[], &[&TLS13]).await.is_ok());
    }
    folder.write(&new.cert.pem(), &new.signing_key.serialize_pem());
    let deadline = Instant::now() + Duration::from_secs(20);
    while connect(address, &new, &[], &[&TLS13]).await.is_err() {
        assert!(Instant::now() < deadline, "the new certificate is not served");
        tokio::time::sleep(every).await;
    }
    assert!(connect(address, &old, &[], &[&TLS13]).await.is_err());
    assert!(is_answered(&mut open).await, "the connection from before has ended");
}

#[tokio::test]
async fn files_that_are_no_good_are_told_with_what_to_write() {
    let (folder, own) = (Folder::new(), issued());
    let (certificate, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let mut told = vec![folder.refusal().await];
    std::fs::write(folder.path("tls.crt"), &certificate).unwrap();
    told.push(folder.refusal().await);
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let old_encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n\
                         -----END RSA PRIVATE KEY-----\n";
    let cut = &certificate[..certificate.len() / 2];
    let no_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (certificate, key) in [
        ("", key.as_str()),
        (&key, &key),
        (cut, &key),
        (no_x509, &key),
        (&certificate, ""),
        (&certificate, &certificate),
        (&certificate, &encrypted),
        (&certificate, old_encrypted),
        (&certificate, no_key),
        (&certificate, &key[..key.len() / 2]),
        (&certificate, &issued().signing_key.serialize_pem()),
    ] {
        folder.write(certificate, key);
        told.push(folder.refusal().await);
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    the certificate file [folder]/tls.crt (tls-cert) cannot be read: No such file or directory (os error 2); write it there as PEM, and let this user read it
    the key file [folder]/tls.key (tls-key) cannot be read: No such file or directory (os error 2); write it there as PEM, and let this user read it
    the certificate file [folder]/tls.crt (tls-cert) holds no certificate: write the one of this host as PEM, from BEGIN CERTIFICATE to END CERTIFICATE, and after it those of the authorities between
    the certificate file [folder]/tls.crt (tls-cert) holds no certificate: write the one of this host as PEM, from BEGIN CERTIFICATE to END CERTIFICATE, and after it those of the authorities between
    the certificate file [folder]/tls.crt (tls-cert) is damaged: a block in it is not base64 from BEGIN to END, or no X.509 certificate; write it again
    the certificate file [folder]/tls.crt (tls-cert) is damaged: a block in it is not base64 from BEGIN to END, or no X.509 certificate; write it again
    the key file [folder]/tls.key (tls-key) holds no private key: write it as PEM, from BEGIN PRIVATE KEY to END PRIVATE KEY
    the key file [folder]/tls.key (tls-key) holds no private key: write it as PEM, from BEGIN PRIVATE KEY to END PRIVATE KEY
    the key file [folder]/tls.key (tls-key) holds an encrypted key, and nobody is there to type its password: write it decrypted, as openssl pkey -in ENCRYPTED -out KEY does, readable by this user only
    the key file [folder]/tls.key (tls-key) holds an encrypted key, and nobody is there to type its password: write it decrypted, as openssl pkey -in ENCRYPTED -out KEY does, readable by this user only
    the key file [folder]/tls.key (tls-key) is damaged, or its key is of a kind that is not served with: write an RSA key of at least 2048 bits, an ECDSA key (P-256, P-384, P-521) or an Ed25519 key
    the key file [folder]/tls.key (tls-key) is damaged, or its key is of a kind that is not served with: write an RSA key of at least 2048 bits, an ECDSA key (P-256, P-384, P-521) or an Ed25519 key
    the key in [folder]/tls.key (tls-key) is not the key of the first certificate in [folder]/tls.crt (tls-cert): name the two that were made together
    "#);
    let secret = key.lines().nth(1).unwrap();
    assert!(!told.join("\n").contains(&secret[..16]));
}

#[tokio::test]
async fn one_file_may_hold_both_and_other_things_too() {
    let (folder, own) = (Folder::new(), issued());
    let both = format!("Issued for a test\n{}{}", own.signing_key.serialize_pem(), own.cert.pem());
    std::fs::write(folder.path("both.pem"), both).unwrap();
    let both = folder.path("both.pem");
    Tls::following(PemFiles { certificate: both.clone(), key: both }).await.unwrap();
}
