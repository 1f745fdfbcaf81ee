//! CloudTrail's hourly digests: a chain of signed documents that vouch for the log files of an
//! hour. It knows neither where the files are kept nor what is in them.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKey, KeySize};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256};
use deltrail_core::domain::Timestamp;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::log_file::{Packed, TrailPlace, packed};
use super::text::{civil, hexadecimal, second};

/// The value of `digestSignatureAlgorithm` and of the object's metadata `signature-algorithm`:
/// RSA PKCS#1 v1.5 with SHA-256.
pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";

/// What keeps a digest from being signed.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// No key could be made.
    #[error("no RSA key could be generated for digests; start the sandbox again")]
    KeyGeneration,
    /// The signature failed.
    #[error("a digest could not be signed; start the sandbox again")]
    Signing,
}

impl DigestError {
    /// Whether the same may succeed when it is tried again: the cryptographic library gives no
    /// reason, and it never does on a sound machine.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }
}

/// The key that signs the digests of a region.
#[derive(Debug)]
pub struct DigestKey {
    pair: RsaKey,
    fingerprint: String,
}

impl DigestKey {
    /// A new RSA key of 2048 bits. Takes up to a second of computing: not for async threads.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn generate() -> Result<Self, DigestError> {
        let pair = RsaKey::generate(KeySize::Rsa2048).map_err(|_| DigestError::KeyGeneration)?;
        let fingerprint = hexadecimal(&Md5::digest(pair.public_key().as_ref()));
        Ok(Self { pair, fingerprint })
    }

    /// The public key, DER of PKCS#1, as `ListPublicKeys` gives it.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The name by which digests call the key: 32 hexadecimal digits, MD5 of the public key (AWS
    /// does not say of what).
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn signature(&self, text: &str) -> Result<String, DigestError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| DigestError::Signing)?;
        Ok(hexadecimal(&signature))
    }
}

/// A log file that a digest vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestedFile {
    /// Its key.
    pub key: String,
    /// SHA-256 of it before compression, in hexadecimal digits.
    pub sha256: String,
    /// The youngest event in it.
    pub newest_event_at: Timestamp,
    /// The oldest event in it.
    pub oldest_event_at: Timestamp,
}

/// A digest, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub file: Packed,
    /// The signature, for the object's metadata `signature`: hexadecimal digits.
    pub signature: String,
}

/// The digests of one trail, each of which names the one before.
#[derive(Debug)]
pub struct Chain {
    place: TrailPlace,
    key: Arc<DigestKey>,
    previous: Option<Digest>,
}

impl Chain {
    /// A chain whose first digest will name none before it.
    #[must_use]
    pub fn starting(place: TrailPlace, key: Arc<DigestKey>) -> Self {
        Self { place, key, previous: None }
    }

    /// The next digest: over the files that were delivered between the two times, be they none.
    ///
    /// # Errors
    /// When the cryptographic library fails; the chain stays as it was.
    pub fn next(
        &mut self,
        start: Timestamp,
        end: Timestamp,
        files: &[DigestedFile],
    ) -> Result<Digest, DigestError> {
        let key = self.object_key(end);
        let document = self.document(&key, start, end, files).to_string();
        let file = packed(document.as_bytes());
        let previous_signature = self.previous.as_ref().map_or("null", |it| &it.signature);
        let signed = format!(
            "{}\n{}/{key}\n{}\n{previous_signature}",
            second(end),
            self.place.bucket,
            file.sha256,
        );
        let digest = Digest { key, file, signature: self.key.signature(&signed)? };
        self.previous = Some(digest.clone());
        Ok(digest)
    }

    fn object_key(&self, end: Timestamp) -> String {
        let TrailPlace { account, region, trail, .. } = &self.place;
        let (day, time) = (civil(end, "%Y/%m/%d"), civil(end, "%Y%m%dT%H%M%SZ"));
        // The second region is the trail's home.
        let file = format!("{account}_CloudTrail-Digest_{region}_{trail}_{region}_{time}.json.gz");
        self.place.key(&format!("CloudTrail-Digest/{region}/{day}/{file}"))
    }

    fn document(
        &self,
        key: &str,
        start: Timestamp,
        end: Timestamp,
        files: &[DigestedFile],
    ) -> Value {
        let previous = self.previous.as_ref();
        let newest = files.iter().map(|file| file.newest_event_at).max();
        let oldest = files.iter().map(|file| file.oldest_event_at).min();
        let log_files = files.iter().map(|file| {
            json!({
                "s3Bucket": self.place.bucket,
                "s3Object": file.key,
                "hashValue": file.sha256,
                "hashAlgorithm": "SHA-256",
                "newestEventTime": second(file.newest_event_at),
                "oldestEventTime": second(file.oldest_event_at),
            })
        });
        json!({
            "awsAccountId": self.place.account,
            "digestStartTime": second(start),
            "digestEndTime": second(end),
            "digestS3Bucket": self.place.bucket,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": self.key.fingerprint(),
            "digestSignatureAlgorithm": SIGNATURE_ALGORITHM,
            "newestEventTime": newest.map(second),
            "oldestEventTime": oldest.map(second),
            "previousDigestS3Bucket": previous.map(|_| &self.place.bucket),
            "previousDigestS3Object": previous.map(|digest| &digest.key),
            "previousDigestHashValue": previous.map(|digest| &digest.file.sha256),
            "previousDigestHashAlgorithm": previous.map(|_| "SHA-256"),
            "previousDigestSignature": previous.map(|digest| &digest.signature),
            "logFiles": log_files.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::SHA256;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use deltrail_core::decode::LogKey;

    use super::*;
    use crate::sandbox::record::specimen::inflated;

    const ONE: Timestamp = Timestamp::from_millis(1_795_435_200_000 - 11 * 3_600_000);
    const TWO: Timestamp = Timestamp::from_millis(ONE.as_millis() + 3_600_000);

    fn place() -> TrailPlace {
        TrailPlace {
            bucket: "trail-logs".into(),
            prefix: None,
            account: "111122223333".into(),
            region: "eu-west-1".into(),
            trail: "objects".into(),
        }
    }

    fn file() -> DigestedFile {
        DigestedFile {
            key: "AWSLogs/x.json.gz".into(),
            sha256: "9bb6".into(),
            newest_event_at: Timestamp::from_millis(TWO.as_millis() - 60_000),
            oldest_event_at: ONE,
        }
    }

    fn bytes_of(hexadecimal: &str) -> Vec<u8> {
        let digit = |at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap();
        (0..hexadecimal.len()).step_by(2).map(digit).collect()
    }

    fn read(digest: &Digest) -> Value {
        serde_json::from_slice(&inflated(&digest.file.body)).unwrap()
    }

    /// As whoever validates a chain does it: out of the stored object and the public key alone.
    fn is_signed(digest: &Digest, previous_signature: &str, public_key: &[u8]) -> bool {
        let document = inflated(&digest.file.body);
        let told: Value = serde_json::from_slice(&document).unwrap();
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        let hash = hexadecimal(aws_lc_rs::digest::digest(&SHA256, &document).as_ref());
        let (end, bucket, key) =
            (text("digestEndTime"), text("digestS3Bucket"), text("digestS3Object"));
        let signed = format!("{end}\n{bucket}/{key}\n{hash}\n{previous_signature}");
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key)
            .verify(signed.as_bytes(), &bytes_of(&digest.signature))
            .is_ok()
    }

    #[test]
    fn two_digests_are_a_chain_whose_signatures_hold() {
        let key = Arc::new(DigestKey::generate().unwrap());
        let mut chain = Chain::starting(place(), key.clone());
        let first = chain.next(Timestamp::from_millis(0), ONE, &[]).unwrap();
        let second = chain.next(ONE, TWO, &[file()]).unwrap();

        assert!(is_signed(&first, "null", key.public_key()));
        assert!(is_signed(&second, &first.signature, key.public_key()));
        assert!(!is_signed(&second, "null", key.public_key()), "it says what it follows");
        let other = DigestKey::generate().unwrap();
        assert!(!is_signed(&first, "null", other.public_key()));

        let previous = read(&second);
        let first_document = inflated(&first.file.body);
        let first_hash = hexadecimal(aws_lc_rs::digest::digest(&SHA256, &first_document).as_ref());
        assert_eq!(previous["previousDigestHashValue"], first_hash);
        assert_eq!(previous["previousDigestS3Object"], first.key);
        assert_eq!(previous["previousDigestSignature"], first.signature);
        assert_eq!(previous["digestPublicKeyFingerprint"], key.fingerprint());
    }

    #[test]
    fn a_digest_names_its_hour_and_the_files_of_it() {
        let key = Arc::new(DigestKey::generate().unwrap());
        let digest = Chain::starting(place(), key).next(ONE, TWO, &[file()]).unwrap();
        let expected = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/23/\
                        111122223333_CloudTrail-Digest_eu-west-1_objects_eu-west-1_\
                        20261123T020000Z.json.gz";
        assert_eq!(digest.key, expected);
        let LogKey::Digest(path) = LogKey::of(&digest.key) else { panic!("{}", digest.key) };
        assert_eq!(path.ended_at, Some(TWO), "a consumer reads the end of the hour");
        let told = read(&digest);
        assert_eq!(told["digestStartTime"], "2026-11-23T01:00:00Z");
        assert_eq!(told["digestEndTime"], "2026-11-23T02:00:00Z");
        assert_eq!(told["newestEventTime"], "2026-11-23T01:59:00Z");
        assert_eq!(told["previousDigestSignature"], Value::Null);
        assert_eq!(
            told["logFiles"],
            json!([{
                "s3Bucket": "trail-logs",
                "s3Object": "AWSLogs/x.json.gz",
                "hashValue": "9bb6",
                "hashAlgorithm": "SHA-256",
                "newestEventTime": "2026-11-23T01:59:00Z",
                "oldestEventTime": "2026-11-23T01:00:00Z",
            }])
        );
    }

    #[test]
    fn an_hour_without_files_has_its_digest_too() {
        let key = Arc::new(DigestKey::generate().unwrap());
        let digest = Chain::starting(place(), key).next(ONE, TWO, &[]).unwrap();
        let told = read(&digest);
        assert_eq!((&told["newestEventTime"], &told["logFiles"]), (&Value::Null, &json!([])));
    }
}
