//! Connections to a database of either kind: how each is opened. It knows no statement.

use super::Session;
use crate::store::{Location, StoreError, sqlite};

/// A connection to a database, while nobody works on it.
#[derive(Debug)]
pub(in crate::store) enum Connection {
    /// To a SQLite file, or to memory.
    Sqlite(rusqlite::Connection),
}

impl Connection {
    /// Opens the connection that writes, and brings the tables to this version.
    pub(in crate::store) fn open_writer(location: &Location) -> Result<Self, StoreError> {
        sqlite::open_writer(location).map(Self::Sqlite)
    }

    /// Opens a connection that only reads, beside a writer that is open.
    pub(in crate::store) fn open_reader(location: &Location) -> Result<Self, StoreError> {
        sqlite::open_beside(location).map(Self::Sqlite)
    }

    /// Opens a connection that only reads, whoever writes.
    pub(in crate::store) fn open_to_look(location: &Location) -> Result<Self, StoreError> {
        sqlite::open_to_look(location).map(Self::Sqlite)
    }

    /// Begins to work on it.
    pub(in crate::store) fn session(&self) -> Session<'_> {
        match self {
            Self::Sqlite(connection) => Session::Sqlite(sqlite::SqliteSession::new(connection)),
        }
    }
}
