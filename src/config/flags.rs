//! The settings as flags of the command line: `clap`'s view of the list in `settings`. Values stay
//! texts, so that a flag, a variable and a key of the file are understood alike.

use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::settings::{self, Setting, Takes};
use super::{Config, Given, Problems, Purpose, Surroundings};

/// What stood on the command line.
#[derive(Debug, Clone, Default)]
pub struct SettingFlags {
    file: Option<PathBuf>,
    given: Given,
}

impl SettingFlags {
    /// No flag but, perhaps, `--config`.
    #[must_use]
    pub fn with_file(file: Option<PathBuf>) -> Self {
        Self { file, given: Given::default() }
    }

    /// As if this flag had stood on the command line too.
    #[must_use]
    pub fn with(mut self, setting: &'static Setting, value: &str) -> Self {
        self.given = self.given.with_flag(setting, vec![value.to_owned()]);
        self
    }

    /// All that the user gave, by flag, environment and file.
    ///
    /// # Errors
    /// What is wrong with the file, except the values themselves.
    pub fn given(&self, surroundings: &Surroundings) -> Result<Given, Problems> {
        let (given, problems) = self.what_is_good(surroundings);
        problems.or(given)
    }

    /// What is good of all that the user gave, and what is wrong with the file.
    fn what_is_good(&self, surroundings: &Surroundings) -> (Given, Problems) {
        let file = self
            .file
            .clone()
            .or_else(|| surroundings.variable("DELTRAIL_CONFIG").map(PathBuf::from));
        let given = self.given.clone().with_environment(surroundings);
        given.with_what_is_good(file.as_deref(), surroundings)
    }

    /// What the program needs, out of all that the user gave.
    ///
    /// # Errors
    /// All problems of the file and of the values. What is missing is told when the file is good:
    /// else it may stand there under a wrong name.
    pub fn config(
        &self,
        surroundings: &Surroundings,
        purpose: Purpose,
    ) -> Result<Config, Problems> {
        let (given, mut problems) = self.what_is_good(surroundings);
        let purpose = if problems.is_empty() { purpose } else { Purpose::Inspect };
        match Config::of(&given, surroundings, purpose) {
            Ok(config) => problems.or(config),
            Err(others) => {
                problems.append(others);
                Err(problems)
            }
        }
    }

    fn take(&mut self, matches: &ArgMatches, settings: &[&'static Setting]) {
        self.file = matches.get_one("config").cloned();
        for setting in settings {
            if let Some(values) = matches.get_many::<String>(setting.name) {
                let values = values.cloned().collect();
                self.given = std::mem::take(&mut self.given).with_flag(setting, values);
            }
        }
    }
}

/// What stood on the command line of a scan, which takes fewer settings. The environment and the
/// file may hold the others too.
#[derive(Debug, Clone, Default)]
pub struct ScanFlags(SettingFlags);

impl ScanFlags {
    /// What a scan needs, out of all that the user gave.
    ///
    /// # Errors
    /// All problems of the file and of the values.
    pub fn config(&self, surroundings: &Surroundings) -> Result<Config, Problems> {
        self.0.config(surroundings, Purpose::Scan)
    }
}

/// What stood on the command line of `deltrail verify`, which takes fewer still.
#[derive(Debug, Clone, Default)]
pub struct VerifyFlags(SettingFlags);

impl VerifyFlags {
    /// What a verification needs, out of all that the user gave.
    ///
    /// # Errors
    /// All problems of the file, or else all problems of the values.
    pub fn config(&self, surroundings: &Surroundings) -> Result<Config, Problems> {
        self.0.config(surroundings, Purpose::Inspect)
    }
}

impl Args for VerifyFlags {
    fn augment_args(command: Command) -> Command {
        command.arg(file()).args(settings::OF_VERIFY.map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for VerifyFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.take(matches, &settings::OF_VERIFY);
        Ok(())
    }
}

impl Args for ScanFlags {
    fn augment_args(command: Command) -> Command {
        command.arg(file()).args(settings::OF_SCAN.map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ScanFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.take(matches, &settings::OF_SCAN);
        Ok(())
    }
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        command.arg(file()).args(settings::ALL.map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.take(matches, &settings::ALL);
        Ok(())
    }
}

fn file() -> Arg {
    Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(ValueParser::path_buf())
        .help("File with settings [env: DELTRAIL_CONFIG] [default: deltrail.toml, if there]")
}

fn flag(setting: &'static Setting) -> Arg {
    let default = match setting.default {
        "" => String::new(),
        default => format!(" [default: {default}]"),
    };
    let notes = format!("{} [env: {}]{default}", setting.help, setting.environment_variable());
    let flag = Arg::new(setting.name).long(setting.name).help(notes).help_heading(setting.topic);
    match setting.takes {
        Takes::One(value) | Takes::Secret(value) => flag.value_name(value),
        Takes::Many(value) => flag.value_name(value).action(ArgAction::Append),
        Takes::Switch => flag
            .value_name("true|false")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
    }
}
