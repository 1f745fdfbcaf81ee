//! What can be wrong with a digest or with a log file that one vouches for: closed sets of words,
//! each with its sentence. It decides nothing.

use super::document::DigestError;
use crate::decode::DecodeError;

/// Why a digest is not what CloudTrail wrote, or cannot be shown to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestFault {
    /// The signature is not that of this document in this place.
    #[error("the signature does not fit: the digest was changed, or is not CloudTrail's")]
    Signature,
    /// The public key is not known.
    #[error("no public key with the fingerprint {fingerprint} is known")]
    KeyUnknown {
        /// The name of the key.
        fingerprint: String,
    },
    /// There is no signature to verify.
    #[error("its signature is not here: it is in the metadata of the object in S3, and in no file")]
    Unsigned,
    /// It says that it belongs elsewhere.
    #[error("it was written to s3://{place}, and lies elsewhere now")]
    Moved {
        /// `BUCKET/KEY`.
        place: String,
    },
    /// It is no digest document.
    #[error("it is no digest: {0}")]
    Malformed(#[from] DigestError),
    /// Its gzip stream is broken.
    #[error("it is damaged: {0}")]
    Damaged(#[from] DecodeError),
    /// Bytes follow behind its gzip stream.
    #[error("{bytes} bytes were appended behind its end")]
    Appended {
        /// How many.
        bytes: u64,
    },
    /// The digest after it vouches for another content.
    #[error("the next digest vouches for another content of it")]
    OtherContent,
}

impl DigestFault {
    /// One of a closed set of words.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Signature => "signature_invalid",
            Self::KeyUnknown { .. } => "key_unknown",
            Self::Unsigned => "unsigned",
            Self::Moved { .. } => "moved",
            Self::Malformed(_) => "malformed",
            Self::Damaged(_) => "damaged",
            Self::Appended { .. } => "appended",
            Self::OtherContent => "other_content",
        }
    }

    /// Never: the same bytes and keys say the same again.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }
}

/// Why a log file is not what CloudTrail delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// Its content has another hash.
    #[error("its content is not what CloudTrail delivered")]
    Changed,
    /// Bytes follow behind its gzip stream.
    #[error("{bytes} bytes were appended behind its end; what stands before is what was delivered")]
    Appended {
        /// How many.
        bytes: u64,
    },
    /// Its gzip stream is broken.
    #[error("it is damaged: {0}")]
    Damaged(#[from] DecodeError),
    /// It is not there.
    #[error("it is not there: it was deleted, or moved")]
    Missing,
    /// The digest that names it does not hold.
    #[error("the digest that names it does not hold, so nothing vouches for it")]
    Unvouched,
    /// Digests tell of its time and none names it.
    #[error(
        "no digest names it, though digests tell of its time: somebody else may have put it \
        there"
    )]
    Unnamed,
    /// No digest tells of its time.
    #[error("no digest tells of its time")]
    Uncovered,
}

impl LogFault {
    /// One of a closed set of words.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Appended { .. } => "appended",
            Self::Damaged(_) => "damaged",
            Self::Missing => "missing",
            Self::Unvouched => "unvouched",
            Self::Unnamed => "unnamed",
            Self::Uncovered => "uncovered",
        }
    }

    /// Never: the same files say the same again.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }
}

/// What is known of a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogState {
    /// It is what CloudTrail delivered.
    Verified,
    /// It is so young that its digest is still to come.
    NotYetCovered,
    /// It is not, or that cannot be shown.
    Failed(LogFault),
}
