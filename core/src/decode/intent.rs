//! Declared intents: what an application says it will delete, in the format of this product. It
//! reads one JSON object and does not know which way it came.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::bucket_name::bucket_name;
use super::excerpt::escaped_excerpt;
use super::reject::RejectReason;
use crate::domain::{Intent, Timestamp};

/// Bytes of `id`, `by` and `ref`, each.
const TEXT_BYTES_MAX: usize = 1_024;

/// Bytes of a bucket's name: more than S3 ever allowed.
const BUCKET_BYTES_MAX: usize = 255;

/// Keys of one intent: as many as ten bulk calls may take.
const KEYS_MAX: usize = 10_000;

/// Bytes of one key: S3's own limit.
const KEY_BYTES_MAX: usize = 1_024;

const EXCERPT_CHARS_MAX: usize = 80;

/// Why a declared intent was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the intent is refused: {detail}")]
pub struct IntentError {
    /// The kind of fault; the value of a `reason` label.
    pub reason: RejectReason,
    /// What exactly is wrong with which member, and what it should be. Foreign text in it is short
    /// and escaped.
    pub detail: String,
}

impl IntentError {
    /// Whether reading the same text again may succeed: never.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }

    fn new(reason: RejectReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// The members of an intent, unread: an odd one is named in the error, and no other harms.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    deltrail: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    bucket: Option<&'a RawValue>,
    #[serde(borrow, default)]
    keys: Option<&'a RawValue>,
    #[serde(borrow, default)]
    requested_at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    by: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "ref")]
    reference: Option<&'a RawValue>,
}

/// Reads `{"deltrail":"intent","id":"..","bucket":"..","keys":["..",..],"requested_at":"..",
/// "by":"..","ref":".."}`, of which `by` and `ref` may be missing or `null`. `id`, `by` and `ref`
/// hold at most 1 KiB, `keys` 1 to 10 000 of at most 1 024 bytes each, `requested_at` is an
/// RFC 3339 time of any offset. Of equal keys one is kept; members of other names are passed over.
/// `None` is JSON that is no intent: it has no member `deltrail` that says so.
///
/// # Errors
/// When `text` is no JSON, or an intent that cannot be kept.
pub fn read_intent(text: &[u8]) -> Result<Option<Intent>, IntentError> {
    let text = std::str::from_utf8(text)
        .map_err(|error| IntentError::new(RejectReason::InvalidUtf8, error.to_string()))?;
    // A derived reader would take a list for the struct as well.
    if !text.trim_start().starts_with('{') {
        return match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Ok(None),
            Err(error) => Err(IntentError::new(RejectReason::InvalidJson, error.to_string())),
        };
    }
    let members: Members<'_> = serde_json::from_str(text)
        .map_err(|error| IntentError::new(RejectReason::InvalidJson, error.to_string()))?;
    let is_intent =
        members.deltrail.is_some_and(|kind| string(kind).is_ok_and(|kind| kind == "intent"));
    is_intent.then(|| intent_of(&members)).transpose()
}

fn intent_of(members: &Members<'_>) -> Result<Intent, IntentError> {
    Ok(Intent {
        id: required_text("id", members.id, TEXT_BYTES_MAX)?,
        bucket: bucket(members.bucket)?,
        keys: keys(members.keys)?,
        requested_at: requested_at(members.requested_at)?,
        by: optional_text("by", members.by)?,
        reference: optional_text("ref", members.reference)?,
    })
}

fn bucket(member: Option<&RawValue>) -> Result<String, IntentError> {
    let name = required_text("bucket", member, BUCKET_BYTES_MAX).map_err(|error| {
        let reason = match error.reason {
            RejectReason::WrongType => RejectReason::MissingBucket,
            other => other,
        };
        IntentError { reason, ..error }
    })?;
    bucket_name(Some(&name)).map_err(|(reason, detail)| IntentError { reason, detail })
}

fn requested_at(member: Option<&RawValue>) -> Result<Timestamp, IntentError> {
    let missing = |detail: String| IntentError::new(RejectReason::MissingTime, detail);
    let member = member.ok_or_else(|| missing("requested_at is missing".to_owned()))?;
    let written = string(member).map_err(|_| missing(no_text("requested_at", member)))?;
    Timestamp::parse(&written).map_err(|_| {
        let written = escaped_excerpt(&written, EXCERPT_CHARS_MAX);
        missing(format!("requested_at is \"{written}\", no time such as 2026-11-23T10:00:00.123Z"))
    })
}

/// The keys in their order, each once.
fn keys(member: Option<&RawValue>) -> Result<Vec<String>, IntentError> {
    let wrong = |detail: String| IntentError::new(RejectReason::WrongType, detail);
    let member = member.ok_or_else(|| wrong("keys is missing".to_owned()))?;
    let Keys { mut keys, is_cut } = serde_json::from_str(member.get())
        .map_err(|error| wrong(format!("keys is no list of texts: {error}")))?;
    if is_cut {
        let detail = format!("keys holds more than {KEYS_MAX}; declare the rest as another intent");
        return Err(IntentError::new(RejectReason::RecordTooLarge, detail));
    }
    if keys.is_empty() {
        return Err(wrong("keys is an empty list; name what will be deleted".to_owned()));
    }
    if let Some(at) = keys.iter().position(String::is_empty) {
        return Err(wrong(format!("keys[{at}] is empty")));
    }
    if let Some(at) = keys.iter().position(|key| key.len() > KEY_BYTES_MAX) {
        let detail = format!("keys[{at}] has more than the {KEY_BYTES_MAX} bytes that S3 allows");
        return Err(IntentError::new(RejectReason::RecordTooLarge, detail));
    }
    let mut seen = HashSet::with_capacity(keys.len());
    let mut is_first =
        keys.iter().map(|key| seen.insert(key.as_str())).collect::<Vec<_>>().into_iter();
    keys.retain(|_| is_first.next() == Some(true));
    Ok(keys)
}

/// A list of texts, of which no more are held than an intent may have.
struct Keys {
    keys: Vec<String>,
    is_cut: bool,
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Keys, A::Error> {
        let mut keys = Vec::new();
        while keys.len() < KEYS_MAX {
            match list.next_element()? {
                Some(key) => keys.push(key),
                None => return Ok(Keys { keys, is_cut: false }),
            }
        }
        let mut is_cut = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            is_cut = true;
        }
        Ok(Keys { keys, is_cut })
    }
}

fn required_text(
    name: &str,
    member: Option<&RawValue>,
    bytes_max: usize,
) -> Result<String, IntentError> {
    let wrong = |detail: String| IntentError::new(RejectReason::WrongType, detail);
    let member = member.ok_or_else(|| wrong(format!("{name} is missing")))?;
    let text = string(member).map_err(|_| wrong(no_text(name, member)))?;
    if text.is_empty() {
        return Err(wrong(format!("{name} is empty")));
    }
    if text.len() > bytes_max {
        let detail = format!("{name} has {} bytes, more than {bytes_max}", text.len());
        return Err(IntentError::new(RejectReason::RecordTooLarge, detail));
    }
    Ok(text)
}

/// A missing, `null` or empty text is none.
fn optional_text(name: &str, member: Option<&RawValue>) -> Result<Option<String>, IntentError> {
    match member {
        None => Ok(None),
        Some(member) if string(member).is_ok_and(|text| text.is_empty()) => Ok(None),
        Some(member) => required_text(name, Some(member), TEXT_BYTES_MAX).map(Some),
    }
}

fn string(member: &RawValue) -> Result<String, serde_json::Error> {
    serde_json::from_str(member.get())
}

fn no_text(name: &str, member: &RawValue) -> String {
    format!("{name} is {}, no text", escaped_excerpt(member.get(), EXCERPT_CHARS_MAX))
}

#[cfg(test)]
mod tests;
