//! A delete request: one call to S3, told by CloudTrail or an access log. Copies of it join into
//! one row in any order; children of a bulk call are no requests.

use std::sync::Arc;

use compact_str::CompactString;

use super::{Actor, Api, Evidence, Outcome, SourceSet, Timestamp};

/// One call, as all its evidence together tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Identity within the bucket: the request id, else the event's identity.
    pub identity: String,
    /// The bucket.
    pub bucket: CompactString,
    /// The key of a single delete; `None` for a bulk call.
    pub key: Option<String>,
    /// The API that was called.
    pub api: Api,
    /// How it ended.
    pub outcome: Outcome,
    /// `x-amz-request-id`, where known.
    pub request_id: Option<CompactString>,
    /// The account, the smallest one of several copies; empty when not said.
    pub account: CompactString,
    /// The AWS region; empty when not said.
    pub region: CompactString,
    /// When, the earliest that any copy says.
    pub at: Timestamp,
    /// When S3 began to serve it, where told to the millisecond.
    pub started_at: Option<Timestamp>,
    /// When S3 had served it, where told to the millisecond.
    pub ended_at: Option<Timestamp>,
    /// Total Time of the access-log line in milliseconds, where told.
    pub total_millis: Option<i64>,
    /// The HTTP status, where told.
    pub http_status: Option<u16>,
    /// The error code, where told.
    pub error_code: Option<String>,
    /// Which sources tell of it.
    pub sources: SourceSet,
    /// Who asked.
    pub actor: Arc<Actor>,
}

impl Request {
    /// The request that this piece of evidence reports, if it reports one.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Option<Self> {
        let call = evidence.call?;
        Some(Self {
            identity: evidence.request_identity(),
            bucket: evidence.bucket.clone(),
            key: evidence.key.clone().filter(|_| call.api == Api::DeleteObject),
            api: call.api,
            outcome: call.outcome,
            request_id: evidence.request_id.clone(),
            account: evidence.account.clone(),
            region: evidence.region.clone(),
            at: evidence.at,
            started_at: evidence.started_at,
            ended_at: evidence.ended_at,
            total_millis: evidence.total_millis,
            http_status: evidence.http_status,
            error_code: evidence.error_code.clone(),
            sources: [evidence.source].into_iter().collect(),
            actor: Arc::clone(&evidence.actor),
        })
    }

    /// Both descriptions of one request together: commutative, associative and idempotent, so that
    /// neither order nor repetition matters. Where copies disagree on the outcome, the worse holds.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            api: self.api.max(other.api),
            outcome: self.outcome.max(other.outcome),
            key: max_option(self.key, other.key),
            request_id: max_option(self.request_id, other.request_id),
            account: min_text(self.account, other.account),
            region: min_text(self.region, other.region),
            at: self.at.min(other.at),
            started_at: min_option(self.started_at, other.started_at),
            ended_at: max_option(self.ended_at, other.ended_at),
            total_millis: max_option(self.total_millis, other.total_millis),
            http_status: max_option(self.http_status, other.http_status),
            error_code: max_option(self.error_code, other.error_code),
            sources: self.sources.union(other.sources),
            actor: Arc::clone(self.actor.more_telling(&other.actor)),
            identity: self.identity,
            bucket: self.bucket,
        }
    }

    /// How long S3 took to serve it, in milliseconds, when it was accepted and both ends are known
    /// to the millisecond: `endTime` less `startTime` in CloudTrail's `additionalEventData`, which
    /// are not documented and seen in records since September 2026. Negative when the clocks say
    /// so.
    #[must_use]
    pub fn service_millis(&self) -> Option<i64> {
        let accepted = self.outcome == Outcome::Ok;
        accepted.then_some(())?;
        Some(self.ended_at?.millis_since(self.started_at?))
    }

    /// How long S3 took for the whole of it, in milliseconds, when it was accepted and an access
    /// log says so.
    #[must_use]
    pub fn access_log_millis(&self) -> Option<i64> {
        self.total_millis.filter(|_| self.outcome == Outcome::Ok)
    }
}

/// The larger of two, where a missing one is the smallest.
fn max_option<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    a.max(b)
}

fn min_option<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn min_text(a: CompactString, b: CompactString) -> CompactString {
    if a.is_empty() || (!b.is_empty() && b < a) { b } else { a }
}
