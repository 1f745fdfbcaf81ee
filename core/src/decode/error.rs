//! Why a whole log object could not be decoded. None of it goes away by trying again with the same
//! bytes; it does not know where the bytes came from.

/// What a log object begins with.
pub(super) const DOCUMENT_START: &str = "a JSON document or a line of an access log";

/// A log object whose evidence must not be used, not even what was decoded before the error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The gzip framing or the deflate stream is broken.
    #[error(
        "the gzip stream is corrupt at byte {offset}: {detail}; \
         fetch the object again and compare its checksum"
    )]
    CorruptGzip {
        /// Position in the compressed bytes.
        offset: u64,
        /// What is wrong there.
        detail: String,
    },
    /// The compressed bytes end inside a gzip member.
    #[error(
        "the gzip stream ends early, after {offset} bytes; \
         the object was cut off or is still being written"
    )]
    TruncatedGzip {
        /// How many compressed bytes there were.
        offset: u64,
    },
    /// The inflated bytes are not those that were compressed.
    #[error(
        "the gzip checksum is {found:08x}, but the trailer says {expected:08x}; \
         the object is damaged"
    )]
    ChecksumMismatch {
        /// What the trailer says.
        expected: u32,
        /// What the inflated bytes give.
        found: u32,
    },
    /// The number of inflated bytes is not that of the trailer.
    #[error(
        "the gzip member inflates to {found} bytes modulo 2^32, but \
         the trailer says {expected}; the object is damaged"
    )]
    SizeMismatch {
        /// What the trailer says.
        expected: u32,
        /// How many there were, modulo 2^32.
        found: u32,
    },
    /// More inflated bytes than allowed.
    #[error(
        "the object inflates to more than {limit} bytes; raise --max-inflated if it is genuine"
    )]
    InflatedTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The object was not compressed, and is of no known format either.
    #[error(
        "neither gzip nor JSON: at byte {offset} of the object found \"{found}\", expected \
         {expected}; see what else writes to the log bucket"
    )]
    NeitherGzipNorJson {
        /// Position in the object.
        offset: u64,
        /// The first byte that does not fit, escaped.
        found: String,
        /// What could have been there.
        expected: &'static str,
    },
    /// The inflated bytes are not a JSON document, and none of the known kinds of lines.
    #[error(
        "not JSON at byte {offset} of the inflated object: \
         found \"{found}\", expected {expected}"
    )]
    NotJson {
        /// Position in the inflated bytes.
        offset: u64,
        /// The first byte that does not fit, escaped.
        found: String,
        /// What could have been there.
        expected: &'static str,
    },
    /// The inflated bytes end inside the JSON document.
    #[error(
        "the JSON document ends early, after {offset} bytes; \
         the object was cut off before it was compressed"
    )]
    TruncatedJson {
        /// How many inflated bytes there were.
        offset: u64,
    },
}

impl DecodeError {
    /// The same error of an object that was not compressed: if it does not even begin like JSON, it
    /// is some other kind of file.
    pub(super) fn of_plain(self) -> Self {
        match self {
            Self::NotJson { offset, found, expected: DOCUMENT_START } => {
                Self::NeitherGzipNorJson { offset, found, expected: DOCUMENT_START }
            }
            other => other,
        }
    }

    /// One of a closed set of words; the value of a label.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::CorruptGzip { .. } => "corrupt_gzip",
            Self::TruncatedGzip { .. } => "truncated_gzip",
            Self::ChecksumMismatch { .. } => "checksum_mismatch",
            Self::SizeMismatch { .. } => "size_mismatch",
            Self::InflatedTooLarge { .. } => "inflated_too_large",
            Self::NeitherGzipNorJson { .. } => "not_gzip",
            Self::NotJson { .. } => "not_json",
            Self::TruncatedJson { .. } => "truncated_json",
        }
    }

    /// Whether decoding the same bytes again may succeed: never.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }
}
