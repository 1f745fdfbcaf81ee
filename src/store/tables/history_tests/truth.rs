//! What the pure core makes of everything that was told, and how often something occurs in it.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{
    Cause, Creation, Evidence, Fact, History, Kind, Removal, RemovalRole, Said, Timestamp, fold,
    fold_creations, fulfilment, judge,
};

use super::BUCKETS;
use crate::store::tables::story::ask;

/// What the pure core makes of everything that was told.
#[derive(Debug, Default)]
pub(super) struct Truth {
    evidence: BTreeMap<(String, String), Vec<Evidence>>,
    creations: BTreeMap<(String, String), Vec<Creation>>,
    pub(super) calls: Vec<Evidence>,
    /// Bucket, key, id and time of declared deletes.
    intents: Vec<(String, String, String, Timestamp)>,
}

impl Truth {
    pub(super) fn of(facts: impl IntoIterator<Item = Fact>) -> Self {
        let mut truth = Self::default();
        for fact in facts {
            match fact {
                Fact::Deletion(it) => match &it.key {
                    Some(key) => {
                        let slot = (it.bucket.to_string(), key.clone());
                        truth.evidence.entry(slot).or_default().push(*it);
                    }
                    None => truth.calls.push(*it),
                },
                Fact::Creation(it) => {
                    let slot = (it.bucket.clone(), it.key.clone());
                    truth.creations.entry(slot).or_default().push(*it);
                }
                Fact::Intent(it) => {
                    truth.intents.extend(it.keys.iter().map(|key| {
                        (it.bucket.clone(), key.clone(), it.id.clone(), it.requested_at)
                    }));
                }
                Fact::Protection(_) => {}
            }
        }
        truth
    }

    fn removals(&self, slot: &(String, String)) -> Vec<Removal> {
        self.evidence.get(slot).map(fold).unwrap_or_default()
    }

    /// Every removal with its bucket and what is to be said of it.
    pub(super) fn rows(&self) -> BTreeMap<(String, String), Vec<(Removal, Said)>> {
        let calls: BTreeSet<String> = self
            .calls
            .iter()
            .filter_map(|call| call.request_id.as_ref())
            .map(ToString::to_string)
            .collect();
        let judged = self.evidence.keys().map(|slot| {
            let removals = self.removals(slot);
            let creations = fold_creations(self.creations.get(slot).into_iter().flatten());
            let verdicts = judge(&History {
                removals: &removals,
                creations: &creations,
                calls: &calls,
                stale_window_millis: ask().stale_window_millis,
            });
            let said = verdicts.into_iter().zip(&removals).map(|(verdict, removal)| Said {
                duplicate_of: verdict.duplicate_of,
                is_stale: Some(verdict.is_stale),
                is_undelete: verdict.is_undelete,
                is_unconfirmed: !removal.is_confirmed,
            });
            let said: Vec<Said> = said.collect();
            (slot.clone(), removals.into_iter().zip(said).collect())
        });
        judged.collect()
    }

    /// The bulk calls of which nobody told a key.
    pub(super) fn unresolved(&self, bucket: &str) -> usize {
        let tells = |call: &Evidence, piece: &Evidence| {
            let is_part = piece.role == RemovalRole::Child
                || (piece.role == RemovalRole::None && piece.call.is_none());
            let is_near = piece.at.millis_since(call.at).abs() <= 10_000;
            piece.bucket == bucket && (piece.request_id == call.request_id || (is_part && is_near))
        };
        let pieces: Vec<&Evidence> = self.evidence.values().flatten().collect();
        let calls = self.calls.iter().filter(|call| call.bucket == bucket);
        calls.filter(|call| !pieces.iter().any(|piece| tells(call, piece))).count()
    }

    /// For each key of an intent the identity of the removal that fulfils it.
    pub(super) fn fulfilments(&self) -> BTreeMap<(String, String, String), Option<String>> {
        let fulfilled = self.intents.iter().map(|(bucket, key, id, requested_at)| {
            let removals = self.removals(&(bucket.clone(), key.clone()));
            let by = fulfilment(*requested_at, &removals).map(|removal| removal.identity.clone());
            ((bucket.clone(), key.clone(), id.clone()), by)
        });
        fulfilled.collect()
    }
}

/// How often something occurs in the histories.
#[derive(Debug, Default)]
pub(super) struct Occurrences(pub(super) BTreeMap<&'static str, usize>);

impl Occurrences {
    fn note(&mut self, name: &'static str, is_so: bool) {
        *self.0.entry(name).or_default() += usize::from(is_so);
    }

    pub(super) fn note_all(&mut self, truth: &Truth) {
        for (row, said) in truth.rows().values().flatten() {
            self.note("duplicate", said.duplicate_of.is_some());
            self.note("stale", said.is_stale == Some(true));
            self.note("undelete", said.is_undelete);
            self.note("unconfirmed", said.is_unconfirmed);
            self.note("kind unknown", row.kind == Kind::Unknown);
            self.note("lifecycle", row.cause == Cause::Lifecycle);
        }
        let fulfilments = truth.fulfilments();
        for by in fulfilments.values() {
            self.note("fulfilled", by.is_some());
            self.note("unfulfilled", by.is_none());
        }
        for bucket in BUCKETS {
            self.note("unresolved", truth.unresolved(bucket) > 0);
        }
    }
}
