//! Deletions that were announced: kept, listed, and the removals they speak of. Whether those are
//! fewer than expected, the core decides.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::ControlFlow;
use std::sync::Arc;

use deltrail_core::detect::{Cell, Counts, Expectation, WINDOW_MILLIS, Window};
use deltrail_core::domain::{Actor, Day, Timestamp};

use super::rollups::mark_due;
use super::rows::{actor, time};
use crate::store::session::{Result, Row, Session, column, values};
use crate::store::{Announcing, Cells, Configured, Expected, PrincipalPattern};

/// Announcements of one bucket that are not over: each is reckoned with at every look at it.
const OPEN_MAX: u64 = 100;
/// Days back that are looked at again because of an announcement.
const DAYS_BACK_MAX: i64 = 31;
/// Removals that a list of announcements counts in all.
const COUNTED_MAX: u64 = 200_000;

macro_rules! expectation_columns {
    () => {
        "id, principal, bucket, prefix, since_at, until_at, objects_max"
    };
}

#[cfg(test)]
pub(super) use expectation_columns;

fn expectation_of(row: &mut Row<'_>) -> Result<Expectation> {
    Ok(Expectation {
        id: row.read()?,
        principal: row.read()?,
        bucket: row.read()?,
        prefix: row.read()?,
        since: time(row)?,
        until: time(row)?,
        objects_max: row.read::<i64>()?.unsigned_abs(),
    })
}

/// Keeps an announcement, unless there is one of its name already.
pub(in crate::store) fn announce(
    session: &Session<'_>,
    expectation: &Expectation,
    said_by: Option<&str>,
    now: Timestamp,
) -> Result<Announcing> {
    if let Some(known) = named(session, &expectation.id)? {
        return Ok(Announcing::Known(known));
    }
    let open: i64 = session.one(
        "SELECT count(*) FROM expectations WHERE bucket = ?1 AND until_at > ?2",
        &values![expectation.bucket, now.as_millis()],
        column,
    )?;
    if open.unsigned_abs() >= OPEN_MAX {
        return Ok(Announcing::TooMany(open.unsigned_abs()));
    }
    if insert(session, expectation, said_by, false)? {
        mark(session, expectation, now)?;
        return Ok(Announcing::Kept);
    }
    // A replica was faster.
    let known = named(session, &expectation.id)?;
    Ok(known.map_or(Announcing::Kept, Announcing::Known))
}

fn named(session: &Session<'_>, id: &str) -> Result<Option<Expectation>> {
    session.optional(
        concat!("SELECT ", expectation_columns!(), " FROM expectations WHERE id = ?1"),
        &values![id],
        expectation_of,
    )
}

fn insert(
    session: &Session<'_>,
    expectation: &Expectation,
    said_by: Option<&str>,
    is_configured: bool,
) -> Result<bool> {
    let kept = session.execute(
        "INSERT INTO expectations (id, principal, bucket, prefix, since_at, until_at, objects_max,
             said_by, is_configured)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        &values![
            expectation.id,
            expectation.principal,
            expectation.bucket,
            expectation.prefix,
            expectation.since.as_millis(),
            expectation.until.as_millis(),
            i64::try_from(expectation.objects_max).unwrap_or(i64::MAX),
            said_by,
            is_configured,
        ],
    )?;
    Ok(kept == 1)
}

/// What an announcement speaks of is looked at again. It is no news of its own: what was over
/// stays so.
fn mark(session: &Session<'_>, expectation: &Expectation, now: Timestamp) -> Result<()> {
    let today = Day::of(now);
    let last = Day::of(expectation.until).min(today);
    let mut day = Day::of(expectation.since).max(today.plus(-DAYS_BACK_MAX));
    while day <= last {
        mark_due(session, &expectation.bucket, day, false)?;
        day = day.plus(1);
    }
    Ok(())
}

/// Puts the announcements of the configuration file in place of those that it held before.
pub(in crate::store) fn configure(
    session: &Session<'_>,
    configured: &[Configured],
    now: Timestamp,
) -> Result<()> {
    let before = session.rows(
        concat!("SELECT ", expectation_columns!(), " FROM expectations WHERE is_configured = 1"),
        &[],
        expectation_of,
    )?;
    let mut before: BTreeMap<_, _> = before.into_iter().map(|it| (it.id.clone(), it)).collect();
    for Configured { expectation, keeps_since } in configured {
        let was = before.remove(&expectation.id);
        let since = was.as_ref().filter(|_| *keeps_since).map(|was| was.since);
        let expectation =
            Expectation { since: since.unwrap_or(expectation.since), ..expectation.clone() };
        if was.as_ref() == Some(&expectation) {
            continue;
        }
        if let Some(was) = &was {
            remove(session, was, now)?;
        }
        insert(session, &expectation, None, true)?;
        mark(session, &expectation, now)?;
    }
    for gone in before.values() {
        remove(session, gone, now)?;
    }
    Ok(())
}

fn remove(session: &Session<'_>, expectation: &Expectation, now: Timestamp) -> Result<()> {
    session.execute("DELETE FROM expectations WHERE id = ?1", &values![expectation.id])?;
    mark(session, expectation, now)
}

/// What was announced for a bucket and is not over at the beginning of a span, nor begins after it.
pub(super) fn expectations_of(
    session: &Session<'_>,
    bucket: &str,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Expectation>> {
    session.rows(
        concat!(
            "SELECT ",
            expectation_columns!(),
            " FROM expectations
             WHERE bucket = ?1 AND until_at >= ?2 AND since_at < ?3 ORDER BY id"
        ),
        &values![bucket, from.as_millis(), to.as_millis()],
        expectation_of,
    )
}

/// Callers that were looked at, of whom those are kept that an announcement speaks of.
struct Callers<'a> {
    session: &'a Session<'a>,
    principal: Option<PrincipalPattern>,
    looked_at: BTreeMap<i64, Option<Arc<Actor>>>,
}

impl<'a> Callers<'a> {
    fn of(session: &'a Session<'a>, expectation: &Expectation) -> Self {
        let principal = expectation.principal.as_deref().map(PrincipalPattern::new);
        Self { session, principal, looked_at: BTreeMap::new() }
    }

    fn fit(&mut self, id: i64) -> Result<bool> {
        let entry = match self.looked_at.entry(id) {
            Entry::Occupied(known) => return Ok(known.get().is_some()),
            Entry::Vacant(entry) => entry,
        };
        let caller =
            self.session.one("SELECT actor FROM actors WHERE id = ?1", &values![id], actor)?;
        let fits = self.principal.as_ref().is_none_or(|principal| principal.matches(&caller));
        entry.insert(fits.then(|| caller.into()));
        Ok(fits)
    }
}

/// The removals by the principal of an announcement, under its prefix and within its time.
pub(super) fn spoken_of(session: &Session<'_>, of: &Expectation) -> Result<Cells> {
    let mut callers = Callers::of(session, of);
    let grouped: Vec<(i64, i64, i64)> = session.rows(
        "SELECT r.at / ?5, r.actor_id, count(*) FROM removals AS r
         JOIN slots AS s ON s.id = r.slot_id
         WHERE r.bucket = ?1 AND r.at >= ?2 AND r.at < ?3 AND r.cause = 'api'
             AND substr(s.key, 1, length(?4)) = ?4
         GROUP BY 1, 2",
        &values![of.bucket, of.since.as_millis(), of.until.as_millis(), of.prefix, WINDOW_MILLIS,],
        |row| Ok((row.read()?, row.read()?, row.read()?)),
    )?;
    let mut cells = Vec::with_capacity(grouped.len());
    for (window, caller, removed) in grouped {
        if callers.fit(caller)? {
            let counts = Counts { removed, ..Counts::default() };
            cells.push(Cell { window: Window::numbered(window), caller, counts });
        }
    }
    let callers = callers.looked_at.into_iter();
    Ok(Cells { cells, callers: callers.filter_map(|(id, it)| Some((id, it?))).collect() })
}

/// What was announced and ends at `from` or later, first what ends last.
pub(in crate::store) fn expectations(
    session: &Session<'_>,
    from: Timestamp,
    limit: usize,
) -> Result<Vec<Expected>> {
    let mut listed = session.rows(
        concat!(
            "SELECT ",
            expectation_columns!(),
            ", said_by, is_configured FROM expectations
             WHERE until_at >= ?1 ORDER BY until_at DESC, id LIMIT ?2"
        ),
        &values![from.as_millis(), i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| {
            Ok(Expected {
                expectation: expectation_of(row)?,
                said_by: row.read()?,
                is_configured: row.read()?,
                came: None,
            })
        },
    )?;
    let mut left = COUNTED_MAX;
    for expected in &mut listed {
        expected.came = came(session, &expected.expectation, &mut left)?;
    }
    Ok(listed)
}

/// How many removals came that an announcement speaks of; none when more than `left` have to be
/// looked at.
fn came(session: &Session<'_>, of: &Expectation, left: &mut u64) -> Result<Option<u64>> {
    let mut callers = Callers::of(session, of);
    let mut came = 0;
    session.each(
        "SELECT r.actor_id, CASE WHEN substr(s.key, 1, length(?4)) = ?4 THEN 1 ELSE 0 END
         FROM removals AS r JOIN slots AS s ON s.id = r.slot_id
         WHERE r.bucket = ?1 AND r.at >= ?2 AND r.at < ?3 AND r.cause = 'api'",
        &values![of.bucket, of.since.as_millis(), of.until.as_millis(), of.prefix],
        |row| {
            if *left == 0 {
                return Ok(ControlFlow::Break(()));
            }
            *left -= 1;
            let (caller, is_under_prefix) = (row.read()?, row.read::<bool>()?);
            came += u64::from(is_under_prefix && callers.fit(caller)?);
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok((*left > 0).then_some(came))
}
