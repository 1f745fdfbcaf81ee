//! One thing that one source said about one object being made: what tells a delete of a fresh
//! upload from any other. Creations are never counted. It knows no wire format.

use super::{Actor, Moment, Source, Timestamp};

/// A successful write of one key: an upload, a copy, or a multipart upload that was completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    /// Identity in the set: two pieces with the same `id` are the same element.
    pub id: String,
    /// Who says so.
    pub source: Source,
    /// The bucket.
    pub bucket: String,
    /// The key, decoded; never empty.
    pub key: String,
    /// The version that was made; `None` in an unversioned bucket, and for the null version.
    pub version_id: Option<String>,
    /// `x-amz-request-id`: what several sources say under one id is one creation.
    pub request_id: Option<String>,
    /// S3's order of the events of this key: hexadecimal digits of any length.
    pub sequencer: Option<String>,
    /// The account that this was written for; empty when not said.
    pub account: String,
    /// The AWS region; empty when not said.
    pub region: String,
    /// Event time, at the source's resolution.
    pub at: Timestamp,
    /// Who asked.
    pub actor: Actor,
}

impl Creation {
    /// What is one creation, within its slot: the request, else the element itself.
    #[must_use]
    pub fn identity(&self) -> String {
        match &self.request_id {
            Some(id) => format!("r:{id}"),
            None => format!("i:{}", self.id),
        }
    }

    /// When it happened, as far as its source can tell.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment {
            at: self.at,
            is_coarse: self.source != Source::S3Notification,
            sequencer: self.sequencer.clone(),
        }
    }

    /// Roughly how many bytes of memory this piece holds, its texts included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let optional = [&self.version_id, &self.request_id, &self.sequencer];
        let optional: usize =
            optional.iter().map(|text| text.as_ref().map_or(0, String::len)).sum();
        let required = [&self.id, &self.bucket, &self.key, &self.account, &self.region];
        let required: usize = required.iter().map(|text| text.len()).sum();
        size_of::<Self>() + required + optional + self.actor.text_bytes()
    }
}
