//! Findings as they are kept: made, changed and withdrawn together for one bucket, so that a second
//! look changes nothing. It does not know what makes a finding.

use std::collections::BTreeSet;

use deltrail_core::domain::{Family, Finding, Mode, Part, State, Timestamp};

use super::finding_rows::{finding_columns, finding_of, of_day};
use super::forget::all_kept_from;
use super::journal::Journal;
use crate::store::session::{Result, Session, values};
use crate::store::{DueDay, FindingRow, Found, Options, Written};

/// How long after its last change a finding stays open, in milliseconds of the clock: whoever looks
/// every few minutes sees it.
pub const OPEN_MILLIS: i64 = 30 * 60 * 1_000;

/// How long a change that is not worse than what was told before waits for others, in milliseconds.
const UPDATE_MILLIS: i64 = 5 * 60 * 1_000;

/// Writes the findings of a bucket; nothing when somebody else has looked at newer rows. What has
/// changed since stays due, so that findings made from older rows do not stay. Of a day of which
/// evidence was forgotten, findings stay what they are: they cannot be made anew.
pub(in crate::store) fn write_findings(
    session: &Session<'_>,
    options: &Options,
    found: &Found,
) -> Result<Written> {
    session.lock_bucket(&found.bucket)?;
    for due in &found.due {
        if !is_due(session, due)? {
            return Ok(Written::default());
        }
    }
    let mut journal = Journal::new(session, options);
    let mut written = Written { is_current: true, ..Written::default() };
    let kept_from = all_kept_from(session)?;
    for (day, findings) in &found.days {
        if day.start().as_millis() < kept_from {
            continue;
        }
        let mut known = of_day(session, &found.bucket, *day)?;
        for (finding, mode) in findings {
            let id = finding.id();
            let changed = match known.remove(&id) {
                None => Some(insert(&mut journal, found, (id, finding, *mode))?),
                Some(row) => update(&mut journal, found, row, (finding, *mode))?,
            };
            written.changed.extend(changed);
        }
        for row in known.into_values().filter(|row| row.state != State::Withdrawn) {
            written.changed.push(withdraw(session, found, row)?);
        }
    }
    for due in &found.due {
        session.execute(
            "UPDATE detection_due SET looked_version = ?3,
                 is_live = CASE WHEN version = ?3 THEN 0 ELSE is_live END
             WHERE bucket = ?1 AND day_number = ?2 AND looked_version < ?3",
            &values![due.bucket, due.day.number(), due.version],
        )?;
    }
    journal.close()?;
    Ok(written)
}

fn is_due(session: &Session<'_>, due: &DueDay) -> Result<bool> {
    session.is_any(
        "SELECT 1 FROM detection_due
         WHERE bucket = ?1 AND day_number = ?2 AND looked_version < ?3",
        &values![due.bucket, due.day.number(), due.version],
    )
}

/// Whether anything but files of the past tells of the days that this finding may be about.
fn is_live(found: &Found, finding: &Finding) -> bool {
    let days = finding.day.plus(-1)..=finding.day.plus(finding.detector.days_after());
    found.due.iter().any(|due| due.is_live && days.contains(&due.day))
}

fn insert(
    journal: &mut Journal<'_>,
    found: &Found,
    (id, finding, mode): (String, &Finding, Mode),
) -> Result<FindingRow> {
    let is_live = is_live(found, finding);
    let row = FindingRow {
        id,
        finding: finding.clone(),
        mode,
        // Nobody could have seen what is known from history only.
        state: if is_live { State::Open } else { State::Resolved },
        is_live,
        opened_at: found.now,
        changed_at: found.now,
        closed_at: (!is_live).then_some(found.now),
        revision: 1,
        withdrawn_because: None,
    };
    write(journal.session, &row)?;
    if is_live {
        count(journal, &row);
        deliver(journal.session, found, &row, found.now)?;
    }
    Ok(row)
}

/// Counts a finding when it becomes known as something that happens now.
fn count(journal: &mut Journal<'_>, row: &FindingRow) {
    let labels = [row.finding.detector.as_str(), row.finding.severity.as_str(), row.mode.as_str()];
    journal.delta.add(Family::Findings, &labels, Part::Value, 1);
}

/// What a finding has become; nothing when it is as it was.
fn update(
    journal: &mut Journal<'_>,
    found: &Found,
    was: FindingRow,
    (finding, mode): (&Finding, Mode),
) -> Result<Option<FindingRow>> {
    let tells = is_live(found, finding);
    let is_same = was.finding == *finding && was.mode == mode && was.state != State::Withdrawn;
    if is_same && (was.is_live || !tells) {
        return Ok(None);
    }
    let is_worse = finding.severity > was.finding.severity || was.state != State::Open;
    let becomes_live = tells && !was.is_live;
    // What history or an announcement changes does not end what happens now.
    let stays_open = tells || was.state == State::Open;
    let knows_who = names_another(&was.finding, finding);
    let row = FindingRow {
        finding: finding.clone(),
        mode,
        state: if stays_open { State::Open } else { State::Resolved },
        is_live: was.is_live || tells,
        changed_at: found.now,
        closed_at: (!stays_open).then_some(found.now),
        revision: was.revision + 1,
        withdrawn_because: None,
        ..was
    };
    write(journal.session, &row)?;
    if becomes_live {
        count(journal, &row);
    }
    let waits = if is_worse || knows_who { 0 } else { UPDATE_MILLIS };
    if tells {
        deliver(journal.session, found, &row, later(found.now, waits))?;
    } else if stays_open {
        tell_those_who_know(journal.session, &row, later(found.now, waits))?;
    }
    Ok(Some(row))
}

/// Whether whoever did most has a name now that nobody was told: S3's notifications tell only the
/// id of a role, and CloudTrail, later, what people call it.
fn names_another(was: &Finding, finding: &Finding) -> bool {
    let name = |finding: &Finding| finding.who.first().map(|who| who.principal.clone());
    let now = name(finding);
    now.is_some() && now != name(was)
}

fn withdraw(session: &Session<'_>, found: &Found, was: FindingRow) -> Result<FindingRow> {
    let row = FindingRow {
        state: State::Withdrawn,
        changed_at: found.now,
        closed_at: Some(found.now),
        revision: was.revision + 1,
        withdrawn_because: found.withdrawn_because.get(&was.id).cloned(),
        ..was
    };
    write(session, &row)?;
    tell_those_who_know(session, &row, found.now)?;
    Ok(row)
}

/// Resolves what has not changed for a while, but for those that are `shown` still.
pub(in crate::store) fn resolve_findings(
    session: &Session<'_>,
    now: Timestamp,
    shown: &BTreeSet<String>,
) -> Result<Vec<FindingRow>> {
    let quiet = session.rows(
        concat!(
            "SELECT ",
            finding_columns!(),
            " FROM findings WHERE state = 'open' AND changed_at <= ?1
             ORDER BY changed_at, id LIMIT 1000 /*pg FOR UPDATE */"
        ),
        &values![now.as_millis().saturating_sub(OPEN_MILLIS)],
        finding_of,
    )?;
    let mut resolved = Vec::new();
    for was in quiet.into_iter().flatten().filter(|was| !shown.contains(&was.id)) {
        let row = FindingRow {
            state: State::Resolved,
            closed_at: Some(now),
            revision: was.revision + 1,
            ..was
        };
        write(session, &row)?;
        tell_those_who_know(session, &row, now)?;
        resolved.push(row);
    }
    Ok(resolved)
}

fn write(session: &Session<'_>, row: &FindingRow) -> Result<()> {
    let finding = &row.finding;
    session.execute(
        "INSERT INTO findings AS t (id, detector, bucket, day_number, severity, mode, state,
                 is_live, first_at, last_at, opened_at, changed_at, closed_at, revision, finding,
                 withdrawn_because)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
             ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, mode = excluded.mode,
                 state = excluded.state, is_live = excluded.is_live, first_at = excluded.first_at,
                 last_at = excluded.last_at, changed_at = excluded.changed_at,
                 closed_at = excluded.closed_at, revision = excluded.revision,
                 finding = excluded.finding, withdrawn_because = excluded.withdrawn_because",
        &values![
            row.id,
            finding.detector.as_str(),
            finding.bucket,
            finding.day.number(),
            finding.severity.as_str(),
            row.mode.as_str(),
            row.state.as_str(),
            row.is_live,
            finding.first_at.as_millis(),
            finding.last_at.as_millis(),
            row.opened_at.as_millis(),
            row.changed_at.as_millis(),
            row.closed_at.map(Timestamp::as_millis),
            row.revision,
            serde_json::to_string(finding)?,
            row.withdrawn_because.as_deref(),
        ],
    )?;
    Ok(())
}

/// Has this revision of a finding told to everybody who is to know of it.
fn deliver(
    session: &Session<'_>,
    found: &Found,
    row: &FindingRow,
    due_at: Timestamp,
) -> Result<()> {
    if row.mode != Mode::Live || row.finding.severity < found.told_from {
        return Ok(());
    }
    for notifier in &found.notifiers {
        session.execute(
            "INSERT INTO deliveries AS t (finding_id, notifier, revision, told_revision, attempts,
                     due_at, claimed_until, claimed_by, gave_up)
                 VALUES (?1, ?2, ?3, 0, 0, ?4, 0, '', 0)
                 ON CONFLICT (finding_id, notifier) DO UPDATE SET revision = excluded.revision,
                     attempts = 0, gave_up = 0, due_at = CASE
                         WHEN t.told_revision < t.revision AND t.due_at < excluded.due_at
                         THEN t.due_at ELSE excluded.due_at END",
            &values![row.id, notifier.as_str(), row.revision, due_at.as_millis()],
        )?;
    }
    Ok(())
}

/// Has the end of a finding told to those who were told of it.
fn tell_those_who_know(session: &Session<'_>, row: &FindingRow, now: Timestamp) -> Result<()> {
    session.execute(
        "UPDATE deliveries SET revision = ?2, attempts = 0, gave_up = 0, due_at = ?3
         WHERE finding_id = ?1",
        &values![row.id, row.revision, now.as_millis()],
    )?;
    Ok(())
}

fn later(now: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_add(millis))
}
