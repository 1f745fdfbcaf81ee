//! What detectors are given of a bucket around a day. It decides nothing about what is unusual.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltrail_core::detect::{
    Announced, Cell, Counts, PAST_DAYS, Suspect, Suspicion, WINDOWS_PER_DAY, Window,
};
use deltrail_core::domain::{
    Actor, DUPLICATE_MILLIS_MAX, Day, PAIR_MILLIS_MAX, ProtectionChange, Source, Timestamp,
};

use super::expectations::{expectations_of, spoken_of};
use super::history::{Judged, judged};
use super::protections::{protection_columns, protection_of};
use super::rows::{actor, optional_time, time};
use super::slow::slow;
use super::told::Told;
use super::watermarks::{lowest, lowest_by_source};
use crate::store::session::{Result, Row, Session, column, values};
use crate::store::{Cells, DueDay, Observations};

/// Single removals that are looked at for one bucket and day.
const SUSPECTS_MAX: i64 = 10_000;
/// Removals of one bucket and day that are judged before they are settled.
const PROVISIONAL_MAX: i64 = 2_000;
/// The newest removals of one bucket and day that are looked through for these. Of a purge most
/// are not: they are judged when they are settled.
pub(super) const OPEN_MAX: i64 = 5_000;
/// Changes of protection that are looked at.
const CHANGES_MAX: i64 = 1_000;
/// How many days before a day its changes of protection matter.
const CHANGES_DAYS: i64 = 28;

/// The days that something changed on, oldest first.
pub(in crate::store) fn due_days(session: &Session<'_>, limit: usize) -> Result<Vec<DueDay>> {
    session.rows(
        "SELECT bucket, day_number, version, is_live FROM detection_due
         WHERE looked_version < version
         ORDER BY bucket, day_number LIMIT ?1",
        &values![i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| {
            Ok(DueDay {
                bucket: row.read()?,
                day: Day::numbered(row.read()?),
                version: row.read()?,
                is_live: row.read()?,
            })
        },
    )
}

/// The days of a bucket that have cells or findings, from `from` on, in order.
pub(in crate::store) fn days_from(
    session: &Session<'_>,
    bucket: &str,
    from: Day,
) -> Result<Vec<Day>> {
    let days = session.rows(
        "SELECT DISTINCT window_number / 288 FROM rollups WHERE bucket = ?1 AND window_number >= ?2
         UNION SELECT DISTINCT day_number FROM findings WHERE bucket = ?1 AND day_number >= ?3
         ORDER BY 1",
        &values![bucket, from.number() * WINDOWS_PER_DAY, from.number()],
        column,
    )?;
    Ok(days.into_iter().map(Day::numbered).collect())
}

/// The days from one up to another on which a bucket's protection was changed.
pub(in crate::store) fn days_of_changes(
    session: &Session<'_>,
    bucket: &str,
    (from, to): (Day, Day),
) -> Result<Vec<Day>> {
    let days = session.rows(
        "SELECT DISTINCT at / 86400000 FROM protection_changes
         WHERE bucket = ?1 AND at >= ?2 AND at < ?3",
        &values![bucket, from.start().as_millis(), to.start().as_millis()],
        column,
    )?;
    Ok(days.into_iter().map(Day::numbered).collect())
}

/// What is known of a bucket around a day.
pub(in crate::store) fn observations(
    session: &Session<'_>,
    (bucket, day): (&str, Day),
    stale_window_millis: i64,
) -> Result<Observations> {
    // Before anything else: what changes meanwhile must not pass for known.
    let past_version = past_version(session, bucket, day)?;
    let Cells { cells, callers } = cells(session, bucket, (day.plus(-2), day.plus(3)))?;
    let mut observations = Observations {
        past_version,
        cells,
        callers,
        suspects: Vec::new(),
        changes: changes(session, bucket, day)?,
        unresolved_calls: unresolved_calls(session, bucket, day)?,
        watermarks: watermarks(session, bucket)?,
        observed_since: observed_since(session)?,
        announced: Vec::new(),
    };
    announced(session, (bucket, day), &mut observations)?;
    suspects(session, (bucket, day), &mut observations)?;
    provisional(session, (bucket, day), stale_window_millis, &mut observations)?;
    unfulfilled(session, (bucket, day), &mut observations)?;
    slow(session, bucket, span(day), &mut observations)?;
    Ok(observations)
}

/// How often the past of a bucket before a day has changed.
fn past_version(session: &Session<'_>, bucket: &str, day: Day) -> Result<i64> {
    session.one(
        "SELECT CAST(coalesce(sum(version), 0) AS BIGINT) FROM detection_due
         WHERE bucket = ?1 AND day_number >= ?2 AND day_number < ?3",
        &values![bucket, day.plus(-PAST_DAYS).number(), day.plus(-1).number()],
        column,
    )
}

/// The cells of a bucket from one day up to another, and who they name.
pub(in crate::store) fn cells(
    session: &Session<'_>,
    bucket: &str,
    (from, to): (Day, Day),
) -> Result<Cells> {
    let span = values![bucket, from.number() * WINDOWS_PER_DAY, to.number() * WINDOWS_PER_DAY];
    let cells = session.rows(
        "SELECT window_number, actor_id, removed, markers, versions, objects, lifecycle, denied,
             without_cloudtrail, without_confirmation, stale, repeated
         FROM rollups WHERE bucket = ?1 AND window_number >= ?2 AND window_number < ?3",
        &span,
        cell_of,
    )?;
    let callers = session.rows(
        "SELECT id, actor FROM actors WHERE id IN (
             SELECT actor_id FROM rollups
             WHERE bucket = ?1 AND window_number >= ?2 AND window_number < ?3
         )",
        &span,
        |row| Ok((row.read()?, Arc::new(actor(row)?))),
    )?;
    Ok(Cells { cells, callers: callers.into_iter().collect() })
}

fn cell_of(row: &mut Row<'_>) -> Result<Cell> {
    let (window, caller) = (Window::numbered(row.read()?), row.read()?);
    let mut numbers = [0; 10];
    for number in &mut numbers {
        *number = row.read()?;
    }
    Ok(Cell { window, caller, counts: Counts::from_numbers(numbers) })
}

const fn span(day: Day) -> (i64, i64) {
    (day.start().as_millis(), day.plus(1).start().as_millis())
}

/// Those that were settled as stale or repeated.
fn suspects(
    session: &Session<'_>,
    (bucket, day): (&str, Day),
    into: &mut Observations,
) -> Result<()> {
    let (from, to) = span(day);
    let found: Vec<(Suspect, Option<Suspicion>, Arc<Actor>)> = session.rows(
        "SELECT s.key, r.at, r.actor_id, r.is_stale, (
                 SELECT max(c.at) FROM creations AS c
                 WHERE c.slot_id = r.slot_id AND c.at <= r.at
             ), (
                 SELECT max(o.at) FROM removals AS o
                 WHERE o.slot_id = r.slot_id AND o.identity = r.duplicate_of
                     AND o.at BETWEEN r.at - ?5 AND r.at + ?6
             ), a.actor
         FROM removals AS r INDEXED BY removals_suspect
         JOIN slots AS s ON s.id = r.slot_id
         JOIN actors AS a ON a.id = r.actor_id
         WHERE r.bucket = ?1 AND r.at >= ?2 AND r.at < ?3 AND r.settled = 1
             AND (r.is_stale = 1 OR r.duplicate_of IS NOT NULL)
         ORDER BY r.at, s.key, r.identity LIMIT ?4",
        &values![
            bucket,
            from,
            to,
            SUSPECTS_MAX,
            DUPLICATE_MILLIS_MAX + PAIR_MILLIS_MAX,
            PAIR_MILLIS_MAX,
        ],
        |row| {
            let (key, at, caller) = (row.read()?, time(row)?, row.read()?);
            let is_stale = row.read::<Option<bool>>()? == Some(true);
            // A write may have been forgotten since it made the removal a stale one.
            let stale = Suspicion::Stale { replaced_at: optional_time(row)? };
            let repeated = optional_time(row)?.map(|first_at| Suspicion::Repeated { first_at });
            let (suspicion, other) =
                if is_stale { (Some(stale), repeated) } else { (repeated, None) };
            let suspicion = suspicion.unwrap_or(Suspicion::Repeated { first_at: at });
            let caller: i64 = caller;
            Ok((Suspect { key, at, caller: Some(caller), suspicion }, other, actor(row)?.into()))
        },
    )?;
    for (suspect, other, actor) in found {
        into.callers.extend(suspect.caller.map(|caller| (caller, actor)));
        let other = other.map(|suspicion| Suspect { suspicion, ..suspect.clone() });
        into.suspects.extend([Some(suspect), other].into_iter().flatten());
    }
    Ok(())
}

/// Those that are not settled yet and look stale or repeated now.
fn provisional(
    session: &Session<'_>,
    (bucket, day): (&str, Day),
    stale_window_millis: i64,
    into: &mut Observations,
) -> Result<()> {
    let (from, to) = span(day);
    let open: Vec<(i64, String, i64, String)> = session.rows(
        "SELECT newest.slot_id, newest.identity, newest.at, s.key
         FROM (
             SELECT slot_id, identity, at FROM removals INDEXED BY removals_unsettled
             WHERE bucket = ?1 AND at >= ?2 AND at < ?3 AND settled <> 1
             ORDER BY at DESC LIMIT ?8
         ) AS newest JOIN slots AS s ON s.id = newest.slot_id
         WHERE EXISTS (
                 SELECT 1 FROM creations AS c WHERE c.slot_id = newest.slot_id
                     AND c.at BETWEEN newest.at - ?4 AND newest.at + ?6
             ) OR EXISTS (
                 SELECT 1 FROM removals AS o WHERE o.slot_id = newest.slot_id
                     AND o.at BETWEEN newest.at - ?5 AND newest.at + ?6
                     AND o.identity <> newest.identity
             )
         ORDER BY newest.at, newest.slot_id LIMIT ?7",
        &values![
            bucket,
            from,
            to,
            stale_window_millis + PAIR_MILLIS_MAX,
            DUPLICATE_MILLIS_MAX + PAIR_MILLIS_MAX,
            PAIR_MILLIS_MAX,
            PROVISIONAL_MAX,
            OPEN_MAX,
        ],
        |row| Ok((row.read()?, row.read()?, row.read()?, row.read()?)),
    )?;
    if open.is_empty() {
        return Ok(());
    }
    let told = Told::of(session, bucket)?;
    let mut by_slot: BTreeMap<i64, (String, Vec<(String, i64)>)> = BTreeMap::new();
    for (slot_id, identity, at, key) in open {
        by_slot.entry(slot_id).or_insert((key, Vec::new())).1.push((identity, at));
    }
    for (slot_id, (key, due)) in by_slot {
        let judged = judged(session, slot_id, &due, stale_window_millis, told.has_creations)?;
        for it in judged.iter().filter(|it| due.iter().any(|due| due.0 == it.removal.identity)) {
            accuse(session, (slot_id, &key), it, &judged, into)?;
        }
    }
    Ok(())
}

/// Adds what is said of a removal that is not settled yet.
fn accuse(
    session: &Session<'_>,
    (slot_id, key): (i64, &str),
    it: &Judged,
    all: &[Judged],
    into: &mut Observations,
) -> Result<()> {
    let at = it.removal.at;
    let first = it.verdict.duplicate_of.as_ref().and_then(|first| {
        all.iter().find(|other| other.removal.identity == *first).map(|other| other.removal.at)
    });
    let repeated = first.map(|first_at| Suspicion::Repeated { first_at });
    let stale = if it.verdict.is_stale {
        let replaced_at = session.one(
            "SELECT max(at) FROM creations WHERE slot_id = ?1 AND at <= ?2",
            &values![slot_id, at.as_millis()],
            optional_time,
        )?;
        Some(Suspicion::Stale { replaced_at })
    } else {
        None
    };
    for suspicion in [stale, repeated].into_iter().flatten() {
        let caller: Option<i64> = session.optional(
            "SELECT actor_id FROM removals WHERE slot_id = ?1 AND at = ?2 AND identity = ?3",
            &values![slot_id, at.as_millis(), it.removal.identity],
            column,
        )?;
        into.callers.extend(caller.map(|caller| (caller, Arc::clone(&it.removal.actor))));
        into.suspects.push(Suspect { key: key.to_owned(), at, caller, suspicion });
    }
    Ok(())
}

/// Declared deletes of the day that did not happen.
fn unfulfilled(
    session: &Session<'_>,
    (bucket, day): (&str, Day),
    into: &mut Observations,
) -> Result<()> {
    let (from, to) = span(day);
    into.suspects.extend(session.rows(
        "SELECT s.key, i.requested_at FROM intent_keys AS i JOIN slots AS s ON s.id = i.slot_id
         WHERE i.bucket = ?1 AND i.requested_at >= ?2 AND i.requested_at < ?3
             AND i.state = 'unfulfilled'
         ORDER BY i.requested_at, s.key LIMIT ?4",
        &values![bucket, from, to, SUSPECTS_MAX],
        |row| {
            let (key, at) = (row.read()?, time(row)?);
            Ok(Suspect { key, at, caller: None, suspicion: Suspicion::Unfulfilled })
        },
    )?);
    Ok(())
}

fn changes(session: &Session<'_>, bucket: &str, day: Day) -> Result<Vec<ProtectionChange>> {
    let bucket = Some(bucket).filter(|bucket| !bucket.is_empty());
    session.rows(
        concat!(
            "SELECT ",
            protection_columns!(),
            " FROM protection_changes
             WHERE (bucket = ?1 OR (?1 IS NULL AND bucket IS NULL)) AND at >= ?2 AND at < ?3
             ORDER BY at DESC, id LIMIT ?4"
        ),
        &values![
            bucket,
            day.plus(-CHANGES_DAYS).start().as_millis(),
            day.plus(2).start().as_millis(),
            CHANGES_MAX,
        ],
        protection_of,
    )
}

fn unresolved_calls(session: &Session<'_>, bucket: &str, day: Day) -> Result<u64> {
    let (from, to) = span(day);
    let count: i64 = session.one(
        "SELECT count(*) FROM requests
         WHERE resolution = 'unresolved' AND bucket = ?1 AND at >= ?2 AND at < ?3",
        &values![bucket, from, to],
        column,
    )?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The lowest watermark of each source that tells of the bucket; of every source for the account
/// as a whole.
pub(in crate::store) fn watermarks(
    session: &Session<'_>,
    bucket: &str,
) -> Result<BTreeMap<Source, Timestamp>> {
    if bucket.is_empty() { lowest(session) } else { lowest_by_source(session, bucket) }
}

pub(super) fn observed_since(session: &Session<'_>) -> Result<Option<Timestamp>> {
    session.optional("SELECT since_at FROM observed WHERE id = 1", &[], time)
}

/// What was announced for the bucket around a day, and the removals it speaks of.
fn announced(
    session: &Session<'_>,
    (bucket, day): (&str, Day),
    into: &mut Observations,
) -> Result<()> {
    let span = (day.plus(-1).start(), day.plus(3).start());
    for expectation in expectations_of(session, bucket, span)? {
        let Cells { cells, callers } = spoken_of(session, &expectation)?;
        into.callers.extend(callers);
        into.announced.push(Announced { expectation, cells });
    }
    Ok(())
}

/// Keys that were removed from a bucket between two times, the first ones by time.
pub(in crate::store) fn sample_keys(
    session: &Session<'_>,
    bucket: &str,
    (from, to): (Timestamp, Timestamp),
    limit: usize,
) -> Result<Vec<String>> {
    session.rows(
        "SELECT s.key FROM removals AS r JOIN slots AS s ON s.id = r.slot_id
         WHERE r.bucket = ?1 AND r.at >= ?2 AND r.at < ?3 AND s.key <> ''
         ORDER BY r.at, s.key LIMIT ?4",
        &values![
            bucket,
            from.as_millis(),
            to.as_millis(),
            i64::try_from(limit).unwrap_or(i64::MAX),
        ],
        column,
    )
}
