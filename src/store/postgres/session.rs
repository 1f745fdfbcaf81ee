//! Work on a PostgreSQL connection. It knows no statement, only how the store's SQL and its values
//! are said here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::ops::ControlFlow;
use std::rc::Rc;

use foldhash::fast::RandomState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::connection::PostgresConnection;
use super::explain::is_elsewhere;
use super::texts::{escaped, unescaped};
use super::translation::translated;
use crate::store::StoreError;
use crate::store::session::{Cell, Result, Row, SqlError, Value};

/// Rows of a statement without an end that are fetched at a time.
const FETCH_ROWS: &str = "FETCH 1000 FROM found";

/// Where a text lies that is there for good, and how long it is.
type Place = (*const u8, usize);

/// See [`crate::store::session::Session`].
pub(in crate::store) struct PostgresSession<'c> {
    connection: &'c PostgresConnection,
    /// Statements as they are said here.
    translated: RefCell<HashMap<Place, Rc<str>, RandomState>>,
}

impl<'c> PostgresSession<'c> {
    pub(in crate::store) fn new(connection: &'c PostgresConnection) -> Self {
        Self { connection, translated: RefCell::default() }
    }

    /// Connects again if the connection was lost.
    pub(in crate::store) fn revive(&self) -> Result<(), StoreError> {
        self.connection.revive()
    }

    pub(in crate::store) fn execute(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<usize> {
        let changed = self.connection.execute(&self.said_here(sql), &referred(values));
        let changed = changed.map_err(|error| self.failed(error))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(in crate::store) fn insert(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<i64>> {
        let sql = format!("{} RETURNING id", self.said_here(sql));
        let made = self.query(&sql, values)?;
        made.first().map(|row| row.try_get(0)).transpose().map_err(|error| self.failed(error))
    }

    pub(in crate::store) fn each(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        mut read: impl FnMut(&mut Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        for row in self.query(&self.said_here(sql), values)? {
            if read(&mut Row::of_postgres(&row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Fetches a part of the rows at a time: they may be all of a bucket. Only at one moment.
    pub(in crate::store) fn each_of_composed(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&mut Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let declare = format!("DECLARE found NO SCROLL CURSOR FOR {}", translated(sql));
        let declared = self.connection.execute(&declare, &referred(values));
        declared.map_err(|error| self.failed(error))?;
        'found: loop {
            // It answers with other columns than it did for another statement.
            let rows = self.connection.query_anew(FETCH_ROWS);
            let rows = rows.map_err(|error| self.failed(error))?;
            for row in &rows {
                if read(&mut Row::of_postgres(row))?.is_break() {
                    break 'found;
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        self.batch("CLOSE found")
    }

    /// Does `work` in a transaction.
    pub(in crate::store) fn in_transaction<T>(
        &self,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.batch("BEGIN")?;
        let ended = work().and_then(|result| self.batch("COMMIT").map(|()| result));
        if ended.is_err() && !self.connection.is_closed() {
            // What failed is told; a lost connection takes its transaction with it.
            let _ = self.batch("ROLLBACK");
        }
        ended
    }

    fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<tokio_postgres::Row>> {
        self.connection.query(sql, &referred(values)).map_err(|error| self.failed(error))
    }

    fn batch(&self, statements: &str) -> Result<()> {
        self.connection.batch(statements).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: tokio_postgres::Error) -> SqlError {
        if is_elsewhere(&error) {
            self.connection.abandon();
        }
        SqlError::Postgres(error)
    }

    fn said_here(&self, sql: &'static str) -> Rc<str> {
        let place = (sql.as_ptr(), sql.len());
        let mut known = self.translated.borrow_mut();
        Rc::clone(known.entry(place).or_insert_with(|| translated(sql).into()))
    }
}

fn referred<'v>(values: &'v [Value<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match *self {
            Self::Null => Ok(IsNull::Yes),
            // What stands beside a number in the statement decides how wide it is there.
            Self::Integer(value) if *ty == Type::INT4 => i32::try_from(value)?.to_sql(ty, out),
            Self::Integer(value) => value.to_sql(&Type::INT8, out),
            Self::Text(text) => (&*escaped(text)).to_sql(&Type::TEXT, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::TEXT)
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Cell<'r> {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *ty {
            Type::INT8 => Self::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Integer(i64::from(i32::from_sql(ty, raw)?)),
            _ => Self::Text(unescaped(<&str>::from_sql(ty, raw)?)),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::TEXT)
    }
}
