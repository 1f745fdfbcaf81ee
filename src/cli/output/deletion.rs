//! Deletions and what belongs to them as JSON: the names that programs rely on. Times are RFC 3339
//! in UTC, durations seconds.

use deltrail_core::domain::{Actor, Api, Created, ProtectionChange, Provenance, Request, Target};
use serde::Serialize;

use super::text::source_names;
use crate::store::{DeletionRow, IntentState, KeyIntent, Refusal, UnresolvedCall};

/// One removal.
#[expect(clippy::struct_excessive_bools, reason = "it is JSON, which has no other type for them")]
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Deletion<'a> {
    pub(super) bucket: &'a str,
    /// Null when no source says which key it was.
    pub(super) key: Option<&'a str>,
    /// Tells the removals of one key apart.
    id: &'a str,
    pub(super) at: String,
    /// `second`: it happened within the second that `at` begins.
    pub(super) at_precision: &'static str,
    pub(super) kind: &'static str,
    pub(super) cause: &'static str,
    /// What the caller named: `current`, `version` or `unknown`.
    target: &'static str,
    pub(super) version_id: Option<&'a str>,
    pub(super) marker_version_id: Option<&'a str>,
    pub(super) is_undelete: bool,
    pub(super) is_confirmed: bool,
    /// Whether S3's word is missing although it tells of the bucket.
    is_unconfirmed: bool,
    notified_at: Option<String>,
    sources: Vec<&'static str>,
    /// Whether what is said of it is final; else it may change.
    pub(super) is_settled: bool,
    pub(super) duplicate_of: Option<Duplicate<'a>>,
    /// Null while no uploads of the bucket are known.
    pub(super) is_stale: Option<bool>,
    stale: Option<Stale<'a>>,
    pub(super) actor: Who<'a>,
    pub(super) request_id: Option<&'a str>,
    pub(super) request: Option<Call<'a>>,
    pub(super) latency: Latency,
    pub(super) intents: Vec<Declared<'a>>,
    pub(super) provenance: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Duplicate<'a> {
    id: &'a str,
    at: Option<String>,
    pub(super) request_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Stale<'a> {
    uploaded: Upload<'a>,
    replaced: Upload<'a>,
}

#[derive(Debug, Serialize)]
struct Upload<'a> {
    at: String,
    version_id: Option<&'a str>,
    actor: Who<'a>,
}

/// Who asked.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Who<'a> {
    kind: &'static str,
    pub(super) name: Option<&'a str>,
    pub(super) session: Option<&'a str>,
    pub(super) arn: Option<&'a str>,
    #[serde(rename = "type")]
    identity_type: Option<&'a str>,
    principal_id: Option<&'a str>,
    pub(super) account_id: Option<&'a str>,
    user_name: Option<&'a str>,
    pub(super) access_key_id: Option<&'a str>,
    session_issuer_arn: Option<&'a str>,
    invoked_by: Option<&'a str>,
    pub(super) source_ip: Option<&'a str>,
    pub(super) user_agent: Option<&'a str>,
    is_console: bool,
}

/// A request that S3 answered.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Call<'a> {
    request_id: Option<&'a str>,
    pub(super) api: &'static str,
    pub(super) outcome: &'static str,
    at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    http_status: Option<u16>,
    error_code: Option<&'a str>,
    sources: Vec<&'static str>,
}

#[expect(clippy::struct_field_names, reason = "in JSON the unit is a part of the name")]
#[derive(Debug, Serialize)]
pub(super) struct Latency {
    pub(super) service_seconds: Option<f64>,
    pub(super) access_log_seconds: Option<f64>,
    pub(super) confirmed_seconds: Option<f64>,
}

/// A declared delete.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Declared<'a> {
    pub(super) id: &'a str,
    requested_at: String,
    by: Option<&'a str>,
    #[serde(rename = "ref")]
    reference: Option<&'a str>,
    state: &'static str,
    latency_seconds: Option<f64>,
}

/// A refused attempt.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Refused<'a> {
    at: String,
    request_id: Option<&'a str>,
    api: Option<&'static str>,
    outcome: &'static str,
    error_code: Option<&'a str>,
    http_status: Option<u16>,
    version_id: Option<&'a str>,
    sources: Vec<&'static str>,
    actor: Who<'a>,
}

/// A change of protection.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Protection<'a> {
    at: String,
    service: &'a str,
    event_name: &'a str,
    resource: Option<&'a str>,
    detail: Option<&'a str>,
    outcome: &'static str,
    error_code: Option<&'a str>,
    request_id: Option<&'a str>,
    actor: Who<'a>,
}

/// A bulk delete without a known key.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Unresolved<'a> {
    #[serde(flatten)]
    request: Call<'a>,
    is_settled: bool,
    actor: Who<'a>,
}

impl<'a> Deletion<'a> {
    pub(in crate::cli) fn of(row: &'a DeletionRow) -> Self {
        let removal = &row.removal;
        let (target, version_id) = target_of(&removal.target);
        let service = row.request.as_ref().and_then(Request::service_millis);
        let access_log = row.request.as_ref().and_then(Request::access_log_millis);
        Self {
            bucket: &row.bucket,
            key: row.key.as_deref(),
            id: &removal.identity,
            at: removal.at.to_string(),
            at_precision: if removal.is_coarse { "second" } else { "millisecond" },
            kind: removal.kind.as_str(),
            cause: removal.cause.as_str(),
            target,
            version_id,
            marker_version_id: removal.marker_version_id.as_deref(),
            is_undelete: row.said.is_undelete,
            is_confirmed: removal.is_confirmed,
            is_unconfirmed: row.said.is_unconfirmed,
            notified_at: removal.notified_at.map(|at| at.to_string()),
            sources: source_names(removal.sources),
            is_settled: row.is_settled,
            duplicate_of: row.said.duplicate_of.as_deref().map(|id| Duplicate {
                id,
                at: row.repeats.as_ref().map(|repeated| repeated.at.to_string()),
                request_id: row.repeats.as_ref().and_then(|it| it.request_id.as_deref()),
            }),
            is_stale: row.said.is_stale,
            stale: row.stale.as_ref().map(|stale| Stale {
                uploaded: Upload::of(&stale.fresh),
                replaced: Upload::of(&stale.replaced),
            }),
            actor: Who::of(&removal.actor),
            request_id: removal.request_id.as_deref(),
            request: row.request.as_ref().map(Call::of),
            latency: Latency {
                service_seconds: service.map(seconds),
                access_log_seconds: access_log.map(seconds),
                confirmed_seconds: row.confirmed_millis().map(seconds),
            },
            intents: row.intents.iter().map(Declared::of).collect(),
            provenance: match row.provenance {
                Provenance::Live => "live",
                Provenance::Backfill => "backfill",
            },
        }
    }
}

impl<'a> Upload<'a> {
    fn of(write: &'a Created) -> Self {
        Self {
            at: write.moment.at.to_string(),
            version_id: write.version_id.as_deref(),
            actor: Who::of(&write.actor),
        }
    }
}

impl<'a> Who<'a> {
    fn of(actor: &'a Actor) -> Self {
        let principal = actor.principal();
        Self {
            kind: actor.kind().as_str(),
            name: principal.map(|principal| principal.name),
            session: principal.and_then(|principal| principal.session),
            arn: actor.arn.as_deref(),
            identity_type: actor.identity_type.as_deref(),
            principal_id: actor.principal_id.as_deref(),
            account_id: actor.account_id.as_deref(),
            user_name: actor.user_name.as_deref(),
            access_key_id: actor.access_key_id.as_deref(),
            session_issuer_arn: actor.session_issuer_arn.as_deref(),
            invoked_by: actor.invoked_by.as_deref(),
            source_ip: actor.source_ip.as_deref(),
            user_agent: actor.user_agent.as_deref(),
            is_console: actor.console,
        }
    }
}

impl<'a> Call<'a> {
    fn of(request: &'a Request) -> Self {
        Self {
            request_id: request.request_id.as_deref(),
            api: request.api.as_str(),
            outcome: request.outcome.as_str(),
            at: request.at.to_string(),
            started_at: request.started_at.map(|at| at.to_string()),
            ended_at: request.ended_at.map(|at| at.to_string()),
            http_status: request.http_status,
            error_code: request.error_code.as_deref(),
            sources: source_names(request.sources),
        }
    }
}

impl<'a> Declared<'a> {
    pub(in crate::cli) fn of(declared: &'a KeyIntent) -> Self {
        let (state, latency) = match declared.state {
            IntentState::Pending => ("pending", None),
            IntentState::Fulfilled { millis } => ("fulfilled", millis),
            IntentState::Unfulfilled => ("unfulfilled", None),
        };
        Self {
            id: &declared.intent.id,
            requested_at: declared.intent.requested_at.to_string(),
            by: declared.intent.by.as_deref(),
            reference: declared.intent.reference.as_deref(),
            state,
            latency_seconds: latency.map(seconds),
        }
    }
}

impl<'a> Refused<'a> {
    pub(in crate::cli) fn of(refusal: &'a Refusal) -> Self {
        Self {
            at: refusal.at.to_string(),
            request_id: refusal.request_id.as_deref(),
            api: refusal.api.map(Api::as_str),
            outcome: refusal.outcome.as_str(),
            error_code: refusal.error_code.as_deref(),
            http_status: refusal.http_status,
            version_id: target_of(&refusal.target).1,
            sources: source_names(refusal.sources),
            actor: Who::of(&refusal.actor),
        }
    }
}

impl<'a> Protection<'a> {
    pub(in crate::cli) fn of(change: &'a ProtectionChange) -> Self {
        Self {
            at: change.at.to_string(),
            service: &change.service,
            event_name: &change.event_name,
            resource: change.resource.as_deref(),
            detail: change.detail.as_deref(),
            outcome: change.outcome.as_str(),
            error_code: change.error_code.as_deref(),
            request_id: change.request_id.as_deref(),
            actor: Who::of(&change.actor),
        }
    }
}

impl<'a> Unresolved<'a> {
    pub(in crate::cli) fn of(call: &'a UnresolvedCall) -> Self {
        Self {
            request: Call::of(&call.request),
            is_settled: call.is_settled,
            actor: Who::of(&call.request.actor),
        }
    }
}

fn target_of(target: &Target) -> (&'static str, Option<&str>) {
    match target {
        Target::Unknown => ("unknown", None),
        Target::Current => ("current", None),
        Target::Version(version) => ("version", Some(version)),
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1_000.0
}
