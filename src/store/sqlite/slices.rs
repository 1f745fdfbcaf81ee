//! The slices of a SQLite file: how they are read when it is opened, and how the next one is begun.
//! It does not know what a filter is made of.

use rusqlite::{Connection, OptionalExtension as _, Result};

use crate::store::slices::{Filter, Name, Sliced, Slices, TableSlices};

/// Rows of a slice. Its part of the index is a few megabytes and stays in the cache of pages, while
/// there are few slices to look into: about 150 of ten million rows. Tests have many.
pub(super) const SLICE_ROWS: u64 = if cfg!(test) { 8 } else { 65_536 };

/// A slice that was full and has no more rows than this, because the others were forgotten, is
/// given up: what is left of it is moved to the newest.
const THIN_ROWS: u64 = SLICE_ROWS / 8;
/// Full slices that are looked at when one more is full: what is given up has to keep up with what
/// is begun.
const LOOKED_AT: usize = 4;

/// The numbers of a table's slices, the newest first.
pub(super) fn numbers(connection: &Connection, table: Sliced) -> Result<Vec<i64>> {
    let mut select = connection
        .prepare_cached("SELECT number FROM slices WHERE sliced = ?1 ORDER BY number DESC")?;
    let numbers = select.query_map([table.as_str()], |row| row.get(0))?;
    numbers.collect()
}

/// A number that is another one when another connection has changed the database since.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

/// Reads what is in the slices of all tables, as far as `slices` does not know it: what is in those
/// that are full stays as it is.
pub(super) fn learn(connection: &Connection, slices: &Slices) -> Result<()> {
    for table in Sliced::ALL {
        let mut numbers = numbers(connection, table)?.into_iter();
        let newest = numbers.next().unwrap_or_default();
        let full: Vec<i64> = numbers.rev().collect();
        let mut known = slices.of(table).borrow_mut();
        known.full.retain(|(number, _)| full.contains(number));
        for (place, number) in full.into_iter().enumerate() {
            if known.full.get(place).is_none_or(|known| known.0 != number) {
                known.full.insert(place, (number, filter_of(connection, table, number)?));
            }
        }
        (known.newest, known.filter, known.rows) = (newest, Filter::for_rows(SLICE_ROWS), 0);
        each_name(connection, table, newest, |name| known.note(name))?;
    }
    Ok(())
}

/// The filter of a slice that is full, made and kept where there is none.
fn filter_of(connection: &Connection, table: Sliced, number: i64) -> Result<Filter> {
    let kept: Option<Vec<u8>> = connection
        .prepare_cached("SELECT filter FROM slices WHERE sliced = ?1 AND number = ?2")?
        .query_row((table.as_str(), number), |row| row.get(0))
        .optional()?
        .flatten();
    if let Some(filter) = kept.and_then(|bytes| Filter::from_bytes(&bytes)) {
        return Ok(filter);
    }
    let mut filter = Filter::for_rows(SLICE_ROWS);
    each_name(connection, table, number, |name| filter.add(name))?;
    keep(connection, table, number, &filter)?;
    Ok(filter)
}

fn keep(connection: &Connection, table: Sliced, number: i64, filter: &Filter) -> Result<()> {
    connection
        .prepare_cached("UPDATE slices SET filter = ?3 WHERE sliced = ?1 AND number = ?2")?
        .execute((table.as_str(), number, filter.to_bytes()))
        .map(drop)
}

/// Tells every name of a slice.
fn each_name(
    connection: &Connection,
    table: Sliced,
    number: i64,
    mut tell: impl FnMut(Name),
) -> Result<()> {
    let names = match table {
        Sliced::Keys => "SELECT bucket, key FROM slots WHERE slice = ?1",
        Sliced::Requests => "SELECT identity FROM requests WHERE slice = ?1",
    };
    let mut select = connection.prepare_cached(names)?;
    let mut rows = select.query([number])?;
    while let Some(row) = rows.next()? {
        let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
        tell(match table {
            Sliced::Keys => Name::of_key(text(0)?, text(1)?),
            Sliced::Requests => Name::of_request(text(0)?),
        });
    }
    Ok(())
}

/// What changes when the next slice is begun.
pub(super) struct Next {
    table: Sliced,
    number: i64,
    given_up: Vec<i64>,
    /// The names that were in those.
    moved: Vec<Name>,
}

impl Next {
    /// Notes it, when it is committed.
    pub(super) fn note(self, slices: &Slices) {
        let mut slices = slices.of(self.table).borrow_mut();
        slices.begin(self.number, Filter::for_rows(SLICE_ROWS));
        slices.give_up(&self.given_up);
        for name in self.moved {
            slices.note(name);
        }
    }
}

/// Whether the newest slice of any table is full.
pub(super) fn is_any_full(slices: &Slices) -> bool {
    Sliced::ALL.into_iter().any(|table| slices.of(table).borrow().rows >= SLICE_ROWS)
}

/// Begins the next slice of each table whose newest one is full, in a transaction that nothing else
/// is in.
pub(super) fn begin_next(connection: &Connection, slices: &Slices) -> Result<Vec<Next>> {
    let mut begun = Vec::new();
    for table in Sliced::ALL {
        let mut slices = slices.of(table).borrow_mut();
        if slices.rows >= SLICE_ROWS {
            begun.push(begin_next_of(connection, table, &mut slices)?);
        }
    }
    Ok(begun)
}

fn begin_next_of(connection: &Connection, table: Sliced, slices: &mut TableSlices) -> Result<Next> {
    keep(connection, table, slices.newest, &slices.filter)?;
    let number = slices.newest + 1;
    connection
        .prepare_cached(
            "INSERT INTO slices (sliced, number) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute((table.as_str(), number))?;
    let mut next = Next { table, number, given_up: Vec::new(), moved: Vec::new() };
    for thin in slices.look_at(LOOKED_AT) {
        if is_thin(connection, table, thin)? {
            each_name(connection, table, thin, |name| next.moved.push(name))?;
            give_up(connection, table, thin, number)?;
            next.given_up.push(thin);
        }
    }
    Ok(next)
}

fn is_thin(connection: &Connection, table: Sliced, number: i64) -> Result<bool> {
    let count = match table {
        Sliced::Keys => {
            "SELECT count(*) FROM (SELECT 1 FROM slots WHERE slice = ?1 LIMIT ?2 + 1) AS part"
        }
        Sliced::Requests => {
            "SELECT count(*) FROM (SELECT 1 FROM requests WHERE slice = ?1 LIMIT ?2 + 1) AS part"
        }
    };
    let limit = THIN_ROWS.cast_signed();
    let rows: i64 = connection.prepare_cached(count)?.query_row((number, limit), |it| it.get(0))?;
    Ok(rows <= limit)
}

/// Moves the rows of a slice to another one, and takes it off the list.
fn give_up(connection: &Connection, table: Sliced, number: i64, to: i64) -> Result<()> {
    let moves = match table {
        Sliced::Keys => "UPDATE slots SET slice = ?2 WHERE slice = ?1",
        Sliced::Requests => "UPDATE requests SET slice = ?2 WHERE slice = ?1",
    };
    connection.prepare_cached(moves)?.execute((number, to))?;
    connection
        .prepare_cached("DELETE FROM slices WHERE sliced = ?1 AND number = ?2")?
        .execute((table.as_str(), number))
        .map(drop)
}

#[cfg(test)]
mod tests;
