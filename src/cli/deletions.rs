//! `deltrail deletions`: the removals that fit a filter, newest first.

use std::process::ExitCode;

use clap::Args;
use deltrail_core::domain::Timestamp;

use super::ask::{AskArguments, Form};
use super::output::completeness::lines;
use super::output::text::{shown, shown_or_dash, table, time};
use super::output::{json, ndjson};
use super::{FAILED, USAGE, fail, tell};
use crate::config::{Surroundings, parse_time};
use crate::http::told::{DeletionList, deletions_csv};
use crate::store::{DeletionFilter, DeletionRow, Deletions, KeyIntent, PrincipalPattern, Within};

/// Arguments of `deltrail deletions`.
#[derive(Debug, Args)]
pub(super) struct DeletionsArguments {
    /// Only of this bucket
    #[arg(long, value_name = "BUCKET")]
    bucket: Option<String>,
    /// Only of keys that begin so; a percent sign is a percent sign
    #[arg(long, value_name = "PREFIX", requires = "bucket")]
    prefix: Option<String>,
    /// Only by this role or user: its name, its ARN with or without the session, its id or its
    /// access key; * stands for any characters
    #[arg(long, value_name = "PRINCIPAL")]
    principal: Option<String>,
    /// Only from this time on: 2026-11-23T10:00:00Z, 2026-11-23 (UTC), or 2h for 2 hours ago
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    since: Option<Timestamp>,
    /// Only before this time, written as --since is
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    until: Option<Timestamp>,
    /// Only by the request of this id (x-amz-request-id)
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    #[command(flatten)]
    ask: AskArguments,
}

/// Prints what fits; the answer is no when nothing does.
pub(super) fn answer(arguments: &DeletionsArguments, surroundings: &Surroundings) -> ExitCode {
    let filter = match arguments.filter() {
        Ok(filter) => filter,
        Err(error) => return fail(USAGE, &error),
    };
    let mut asked = match arguments.ask.open(surroundings) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    let deletions = match asked.deletions(&filter) {
        Ok(deletions) => deletions,
        Err(error) => return fail(FAILED, &error),
    };
    let told = tell(&answer_text(arguments.ask.output, &deletions));
    eprint!("{}", notes(&deletions));
    let is_empty = deletions.rows.is_empty() && deletions.unfulfilled.is_empty();
    if is_empty { ExitCode::from(FAILED) } else { told }
}

impl DeletionsArguments {
    fn filter(&self) -> Result<DeletionFilter, String> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            return Err(format!("nothing lies between --since {since} and --until {until}"));
        }
        let prefix = self.prefix.clone().filter(|prefix| !prefix.is_empty());
        Ok(DeletionFilter {
            within: match (self.bucket.clone(), prefix) {
                (None, _) => Within::Everything,
                (Some(bucket), None) => Within::Bucket(bucket),
                (Some(bucket), Some(prefix)) => Within::Prefix { bucket, prefix },
            },
            principal: self.principal.as_deref().map(PrincipalPattern::new),
            since: self.since,
            until: self.until,
            request_id: self.request_id.clone(),
            kind: None,
            only: None,
            after: None,
            limit: usize::from(self.limit),
        })
    }
}

/// A time, a day, or how long ago.
pub(super) fn parse_moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = Timestamp::parse(text) {
        return Ok(time);
    }
    if let Ok(day) = Timestamp::parse(&format!("{text}T00:00:00Z")) {
        return Ok(day);
    }
    let now = jiff::Timestamp::now().as_millisecond();
    let ago = parse_time(text).map_err(|_| {
        "write a time as 2026-11-23T10:00:00Z or 2026-11-23, or how long ago as 30m, 2h or 7d"
            .to_owned()
    })?;
    let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_millis(now.saturating_sub(ago)))
}

fn answer_text(form: Form, deletions: &Deletions) -> String {
    let rows = &deletions.rows;
    match form {
        Form::Table => table_of(rows) + &unfulfilled_table(&deletions.unfulfilled),
        Form::Json => json(&DeletionList::of(deletions)),
        Form::Ndjson => ndjson(rows),
        Form::Csv => deletions_csv(rows),
    }
}

fn table_of(rows: &[DeletionRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let header = ["AT", "BUCKET", "KEY", "KIND", "CAUSE", "WHO", "REQUEST", "SAID"];
    let header = header.map(str::to_owned);
    table(&std::iter::once(header).chain(rows.iter().map(cells)).collect::<Vec<_>>())
}

/// The declared deletes that were not carried out.
fn unfulfilled_table(declared: &[KeyIntent]) -> String {
    if declared.is_empty() {
        return String::new();
    }
    let header = ["DECLARED", "BUCKET", "KEY NOT REMOVED SINCE", "BY", "INTENT", "REFERENCE"];
    let line = |KeyIntent { intent, .. }: &KeyIntent| {
        [
            time(intent.requested_at, false),
            shown(&intent.bucket),
            shown_or_dash(intent.keys.first().map(String::as_str)),
            shown_or_dash(intent.by.as_deref()),
            shown(&intent.id),
            shown_or_dash(intent.reference.as_deref()),
        ]
    };
    let lines = std::iter::once(header.map(str::to_owned)).chain(declared.iter().map(line));
    format!("\n{}", table(&lines.collect::<Vec<_>>()))
}

fn cells(row: &DeletionRow) -> [String; 8] {
    let removal = &row.removal;
    let principal = removal.actor.principal();
    [
        time(removal.at, removal.is_coarse),
        shown(&row.bucket),
        shown_or_dash(row.key.as_deref()),
        removal.kind.as_str().to_owned(),
        removal.cause.as_str().to_owned(),
        shown_or_dash(principal.map(|principal| principal.name)),
        shown_or_dash(removal.request_id.as_deref()),
        said(row),
    ]
}

/// What is said of a removal, in single words.
fn said(row: &DeletionRow) -> String {
    let words = [
        (row.removal.is_confirmed, "confirmed"),
        (row.said.duplicate_of.is_some(), "duplicate"),
        (row.said.is_stale == Some(true), "stale"),
        (row.said.is_undelete, "undelete"),
        (row.said.is_unconfirmed, "unconfirmed"),
        (!row.intents.is_empty(), "declared"),
        (!row.is_settled, "provisional"),
    ];
    let words = words.into_iter().filter(|(is_so, _)| *is_so).map(|(_, word)| word);
    words.collect::<Vec<_>>().join(", ")
}

/// What stands beside the answer.
fn notes(deletions: &Deletions) -> String {
    let mut notes = Vec::new();
    if deletions.rows.is_empty() {
        notes.push("no removal is known that fits".to_owned());
    }
    if deletions.has_more {
        let count = deletions.rows.len();
        notes.push(format!("these are the newest {count}; there are more (--limit, --until)"));
    }
    notes.extend(lines(&deletions.completeness));
    notes.into_iter().map(|note| note + "\n").collect()
}

#[cfg(test)]
mod tests;
