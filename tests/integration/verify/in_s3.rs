//! `deltrail verify s3://bucket/prefix` against the sandbox: signatures out of the objects'
//! metadata, public keys out of a service, and no object of another bucket.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::faults::Fault;
use deltrail::sandbox::s3::{ServicePut, Versioning};
use serde_json::json;

use super::trail::{BUCKET, Stored, Trail, digest_key, log_key};
use super::{Said, run, told};
use crate::gated::{Gate, KEY};
use crate::sandbox::{REGION, sandbox_of};

/// A bucket with a trail's files, and a gate before it.
struct Place {
    sandbox: Sandbox,
    gate: Gate,
}

impl Place {
    async fn with(trail: &Trail) -> Self {
        let sandbox = sandbox_of("gated", KEY).await;
        sandbox.buckets().create(BUCKET, Versioning::Off);
        let gate = Gate::to(sandbox.endpoint()).await;
        let place = Self { sandbox, gate };
        for (key, stored) in &trail.objects {
            place.put(key, stored);
        }
        place
    }

    fn put(&self, key: &str, stored: &Stored) {
        put(&self.sandbox, key, stored);
    }

    /// `deltrail verify` of a prefix, where public keys are told by what listens there.
    async fn verify(&self, prefix: &str, keys_endpoint: &str, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deltrail"));
        command
            .args(["verify", "--output=json", "--log-format=text", "--s3-path-style"])
            .arg(format!("s3://{BUCKET}/{prefix}"))
            .args(arguments)
            .env_clear()
            .envs([("AWS_REGION", REGION), ("AWS_EC2_METADATA_DISABLED", "true")])
            .envs([("AWS_ACCESS_KEY_ID", KEY[0]), ("AWS_SECRET_ACCESS_KEY", KEY[1])])
            .env("AWS_ENDPOINT_URL", &self.gate.endpoint)
            .env("AWS_ENDPOINT_URL_CLOUDTRAIL", keys_endpoint);
        tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap()
    }
}

/// Puts an object as CloudTrail does.
pub fn put(sandbox: &Sandbox, key: &str, Stored { body, signature, backfilled_at, .. }: &Stored) {
    let metadata = [
        ("signature", signature.clone()),
        ("signature-algorithm", signature.as_ref().map(|_| "SHA256withRSA".to_owned())),
        ("backfill-generation-timestamp", backfilled_at.clone()),
    ];
    let metadata = metadata.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let put = ServicePut {
        bucket: BUCKET.into(),
        key: key.into(),
        body: body.clone().into(),
        content_type: "application/json".into(),
        content_encoding: Some("gzip".into()),
        metadata: metadata.collect(),
    };
    sandbox.buckets().put_by_service("cloudtrail.amazonaws.com", put).unwrap();
}

/// A CloudTrail that tells these keys to whoever asks in the region of the digests.
pub fn key_service(trail: &Trail) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let body = trail.public_keys().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 16_384];
            let count = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..count]).into_owned();
            let is_right = request.contains("/eu-west-1/cloudtrail/") || request.is_empty();
            let status = if is_right { "200 OK" } else { "400 Bad Request" };
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}");
            let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
        }
    });
    endpoint
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_verified_with_keys_that_cloudtrail_tells() {
    let trail = Trail::of_a_morning("verify-s3-keys");
    let place = Place::with(&trail).await;
    for fault in [Fault::S3InternalError, Fault::S3BodyReset] {
        place.sandbox.faults().set(fault, 100);
    }
    let said = place.verify("AWSLogs/", &key_service(&trail), &[]).await;
    assert_eq!((said.code, said.faults()), (0, [].into()), "{}{}", said.stdout, said.stderr);
    assert_eq!(said.summary()["digests"], json!({"verified": 5}));
    assert_eq!(said.summary()["log_files"], json!({"verified": 10}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_tampered_with_in_a_bucket_is_told() {
    let mut trail = Trail::of_a_morning("verify-s3-tampered-keys");
    let keys = trail.keys_file();
    trail.stored(&log_key(1, 10)).body.push(b'x');
    trail.objects.remove(&log_key(1, 35));
    // A digest of the next hour is laid over another, and a copy of one elsewhere.
    let copy = trail.objects[&digest_key(3, false)].clone();
    let elsewhere = digest_key(3, false).replace("AWSLogs/", "own/AWSLogs/");
    trail.objects.insert(elsewhere.clone(), copy);
    let place = Place::with(&trail).await;
    place.sandbox.faults().deny("s3:GetObject", &format!("{BUCKET}/{}", log_key(2, 10)));
    let keys = ["--public-keys", keys.to_str().unwrap()];
    let said = place.verify("", "http://127.0.0.1:1", &keys).await;
    let expected = told([
        ("appended", log_key(1, 10)),
        ("missing", log_key(1, 35)),
        ("access_denied", log_key(2, 10)),
        ("moved", elsewhere),
    ]);
    assert_eq!((said.code, said.faults()), (1, expected), "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_object_of_a_bucket_that_was_not_named_is_read() {
    let mut trail = Trail::new("verify-s3-elsewhere-keys");
    let key = log_key(1, 10);
    trail.log(&key, "{\"Records\":[]}");
    trail.digest(1, std::slice::from_ref(&key), false);
    let mut document = trail.document(&digest_key(1, false));
    document["logFiles"][0]["s3Bucket"] = json!("another-bucket");
    trail.put_digest(&digest_key(1, false), &document, false);
    let place = Place::with(&trail).await;
    let keys = trail.keys_file();
    let keys = ["--public-keys", keys.to_str().unwrap()];
    let said = place.verify("", "http://127.0.0.1:1", &keys).await;
    let verdict = |it: &str| format!("{it} {}", key.rsplit('/').next().unwrap());
    assert!(said.faults().contains(&verdict("elsewhere")), "{}", said.stdout);
    assert_eq!(place.gate.requests("another-bucket").len(), 0);
    // Only the digests' part of the bucket is listed, and it may read what they name.
    place.gate.forget();
    let folder = "AWSLogs/111122223333/CloudTrail-Digest/";
    assert_eq!(place.verify(folder, "http://127.0.0.1:1", &keys).await.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_list_or_to_keys_nothing_is_called_intact() {
    let trail = Trail::of_a_morning("verify-s3-denied-keys");
    let place = Place::with(&trail).await;
    let other = Trail::new("verify-s3-other-keys");
    let said = place.verify("", "http://127.0.0.1:1", &[]).await;
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("--public-keys"), "{}", said.stderr);
    place.sandbox.faults().deny("s3:ListBucket", BUCKET);
    let said = place.verify("", &key_service(&other), &[]).await;
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("allow s3:ListBucket"), "{}", said.stderr);
}
