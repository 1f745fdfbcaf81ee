//! `deltrail run`: settings, log and runtime for the daemon, which `app` is.

use std::process::ExitCode;

use clap::Args;

use super::{FAILED, USAGE, fail, logging, on_runtime};
use crate::app::{self, World};
use crate::config::{Purpose, SettingFlags, Surroundings};

/// Arguments of `deltrail run`.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    settings: SettingFlags,
}

/// Runs the daemon until it is asked to stop.
pub(super) fn run(arguments: &RunArguments, surroundings: &Surroundings) -> ExitCode {
    let config = match arguments.settings.config(surroundings, Purpose::Run) {
        Ok(config) => config,
        Err(problems) => return fail(USAGE, &format!("the settings are not valid\n{problems}")),
    };
    if let Err(error) = logging::start(config.log_format, &config.log_filter) {
        return fail(USAGE, &error);
    }
    let decoders = config.workers;
    match on_runtime(decoders, async { app::run(config, World::of_this_process().await).await }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::from(FAILED)
        }
    }
}
