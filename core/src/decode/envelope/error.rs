//! Why a whole message was not understood. One bad record among good ones is no such error.

use super::SNS_LEVELS_MAX;
use super::found::TOLD_MAX;
use crate::decode::excerpt::escaped_excerpt;

pub(super) const EXCERPT_CHARS_MAX: usize = 120;

/// A message that is none of the known kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The body is neither JSON nor a known text.
    #[error(
        "the message is no JSON ({error}): \"{excerpt}\"; check what else writes to this queue"
    )]
    NotJson {
        /// What the JSON reader says.
        error: String,
        /// The beginning of the body, escaped.
        excerpt: String,
    },
    /// The body is JSON of an unknown kind.
    #[error("the message is of no known kind: \"{excerpt}\"; check what else writes to this queue")]
    Unknown {
        /// The beginning of the body, escaped.
        excerpt: String,
    },
    /// It tells more than AWS could put into the largest message.
    #[error(
        "the message tells of more than {TOLD_MAX} things, which is more than AWS could put into \
         one; check what else writes to this queue"
    )]
    TooManyRecords,
    /// SNS asks for a subscription to be confirmed, or says that it was ended. The message holds a
    /// secret token, so nothing of it is repeated.
    #[error(
        "the message is an SNS {kind}, and URLs in messages are never followed; confirm or remove \
         the subscription of this queue yourself"
    )]
    Subscription {
        /// Which of the two.
        kind: &'static str,
    },
    /// SNS envelopes in SNS envelopes.
    #[error(
        "the message lies in more than {SNS_LEVELS_MAX} SNS envelopes: \"{excerpt}\"; \
         check which topic feeds which"
    )]
    TooDeep {
        /// The beginning of the innermost body that was reached, escaped.
        excerpt: String,
    },
}

impl EnvelopeError {
    /// Whether reading the same message again may succeed: never.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }

    pub(super) fn unknown(body: &str) -> Self {
        Self::Unknown { excerpt: escaped_excerpt(body, EXCERPT_CHARS_MAX) }
    }

    pub(super) fn not_json(body: &str, error: &serde_json::Error) -> Self {
        Self::NotJson {
            error: escaped_excerpt(&error.to_string(), EXCERPT_CHARS_MAX),
            excerpt: escaped_excerpt(body, EXCERPT_CHARS_MAX),
        }
    }

    pub(super) fn too_deep(body: &str) -> Self {
        Self::TooDeep { excerpt: escaped_excerpt(body, EXCERPT_CHARS_MAX) }
    }
}
