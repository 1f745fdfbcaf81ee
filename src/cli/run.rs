//! `deltrail run`: settings, log and runtime for the daemon, which `app` is.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::{FAILED, USAGE, fail, logging};
use crate::config::{Config, Purpose, SettingFlags, Surroundings};

/// How long threads that wait for something outside, such as a name lookup, may hold up the end.
const LAST_WAIT: Duration = Duration::from_secs(1);

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
    match daemon(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn daemon(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("deltrail")
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(crate::app::run(config));
    runtime.shutdown_timeout(LAST_WAIT);
    result
}
