//! Deletions as comma separated values (RFC 4180), for spreadsheets. A text that one would take for
//! a formula has an apostrophe in front; the JSON forms have every text as it is.

use super::deletion::Deletion;
use super::text::source_names;
use crate::store::DeletionRow;

const HEADER: [&str; 29] = [
    "bucket",
    "key",
    "at",
    "at_precision",
    "kind",
    "cause",
    "version_id",
    "marker_version_id",
    "is_undelete",
    "is_confirmed",
    "is_settled",
    "duplicate_of_request_id",
    "is_stale",
    "sources",
    "principal",
    "session",
    "arn",
    "account_id",
    "access_key_id",
    "source_ip",
    "user_agent",
    "request_id",
    "api",
    "outcome",
    "service_seconds",
    "access_log_seconds",
    "confirmed_seconds",
    "intents",
    "provenance",
];

/// A header and one line for each deletion.
pub(in crate::cli) fn csv(rows: &[DeletionRow]) -> String {
    let header = line(&HEADER.map(str::to_owned));
    std::iter::once(header).chain(rows.iter().map(|row| line(&cells(row)))).collect()
}

fn cells(row: &DeletionRow) -> [String; HEADER.len()] {
    let it = Deletion::of(row);
    let text = |text: Option<&str>| defused(text.unwrap_or_default());
    let seconds = |seconds: Option<f64>| seconds.map(|value| value.to_string()).unwrap_or_default();
    let intents: Vec<&str> = it.intents.iter().map(|intent| intent.id).collect();
    [
        defused(it.bucket),
        text(it.key),
        it.at,
        it.at_precision.to_owned(),
        it.kind.to_owned(),
        it.cause.to_owned(),
        text(it.version_id),
        text(it.marker_version_id),
        it.is_undelete.to_string(),
        it.is_confirmed.to_string(),
        it.is_settled.to_string(),
        text(it.duplicate_of.and_then(|repeated| repeated.request_id)),
        it.is_stale.map(|is_stale| is_stale.to_string()).unwrap_or_default(),
        source_names(row.removal.sources).join(" "),
        text(it.actor.name),
        text(it.actor.session),
        text(it.actor.arn),
        text(it.actor.account_id),
        text(it.actor.access_key_id),
        text(it.actor.source_ip),
        text(it.actor.user_agent),
        text(it.request_id),
        text(it.request.as_ref().map(|request| request.api)),
        text(it.request.as_ref().map(|request| request.outcome)),
        seconds(it.latency.service_seconds),
        seconds(it.latency.access_log_seconds),
        seconds(it.latency.confirmed_seconds),
        defused(&intents.join(" ")),
        it.provenance.to_owned(),
    ]
}

/// A text of somebody else, as a spreadsheet takes it for a text: it would run what begins like a
/// formula, and looks for that behind whitespace too.
pub(in crate::cli) fn defused(text: &str) -> String {
    const BEGINNINGS: [char; 11] =
        ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    if text.starts_with(BEGINNINGS) { format!("'{text}") } else { text.to_owned() }
}

/// Cells as one line.
pub(in crate::cli) fn line(cells: &[String]) -> String {
    cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\r\n"
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{defused, quoted};

    #[test]
    fn what_would_end_a_cell_is_quoted_and_nothing_else_is_changed() {
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("a \"b\"\r\n"), "\"a \"\"b\"\"\r\n\"");
        assert_eq!(quoted("=1+1"), "=1+1");
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_a_text() {
        for formula in
            ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\u{ff1d}1"]
        {
            assert_eq!(defused(formula), format!("'{formula}"));
        }
        for text in ["", "a=1", "cats/-1.jpg", "'=1", "111122223333", "가"] {
            assert_eq!(defused(text), text);
        }
    }
}
