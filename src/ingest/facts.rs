//! Facts that come in messages rather than in log objects: many and tiny. They go to the store as
//! they come, which commits what many messages brought in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{Fact, Source, Timestamp};

use super::Ingest;
use super::disposition::{Failure, Verdict};
use super::source_queue::SourceQueue;
use super::tell::STORE;
use crate::metrics::RecordResult;
use crate::queue::Message;
use crate::store::{Batch, ProofOfLife, SourceKey, StoredFact};

/// Commits what a message told, as far as its buckets are watched.
pub(super) async fn keep_facts(
    ingest: &Ingest,
    queue: &SourceQueue,
    message: &Message,
    facts: Vec<Fact>,
) -> Verdict {
    let is_watched =
        |fact: &Fact| fact.bucket().is_none_or(|bucket| (ingest.options.watches)(bucket));
    let (facts, unwatched): (Vec<_>, Vec<_>) = facts.into_iter().partition(is_watched);
    for fact in &unwatched {
        ingest.count_records(fact.source(), RecordResult::Ignored, 1);
    }
    if facts.is_empty() {
        return Verdict::Done;
    }
    let sources: BTreeSet<SourceKey> = facts.iter().map(source_of).collect();
    let now = ingest.now();
    let life = sources.iter().map(|source| delivered(source, now)).collect();
    let mut times: BTreeMap<Source, Vec<Timestamp>> = BTreeMap::new();
    for fact in &facts {
        times.entry(fact.source()).or_default().push(fact.at());
    }
    let stored = |fact| StoredFact { fact, record_index: None };
    let batch = Batch { facts: facts.into_iter().map(stored).collect(), life, ..Batch::default() };
    queue.heard(sources);
    match ingest.commit(batch).await {
        Ok(report) => {
            let sent_at = message.sent_at_millis.map(Timestamp::from_millis);
            for (source, times) in times {
                ingest.count_records(source, RecordResult::Evidence, times.len() as u64);
                ingest.observe_delivery(source);
                if report.new_evidence > 0 {
                    ingest.observe_delays(source, &times, sent_at);
                }
            }
            Verdict::Done
        }
        Err(error) => {
            let failure = Failure::of_message("store", error.to_string());
            Verdict::Retry(vec![Failure { place: Some(STORE.to_owned()), ..failure }])
        }
    }
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
