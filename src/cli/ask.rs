//! What every question has in common: which store or daemon is asked, and in which form the answer
//! is wanted. It does not know how an answer is shown.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use deltrail_core::domain::Timestamp;

use super::server::Server;
use super::{FAILED, USAGE, fail};
use crate::app::app_token;
use crate::config::{
    APP_TOKEN, APP_TOKEN_FILE, Config, Purpose, STORE, SettingFlags, Surroundings,
};
use crate::http::told::ListedExpectation;
use crate::notify::HttpUrl;
use crate::store::{
    DeletionFilter, Deletions, Expected, FindingFilter, Findings, KeyHistory, KeyQuestion, Reader,
};

/// Arguments of every question.
#[expect(clippy::doc_markdown, reason = "help is plain text")]
#[derive(Debug, Args)]
pub(super) struct AskArguments {
    /// Form of the answer; JSON holds the texts exactly as they are, CSV with an apostrophe before
    /// what a spreadsheet would run as a formula
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Table)]
    pub(super) output: Form,
    /// The store of the daemon, which may be running; it is only read [env: DELTRAIL_STORE]
    /// [default: sqlite://deltrail.db]
    #[arg(long, value_name = "STORE", conflicts_with = "server")]
    store: Option<String>,
    /// Ask a running daemon through its API instead, at its app listener: http://127.0.0.1:10119,
    /// or https:// with a certificate that this system trusts, or SSL_CERT_FILE names
    #[arg(long, value_name = "URL", value_parser = parse_server)]
    server: Option<HttpUrl>,
    /// Token of the daemon's API; every user of the host can see flags, so prefer the variable or
    /// --app-token-file [env: DELTRAIL_APP_TOKEN]
    #[arg(long, value_name = "TOKEN", requires = "server")]
    app_token: Option<String>,
    /// File that holds the token and nothing else [env: DELTRAIL_APP_TOKEN_FILE]
    #[arg(long, value_name = "FILE", requires = "server", conflicts_with = "app_token")]
    app_token_file: Option<String>,
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
        for (setting, value) in [
            (&STORE, &self.store),
            (&APP_TOKEN, &self.app_token),
            (&APP_TOKEN_FILE, &self.app_token_file),
        ] {
            if let Some(value) = value {
                flags = flags.with(setting, value);
            }
        }
        flags
            .config(surroundings, Purpose::Inspect)
            .map_err(|problems| fail(USAGE, &format!("the settings are not valid\n{problems}")))
    }

    /// Opens the store to look at it, or finds out how to ask the daemon; else says why not, and
    /// gives the exit code.
    pub(super) fn open(&self, surroundings: &Surroundings) -> Result<Asked, ExitCode> {
        let config = self.config(surroundings)?;
        let failed = |error: &dyn fmt::Display| fail(FAILED, &error.to_string());
        if let Some(url) = &self.server {
            let token = app_token(&config).map_err(|error| failed(&error))?;
            return Ok(Asked::Daemon(Server::new(url.clone(), token)));
        }
        let reader = Reader::open(&config.store, config.looking());
        reader.map(|reader| Asked::Store(Box::new(reader))).map_err(|error| failed(&error))
    }
}

fn parse_server(text: &str) -> Result<HttpUrl, String> {
    HttpUrl::parse(text).map_err(|what| {
        format!(
            "{what}; --server takes the address of the app listener, as in \
                 http://127.0.0.1:10119"
        )
    })
}

/// Who answers.
#[derive(Debug)]
pub(super) enum Asked {
    /// A store that is looked at.
    Store(Box<Reader>),
    /// A daemon that runs.
    Daemon(Server),
}

impl Asked {
    /// The removals that fit, newest first.
    pub(super) fn deletions(&mut self, filter: &DeletionFilter) -> Result<Deletions, String> {
        match self {
            Self::Store(reader) => reader.deletions(filter).map_err(|error| error.to_string()),
            Self::Daemon(server) => server.deletions(filter),
        }
    }

    /// Who removed a key, or one version of it.
    pub(super) fn key_history(&mut self, question: &KeyQuestion) -> Result<KeyHistory, String> {
        match self {
            Self::Store(reader) => reader.key_history(question).map_err(|error| error.to_string()),
            Self::Daemon(server) => server.key_history(question),
        }
    }

    /// The findings that fit, newest first.
    pub(super) fn findings(&mut self, filter: &FindingFilter) -> Result<Findings, String> {
        match self {
            Self::Store(reader) => reader.findings(filter).map_err(|error| error.to_string()),
            Self::Daemon(server) => server.findings(filter),
        }
    }

    /// What was announced and is not over for long at this time.
    pub(super) fn expectations(&mut self, now: Timestamp) -> Result<Vec<Expected>, String> {
        let from = ListedExpectation::listed_from(now);
        match self {
            Self::Store(reader) => {
                let listed = reader.expectations(from, ListedExpectation::MAX);
                listed.map_err(|error| error.to_string())
            }
            Self::Daemon(server) => server.expectations(),
        }
    }

    /// The finding of this id, if there is one.
    pub(super) fn finding(&mut self, id: &str) -> Result<Findings, String> {
        match self {
            Self::Store(reader) => reader.finding(id).map_err(|error| error.to_string()),
            Self::Daemon(server) => server.finding(id),
        }
    }
}
