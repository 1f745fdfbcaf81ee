//! Digests that were composed by hand: what is signed, how one follows another, and that each kind
//! of tampering is told as such. Signatures are stood in for by a word, since the core knows none.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::*;
use crate::decode::DecodeError;
use crate::domain::Timestamp;

const FOLDER: &str = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/23";
const DOCUMENT: &[u8] = b"{\"Records\":[]}";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn hour(hour: u32) -> Timestamp {
    at(&format!("2026-11-23T{hour:02}:00:00Z"))
}

fn key(hour: u32) -> String {
    let name = "111122223333_CloudTrail-Digest_eu-west-1_my_trail.2_eu-west-1";
    format!("{FOLDER}/{name}_20261123T{hour:02}0000Z.json.gz")
}

/// The document of the hour that ends then, which follows that of the hour before.
fn document(end: u32) -> Value {
    json!({
        "awsAccountId": "111122223333",
        "digestStartTime": format!("2026-11-23T{:02}:00:00Z", end - 1),
        "digestEndTime": format!("2026-11-23T{end:02}:00:00Z"),
        "digestS3Bucket": "trail-logs",
        "digestS3Object": key(end),
        "digestPublicKeyFingerprint": "31e8b5433410dfb61a9dc45cc65b22ff",
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": null,
        "oldestEventTime": null,
        "previousDigestS3Bucket": "trail-logs",
        "previousDigestS3Object": key(end - 1),
        "previousDigestHashValue": sum(end - 1).to_string(),
        "previousDigestHashAlgorithm": "SHA-256",
        "previousDigestSignature": format!("{:02x}", end - 1),
        "logFiles": [{
            "s3Bucket": "trail-logs",
            "s3Object": "AWSLogs/x.json.gz",
            "hashValue": Sha256Sum::of(DOCUMENT).to_string(),
            "hashAlgorithm": "SHA-256",
        }],
        "aMemberOfLater": 1,
    })
}

fn sum(hour: u32) -> Sha256Sum {
    Sha256Sum::of(&[u8::try_from(hour).unwrap()])
}

fn digest(end: u32) -> Digest {
    parse(&document(end)).unwrap()
}

fn parse(document: &Value) -> Result<Digest, DigestError> {
    Digest::parse(document.to_string().as_bytes())
}

fn starting(end: u32) -> Digest {
    let mut document = document(end);
    for member in ["S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"] {
        document[format!("previousDigest{member}")] = Value::Null;
    }
    parse(&document).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn hashed(file: &[u8]) -> Result<Hashed, DecodeError> {
    let mut hash = ContentHash::new(1 << 20);
    for byte in file {
        hash.push(&[*byte])?;
    }
    let by_bytes = hash.finish()?;
    let mut at_once = Contents::new(1 << 20);
    at_once.push(file)?;
    assert_eq!(at_once.finish()?.1, by_bytes, "however it is cut");
    Ok(by_bytes)
}

#[test]
fn a_digest_says_what_was_signed() {
    let digest = digest(3);
    let signed = format!("2026-11-23T03:00:00Z\ntrail-logs/{}\n{}\n02", key(3), sum(9));
    assert_eq!(digest.signed_text(&sum(9)), signed);
    assert!(starting(3).signed_text(&sum(9)).ends_with("\nnull"));
    assert_eq!((digest.started_at, digest.ended_at), (hour(2), hour(3)));
    assert_eq!(digest.log_files[0].sha256, Sha256Sum::of(DOCUMENT));
}

#[test]
fn what_is_no_digest_is_refused_with_the_member_that_is_wrong() {
    let without = |member: &str, value: Value| {
        let mut document = document(3);
        document[member] = value;
        parse(&document).unwrap_err().to_string()
    };
    for (member, value) in [
        ("digestEndTime", json!("yesterday")),
        ("digestS3Object", json!("")),
        ("logFiles", json!(null)),
        ("previousDigestHashValue", json!("9bb6")),
        ("previousDigestSignature", json!(null)),
        ("digestPublicKeyFingerprint", json!(7)),
    ] {
        let told = without(member, value);
        assert!(told.contains(member), "{told}");
    }
    let told = without("digestSignatureAlgorithm", json!("SHA1withRSA"));
    assert!(told.contains("SHA1withRSA") && told.contains("SHA256withRSA"), "{told}");
    assert!(matches!(Digest::parse(b"{"), Err(DigestError::NotJson { .. })));
    assert!(Digest::parse(b"[]").is_err());
}

#[test]
fn the_name_of_a_digest_tells_its_chain_and_hour() {
    let (id, ended_at) = ChainId::of_file(&key(3)).unwrap();
    assert_eq!(ended_at, hour(3));
    assert_eq!((id.account.as_str(), id.region.as_str()), ("111122223333", "eu-west-1"));
    assert_eq!((id.trail.as_str(), id.is_backfill), ("my_trail.2_eu-west-1", false));
    let backfill = key(3).replace(".json.gz", "_backfill.json.gz");
    let (other, ended_at) = ChainId::of_file(&backfill).unwrap();
    assert_eq!((ended_at, other.is_backfill), (hour(3), true));
    assert_ne!(other, id, "they follow one another apart");
    assert_eq!(ChainId::of_file("AWSLogs/111122223333_CloudTrail_eu-west-1_x.json.gz"), None);
}

#[test]
fn the_hash_is_that_of_the_document_and_what_follows_is_told() {
    let file = gzip(DOCUMENT);
    let whole = hashed(&file).unwrap();
    assert_eq!(whole.sha256, Sha256Sum::of(DOCUMENT));
    assert_eq!((whole.stored_bytes, whole.appended_bytes), (file.len() as u64, 0));
    assert_eq!(hashed(DOCUMENT).unwrap().sha256, whole.sha256, "inflated by somebody before");
    for appended in [b"x".to_vec(), b"\x1f\x8b".to_vec(), gzip(b""), gzip(b"{\"Records\":[1]}")] {
        let hashed = hashed(&[file.clone(), appended.clone()].concat());
        match hashed {
            Ok(hashed) => {
                assert_eq!(hashed.sha256, whole.sha256);
                assert_eq!(hashed.appended_bytes, appended.len() as u64);
            }
            // It looks like another member that was cut off.
            Err(error) => assert_eq!(appended, b"\x1f\x8b", "{error}"),
        }
    }
    assert_ne!(hashed(&gzip(b"{}")).unwrap().sha256, whole.sha256);
    assert!(hashed(&file[..file.len() - 1]).is_err());
}

#[test]
fn a_digest_holds_only_with_its_signature_its_key_and_nothing_behind_it() {
    let (digest, hashed) = (digest(3), hashed(&gzip(DOCUMENT)).unwrap());
    let text = digest.signed_text(&hashed.sha256);
    let verify = |signature: Option<&str>, hashed: &Hashed| {
        digest.verify(hashed, signature, |signed, bytes| Some(signed == text && bytes == [0x2a]))
    };
    assert_eq!(verify(Some("2a"), &hashed), Ok(()));
    assert_eq!(verify(Some("2A\n"), &hashed), Ok(()), "as a file holds it");
    assert_eq!(verify(Some("2b"), &hashed), Err(DigestFault::Signature));
    assert_eq!(verify(Some("no digits"), &hashed), Err(DigestFault::Signature));
    assert_eq!(verify(None, &hashed), Err(DigestFault::Unsigned));
    let longer = Hashed { appended_bytes: 7, ..hashed };
    assert_eq!(verify(Some("2a"), &longer), Err(DigestFault::Appended { bytes: 7 }));
    let changed = Hashed { sha256: sum(1), ..hashed };
    assert_eq!(verify(Some("2a"), &changed), Err(DigestFault::Signature));
    let unknown = digest.verify(&hashed, Some("2a"), |_, _| None);
    assert!(matches!(unknown, Err(DigestFault::KeyUnknown { .. })));
    assert_eq!(digest.signature_of(&format!("/copy/{}", key(2))), Some("02"), "wherever it lies");
    assert_eq!(digest.signature_of(&key(1)), None);
}

/// Adds the digests that end then, and tells what lies between.
fn linked(chain: &mut Chain, digests: &[Digest]) -> Vec<Linked> {
    let here: Vec<String> = digests.iter().map(|digest| digest.key.clone()).collect();
    let (id, _) = ChainId::of_file(&key(1)).unwrap();
    let add = |digest: &Digest| {
        let end = u32::try_from(digest.ended_at.millis_since(hour(0)) / 3_600_000).unwrap();
        let is_here = |file: &str| here.iter().any(|key| key.ends_with(file));
        chain.add(&id, digest, sum(end), is_here)
    };
    digests.iter().map(add).collect()
}

fn gap(from: Option<u32>, to: u32, missing: Option<u32>) -> Linked {
    let gap = Gap { from: from.map(hour), to: hour(to), missing: missing.map(key) };
    Linked { gap: Some(gap), differs: false }
}

#[test]
fn digests_that_follow_one_another_leave_no_gap() {
    let told = linked(&mut Chain::new(false), &[starting(1), digest(2), digest(2), digest(3)]);
    assert_eq!(told, vec![Linked::default(); 4]);
}

#[test]
fn a_missing_digest_a_new_beginning_and_a_first_one_without_its_past_are_gaps() {
    let missing = linked(&mut Chain::new(false), &[starting(1), digest(3)]);
    assert_eq!(missing[1], gap(Some(1), 2, Some(2)));
    let anew = linked(&mut Chain::new(false), &[starting(1), starting(5)]);
    assert_eq!(anew[1], gap(Some(1), 4, None));
    assert_eq!(linked(&mut Chain::new(false), &[starting(1), starting(2)])[1], Linked::default());
    let cut = [digest(4)];
    assert_eq!(linked(&mut Chain::new(false), &cut)[0], gap(None, 3, Some(3)));
    assert_eq!(linked(&mut Chain::new(true), &cut)[0], Linked::default(), "nobody asked");
}

#[test]
fn a_digest_that_vouches_for_another_content_says_so() {
    let mut chain = Chain::new(false);
    let (id, _) = ChainId::of_file(&key(1)).unwrap();
    chain.add(&id, &starting(1), sum(7), |_| true);
    assert!(chain.add(&id, &digest(2), sum(2), |_| true).differs);
    chain.add_unverified(&key(3), hour(3));
    assert_eq!(chain.add(&id, &digest(4), sum(4), |_| true), Linked::default());
}

#[test]
fn digests_that_came_afterwards_fill_a_gap_or_not() {
    let gap = Gap { from: Some(hour(2)), to: hour(5), missing: None };
    assert!(gap.is_told(&[(hour(4), hour(5)), (hour(2), hour(3)), (hour(3), hour(4))]));
    assert!(gap.is_told(&[(hour(1), hour(9))]));
    assert!(!gap.is_told(&[(hour(2), hour(3)), (hour(4), hour(5))]));
    assert!(!gap.is_told(&[]));
    assert!(!Gap { from: None, ..gap }.is_told(&[(hour(0), hour(9))]));
}

#[test]
fn a_file_that_no_digest_names_is_young_foreign_or_of_a_time_without_digests() {
    let mut coverage = Coverage::default();
    for start in [3, 4, 5, 8] {
        coverage.add("1", "eu-west-1", (hour(start), hour(start + 1)));
    }
    let of = |text: &str| coverage.of_unnamed("1", "eu-west-1", at(text));
    let failed = LogState::Failed;
    assert_eq!(of("2026-11-23T02:55:00Z"), failed(LogFault::Uncovered));
    assert_eq!(of("2026-11-23T04:30:00Z"), failed(LogFault::Unnamed));
    assert_eq!(of("2026-11-23T07:00:00Z"), failed(LogFault::Uncovered));
    assert_eq!(of("2026-11-23T08:30:00Z"), failed(LogFault::Unnamed));
    assert_eq!(of("2026-11-23T08:45:00Z"), LogState::NotYetCovered, "it may have come late");
    assert_eq!(of("2026-11-23T10:30:00Z"), LogState::NotYetCovered);
    assert_eq!(of("2026-11-23T12:00:00Z"), failed(LogFault::Uncovered), "digests are overdue");
    assert_eq!(coverage.of_unnamed("1", "us-east-1", hour(4)), failed(LogFault::Uncovered));
}
