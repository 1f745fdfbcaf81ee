//! Where a store keeps its rows, as the user writes it. It touches no disk.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::postgres::PostgresAddress;

/// The place of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file; a relative path is taken from the working directory.
    File(PathBuf),
    /// Memory only: everything is gone when the program ends.
    Memory,
    /// A PostgreSQL database.
    Postgres(PostgresAddress),
}

/// A text that names no store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// What is wrong with a PostgreSQL address. It is not repeated: it may hold a password.
    #[error("{0}; write postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Postgres(String),
    /// A scheme that no store has. What follows it is not repeated: it may hold a password.
    #[error(
        "\"{0}\" is no kind of store; write sqlite://PATH, sqlite::memory: or \
         postgres://USER:PASSWORD@HOST:PORT/DATABASE"
    )]
    UnknownScheme(String),
    /// No scheme.
    #[error("\"{0}\" does not say what kind of store it is; write sqlite://{0}")]
    NoScheme(String),
    /// No path.
    #[error("the store's path is empty; write sqlite://PATH, such as sqlite://deltrail.db")]
    EmptyPath,
    /// Parameters after a question mark.
    #[error("\"{0}\" has parameters after the question mark; a SQLite store takes none")]
    Parameters(String),
}

impl LocationError {
    /// Never: the text has to be changed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }
}

impl Location {
    /// Reads `sqlite://relative/path`, `sqlite:///absolute/path`, `sqlite::memory:` or
    /// `postgres://user:password@host:port/database?parameters`.
    ///
    /// # Errors
    /// What is wrong with the text and how to write it.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        // SQLite itself gives the name `:memory:` its meaning, also where a path is expected.
        if matches!(text, "sqlite::memory:" | "sqlite://:memory:") {
            return Ok(Self::Memory);
        }
        let Some((scheme, path)) = text.split_once(':') else {
            return Err(if text.is_empty() {
                LocationError::EmptyPath
            } else {
                LocationError::NoScheme(text.to_owned())
            });
        };
        match (scheme, path.strip_prefix("//")) {
            ("postgres" | "postgresql", Some(_)) => {
                PostgresAddress::parse(text).map(Self::Postgres)
            }
            ("sqlite", Some("")) => Err(LocationError::EmptyPath),
            ("sqlite", Some(_)) if path.contains('?') => {
                Err(LocationError::Parameters(text.to_owned()))
            }
            ("sqlite", Some(path)) => Ok(Self::File(PathBuf::from(path))),
            _ => Err(LocationError::UnknownScheme(format!("{scheme}:"))),
        }
    }

    /// The file, when there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory | Self::Postgres(_) => None,
        }
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "sqlite://{}", path.display()),
            Self::Memory => f.write_str("sqlite::memory:"),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Location, LocationError};

    #[test]
    fn files_and_memory_are_read_and_written_alike() {
        for text in ["sqlite://deltrail.db", "sqlite:///var/lib/d.db", "sqlite::memory:"] {
            assert_eq!(Location::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Location::parse("sqlite://:memory:"), Ok(Location::Memory));
        let absolute = Location::parse("sqlite:///var/lib/d.db").unwrap();
        assert!(absolute.path().unwrap().is_absolute());
    }

    #[test]
    fn what_is_no_store_is_told_how_to_be_one() {
        let error = |text| Location::parse(text).unwrap_err();
        assert_eq!(error("sqlite://"), LocationError::EmptyPath);
        assert_eq!(error(""), LocationError::EmptyPath);
        assert!(error("deltrail.db").to_string().ends_with("write sqlite://deltrail.db"));
        assert_eq!(
            error("sqlite://a.db?mode=ro"),
            LocationError::Parameters("sqlite://a.db?mode=ro".into())
        );
        assert!(error("postgres://u:p@h:x/d").to_string().contains("option `port`"));
    }

    #[test]
    fn a_password_is_never_repeated() {
        for text in ["postgres://u:secret@h:x/d", "postgres:u:secret@h/d", "mysql://u:secret@h/d"] {
            assert!(!Location::parse(text).unwrap_err().to_string().contains("secret"));
        }
        let location = Location::parse("postgres://u:secret@h/d").unwrap();
        assert_eq!(format!("{location} {location:?}").matches("secret").count(), 0);
    }
}
