//! Settling: when no source can tell more of a fact, it is judged, said and counted once. What is
//! said is the core's business; when it may be said, the watermarks'.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{
    Created, DUPLICATE_MILLIS_MAX, History, PAIR_MILLIS_MAX, Removal, SETTLE_MILLIS, Said,
    Settling, Target, Verdict, count_settled, judge,
};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::creations::{created_of, forget};
use super::journal::Journal;
use super::rows::{removal_of, write_removal};
use super::settle_calls::settle_calls;
use super::settle_intents::settle_intents;
use super::slots::read_counted;
use super::watermarks::{advance, complete_until, watermark_of};
use crate::store::{Holds, Options, Settle, SettleReport};

/// Facts of one kind in one bucket that are settled in one transaction.
pub(super) const ROWS_MAX: usize = 1_000;
/// No further bucket is begun in a transaction that has settled so many facts.
const TRANSACTION_ROWS_MAX: u64 = 10_000;
/// How long writes are kept that another one came after, in milliseconds of event time.
const CREATIONS_KEPT_MILLIS: i64 = 26 * 60 * 60 * 1_000;

/// Settles what may be settled, inside a transaction.
pub(super) fn settle(
    connection: &Connection,
    options: &Options,
    ask: &Settle,
) -> Result<SettleReport> {
    advance(connection, &ask.holds)?;
    let mut journal = Journal::new(connection, options);
    let mut report = SettleReport::default();
    let writes_kept_from = writes_kept_from(connection, &ask.holds)?
        .min(ask.now.as_millis().saturating_sub(CREATIONS_KEPT_MILLIS));
    let mut forgotten_before = writes_kept_from;
    for bucket in open_buckets(connection)? {
        if report.settled >= TRANSACTION_ROWS_MAX {
            // What is open in the buckets to come may need any write.
            (report.has_more, forgotten_before) = (true, i64::MIN);
            break;
        }
        let watermark = watermark_of(connection, &bucket, &ask.holds)?;
        let horizon = Horizon {
            bucket: &bucket,
            // Nothing is that old.
            until: watermark.map_or(i64::MIN, |at| at.saturating_sub(SETTLE_MILLIS)),
            takes_backfill: ask.settles_backfill,
            writes_kept_from,
        };
        let settled = [
            settle_removals(&mut journal, &horizon, ask)?,
            settle_calls(&journal, &horizon)?,
            settle_intents(&mut journal, &horizon)?,
        ];
        report.settled += settled.iter().map(|&count| count as u64).sum::<u64>();
        report.has_more |= settled.iter().any(|&count| count >= ROWS_MAX);
        if let Some(open) = oldest_open(connection, &bucket)? {
            forgotten_before = forgotten_before.min(open.saturating_sub(CREATIONS_KEPT_MILLIS));
        }
    }
    let forgotten = forget(connection, forgotten_before, options.creations_max, ROWS_MAX)?;
    report.has_more |= forgotten >= ROWS_MAX;
    report.discarded_latencies = journal.end().discarded_latencies;
    journal.close()?;
    Ok(report)
}

/// The event time, in milliseconds, from which on every write is kept.
pub(super) fn writes_kept_from(connection: &Connection, holds: &Holds) -> Result<i64> {
    let until = complete_until(connection, holds)?;
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

/// The buckets with anything open. Each is looked up after the one before, because there are many
/// more rows than buckets.
fn open_buckets(connection: &Connection) -> Result<BTreeSet<String>> {
    let mut buckets = BTreeSet::new();
    let open = [
        "removals WHERE settled <> 1",
        "requests WHERE api = 'DeleteObjects' AND outcome = 'ok' AND resolution IS NULL",
        "intent_keys WHERE state = 'pending'",
    ];
    for rows in open {
        let mut next = connection
            .prepare_cached(&format!("SELECT min(bucket) FROM {rows} AND bucket > ?1"))?;
        let mut last = String::new();
        while let Some(bucket) = next.query_row([&last], |row| row.get::<_, Option<String>>(0))? {
            buckets.insert(bucket.clone());
            last = bucket;
        }
    }
    Ok(buckets)
}

fn settle_removals(
    journal: &mut Journal<'_>,
    horizon: &Horizon<'_>,
    ask: &Settle,
) -> Result<usize> {
    let due = due_removals(journal.connection, horizon)?;
    let count = due.len();
    if count == 0 {
        return Ok(0);
    }
    let told = Told::of(journal.connection, horizon.bucket)?;
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

fn due_removals(connection: &Connection, horizon: &Horizon<'_>) -> Result<Vec<(i64, String, i64)>> {
    let rows = |condition: &str| -> Result<Vec<(i64, String, i64)>> {
        let mut select = connection.prepare_cached(&format!(
            "SELECT slot_id, identity, at FROM removals
             WHERE settled <> 1 AND bucket = ?1 AND {condition} ORDER BY at LIMIT ?3"
        ))?;
        let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
        select
            .query_map(params![horizon.bucket, horizon.until, limit], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect()
    };
    let mut due = rows("at <= ?2")?;
    if horizon.takes_backfill && due.len() < ROWS_MAX {
        due.extend(rows("at > ?2 AND is_backfilled = 1")?);
    }
    Ok(due)
}

/// Which sources tell of a bucket besides CloudTrail, and when they did.
pub(super) struct Told {
    /// From when to when S3 itself told of it, for each of its ways, in milliseconds.
    notices: Vec<(i64, i64)>,
    pub(super) has_creations: bool,
}

impl Told {
    pub(super) fn of(connection: &Connection, bucket: &str) -> Result<Self> {
        let mut select = connection.prepare_cached(
            "SELECT oldest_event_at, newest_event_at FROM bucket_sources
             WHERE bucket = ?1 AND source IN ('s3_notification', 'eventbridge')",
        )?;
        let notices = select
            .query_map([bucket], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<Vec<(i64, i64)>>>()?;
        let has_creations = connection
            .prepare_cached(
                "SELECT 1 FROM bucket_sources
                 WHERE bucket = ?1 AND newest_creation_at IS NOT NULL LIMIT 1",
            )?
            .query_row([bucket], |_| Ok(()))
            .optional()?
            .is_some();
        Ok(Self { notices, has_creations })
    }

    /// What is said of a removal of the bucket now, by its verdict and by what was said before.
    /// What came before a write of before `writes_kept_from`, in milliseconds, may have been
    /// forgotten.
    pub(super) fn said(
        &self,
        connection: &Connection,
        slot_id: i64,
        (removal, verdict): (&Removal, Verdict),
        before: &Settling,
        writes_kept_from: i64,
    ) -> Result<Said> {
        let at = removal.at.as_millis();
        let said = Said {
            duplicate_of: verdict.duplicate_of,
            is_stale: self.has_creations.then_some(verdict.is_stale),
            is_undelete: verdict.is_undelete,
            is_unconfirmed: !removal.is_confirmed && self.was_noticed_before(at),
        };
        match before {
            Settling::Reopened(before) if self.has_creations => {
                remembered(connection, (slot_id, at), writes_kept_from, before, said)
            }
            _ => Ok(said),
        }
    }

    /// Whether S3 told of the bucket in the 24 h before.
    fn was_noticed_before(&self, at: i64) -> bool {
        const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;
        self.notices
            .iter()
            .any(|&(oldest, newest)| oldest <= at && newest >= at.saturating_sub(DAY_MILLIS))
    }
}

fn settle_slot(
    journal: &mut Journal<'_>,
    slot_id: i64,
    due: &[(String, i64)],
    (horizon, told): (&Horizon<'_>, &Told),
    label: &str,
    ask: &Settle,
) -> Result<()> {
    let connection = journal.connection;
    let (removals, verdicts) = judged(connection, slot_id, due, ask.stale_window_millis)?;
    for (removal, verdict) in removals.iter().zip(verdicts) {
        if !due.iter().any(|(identity, _)| *identity == removal.identity) {
            continue;
        }
        let Some(counted) = read_counted(connection, slot_id, removal)? else { continue };
        let kept_from = horizon.writes_kept_from;
        let said =
            told.said(connection, slot_id, (removal, verdict), &counted.settling, kept_from)?;
        let counted = count_settled(removal, counted, said, label, &mut journal.delta);
        write_removal(connection, slot_id, horizon.bucket, removal, &counted)?;
    }
    Ok(())
}

/// What is said again of a removal at this time, when it was said before with the help of writes
/// that may be forgotten by now: to forget is no evidence.
fn remembered(
    connection: &Connection,
    (slot_id, at): (i64, i64),
    writes_kept_from: i64,
    before: &Said,
    said: Said,
) -> Result<Said> {
    let was_no_duplicate = before.duplicate_of.is_none() && at < writes_kept_from;
    let was_stale = before.is_stale == Some(true)
        && said.is_stale != Some(true)
        && writes_before(connection, slot_id, at)? < 2;
    Ok(Said {
        duplicate_of: said.duplicate_of.filter(|_| !was_no_duplicate),
        is_stale: if was_stale { before.is_stale } else { said.is_stale },
        ..said
    })
}

/// How many writes are known that a removal at this time came after: up to two.
fn writes_before(connection: &Connection, slot_id: i64, at: i64) -> Result<i64> {
    connection
        .prepare_cached(
            "SELECT count(*) FROM (
                 SELECT 1 FROM creations WHERE slot_id = ?1 AND at <= ?2 LIMIT 2
             )",
        )?
        .query_row([slot_id, at.saturating_add(PAIR_MILLIS_MAX)], |row| row.get(0))
}

/// The part of a slot's history that says what `due` removals are, judged.
pub(super) fn judged(
    connection: &Connection,
    slot_id: i64,
    due: &[(String, i64)],
    stale_window_millis: i64,
) -> Result<(Vec<Removal>, Vec<Verdict>)> {
    let first = due.iter().map(|(_, at)| *at).min().unwrap_or_default();
    let last = due.iter().map(|(_, at)| *at).max().unwrap_or_default();
    // S3's order of events may differ from that of the clocks by a little.
    let window_millis = DUPLICATE_MILLIS_MAX.max(stale_window_millis) + PAIR_MILLIS_MAX;
    let from = first.saturating_sub(window_millis);
    let to = last.saturating_add(PAIR_MILLIS_MAX);
    let creations = creations_between(connection, slot_id, from, to)?;
    let mut removals = removals_between(connection, slot_id, from, to)?;
    let last_write = creations.iter().find(|it| it.moment.at.as_millis() < from);
    if let Some(write) = last_write {
        removals.extend(removal_of_last(connection, slot_id, write, from)?);
    }
    let calls = known_calls(connection, &removals)?;
    let history =
        History { removals: &removals, creations: &creations, calls: &calls, stale_window_millis };
    let mut verdicts = judge(&history);
    let due: BTreeSet<&str> = due.iter().map(|(identity, _)| identity.as_str()).collect();
    let judged = removals.iter().zip(&mut verdicts);
    for (removal, verdict) in judged.filter(|(it, _)| due.contains(it.identity.as_str())) {
        if let Target::Version(version) = &removal.target
            && !verdict.is_undelete
        {
            verdict.is_undelete = made_marker(connection, slot_id, version)?;
        }
    }
    Ok((removals, verdicts))
}

/// The writes between, and the last one before: however long ago it was, it may be the one that
/// was replaced.
pub(super) fn creations_between(
    connection: &Connection,
    slot_id: i64,
    from: i64,
    to: i64,
) -> Result<Vec<Created>> {
    connection
        .prepare_cached(
            "SELECT * FROM creations WHERE slot_id = ?1 AND at <= ?3 AND at >= coalesce((
                 SELECT max(at) FROM creations AS earlier
                 WHERE earlier.slot_id = ?1 AND earlier.at < ?2
             ), ?2)",
        )?
        .query_map([slot_id, from, to], created_of)?
        .collect()
}

fn removals_between(
    connection: &Connection,
    slot_id: i64,
    from: i64,
    to: i64,
) -> Result<Vec<Removal>> {
    connection
        .prepare_cached("SELECT * FROM removals WHERE slot_id = ?1 AND at BETWEEN ?2 AND ?3")?
        .query_map([slot_id, from, to], removal_of)?
        .collect()
}

/// The removal, before all that is looked at, of the last write before.
fn removal_of_last(
    connection: &Connection,
    slot_id: i64,
    write: &Created,
    before: i64,
) -> Result<Option<Removal>> {
    let version = write.version_id.as_ref().map(|id| Target::Version(id.clone()).to_string());
    connection
        .prepare_cached(
            "SELECT * FROM removals WHERE slot_id = ?1 AND at >= ?2 AND at < ?3
                 AND (target NOT LIKE 'version %' OR target = ?4)
             ORDER BY at DESC LIMIT 1",
        )?
        .query_row(params![slot_id, write.moment.at.as_millis(), before, version], removal_of)
        .optional()
}

/// The request ids of children's removals that are those of known bulk calls.
fn known_calls(connection: &Connection, removals: &[Removal]) -> Result<BTreeSet<String>> {
    let mut calls = BTreeSet::new();
    let children = removals.iter().filter(|it| it.is_child_only() && it.target == Target::Unknown);
    for request_id in children.filter_map(|child| child.request_id.as_ref()) {
        let found = connection
            .prepare_cached(
                "SELECT 1 FROM requests WHERE request_id = ?1 AND api = 'DeleteObjects'",
            )?
            .query_row([request_id], |_| Ok(()))
            .optional()?;
        calls.extend(found.map(|()| request_id.clone()));
    }
    Ok(calls)
}

fn made_marker(connection: &Connection, slot_id: i64, version: &str) -> Result<bool> {
    let found = connection
        .prepare_cached("SELECT 1 FROM removals WHERE slot_id = ?1 AND marker_version_id = ?2")?
        .query_row(params![slot_id, version], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// When the oldest removal of a bucket was that is still to be judged.
fn oldest_open(connection: &Connection, bucket: &str) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT min(at) FROM removals WHERE settled <> 1 AND bucket = ?1")?
        .query_row([bucket], |row| row.get(0))
}
