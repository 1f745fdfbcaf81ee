//! How answers are written: as JSON, and as text for people. It asks
//! nothing, and decides nothing but the form.

pub(super) mod completeness;
pub(super) mod text;

use serde::Serialize;

use crate::http::told::Deletion;
use crate::store::DeletionRow;

/// A value as indented JSON.
pub(super) fn json(value: &impl Serialize) -> String {
    // None of our values is a map with keys that are no texts, the only thing that fails.
    serde_json::to_string_pretty(value).map(|text| text + "\n").unwrap_or_default()
}

/// One deletion a line.
pub(super) fn ndjson(rows: &[DeletionRow]) -> String {
    let line = |row| serde_json::to_string(&Deletion::of(row)).map(|text| text + "\n");
    rows.iter().filter_map(|row| line(row).ok()).collect()
}
