//! Findings as rows and back, and which of them are asked for. It makes and changes none.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use deltrail_core::domain::{Day, Finding, Mode, State, Timestamp};

use super::rows::{optional_time, time};
use crate::store::session::{Result, Row, Session, values};
use crate::store::{FindingFilter, FindingRow};

/// The columns of [`finding_of`].
macro_rules! finding_columns {
    () => {
        "id, mode, state, is_live, opened_at, changed_at, closed_at, revision, withdrawn_because, \
         finding"
    };
}
pub(super) use finding_columns;

/// Reads a row of `findings`; none for one of a newer version, which is left to that version.
pub(super) fn finding_of(row: &mut Row<'_>) -> Result<Option<FindingRow>> {
    let id = row.read()?;
    let (mode, state) =
        (row.text(|it| Some(Mode::named(it)))?, row.text(|it| Some(State::named(it)))?);
    let (is_live, opened_at, changed_at) = (row.read()?, time(row)?, time(row)?);
    let (closed_at, revision) = (optional_time(row)?, row.read()?);
    // A version before this one leaves it when it opens a finding again.
    let withdrawn_because: Option<String> = row.read()?;
    let withdrawn_because = withdrawn_because.filter(|_| state == Some(State::Withdrawn));
    let finding = row.text(|text| Some(serde_json::from_str::<Finding>(text).ok()))?;
    Ok(mode.zip(state).zip(finding).map(|((mode, state), finding)| FindingRow {
        id,
        finding,
        mode,
        state,
        is_live,
        opened_at,
        changed_at,
        closed_at,
        revision,
        withdrawn_because,
    }))
}

/// All findings of a bucket that begin on a day, by id.
pub(super) fn of_day(
    session: &Session<'_>,
    bucket: &str,
    day: Day,
) -> Result<BTreeMap<String, FindingRow>> {
    let rows = session.rows(
        concat!(
            "SELECT ",
            finding_columns!(),
            " FROM findings WHERE bucket = ?1 AND day_number = ?2"
        ),
        &values![bucket, day.number()],
        finding_of,
    )?;
    Ok(rows.into_iter().flatten().map(|row| (row.id.clone(), row)).collect())
}

/// The findings of a bucket that begin on the days from one up to another and are not withdrawn.
pub(in crate::store) fn standing_findings(
    session: &Session<'_>,
    bucket: &str,
    (from, to): (Day, Day),
) -> Result<Vec<Finding>> {
    let rows = session.rows(
        concat!(
            "SELECT ",
            finding_columns!(),
            " FROM findings WHERE bucket = ?1 AND day_number >= ?2 AND day_number < ?3
                 AND state <> 'withdrawn'"
        ),
        &values![bucket, from.number(), to.number()],
        finding_of,
    )?;
    Ok(rows.into_iter().flatten().map(|row| row.finding).collect())
}

/// One finding.
pub(in crate::store) fn finding(session: &Session<'_>, id: &str) -> Result<Option<FindingRow>> {
    let row = session.optional(
        concat!("SELECT ", finding_columns!(), " FROM findings WHERE id = ?1"),
        &values![id],
        finding_of,
    )?;
    Ok(row.flatten())
}

/// The findings that fit, and are about what was asked for, newest first.
pub(in crate::store) fn findings(
    session: &Session<'_>,
    filter: &FindingFilter,
    is_about_it: impl Fn(&Finding) -> bool,
) -> Result<Vec<FindingRow>> {
    let mut found = Vec::new();
    let (last_at, last_id) = filter.after.clone().unwrap_or((i64::MAX, String::new()));
    session.each(
        concat!(
            "SELECT ",
            finding_columns!(),
            " FROM findings
             WHERE last_at >= ?1 AND first_at < ?2 AND (?3 = '' OR bucket = ?3)
                 AND (?4 = 0 OR state = 'open') AND (last_at, id) < (?5, ?6)
             ORDER BY last_at DESC, id DESC"
        ),
        &values![
            filter.since.map_or(i64::MIN, Timestamp::as_millis),
            filter.until.map_or(i64::MAX, Timestamp::as_millis),
            filter.bucket.as_deref().unwrap_or_default(),
            filter.state == Some(State::Open),
            last_at,
            last_id,
        ],
        |row| {
            let row = finding_of(row)?;
            found.extend(row.filter(|row| filter.fits(row) && is_about_it(&row.finding)));
            Ok(if found.len() >= filter.limit {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        },
    )?;
    Ok(found)
}
