//! What the store's code talks to instead of a database: statements with values in, rows out, the
//! same on every database. It knows no table and no question.
//!
//! The text of a statement is the same everywhere, in the SQL that SQLite and PostgreSQL have in
//! common. Values are numbered `?1`, or `?` one after the other.

mod connection;
mod error;
mod row;
mod value;

use std::ops::ControlFlow;
use std::sync::Arc;

use deltrail_core::domain::Actor;

pub(super) use self::connection::Connection;
pub(super) use self::error::{Result, SqlError};
pub(super) use self::row::{Cell, Row, column};
pub(super) use self::value::{Value, values};
use super::StoreError;
use super::postgres::{self, PostgresSession};
use super::settling::Held;
use super::slices::{Name, Sliced};
use super::sqlite::{self, SqliteSession};

/// Work on a connection. It holds the statements that it has run once, so that each is prepared
/// once only.
pub(super) enum Session<'c> {
    /// On SQLite.
    Sqlite(SqliteSession<'c>),
    /// On PostgreSQL.
    Postgres(PostgresSession<'c>),
}

impl Session<'_> {
    /// Runs a statement; gives how many rows it changed.
    pub(super) fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<usize> {
        match self {
            Self::Sqlite(session) => session.execute(sql, values),
            Self::Postgres(session) => session.execute(sql, values),
        }
    }

    /// Adds a row to a table whose rows have an `id`, and gives it; none when the row was there
    /// already, which the statement has to say is no error.
    pub(super) fn insert(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Option<i64>> {
        match self {
            Self::Sqlite(session) => session.insert(sql, values),
            Self::Postgres(session) => session.insert(sql, values),
        }
    }

    /// Reads rows one after the other, until there are no more or `read` has enough. It may run
    /// other statements.
    pub(super) fn each(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&mut Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        match self {
            Self::Sqlite(session) => session.each(sql, values, read),
            Self::Postgres(session) => session.each(sql, values, read),
        }
    }

    /// [`Session::each`] of a statement that is put together from parts. It is not held.
    pub(super) fn each_of_composed(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(&mut Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        match self {
            Self::Sqlite(session) => session.each_of_composed(sql, values, read),
            Self::Postgres(session) => session.each_of_composed(sql, values, read),
        }
    }

    /// All rows.
    pub(super) fn rows<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        mut read: impl FnMut(&mut Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        self.each(sql, values, |row| {
            rows.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    /// The first row, if there is any.
    pub(super) fn optional<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        mut read: impl FnMut(&mut Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut found = None;
        self.each(sql, values, |row| {
            found = Some(read(row)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// The first row of those that are always there.
    pub(super) fn one<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&mut Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.optional(sql, values, read)?.ok_or(SqlError::NoRow)
    }

    /// Whether there is any row.
    pub(super) fn is_any(&self, sql: &'static str, values: &[Value<'_>]) -> Result<bool> {
        Ok(self.optional(sql, values, |_| Ok(()))?.is_some())
    }

    /// Sees that the connection stands, before work begins on it.
    pub(super) fn revive(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => session.revive(),
        }
    }

    /// Does `work` in a transaction that writes: all of it is kept, or nothing.
    pub(super) fn in_transaction<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        match self {
            Self::Sqlite(session) => session.in_transaction(work),
            Self::Postgres(session) => session.in_transaction(work),
        }
    }

    /// Asks everything of one moment, whatever is committed meanwhile.
    pub(super) fn at_one_moment<T>(&self, ask: impl FnOnce() -> Result<T>) -> Result<T> {
        match self {
            Self::Sqlite(session) => session.at_one_moment(ask),
            Self::Postgres(session) => session.in_transaction(ask),
        }
    }

    /// Waits for the commits of others, and keeps them from beginning any until the transaction
    /// ends: what nothing refers to stays so.
    pub(super) fn keep_commits_out(&self) -> Result<()> {
        match self {
            // Nobody else writes anything.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => self.is_any(postgres::KEEP_COMMITS_OUT, &[]).map(drop),
        }
    }

    /// Keeps others from writing what is counted of a bucket until the transaction ends. Who needs
    /// several buckets locks them in their order, so that none waits for the other in a circle.
    pub(super) fn lock_bucket(&self, bucket: &str) -> Result<()> {
        match self {
            // Nobody else writes anything.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => {
                let bucket = &values![bucket];
                self.execute(
                    "INSERT INTO bucket_locks VALUES (?1) ON CONFLICT DO NOTHING",
                    bucket,
                )?;
                self.is_any("SELECT 1 FROM bucket_locks WHERE bucket = ?1 FOR UPDATE", bucket)?;
                Ok(())
            }
        }
    }

    /// Says to the other writers of the store who is held here, and adds whom they hold.
    pub(super) fn with_holds_of_others(&self, writer: &str, held: Held) -> Result<Held> {
        match self {
            // There are none.
            Self::Sqlite(_) => Ok(held),
            Self::Postgres(_) => postgres::with_holds_of_others(self, writer, held),
        }
    }

    /// Keeps in mind from now on what is in the slices of tables.
    pub(super) fn learn_slices(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(session) => session.learn_slices(),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Begins the next slice of each table whose newest one is full, before a transaction begins.
    pub(super) fn grow_slices(&self) -> Result<()> {
        match self {
            Self::Sqlite(session) => session.grow_slices(),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// The slices of a table, the newest first.
    pub(super) fn slices(&self, table: Sliced) -> Result<Vec<i64>> {
        match self {
            Self::Sqlite(session) => session.slices(table),
            Self::Postgres(_) => Ok(vec![0]),
        }
    }

    /// Those of them that may hold a row of this name.
    pub(super) fn slices_with(&self, name: Name) -> Result<Vec<i64>> {
        match self {
            Self::Sqlite(session) => session.slices_with(name),
            Self::Postgres(_) => Ok(vec![0]),
        }
    }

    /// The slice that a new row of this name belongs to, which may hold one already, and the others
    /// that may hold one.
    pub(super) fn place(&self, name: Name) -> Result<(i64, Vec<i64>)> {
        match self {
            Self::Sqlite(session) => session.place(name),
            Self::Postgres(_) => Ok((0, Vec::new())),
        }
    }

    /// Notes that a row of this name was added to the newest slice.
    pub(super) fn note(&self, name: Name) {
        match self {
            Self::Sqlite(session) => session.note(name),
            Self::Postgres(_) => {}
        }
    }

    /// The row of a caller, if it is kept in mind.
    pub(super) fn caller(&self, actor: &Actor) -> Option<i64> {
        match self {
            Self::Sqlite(session) => session.caller(actor),
            Self::Postgres(_) => None,
        }
    }

    /// Keeps the row of a caller in mind, which was there before this transaction.
    pub(super) fn note_caller(&self, actor: &Arc<Actor>, id: i64) {
        match self {
            Self::Sqlite(session) => session.note_caller(actor, id),
            Self::Postgres(_) => {}
        }
    }

    /// How many bytes the database takes.
    pub(super) fn bytes(&self) -> Result<u64> {
        let bytes: i64 = self.one(
            match self {
                Self::Sqlite(_) => {
                    "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
                }
                Self::Postgres(_) => "SELECT pg_database_size(current_database())",
            },
            &[],
            column,
        )?;
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// Leaves the database as it is best found by the other writers and whoever opens it next.
    pub(super) fn tidy_up(&self, writer: &str) -> Result<()> {
        match self {
            Self::Sqlite(session) => session.fold_log(),
            Self::Postgres(_) => {
                // Of whom nothing is heard any more, the others find that out by themselves.
                if self.revive().is_ok() {
                    let _ = self.in_transaction(|| postgres::leave(self, writer));
                }
                Ok(())
            }
        }
    }
}

/// What a failed statement means for the person who runs the store at `place`.
pub(super) fn explain(place: &str, error: &SqlError) -> StoreError {
    let store = place.to_owned();
    match error {
        SqlError::Sqlite(error) => sqlite::explain(place, error),
        SqlError::Postgres(error) => postgres::explain(place, error),
        SqlError::Unreadable { .. } => StoreError::Row { store, detail: error.to_string() },
        SqlError::Unwritable(_) | SqlError::NoRow => {
            StoreError::Statement { store, detail: error.to_string() }
        }
    }
}
