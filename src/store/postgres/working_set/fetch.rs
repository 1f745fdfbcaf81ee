//! Rows of the database into the tables in memory, many statements at a time. It does not know why
//! a row is wanted.

use std::cell::RefCell;
use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use rusqlite::types::Value;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::copy::Array;
use super::memory::{Column, Memory, Row, Table};
use crate::store::postgres::PostgresConnection;
use crate::store::postgres::texts::unescaped;
use crate::store::session::Result;

/// A question for rows of a table.
pub(super) struct Ask {
    pub(super) table: Table,
    /// What stands after `FROM`; the rows that are wanted are those of `t`.
    pub(super) from: &'static str,
    pub(super) values: Vec<Array>,
}

impl Ask {
    fn is_of_nothing(&self) -> bool {
        self.values.first().is_some_and(Array::is_empty)
    }
}

/// Fetches rows into memory.
pub(super) struct Fetch<'w, 'm> {
    pub(super) connection: &'w PostgresConnection,
    pub(super) memory: &'w Memory<'m>,
    /// The callers that the rows name.
    pub(super) actors: RefCell<BTreeSet<i64>>,
}

impl Fetch<'_, '_> {
    /// Fetches what is asked for into memory, and gives it too, in the order of the questions.
    pub(super) fn all(&self, asks: &[Ask]) -> Result<Vec<Vec<Row>>> {
        let mut prepared: Vec<(Statement, Vec<&(dyn ToSql + Sync)>)> = Vec::new();
        let wanted: Vec<&Ask> = asks.iter().filter(|ask| !ask.is_of_nothing()).collect();
        for ask in &wanted {
            let columns = self.memory.columns(ask.table);
            let names: Vec<String> = columns.iter().map(|it| format!("t.{}", it.name)).collect();
            let sql = format!("SELECT {} FROM {}", names.join(", "), ask.from);
            let values = ask.values.iter().map(Array::value).collect();
            prepared.push((self.connection.statement(&sql)?, values));
        }
        // One after the other would wait once for each.
        let answers = self.connection.wait(async |client| {
            try_join_all(prepared.iter().map(|(statement, values)| client.query(statement, values)))
                .await
        })?;
        let mut answers = answers.into_iter();
        let mut all = Vec::with_capacity(asks.len());
        for ask in asks {
            let answer = if ask.is_of_nothing() { None } else { answers.next() };
            let columns = self.memory.columns(ask.table);
            let rows = answer
                .unwrap_or_default()
                .iter()
                .map(|row| row_of(row, columns))
                .collect::<std::result::Result<Vec<Row>, tokio_postgres::Error>>()?;
            self.note_actors(columns, &rows);
            self.memory.load(ask.table, rows.iter().cloned())?;
            all.push(rows);
        }
        Ok(all)
    }

    fn note_actors(&self, columns: &[Column], rows: &[Row]) {
        let Some(index) = columns.iter().position(|column| column.name == "actor_id") else {
            return;
        };
        let ids = rows.iter().filter_map(|row| integer(&row[index]));
        self.actors.borrow_mut().extend(ids);
    }
}

fn row_of(
    row: &tokio_postgres::Row,
    columns: &[Column],
) -> std::result::Result<Row, tokio_postgres::Error> {
    let read = |(index, column): (usize, &Column)| {
        Ok(if column.is_text {
            let text: Option<&str> = row.try_get(index)?;
            text.map_or(Value::Null, |text| Value::Text(unescaped(text).into_owned()))
        } else {
            let number: Option<i64> = row.try_get(index)?;
            number.map_or(Value::Null, Value::Integer)
        })
    };
    columns.iter().enumerate().map(read).collect()
}

/// The integer that a value is.
pub(super) const fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(value) => Some(*value),
        _ => None,
    }
}

/// The text that a value is.
pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
