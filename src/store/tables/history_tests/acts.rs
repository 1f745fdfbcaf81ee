//! Acts of a few clients on a few keys, and what each source writes of them. Of one act all sources
//! that tell of it say the same.

use std::collections::BTreeMap;

use deltrail_core::domain::{
    Cause, Creation, Evidence, Fact, Intent, Mark, RemovalRole, Source, SourceSet, Target,
    Timestamp,
};
use proptest::prelude::*;

use super::BUCKETS;
use crate::store::tables::story::{
    Told, batch_line, bulk, child, direct, intent, line, milli, notice, written,
};

const KEYS: [&str; 3] = ["cat.jpg", "dog.jpg", "owl.jpg"];
/// What S3 takes to tell of something, in milliseconds.
const NOTICE_MILLIS: i64 = 250;

/// Something that happened at a time, and who told of it.
#[derive(Debug, Clone)]
struct Act {
    deed: Deed,
    bucket: usize,
    key: usize,
    millis: i64,
    /// Who tells of it.
    sources: SourceSet,
}

#[derive(Debug, Clone)]
enum Deed {
    /// A delete of what is current, or of a version.
    Delete {
        version: Option<u8>,
        makes_marker: bool,
    },
    /// A bulk delete of the keys from the act's one on; which words CloudTrail has for each of
    /// them is not known.
    Bulk {
        keys: usize,
        shares_request: bool,
        is_refused: bool,
    },
    Expire,
    Write {
        version: Option<u8>,
    },
    Declare {
        keys: usize,
    },
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let version = |most: u8| prop::option::weighted(0.3, 0u8..most);
    prop_oneof![
        6 => (version(7), any::<bool>())
            .prop_map(|(version, makes_marker)| Deed::Delete { version, makes_marker }),
        3 => (1usize..=3, any::<bool>(), prop::bool::weighted(0.2)).prop_map(
            |(keys, shares_request, is_refused)| Deed::Bulk { keys, shares_request, is_refused }
        ),
        1 => Just(Deed::Expire),
        8 => version(3).prop_map(|version| Deed::Write { version }),
        2 => (1usize..=3).prop_map(|keys| Deed::Declare { keys }),
    ]
}

/// Times that are close, at the edges of the windows, and far apart, within five hours.
fn any_millis() -> impl Strategy<Value = i64> {
    let cluster = prop_oneof![3 => Just(0), 1 => Just(1), 1 => Just(5)];
    let cluster = cluster.prop_map(|nth: i64| nth * 3_600_000);
    let within = prop_oneof![
        4 => 0i64..900_000,
        2 => (0i64..16).prop_map(|minutes| minutes * 60_000),
        1 => (0i64..900).prop_map(|seconds| seconds * 1_000),
    ];
    (cluster, within).prop_map(|(cluster, within)| cluster + within)
}

prop_compose! {
    fn any_act()(
        deed in any_deed(),
        (bucket, key, millis) in (
            prop_oneof![4 => Just(0usize), 1 => Just(1)],
            prop_oneof![4 => Just(0usize), 1 => Just(1), 1 => Just(2)],
            any_millis(),
        ),
        tells in (
            prop::bool::weighted(0.8),
            prop::bool::weighted(0.6),
            prop::bool::weighted(0.2),
            prop::bool::weighted(0.3),
        ),
    ) -> Act {
        let tells = [tells.0, tells.1, tells.2, tells.3];
        let sources = Source::ALL.into_iter().zip(tells).filter(|(_, tells)| *tells);
        Act { deed, bucket, key, millis, sources: sources.map(|(source, _)| source).collect() }
    }
}

/// A fact and what its source is late by, as a part of what it may be.
#[derive(Debug, Clone)]
pub(in crate::store) struct Piece {
    pub(in crate::store) fact: Fact,
    /// As a part of 65 536.
    pub(in crate::store) lateness: u16,
}

impl Act {
    /// What the sources that tell of it write: of one act they say the same, or nothing.
    fn written(&self, nth: usize, marker: Option<usize>) -> Vec<Fact> {
        let facts = match &self.deed {
            Deed::Delete { version, makes_marker } => {
                let mark = match (version, makes_marker) {
                    (Some(_), _) => Mark::Version,
                    (None, true) => Mark::Marker,
                    (None, false) => Mark::Object,
                };
                let version = version.map(|version| named(version, marker));
                self.deleted(nth, mark, version.as_deref())
            }
            Deed::Bulk { keys, shares_request, is_refused } => {
                self.bulk_deleted(nth, *keys, *shares_request, *is_refused)
            }
            Deed::Expire => self.expired(nth),
            Deed::Write { version } => self.written_key(nth, version.map(|id| format!("v{id}"))),
            Deed::Declare { keys } => {
                let keys: Vec<&str> = self.keys(*keys).collect();
                vec![intent(&format!("I{nth}"), &keys, self.at()).fact()]
            }
        };
        facts.into_iter().map(|fact| in_bucket(fact, BUCKETS[self.bucket])).collect()
    }

    fn is_told_by(&self, source: Source) -> bool {
        self.sources.contains(source)
    }

    fn keys(&self, count: usize) -> impl Iterator<Item = &'static str> {
        KEYS.into_iter().cycle().skip(self.key).take(count)
    }

    fn at(&self) -> Timestamp {
        milli(self.millis)
    }

    /// As a clock of whole seconds shows it.
    fn coarse(&self) -> Timestamp {
        milli(self.millis.div_euclid(1_000) * 1_000)
    }

    fn noticed(&self) -> Timestamp {
        milli(self.millis + NOTICE_MILLIS)
    }

    fn sequencer(&self, nth: usize) -> String {
        format!("{:X}", self.millis * 100 + i64::try_from(nth).unwrap_or(0))
    }

    fn deleted(&self, nth: usize, mark: Mark, version: Option<&str>) -> Vec<Fact> {
        let (key, request) = (KEYS[self.key], format!("R{nth}"));
        let marker = (mark == Mark::Marker).then(|| format!("m{nth}"));
        let said = |piece: Evidence| Evidence {
            target: Target::named(version),
            mark,
            marker_version_id: marker.clone(),
            ..piece
        };
        let mut facts = Vec::new();
        if self.is_told_by(Source::CloudTrail) {
            facts.push(said(direct(key, &request, self.at())).fact());
        }
        facts.extend(self.s3_words(nth, key, &request).into_iter().map(said).map(Told::fact));
        if self.is_told_by(Source::AccessLog) {
            let line = said(line(key, &request, self.coarse()));
            facts.push(Evidence { mark: Mark::Unknown, marker_version_id: None, ..line }.fact());
        }
        facts
    }

    fn s3_words(&self, nth: usize, key: &str, request: &str) -> Vec<Evidence> {
        let mut words = Vec::new();
        if self.is_told_by(Source::S3Notification) {
            let sequencer = Some(self.sequencer(nth));
            words.push(Evidence { sequencer, ..notice(key, request, self.noticed()) });
        }
        if self.is_told_by(Source::EventBridge) {
            words.push(Evidence {
                id: format!("event {key} {request}"),
                source: Source::EventBridge,
                ..notice(key, request, self.coarse())
            });
        }
        words
    }

    fn bulk_deleted(
        &self,
        nth: usize,
        keys: usize,
        shares_request: bool,
        is_refused: bool,
    ) -> Vec<Fact> {
        let request = format!("R{nth}");
        let mut facts = Vec::new();
        if self.is_told_by(Source::CloudTrail) {
            facts.push(bulk(&request, self.at()).fact());
        }
        for key in self.keys(keys) {
            let id = shares_request.then(|| request.clone());
            let part = child(key, &format!("{request} {key}"), self.coarse());
            let part = Evidence { request_id: id.map(Into::into), ..part };
            match (self.is_told_by(Source::CloudTrail), is_refused) {
                // Half of the trails leave out what is below a prefix.
                (true, false) if nth.is_multiple_of(2) => facts.push(part.fact()),
                (true, true) if nth.is_multiple_of(2) => {
                    facts.push(Evidence { role: RemovalRole::None, ..part }.fact());
                }
                _ => {}
            }
            if !is_refused {
                let words = self.s3_words(nth, key, &request);
                facts.extend(words.into_iter().map(Told::fact));
                if self.is_told_by(Source::AccessLog) {
                    facts.push(batch_line(key, &request, self.coarse()).fact());
                }
            }
        }
        facts
    }

    fn expired(&self, nth: usize) -> Vec<Fact> {
        let words = self.s3_words(nth, KEYS[self.key], &format!("R{nth}"));
        let expired = |word| Evidence { cause: Cause::Lifecycle, ..word };
        words.into_iter().map(expired).map(Told::fact).collect()
    }

    fn written_key(&self, nth: usize, version_id: Option<String>) -> Vec<Fact> {
        let request = format!("R{nth}");
        let write = Creation { version_id, ..written(KEYS[self.key], &request, self.noticed()) };
        let mut facts = Vec::new();
        if self.is_told_by(Source::S3Notification) || !self.is_told_by(Source::EventBridge) {
            let sequencer = Some(self.sequencer(nth));
            facts.push(Creation { sequencer, ..write.clone() }.fact());
        }
        if self.is_told_by(Source::EventBridge) {
            let source = Source::EventBridge;
            let id = format!("event {}", write.id);
            facts.push(Creation { id, source, at: self.coarse(), ..write }.fact());
        }
        facts
    }
}

fn in_bucket(fact: Fact, bucket: &str) -> Fact {
    let bucket = bucket.to_owned();
    match fact {
        Fact::Deletion(it) => {
            let id = format!("{bucket} {}", it.id);
            Evidence { bucket: bucket.into(), id, ..*it }.fact()
        }
        Fact::Creation(it) => Creation { bucket, ..*it }.fact(),
        Fact::Intent(it) => Intent { bucket, ..*it }.fact(),
        Fact::Protection(it) => Fact::Protection(it),
    }
}

/// A version that was written, or the marker that this act made.
fn named(version: u8, marker: Option<usize>) -> String {
    match marker {
        Some(nth) if version >= 3 => format!("m{nth}"),
        _ => format!("v{}", version % 3),
    }
}

/// Every source tells of every bucket at the beginning, so that all are waited for.
pub(in crate::store) fn beginnings() -> Vec<Fact> {
    let at = milli(-3_600_000);
    let of = |bucket: &'static str| {
        let event = Evidence { source: Source::EventBridge, ..notice("d", "first d", at) };
        let words = [
            direct("a", "first a", at),
            notice("b", "first b", at),
            line("c", "first c", at),
            event,
        ];
        let words = words.into_iter().map(Told::fact);
        words.chain([written("e", "first e", at).fact()]).map(move |it| in_bucket(it, bucket))
    };
    BUCKETS.into_iter().flat_map(of).collect()
}

prop_compose! {
    /// What was told of up to 14 acts.
    pub(in crate::store) fn any_history()(
        mut acts in prop::collection::vec((any_act(), any::<[u16; 16]>()), 1..15),
    )
        -> Vec<Piece>
    {
        acts.sort_by_key(|(act, _)| act.millis);
        let mut markers = BTreeMap::new();
        let mut pieces = Vec::new();
        for (nth, (act, lateness)) in acts.iter().enumerate() {
            let slot = (act.bucket, act.key);
            let facts = act.written(nth, markers.get(&slot).copied()).into_iter().enumerate();
            pieces.extend(facts.map(|(at, fact)| Piece { fact, lateness: lateness[at % 16] }));
            if matches!(act.deed, Deed::Delete { version: None, makes_marker: true }) {
                markers.insert(slot, nth);
            }
        }
        pieces
    }
}
