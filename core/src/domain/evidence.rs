//! One thing that one source said about one delete. Evidence is kept as a set; its identity makes
//! a redelivered or repeated record the same element. It knows no wire format.

use std::sync::Arc;

use compact_str::CompactString;

use super::{Actor, Moment, Source, Target, Timestamp};

/// The S3 call that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    /// One key.
    DeleteObject,
    /// Up to 1 000 keys.
    DeleteObjects,
}

impl Api {
    /// The value of the `api` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeleteObject => "DeleteObject",
            Self::DeleteObjects => "DeleteObjects",
        }
    }
}

/// How a request ended, in the order of precedence when copies of it disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// S3 accepted it. For a bulk call single keys may still have been refused.
    Ok,
    /// S3 failed or could not do it.
    Failed,
    /// The caller was not allowed to (status 403 or `AccessDenied`).
    Denied,
}

impl Outcome {
    /// The value of the `outcome` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Denied => "denied",
        }
    }

    /// The outcome that an error code and a status tell; both may be missing on success.
    #[must_use]
    pub fn from_error(error_code: Option<&str>, http_status: Option<u16>) -> Self {
        match (error_code, http_status) {
            (Some("AccessDenied"), _) | (_, Some(403)) => Self::Denied,
            (Some(code), _) if !code.is_empty() => Self::Failed,
            (_, Some(status)) if status >= 300 => Self::Failed,
            _ => Self::Ok,
        }
    }
}

/// A request that this evidence reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// The API that was called.
    pub api: Api,
    /// How the call ended.
    pub outcome: Outcome,
}

/// What this evidence is for the fold over its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RemovalRole {
    /// It reports no removal: an aggregate without keys, a refused request, an update of an earlier
    /// record.
    None,
    /// It has a trusted request id of its own.
    Claim,
    /// A key of a bulk call, logged by CloudTrail as a record of its own (`AwsServiceEvent`).
    Child,
}

/// What was removed, as far as this evidence says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// It does not say.
    Unknown,
    /// An object, for good.
    Object,
    /// A named version, for good.
    Version,
    /// Nothing yet: a delete marker was put on top.
    Marker,
}

/// Why it was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Somebody called the API.
    Api,
    /// A lifecycle rule.
    Lifecycle,
}

impl Cause {
    /// The value of the `cause` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Lifecycle => "lifecycle",
        }
    }
}

/// One element of the evidence set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Identity in the set: two pieces with the same `id` are the same element. For CloudTrail it
    /// is made of `recipientAccountId` and `eventID`.
    pub id: String,
    /// Who says so.
    pub source: Source,
    /// The request that it reports, if it does.
    pub call: Option<Call>,
    /// What it is for the fold.
    pub role: RemovalRole,
    /// The bucket.
    pub bucket: CompactString,
    /// The key, decoded; `None` when the evidence is about no single key.
    pub key: Option<String>,
    /// The version that the caller named.
    pub target: Target,
    /// What was removed.
    pub mark: Mark,
    /// Why.
    pub cause: Cause,
    /// `x-amz-request-id`, the join key of all sources.
    pub request_id: Option<CompactString>,
    /// CloudTrail's `eventID`.
    pub event_id: Option<String>,
    /// CloudTrail's `sharedEventID`: the same in the copies for two accounts.
    pub shared_event_id: Option<String>,
    /// The `eventID` of the record that this one updates (addendum `UPDATED_DATA`).
    pub amends_event_id: Option<String>,
    /// The account that this copy was written for; empty when not said.
    pub account: CompactString,
    /// The AWS region; empty when not said.
    pub region: CompactString,
    /// Event time: when it happened, at the source's resolution.
    pub at: Timestamp,
    /// When S3 began to serve the request, where the source has it to the millisecond.
    pub started_at: Option<Timestamp>,
    /// When S3 had served the request, where the source has it to the millisecond.
    pub ended_at: Option<Timestamp>,
    /// How long S3 took for the whole request in milliseconds, where an access log says so (Total
    /// Time, from the first byte received to the last one sent).
    pub total_millis: Option<i64>,
    /// S3's order of the events of this key: hexadecimal digits of any length.
    pub sequencer: Option<String>,
    /// The HTTP status, where told.
    pub http_status: Option<u16>,
    /// The error code, where told.
    pub error_code: Option<String>,
    /// The id of the delete marker that was made.
    pub marker_version_id: Option<String>,
    /// Who asked.
    pub actor: Arc<Actor>,
}

impl Evidence {
    /// The identity of the request behind this evidence, within its bucket: the request id, and for
    /// old or odd records without one, the event's own identity.
    #[must_use]
    pub fn request_identity(&self) -> String {
        let (tag, id): (_, &str) = match (&self.request_id, &self.shared_event_id, &self.event_id) {
            (Some(id), _, _) => ("r:", id),
            (None, Some(id), _) => ("s:", id),
            (None, None, Some(id)) => ("e:", id),
            (None, None, None) => ("i:", &self.id),
        };
        [tag, id].concat()
    }

    /// When it happened, as far as its source can tell: a notification has milliseconds, and so has
    /// a CloudTrail record with an `endTime`; all others have whole seconds.
    #[must_use]
    pub fn moment(&self) -> Moment {
        let is_fine = self.source == Source::S3Notification || self.ended_at.is_some();
        Moment {
            at: self.ended_at.unwrap_or(self.at),
            is_coarse: !is_fine,
            sequencer: self.sequencer.clone(),
        }
    }

    /// Roughly how many bytes of memory this piece holds, its texts included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let target = match &self.target {
            Target::Version(version) => version.len(),
            Target::Unknown | Target::Current => 0,
        };
        let texts = [
            &self.key,
            &self.event_id,
            &self.shared_event_id,
            &self.amends_event_id,
            &self.error_code,
            &self.marker_version_id,
            &self.sequencer,
        ];
        let optional: usize = texts.iter().map(|text| text.as_ref().map_or(0, String::len)).sum();
        let short = [&self.bucket, &self.account, &self.region].into_iter().chain(&self.request_id);
        let short: usize =
            short.filter(|text| text.is_heap_allocated()).map(CompactString::len).sum();
        let required = self.id.len() + short;
        size_of::<Self>() + required + optional + target + self.actor.text_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn outcomes_are_told_by_error_code_and_status() {
        assert_eq!(Outcome::from_error(None, Some(204)), Outcome::Ok);
        assert_eq!(Outcome::from_error(None, None), Outcome::Ok);
        assert_eq!(Outcome::from_error(Some("AccessDenied"), None), Outcome::Denied);
        assert_eq!(Outcome::from_error(Some("NoSuchBucket"), Some(404)), Outcome::Failed);
        assert_eq!(Outcome::from_error(None, Some(403)), Outcome::Denied);
        assert_eq!(Outcome::from_error(None, Some(503)), Outcome::Failed);
    }
}
