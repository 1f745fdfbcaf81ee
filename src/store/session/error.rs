//! What can go wrong with a statement, in the words of the database. What that means for people is
//! said by [`super::explain`].

/// What a statement gives.
pub(in crate::store) type Result<T, E = SqlError> = std::result::Result<T, E>;

/// Why a statement failed, or what it found could not be understood.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum SqlError {
    /// SQLite says so.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL, or the line to it, says so.
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
    /// A column holds what this version does not know.
    #[error("column {column}: {detail}")]
    Unreadable {
        /// Its name.
        column: String,
        /// What it holds.
        detail: String,
    },
    /// A value has no text.
    #[error("{0}")]
    Unwritable(#[from] serde_json::Error),
    /// There is no row where there always is one.
    #[error("no row was found where there always is one")]
    NoRow,
}
