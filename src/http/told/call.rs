//! Requests, what was refused of them, and changes of protection as JSON. What was told reads back
//! as what it was told of, but for what nobody is told. It asks nothing.

use deltrail_core::domain::{Api, Outcome, ProtectionChange, Request, Source, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deletion::Who;
use super::values::{
    Learnt, Seconds, TargetKind, Text, Time, Word, owned, set_of, sources_of, told,
};
use crate::store::{Refusal, RefusedKey, RequestRow, UnresolvedCall};

/// A request that S3 answered.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Call<'a> {
    /// Its id (x-amz-request-id).
    pub request_id: Option<Text<'a>>,
    /// What was called.
    pub api: Word<Api>,
    /// How it ended.
    pub outcome: Word<Outcome>,
    /// When it was.
    pub at: Time,
    /// When S3 began to serve it.
    pub started_at: Option<Time>,
    /// When S3 had served it.
    pub ended_at: Option<Time>,
    /// The Total Time of its line in the access log.
    pub total_seconds: Option<Seconds>,
    /// The HTTP status.
    pub http_status: Option<u16>,
    /// The error code.
    pub error_code: Option<Text<'a>>,
    /// What it rests on.
    pub sources: Vec<Word<Source>>,
}

/// A request by itself.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct WholeCall<'a> {
    /// The request.
    #[serde(flatten)]
    pub call: Call<'a>,
    /// The bucket.
    pub bucket: Text<'a>,
    /// The key of a single delete; null for a bulk one.
    pub key: Option<Text<'a>>,
    /// The account that it was logged for; empty when not said.
    pub account: Text<'a>,
    /// The AWS region; empty when not said.
    pub region: Text<'a>,
    /// Who asked.
    pub actor: Who<'a>,
    /// Whether it is a bulk delete of which no source tells a key, and none will.
    pub is_unresolved: bool,
    /// Whether it was learnt as it happened.
    pub provenance: Word<Learnt>,
}

/// A refused attempt.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Refused<'a> {
    /// When it was.
    pub at: Time,
    /// The id of the request.
    pub request_id: Option<Text<'a>>,
    /// What was called; null for a key of a bulk delete.
    pub api: Option<Word<Api>>,
    /// How it ended.
    pub outcome: Word<Outcome>,
    /// The error code.
    pub error_code: Option<Text<'a>>,
    /// The HTTP status.
    pub http_status: Option<u16>,
    /// The version that the caller named.
    pub version_id: Option<Text<'a>>,
    /// What it rests on.
    pub sources: Vec<Word<Source>>,
    /// Who asked.
    pub actor: Who<'a>,
}

/// A key of a bulk delete that was refused.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct WholeRefused<'a> {
    /// The key; null when no source says which one it was.
    pub key: Option<Text<'a>>,
    /// How it was refused.
    #[serde(flatten)]
    pub refused: Refused<'a>,
}

/// A change of what protects objects, or of what tells of their loss.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Protection<'a> {
    /// When it was.
    pub at: Time,
    /// The service that was called.
    pub service: Text<'a>,
    /// What was called.
    pub event_name: Text<'a>,
    /// The bucket, when it is about one.
    pub bucket: Option<Text<'a>>,
    /// The trail, key or job that it is about.
    pub resource: Option<Text<'a>>,
    /// What was asked for.
    pub detail: Option<Text<'a>>,
    /// How it ended.
    pub outcome: Word<Outcome>,
    /// The error code.
    pub error_code: Option<Text<'a>>,
    /// The id of the request.
    pub request_id: Option<Text<'a>>,
    /// Who asked.
    pub actor: Who<'a>,
}

/// A bulk delete of which no key is known.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Unresolved<'a> {
    /// The request.
    #[serde(flatten)]
    pub request: Call<'a>,
    /// Whether that is final; else its keys may still come.
    pub is_settled: bool,
    /// Who asked.
    pub actor: Who<'a>,
}

impl<'a> Call<'a> {
    /// What is told of a request.
    #[must_use]
    pub fn of(request: &'a Request) -> Self {
        Self {
            request_id: told(request.request_id.as_deref()),
            api: Word(request.api),
            outcome: Word(request.outcome),
            at: Time(request.at),
            started_at: request.started_at.map(Time),
            ended_at: request.ended_at.map(Time),
            total_seconds: request.total_millis.map(Seconds),
            http_status: request.http_status,
            error_code: told(request.error_code.as_deref()),
            sources: sources_of(request.sources),
        }
    }

    /// The request that it was told of.
    pub(super) fn request(&self, bucket: &str, actor: &Who<'_>) -> Request {
        Request {
            identity: String::new(),
            bucket: bucket.into(),
            key: None,
            api: self.api.0,
            outcome: self.outcome.0,
            request_id: self.request_id.as_deref().map(Into::into),
            account: "".into(),
            region: "".into(),
            at: self.at.0,
            started_at: self.started_at.map(|at| at.0),
            ended_at: self.ended_at.map(|at| at.0),
            total_millis: self.total_seconds.map(|it| it.0),
            http_status: self.http_status,
            error_code: owned(self.error_code.as_ref()),
            sources: set_of(&self.sources),
            actor: actor.actor(),
        }
    }
}

impl<'a> WholeCall<'a> {
    /// What is told of a request by itself.
    #[must_use]
    pub fn of(row: &'a RequestRow) -> Self {
        let request = &row.request;
        Self {
            call: Call::of(request),
            bucket: Text::Borrowed(&request.bucket),
            key: told(request.key.as_deref()),
            account: Text::Borrowed(&request.account),
            region: Text::Borrowed(&request.region),
            actor: Who::of(&request.actor),
            is_unresolved: row.is_unresolved,
            provenance: Word(Learnt::of(row.provenance)),
        }
    }
}

impl<'a> Refused<'a> {
    /// What is told of a refusal.
    #[must_use]
    pub fn of(refusal: &'a Refusal) -> Self {
        Self {
            at: Time(refusal.at),
            request_id: told(refusal.request_id.as_deref()),
            api: refusal.api.map(Word),
            outcome: Word(refusal.outcome),
            error_code: told(refusal.error_code.as_deref()),
            http_status: refusal.http_status,
            version_id: told(TargetKind::of(&refusal.target).1),
            sources: sources_of(refusal.sources),
            actor: Who::of(&refusal.actor),
        }
    }

    /// The refusal that it was told of.
    pub(super) fn refusal(&self) -> Refusal {
        Refusal {
            at: self.at.0,
            api: self.api.map(|api| api.0),
            outcome: self.outcome.0,
            error_code: owned(self.error_code.as_ref()),
            http_status: self.http_status,
            target: Target::named(self.version_id.as_deref()),
            request_id: owned(self.request_id.as_ref()),
            sources: set_of(&self.sources),
            actor: self.actor.actor(),
        }
    }
}

impl<'a> WholeRefused<'a> {
    /// What is told of a key that was refused.
    #[must_use]
    pub fn of(row: &'a RefusedKey) -> Self {
        Self { key: told(row.key.as_deref()), refused: Refused::of(&row.refusal) }
    }
}

impl<'a> Protection<'a> {
    /// What is told of a change of protection.
    #[must_use]
    pub fn of(change: &'a ProtectionChange) -> Self {
        Self {
            at: Time(change.at),
            service: Text::Borrowed(&change.service),
            event_name: Text::Borrowed(&change.event_name),
            bucket: told(change.bucket.as_deref()),
            resource: told(change.resource.as_deref()),
            detail: told(change.detail.as_deref()),
            outcome: Word(change.outcome),
            error_code: told(change.error_code.as_deref()),
            request_id: told(change.request_id.as_deref()),
            actor: Who::of(&change.actor),
        }
    }

    /// The change that it was told of.
    pub(super) fn change(&self) -> ProtectionChange {
        ProtectionChange {
            id: String::new(),
            service: self.service.to_string(),
            event_name: self.event_name.to_string(),
            bucket: owned(self.bucket.as_ref()),
            resource: owned(self.resource.as_ref()),
            detail: owned(self.detail.as_ref()),
            outcome: self.outcome.0,
            error_code: owned(self.error_code.as_ref()),
            request_id: owned(self.request_id.as_ref()),
            event_id: None,
            shared_event_id: None,
            account: String::new(),
            region: String::new(),
            at: self.at.0,
            actor: self.actor.actor(),
        }
    }
}

impl<'a> Unresolved<'a> {
    /// What is told of a bulk delete without a known key.
    #[must_use]
    pub fn of(call: &'a UnresolvedCall) -> Self {
        Self {
            request: Call::of(&call.request),
            is_settled: call.is_settled,
            actor: Who::of(&call.request.actor),
        }
    }

    /// The call that it was told of.
    pub(super) fn call(&self, bucket: &str) -> UnresolvedCall {
        let request = self.request.request(bucket, &self.actor);
        UnresolvedCall { request, is_settled: self.is_settled }
    }
}
