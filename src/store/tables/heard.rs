//! What was heard of the sources, and of which buckets they told. It decides nothing about how
//! complete that makes them.

use std::collections::BTreeMap;

use deltrail_core::domain::{Fact, Source, Timestamp};

use super::rows::millis;
use crate::store::Batch;
use crate::store::session::{Result, Session, values};

/// Event times further in the future than this are not believed, in milliseconds: one wrong clock
/// would make its source look complete for good.
const AHEAD_MILLIS_MAX: i64 = 24 * 60 * 60 * 1_000;

/// What the batches of one transaction tell of their sources.
#[derive(Default)]
pub(super) struct Heard<'a> {
    /// By source, account and region.
    sources: BTreeMap<(Source, &'a str, &'a str), LastHeard>,
    buckets: BTreeMap<(&'a str, Source, &'a str, &'a str), Seen>,
}

impl<'a> Heard<'a> {
    /// Notes what a batch tells, committed at `now`.
    pub(super) fn note(&mut self, batch: &'a Batch, now: Timestamp) {
        for fact in batch.facts.iter().map(|stored| &stored.fact) {
            let (source, at) = (fact.source(), fact.at());
            if at.millis_since(now) > AHEAD_MILLIS_MAX {
                continue;
            }
            let (account, region) = match &batch.log_of {
                Some((account, region)) => (account.as_str(), region.as_str()),
                None => fact.account_and_region(),
            };
            let life = self.sources.entry((source, account, region)).or_default();
            life.newest_event = life.newest_event.max(Some(at));
            let is_telling = !matches!(fact, Fact::Intent(_) | Fact::Protection(_));
            if let Some(bucket) = fact.bucket().filter(|_| is_telling) {
                let key = (bucket, source, account, region);
                let seen = self.buckets.entry(key).or_insert_with(|| Seen::at(at));
                seen.note(at, matches!(fact, Fact::Creation(_)));
            }
        }
        for told in &batch.life {
            let believed = |time: Option<Timestamp>| {
                time.filter(|time| time.millis_since(now) <= AHEAD_MILLIS_MAX)
            };
            let key = (told.source, told.account.as_str(), told.region.as_str());
            let life = self.sources.entry(key).or_default();
            life.newest_event = life.newest_event.max(believed(told.newest_event_at));
            life.last_delivery = life.last_delivery.max(believed(told.last_delivery_at));
            life.proof_of_life = life.proof_of_life.max(believed(told.proof_of_life_at));
        }
    }

    /// Writes it.
    pub(super) fn write(self, session: &Session<'_>) -> Result<()> {
        for (key, life) in self.sources {
            write_life(session, key, &life)?;
        }
        for (key, seen) in self.buckets {
            write_seen(session, key, &seen)?;
        }
        Ok(())
    }
}

/// When a source was heard of.
#[derive(Default)]
struct LastHeard {
    newest_event: Option<Timestamp>,
    last_delivery: Option<Timestamp>,
    proof_of_life: Option<Timestamp>,
}

/// When a bucket was told of.
struct Seen {
    oldest: Timestamp,
    newest: Timestamp,
    newest_creation: Option<Timestamp>,
}

impl Seen {
    const fn at(at: Timestamp) -> Self {
        Self { oldest: at, newest: at, newest_creation: None }
    }

    fn note(&mut self, at: Timestamp, is_creation: bool) {
        self.oldest = self.oldest.min(at);
        self.newest = self.newest.max(at);
        if is_creation {
            self.newest_creation = self.newest_creation.max(Some(at));
        }
    }
}

fn write_seen(
    session: &Session<'_>,
    (bucket, source, account, region): (&str, Source, &str, &str),
    seen: &Seen,
) -> Result<()> {
    session.execute(
        "INSERT INTO bucket_sources AS s (bucket, source, account, region, oldest_event_at,
                 newest_event_at, newest_creation_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (bucket, source, account, region) DO UPDATE SET
                 oldest_event_at = CASE
                     WHEN s.oldest_event_at < excluded.oldest_event_at THEN s.oldest_event_at
                     ELSE excluded.oldest_event_at END,
                 newest_event_at = CASE
                     WHEN s.newest_event_at > excluded.newest_event_at THEN s.newest_event_at
                     ELSE excluded.newest_event_at END,
                 newest_creation_at = CASE
                     WHEN s.newest_creation_at IS NULL
                         OR s.newest_creation_at < excluded.newest_creation_at
                     THEN excluded.newest_creation_at ELSE s.newest_creation_at END",
        &values![
            bucket,
            source.as_str(),
            account,
            region,
            seen.oldest.as_millis(),
            seen.newest.as_millis(),
            millis(seen.newest_creation),
        ],
    )?;
    Ok(())
}

/// Moves the times of a source forward, never back.
fn write_life(
    session: &Session<'_>,
    (source, account, region): (Source, &str, &str),
    life: &LastHeard,
) -> Result<()> {
    session.execute(
        "INSERT INTO sources AS s (source, account, region, newest_event_at, last_delivery_at,
                 proof_of_life_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (source, account, region) DO UPDATE SET
                 newest_event_at = CASE
                     WHEN s.newest_event_at IS NULL OR s.newest_event_at < excluded.newest_event_at
                     THEN excluded.newest_event_at ELSE s.newest_event_at END,
                 last_delivery_at = CASE
                     WHEN s.last_delivery_at IS NULL
                         OR s.last_delivery_at < excluded.last_delivery_at
                     THEN excluded.last_delivery_at ELSE s.last_delivery_at END,
                 proof_of_life_at = CASE
                     WHEN s.proof_of_life_at IS NULL
                         OR s.proof_of_life_at < excluded.proof_of_life_at
                     THEN excluded.proof_of_life_at ELSE s.proof_of_life_at END",
        &values![
            source.as_str(),
            account,
            region,
            millis(life.newest_event),
            millis(life.last_delivery),
            millis(life.proof_of_life),
        ],
    )?;
    Ok(())
}
