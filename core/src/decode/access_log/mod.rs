//! One line of a server access log: S3 deletion evidence, or nothing to us, or refused with a
//! reason. It sees one line at a time.
//!
//! A line has 18 fields, or 25 to 27 since 2018, and later ones may have more. A bulk call has a
//! line of its own (`REST.POST.MULTI_OBJECT_DELETE`) and one for each of its keys
//! (`BATCH.DELETE.OBJECT`) with the same request id. What a lifecycle rule does has no request.
//!
//! The last documented field, the source region, is where the caller was, not the bucket; account
//! and region of the bucket are only told by the path of a log that is partitioned by date.

mod head;
mod key;
mod requester;
mod tail;
#[cfg(test)]
mod tests;
mod touch;

use self::head::Head;
pub(super) use self::head::is_access_log;
use self::key::key_of;
use self::requester::actor_of;
use self::tail::Tail;
pub(super) use self::touch::touch_of_line;
use super::bucket_name::bucket_name;
use super::cloudtrail::Refusal;
use super::fingerprint::{fingerprint, identity};
use super::lenient::capped;
use super::log_key::LogPath;
use super::reject::RejectReason;
use crate::domain::{
    Actor, Api, Call, Cause, Evidence, Mark, Outcome, RemovalRole, Source, Target, Timestamp,
};

/// What an operation column means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// A call for one key.
    Delete,
    /// A bulk call, without its keys.
    BulkDelete,
    /// A key of a bulk call.
    BulkKey,
    /// A lifecycle rule removed an object or a version.
    Expire,
    /// A lifecycle rule made a delete marker.
    ExpireToMarker,
}

impl Operation {
    /// The operation; `None` for all that deletes no object. An upload that is aborted, tags that
    /// are deleted and the like have operations of their own.
    fn of(operation: &str) -> Option<Self> {
        match operation {
            "REST.DELETE.OBJECT" => Some(Self::Delete),
            "REST.POST.MULTI_OBJECT_DELETE" => Some(Self::BulkDelete),
            "BATCH.DELETE.OBJECT" => Some(Self::BulkKey),
            "S3.EXPIRE.OBJECT" => Some(Self::Expire),
            "S3.CREATE.DELETEMARKER" => Some(Self::ExpireToMarker),
            _ => None,
        }
    }

    const fn call(self) -> Option<Api> {
        match self {
            Self::Delete => Some(Api::DeleteObject),
            Self::BulkDelete => Some(Api::DeleteObjects),
            Self::BulkKey | Self::Expire | Self::ExpireToMarker => None,
        }
    }

    const fn is_lifecycle(self) -> bool {
        matches!(self, Self::Expire | Self::ExpireToMarker)
    }
}

/// What a line says was removed.
struct Removed {
    role: RemovalRole,
    target: Target,
    mark: Mark,
    marker_version_id: Option<String>,
}

/// Reads one line. `None` is a line about anything but an S3 delete.
///
/// # Errors
/// When it may be about an S3 delete, but cannot be counted as one.
pub(super) fn read_line(line: &[u8], path: &LogPath) -> Result<Option<Evidence>, Refusal> {
    // A user agent may be sent in any encoding; a delete is not lost for it.
    let text = String::from_utf8_lossy(line);
    let head = Head::of(&text)
        .ok_or_else(|| refusal(RejectReason::MalformedLine, "it ends before its operation"))?;
    let Some(operation) = Operation::of(head.operation) else { return Ok(None) };
    let tail = Tail::of(head.rest).map_err(|why| refusal(RejectReason::MalformedLine, why))?;
    let is_lossy = matches!(text, std::borrow::Cow::Owned(_));
    if is_lossy && !is_readable(&head, &tail) {
        let detail = "a line about a delete holds bytes that are no UTF-8";
        return Err(refusal(RejectReason::InvalidUtf8, detail));
    }
    evidence_of(operation, &head, &tail, line, path).map(Some)
}

/// The time of a line of any kind, when it is readable.
pub(super) fn time_of_line(line: &[u8]) -> Option<Timestamp> {
    Head::of(&String::from_utf8_lossy(line))?.at()
}

fn refusal(reason: RejectReason, detail: &str) -> Refusal {
    Refusal { reason, detail: detail.to_owned() }
}

/// Whether no byte was replaced in what says which delete this was.
fn is_readable(head: &Head<'_>, tail: &Tail<'_>) -> bool {
    let version = tail.version_id.unwrap_or_default();
    ![head.bucket, head.requester, head.request_id, tail.key, version]
        .iter()
        .any(|field| field.contains(char::REPLACEMENT_CHARACTER))
}

fn evidence_of(
    operation: Operation,
    head: &Head<'_>,
    tail: &Tail<'_>,
    line: &[u8],
    path: &LogPath,
) -> Result<Evidence, Refusal> {
    let at = head
        .at()
        .ok_or_else(|| refusal(RejectReason::MissingTime, "what is in brackets is no time"))?;
    let bucket =
        bucket_name(told(head.bucket)).map_err(|(reason, detail)| Refusal { reason, detail })?;
    check_bucket(path, &bucket)?;
    let outcome = outcome_of(operation, tail);
    let removed = removed(operation, outcome, tail.version_id);
    let key = match operation {
        Operation::BulkDelete => None,
        _ => Some(key_of(tail.key, tail.target, &bucket).ok_or_else(|| {
            refusal(
                RejectReason::MalformedLine,
                "the key holds spaces, and the request another key",
            )
        })?),
    };
    Ok(Evidence {
        id: identity("al", at, &fingerprint(line)),
        source: Source::AccessLog,
        call: operation.call().map(|api| Call { api, outcome }),
        role: removed.role,
        bucket: bucket.into(),
        key,
        target: removed.target,
        mark: removed.mark,
        cause: if operation.is_lifecycle() { Cause::Lifecycle } else { Cause::Api },
        request_id: told(head.request_id).map(Into::into),
        event_id: None,
        shared_event_id: None,
        amends_event_id: None,
        account: path.account.as_deref().unwrap_or_default().into(),
        region: path.region.as_deref().unwrap_or_default().into(),
        at,
        started_at: None,
        ended_at: None,
        total_millis: tail.total_millis,
        sequencer: None,
        http_status: tail.http_status,
        error_code: tail.error_code.map(str::to_owned),
        marker_version_id: removed.marker_version_id,
        actor: Actor {
            source_ip: told(head.remote_ip).map(capped),
            user_agent: tail.user_agent.map(capped),
            ..actor_of(head.requester, !operation.is_lifecycle())
        }
        .into(),
    })
}

/// A call without a status was never answered; what a lifecycle rule does has none.
fn outcome_of(operation: Operation, tail: &Tail<'_>) -> Outcome {
    match Outcome::from_error(tail.error_code, tail.http_status) {
        Outcome::Ok if tail.http_status.is_none() && !operation.is_lifecycle() => Outcome::Failed,
        outcome => outcome,
    }
}

/// The version column has the version that was asked for, never that of a marker that was made; a
/// 204 without one may be either an object that is gone or a marker.
fn removed(operation: Operation, outcome: Outcome, version_id: Option<&str>) -> Removed {
    let is_claim = operation != Operation::BulkDelete && outcome == Outcome::Ok;
    let role = if is_claim { RemovalRole::Claim } else { RemovalRole::None };
    let target = match operation {
        Operation::BulkDelete => Target::Unknown,
        Operation::ExpireToMarker => Target::Current,
        _ => Target::named(version_id),
    };
    let mark = match (operation, &target, version_id) {
        _ if !is_claim => Mark::Unknown,
        (Operation::ExpireToMarker, ..) => Mark::Marker,
        (_, Target::Version(_), _) => Mark::Version,
        // The null version has an id that names no version: it is the object itself.
        (Operation::Expire, ..) | (_, Target::Current, Some(_)) => Mark::Object,
        _ => Mark::Unknown,
    };
    let marker_version_id = version_id
        .filter(|_| operation == Operation::ExpireToMarker && is_claim)
        .map(str::to_owned);
    Removed { role, target, mark, marker_version_id }
}

/// Whoever may write to the folder of one bucket's log must not speak for another bucket.
fn check_bucket(path: &LogPath, bucket: &str) -> Result<(), Refusal> {
    match path.bucket.as_deref() {
        Some(told) if told != bucket => {
            let detail = format!("the line names bucket {bucket}, the path of its file {told}");
            Err(refusal(RejectReason::AccountMismatch, &detail))
        }
        _ => Ok(()),
    }
}

/// A field, if it says something.
fn told(field: &str) -> Option<&str> {
    (!matches!(field, "" | "-")).then_some(field)
}
