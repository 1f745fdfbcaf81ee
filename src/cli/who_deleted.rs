//! `deltrail who-deleted`: who removed one object, when, how, and how sure that is.

mod report;

use std::process::ExitCode;

use clap::Args;
use deltrail_core::domain::Address;

use super::ask::{AskArguments, Form};
use super::output::text::shown;
use super::output::{json, ndjson};
use super::{FAILED, USAGE, fail, tell};
use crate::config::Surroundings;
use crate::http::told::{WhoDeleted, deletions_csv};
use crate::store::KeyQuestion;
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
    let Address { bucket, key, version_id } = address;
    if key.is_empty() {
        return fail(USAGE, &no_key(&bucket));
    }
    let mut asked = match arguments.ask.open(surroundings) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    let question = KeyQuestion { bucket, key, version_id };
    let history = match asked.key_history(&question) {
        Ok(history) => history,
        Err(error) => return fail(FAILED, &error),
    };
    let text = match arguments.ask.output {
        Form::Table => report(&question, &history),
        Form::Json => json(&WhoDeleted::of(&history)),
        Form::Ndjson => ndjson(&history.deletions),
        Form::Csv => deletions_csv(&history.deletions),
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

#[cfg(test)]
mod tests;
