//! A trail's files as CloudTrail writes them, one hour after the other: log files, and digests that
//! `openssl` signs. It knows how they are laid out, and nothing of who verifies them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::requirement::scratch;
use crate::world::gzip;

pub const BUCKET: &str = crate::gated::LOGS;
const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

/// An object of the bucket.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What was compressed.
    document: String,
    pub body: Vec<u8>,
    /// The signature in its metadata.
    pub signature: Option<String>,
    pub backfilled_at: Option<String>,
}

/// A trail whose hours are those of one day.
pub struct Trail {
    folder: PathBuf,
    pub objects: BTreeMap<String, Stored>,
    /// Key, hash and signature of the last digest of each kind, of backfilled ones under `true`.
    previous: BTreeMap<bool, [String; 3]>,
    fingerprint: String,
}

impl Trail {
    pub fn new(name: &str) -> Self {
        let folder = scratch(name);
        openssl(&folder, &["genrsa", "-out", "private.pem", "2048"]);
        let public = ["rsa", "-in", "private.pem", "-outform", "DER"];
        openssl(&folder, &[&public[..], &["-RSAPublicKey_out", "-out", "public.der"]].concat());
        let fingerprint = "8eba5db5bea9b640d1c96a77256fe7f2".to_owned();
        Self { folder, objects: BTreeMap::new(), previous: BTreeMap::new(), fingerprint }
    }

    /// A whole morning: five digests, each over two log files.
    pub fn of_a_morning(name: &str) -> Self {
        let mut trail = Self::new(name);
        for end in 1..=5 {
            trail.hour(end);
        }
        trail
    }

    /// What `aws cloudtrail list-public-keys` prints.
    pub fn public_keys(&self) -> Value {
        let value = STANDARD.encode(std::fs::read(self.folder.join("public.der")).unwrap());
        json!({ "PublicKeyList": [{
            "Value": value, "Fingerprint": self.fingerprint,
            "ValidityStartTime": 1_795_000_000.0, "ValidityEndTime": 1_797_000_000.0,
        }]})
    }

    /// A file with the public keys.
    pub fn keys_file(&self) -> PathBuf {
        let path = self.folder.join("keys.json");
        std::fs::write(&path, self.public_keys().to_string()).unwrap();
        path
    }

    /// Two log files and the digest of the hour that ends then.
    pub fn hour(&mut self, end: u32) {
        let logs = [log_key(end, 10), log_key(end, 35)];
        for key in &logs {
            self.log(key, &format!("{{\"Records\":[{{\"of\":\"{key}\"}}]}}"));
        }
        self.digest(end, &logs, false);
    }

    /// A log file that no digest names yet.
    pub fn log(&mut self, key: &str, document: &str) {
        let (document, body) = (document.to_owned(), gzip(document.as_bytes()));
        self.put(key, Stored { document, body, signature: None, backfilled_at: None });
    }

    /// The digest of the hour that ends then, which follows the last one of its kind.
    pub fn digest(&mut self, end: u32, logs: &[String], is_backfill: bool) {
        let key = digest_key(end, is_backfill);
        let previous = self.previous.get(&is_backfill);
        let of = |at: usize| previous.map(|previous| previous[at].clone());
        let (start, end_text) = (time(end - 1), time(end));
        let log_files = logs.iter().map(|key| {
            let hash = sha256(self.objects[key].document.as_bytes());
            json!({
                "s3Bucket": BUCKET, "s3Object": key, "hashValue": hash, "hashAlgorithm": "SHA-256",
                "newestEventTime": start, "oldestEventTime": start,
            })
        });
        let document = json!({
            "awsAccountId": ACCOUNT,
            "digestStartTime": start,
            "digestEndTime": end_text,
            "digestS3Bucket": BUCKET,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": self.fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": start,
            "oldestEventTime": start,
            "previousDigestS3Bucket": previous.map(|_| BUCKET),
            "previousDigestS3Object": of(0),
            "previousDigestHashValue": of(1),
            "previousDigestHashAlgorithm": previous.map(|_| "SHA-256"),
            "previousDigestSignature": of(2),
            "logFiles": log_files.collect::<Vec<_>>(),
        });
        self.put_digest(&key, &document, is_backfill);
    }

    /// Stores a document as a digest that is signed by this trail's key.
    pub fn put_digest(&mut self, key: &str, document: &Value, is_backfill: bool) {
        let text = document.to_string();
        let member = |name: &str| document[name].as_str().unwrap_or("null").to_owned();
        let signed = format!(
            "{}\n{}/{}\n{}\n{}",
            member("digestEndTime"),
            member("digestS3Bucket"),
            member("digestS3Object"),
            sha256(text.as_bytes()),
            member("previousDigestSignature"),
        );
        let signature = self.signature(&signed);
        let last = [key.to_owned(), sha256(text.as_bytes()), signature.clone()];
        self.previous.insert(is_backfill, last);
        let backfilled_at = is_backfill.then(|| time(23));
        let body = gzip(text.as_bytes());
        let signature = Some(signature);
        self.put(key, Stored { document: text, body, signature, backfilled_at });
    }

    /// The document of a digest.
    pub fn document(&self, key: &str) -> Value {
        serde_json::from_str(&self.objects[key].document).unwrap()
    }

    /// From now on digests begin anew, as after validation was off.
    pub fn begin_anew(&mut self) {
        self.previous.clear();
    }

    /// Writes all objects into a folder, under their keys, each signature in a file beside.
    pub fn write_to(&self, folder: &Path) {
        for (key, stored) in &self.objects {
            let path = folder.join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &stored.body).unwrap();
            if let Some(signature) = &stored.signature {
                std::fs::write(folder.join(format!("{key}.signature")), signature).unwrap();
            }
        }
    }

    /// The object under a key that is there.
    pub fn stored(&mut self, key: &str) -> &mut Stored {
        self.objects.get_mut(key).unwrap()
    }

    fn put(&mut self, key: &str, stored: Stored) {
        self.objects.insert(key.to_owned(), stored);
    }

    fn signature(&self, text: &str) -> String {
        std::fs::write(self.folder.join("text"), text).unwrap();
        let sign = ["dgst", "-sha256", "-sign", "private.pem", "-out", "signature", "text"];
        openssl(&self.folder, &sign);
        hexadecimal(&std::fs::read(self.folder.join("signature")).unwrap())
    }
}

/// A log file that was delivered in the hour that ends then, at this minute of it.
pub fn log_key(end: u32, minute: u32) -> String {
    let hour = end - 1;
    let name = format!("{ACCOUNT}_CloudTrail_{REGION}_20261123T{hour:02}{minute:02}Z");
    format!("AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/11/23/{name}_0123456789abcdef.json.gz")
}

/// The digest of the hour that ends then.
pub fn digest_key(end: u32, is_backfill: bool) -> String {
    let kind = if is_backfill { "_backfill" } else { "" };
    let name =
        format!("{ACCOUNT}_CloudTrail-Digest_{REGION}_objects_{REGION}_20261123T{end:02}0000Z");
    format!("AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/2026/11/23/{name}{kind}.json.gz")
}

fn time(hour: u32) -> String {
    format!("2026-11-23T{hour:02}:00:00Z")
}

fn sha256(bytes: &[u8]) -> String {
    hexadecimal(digest(&SHA256, bytes).as_ref())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(folder).stderr(Stdio::null());
    assert!(command.status().expect("openssl is there").success(), "openssl {arguments:?}");
}
