//! Forgetting what is old: one part of one table in each transaction, so that commits come between.
//! `stages` says what is old in which table; how old that is, is asked for. Totals are never
//! touched: what was counted once stays counted.

mod stages;

use deltrail_core::domain::Day;

use self::stages::{Aged, STAGES, Stage};
use crate::store::retention::{After, FORGET_MARGIN_MILLIS};
use crate::store::session::{Result, Session, Value, column, values};
use crate::store::slices::Sliced;
use crate::store::{Forget, ForgetReport, Sweep};

/// The time, in milliseconds, before which nothing is learnt any more.
pub(super) fn forgotten_before(session: &Session<'_>) -> Result<i64> {
    session.one("SELECT before_at FROM forgotten WHERE id = 1", &[], column)
}

/// The time, in milliseconds, from which on nothing was forgotten.
pub(super) fn all_kept_from(session: &Session<'_>) -> Result<i64> {
    Ok(forgotten_before(session)?.saturating_sub(FORGET_MARGIN_MILLIS))
}

/// Forgets the next part, inside a transaction.
pub(in crate::store) fn forget(session: &Session<'_>, ask: &Forget) -> Result<ForgetReport> {
    let before = ask.before.as_millis();
    session.execute(
        "UPDATE forgotten SET before_at = ?1 WHERE id = 1 AND before_at < ?1",
        &values![before],
    )?;
    let Some(stage) = STAGES.get(ask.from.stage) else {
        return Ok(ForgetReport { rows: 0, next: None });
    };
    if stage.is_shared {
        session.keep_commits_out()?;
    }
    let longer = FORGET_MARGIN_MILLIS + stage.days_longer * Day::MILLIS;
    let cut = before.saturating_sub(longer);
    let Some(last) = last_of_part(session, stage, &ask.from.after, ask.rows_max)? else {
        return Ok(ForgetReport { rows: 0, next: behind(session, &ask.from)? });
    };
    let slice = match &last {
        After::InSlice(slice, _) => Some(Value::Integer(*slice)),
        After::Number(_) | After::Name(_) => None,
    };
    let part = Part { session, after: value(&ask.from.after), last: value(&last), slice, cut };
    let (mut rows, mut is_done) = (0, true);
    for aged in stage.aged {
        let forgotten = part.forget(aged, ask.rows_max)?;
        rows += forgotten.rows;
        is_done &= forgotten.is_all;
    }
    if let Some(forget) = stage.unused.filter(|_| is_done) {
        session.keep_commits_out()?;
        rows += session.execute(forget, &[part.after, part.last])? as u64;
    }
    let after = if is_done { last } else { ask.from.after.clone() };
    Ok(ForgetReport { rows, next: Some(Sweep { stage: ask.from.stage, after }) })
}

/// What comes after all rows of a table, or of a slice of it; none after the last table.
fn behind(session: &Session<'_>, from: &Sweep) -> Result<Option<Sweep>> {
    if let After::InSlice(slice, _) = from.after {
        let slices = session.slices(Sliced::Requests)?;
        if let Some(&next) = slices.iter().rev().find(|&&number| number > slice) {
            let after = After::InSlice(next, String::new());
            return Ok(Some(Sweep { stage: from.stage, after }));
        }
    }
    let next = STAGES.get(from.stage + 1);
    Ok(next.map(|next| Sweep { stage: from.stage + 1, after: next.start() }))
}

/// The last row of the next part of a table; none when there are no more rows.
fn last_of_part(
    session: &Session<'_>,
    stage: &Stage,
    after: &After,
    rows_max: u32,
) -> Result<Option<After>> {
    let values = [value(after), Value::Integer(rows_max.into())];
    match after {
        After::Number(_) => {
            let last: Option<i64> = session.one(stage.last, &values, column)?;
            Ok(last.map(After::Number))
        }
        After::Name(_) => {
            let last: Option<String> = session.one(stage.last, &values, column)?;
            Ok(last.map(After::Name))
        }
        After::InSlice(slice, _) => {
            let [after, limit] = values;
            let values = [after, limit, Value::Integer(*slice)];
            let last: Option<String> = session.one(stage.last, &values, column)?;
            Ok(last.map(|last| After::InSlice(*slice, last)))
        }
    }
}

fn value(after: &After) -> Value<'_> {
    match after {
        After::Number(number) => Value::Integer(*number),
        After::Name(name) | After::InSlice(_, name) => Value::Text(name),
    }
}

/// A part of a table: the rows behind one up to another.
struct Part<'a> {
    session: &'a Session<'a>,
    after: Value<'a>,
    last: Value<'a>,
    /// The slice that all of them are in, if their table has any.
    slice: Option<Value<'a>>,
    /// What happened before this time, in milliseconds, is forgotten.
    cut: i64,
}

struct Forgotten {
    rows: u64,
    /// Whether nothing old is left in the part.
    is_all: bool,
}

impl<'a> Part<'a> {
    /// Forgets the oldest rows of the part, so many at most. Rows of one millisecond go together,
    /// because a row that all tables have no name for cannot be told from its neighbour.
    fn forget(&self, aged: &Aged, rows_max: u32) -> Result<Forgotten> {
        let cut = Value::Integer(self.cut);
        let limit = Value::Integer(rows_max.into());
        let oldest = self.values(&[self.after, self.last, cut, limit]);
        let (count, until): (i64, Option<i64>) =
            self.session.one(aged.oldest, &oldest, |row| Ok((row.read()?, row.read()?)))?;
        let Some(until) = until else { return Ok(Forgotten { rows: 0, is_all: true }) };
        let until = Value::Integer(until);
        let forgotten = self.values(&[self.after, self.last, until]);
        let rows = self.session.execute(aged.forget, &forgotten)?;
        Ok(Forgotten { rows: rows as u64, is_all: count < i64::from(rows_max) })
    }

    /// The values of a statement, with the slice last.
    fn values(&self, values: &[Value<'a>]) -> Vec<Value<'a>> {
        values.iter().copied().chain(self.slice).collect()
    }
}

#[cfg(test)]
mod finding_tests;
#[cfg(test)]
pub(super) mod tests;
