//! Rows in the binary format of COPY, and as arrays of one column each. It knows no table.
//!
//! The format: <https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.4>

use bytes::{BufMut as _, Bytes, BytesMut};
use rusqlite::types::Value;
use tokio_postgres::types::ToSql;

use super::memory::Row;
use crate::store::postgres::texts::escaped;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Rows as they are copied.
pub(super) fn copied(rows: &[Row]) -> Bytes {
    let mut copied = BytesMut::with_capacity(64 + rows.len() * 256);
    copied.put_slice(SIGNATURE);
    // No flags, and no extension of the header.
    copied.put_i32(0);
    copied.put_i32(0);
    for row in rows {
        copied.put_i16(i16::try_from(row.len()).unwrap_or(i16::MAX));
        for value in row {
            put(&mut copied, value);
        }
    }
    copied.put_i16(-1);
    copied.freeze()
}

fn put(copied: &mut BytesMut, value: &Value) {
    match value {
        Value::Integer(value) => {
            copied.put_i32(8);
            copied.put_i64(*value);
        }
        Value::Text(text) => {
            let text = escaped(text);
            copied.put_i32(i32::try_from(text.len()).unwrap_or(i32::MAX));
            copied.put_slice(text.as_bytes());
        }
        // There are neither fractions nor bytes in any table.
        Value::Null | Value::Real(_) | Value::Blob(_) => copied.put_i32(-1),
    }
}

/// The values of one column of many rows, as one value of a statement.
#[derive(Debug)]
pub(super) enum Array {
    Integers(Vec<Option<i64>>),
    /// As they are written.
    Texts(Vec<Option<String>>),
}

impl Array {
    /// Of integers.
    pub(super) fn integers(values: impl IntoIterator<Item = i64>) -> Self {
        Self::Integers(values.into_iter().map(Some).collect())
    }

    /// Of texts.
    pub(super) fn texts<'t>(values: impl IntoIterator<Item = &'t str>) -> Self {
        Self::Texts(values.into_iter().map(|text| Some(escaped(text).into_owned())).collect())
    }

    /// Of the values in this column of rows.
    pub(super) fn of_column(rows: &[Row], index: usize, is_text: bool) -> Self {
        let values = rows.iter().map(|row| &row[index]);
        if is_text {
            Self::Texts(
                values
                    .map(|value| match value {
                        Value::Text(text) => Some(escaped(text).into_owned()),
                        _ => None,
                    })
                    .collect(),
            )
        } else {
            Self::Integers(
                values
                    .map(|value| match value {
                        Value::Integer(value) => Some(*value),
                        _ => None,
                    })
                    .collect(),
            )
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        match self {
            Self::Integers(values) => values.is_empty(),
            Self::Texts(values) => values.is_empty(),
        }
    }

    /// As a value of a statement.
    pub(super) fn value(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Integers(values) => values,
            Self::Texts(values) => values,
        }
    }
}
