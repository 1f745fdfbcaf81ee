//! Reads of objects, and writes under a key that is not the bucket owner's, as CloudTrail tells of
//! them. Only those that succeeded; what cannot be read tells nothing, for no removal hangs on it.
//!
//! `HeadObject` reads no content, so it is none of it. What `CopyObject` reads has a `GetObject`
//! record of its own, but in a trail of writes only; a copy onto itself is told by either.

use memchr::memmem;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::circumstances::Circumstances;
use super::is_s3;
use super::outline::{Field, Outline};
use super::place::{bucket_of, key_of};
use super::service_of;
use crate::decode::lenient::{filled_text, identifier};
use crate::decode::log_key::LogPath;
use crate::decode::structure::Marked;
use crate::decode::touch::Touch;
use crate::domain::{Deed, Outcome, Timestamp};

/// The call that reads the content of an object.
pub(super) const READS: [&str; 1] = ["GetObject"];
/// The calls whose record tells what an object was encrypted with.
pub(super) const ENCRYPTS: [&str; 2] = ["CopyObject", "PutObject"];

/// Says that the caller gave the encryption key with the request.
const CUSTOMER_KEY: &str = "x-amz-server-side-encryption-customer-algorithm";
/// Names the KMS key that was asked for, or used.
const KMS_KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";
const COPY_SOURCE: &str = "x-amz-copy-source";

/// Whether a record of one of [`ENCRYPTS`] may tell of a key that is not the owner's.
pub(super) fn may_name_key(record: Marked<'_>) -> bool {
    let has = |text: &str| memmem::find(record.bytes, text.as_bytes()).is_some();
    let is_of_bucket =
        |account: &str| has(&format!(r#""accountId":"{account}","type":"AWS::S3::Bucket""#));
    has(CUSTOMER_KEY)
        || (record.has_backslash && has(r"\u"))
        || kms_accounts(record.bytes).any(|account| !is_of_bucket(account))
}

/// The accounts of the KMS keys that a record names, or what stands in their place.
fn kms_accounts(record: &[u8]) -> impl Iterator<Item = &str> {
    memmem::find_iter(record, KMS_KEY).filter_map(|at| {
        let value = &record[at + KMS_KEY.len()..];
        let (_, arn) = value.split_at_checked(memmem::find(value, b"arn:")?)?;
        let account = arn.split(|byte| *byte == b':').nth(4)?;
        str::from_utf8(account).ok()
    })
}

/// What a record of any kind tells of a key; `None` when it is of no interest.
pub(super) fn touch_of_any(record: &[u8], path: &LogPath) -> Option<Touch> {
    let outline = Outline::read(std::str::from_utf8(record).ok()?).ok()?;
    let source = outline.value(Field::EventSource).ok()?;
    service_of(filled_text(&source)?).filter(|service| is_s3(service))?;
    let name = outline.value(Field::EventName).ok()?;
    let name = filled_text(&name)?;
    let is_read = READS.contains(&name);
    if !is_read && !ENCRYPTS.contains(&name) {
        return None;
    }
    let request = outline.value(Field::RequestParameters).ok()?;
    let resources = outline.readable(Field::Resources);
    let circumstances = Circumstances::of(&outline, record, path).ok()?;
    let outcome =
        Outcome::from_error(circumstances.error_code.as_deref(), circumstances.http_status);
    if outcome != Outcome::Ok || circumstances.addendum.is_some() {
        return None;
    }
    let bucket = bucket_of(&request, &resources, &Value::Null)?;
    let key = key_of(&request, &resources, &Value::Null)?;
    let deed = if is_read {
        Deed::Read
    } else {
        let answer = outline.readable(Field::ResponseElements);
        encrypted_with(&request, &answer, &owner_of(&resources, &circumstances.account))?
    };
    Some(Touch {
        is_of_itself: !is_read && is_copy_of(&request, &bucket, &key),
        bucket: bucket.into(),
        key,
        deed,
        at: moment(circumstances.at, circumstances.ended_at),
        actor: circumstances.actor,
    })
}

/// When it was, by the finer clock, as for deletes.
pub(super) fn moment(at: Timestamp, ended_at: Option<Timestamp>) -> Timestamp {
    ended_at.unwrap_or(at)
}

/// Whose key an object was encrypted with, unless that is the bucket owner's.
fn encrypted_with(request: &Value, answer: &Value, owner: &str) -> Option<Deed> {
    if filled_text(&request[CUSTOMER_KEY]).or(filled_text(&answer[CUSTOMER_KEY])).is_some() {
        return Some(Deed::CustomerKey);
    }
    let arn = filled_text(&answer[KMS_KEY]).or(filled_text(&request[KMS_KEY]))?;
    let mut parts = arn.split(':');
    let is_key = parts.next() == Some("arn") && parts.nth(1) == Some("kms");
    let account = parts.nth(1).filter(|account| is_key && !account.is_empty())?;
    (!owner.is_empty() && account != owner).then_some(Deed::ForeignKey)
}

/// The account of the bucket, as far as the record says; else whom the record is for.
fn owner_of(resources: &Value, recipient: &str) -> String {
    let list = resources.as_array().map_or(&[][..], Vec::as_slice);
    let mut of_bucket =
        list.iter().filter(|it| filled_text(&it["type"]) == Some("AWS::S3::Bucket"));
    let owner = of_bucket.find_map(|bucket| identifier(&bucket["accountId"]));
    owner.unwrap_or_else(|| recipient.to_owned())
}

/// Whether an object was copied onto itself. The source is encoded as in a URL, may begin with a
/// slash, and may name a version.
fn is_copy_of(request: &Value, bucket: &str, key: &str) -> bool {
    let Some(source) = filled_text(&request[COPY_SOURCE]) else { return false };
    let source = source.split_once("?versionId=").map_or(source, |(source, _)| source);
    let decoded = percent_decode_str(source).decode_utf8_lossy();
    [source, &*decoded].iter().any(|source| {
        let source = source.strip_prefix('/').unwrap_or(source);
        source.strip_prefix(bucket).and_then(|rest| rest.strip_prefix('/')) == Some(key)
    })
}

#[cfg(test)]
mod tests;
