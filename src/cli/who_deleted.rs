//! `deltrail who-deleted`: who removed one object, when, how, and how sure that is.

mod report;

use std::process::ExitCode;

use clap::Args;
use deltrail_core::domain::Address;
use serde::Serialize;

use super::ask::{AskArguments, Form};
use super::output::completeness::Extent;
use super::output::csv::csv;
use super::output::deletion::{Declared, Deletion, Protection, Refused, Unresolved};
use super::output::text::shown;
use super::output::{json, ndjson};
use super::{FAILED, USAGE, fail, tell};
use crate::config::Surroundings;
use crate::store::{KeyHistory, KeyQuestion};
use report::{report, why_unknown};

/// Arguments of `deltrail who-deleted`.
#[derive(Debug, Args)]
pub(super) struct WhoDeletedArguments {
    /// The object: the key exactly as S3 has it, where a percent sign is a percent sign. A version
    /// id tells of the removal of that version, or of the making and removal of that delete marker.
    /// An ARN will do too, or a URL of S3 or of its console, whose escapes are decoded
    #[arg(value_name = "s3://BUCKET/KEY[?versionId=ID]")]
    object: String,
    #[command(flatten)]
    ask: AskArguments,
}

/// Prints all that is known; the answer is no when no removal is.
pub(super) fn answer(arguments: &WhoDeletedArguments, surroundings: &Surroundings) -> ExitCode {
    let address = match Address::parse(&arguments.object) {
        Ok(address) => address,
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    let mut reader = match arguments.ask.open(surroundings) {
        Ok(reader) => reader,
        Err(code) => return code,
    };
    let Address { bucket, key, version_id } = address;
    if key.is_empty() {
        return fail(USAGE, &no_key(&bucket));
    }
    let question = KeyQuestion { bucket, key, version_id };
    let history = match reader.key_history(&question) {
        Ok(history) => history,
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    let text = match arguments.ask.output {
        Form::Table => report(&question, &history),
        Form::Json => json(&Answer::of(&history)),
        Form::Ndjson => ndjson(&history.deletions),
        Form::Csv => csv(&history.deletions),
    };
    let told = tell(&text);
    if !history.deletions.is_empty() {
        return told;
    }
    if matches!(arguments.ask.output, Form::Ndjson | Form::Csv) {
        eprint!("{}", why_unknown(&question, &history));
    }
    ExitCode::from(FAILED)
}

/// That a bucket alone was named.
fn no_key(bucket: &str) -> String {
    let bucket = shown(bucket);
    format!(
        "no key is named: write s3://{bucket}/KEY, or ask `deltrail deletions --bucket {bucket}`"
    )
}

/// The answer as JSON.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    deletions: Vec<Deletion<'a>>,
    has_more: bool,
    refused: Vec<Refused<'a>>,
    intents: Vec<Declared<'a>>,
    protection_changes: Vec<Protection<'a>>,
    unresolved_bulk_deletes: Vec<Unresolved<'a>>,
    deletions_of_unknown_keys: Vec<Deletion<'a>>,
    has_deletions_below: bool,
    completeness: Extent<'a>,
}

impl<'a> Answer<'a> {
    fn of(history: &'a KeyHistory) -> Self {
        Self {
            deletions: history.deletions.iter().map(Deletion::of).collect(),
            has_more: history.has_more,
            refused: history.refused.iter().map(Refused::of).collect(),
            intents: history.intents.iter().map(Declared::of).collect(),
            protection_changes: history.protection_changes.iter().map(Protection::of).collect(),
            unresolved_bulk_deletes: history.unresolved_calls.iter().map(Unresolved::of).collect(),
            deletions_of_unknown_keys: history.unknown_keys.iter().map(Deletion::of).collect(),
            has_deletions_below: history.has_removed_below,
            completeness: Extent::of(&history.completeness),
        }
    }
}

#[cfg(test)]
mod tests;
