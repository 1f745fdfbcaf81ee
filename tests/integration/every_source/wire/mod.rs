//! What AWS writes of the acts of a world, composed from what is documented and captured of it:
//! CloudTrail records, S3's notifications and events, access-log lines. Each piece is what would be
//! written once; how pieces travel is not known here.

mod line;
mod notice;
mod trail;

use deltrail_core::domain::Timestamp;
use fastrand::Rng;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::bucket::{BUCKETS, Bucket, IMAGES, OWNER};
use super::truth::{Source, Sources};
use super::world::{By, Declared, Upload, World, token};

/// One thing that a source writes.
#[derive(Debug, Clone)]
pub enum What {
    /// A CloudTrail record.
    Record { account: &'static str, region: &'static str, record: Value },
    /// An element of the `Records` of an S3 notification.
    Notice { region: &'static str, record: Value },
    /// An event of S3 through EventBridge.
    Event { region: &'static str, event: Value },
    /// A line of an access log.
    Line { bucket: &'static Bucket, line: String },
    /// A declared delete.
    Intent(Value),
}

/// One thing that a source writes, when it is about, and whether it is about a delete.
#[derive(Debug, Clone)]
pub struct Piece {
    pub what: What,
    pub at: i64,
    pub is_evidence: bool,
}

/// Source, account and region: what has a watermark of its own. An access log that says nothing of
/// its bucket's has one with all others like it.
pub type Origin = (&'static str, &'static str, &'static str);

impl What {
    /// Where it was told; none for what an application says.
    pub fn origin(&self) -> Option<Origin> {
        match self {
            Self::Record { account, region, .. } => Some(("cloudtrail", account, region)),
            Self::Notice { region, .. } => Some(("s3_notification", "", region)),
            Self::Event { region, .. } => Some(("eventbridge", OWNER, region)),
            Self::Line { bucket, .. } if bucket.is_log_partitioned => {
                Some(("access_log", OWNER, bucket.region))
            }
            Self::Line { .. } => Some(("access_log", "", "")),
            Self::Intent(_) => None,
        }
    }
}

/// All that these sources write of the world, and what applications declare.
pub fn pieces_of(world: &World, sources: Sources, random: &mut Rng) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut add = |at: i64, is_evidence: bool, whats: Vec<What>| {
        pieces.extend(whats.into_iter().map(|what| Piece { what, at, is_evidence }));
    };
    for call in &world.calls {
        if sources.has(Source::Trail) && call.by != By::Lifecycle {
            add(call.ended_at, true, trail::of_call(call, random));
        }
        if sources.has(Source::Notifications) {
            add(call.ended_at, true, notice::records_of_call(call, random));
        }
        if sources.has(Source::EventBridge) {
            add(call.ended_at, true, notice::events_of_call(call, random));
        }
        if sources.has(Source::AccessLogs) {
            add(call.ended_at, true, line::of_call(call, random));
        }
    }
    for upload in &world.uploads {
        // What else tells of an upload, tells nothing of deletes.
        if sources.has(Source::Trail) {
            add(upload.at, false, trail::of_upload(upload, random));
        }
        if sources.has(Source::Notifications) && upload.bucket.is_notified {
            add(upload.at, true, notice::records_of_upload(upload, random));
        }
        if sources.has(Source::EventBridge) && upload.bucket.is_notified {
            add(upload.at, true, notice::events_of_upload(upload, random));
        }
        if sources.has(Source::AccessLogs) {
            add(upload.at, false, line::of_upload(upload, random));
        }
    }
    for (bucket, key, at) in &world.noise {
        if sources.has(Source::Trail) {
            add(*at, false, trail::of_bystander(bucket, key, *at, random));
        }
        if sources.has(Source::Notifications) && bucket.is_notified {
            add(*at, false, notice::records_of_bystander(bucket, key, *at, random));
        }
        if sources.has(Source::EventBridge) && bucket.is_notified {
            add(*at, false, notice::events_of_bystander(bucket, key, *at, random));
        }
        if sources.has(Source::AccessLogs) {
            add(*at, false, line::of_bystander(bucket, key, *at, random));
        }
    }
    for (bucket, at) in world.changes.iter().filter(|_| sources.has(Source::Trail)) {
        add(*at, true, trail::of_change(bucket, *at, random));
    }
    for declared in &world.declared {
        add(declared.at, true, vec![intent(declared)]);
    }
    pieces
}

/// Something of no importance, which shows how far its origin has come.
pub fn pulse((source, account, region): Origin, at: i64, random: &mut Rng) -> Piece {
    let is_there = |bucket: &&Bucket| match source {
        "access_log" => bucket.is_log_partitioned && bucket.region == region,
        _ => bucket.is_notified && bucket.region == region,
    };
    let bucket = BUCKETS.into_iter().find(is_there).unwrap_or(&IMAGES);
    let (key, request_id) = (format!("pulse/{}", token(random, 8)), token(random, 16));
    let upload = Upload { bucket, key, request_id, at, version: None };
    let (mut whats, is_evidence) = match source {
        "cloudtrail" => (trail::of_upload(&upload, random), false),
        "s3_notification" => (notice::records_of_upload(&upload, random), true),
        "eventbridge" => (notice::events_of_upload(&upload, random), true),
        _ => (line::of_upload(&upload, random), false),
    };
    let mut what = whats.remove(0);
    if let What::Record { account: of, record, .. } = &mut what {
        *of = account;
        record["recipientAccountId"] = json!(account);
    }
    assert_eq!(what.origin(), Some((source, account, region)));
    Piece { what, at, is_evidence }
}

/// As an application declares it, in the words of the contract.
fn intent(declared: &Declared) -> What {
    What::Intent(json!({
        "deltrail": "intent",
        "id": declared.id,
        "bucket": declared.bucket,
        "keys": declared.keys,
        "requested_at": exact(declared.at),
        "by": "image-service",
        "ref": null
    }))
}

/// `2026-11-23T10:00:00.123Z`
pub fn exact(at_millis: i64) -> String {
    Timestamp::from_millis(at_millis).to_string()
}

/// `2026-11-23T10:00:00Z`
pub fn whole_seconds(at_millis: i64) -> String {
    exact(at_millis.div_euclid(1_000) * 1_000).replace(".000Z", "Z")
}

pub fn guid(random: &mut Rng) -> String {
    let [a, b] = [random.u64(..), random.u64(..)].map(|half| format!("{half:016x}"));
    format!("{}-{}-4{}-a{}-{}", &a[..8], &a[8..12], &a[13..], &b[1..4], &b[4..])
}

/// S3's order of the events of one key: a hexadecimal number that grows with time, of which the
/// zeros in front are not always written.
fn sequencer(at_millis: i64) -> String {
    let number = format!("{:X}", i128::from(at_millis) * 0x1_0000);
    if at_millis % 3 == 0 { format!("00{number}") } else { number }
}

const FORM: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'*').remove(b'_').remove(b'/');

/// A key as S3's notifications have it: form-encoded, slashes kept.
fn form_encoded(key: &str) -> String {
    utf8_percent_encode(key, FORM).to_string().replace("%20", "+")
}

/// A key in the path of a request.
fn path_encoded(key: &str) -> String {
    utf8_percent_encode(key, FORM).to_string()
}
