//! What every question to a store has in common: which store, in which form the answer is wanted,
//! and how the store is opened. It knows no question.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{FAILED, USAGE, fail};
use crate::config::{Config, Purpose, STORE, SettingFlags, Surroundings};
use crate::store::{Looking, Reader};

/// Arguments of every question.
#[expect(clippy::doc_markdown, reason = "help is plain text")]
#[derive(Debug, Args)]
pub(super) struct AskArguments {
    /// Form of the answer; JSON holds the texts exactly as they are, CSV with an apostrophe before
    /// what a spreadsheet would run as a formula
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Table)]
    pub(super) output: Form,
    /// The store of the daemon, which may be running; it is only read. One behind a running
    /// daemon's API cannot be asked yet [env: DELTRAIL_STORE]
    /// [default: sqlite://deltrail.db]
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// File with settings [env: DELTRAIL_CONFIG] [default: deltrail.toml, if there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people
    Table,
    /// One JSON object
    Json,
    /// One JSON object for each deletion or finding, on a line of its own
    Ndjson,
    /// RFC 4180, with a header
    Csv,
}

impl AskArguments {
    /// The settings; else says what is wrong with them, and gives the exit code.
    pub(super) fn config(&self, surroundings: &Surroundings) -> Result<Config, ExitCode> {
        let mut flags = SettingFlags::with_file(self.config.clone());
        if let Some(store) = &self.store {
            flags = flags.with(&STORE, store);
        }
        flags
            .config(surroundings, Purpose::Inspect)
            .map_err(|problems| fail(USAGE, &format!("the settings are not valid\n{problems}")))
    }

    /// Opens the store to look at it; else says why not, and gives the exit code.
    pub(super) fn open(&self, surroundings: &Surroundings) -> Result<Reader, ExitCode> {
        let config = self.config(surroundings)?;
        // It is a day at most.
        let window_millis = i64::try_from(config.stale_window.as_millis()).unwrap_or(i64::MAX);
        let looking = Looking { stale_window_millis: window_millis };
        Reader::open(&config.store, looking).map_err(|error| fail(FAILED, &error.to_string()))
    }
}
