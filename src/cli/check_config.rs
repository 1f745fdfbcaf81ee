//! `deltrail check-config`: are the settings valid for `run`?

use std::process::ExitCode;

use clap::Args;

use super::{FAILED, tell};
use crate::config::{Purpose, SettingFlags, Surroundings};

/// Arguments of `deltrail check-config`.
#[derive(Debug, Args)]
pub(super) struct CheckConfigArguments {
    #[command(flatten)]
    settings: SettingFlags,
}

/// Prints the verdict, or every problem on a line of its own.
pub(super) fn check(arguments: &CheckConfigArguments, surroundings: &Surroundings) -> ExitCode {
    match arguments.settings.config(surroundings, Purpose::Run) {
        Ok(_) => tell("configuration is valid\n"),
        Err(problems) => {
            for problem in problems.lines() {
                eprintln!("{problem}");
            }
            ExitCode::from(FAILED)
        }
    }
}
