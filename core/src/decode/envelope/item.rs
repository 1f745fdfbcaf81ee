//! What a message may say, as values. Nothing here reads anything.

use crate::decode::reject::Rejected;
use crate::domain::{Creation, Fact, Source, Timestamp};

/// One thing that a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An object was created (S3's own event, directly, through SNS or through EventBridge): work
    /// if it is in a log bucket, else evidence.
    Created {
        /// The object, to be fetched.
        object: ObjectRef,
        /// What its making tells of its key; refused when S3 does not say when it was made, which
        /// does not matter for an object that is fetched.
        creation: Result<Box<Creation>, Rejected>,
    },
    /// Something was told that is kept.
    Told(Fact),
    /// CloudTrail itself names a log file that it delivered.
    NamedLog(ObjectRef),
    /// Any other event.
    Other {
        /// The path it came by.
        source: Source,
        /// The event's name, without `s3:`; EventBridge's detail type.
        event_name: String,
        /// The bucket; empty when none is named.
        bucket: String,
    },
    /// Nothing happened.
    Nothing(Nothing),
    /// One record that cannot be understood, among others that can.
    Rejected {
        /// The path it came by.
        source: Source,
        /// What is wrong with it.
        rejected: Rejected,
        /// How many records were refused for the same reason: this is the first one of them.
        count: u64,
    },
}

/// Messages that report nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// S3's test on (re)configuration.
    TestEvent,
    /// CloudTrail's test on (re)configuration.
    ValidationMessage,
    /// An empty list of records or keys.
    EmptyRecords,
}

/// An object that a message names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The bucket's name: never an ARN, a URL or a path.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version, unless it is the null version.
    pub version_id: Option<String>,
    /// The entity tag, without quotes.
    pub etag: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// The bucket's region.
    pub region: Option<String>,
    /// When S3 says that it happened.
    pub event_at: Option<Timestamp>,
    /// The path the message came by.
    pub source: Source,
}
