//! What a document says, read out of a `serde_json::Value` of all of it: one plain rule after the
//! other, without any haste. It shares no code with the readers that it judges but the types of
//! what is told.

use serde_json::Value;

use crate::decode::{Decoded, LogPath};
use crate::domain::{
    Actor, ActorKind, Api, Call, Cause, Evidence, Mark, Outcome, RemovalRole, Source, Target,
    Timestamp,
};

/// What all records of a document amount to.
#[derive(Debug, PartialEq)]
pub(super) struct Judged {
    pub(super) deletions: Vec<(u64, Evidence)>,
    /// Positions of the records that may be deletes, but cannot be read.
    pub(super) refused: Vec<u64>,
    pub(super) ignored: u64,
    pub(super) newest_event_at: Option<Timestamp>,
}

/// What a decoder told, in the judge's terms.
pub(super) fn told(decoded: &Decoded) -> Judged {
    let deletion = |evidence: Evidence| Evidence { id: without_fingerprint(&evidence), ..evidence };
    let of_fact = |located: &crate::decode::Located| {
        (located.record_index, deletion(located.fact.clone().deletion().expect("a deletion")))
    };
    Judged {
        deletions: decoded.facts.iter().map(of_fact).collect(),
        refused: decoded.rejected.iter().map(|r| r.record_index.expect("a record")).collect(),
        ignored: decoded.ignored,
        newest_event_at: decoded.newest_event_at,
    }
}

/// The identity, without the digest of a record that has no id or updates another's.
fn without_fingerprint(evidence: &Evidence) -> String {
    let is_update = evidence.id.contains(":updated:");
    let digits = if is_update || evidence.event_id.is_none() { 32 } else { 0 };
    evidence.id[..evidence.id.len() - digits].to_owned()
}

/// Reads a document, whose records are written so.
pub(super) fn judge(document: &str, records: &[String], path: &LogPath) -> Judged {
    let document: Value = serde_json::from_str(document).expect("the judge can read it");
    let list = document.as_array().or_else(|| document["Records"].as_array()).expect("records");
    assert_eq!(list.len(), records.len());
    let (mut deletions, mut refused, mut ignored, mut times) = (vec![], vec![], 0, vec![]);
    for ((index, record), written) in (0..).zip(list).zip(records) {
        match judge_record(record, written, path) {
            Verdict::Deletion(evidence) => {
                times.push(evidence.at);
                deletions.push((index, *evidence));
            }
            Verdict::Refused => refused.push(index),
            Verdict::Ignored => {
                ignored += 1;
                // The first record's time is looked at, whatever it is.
                times.extend(time(&record["eventTime"]).filter(|_| index == 0));
            }
        }
    }
    Judged { deletions, refused, ignored, newest_event_at: times.into_iter().max() }
}

enum Verdict {
    Deletion(Box<Evidence>),
    Refused,
    Ignored,
}

fn judge_record(record: &Value, written: &str, path: &LogPath) -> Verdict {
    if !record.is_object() {
        return Verdict::Refused;
    }
    let source = filled(&record["eventSource"]);
    let service = source.map(|source| source.trim().trim_end_matches(".cn"));
    let is_s3 = service.is_some_and(|s| s.starts_with("s3") && s.ends_with(".amazonaws.com"));
    let name = &record["eventName"];
    let api = match text(name) {
        Some("DeleteObject") => Api::DeleteObject,
        Some("DeleteObjects") => Api::DeleteObjects,
        // A name that is none, in a record that speaks of deleting.
        None if is_s3 && !name.is_null() && written.contains("\"DeleteObject") => {
            return Verdict::Refused;
        }
        _ => return Verdict::Ignored,
    };
    match deletion(record, api, path) {
        _ if source.is_none() => Verdict::Refused,
        _ if !is_s3 => Verdict::Ignored,
        Some(evidence) => Verdict::Deletion(Box::new(evidence)),
        None => Verdict::Refused,
    }
}

/// `None` when something is missing without which no delete can be told.
fn deletion(record: &Value, api: Api, path: &LogPath) -> Option<Evidence> {
    let request = &record["requestParameters"];
    let details = &record["serviceEventDetails"];
    let additional = &record["additionalEventData"];
    let addendum = &record["addendum"];
    is_major_version_one(&record["eventVersion"]).then_some(())?;
    let account = account(&record["recipientAccountId"]);
    let region = shown(&record["awsRegion"]).unwrap_or_default();
    for (of_path, of_record) in [(&path.account, &account), (&path.region, &region)] {
        let agrees = of_path.as_ref().is_none_or(|of_path| of_path == of_record);
        (agrees || of_record.is_empty()).then_some(())?;
    }
    let ended_at = millis(&additional["endTime"]);
    let status = whole(&additional["httpStatusCode"]).and_then(|status| status.try_into().ok());
    let code = error_code(&record["errorCode"]);
    let outcome = Outcome::from_error(code.as_deref(), status);
    let is_update = text(&addendum["reason"]) == Some("UPDATED_DATA");
    let is_child = text(&record["eventType"]) == Some("AwsServiceEvent");
    let is_single = api == Api::DeleteObject;
    let is_request = !is_single || !is_child;
    let role = match outcome {
        Outcome::Ok if is_single && !is_update && is_child => RemovalRole::Child,
        Outcome::Ok if is_single && !is_update => RemovalRole::Claim,
        _ => RemovalRole::None,
    };
    let is_removal = role != RemovalRole::None;
    let event_id = shown(&record["eventID"]);
    let amended_id = shown(&addendum["originalRequestID"]).filter(|_| is_update);
    let request_id = amended_id.or_else(|| shown(&record["requestID"]));
    let version = shown(&request["versionId"])
        .or_else(|| shown(&request["VersionId"]))
        .or_else(|| filled(&details["versionId"]).map(str::to_owned))
        .filter(|_| is_single);
    let answer = &record["responseElements"];
    let is_marker = is_removal && version.is_none() && flag(&answer["x-amz-delete-marker"]);
    let (target, mark) = removed(role, is_single, version.as_deref(), is_marker);
    let actor = actor(record);
    Some(Evidence {
        id: identity(&account, event_id.as_deref(), is_update),
        source: Source::CloudTrail,
        call: (is_request && !is_update).then_some(Call { api, outcome }),
        role,
        bucket: bucket(record)?.into(),
        key: key(record)
            .map(str::to_owned)
            .or_else(|| is_removal.then(String::new))
            .filter(|_| is_single),
        target,
        mark,
        cause: if actor.kind() == ActorKind::Lifecycle { Cause::Lifecycle } else { Cause::Api },
        request_id: request_id.as_deref().map(Into::into),
        amends_event_id: is_update
            .then(|| shown(&addendum["originalEventID"]).or_else(|| event_id.clone()))
            .flatten(),
        event_id,
        shared_event_id: shown(&record["sharedEventID"]),
        at: time(&record["eventTime"]).or(ended_at)?,
        started_at: millis(&additional["startTime"]),
        ended_at,
        total_millis: None,
        sequencer: None,
        http_status: status,
        error_code: code,
        marker_version_id: shown(&answer["x-amz-version-id"]).filter(|_| is_marker),
        actor: actor.into(),
        account: account.as_str().into(),
        region: region.as_str().into(),
    })
}

/// Without the digest, where there is one.
fn identity(account: &str, event_id: Option<&str>, is_update: bool) -> String {
    match event_id {
        Some(id) if is_update => format!("ct:{account}:{id}:updated:"),
        Some(id) => format!("ct:{account}:{id}"),
        None => format!("ct:{account}:#"),
    }
}

fn removed(
    role: RemovalRole,
    is_single: bool,
    version: Option<&str>,
    is_marker: bool,
) -> (Target, Mark) {
    match (role, version) {
        _ if !is_single => (Target::Unknown, Mark::Unknown),
        (RemovalRole::None, version) => (Target::named(version), Mark::Unknown),
        (RemovalRole::Claim, Some("null" | "-")) => (Target::Current, Mark::Object),
        (_, Some("null" | "-")) => (Target::Current, Mark::Unknown),
        (_, Some(version)) => (Target::Version(version.to_owned()), Mark::Version),
        (_, None) if is_marker => (Target::Current, Mark::Marker),
        (RemovalRole::Claim, None) => (Target::Current, Mark::Object),
        (RemovalRole::Child, None) => (Target::Unknown, Mark::Unknown),
    }
}

fn actor(record: &Value) -> Actor {
    let identity = &record["userIdentity"];
    let agent = filled(&record["userAgent"]);
    let bare = |agent: &str| {
        let is_wrapped = agent.len() >= 2 && agent.starts_with('[') && agent.ends_with(']');
        cut(if is_wrapped { &agent[1..agent.len() - 1] } else { agent })
    };
    Actor {
        arn: shown(&identity["arn"]),
        identity_type: shown(&identity["type"]),
        principal_id: shown(&identity["principalId"]),
        account_id: match &identity["accountId"] {
            Value::Number(number) => Some(number.to_string()),
            other => shown(other),
        },
        user_name: shown(&identity["userName"]),
        access_key_id: shown(&identity["accessKeyId"]),
        session_issuer_arn: shown(&identity["sessionContext"]["sessionIssuer"]["arn"]),
        invoked_by: shown(&identity["invokedBy"]),
        source_ip: shown(&record["sourceIPAddress"]),
        user_agent: agent.map(bare),
        console: flag(&record["sessionCredentialFromConsole"]),
    }
}

/// The bucket that is named, unless that is an access point: then the one among the resources.
fn bucket(record: &Value) -> Option<&str> {
    let named = filled(&record["requestParameters"]["bucketName"]);
    let is_alias = |name: &&str| name.starts_with("arn:") || name.ends_with("-s3alias");
    let of_kind = |kind: &str| {
        let place = resource(record, kind)?;
        Some(place.split_once('/').map_or(place, |(bucket, _)| bucket))
    };
    named
        .filter(|name| !is_alias(name))
        .or_else(|| of_kind("AWS::S3::Bucket"))
        .or_else(|| of_kind("AWS::S3::Object"))
        .or(named)
        .or_else(|| filled(&record["serviceEventDetails"]["bucketName"]))
}

fn key(record: &Value) -> Option<&str> {
    let request = &record["requestParameters"];
    filled(&request["key"])
        .or_else(|| filled(&request["Key"]))
        .or_else(|| Some(resource(record, "AWS::S3::Object")?.split_once('/')?.1))
        .or_else(|| filled(&record["serviceEventDetails"]["key"]))
}

/// What the first resource of this kind is, behind the beginning that all S3 ARNs have.
fn resource<'a>(record: &'a Value, kind: &str) -> Option<&'a str> {
    let list = record["resources"].as_array()?;
    let mut of_kind = list.iter().filter(|resource| resource["type"] == kind);
    of_kind.find_map(|resource| resource["ARN"].as_str()?.strip_prefix("arn:aws:s3:::"))
}

fn is_major_version_one(version: &Value) -> bool {
    let written = match version {
        Value::Number(number) => number.to_string(),
        Value::Null => return true,
        other => text(other).unwrap_or_default().to_owned(),
    };
    written.split('.').next().unwrap_or_default().trim() == "1"
}

fn account(value: &Value) -> String {
    match value {
        Value::Number(_) => whole(value).map(|account| format!("{account:012}")),
        other => filled(other).map(str::to_owned),
    }
    .unwrap_or_default()
}

fn error_code(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Number(_) if whole(value) == Some(403) => Some("AccessDenied".to_owned()),
        other if text(other).is_some() => shown(other),
        other => Some(cut(&other.to_string())),
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    Timestamp::parse(text(value)?).ok()
}

fn millis(value: &Value) -> Option<Timestamp> {
    let millis = whole(value).filter(|millis| (1..=253_402_300_799_999).contains(millis))?;
    Some(Timestamp::from_millis(millis.try_into().unwrap()))
}

/// A whole number, however it is written; a fraction is dropped.
fn whole(value: &Value) -> Option<u64> {
    let written = match value {
        Value::Number(number) => number.to_string(),
        other => text(other)?.trim().to_owned(),
    };
    written.parse::<u64>().ok().or_else(|| {
        let float = written.parse::<f64>().ok().filter(|float| (0.0..=9e15).contains(float))?;
        format!("{:.0}", float.floor()).parse().ok()
    })
}

fn flag(value: &Value) -> bool {
    value == &Value::Bool(true) || text(value).is_some_and(|text| text.to_lowercase() == "true")
}

/// A text, or a list of just one.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Array(list) if list.len() == 1 => list[0].as_str(),
        other => other.as_str(),
    }
}

fn filled(value: &Value) -> Option<&str> {
    text(value).filter(|text| !text.is_empty())
}

fn shown(value: &Value) -> Option<String> {
    filled(value).map(cut)
}

/// As much of a text as is kept: the characters that fit into 2 KiB.
fn cut(text: &str) -> String {
    let mut bytes = 0;
    let fits = |character: &char| {
        bytes += character.len_utf8();
        bytes <= 2_048
    };
    text.chars().take_while(fits).collect()
}
