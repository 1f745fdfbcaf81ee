//! What a statement finds: rows whose columns are read in their order. It does not know what they
//! mean.

use std::borrow::Cow;

use rusqlite::types::ValueRef;

use super::error::{Result, SqlError};
use super::value::Value;

/// A row. Its columns are read one after the other, as the statement names them: to look each one
/// up by its name would take as long as to read it.
pub(in crate::store) struct Row<'r> {
    columns: Columns<'r>,
    next: usize,
}

#[derive(Clone, Copy)]
enum Columns<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// What a column holds.
#[derive(Debug)]
pub(in crate::store) enum Cell<'r> {
    /// Nothing.
    Null,
    /// An integer, or a flag.
    Integer(i64),
    /// A text.
    Text(Cow<'r, str>),
}

impl<'r> Row<'r> {
    /// A row of SQLite.
    pub(in crate::store) const fn of_sqlite(row: &'r rusqlite::Row<'r>) -> Self {
        Self { columns: Columns::Sqlite(row), next: 0 }
    }

    /// A row of PostgreSQL.
    pub(in crate::store) const fn of_postgres(row: &'r tokio_postgres::Row) -> Self {
        Self { columns: Columns::Postgres(row), next: 0 }
    }

    /// Reads the next column.
    pub(in crate::store) fn read<T: Readable>(&mut self) -> Result<T> {
        match T::from_cell(self.next_cell()?) {
            Ok(value) => Ok(value),
            Err(cell) => {
                let detail = format!("{cell:?} was not expected there");
                Err(self.unreadable(detail))
            }
        }
    }

    /// Reads the next column, a text that is short most times.
    pub(in crate::store) fn short_text<T: for<'t> From<&'t str>>(&mut self) -> Result<T> {
        self.optional_short_text()?.ok_or_else(|| self.unreadable("it is empty".to_owned()))
    }

    /// [`Row::short_text`], where it may be missing.
    pub(in crate::store) fn optional_short_text<T: for<'t> From<&'t str>>(
        &mut self,
    ) -> Result<Option<T>> {
        self.read_with(|text| Some(text.into()))
    }

    /// Reads the next column, a text that `read` understands.
    pub(in crate::store) fn text<T>(&mut self, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        self.optional_text(read)?.ok_or_else(|| self.unreadable("it is empty".to_owned()))
    }

    /// [`Row::text`], where it may be missing.
    pub(in crate::store) fn optional_text<T>(
        &mut self,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        self.read_with(read)
    }

    fn read_with<T>(&mut self, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
        let detail = match self.next_cell()? {
            Cell::Null => return Ok(None),
            Cell::Text(text) => match read(&text) {
                Some(value) => return Ok(Some(value)),
                None => format!("\"{text}\" is not known"),
            },
            cell @ Cell::Integer(_) => format!("{cell:?} was not expected there"),
        };
        Err(self.unreadable(detail))
    }

    fn next_cell(&mut self) -> Result<Cell<'r>> {
        let index = self.next;
        self.next += 1;
        match self.columns {
            Columns::Sqlite(row) => Ok(match row.get_ref(index)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(value) => Cell::Integer(value),
                value => match value.as_str() {
                    Ok(text) => Cell::Text(Cow::Borrowed(text)),
                    Err(error) => return Err(self.unreadable(error.to_string())),
                },
            }),
            Columns::Postgres(row) => Ok(row.try_get(index)?),
        }
    }

    /// That the column which was read last is not understood.
    fn unreadable(&self, detail: String) -> SqlError {
        let index = self.next.saturating_sub(1);
        let name = match self.columns {
            Columns::Sqlite(row) => row.as_ref().column_name(index).ok(),
            Columns::Postgres(row) => row.columns().get(index).map(tokio_postgres::Column::name),
        };
        SqlError::Unreadable { column: name.unwrap_or_default().to_owned(), detail }
    }
}

/// Reads the next column: of rows of one column, all there is.
pub(in crate::store) fn column<T: Readable>(row: &mut Row<'_>) -> Result<T> {
    row.read()
}

/// What a column can be read as.
pub(in crate::store) trait Readable: Sized {
    /// The value, or the cell again if it holds none.
    fn from_cell(cell: Cell<'_>) -> std::result::Result<Self, Cell<'_>>;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Readable for $integer {
            fn from_cell(cell: Cell<'_>) -> std::result::Result<Self, Cell<'_>> {
                match cell {
                    Cell::Integer(value) => value.try_into().map_err(|_| cell),
                    cell => Err(cell),
                }
            }
        }
    )*};
}
integers!(i64, u8, u16);

impl Readable for bool {
    fn from_cell(cell: Cell<'_>) -> std::result::Result<Self, Cell<'_>> {
        i64::from_cell(cell).map(|flag| flag != 0)
    }
}

impl Readable for String {
    fn from_cell(cell: Cell<'_>) -> std::result::Result<Self, Cell<'_>> {
        match cell {
            Cell::Text(text) => Ok(text.into_owned()),
            cell => Err(cell),
        }
    }
}

impl<T: Readable> Readable for Option<T> {
    fn from_cell(cell: Cell<'_>) -> std::result::Result<Self, Cell<'_>> {
        match cell {
            Cell::Null => Ok(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

impl<'v> From<&'v Cell<'_>> for Value<'v> {
    fn from(cell: &'v Cell<'_>) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Integer(value) => Self::Integer(*value),
            Cell::Text(text) => Self::Text(text),
        }
    }
}
