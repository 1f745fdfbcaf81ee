//! What is written into a statement. It knows no database but how SQLite takes a value.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// A value of a statement: on every database integers have 64 bits, and flags are the integers 0
/// and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Value<'v> {
    /// None.
    Null,
    /// An integer, or a flag.
    Integer(i64),
    /// A text.
    Text(&'v str),
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// The values of a statement, in their order: [`Value`]s of references to what is named.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        [$($crate::store::session::Value::from(&$value)),*]
    };
}
pub(in crate::store) use values;

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl From<&$integer> for Value<'_> {
            fn from(value: &$integer) -> Self {
                Self::Integer(i64::from(*value))
            }
        }

        impl From<&Option<$integer>> for Value<'_> {
            fn from(value: &Option<$integer>) -> Self {
                value.as_ref().map_or(Self::Null, Self::from)
            }
        }
    )*};
}
integers!(i64, u8, u16, bool);

impl<'v> From<&&'v str> for Value<'v> {
    fn from(text: &&'v str) -> Self {
        Self::Text(text)
    }
}

#[expect(clippy::ref_option_ref, reason = "`values!` takes every value by reference")]
impl<'v> From<&Option<&'v str>> for Value<'v> {
    fn from(text: &Option<&'v str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        Self::Text(text)
    }
}

impl<'v> From<&'v Option<String>> for Value<'v> {
    fn from(text: &'v Option<String>) -> Self {
        Self::from(&text.as_deref())
    }
}
