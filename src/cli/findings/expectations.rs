//! `deltrail findings --expectations`: deletions that were announced, and how much of each came.

use std::process::ExitCode;

use deltrail_core::domain::Timestamp;

use super::super::ask::{AskArguments, Form};
use super::super::output::json;
use super::super::output::text::{shown, shown_or_dash, table, time};
use super::super::{FAILED, fail, tell};
use super::json_line;
use crate::config::Surroundings;
use crate::http::told::{ExpectationList, ListedExpectation, csv_line, defused};
use crate::store::Expected;

/// Prints what was announced and is not over for long; the answer is no when nothing was.
pub(super) fn list(ask: &AskArguments, surroundings: &Surroundings) -> ExitCode {
    let mut asked = match ask.open(surroundings) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    let listed = match asked.expectations(now) {
        Ok(listed) => listed,
        Err(error) => return fail(FAILED, &error),
    };
    let told = tell(&text(ask.output, &listed));
    if listed.is_empty() {
        eprintln!("nothing was announced whose time ended less than 31 days ago");
        return ExitCode::from(FAILED);
    }
    told
}

pub(super) fn text(form: Form, listed: &[Expected]) -> String {
    match form {
        Form::Table => table_of(listed),
        Form::Json => json(&ExpectationList::of(listed)),
        Form::Ndjson => listed.iter().map(|it| json_line(&ListedExpectation::of(it))).collect(),
        Form::Csv => {
            let header = csv_line(&CSV_HEADER.map(str::to_owned));
            std::iter::once(header).chain(listed.iter().map(|it| csv_line(&cells(it)))).collect()
        }
    }
}

fn table_of(listed: &[Expected]) -> String {
    if listed.is_empty() {
        return String::new();
    }
    let header = ["ID", "BY", "WHERE", "UNTIL", "UP TO", "USED", "BEYOND"].map(str::to_owned);
    let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let cells = |expected: &Expected| {
        let of = &expected.expectation;
        [
            shown(&of.id),
            shown_or_dash(of.principal.as_deref()),
            shown(&format!("s3://{}/{}", of.bucket, of.prefix)),
            time(of.until, true),
            of.objects_max.to_string(),
            count(expected.used()),
            count(expected.beyond()),
        ]
    };
    table(&std::iter::once(header).chain(listed.iter().map(cells)).collect::<Vec<_>>())
}

const CSV_HEADER: [&str; 11] = [
    "id",
    "principal",
    "bucket",
    "prefix",
    "since",
    "until",
    "max_objects",
    "by",
    "is_configured",
    "used",
    "beyond",
];

fn cells(expected: &Expected) -> [String; CSV_HEADER.len()] {
    let of = &expected.expectation;
    let text = |text: Option<&str>| defused(text.unwrap_or_default());
    let count = |count: Option<u64>| count.map(|it| it.to_string()).unwrap_or_default();
    [
        defused(&of.id),
        text(of.principal.as_deref()),
        defused(&of.bucket),
        defused(&of.prefix),
        of.since.to_string(),
        of.until.to_string(),
        of.objects_max.to_string(),
        text(expected.said_by.as_deref()),
        expected.is_configured.to_string(),
        count(expected.used()),
        count(expected.beyond()),
    ]
}
