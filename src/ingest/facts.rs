//! Facts that come in messages rather than in log objects: many and tiny. They go to the store as
//! they come, which commits what many messages brought in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{Fact, Source, Timestamp};

use super::Ingest;
use super::disposition::{Failure, Verdict};
use super::observe::Delivered;
use super::source_queue::SourceQueue;
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
        match self.0 {
            Ok(()) => Verdict::Done,
            Err(error) => Verdict::Retry(vec![Failure::of_store(&error)]),
        }
    }
}

/// Commits what messages told, as far as the buckets are watched.
pub(super) async fn keep_facts(ingest: &Ingest, queue: &SourceQueue, told: Vec<Told>) -> Kept {
    let mut facts = Vec::new();
    let mut heard: BTreeMap<Source, Vec<Delivered>> = BTreeMap::new();
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
        for (source, times) in times {
            let written_at = told.sent_at;
            heard.entry(source).or_default().push(Delivered { times, written_at });
        }
    }
    if facts.is_empty() {
        return Kept(Ok(()));
    }
    let now = ingest.now();
    let life = sources.iter().map(|source| ProofOfLife::delivered(source.clone(), now)).collect();
    queue.heard(sources.into_iter().map(|source| [source].into()));
    let report = match ingest.commit(Batch { facts, life, ..Batch::default() }).await {
        Ok(report) => report,
        Err(error) => return Kept(Err(error)),
    };
    for (source, delivered) in heard {
        let count = delivered.iter().map(|it| it.times.len() as u64).sum();
        ingest.count_records(source, RecordResult::Evidence, count);
        ingest.observe_delivery(source);
        if report.new_evidence > 0 {
            ingest.observe_delays(source, &delivered);
        }
    }
    Kept(Ok(()))
}

fn source_of(fact: &Fact) -> SourceKey {
    let (account, region) = fact.account_and_region();
    SourceKey { source: fact.source(), account: account.to_owned(), region: region.to_owned() }
}
