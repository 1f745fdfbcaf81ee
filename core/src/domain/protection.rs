//! A change of what protects objects, or of what tells of their loss: a lifecycle rule, versioning,
//! a policy, a trail, a key. Kept beside deletions, with its author. It knows no wire format.

use std::sync::Arc;

use super::{Actor, Outcome, Timestamp};

/// One call that CloudTrail logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectionChange {
    /// Identity in the set, made of `recipientAccountId` and `eventID`.
    pub id: String,
    /// The service: `s3`, `cloudtrail`, `kms`, `s3control`.
    pub service: String,
    /// CloudTrail's `eventName`, such as `PutBucketLifecycle`.
    pub event_name: String,
    /// The bucket, when it is about one.
    pub bucket: Option<String>,
    /// The trail, key or job when it is about one, else the bucket's or object's ARN if known.
    pub resource: Option<String>,
    /// What was asked for, in short, such as `Status=Suspended`.
    pub detail: Option<String>,
    /// How the call ended.
    pub outcome: Outcome,
    /// The error code, where told.
    pub error_code: Option<String>,
    /// `x-amz-request-id`, or the request id of another service.
    pub request_id: Option<String>,
    /// CloudTrail's `eventID`.
    pub event_id: Option<String>,
    /// CloudTrail's `sharedEventID`: the same in the copies for two accounts.
    pub shared_event_id: Option<String>,
    /// The account that this copy was written for; empty when not said.
    pub account: String,
    /// The AWS region; empty when not said.
    pub region: String,
    /// Event time, whole seconds.
    pub at: Timestamp,
    /// Who asked.
    pub actor: Arc<Actor>,
}

impl ProtectionChange {
    /// Roughly how many bytes of memory this piece holds, its texts included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let optional = [
            &self.bucket,
            &self.resource,
            &self.detail,
            &self.error_code,
            &self.request_id,
            &self.event_id,
            &self.shared_event_id,
        ];
        let optional: usize =
            optional.iter().map(|text| text.as_ref().map_or(0, String::len)).sum();
        let required = [&self.id, &self.service, &self.event_name, &self.account, &self.region];
        let required: usize = required.iter().map(|text| text.len()).sum();
        size_of::<Self>() + required + optional + self.actor.text_bytes()
    }
}
