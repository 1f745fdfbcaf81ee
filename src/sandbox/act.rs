//! What happened at S3, as S3 itself knows it: one value for each request, and for each thing that
//! S3 did by itself. Records, notifications and log lines are all written from it. It does not
//! know what anybody counts.

use std::sync::Arc;

use deltrail_core::domain::Timestamp;

use super::principal::Principal;

/// One request that S3 answered, or one thing that it did by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When S3 began to serve it.
    pub started_at: Timestamp,
    /// When S3 had answered it.
    pub ended_at: Timestamp,
    /// `x-amz-request-id`.
    pub request_id: String,
    /// `x-amz-id-2`.
    pub host_id: String,
    /// Who asked.
    pub caller: Caller,
    /// The bucket.
    pub bucket: String,
    /// The account that owns the bucket.
    pub bucket_account: String,
    /// The region of the bucket.
    pub region: String,
    /// What was asked, and for an answer without refusal, what it did.
    pub call: Call,
    /// Why the request as a whole was refused; none if it was accepted.
    pub refusal: Option<Refusal>,
}

/// Who asked, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The identity; none for a request that is not signed.
    pub principal: Option<Arc<Principal>>,
    /// The address, or a service's name.
    pub source_address: String,
    /// The `User-Agent` header, without the brackets that CloudTrail puts around it.
    pub user_agent: String,
    /// The `Host` header.
    pub host: String,
}

/// What was asked of S3 about objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `PutObject`.
    Put {
        /// The key.
        key: String,
        /// The version that was made, in a versioned bucket (`null` in a suspended one).
        version_id: Option<String>,
        /// Size of the object.
        object_bytes: u64,
        /// MD5 of the object in hexadecimal digits.
        etag: String,
    },
    /// `CopyObject`; the object that was made.
    Copy {
        /// The key.
        key: String,
        /// The version that was made, in a versioned bucket (`null` in a suspended one).
        version_id: Option<String>,
        /// Size of the object.
        object_bytes: u64,
        /// MD5 of the object in hexadecimal digits.
        etag: String,
        /// `bucket/key` that was copied.
        source: String,
    },
    /// `GetObject` or, without a body, `HeadObject`.
    Get {
        /// The key.
        key: String,
        /// The version that the caller named.
        named_version: Option<String>,
        /// Size of the object; 0 if refused.
        object_bytes: u64,
        /// Whether it was `HeadObject`.
        is_head: bool,
    },
    /// `DeleteObject`.
    Delete {
        /// The key.
        key: String,
        /// The version that the caller named.
        named_version: Option<String>,
        /// What it did; nothing if refused.
        effect: Effect,
    },
    /// `DeleteObjects`.
    BulkDelete {
        /// What was asked for each key, in the order of the request.
        entries: Vec<BulkEntry>,
    },
    /// S3 expired an object by a lifecycle rule.
    Expire {
        /// The key.
        key: String,
        /// What it did.
        effect: Effect,
    },
}

/// One key of a `DeleteObjects` call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkEntry {
    /// The key.
    pub key: String,
    /// The version that the caller named.
    pub named_version: Option<String>,
    /// What it did, or why S3 refused this key.
    pub result: Result<Effect, Refusal>,
}

/// What a delete that S3 accepted did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The object of an unversioned bucket is gone.
    Object,
    /// The version that was named (or expired) is gone for good.
    Version {
        /// Its id.
        id: String,
        /// Whether it was a delete marker, so that the object may be seen again.
        was_marker: bool,
    },
    /// A delete marker was made; what it hides is still there, except for a null version that a
    /// null marker takes the place of.
    Marker {
        /// Its id, `null` in a bucket whose versioning is suspended.
        id: String,
    },
    /// There was nothing to delete; S3 says yes all the same.
    Nothing,
}

/// Why S3 refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Error code, such as `AccessDenied`.
    pub code: String,
    /// What S3 says about it.
    pub message: String,
}

impl Refusal {
    /// 403 `AccessDenied`, in the words of 2026.
    #[must_use]
    pub fn access_denied(principal: &str, action: &str, resource: &str) -> Self {
        let message = format!(
            "User: {principal} is not authorized to perform: {action} on resource: \"{resource}\" \
             because no identity-based policy allows the {action} action"
        );
        Self { status: 403, code: "AccessDenied".into(), message }
    }
}
