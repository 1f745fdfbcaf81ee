//! `deltrail findings`: what was unusual about removals, newest first, or all of one finding.

mod expectations;
mod notify_test;

use std::process::ExitCode;

use clap::Args;
use deltrail_core::domain::{Detector, Severity, State, Timestamp, title};
use serde::Serialize;

use super::ask::{AskArguments, Form};
use super::deletions::parse_moment;
use super::output::completeness::lines;
use super::output::json;
use super::output::text::{shown, table, time};
use super::{FAILED, USAGE, fail, tell};
use crate::config::Surroundings;
use crate::http::told::{FindingList, ToldFinding, WholeFinding, findings_csv};
use crate::store::{FindingFilter, FindingRow, Findings};

/// What stands before the help.
pub(super) const EXAMPLE: &str = "\
Examples:
  deltrail findings --open
  deltrail findings --bucket example-images --since 7d --output ndjson
  deltrail findings 9f86d081884c7d65
  deltrail findings --expectations
  deltrail findings --notify-test";

/// Arguments of `deltrail findings`.
#[expect(clippy::doc_markdown, reason = "help is plain text")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, Args)]
pub(super) struct FindingsArguments {
    /// All of this finding; an alert and the list name it
    #[arg(value_name = "ID", conflicts_with_all = [
        "notify_test",
        "bucket", "prefix", "principal", "since", "until", "request_id", "detector", "severity",
        "open", "all",
    ])]
    id: Option<String>,
    /// Only of this bucket
    #[arg(long, value_name = "BUCKET")]
    bucket: Option<String>,
    /// Only about keys that begin so: those that it names, and those that were removed in its time
    /// by those it is about
    #[arg(long, value_name = "PREFIX", requires = "bucket")]
    prefix: Option<String>,
    /// Only with this role or user behind it, by the name that findings tell
    #[arg(long, value_name = "PRINCIPAL")]
    principal: Option<String>,
    /// Only what went on at this time or later: 2026-11-23T10:00:00Z, 2026-11-23 (UTC), or 2h for
    /// 2 hours ago
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    since: Option<Timestamp>,
    /// Only what began before this time, written as --since is
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    until: Option<Timestamp>,
    /// Only what the request of this id (x-amz-request-id) is a part of, by its bucket, time and
    /// caller
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Only by this detector, such as mass_delete
    #[arg(long, value_name = "DETECTOR", value_parser = parse_detector)]
    detector: Option<Detector>,
    /// Only of this severity: info, warning or critical
    #[arg(long, value_name = "SEVERITY", value_parser = parse_severity)]
    severity: Option<Severity>,
    /// Only what is open now
    #[arg(long, conflicts_with = "all")]
    open: bool,
    /// What was withdrawn too, because later evidence does not support it
    #[arg(long)]
    all: bool,
    /// What was announced in place of what was found, and how much of it came
    #[arg(long)]
    #[arg(conflicts_with_all = [
        "bucket", "prefix", "principal", "since", "until", "request_id", "detector", "severity",
        "open", "all", "notify_test", "id", "limit",
    ])]
    expectations: bool,
    /// Sends a test to all who are told of findings by the settings, and says who was reached
    #[arg(long)]
    #[arg(conflicts_with_all = [
        "bucket", "prefix", "principal", "since", "until", "request_id", "detector", "severity",
        "open", "all",
    ])]
    notify_test: bool,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    #[command(flatten)]
    ask: AskArguments,
}

/// Prints what fits; the answer is no when nothing does.
pub(super) fn answer(arguments: &FindingsArguments, surroundings: &Surroundings) -> ExitCode {
    if arguments.notify_test {
        return notify_test::tell_all(&arguments.ask, surroundings);
    }
    if arguments.expectations {
        return expectations::list(&arguments.ask, surroundings);
    }
    let filter = match arguments.filter() {
        Ok(filter) => filter,
        Err(error) => return fail(USAGE, &error),
    };
    let mut asked = match arguments.ask.open(surroundings) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    let found = match &arguments.id {
        Some(id) => asked.finding(id),
        None => asked.findings(&filter),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return fail(FAILED, &error),
    };
    let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    let told = tell(&match arguments.id {
        Some(_) => whole_text(arguments.ask.output, &found, now),
        None => list_text(arguments.ask.output, &found, now),
    });
    eprint!("{}", notes(arguments.id.as_deref(), &found, now));
    if found.rows.is_empty() { ExitCode::from(FAILED) } else { told }
}

impl FindingsArguments {
    fn filter(&self) -> Result<FindingFilter, String> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            return Err(format!("nothing lies between --since {since} and --until {until}"));
        }
        Ok(FindingFilter {
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            request_id: self.request_id.clone(),
            principal: self.principal.clone(),
            since: self.since,
            until: self.until,
            detector: self.detector,
            severity: self.severity,
            state: self.open.then_some(State::Open),
            with_withdrawn: self.all,
            after: None,
            limit: usize::from(self.limit),
        })
    }
}

fn parse_detector(text: &str) -> Result<Detector, String> {
    Detector::named(text).ok_or_else(|| {
        let names: Vec<&str> = Detector::ALL.iter().map(|it| it.as_str()).collect();
        format!("write one of {}", names.join(", "))
    })
}

fn parse_severity(text: &str) -> Result<Severity, String> {
    Severity::named(text).ok_or_else(|| "write info, warning or critical".to_owned())
}

fn list_text(form: Form, found: &Findings, now: Timestamp) -> String {
    match form {
        Form::Table => table_of(&found.rows),
        Form::Json => json(&FindingList::of(found, now)),
        Form::Ndjson => found.rows.iter().map(|row| json_line(&ToldFinding::of(row))).collect(),
        Form::Csv => findings_csv(&found.rows),
    }
}

/// All of one finding; nothing when there is none.
fn whole_text(form: Form, found: &Findings, now: Timestamp) -> String {
    let Some(row) = found.rows.first() else { return String::new() };
    let whole = WholeFinding::of(found, now);
    match form {
        Form::Table => row.text(&found.completeness, now).lines() + "\n" + &life(row),
        Form::Json => json(&whole),
        Form::Ndjson => json_line(&whole),
        Form::Csv => findings_csv(&found.rows),
    }
}

fn json_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).map(|text| text + "\n").unwrap_or_default()
}

/// What became of a finding since it was made.
fn life(row: &FindingRow) -> String {
    let opened = time(row.opened_at, false);
    let changed = time(row.changed_at, false);
    let closed = row.closed_at.map(|at| format!(", {} {}", row.state.as_str(), time(at, false)));
    format!(
        "  Finding: {}, {}, found {opened}, revision {} of {changed}{}\n",
        row.id,
        row.telling(),
        row.revision,
        closed.unwrap_or_default()
    )
}

fn table_of(rows: &[FindingRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let header = ["ID", "FROM", "TO", "KEPT AS", "FINDING"].map(str::to_owned);
    let cells = |row: &FindingRow| {
        [
            row.id.clone(),
            time(row.finding.first_at, true),
            time(row.finding.last_at, true),
            row.telling().to_owned(),
            shown(&title(&row.finding, row.state)),
        ]
    };
    table(&std::iter::once(header).chain(rows.iter().map(cells)).collect::<Vec<_>>())
}

/// What stands beside the answer.
fn notes(id: Option<&str>, found: &Findings, now: Timestamp) -> String {
    let mut notes = Vec::new();
    match id {
        Some(id) if found.rows.is_empty() => {
            notes.push(format!("there is no finding {}; list them without an id", shown(id)));
        }
        None if found.rows.is_empty() => notes.push("no finding is known that fits".to_owned()),
        _ => {}
    }
    if found.has_more {
        let count = found.rows.len();
        notes.push(format!("these are the newest {count}; there are more (--limit, --until)"));
    }
    match (found.observed_since, found.learning_until(now)) {
        (None, _) => notes.push("nothing was observed yet, so nothing can be found".to_owned()),
        (Some(since), Some(until)) => notes.push(format!(
            "learning until {until}: observed since {since}, and what is usual is known after 28 \
             days; `deltrail scan` of older log files makes it known at once"
        )),
        (Some(_), None) => {}
    }
    let off = found.detectors_off().into_iter();
    notes.extend(off.map(|(detector, because)| format!("{} is off: {because}", detector.as_str())));
    notes.extend(lines(&found.completeness));
    notes.into_iter().map(|note| note + "\n").collect()
}

#[cfg(test)]
mod tests;
