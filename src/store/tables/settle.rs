//! Settling: when no source can tell more of a fact, it is judged, said and counted once. What is
//! said is the core's business; when it may be said, the watermarks'.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::detect::Counts;
use deltrail_core::domain::{
    DUPLICATE_MILLIS_MAX, PAIR_MILLIS_MAX, Provenance, SETTLE_MILLIS, count_settled,
};

use super::creations::forget;
use super::history::{Judged, judged};
use super::journal::Journal;
use super::rows::write_settled;
use super::settle_calls::settle_calls;
use super::settle_intents::settle_intents;
use super::told::Told;
use super::watermarks::{complete_until, watermark_of};
use crate::store::session::{Result, Session, column, values};
use crate::store::settling::Held;
use crate::store::{Options, Settle, SettleReport};

/// Facts of one kind in one bucket that are settled in one transaction.
pub(super) const ROWS_MAX: usize = 1_000;
/// No further bucket is begun in a transaction that has settled so many facts.
const TRANSACTION_ROWS_MAX: u64 = 10_000;
/// How long writes are kept that another one came after, in milliseconds of event time.
pub(in crate::store) const CREATIONS_KEPT_MILLIS: i64 = 26 * 60 * 60 * 1_000;

/// Settles what may be settled, inside a transaction. The watermarks were moved before, in another
/// one, which says who is held: commits write the sources last, so nobody may wait for a bucket who
/// has written a source.
pub(in crate::store) fn settle(
    session: &Session<'_>,
    options: &Options,
    ask: &Settle,
    held: &Held,
) -> Result<SettleReport> {
    let mut journal = Journal::new(session, options);
    let mut report = SettleReport::default();
    let writes_kept_from = writes_kept_from(session, held)?
        .min(ask.now.as_millis().saturating_sub(CREATIONS_KEPT_MILLIS));
    let mut forgotten_before = writes_kept_from;
    for bucket in open_buckets(session)? {
        if report.settled >= TRANSACTION_ROWS_MAX {
            // What is open in the buckets to come may need any write.
            (report.has_more, forgotten_before) = (true, i64::MIN);
            break;
        }
        session.lock_bucket(&bucket)?;
        let watermark = watermark_of(session, &bucket, held)?;
        let horizon = Horizon {
            bucket: &bucket,
            // Nothing is that old.
            until: watermark.map_or(i64::MIN, |at| at.saturating_sub(SETTLE_MILLIS)),
            takes_backfill: ask.settles_backfill,
            writes_kept_from,
        };
        let settled = [
            settle_removals(&mut journal, &horizon, ask)?,
            settle_calls(&mut journal, &horizon)?,
            settle_intents(&mut journal, &horizon)?,
        ];
        report.settled += settled.iter().map(|&count| count as u64).sum::<u64>();
        report.has_more |= settled.iter().any(|&count| count >= ROWS_MAX);
        if let Some(open) = oldest_open(session, &bucket)? {
            forgotten_before = forgotten_before.min(open.saturating_sub(CREATIONS_KEPT_MILLIS));
        }
    }
    let forgotten = forget(session, forgotten_before, options.creations_max, ROWS_MAX)?;
    report.has_more |= forgotten >= ROWS_MAX;
    report.discarded_latencies = journal.end().discarded_latencies;
    journal.close()?;
    Ok(report)
}

/// The event time, in milliseconds, from which on every write is kept.
pub(super) fn writes_kept_from(session: &Session<'_>, held: &Held) -> Result<i64> {
    let until = complete_until(session, held)?;
    Ok(until.map_or(i64::MIN, |at| at.saturating_sub(CREATIONS_KEPT_MILLIS)))
}

/// What of a bucket may be settled.
pub(super) struct Horizon<'a> {
    pub(super) bucket: &'a str,
    /// Facts up to this event time, in milliseconds.
    pub(super) until: i64,
    /// And all that was learnt from files of the past.
    pub(super) takes_backfill: bool,
    /// What came before a write of before this time, in milliseconds, may have been forgotten.
    writes_kept_from: i64,
}

/// The buckets with anything open.
fn open_buckets(session: &Session<'_>) -> Result<BTreeSet<String>> {
    let mut buckets = BTreeSet::new();
    let next = [
        "SELECT min(bucket) FROM removals WHERE settled <> 1 AND bucket > ?1",
        "SELECT min(bucket) FROM requests
         WHERE api = 'DeleteObjects' AND outcome = 'ok' AND resolution IS NULL AND bucket > ?1",
        "SELECT min(bucket) FROM intent_keys WHERE state = 'pending' AND bucket > ?1",
    ];
    for next in next {
        buckets.extend(each_bucket(session, next)?);
    }
    Ok(buckets)
}

/// Every bucket that `next` finds, each looked up after the one before, because there are many more
/// rows than buckets: it asks for the first bucket after `?1`.
pub(super) fn each_bucket(session: &Session<'_>, next: &'static str) -> Result<Vec<String>> {
    let mut buckets: Vec<String> = Vec::new();
    loop {
        let last = buckets.last().map_or("", String::as_str);
        match session.one(next, &values![last], column)? {
            Some(bucket) => buckets.push(bucket),
            None => return Ok(buckets),
        }
    }
}

fn settle_removals(
    journal: &mut Journal<'_>,
    horizon: &Horizon<'_>,
    ask: &Settle,
) -> Result<usize> {
    let told = Told::of(journal.session, horizon.bucket)?;
    let plain = settle_plain(journal.session, horizon, &told, ask.stale_window_millis)?;
    let due = due_removals(journal.session, horizon)?;
    if due.is_empty() {
        return Ok(plain);
    }
    let count = plain + due.len();
    let label = journal.labels.of(horizon.bucket)?;
    let mut by_slot: BTreeMap<i64, Vec<(String, i64)>> = BTreeMap::new();
    for (slot_id, identity, at) in due {
        by_slot.entry(slot_id).or_default().push((identity, at));
    }
    for (slot_id, due) in by_slot {
        settle_slot(journal, slot_id, &due, (horizon, &told), &label, ask)?;
    }
    Ok(count)
}

/// Settles the removals of which there is nothing to be said: S3 confirmed them or tells nothing of
/// their bucket, their kind is known, and nothing else happened to their key that they could have
/// to do with. So it is with most of them, and they need not be read one by one.
fn settle_plain(
    session: &Session<'_>,
    horizon: &Horizon<'_>,
    told: &Told,
    stale_window_millis: i64,
) -> Result<usize> {
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    session.execute(
        "UPDATE removals AS r SET settled = 1, is_stale = ?4
             WHERE r.rowid IN (
                 SELECT rowid FROM removals
                 WHERE settled <> 1 AND bucket = ?1 AND at <= ?2 ORDER BY at LIMIT ?3
             )
                 AND r.settled = 0 AND (r.is_confirmed = 1 OR ?8 = 1) AND r.counted_kind IS NOT NULL
                 AND r.target = 'current'
                 AND NOT EXISTS (
                     SELECT 1 FROM removals AS o WHERE o.slot_id = r.slot_id
                         AND o.at BETWEEN r.at - ?5 AND r.at + ?6 AND o.identity <> r.identity
                 )
                 AND NOT EXISTS (
                     SELECT 1 FROM creations AS c WHERE c.slot_id = r.slot_id
                         AND c.at BETWEEN r.at - ?7 AND r.at + ?6
                 )",
        &values![
            horizon.bucket,
            horizon.until,
            limit,
            told.has_creations.then_some(false),
            DUPLICATE_MILLIS_MAX + PAIR_MILLIS_MAX,
            PAIR_MILLIS_MAX,
            stale_window_millis + PAIR_MILLIS_MAX,
            !told.has_notices(),
        ],
    )
}

fn due_removals(session: &Session<'_>, horizon: &Horizon<'_>) -> Result<Vec<(i64, String, i64)>> {
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let values = values![horizon.bucket, horizon.until, limit];
    let rows =
        |select| session.rows(select, &values, |row| Ok((row.read()?, row.read()?, row.read()?)));
    let mut due = rows(
        "SELECT slot_id, identity, at FROM removals
         WHERE settled <> 1 AND bucket = ?1 AND at <= ?2 ORDER BY at LIMIT ?3",
    )?;
    if horizon.takes_backfill && due.len() < ROWS_MAX {
        due.extend(rows(
            "SELECT slot_id, identity, at FROM removals
             WHERE settled <> 1 AND bucket = ?1 AND at > ?2 AND is_backfilled = 1
             ORDER BY at LIMIT ?3",
        )?);
    }
    Ok(due)
}

fn settle_slot(
    journal: &mut Journal<'_>,
    slot_id: i64,
    due: &[(String, i64)],
    (horizon, told): (&Horizon<'_>, &Told),
    label: &str,
    ask: &Settle,
) -> Result<()> {
    let session = journal.session;
    for Judged { removal, counted, verdict } in
        judged(session, slot_id, due, ask.stale_window_millis, told.has_creations)?
    {
        if !due.iter().any(|(identity, _)| *identity == removal.identity) {
            continue;
        }
        let kept_from = horizon.writes_kept_from;
        let said =
            told.said(session, slot_id, (&removal, verdict), &counted.settling, kept_from)?;
        let before = Counts::of_removal(&removal, &counted.settling);
        let counted = count_settled(&removal, counted, said, label, &mut journal.delta);
        write_settled(session, slot_id, &removal, &counted)?;
        let change = Counts::of_removal(&removal, &counted.settling) - before;
        if change != Counts::default() {
            let actor_id = journal.actors.id_of(&removal.actor)?;
            let is_live = counted.provenance == Provenance::Live;
            journal.rollups.add(horizon.bucket, removal.at, actor_id, change, is_live);
        }
    }
    Ok(())
}

/// When the oldest removal of a bucket was that is still to be judged.
fn oldest_open(session: &Session<'_>, bucket: &str) -> Result<Option<i64>> {
    session.one(
        "SELECT min(at) FROM removals WHERE settled <> 1 AND bucket = ?1",
        &values![bucket],
        column,
    )
}
