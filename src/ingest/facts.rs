//! Facts that come in messages rather than in log objects: many and tiny. They go to the store as
//! they come, which commits what many messages brought in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{Fact, Source, Timestamp};

use super::Ingest;
use super::disposition::{Failure, Verdict};
use super::source_queue::SourceQueue;
use super::tell::STORE;
use crate::metrics::RecordResult;
use crate::store::{Batch, ProofOfLife, SourceKey, StoreError, StoredFact};

/// What one message told.
pub(super) struct Told {
    /// When it was sent.
    pub(super) sent_at: Option<Timestamp>,
    /// What it told.
    pub(super) facts: Vec<Fact>,
}

/// What became of facts.
pub(super) struct Kept(Result<(), StoreError>);

impl Kept {
    /// Whether trying them one message at a time may keep some of them.
    pub(super) fn may_be_one_fault(&self) -> bool {
        matches!(&self.0, Err(error) if !error.is_transient())
    }

    pub(super) fn into_verdict(self) -> Verdict {
        let Err(error) = self.0 else { return Verdict::Done };
        let failure = Failure::of_message("store", error.to_string());
        Verdict::Retry(vec![Failure { place: Some(STORE.to_owned()), ..failure }])
    }
}

/// Commits what messages told, as far as the buckets are watched.
pub(super) async fn keep_facts(ingest: &Ingest, queue: &SourceQueue, told: Vec<Told>) -> Kept {
    let mut facts = Vec::new();
    let mut heard = Vec::with_capacity(told.len());
    let mut sources: BTreeSet<SourceKey> = BTreeSet::new();
    for told in told {
        let mut times: BTreeMap<Source, Vec<Timestamp>> = BTreeMap::new();
        for fact in told.facts {
            if fact.bucket().is_some_and(|bucket| !(ingest.options.watches)(bucket)) {
                ingest.count_records(fact.source(), RecordResult::Ignored, 1);
                continue;
            }
            times.entry(fact.source()).or_default().push(fact.at());
            sources.insert(source_of(&fact));
            facts.push(StoredFact { fact, record_index: None });
        }
        heard.push((told.sent_at, times));
    }
    if facts.is_empty() {
        return Kept(Ok(()));
    }
    let now = ingest.now();
    let life = sources.iter().map(|source| delivered(source, now)).collect();
    queue.heard(sources);
    let report = match ingest.commit(Batch { facts, life, ..Batch::default() }).await {
        Ok(report) => report,
        Err(error) => return Kept(Err(error)),
    };
    for (sent_at, times) in heard {
        for (source, times) in times {
            ingest.count_records(source, RecordResult::Evidence, times.len() as u64);
            ingest.observe_delivery(source);
            if report.new_evidence > 0 {
                ingest.observe_delays(source, &times, sent_at);
            }
        }
    }
    Kept(Ok(()))
}

fn source_of(fact: &Fact) -> SourceKey {
    let (account, region) = fact.account_and_region();
    SourceKey { source: fact.source(), account: account.to_owned(), region: region.to_owned() }
}

fn delivered(source: &SourceKey, now: Timestamp) -> ProofOfLife {
    ProofOfLife {
        source: source.source,
        account: source.account.clone(),
        region: source.region.clone(),
        newest_event_at: None,
        last_delivery_at: Some(now),
        proof_of_life_at: None,
    }
}
