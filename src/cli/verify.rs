//! `deltrail verify`: whether log files are those that CloudTrail delivered, and whether any are
//! missing, by its digests.

mod output;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use deltrail_core::decode::TimeBounds;
use deltrail_core::domain::Timestamp;

use super::ask::Form;
use super::deletions::parse_moment;
use super::scan::source_of;
use super::{FAILED, USAGE, fail, logging, on_runtime};
use crate::app;
use crate::config::{Surroundings, VerifyFlags};
use crate::ingest::VerifyOrder;
use output::Output;

/// What stands before the help.
pub(super) const EXAMPLE: &str = "\
Examples:
  deltrail verify s3://example-trail-logs/AWSLogs/ --since 7d
  deltrail verify ./trail-logs --public-keys keys.json --output csv";

/// Arguments of `deltrail verify`.
#[expect(clippy::doc_markdown, reason = "help is plain text")]
#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// A folder, or s3://BUCKET/PREFIX, with CloudTrail's digests and log files
    #[arg(value_name = "FOLDER|s3://BUCKET/PREFIX")]
    source: String,
    /// File with the public keys, as `aws cloudtrail list-public-keys` prints them; without it
    /// CloudTrail is asked, which takes cloudtrail:ListPublicKeys
    #[arg(long, value_name = "FILE")]
    public_keys: Option<PathBuf>,
    /// Only digests and log files of this time or later: 2026-11-23T10:00:00Z, 2026-11-23 (UTC), or
    /// 2h for 2 hours ago
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    since: Option<Timestamp>,
    /// Only digests and log files of the time before this one, written as --since is
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    until: Option<Timestamp>,
    /// Form of the answer; the table leaves out what is well
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Table)]
    output: Form,
    #[command(flatten)]
    settings: VerifyFlags,
}

/// Prints the verdicts; the answer is no unless everything is intact.
pub(super) fn verify(arguments: &VerifyArguments, surroundings: &Surroundings) -> ExitCode {
    let config = match arguments.settings.config(surroundings) {
        Ok(config) => config,
        Err(problems) => return fail(USAGE, &format!("the settings are not valid\n{problems}")),
    };
    let source = match source_of(&arguments.source) {
        Ok(source) => source,
        Err(error) => return fail(USAGE, &error),
    };
    let (since, until) = (arguments.since, arguments.until);
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        return fail(USAGE, "--since is not before --until");
    }
    if let Err(error) = logging::start(config.log_format, &config.log_filter) {
        return fail(USAGE, &error);
    }
    let order = VerifyOrder {
        source,
        bounds: TimeBounds { since, until },
        at_once: config.in_flight_objects_max,
        inflated_bytes_max: config.inflated_bytes_max,
    };
    let mut output = Output::begin(arguments.output);
    let mut is_intact = false;
    let result = on_runtime(surroundings.cores, async {
        let keys = arguments.public_keys.as_deref();
        let summary = app::verify(&config, order, keys, |verified| output.tell(verified)).await?;
        is_intact = summary.is_intact();
        output.end(&summary);
        Ok(())
    });
    if let Err(error) = result {
        tracing::error!("{error:#}");
        return ExitCode::from(FAILED);
    }
    match output.failure() {
        Some(error) => fail(FAILED, &format!("cannot write to stdout: {error}")),
        None if is_intact => ExitCode::SUCCESS,
        None => ExitCode::from(FAILED),
    }
}
