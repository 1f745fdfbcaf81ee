//! `deltrail run`: settings, log and runtime for the daemon, which `app` is.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::{FAILED, USAGE, fail, logging};
use crate::config::{Config, Purpose, SettingFlags, Surroundings};

/// Blocking threads besides the decoders: the store's readers, name lookups, files.
const OTHER_BLOCKING_THREADS: usize = 8;

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
        .max_blocking_threads(config.workers + OTHER_BLOCKING_THREADS)
        .thread_name("deltrail")
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(crate::app::run(config))
}
