//! One digest document: its members, and the text that was signed. It does not verify anything.

use serde_json::Value;

use super::content::Sha256Sum;
use crate::domain::Timestamp;

/// The only algorithms that CloudTrail uses.
const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
const HASH_ALGORITHM: &str = "SHA-256";

/// A digest, as its document says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Where CloudTrail wrote it.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// The beginning of the time in which the log files were delivered.
    pub started_at: Timestamp,
    /// The end of that time.
    pub ended_at: Timestamp,
    /// The name of the key that signed it, in its region.
    pub fingerprint: String,
    /// The digest before it; none in the first after validation was switched on.
    pub previous: Option<PreviousDigest>,
    /// The log files that it vouches for.
    pub log_files: Vec<DigestedLog>,
    /// The end as it was signed.
    end_text: String,
}

/// What a digest says of the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousDigest {
    /// Where it was written.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// The hash of its document.
    pub sha256: Sha256Sum,
    /// Its signature, hexadecimal digits.
    pub signature: String,
}

/// A log file that a digest vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestedLog {
    /// Where it was written.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// The hash of its document before compression.
    pub sha256: Sha256Sum,
}

/// Why a document is no digest that can be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// It is no JSON.
    #[error("it is no JSON document ({detail})")]
    NotJson {
        /// What is wrong, and where.
        detail: String,
    },
    /// A member is missing or of the wrong shape.
    #[error("its member {member} is missing or makes no sense")]
    Member {
        /// The name of the member.
        member: &'static str,
    },
    /// It was signed or hashed in a way that this version does not know.
    #[error(
        "its {member} is {algorithm:?}, and only {SIGNATURE_ALGORITHM} over {HASH_ALGORITHM} is \
        known"
    )]
    Algorithm {
        /// The name of the member.
        member: &'static str,
        /// What it says.
        algorithm: String,
    },
}

impl DigestError {
    /// Never: the same bytes say the same again.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }
}

impl Digest {
    /// Reads the document of a digest, inflated. Members that are not known are passed over.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(document: &[u8]) -> Result<Self, DigestError> {
        let told: Value = serde_json::from_slice(document)
            .map_err(|error| DigestError::NotJson { detail: error.to_string() })?;
        let end_text = text(&told, "digestEndTime")?;
        algorithm(&told, "digestSignatureAlgorithm", SIGNATURE_ALGORITHM)?;
        let log_files = told.get("logFiles").and_then(Value::as_array);
        let log_files = log_files.ok_or(DigestError::Member { member: "logFiles" })?;
        Ok(Self {
            bucket: text(&told, "digestS3Bucket")?,
            key: text(&told, "digestS3Object")?,
            started_at: time(&text(&told, "digestStartTime")?, "digestStartTime")?,
            ended_at: time(&end_text, "digestEndTime")?,
            fingerprint: text(&told, "digestPublicKeyFingerprint")?,
            previous: previous(&told)?,
            log_files: log_files.iter().map(log_file).collect::<Result<_, _>>()?,
            end_text,
        })
    }

    /// What CloudTrail signed, where the document has this hash.
    #[must_use]
    pub fn signed_text(&self, sha256: &Sha256Sum) -> String {
        // Of a first digest the word stands there, as a program once wrote it.
        let previous = self.previous.as_ref().map_or("null", |previous| &previous.signature);
        format!("{}\n{}/{}\n{sha256}\n{previous}", self.end_text, self.bucket, self.key)
    }
}

fn previous(told: &Value) -> Result<Option<PreviousDigest>, DigestError> {
    const MEMBERS: [&str; 4] = [
        "previousDigestS3Bucket",
        "previousDigestS3Object",
        "previousDigestHashValue",
        "previousDigestSignature",
    ];
    if MEMBERS.iter().all(|member| told.get(member).is_none_or(Value::is_null)) {
        return Ok(None);
    }
    let [bucket, key, hash, signature] = MEMBERS;
    algorithm(told, "previousDigestHashAlgorithm", HASH_ALGORITHM)?;
    Ok(Some(PreviousDigest {
        bucket: text(told, bucket)?,
        key: text(told, key)?,
        sha256: sum(told, hash)?,
        signature: text(told, signature)?,
    }))
}

fn log_file(told: &Value) -> Result<DigestedLog, DigestError> {
    algorithm(told, "hashAlgorithm", HASH_ALGORITHM)?;
    let (bucket, key) = (text(told, "s3Bucket")?, text(told, "s3Object")?);
    Ok(DigestedLog { bucket, key, sha256: sum(told, "hashValue")? })
}

fn algorithm(told: &Value, member: &'static str, known: &str) -> Result<(), DigestError> {
    let algorithm = text(told, member)?;
    if algorithm == known { Ok(()) } else { Err(DigestError::Algorithm { member, algorithm }) }
}

fn sum(told: &Value, member: &'static str) -> Result<Sha256Sum, DigestError> {
    Sha256Sum::parse(&text(told, member)?).ok_or(DigestError::Member { member })
}

fn text(told: &Value, member: &'static str) -> Result<String, DigestError> {
    let text = told.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or(DigestError::Member { member })
}

fn time(text: &str, member: &'static str) -> Result<Timestamp, DigestError> {
    Timestamp::parse(text).map_err(|_| DigestError::Member { member })
}
