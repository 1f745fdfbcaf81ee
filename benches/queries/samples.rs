//! Removals to ask about, found all over a store by asking it. They know no question.

use anyhow::Context;
use deltrail::store::{Cursor, DeletionFilter, Deletions, Reader, Within};
use deltrail_core::domain::Timestamp;
use fastrand::Rng;

const SEED: u64 = 3;
/// Removals in which every bucket is found.
const NEWEST: usize = 1_000;

/// A removal that is in the store.
#[derive(Debug, Clone)]
pub struct Sample {
    pub bucket: String,
    pub key: String,
    pub at: Timestamp,
    pub request_id: String,
    /// The name of a role that many sessions have.
    pub role: String,
    /// The access key of one session.
    pub access_key_id: String,
    /// The place after it in the list of its bucket; in the list of all of them, too.
    pub cursor: Cursor,
}

/// So many removals, each from another bucket and time.
///
/// # Errors
/// When the store cannot be read, or has none.
pub fn samples(reader: &mut Reader, count: usize) -> anyhow::Result<Vec<Sample>> {
    let newest = reader.deletions(&page(Within::Everything, NEWEST))?;
    let mut buckets: Vec<String> = newest.rows.into_iter().map(|row| row.bucket).collect();
    buckets.sort();
    buckets.dedup();
    let mut random = Rng::with_seed(SEED);
    let mut samples = Vec::with_capacity(count);
    for bucket in buckets.iter().cycle().take(count) {
        samples.push(sample(reader, bucket, &mut random)?);
    }
    Ok(samples)
}

/// A removal of any time.
fn sample(reader: &mut Reader, bucket: &str, random: &mut Rng) -> anyhow::Result<Sample> {
    let mut filter = page(Within::Bucket(bucket.to_owned()), 1);
    let told = reader.deletions(&filter)?;
    let first_place = told.next.clone().context("only one was removed")?;
    let (from, to) = span(&told).context("no source tells of the bucket")?;
    let until = random.i64(from.as_millis()..to.as_millis());
    filter.until = Some(Timestamp::from_millis(until));
    let mut before = reader.deletions(&filter)?;
    let (found, cursor) = match (before.rows.pop(), before.next) {
        (Some(row), Some(next)) => (row, next),
        // There is none before the first, or only one.
        _ => (told.rows.into_iter().next().context("nothing was removed")?, first_place),
    };
    let actor = &found.removal.actor;
    Ok(Sample {
        bucket: found.bucket,
        key: found.key.context("a key that is not known")?,
        at: found.removal.at,
        request_id: found.removal.request_id.clone().context("no request is known")?.into(),
        role: actor.user_name.clone().context("no role is known")?,
        access_key_id: actor.access_key_id.clone().context("no access key is known")?,
        cursor,
    })
}

/// The first and the last event time that a source told of.
fn span(told: &Deletions) -> Option<(Timestamp, Timestamp)> {
    let source = told.completeness.sources.first()?;
    source.oldest_event_at.zip(source.newest_event_at)
}

/// The first page of what was removed there, of any time and by anybody.
pub fn page(within: Within, limit: usize) -> DeletionFilter {
    DeletionFilter {
        within,
        principal: None,
        since: None,
        until: None,
        request_id: None,
        kind: None,
        only: None,
        after: None,
        limit,
    }
}
