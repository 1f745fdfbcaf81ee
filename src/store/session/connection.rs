//! Connections to a database of either kind: how each is opened. It knows no statement.

use super::{Result, Session};
use crate::store::postgres::{self, PostgresConnection, PostgresSession, Purpose, WorkingSet};
use crate::store::sqlite::{self, SqliteSession};
use crate::store::{Location, StoreError};

/// A connection to a database, while nobody works on it.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there are a few, and they stay where they are")]
pub(in crate::store) enum Connection {
    /// To a SQLite file, or to memory.
    Sqlite(rusqlite::Connection),
    /// To a PostgreSQL server. It may be opened and used by threads that wait only.
    Postgres {
        /// The line to it.
        connection: PostgresConnection,
        /// What commits are worked out in, if it is there to write.
        memory: Option<rusqlite::Connection>,
    },
}

impl Connection {
    /// Opens the connection that writes, and brings the tables to this version.
    pub(in crate::store) fn open_writer(location: &Location) -> Result<Self, StoreError> {
        match location {
            Location::File(_) | Location::Memory => sqlite::open_writer(location).map(Self::Sqlite),
            Location::Postgres(address) => {
                postgres::migrate(address)?;
                let connection = PostgresConnection::open(address, Purpose::Write)?;
                Ok(Self::Postgres { connection, memory: Some(postgres::open_memory()?) })
            }
        }
    }

    /// Opens a connection that only reads, beside a writer that is open.
    pub(in crate::store) fn open_reader(location: &Location) -> Result<Self, StoreError> {
        match location {
            Location::File(_) | Location::Memory => sqlite::open_beside(location).map(Self::Sqlite),
            Location::Postgres(address) => {
                let connection = PostgresConnection::open(address, Purpose::Read)?;
                Ok(Self::Postgres { connection, memory: None })
            }
        }
    }

    /// Opens a connection that only reads, whoever writes. The tables have to be of this version,
    /// or of a later one.
    pub(in crate::store) fn open_to_look(location: &Location) -> Result<Self, StoreError> {
        match location {
            Location::File(_) | Location::Memory => {
                sqlite::open_to_look(location).map(Self::Sqlite)
            }
            Location::Postgres(address) => {
                let connection = PostgresConnection::open(address, Purpose::Read)?;
                postgres::check_to_read(&connection, &location.to_string())?;
                Ok(Self::Postgres { connection, memory: None })
            }
        }
    }

    /// Begins to work on it, after it was made again if it was lost.
    pub(in crate::store) fn session(&self) -> Session<'_> {
        match self {
            Self::Sqlite(connection) => Session::Sqlite(SqliteSession::new(connection)),
            Self::Postgres { connection, .. } => {
                Session::Postgres(PostgresSession::new(connection))
            }
        }
    }

    /// Where commits are worked out, if not in the database itself.
    pub(in crate::store) fn working_set(&self) -> Result<Option<WorkingSet<'_>>> {
        match self {
            Self::Postgres { connection, memory: Some(memory) } => {
                WorkingSet::new(memory, connection).map(Some)
            }
            Self::Sqlite(_) | Self::Postgres { .. } => Ok(None),
        }
    }
}
