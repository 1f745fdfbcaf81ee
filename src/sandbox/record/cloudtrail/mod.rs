//! CloudTrail's data events about an act, version 1.11, as they were captured in September 2026.
//! It knows no file and no delay.
//!
//! A bulk call is told by one `DeleteObjects` record, which names no key and no result of a key,
//! and since June 2025 by one `DeleteObject` record of type `AwsServiceEvent` for each key, the
//! *children*. How those are laid out is not documented; [`ChildLayout`] is a choice of two.

mod identity;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use self::identity::{is_service, user_identity};
use super::text::second;
use crate::sandbox::act::{Act, BulkEntry, Call, Effect, Refusal};
use crate::sandbox::identifiers::Identifiers;

/// What the sandbox says about the encryption of connections, although its own are plain: on AWS
/// nearly all are encrypted.
pub(super) const CIPHER_SUITE: &str = "TLS_AES_128_GCM_SHA256";
pub(super) const TLS_VERSION: &str = "TLSv1.3";

/// What S3 says to those who fail to prove who they are; such requests are not logged.
const FAILED_AUTHENTICATION: [&str; 4] =
    ["SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed", "InvalidToken"];

/// Clients that name the API in the query of the request; CloudTrail repeats it as `x-id`.
const NAMING_CLIENTS: [&str; 3] = ["aws-sdk-go-v2", "aws-sdk-js/3", "aws-sdk-rust"];

/// How the record of one key of a bulk call is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildLayout {
    /// It carries the `requestID` of the call, and key and version among the request parameters.
    SharedRequest,
    /// It has a `requestID` of its own, its key is only in the ARN of a resource, and it names no
    /// version.
    OwnRequest,
}

/// What one record tells beside what all records of an act have in common.
struct Told<'a> {
    event_name: &'a str,
    is_read: bool,
    /// Members of `requestParameters` beside bucket and host.
    parameters: Vec<(&'a str, &'a str)>,
    response: Value,
    refusal: Option<&'a Refusal>,
    /// HTTP status if it was accepted.
    status: u16,
    /// Members of `additionalEventData` beside those of every record.
    additional: Vec<(&'a str, Value)>,
    object: Resource<'a>,
}

/// Which objects a record is about.
#[derive(Clone, Copy)]
enum Resource<'a> {
    /// This one.
    Key(&'a str),
    /// Some of the bucket's.
    AnyKey,
}

/// The records about an act; none for what CloudTrail does not see: lifecycle, requests that
/// failed authentication, redirects.
///
/// For the keys of a bulk call that S3 refused, a child with an error code is written: AWS does
/// not say what it does.
#[must_use]
pub fn records(act: &Act, layout: ChildLayout, identifiers: &Identifiers) -> Vec<Value> {
    if act.refusal.as_ref().is_some_and(is_unlogged) {
        return Vec::new();
    }
    let own = |told: Told<'_>| vec![called(act, told, identifiers)];
    match &act.call {
        Call::Expire { .. } => Vec::new(),
        Call::Put { key, version_id, object_bytes, .. } => own(Told {
            event_name: "PutObject",
            ..written(act, key, version_id.as_deref(), *object_bytes)
        }),
        Call::Copy { key, version_id, object_bytes, source, .. } => {
            let mut told = written(act, key, version_id.as_deref(), *object_bytes);
            told.parameters.push(("x-amz-copy-source", source));
            own(Told { event_name: "CopyObject", ..told })
        }
        Call::Get { key, named_version, object_bytes, is_head } => {
            own(read(act, key, named_version.as_deref(), *object_bytes, *is_head))
        }
        Call::Delete { key, named_version, effect } => {
            own(deleted(act, key, named_version.as_deref(), effect))
        }
        Call::BulkDelete { entries } => bulk(act, entries, layout, identifiers),
    }
}

fn is_unlogged(refusal: &Refusal) -> bool {
    (300..400).contains(&refusal.status) || FAILED_AUTHENTICATION.contains(&&*refusal.code)
}

/// An object was written, by whichever call.
fn written<'a>(
    act: &'a Act,
    key: &'a str,
    version_id: Option<&str>,
    object_bytes: u64,
) -> Told<'a> {
    let mut response = json!({ "x-amz-server-side-encryption": "AES256" });
    if let Some(version_id) = version_id {
        response["x-amz-version-id"] = json!(version_id);
    }
    let turn_around = act.ended_at.millis_since(act.started_at).max(0);
    let additional = vec![
        ("SSEApplied", json!("Default_SSE_S3")),
        ("bytesTransferredIn", json!(object_bytes)),
        ("bytesTransferredOut", json!(0)),
        ("objectSize", json!(object_bytes)),
        ("turnAroundTime", json!(turn_around)),
    ];
    let is_accepted = act.refusal.is_none();
    Told {
        response: if is_accepted { response } else { Value::Null },
        additional: if is_accepted { additional } else { nothing_transferred() },
        ..Told::of(act, "", Resource::Key(key))
    }
}

fn read<'a>(
    act: &'a Act,
    key: &'a str,
    named_version: Option<&'a str>,
    object_bytes: u64,
    is_head: bool,
) -> Told<'a> {
    let bytes_out = if is_head { 0 } else { object_bytes };
    let additional = vec![
        ("bytesTransferredIn", json!(0)),
        ("bytesTransferredOut", json!(bytes_out)),
        ("objectSize", json!(object_bytes)),
    ];
    let is_accepted = act.refusal.is_none();
    let event_name = if is_head { "HeadObject" } else { "GetObject" };
    let mut told = Told::of(act, event_name, Resource::Key(key));
    told.is_read = true;
    told.parameters.extend(named_version.map(|version| ("versionId", version)));
    told.additional = if is_accepted { additional } else { nothing_transferred() };
    told
}

fn deleted<'a>(
    act: &'a Act,
    key: &'a str,
    named_version: Option<&'a str>,
    effect: &Effect,
) -> Told<'a> {
    let mut told = Told::of(act, "DeleteObject", Resource::Key(key));
    told.status = 204;
    told.parameters.extend(named_version.map(|version| ("versionId", version)));
    if let (Effect::Marker { id }, None) = (effect, &act.refusal) {
        told.response = json!({ "x-amz-delete-marker": "true", "x-amz-version-id": id });
    }
    told
}

/// The aggregate, and a child for each key if the call as a whole was accepted.
fn bulk(
    act: &Act,
    entries: &[BulkEntry],
    layout: ChildLayout,
    identifiers: &Identifiers,
) -> Vec<Value> {
    let mut aggregate = Told::of(act, "DeleteObjects", Resource::AnyKey);
    aggregate.parameters.push(("delete", ""));
    let aggregate = called(act, aggregate, identifiers);
    if act.refusal.is_some() {
        return vec![aggregate];
    }
    let children = entries.iter().map(|entry| child(act, entry, layout, identifiers));
    std::iter::once(aggregate).chain(children).collect()
}

fn child(act: &Act, entry: &BulkEntry, layout: ChildLayout, identifiers: &Identifiers) -> Value {
    let mut told = Told::of(act, "DeleteObject", Resource::Key(&entry.key));
    told.status = 204;
    told.refusal = entry.result.as_ref().err();
    let request_id = match layout {
        ChildLayout::SharedRequest => {
            let version = entry.named_version.as_deref();
            told.parameters.extend(version.map(|version| ("versionId", version)));
            act.request_id.clone()
        }
        ChildLayout::OwnRequest => {
            told.parameters.clear();
            identifiers.request_id()
        }
    };
    record(act, &told, "AwsServiceEvent", &request_id, identifiers)
}

/// The record of a call itself, which alone says when S3 began and ended.
fn called(act: &Act, mut told: Told<'_>, identifiers: &Identifiers) -> Value {
    let names_api = NAMING_CLIENTS.iter().any(|client| act.caller.user_agent.starts_with(client));
    if names_api {
        told.parameters.push(("x-id", told.event_name));
    }
    told.additional.push(("startTime", json!(act.started_at.as_millis())));
    told.additional.push(("endTime", json!(act.ended_at.as_millis())));
    record(act, &told, "AwsApiCall", &act.request_id, identifiers)
}

impl<'a> Told<'a> {
    /// A write that S3 answered with 200 and without a word.
    fn of(act: &'a Act, event_name: &'a str, object: Resource<'a>) -> Self {
        let parameters = match object {
            Resource::Key(key) => vec![("key", key)],
            Resource::AnyKey => Vec::new(),
        };
        Self {
            event_name,
            is_read: false,
            parameters,
            response: Value::Null,
            refusal: act.refusal.as_ref(),
            status: 200,
            additional: nothing_transferred(),
            object,
        }
    }
}

fn nothing_transferred() -> Vec<(&'static str, Value)> {
    vec![("bytesTransferredIn", json!(0)), ("bytesTransferredOut", json!(0))]
}

fn record(
    act: &Act,
    told: &Told<'_>,
    event_type: &str,
    request_id: &str,
    identifiers: &Identifiers,
) -> Value {
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": user_identity(act),
        "eventTime": second(act.ended_at),
        "eventSource": "s3.amazonaws.com",
        "eventName": told.event_name,
        "awsRegion": act.region,
        "sourceIPAddress": act.caller.source_address,
        "userAgent": user_agent(act),
        "requestParameters": request_parameters(act, told),
        "responseElements": told.response,
        "additionalEventData": additional_event_data(act, told),
        "requestID": request_id,
        "eventID": identifiers.uuid(),
        "readOnly": told.is_read,
        "resources": resources(act, told.object),
        "eventType": event_type,
        "managementEvent": false,
        "recipientAccountId": act.bucket_account,
        "eventCategory": "Data",
    });
    if let Some(refusal) = told.refusal {
        record["errorCode"] = json!(refusal.code);
        record["errorMessage"] = json!(refusal.message);
    }
    if !is_service(act) {
        record["tlsDetails"] = json!({
            "tlsVersion": TLS_VERSION,
            "cipherSuite": CIPHER_SUITE,
            "clientProvidedHostHeader": act.caller.host,
        });
    }
    record
}

/// S3 puts brackets around what a client sent; a service's own name stands bare.
fn user_agent(act: &Act) -> String {
    let agent = &act.caller.user_agent;
    if is_service(act) { agent.clone() } else { format!("[{agent}]") }
}

fn request_parameters(act: &Act, told: &Told<'_>) -> Value {
    let mut members = Map::new();
    members.insert("bucketName".into(), json!(act.bucket));
    // A child of the second layout says nothing but its bucket.
    if !told.parameters.is_empty() {
        members.insert("Host".into(), json!(act.caller.host));
    }
    members.extend(told.parameters.iter().map(|(name, value)| ((*name).into(), json!(value))));
    members.into()
}

fn additional_event_data(act: &Act, told: &Told<'_>) -> Value {
    let mut members = Map::new();
    if act.caller.principal.is_some() {
        members.insert("SignatureVersion".into(), json!("SigV4"));
        members.insert("AuthenticationMethod".into(), json!("AuthHeader"));
    }
    members.insert("CipherSuite".into(), json!(CIPHER_SUITE));
    members.insert("x-amz-id-2".into(), json!(act.host_id));
    let status = told.refusal.map_or(told.status, |refusal| refusal.status);
    members.insert("httpStatusCode".into(), json!(status));
    members.extend(told.additional.iter().map(|(name, value)| ((*name).into(), value.clone())));
    members.into()
}

fn resources(act: &Act, object: Resource<'_>) -> Value {
    let bucket_arn = format!("arn:aws:s3:::{}", act.bucket);
    let object = match object {
        Resource::Key(key) => {
            json!({ "type": "AWS::S3::Object", "ARN": format!("{bucket_arn}/{key}") })
        }
        Resource::AnyKey => {
            json!({ "type": "AWS::S3::Object", "ARNPrefix": format!("{bucket_arn}/") })
        }
    };
    let bucket = json!({
        "type": "AWS::S3::Bucket",
        "accountId": act.bucket_account,
        "ARN": bucket_arn,
    });
    json!([bucket, object])
}
