//! What was heard of the sources, and of which buckets they told. It decides nothing about how
//! complete that makes them.

use std::collections::BTreeMap;

use deltrail_core::domain::{Fact, Source, Timestamp};
use rusqlite::{Connection, Result, params};

use crate::store::{Batch, ProofOfLife};

/// Event times further in the future than this are not believed, in milliseconds: one wrong clock
/// would make its source look complete for good.
const AHEAD_MILLIS_MAX: i64 = 24 * 60 * 60 * 1_000;

/// Notes what a batch tells of its sources; `now` is when it is committed.
pub(super) fn write_heard(connection: &Connection, batch: &Batch, now: Timestamp) -> Result<()> {
    let mut sources: BTreeMap<(Source, &str, &str), Timestamp> = BTreeMap::new();
    let mut buckets: BTreeMap<(&str, Source, &str, &str), Seen> = BTreeMap::new();
    for fact in batch.facts.iter().map(|stored| &stored.fact) {
        let (source, at) = (fact.source(), fact.at());
        let (account, region) = match &batch.log_of {
            Some((account, region)) => (account.as_str(), region.as_str()),
            None => fact.account_and_region(),
        };
        let newest = sources.entry((source, account, region)).or_insert(at);
        *newest = at.max(*newest);
        let is_telling = !matches!(fact, Fact::Intent(_) | Fact::Protection(_));
        if let Some(bucket) = fact.bucket().filter(|_| is_telling && is_believed(at, now)) {
            let seen =
                buckets.entry((bucket, source, account, region)).or_insert_with(|| Seen::at(at));
            seen.note(at, matches!(fact, Fact::Creation(_)));
        }
    }
    for ((source, account, region), newest) in sources {
        let life = ProofOfLife {
            source,
            account: account.to_owned(),
            region: region.to_owned(),
            newest_event_at: Some(newest),
            last_delivery_at: None,
            proof_of_life_at: None,
        };
        write_life(connection, &life, now)?;
    }
    for (key, seen) in buckets {
        write_seen(connection, key, seen)?;
    }
    for life in &batch.life {
        write_life(connection, life, now)?;
    }
    Ok(())
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
    connection: &Connection,
    (bucket, source, account, region): (&str, Source, &str, &str),
    seen: Seen,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO bucket_sources AS s (bucket, source, account, region, oldest_event_at,
                 newest_event_at, newest_creation_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (bucket, source, account, region) DO UPDATE SET
                 oldest_event_at = min(s.oldest_event_at, excluded.oldest_event_at),
                 newest_event_at = max(s.newest_event_at, excluded.newest_event_at),
                 newest_creation_at =
                     max(coalesce(s.newest_creation_at, excluded.newest_creation_at),
                         coalesce(excluded.newest_creation_at, s.newest_creation_at))",
        )?
        .execute(params![
            bucket,
            source.as_str(),
            account,
            region,
            seen.oldest.as_millis(),
            seen.newest.as_millis(),
            seen.newest_creation.map(Timestamp::as_millis),
        ])?;
    Ok(())
}

fn is_believed(at: Timestamp, now: Timestamp) -> bool {
    at.millis_since(now) <= AHEAD_MILLIS_MAX
}

/// Moves the times of a source forward, never back.
fn write_life(connection: &Connection, life: &ProofOfLife, now: Timestamp) -> Result<()> {
    let believed = |time: Option<Timestamp>| {
        time.filter(|time| is_believed(*time, now)).map(Timestamp::as_millis)
    };
    connection
        .prepare_cached(
            "INSERT INTO sources AS s (source, account, region, newest_event_at, last_delivery_at,
                 proof_of_life_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (source, account, region) DO UPDATE SET
                 newest_event_at = max(coalesce(s.newest_event_at, excluded.newest_event_at),
                     coalesce(excluded.newest_event_at, s.newest_event_at)),
                 last_delivery_at = max(coalesce(s.last_delivery_at, excluded.last_delivery_at),
                     coalesce(excluded.last_delivery_at, s.last_delivery_at)),
                 proof_of_life_at = max(coalesce(s.proof_of_life_at, excluded.proof_of_life_at),
                     coalesce(excluded.proof_of_life_at, s.proof_of_life_at))",
        )?
        .execute(params![
            life.source.as_str(),
            life.account,
            life.region,
            believed(life.newest_event_at),
            believed(life.last_delivery_at),
            believed(life.proof_of_life_at),
        ])?;
    Ok(())
}
