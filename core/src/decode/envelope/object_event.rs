//! One event at one object in S3's own words, whichever way they came: how it becomes evidence. It
//! knows no wire format; what is not told is missing or empty.

use serde_json::Value;

use super::{Item, ObjectRef};
use crate::decode::fingerprint::{fingerprint_of_texts, identity};
use crate::decode::lenient::{Spelled, filled_text, shown, text};
use crate::decode::reject::{RejectReason, Rejected};
use crate::domain::{
    Actor, Cause, Creation, Evidence, Fact, Mark, RemovalRole, Source, Target, Timestamp,
};

/// Why a record or an event was refused.
pub(super) type Refused = (RejectReason, String);

/// What all of S3's events at an object tell.
#[derive(Debug)]
pub(super) struct ObjectEvent {
    pub(super) source: Source,
    /// What the identity of this element of the evidence begins with.
    pub(super) id_prefix: &'static str,
    /// What kind of event it is, in the source's own words: a part of its identity.
    pub(super) kind: Vec<String>,
    pub(super) bucket: String,
    /// Decoded.
    pub(super) key: String,
    /// As it is written: the null version too.
    pub(super) version_id: Option<String>,
    pub(super) etag: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) request_id: Option<String>,
    pub(super) sequencer: Option<String>,
    pub(super) account: String,
    pub(super) region: Option<String>,
    pub(super) actor: Actor,
    /// When, as it is written.
    pub(super) time: Value,
}

/// What a delete left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing of the object or of the version.
    Nothing,
    /// A delete marker, whose id is the event's version.
    Marker,
}

impl ObjectEvent {
    /// The event as work or as evidence of a creation. `record_index` says where it was.
    pub(super) fn created(self, record_index: Option<u64>) -> Item {
        let at = self.at();
        let object = ObjectRef {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            version_id: self.true_version(),
            etag: self.etag.clone(),
            size: self.size,
            region: self.region.clone(),
            event_at: at.as_ref().ok().copied(),
            source: self.source,
        };
        let creation = at.map(|at| Box::new(self.creation(at))).map_err(|(reason, detail)| {
            Rejected { record_index, ..Rejected::whole(reason, &detail) }
        });
        Item::Created { object, creation }
    }

    /// The event as evidence of a delete.
    pub(super) fn removed(self, left: Left, cause: Cause) -> Result<Item, Refused> {
        let at = self.at()?;
        let id = self.identity(at);
        let (target, mark) = match (left, Target::named(self.version_id.as_deref())) {
            (Left::Marker, _) => (Target::Current, Mark::Marker),
            (Left::Nothing, target @ Target::Version(_)) => (target, Mark::Version),
            (Left::Nothing, _) => (Target::Current, Mark::Object),
        };
        Ok(Item::Told(Fact::Deletion(Box::new(Evidence {
            id,
            source: self.source,
            call: None,
            role: RemovalRole::Claim,
            bucket: self.bucket.into(),
            key: Some(self.key),
            target,
            mark,
            cause,
            request_id: self.request_id.map(Into::into),
            event_id: None,
            shared_event_id: None,
            amends_event_id: None,
            account: self.account.into(),
            region: self.region.unwrap_or_default().into(),
            at,
            started_at: None,
            ended_at: None,
            total_millis: None,
            sequencer: self.sequencer,
            http_status: None,
            error_code: None,
            marker_version_id: self.version_id.filter(|_| left == Left::Marker),
            actor: self.actor.into(),
        }))))
    }

    fn creation(self, at: Timestamp) -> Creation {
        Creation {
            id: self.identity(at),
            at,
            version_id: self.true_version(),
            source: self.source,
            bucket: self.bucket,
            key: self.key,
            request_id: self.request_id,
            sequencer: self.sequencer,
            account: self.account,
            region: self.region.unwrap_or_default(),
            actor: self.actor.into(),
        }
    }

    fn at(&self) -> Result<Timestamp, Refused> {
        text(&self.time).and_then(|time| Timestamp::parse(time).ok()).ok_or_else(|| {
            (RejectReason::MissingTime, format!("the event's time {} is no time", self.time))
        })
    }

    /// A version id that tells one version from another. The null version is overwritten in place.
    fn true_version(&self) -> Option<String> {
        self.version_id.clone().filter(|id| id != "null")
    }

    /// The same for every delivery of one event, and another one for each key of a bulk call. The
    /// time counts only where no request id tells two events of one key apart.
    fn identity(&self, at: Timestamp) -> String {
        fn or_empty(told: Option<&String>) -> &str {
            told.map_or("", String::as_str)
        }
        let time = if self.request_id.is_none() { text(&self.time) } else { None };
        let mut parts = vec![
            or_empty(self.request_id.as_ref()),
            &self.bucket,
            &self.key,
            or_empty(self.version_id.as_ref()),
            or_empty(self.sequencer.as_ref()),
            time.unwrap_or_default(),
        ];
        parts.extend(self.kind.iter().map(String::as_str));
        identity(self.id_prefix, at, &fingerprint_of_texts(&parts))
    }
}

/// What orders the events of one key; `None` when it is no hexadecimal number.
pub(super) fn sequencer(value: &impl Spelled) -> Option<String> {
    shown(value).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// An entity tag without its quotes.
pub(super) fn etag(value: &impl Spelled) -> Option<String> {
    let tag = filled_text(value)?.trim_matches('"');
    (!tag.is_empty()).then(|| tag.to_owned())
}
