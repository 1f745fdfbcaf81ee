//! The verdicts of a verification, each written as it comes, and the summary. It decides nothing
//! but the form.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::super::ask::Form;
use super::super::output::text::{shown, time};
use crate::http::told::{csv_line, defused};
use crate::ingest::{Verified, VerifiedKind, VerifySummary};

const CSV_HEADER: [&str; 7] = ["kind", "verdict", "is_fault", "name", "from", "to", "detail"];
/// As wide as the longest verdict.
const VERDICT_WIDTH: usize = 17;
const KIND_WIDTH: usize = 8;

/// An answer that is being written to stdout.
pub(super) struct Output {
    form: Form,
    rows: u64,
    failure: Option<io::Error>,
}

impl Output {
    pub fn begin(form: Form) -> Self {
        let mut output = Self { form, rows: 0, failure: None };
        if form == Form::Csv {
            output.write(&csv_line(&CSV_HEADER.map(str::to_owned)));
        }
        output
    }

    /// Writes one verdict.
    pub fn tell(&mut self, verified: &Verified) {
        let text = match self.form {
            Form::Table if verified.is_fault => table_row(verified),
            Form::Table => return,
            // A document with a list that is not held: its beginning, and then a comma before each.
            Form::Json => {
                let before = if self.rows == 0 { "{\n\"files\": [\n" } else { ",\n" };
                format!("{before}{}", row(verified))
            }
            Form::Ndjson => format!("{}\n", row(verified)),
            Form::Csv => csv_row(verified),
        };
        self.rows += 1;
        self.write(&text);
    }

    /// Writes the summary: to stdout where the form has room for it, else beside it.
    pub fn end(&mut self, summary: &VerifySummary) {
        let lines = lines(summary);
        match self.form {
            Form::Table => {
                let space = if self.rows == 0 { "" } else { "\n" };
                self.write(&format!("{space}{lines}"));
            }
            Form::Json => {
                let before = if self.rows == 0 { "{\n\"files\": [" } else { "" };
                let summary = summary_json(summary);
                self.write(&format!("{before}\n],\n\"summary\": {summary:#}\n}}\n"));
            }
            Form::Ndjson | Form::Csv => eprint!("{lines}"),
        }
    }

    /// Why stdout could not be written to, if it could not.
    pub fn failure(self) -> Option<io::Error> {
        self.failure
    }

    fn write(&mut self, text: &str) {
        if self.failure.is_none() {
            self.failure = io::stdout().write_all(text.as_bytes()).err();
        }
    }
}

fn row(verified: &Verified) -> Value {
    json!({
        "kind": verified.kind.as_str(),
        "verdict": verified.verdict,
        "is_fault": verified.is_fault,
        "name": verified.name,
        "from": verified.span.map(|(from, _)| from.to_string()),
        "to": verified.span.map(|(_, to)| to.to_string()),
        "detail": Some(&verified.detail).filter(|detail| !detail.is_empty()),
    })
}

fn csv_row(verified: &Verified) -> String {
    csv_line(&[
        verified.kind.as_str().to_owned(),
        verified.verdict.to_owned(),
        verified.is_fault.to_string(),
        defused(&verified.name),
        verified.span.map(|(from, _)| from.to_string()).unwrap_or_default(),
        verified.span.map(|(_, to)| to.to_string()).unwrap_or_default(),
        defused(&verified.detail),
    ])
}

fn table_row(verified: &Verified) -> String {
    let (verdict, kind) = (verified.verdict, verified.kind.as_str());
    let (name, detail) = (shown(&verified.name), shown(&verified.detail));
    let span = match (verified.kind, verified.span) {
        (VerifiedKind::Gap, Some((from, to))) if from < to => {
            format!(" from {} to {}", time(from, true), time(to, true))
        }
        (VerifiedKind::Gap, Some((_, to))) => format!(" until {}", time(to, true)),
        _ => String::new(),
    };
    format!("{verdict:VERDICT_WIDTH$}  {kind:KIND_WIDTH$}  {name}{span}: {detail}\n")
}

fn summary_json(summary: &VerifySummary) -> Value {
    let counts = |kind| summary.counts.get(&kind).cloned().unwrap_or_default();
    json!({
        "is_intact": summary.is_intact(),
        "faults": summary.faults,
        "digests": counts(VerifiedKind::Digest),
        "log_files": counts(VerifiedKind::LogFile),
        "gaps": counts(VerifiedKind::Gap),
        "from": summary.span.map(|(from, _)| from.to_string()),
        "to": summary.span.map(|(_, to)| to.to_string()),
    })
}

/// The summary for people.
fn lines(summary: &VerifySummary) -> String {
    let mut text = String::new();
    for (kind, name) in [(VerifiedKind::Digest, "digests"), (VerifiedKind::LogFile, "log files")] {
        let counts = summary.counts.get(&kind);
        let total: u64 = counts.map(|counts| counts.values().sum()).unwrap_or_default();
        let verified = summary.count_of(kind, "verified");
        let others = counts.into_iter().flatten().filter(|(verdict, _)| **verdict != "verified");
        let others: Vec<_> = others.map(|(verdict, count)| format!("{verdict} {count}")).collect();
        let line = format!("{name:9}  {verified} of {total} verified  {}", others.join(", "));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let gaps: u64 = summary.counts.get(&VerifiedKind::Gap).map_or(0, |it| it.values().sum());
    let _ = writeln!(text, "gaps       {gaps}");
    match summary.span {
        Some((from, to)) => {
            let verdict = if summary.is_intact() { "intact" } else { "not intact" };
            let _ = writeln!(text, "{verdict}, from {} to {}", time(from, true), time(to, true));
        }
        None => text.push_str("no digest was verified, so nothing vouches for any log file\n"),
    }
    text
}

#[cfg(test)]
mod tests {
    use deltrail_core::domain::Timestamp;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn changed() -> Verified {
        Verified {
            kind: VerifiedKind::LogFile,
            name: "s3://trail-logs/a\n.json.gz".to_owned(),
            verdict: "changed",
            is_fault: true,
            detail: "its content is not what CloudTrail delivered".to_owned(),
            span: None,
        }
    }

    fn gap() -> Verified {
        Verified {
            kind: VerifiedKind::Gap,
            name: "111122223333 eu-west-1 objects_eu-west-1".to_owned(),
            verdict: "gap",
            is_fault: true,
            detail: "no digest tells of this time".to_owned(),
            span: Some((at("2026-11-23T10:00:00Z"), at("2026-11-23T12:00:00Z"))),
        }
    }

    #[test]
    fn a_fault_is_one_line_with_its_reason() {
        insta::assert_snapshot!(table_row(&changed()) + &table_row(&gap()), @r"
        changed            log_file  s3://trail-logs/a\n.json.gz: its content is not what CloudTrail delivered
        gap                gap       111122223333 eu-west-1 objects_eu-west-1 from 2026-11-23T10:00:00Z to 2026-11-23T12:00:00Z: no digest tells of this time
        ");
        assert_eq!(row(&gap())["to"], "2026-11-23T12:00:00.000Z");
        assert_eq!(csv_row(&changed()).lines().count(), 2, "quoted, since a line break is in it");
    }

    #[test]
    fn the_summary_counts_by_verdict_and_says_from_when_to_when() {
        let mut summary = VerifySummary::default();
        assert!(lines(&summary).contains("nothing vouches"), "{}", lines(&summary));
        assert!(!summary.is_intact(), "without a digest nothing is");
        let digests = [("verified", 24)].into();
        let logs = [("changed", 1), ("not_yet_covered", 2), ("verified", 300)].into();
        summary.counts = [(VerifiedKind::Digest, digests), (VerifiedKind::LogFile, logs)].into();
        summary.faults = 1;
        summary.span = Some((at("2026-11-22T10:00:00Z"), at("2026-11-23T10:00:00Z")));
        insta::assert_snapshot!(lines(&summary), @r"
        digests    24 of 24 verified
        log files  300 of 303 verified  changed 1, not_yet_covered 2
        gaps       0
        not intact, from 2026-11-22T10:00:00Z to 2026-11-23T10:00:00Z
        ");
        assert_eq!(summary_json(&summary)["log_files"]["verified"], 300);
    }
}
