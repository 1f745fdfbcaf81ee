//! Changes of what protects objects, or of what tells of their loss: the management events of S3,
//! CloudTrail and KMS that a deletion watcher should recognise. It knows which they are and what of
//! them is worth telling; whether a change did harm, it does not judge.
//!
//! CloudTrail's event names are not always those of the API: `PutBucketLifecycle` is logged for
//! `PutBucketLifecycleConfiguration`, `PutObjectLockRetention` for `PutObjectRetention`.

use serde_json::Value;

use super::Refusal;
use super::caller::{capped, shown};
use super::circumstances::Circumstances;
use super::outline::{Field, Outline};
use super::place::{bucket_of, detail};
use crate::decode::lenient::{filled_text, text};
use crate::decode::log_key::LogPath;
use crate::domain::{Outcome, ProtectionChange};

/// How many bytes of telling parameters are kept.
const DETAIL_BYTES_MAX: usize = 512;
/// How many bytes are kept of one of them.
const VALUE_BYTES_MAX: usize = 96;
/// How deep parameters are looked into.
const LEVELS_MAX: usize = 8;

const VERSIONING: &str = "PutBucketVersioning";
const OF_JOBS: [&str; 2] = ["CreateJob", "UpdateJobStatus"];
const OF_ACCOUNTS: [&str; 1] = ["DeleteAccountPublicAccessBlock"];
const OF_BUCKETS: [&str; 17] = [
    "DeleteBucket",
    "DeleteBucketEncryption",
    "DeleteBucketLifecycle",
    "DeleteBucketPolicy",
    "DeleteBucketPublicAccessBlock",
    "DeleteBucketReplication",
    "PutBucketAcl",
    "PutBucketEncryption",
    "PutBucketLifecycle",
    "PutBucketLogging",
    "PutBucketNotification",
    "PutBucketObjectLockConfiguration",
    "PutBucketPolicy",
    "PutBucketReplication",
    VERSIONING,
    "PutObjectLockLegalHold",
    "PutObjectLockRetention",
];
const OF_TRAILS: [&str; 6] = [
    "DeleteTrail",
    "PutEventConfiguration",
    "PutEventSelectors",
    "PutInsightSelectors",
    "StopLogging",
    "UpdateTrail",
];
const OF_KEYS: [&str; 2] = ["DisableKey", "ScheduleKeyDeletion"];

/// What a request says anyway: the resource, and the endpoint that was asked.
const UNTOLD: [&str; 8] =
    ["Host", "bucketName", "host", "jobId", "keyId", "name", "trailName", "x-id"];

/// The event name of every change, of any service.
pub(super) fn each_change_name() -> impl Iterator<Item = &'static str> {
    let of_s3 = OF_BUCKETS.into_iter().chain(OF_ACCOUNTS).chain(OF_JOBS);
    of_s3.chain(OF_TRAILS).chain(OF_KEYS)
}

/// The change that an event of this service is, if it is one.
pub(super) fn named_change(service: &str, event_name: &str) -> Option<&'static str> {
    let names: &[&'static str] = match service {
        "cloudtrail" => &OF_TRAILS,
        "kms" => &OF_KEYS,
        _ if service.starts_with("s3") => {
            let lists: [&[&'static str]; 3] = [&OF_BUCKETS, &OF_ACCOUNTS, &OF_JOBS];
            return lists.iter().find_map(|names| same(names, event_name));
        }
        _ => return None,
    };
    same(names, event_name)
}

fn same(names: &[&'static str], event_name: &str) -> Option<&'static str> {
    names.iter().copied().find(|name| *name == event_name)
}

/// The change that the record tells of. `None` for one that protects more than before, and for an
/// update (addendum `UPDATED_DATA`) of a record that came earlier: a change has no parts that an
/// update could complete in any order, so the first word stands.
///
/// # Errors
/// As for a delete, except that a bucket need not be named.
pub(super) fn change_of(
    outline: &Outline<'_>,
    service: &str,
    event_name: &'static str,
    record: &[u8],
    path: &LogPath,
) -> Result<Option<ProtectionChange>, Refusal> {
    let request = outline.value(Field::RequestParameters)?;
    if event_name == VERSIONING && !lessens_versioning(&request) {
        return Ok(None);
    }
    let circumstances = Circumstances::of(outline, record, path)?;
    if circumstances.addendum.is_some() {
        return Ok(None);
    }
    let resources = outline.readable(Field::Resources);
    let details = outline.readable(Field::ServiceEventDetails);
    let is_of_bucket = OF_BUCKETS.contains(&event_name);
    let bucket = is_of_bucket.then(|| bucket_of(&request, &resources, &details)).flatten();
    Ok(Some(ProtectionChange {
        id: circumstances.id,
        service: service.to_owned(),
        event_name: event_name.to_owned(),
        bucket,
        resource: resource_of(outline, event_name, &request, &resources, &details),
        detail: telling(&request),
        outcome: outcome_of(circumstances.error_code.as_deref(), circumstances.http_status),
        error_code: circumstances.error_code,
        request_id: circumstances.request_id.map(Into::into),
        event_id: circumstances.event_id,
        shared_event_id: circumstances.shared_event_id,
        account: circumstances.account.into(),
        region: circumstances.region.into(),
        at: circumstances.at,
        actor: circumstances.actor,
    }))
}

/// Versioning that is switched on takes nothing away; suspended, or without MFA, it does.
fn lessens_versioning(request: &Value) -> bool {
    let asked = &request["VersioningConfiguration"];
    let says = |name: &str, value: &str| {
        detail(asked, &[name]).is_some_and(|text| text.eq_ignore_ascii_case(value))
    };
    says("status", "Suspended") || says("mfadelete", "Disabled")
}

/// Services other than S3 have longer names for the same refusal.
fn outcome_of(error_code: Option<&str>, http_status: Option<u16>) -> Outcome {
    match error_code {
        Some(code) if code.starts_with("AccessDenied") => Outcome::Denied,
        _ => Outcome::from_error(error_code, http_status),
    }
}

fn resource_of(
    outline: &Outline<'_>,
    event_name: &str,
    request: &Value,
    resources: &Value,
    details: &Value,
) -> Option<String> {
    let arn = arn_among(resources);
    if OF_TRAILS.contains(&event_name) {
        let named = shown(&request["name"]).or_else(|| shown(&request["trailName"]));
        return named.or(arn);
    }
    if OF_KEYS.contains(&event_name) {
        return arn.or_else(|| shown(&request["keyId"]));
    }
    if OF_JOBS.contains(&event_name) {
        let made = outline.readable(Field::ResponseElements);
        let places = [details, &made, request];
        let job = places.into_iter().find_map(|place| detail(place, &["jobarn", "jobid"]));
        return job.map(capped);
    }
    arn
}

/// The ARN of an object, else the first of any kind.
fn arn_among(resources: &Value) -> Option<String> {
    let list = match resources {
        Value::Array(list) => list.as_slice(),
        single => std::slice::from_ref(single),
    };
    let of_object = |resource: &&Value| {
        filled_text(&resource["type"]).is_some_and(|kind| kind.ends_with("Object"))
    };
    let objects = list.iter().filter(of_object);
    objects.chain(list).find_map(|resource| shown(&resource["ARN"]))
}

/// The parameters in short, `Rule.Status=Enabled, Expiration.Days=1`: each by the last two names on
/// the way to it, without the name of the whole configuration.
fn telling(request: &Value) -> Option<String> {
    let mut told = String::new();
    let mut way = Vec::new();
    tell(request, &mut way, &mut told);
    (!told.is_empty()).then_some(told)
}

fn tell<'a>(value: &'a Value, way: &mut Vec<&'a str>, told: &mut String) {
    if way.len() > LEVELS_MAX || told.len() >= DETAIL_BYTES_MAX {
        return;
    }
    // A list of one text, as old records have it, is that text.
    if let Some(word) = text(value) {
        return tell_one(way, word, told);
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| is_told(name)) {
                way.push(name);
                tell(member, way, told);
                way.pop();
            }
        }
        Value::Array(list) if list.is_empty() => tell_one(way, "none", told),
        Value::Array(list) => list.iter().for_each(|element| tell(element, way, told)),
        Value::Bool(_) | Value::Number(_) => tell_one(way, &value.to_string(), told),
        Value::String(_) | Value::Null => {}
    }
}

/// Attributes of XML are logged as members too.
fn is_told(name: &str) -> bool {
    !UNTOLD.contains(&name) && !name.starts_with("xmlns") && !name.starts_with("xsi:")
}

/// An empty text stands for the name of a subresource in the URL, and tells nothing.
fn tell_one(way: &[&str], value: &str, told: &mut String) {
    let value = &value[..value.floor_char_boundary(VALUE_BYTES_MAX)];
    if value.is_empty() || way.is_empty() {
        return;
    }
    let configuration = usize::from(way.len() > 1);
    let name = way[configuration.max(way.len().saturating_sub(2))..].join(".");
    let separator = if told.is_empty() { "" } else { ", " };
    let entry = format!("{separator}{name}={value}");
    let room = DETAIL_BYTES_MAX - told.len();
    told.push_str(&entry[..entry.floor_char_boundary(room)]);
}
