//! What the code under test says, commit by commit as a store would ask it: evidence is kept as a
//! set, slots that new evidence touches are folded again, and totals move by the difference. It
//! knows no truth.

use std::collections::{BTreeMap, BTreeSet};

use super::truth::{Known, Row};
use crate::domain::{
    Api, Counted, Creation, Delta, Evidence, History, Provenance, Removal, Request, Slot,
    Timestamp, Verdict, count_confirmed_latency, count_latency, count_removals, count_request,
    fold_creations, fulfilment, judge,
};

/// A fold, right or wrong.
pub(super) type Fold = fn(&[&Evidence]) -> Vec<Removal>;

pub(super) struct Ledger {
    fold: Fold,
    evidence: BTreeMap<Slot, BTreeMap<String, Evidence>>,
    removals: BTreeMap<Slot, Vec<Removal>>,
    counted: BTreeMap<Slot, BTreeMap<String, Counted>>,
    requests: BTreeMap<(String, String), Request>,
    totals: Delta,
    discarded: usize,
}

impl Ledger {
    pub(super) fn new(fold: Fold) -> Self {
        Self {
            fold,
            evidence: BTreeMap::new(),
            removals: BTreeMap::new(),
            counted: BTreeMap::new(),
            requests: BTreeMap::new(),
            totals: Delta::default(),
            discarded: 0,
        }
    }

    /// Takes a batch, as one transaction.
    pub(super) fn commit(&mut self, batch: &[Evidence]) {
        let mut touched = BTreeSet::new();
        for piece in batch {
            self.learn_request(piece);
            let Some(key) = &piece.key else { continue };
            let slot = Slot { bucket: piece.bucket.clone().into(), key: key.clone() };
            let known = self.evidence.entry(slot.clone()).or_default();
            if known.insert(piece.id.clone(), piece.clone()).is_none() {
                touched.insert(slot);
            }
        }
        for slot in touched {
            let pieces: Vec<&Evidence> = self.evidence[&slot].values().collect();
            let after = (self.fold)(&pieces);
            let before = self.counted.entry(slot.clone()).or_default();
            let recount = count_removals(before, &after, &slot.bucket, Provenance::Live);
            let identities = after.iter().map(|removal| removal.identity.clone());
            *before = identities.zip(recount.counted).collect();
            self.totals.merge(recount.delta);
            self.removals.insert(slot, after);
        }
        self.learn_latencies();
    }

    /// Looks for removals whose notification and request are both known now.
    fn learn_latencies(&mut self) {
        for (slot, removals) in &self.removals {
            for removal in removals {
                let request = format!("r:{}", removal.request_id.as_deref().unwrap_or_default());
                let request = self.requests.get(&(slot.bucket.clone(), request));
                let rows = self.counted.get_mut(slot).unwrap();
                let latency = count_confirmed_latency(
                    removal,
                    rows.get_mut(&removal.identity).unwrap(),
                    request.and_then(|request| request.started_at),
                    &slot.bucket,
                    &mut self.totals,
                );
                self.discarded += usize::from(latency.is_err());
            }
        }
    }

    fn learn_request(&mut self, piece: &Evidence) {
        let Some(told) = Request::of(piece) else { return };
        let bucket = told.bucket.to_string();
        let place = (bucket.clone(), told.identity.clone());
        let before = self.requests.get(&place);
        let after =
            before.cloned().map_or_else(|| told.clone(), |before| before.join(told.clone()));
        count_request(before, &after, &bucket, &mut self.totals);
        self.discarded += count_latency(before, &after, &bucket, &mut self.totals).len();
        self.requests.insert(place, after);
    }

    /// Everything that is said of the removals of each slot, when these are its `creations`.
    pub(super) fn verdicts(
        &self,
        creations: &[Creation],
        stale_window_millis: i64,
    ) -> BTreeMap<Slot, Vec<(Removal, Verdict)>> {
        let bulk = |request: &&Request| request.api == Api::DeleteObjects;
        let calls: BTreeSet<String> = self
            .requests
            .values()
            .filter(bulk)
            .filter_map(|it| it.request_id.as_deref())
            .map(str::to_owned)
            .collect();
        let judged = self.removals.iter().map(|(slot, removals)| {
            let creations = fold_creations(creations.iter().filter(|it| is_in(it, slot)));
            let history =
                History { removals, creations: &creations, calls: &calls, stale_window_millis };
            (slot.clone(), removals.iter().cloned().zip(judge(&history)).collect())
        });
        judged.collect()
    }

    /// The removal that fulfils what was declared.
    pub(super) fn fulfilment(&self, slot: &Slot, requested: i64) -> Option<&Removal> {
        fulfilment(Timestamp::from_millis(requested), self.removals.get(slot)?)
    }

    /// All that is known now.
    pub(super) fn known(&self) -> Known {
        let rows = self.removals.iter().filter(|(_, removals)| !removals.is_empty());
        let rows = rows.map(|(slot, removals)| {
            let mut rows: Vec<Row> = removals.iter().map(Row::of).collect();
            rows.sort();
            (slot.clone(), rows)
        });
        let requests = self.requests.values().map(|request| {
            let id = request.request_id.as_deref().unwrap_or_default().to_owned();
            let told = (request.api, request.outcome, request.key.clone());
            ((request.bucket.to_string(), id), told)
        });
        Known {
            rows: rows.collect(),
            requests: requests.collect(),
            totals: self.totals.clone(),
            discarded: self.discarded,
        }
    }
}

fn is_in(creation: &Creation, slot: &Slot) -> bool {
    creation.bucket == slot.bucket && creation.key == slot.key
}
