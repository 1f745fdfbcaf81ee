//! One thing that one source said about one object being made: what tells a delete of a fresh
//! upload from any other. Creations are never counted. It knows no wire format.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Actor, Moment, Source, SourceSet, Timestamp};

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
    pub actor: Arc<Actor>,
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

/// One write of one key, as all its evidence together tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Identity within the slot.
    pub identity: String,
    /// When, by the finest clock among its evidence.
    pub moment: Moment,
    /// The version that was made; `None` in an unversioned bucket, and for the null version.
    pub version_id: Option<String>,
    /// Which sources it rests on.
    pub sources: SourceSet,
    /// Who asked, by the most telling evidence.
    pub actor: Arc<Actor>,
}

impl Created {
    /// What this piece of evidence alone tells. A notification has milliseconds, others have whole
    /// seconds.
    #[must_use]
    pub fn of(creation: &Creation) -> Self {
        Self {
            identity: creation.identity(),
            moment: Moment {
                at: creation.at,
                is_coarse: creation.source != Source::S3Notification,
                sequencer: creation.sequencer.clone(),
            },
            version_id: creation.version_id.clone(),
            sources: [creation.source].into_iter().collect(),
            actor: Arc::clone(&creation.actor),
        }
    }

    /// Both descriptions of one write together: commutative, associative and idempotent, so that
    /// neither order nor repetition matters.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let clock = |it: &Moment| (it.is_coarse, it.at);
        let finest = if clock(&other.moment) < clock(&self.moment) { &other } else { &self };
        let (at, is_coarse) = (finest.moment.at, finest.moment.is_coarse);
        Self {
            moment: Moment {
                at,
                is_coarse,
                sequencer: self.moment.sequencer.max(other.moment.sequencer),
            },
            version_id: self.version_id.max(other.version_id),
            sources: self.sources.union(other.sources),
            actor: Arc::clone(self.actor.more_telling(&other.actor)),
            identity: self.identity,
        }
    }
}

/// The writes of one slot, each once, sorted by identity: a pure function of the evidence, in any
/// order, with any repetition.
#[must_use]
pub fn fold_creations<'a>(evidence: impl IntoIterator<Item = &'a Creation>) -> Vec<Created> {
    let mut writes: BTreeMap<String, Created> = BTreeMap::new();
    for created in evidence.into_iter().map(Created::of) {
        let joined = match writes.remove(&created.identity) {
            Some(known) => known.join(created),
            None => created,
        };
        writes.insert(joined.identity.clone(), joined);
    }
    writes.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn creation(source: Source, request: Option<&str>, millis: i64) -> Creation {
        Creation {
            id: format!("{source:?} {request:?} {millis}"),
            source,
            bucket: "photos".into(),
            key: "cat.jpg".into(),
            version_id: None,
            request_id: request.map(str::to_owned),
            sequencer: (source == Source::S3Notification).then(|| "0A".to_owned()),
            account: String::new(),
            region: String::new(),
            at: Timestamp::from_millis(millis),
            actor: Actor::default().into(),
        }
    }

    #[test]
    fn what_two_sources_say_of_one_request_is_one_write_on_the_finer_clock() {
        let told = [
            creation(Source::EventBridge, Some("A"), 10_000),
            creation(Source::S3Notification, Some("A"), 10_123),
            creation(Source::S3Notification, Some("B"), 11_000),
        ];
        let writes = fold_creations(&told);
        assert_eq!(writes, fold_creations(told.iter().rev().chain(&told)));
        assert_eq!(writes.len(), 2);
        assert_eq!(writes[0].moment.at, Timestamp::from_millis(10_123));
        assert_eq!(writes[0].moment.sequencer.as_deref(), Some("0A"));
    }

    #[test]
    fn writes_without_a_request_id_are_never_taken_for_one() {
        let told = [creation(Source::EventBridge, None, 1), creation(Source::EventBridge, None, 2)];
        assert_eq!(fold_creations(&told).len(), 2);
    }
}
