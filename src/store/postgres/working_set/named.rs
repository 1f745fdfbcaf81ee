//! What batches name: buckets, keys, requests, log objects, and the ids of what is kept once. It
//! asks nothing.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{Api, Evidence, Fact, PAIR_MILLIS_MAX, Trace};

use super::pieces::{Span, united};
use crate::store::tables::{is_child, slot_key, slots_of};
use crate::store::{Batch, LedgerKey, Origin};

/// The names, each once and in order.
#[derive(Default)]
pub(super) struct Named<'b> {
    /// Every bucket that a fact is about.
    pub(super) buckets: BTreeSet<&'b str>,
    /// Those of them that something is counted of.
    pub(super) counted_buckets: BTreeSet<&'b str>,
    /// Bucket and key.
    pub(super) slots: BTreeSet<(&'b str, &'b str)>,
    /// Identity and bucket of requests.
    pub(super) requests: BTreeSet<(String, &'b str)>,
    /// Request id and bucket of the calls that are told of, and whether each is of many keys.
    pub(super) calls: BTreeMap<(&'b str, &'b str), bool>,
    /// Evidence, with the key of its slot where it has one.
    pub(super) evidence: Vec<(&'b Evidence, Option<&'b str>)>,
    /// Bucket and key, identity and time of writes.
    pub(super) creations: Vec<((&'b str, &'b str), String, i64)>,
    pub(super) intents: BTreeSet<&'b str>,
    /// Bucket, key and intent.
    pub(super) intent_keys: Vec<((&'b str, &'b str), &'b str)>,
    pub(super) protection_changes: BTreeSet<&'b str>,
    /// Log objects, and what kind each is said to be.
    pub(super) log_objects: BTreeMap<&'b LedgerKey, &'static str>,
    /// Bucket, hour, deed and caller of what was done to keys.
    pub(super) traces: Vec<&'b Trace>,
    /// When bulk calls were whose keys are told of.
    pub(super) bulk_calls: Vec<(String, Span)>,
}

impl<'b> Named<'b> {
    /// What these batches name.
    pub(super) fn by(batches: &[&'b Batch]) -> Self {
        let mut named = Self::default();
        let mut keys_told = Vec::new();
        for batch in batches {
            for stored in &batch.facts {
                named.slots.extend(slots_of(stored));
                named.note(&stored.fact, &mut keys_told);
            }
            named.buckets.extend(batch.traces.iter().map(|trace| &*trace.bucket));
            named.traces.extend(&batch.traces);
            if let Some(entry) = &batch.ledger {
                named.log_objects.insert(&entry.key, entry.source.as_str());
            }
            for reject in &batch.rejects {
                if let Origin::LogObject { object, .. } = &reject.origin {
                    named.log_objects.entry(object).or_insert(reject.source.as_str());
                }
            }
        }
        named.bulk_calls = united(keys_told);
        named
    }

    fn note(&mut self, fact: &'b Fact, keys_told: &mut Vec<(String, Span)>) {
        match fact {
            Fact::Deletion(evidence) => {
                self.buckets.insert(&evidence.bucket);
                self.counted_buckets.insert(&evidence.bucket);
                self.evidence.push((evidence, slot_key(evidence)));
                self.note_request(evidence);
                if evidence.key.is_some() && is_child(evidence) {
                    let at = evidence.at.as_millis();
                    let span =
                        (at.saturating_sub(PAIR_MILLIS_MAX), at.saturating_add(PAIR_MILLIS_MAX));
                    keys_told.push((evidence.bucket.to_string(), span));
                }
            }
            Fact::Creation(creation) => {
                self.buckets.insert(&creation.bucket);
                let slot = (&*creation.bucket, &*creation.key);
                self.creations.push((slot, creation.identity(), creation.at.as_millis()));
            }
            Fact::Intent(intent) => {
                self.buckets.insert(&intent.bucket);
                self.counted_buckets.insert(&intent.bucket);
                self.intents.insert(&intent.id);
                let keys = intent.keys.iter().map(|key| (&*intent.bucket, &**key));
                self.intent_keys.extend(keys.map(|slot| (slot, &*intent.id)));
            }
            Fact::Protection(change) => {
                self.protection_changes.insert(&change.id);
            }
        }
    }

    fn note_request(&mut self, evidence: &'b Evidence) {
        if evidence.call.is_some() {
            self.requests.insert((evidence.request_identity(), &evidence.bucket));
        } else if let Some(id) = &evidence.request_id {
            self.requests.insert((format!("r:{id}"), &evidence.bucket));
        }
        if let (Some(call), Some(id)) = (evidence.call, &evidence.request_id) {
            let is_of_many = call.api == Api::DeleteObjects;
            *self.calls.entry((id, &evidence.bucket)).or_default() |= is_of_many;
        }
    }
}
