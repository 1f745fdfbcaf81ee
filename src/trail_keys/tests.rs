//! Keys as CloudTrail answers them and as a file holds them, and signatures that `openssl` made.

use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::canned_http::{Canned, CannedHttp, sdk_config};
use super::*;

const TEXT: &[u8] = b"2026-11-23T10:00:00Z\ntrail-logs/key\n9bb6\nnull";
const AT_MILLIS: i64 = 1_795_428_000_000;

/// What `openssl` gives, run in a folder.
fn openssl(folder: &Path, arguments: &[&str]) {
    let status = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .stderr(Stdio::null())
        .status()
        .expect("openssl is there");
    assert!(status.success(), "openssl {arguments:?}");
}

/// A key pair of openssl's in a folder: its public half as DER of PKCS#1 and of X.509, and its
/// signature of [`TEXT`].
struct Made {
    folder: tempfile::TempDir,
    pkcs1: Vec<u8>,
    x509: Vec<u8>,
    signature: Vec<u8>,
}

fn made() -> Made {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("text"), TEXT).unwrap();
    openssl(at, &["genrsa", "-out", "private.pem", "2048"]);
    let public = ["rsa", "-in", "private.pem", "-outform", "DER"];
    openssl(at, &[&public[..], &["-RSAPublicKey_out", "-out", "pkcs1.der"]].concat());
    openssl(at, &[&public[..], &["-pubout", "-out", "x509.der"]].concat());
    openssl(at, &["dgst", "-sha256", "-sign", "private.pem", "-out", "signature", "text"]);
    let read = |name: &str| std::fs::read(at.join(name)).unwrap();
    let (pkcs1, x509, signature) = (read("pkcs1.der"), read("x509.der"), read("signature"));
    Made { folder, pkcs1, x509, signature }
}

fn answer(fingerprint: &str, der: &[u8]) -> serde_json::Value {
    json!({ "PublicKeyList": [{
        "Value": STANDARD.encode(der),
        "ValidityStartTime": 1_795_000_000.0,
        "ValidityEndTime": 1_797_000_000.0,
        "Fingerprint": fingerprint,
    }]})
}

#[test]
fn a_signature_of_openssl_fits_its_key_and_text_and_no_others() {
    let (made, other) = (made(), made());
    for der in [&made.pkcs1, &made.x509] {
        let key = PublicKey::of_der(der);
        assert!(key.fits(TEXT, &made.signature));
        assert!(!key.fits(b"another text", &made.signature));
        assert!(!key.fits(TEXT, &other.signature));
        assert!(!key.fits(TEXT, &made.signature[..255]));
        assert!(!key.fits(TEXT, b""));
    }
    assert!(!PublicKey::of_der(b"no key").fits(TEXT, &made.signature));
}

#[tokio::test]
async fn a_file_holds_what_the_aws_cli_prints() {
    let made = made();
    let path = made.folder.path().join("keys.json");
    for list in ["PublicKeyList", "publicKeyList"] {
        let text = answer("31e8", &made.pkcs1).to_string().replace("PublicKeyList", list);
        std::fs::write(&path, text).unwrap();
        let keys = TrailKeys::of_file(&path).unwrap();
        let key = keys.key("eu-west-1", "31e8", AT_MILLIS).await.unwrap().expect("the key");
        assert!(key.fits(TEXT, &made.signature));
        assert_eq!(keys.key("eu-west-1", "8933", AT_MILLIS).await, Ok(None));
    }
}

#[test]
fn a_file_with_something_else_is_refused_with_the_command_that_writes_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    for text in ["", "[]", "{\"PublicKeyList\": []}", "{\"PublicKeyList\": [{\"Value\": \"%\"}]}"] {
        std::fs::write(&path, text).unwrap();
        let error = TrailKeys::of_file(&path).unwrap_err();
        let line = error.to_string();
        assert!(line.contains("keys.json holds no public keys ("), "{line}");
        assert!(line.contains("aws cloudtrail list-public-keys"), "{line}");
        assert!(!error.is_transient());
    }
    assert!(TrailKeys::of_file(&folder.path().join("not-there")).is_err());
}

#[tokio::test]
async fn cloudtrail_is_asked_once_in_the_region_of_the_digest() {
    let made = made();
    let told = || Canned::answer(200, answer("31e8", &made.x509).to_string());
    let server = CannedHttp::start([told(), told()]).await;
    let keys = TrailKeys::with_attempts(&sdk_config(&server.origin), 1);
    for _ in 0..3 {
        let key = keys.key("eu-west-1", "31e8", AT_MILLIS).await.unwrap().expect("the key");
        assert!(key.fits(TEXT, &made.signature));
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "two spans of time, once");
    assert!(requests[0].contains("/eu-west-1/cloudtrail/aws4_request"), "{}", requests[0]);
    assert!(requests[0].contains("ListPublicKeys"), "{}", requests[0]);
    assert!(requests[0].contains("\"StartTime\":1795424400"), "{}", requests[0]);
}

#[tokio::test]
async fn a_key_that_nobody_knows_is_not_asked_for_again_at_once() {
    let none = || Canned::answer(200, "{\"PublicKeyList\": []}");
    let server = CannedHttp::start([none(), none()]).await;
    let keys = TrailKeys::with_attempts(&sdk_config(&server.origin), 1);
    for _ in 0..3 {
        assert_eq!(keys.key("eu-west-1", "31e8", AT_MILLIS).await, Ok(None));
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_refusal_says_what_to_allow() {
    let body = json!({"__type": "AccessDeniedException", "Message": "not authorized"}).to_string();
    let refusal = Canned::answer(400, body).header("x-amzn-requestid", "REQ123");
    let server = CannedHttp::start([refusal]).await;
    let keys = TrailKeys::with_attempts(&sdk_config(&server.origin), 1);
    let error = keys.key("eu-west-1", "31e8", AT_MILLIS).await.unwrap_err();
    assert!(!error.is_transient());
    for part in ["allow cloudtrail:ListPublicKeys", "not authorized", "REQ123", "eu-west-1"] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_may_pass_and_is_asked_again_the_next_time() {
    let made = made();
    let whole = || Canned::answer(200, answer("31e8", &made.x509).to_string());
    let server = CannedHttp::start([Canned::Cut { body: b"{".to_vec() }, whole(), whole()]).await;
    let keys = TrailKeys::with_attempts(&sdk_config(&server.origin), 1);
    let error = keys.key("eu-west-1", "31e8", AT_MILLIS).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(keys.key("eu-west-1", "31e8", AT_MILLIS).await.unwrap().is_some());
}
