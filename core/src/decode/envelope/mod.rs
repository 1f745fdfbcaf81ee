//! Queue messages: what a body says happened, whichever way it came. A ladder of envelopes, one
//! function for each that is peeled off. No URL in a message is ever followed, and whether a bucket
//! is one of ours is decided elsewhere.

mod cloudtrail_sns;
mod eventbridge;
mod s3_record;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::excerpt::escaped_excerpt;
use super::lenient::{filled_text, text};
use super::reject::{RejectReason, Rejected};
use crate::domain::{Actor, Creation, Fact, Source, Timestamp};

/// How many SNS envelopes may lie in one another.
const SNS_LEVELS_MAX: usize = 2;

const EXCERPT_CHARS_MAX: usize = 120;

/// How many commas, braces and brackets a message may hold, in its texts too. S3 sends one record
/// with about fifty; a hostile message of 1 MiB could hold hundreds of thousands of values, each of
/// which takes many times its text in memory.
const PARTS_MAX: usize = 50_000;

/// S3 puts one record into a message; a message of 1 MiB holds fewer than this.
const RECORDS_MAX: usize = 2_000;

/// S3's own container, with its records unread: an odd one must not harm its neighbours.
#[derive(Deserialize)]
struct Records<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<&'a RawValue>,
}

/// One thing that a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An object was created (S3's own event, directly, through SNS or through EventBridge): work if
    /// it is in a log bucket, else evidence.
    Created {
        /// The object, to be fetched.
        object: ObjectRef,
        /// What its making tells of its key.
        creation: Box<Creation>,
    },
    /// Something was told that is kept.
    Told(Fact),
    /// CloudTrail itself names a log file that it delivered.
    NamedLog(ObjectRef),
    /// Any other event of S3.
    Other {
        /// The path it came by.
        source: Source,
        /// The event's name, without `s3:`; EventBridge's detail type.
        event_name: String,
        /// The bucket.
        bucket: String,
    },
    /// Nothing happened.
    Nothing(Nothing),
    /// One record that cannot be understood, among others that can.
    Rejected {
        /// The path it came by.
        source: Source,
        /// What is wrong with it.
        rejected: Rejected,
    },
}

/// Messages that report nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// S3's test on (re)configuration.
    TestEvent,
    /// CloudTrail's test on (re)configuration.
    ValidationMessage,
    /// An empty list of records or keys.
    EmptyRecords,
}

/// An object that a message names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The bucket's name: never an ARN, a URL or a path.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version, unless it is the null version.
    pub version_id: Option<String>,
    /// The entity tag, without quotes.
    pub etag: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// The bucket's region.
    pub region: Option<String>,
    /// When S3 says that it happened.
    pub event_at: Option<Timestamp>,
    /// The path the message came by.
    pub source: Source,
}

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
    /// More records than S3 could put into the largest message.
    #[error(
        "the message holds {count} records, more than the {RECORDS_MAX} that S3 could put into \
         one; check what else writes to this queue"
    )]
    TooManyRecords {
        /// How many.
        count: usize,
    },
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

    fn unknown(body: &str) -> Self {
        Self::Unknown { excerpt: escaped_excerpt(body, EXCERPT_CHARS_MAX) }
    }
}

/// What a message says. Never empty: a message that reports nothing says so.
///
/// # Errors
/// When it is of no known kind. Single bad records among good ones are items.
pub fn parse_message(body: &str) -> Result<Vec<Item>, EnvelopeError> {
    peel(body, SNS_LEVELS_MAX)
}

/// Tries the envelopes in the order in which they can be told apart.
fn peel(body: &str, sns_levels: usize) -> Result<Vec<Item>, EnvelopeError> {
    let body = body.trim_start_matches('\u{feff}').trim();
    if is_validation_message(body) {
        return Ok(vec![Item::Nothing(Nothing::ValidationMessage)]);
    }
    // A derived reader would take a list for the struct as well.
    if body.starts_with('{')
        && let Ok(Records { records }) = serde_json::from_str(body)
    {
        if records.len() > RECORDS_MAX {
            return Err(EnvelopeError::TooManyRecords { count: records.len() });
        }
        return Ok(s3_record::items(&records));
    }
    if memchr::memchr3_iter(b'{', b'[', b',', body.as_bytes()).count() > PARTS_MAX {
        return Err(EnvelopeError::unknown(body));
    }
    let message: Value = serde_json::from_str(body).map_err(|error| EnvelopeError::NotJson {
        error: escaped_excerpt(&error.to_string(), EXCERPT_CHARS_MAX),
        excerpt: escaped_excerpt(body, EXCERPT_CHARS_MAX),
    })?;
    if text(&message["Event"]) == Some("s3:TestEvent") {
        return Ok(vec![Item::Nothing(Nothing::TestEvent)]);
    }
    if let Some(inner) = sns_message(&message) {
        let excerpt = || escaped_excerpt(inner, EXCERPT_CHARS_MAX);
        let deeper = sns_levels
            .checked_sub(1)
            .ok_or_else(|| EnvelopeError::TooDeep { excerpt: excerpt() })?;
        return peel(inner, deeper);
    }
    if let Some(kind) = subscription_message(&message) {
        return Err(EnvelopeError::Subscription { kind });
    }
    if text(&message["source"]) == Some("aws.s3") && message["detail"].is_object() {
        return Ok(vec![eventbridge::item(&message)]);
    }
    cloudtrail_sns::items(&message).ok_or_else(|| EnvelopeError::unknown(body))
}

/// CloudTrail sends this text to its topic when a trail is made or changed.
fn is_validation_message(body: &str) -> bool {
    body.trim_end_matches('.') == "CloudTrail validation message"
}

fn subscription_message(message: &Value) -> Option<&'static str> {
    ["SubscriptionConfirmation", "UnsubscribeConfirmation"]
        .into_iter()
        .find(|kind| text(&message["Type"]) == Some(kind))
}

/// The inner message of an SNS notification. Confirmations of a subscription are none.
fn sns_message(message: &Value) -> Option<&str> {
    (text(&message["Type"]) == Some("Notification")).then(|| message["Message"].as_str())?
}

/// What the making of `object` tells of its key.
fn creation_of(object: &ObjectRef, id: String, at: Timestamp) -> Box<Creation> {
    Box::new(Creation {
        id,
        source: object.source,
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        version_id: object.version_id.clone(),
        request_id: None,
        sequencer: None,
        account: String::new(),
        region: object.region.clone().unwrap_or_default(),
        at,
        actor: Actor::default(),
    })
}

/// The name of a bucket, which law allows to be nothing but a name.
fn bucket_name(value: &Value) -> Result<String, (RejectReason, String)> {
    let name = filled_text(value)
        .ok_or_else(|| (RejectReason::MissingBucket, "the message names no bucket".to_owned()))?;
    if name.contains([':', '/']) {
        let detail = format!("\"{name}\" is no bucket name but an ARN, a URL or a path");
        return Err((RejectReason::BucketNotAllowed, detail));
    }
    Ok(name.to_owned())
}

/// A version id that tells one version from another. The null version is overwritten in place.
fn version_id(value: &Value) -> Option<String> {
    filled_text(value).filter(|id| *id != "null").map(str::to_owned)
}

fn etag(value: &Value) -> Option<String> {
    let tag = filled_text(value)?.trim_matches('"');
    (!tag.is_empty()).then(|| tag.to_owned())
}

fn time(value: &Value) -> Option<Timestamp> {
    Timestamp::parse(text(value)?).ok()
}
