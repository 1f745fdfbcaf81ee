//! What could not be understood: a reason out of a closed set, where it was, and a short detail. It
//! does not decide what becomes of it.

use std::fmt;

use super::excerpt::escaped_excerpt;

/// How many characters a detail may have.
const DETAIL_CHARS_MAX: usize = 297;

/// One thing that was refused while the rest of its file or message went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The position among the records of the file or message, from 0; `None` when it is about the
    /// whole.
    pub record_index: Option<u64>,
    /// Why.
    pub reason: RejectReason,
    /// What exactly, for a person: at most 300 characters, control characters escaped.
    pub detail: String,
}

impl Rejected {
    /// A rejection of one record.
    #[must_use]
    pub fn record(record_index: u64, reason: RejectReason, detail: &str) -> Self {
        Self { record_index: Some(record_index), ..Self::whole(reason, detail) }
    }

    /// A rejection that is about the file or message as a whole.
    #[must_use]
    pub fn whole(reason: RejectReason, detail: &str) -> Self {
        let detail = escaped_excerpt(detail, DETAIL_CHARS_MAX);
        Self { record_index: None, reason, detail }
    }
}

/// Why something was rejected; the value of the `reason` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    /// An element of the list of records is a number, a text, `null` or a list.
    NotAnObject,
    /// The record is not JSON, or holds half of a surrogate pair.
    InvalidJson,
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// A member that the record cannot be understood without has another type.
    WrongType,
    /// No bucket is named, in any place where one may be.
    MissingBucket,
    /// No readable time.
    MissingTime,
    /// Larger than the limit for one record.
    RecordTooLarge,
    /// The record names another account, region or bucket than the path of its log object.
    AccountMismatch,
    /// The major version of the format is not one that is known.
    UnknownVersion,
    /// Bytes behind the end of the gzip stream or of the JSON document.
    TrailingBytes,
    /// A JSON document without a list of records.
    NoRecords,
    /// A message, or a record in one, that is none of the known kinds.
    UnknownEnvelope,
    /// A line of an access log that has too few fields, or that can be read in two ways.
    MalformedLine,
    /// An ARN, a URL, a path or another text that no bucket can be called, where the name of a
    /// bucket belongs.
    BucketNotAllowed,
}

impl RejectReason {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::NotAnObject,
        Self::InvalidJson,
        Self::InvalidUtf8,
        Self::WrongType,
        Self::MissingBucket,
        Self::MissingTime,
        Self::RecordTooLarge,
        Self::AccountMismatch,
        Self::UnknownVersion,
        Self::TrailingBytes,
        Self::NoRecords,
        Self::UnknownEnvelope,
        Self::MalformedLine,
        Self::BucketNotAllowed,
    ];

    /// The value of the `reason` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAnObject => "not_an_object",
            Self::InvalidJson => "invalid_json",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::WrongType => "wrong_type",
            Self::MissingBucket => "missing_bucket",
            Self::MissingTime => "missing_time",
            Self::RecordTooLarge => "record_too_large",
            Self::AccountMismatch => "account_mismatch",
            Self::UnknownVersion => "unknown_version",
            Self::TrailingBytes => "trailing_bytes",
            Self::NoRecords => "no_records",
            Self::UnknownEnvelope => "unknown_envelope",
            Self::MalformedLine => "malformed_line",
            Self::BucketNotAllowed => "bucket_not_allowed",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{RejectReason, Rejected};

    #[test]
    fn every_reason_has_its_own_name() {
        let names: std::collections::BTreeSet<_> =
            RejectReason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(names.len(), RejectReason::ALL.len());
    }

    #[test]
    fn a_detail_is_short_and_printable() {
        let rejected = Rejected::record(7, RejectReason::WrongType, &"\u{7}".repeat(1_000));
        assert!(rejected.detail.chars().count() <= 300);
        assert!(!rejected.detail.chars().any(char::is_control));
    }
}
