//! Deletions and findings as comma separated values (RFC 4180), for spreadsheets. A text that one
//! would take for a formula has an apostrophe in front; JSON has every text as it is.

use super::deletion::Deletion;
use super::values::{Seconds, Text, Worded};
use crate::store::{DeletionRow, FindingRow};

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
#[must_use]
pub fn deletions_csv(rows: &[DeletionRow]) -> String {
    let header = csv_line(&HEADER.map(str::to_owned));
    std::iter::once(header).chain(rows.iter().map(|row| csv_line(&cells(row)))).collect()
}

fn cells(row: &DeletionRow) -> [String; HEADER.len()] {
    let it = Deletion::of(row);
    let text = |text: Option<Text<'_>>| defused(text.as_deref().unwrap_or_default());
    let seconds =
        |seconds: Option<Seconds>| seconds.map(|it| it.number().to_string()).unwrap_or_default();
    let intents: Vec<&str> = it.intents.iter().map(|intent| &*intent.id).collect();
    let sources: Vec<&str> = it.sources.iter().map(|source| source.0.as_str()).collect();
    let call = it.request.as_ref();
    [
        defused(&it.bucket),
        text(it.key),
        it.at.0.to_string(),
        it.at_precision.0.word().to_owned(),
        it.kind.0.word().to_owned(),
        it.cause.0.word().to_owned(),
        text(it.version_id),
        text(it.marker_version_id),
        it.is_undelete.to_string(),
        it.is_confirmed.to_string(),
        it.is_settled.to_string(),
        text(it.duplicate_of.and_then(|repeated| repeated.request_id)),
        it.is_stale.map(|is_stale| is_stale.to_string()).unwrap_or_default(),
        sources.join(" "),
        text(it.actor.name),
        text(it.actor.session),
        text(it.actor.arn),
        text(it.actor.account_id),
        text(it.actor.access_key_id),
        text(it.actor.source_ip),
        text(it.actor.user_agent),
        text(it.request_id),
        call.map(|call| call.api.0.word().to_owned()).unwrap_or_default(),
        call.map(|call| call.outcome.0.word().to_owned()).unwrap_or_default(),
        seconds(it.latency.service_seconds),
        seconds(it.latency.access_log_seconds),
        seconds(it.latency.confirmed_seconds),
        defused(&intents.join(" ")),
        it.provenance.0.word().to_owned(),
    ]
}

const FINDINGS_HEADER: [&str; 27] = [
    "id",
    "detector",
    "severity",
    "mode",
    "state",
    "bucket",
    "first_at",
    "last_at",
    "opened_at",
    "changed_at",
    "closed_at",
    "revision",
    "is_history",
    "principal",
    "principals",
    "removed",
    "markers",
    "versions",
    "objects",
    "unknown",
    "denied",
    "observed",
    "threshold",
    "baseline",
    "reason",
    "prefixes",
    "withdrawn_because",
];

/// A header and one line for each finding.
#[must_use]
pub fn findings_csv(rows: &[FindingRow]) -> String {
    let header = csv_line(&FINDINGS_HEADER.map(str::to_owned));
    std::iter::once(header).chain(rows.iter().map(|row| csv_line(&finding_cells(row)))).collect()
}

fn finding_cells(row: &FindingRow) -> [String; FINDINGS_HEADER.len()] {
    let finding = &row.finding;
    let (tally, reason) = (&finding.tally, &finding.reason);
    [
        row.id.clone(),
        finding.detector.as_str().to_owned(),
        finding.severity.as_str().to_owned(),
        row.mode.as_str().to_owned(),
        row.state.as_str().to_owned(),
        defused(&finding.bucket),
        finding.first_at.to_string(),
        finding.last_at.to_string(),
        row.opened_at.to_string(),
        row.changed_at.to_string(),
        row.closed_at.map(|at| at.to_string()).unwrap_or_default(),
        row.revision.to_string(),
        (!row.is_live).to_string(),
        defused(finding.who.first().map_or("", |who| &who.principal)),
        finding.principals.to_string(),
        tally.removed().to_string(),
        tally.markers.to_string(),
        tally.versions.to_string(),
        tally.objects.to_string(),
        tally.unknown.to_string(),
        tally.denied.to_string(),
        reason.observed.to_string(),
        reason.threshold.to_string(),
        reason.baseline.to_string(),
        defused(&reason.sentence),
        defused(&finding.prefixes.join(" ")),
        defused(row.withdrawn_because.as_deref().unwrap_or_default()),
    ]
}

/// A text of somebody else, as a spreadsheet takes it for a text: it would run what begins like a
/// formula, and looks for that behind whitespace too.
#[must_use]
pub fn defused(text: &str) -> String {
    const BEGINNINGS: [char; 11] =
        ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    if text.starts_with(BEGINNINGS) { format!("'{text}") } else { text.to_owned() }
}

/// Cells as one line.
#[must_use]
pub fn csv_line(cells: &[String]) -> String {
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
