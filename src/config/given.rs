//! What the user gave, from where: flags over environment over file. It holds texts and does not
//! know what they mean.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::settings::{self, Setting, Takes};
use super::{Problems, Surroundings};

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "deltrail.toml";

/// The values of settings, each with where it came from. A setting that nobody gave is missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Given {
    values: BTreeMap<&'static str, (Origin, Vec<String>)>,
    /// The tables `[[expectations]]`, each with its file.
    expectations: Vec<(PathBuf, toml::Table)>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// The environment.
    Environment,
    /// This file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment => f.write_str("env"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

impl Given {
    /// Adds a value from the command line, which wins over all others.
    #[must_use]
    pub fn with_flag(mut self, setting: &'static Setting, values: Vec<String>) -> Self {
        self.values.insert(setting.name, (Origin::Flag, values));
        self
    }

    /// Adds what the environment says about settings that no flag gave. An empty variable gives
    /// nothing.
    #[must_use]
    pub fn with_environment(mut self, surroundings: &Surroundings) -> Self {
        for setting in settings::ALL {
            let Some(text) = surroundings.variable(&setting.environment_variable()) else {
                continue;
            };
            let values = match setting.takes {
                Takes::Many(_) => list(text),
                Takes::One(_) | Takes::Secret(_) | Takes::Switch => vec![text.to_owned()],
            };
            self.values.entry(setting.name).or_insert((Origin::Environment, values));
        }
        self
    }

    /// Adds what the file says about settings that neither flag nor environment gave. Without
    /// `named`, the default file of the working directory counts if it is there.
    ///
    /// # Errors
    /// Everything that is wrong with the file, except the values themselves.
    pub fn with_file(
        self,
        named: Option<&Path>,
        surroundings: &Surroundings,
    ) -> Result<Self, Problems> {
        let (given, problems) = self.with_what_is_good(named, surroundings);
        problems.or(given)
    }

    /// As [`Given::with_file`], with what is good of the file and all that is wrong with it.
    pub(super) fn with_what_is_good(
        self,
        named: Option<&Path>,
        surroundings: &Surroundings,
    ) -> (Self, Problems) {
        let path = surroundings.directory.join(named.unwrap_or(Path::new(DEFAULT_FILE)));
        let shown = named.unwrap_or(Path::new(DEFAULT_FILE));
        match std::fs::read_to_string(&path) {
            Ok(text) => self.with_what_is_good_of(&text, shown),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                (self, Problems::default())
            }
            Err(error) => {
                (self, Problems::one(format!("{}: cannot be read: {error}", path.display())))
            }
        }
    }

    /// As [`Given::with_file`], with the text of the file and what to call it.
    ///
    /// # Errors
    /// Everything that is wrong with the text, except the values themselves.
    pub fn with_file_text(self, text: &str, path: &Path) -> Result<Self, Problems> {
        let (given, problems) = self.with_what_is_good_of(text, path);
        problems.or(given)
    }

    fn with_what_is_good_of(mut self, text: &str, path: &Path) -> (Self, Problems) {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let problem = format!("{}: {}", path.display(), located(text, &error));
                return (self, Problems::one(problem));
            }
        };
        let mut problems = Problems::default();
        for (key, value) in table {
            let (key, value) = match (key.as_str(), value) {
                ("expectations", value) => {
                    match tables(value) {
                        Ok(tables) => {
                            let tables = tables.into_iter().map(|it| (path.to_owned(), it));
                            self.expectations.extend(tables);
                        }
                        Err(what) => problems.add(format!("{}: {what}", path.display())),
                    }
                    continue;
                }
                ("detectors", toml::Value::Table(detectors)) => {
                    let name = settings::DETECTOR_MODE.name.to_owned();
                    match modes(detectors) {
                        Ok(modes) => (name, modes),
                        Err(what) => {
                            problems.add(format!("{}: {what}", path.display()));
                            continue;
                        }
                    }
                }
                (_, value) => (key, value),
            };
            let result = Setting::named(&key)
                .ok_or_else(|| unknown(&key))
                .and_then(|setting| Ok((setting, texts(setting, value)?)));
            match result {
                Ok((setting, values)) => {
                    let origin = Origin::File(path.to_owned());
                    self.values.entry(setting.name).or_insert((origin, values));
                }
                Err(what) => problems.add(format!("{}: {key} {what}", path.display())),
            }
        }
        (self, problems)
    }

    /// The announcements of the file.
    pub(super) fn expectations(&self) -> &[(PathBuf, toml::Table)] {
        &self.expectations
    }

    /// The file of each announcement, in their order.
    pub fn expectation_files(&self) -> impl Iterator<Item = &Path> {
        self.expectations.iter().map(|(file, _)| file.as_path())
    }

    /// The values of a setting and where they came from.
    #[must_use]
    pub fn get(&self, setting: &Setting) -> Option<(&Origin, &[String])> {
        self.values.get(setting.name).map(|(origin, values)| (origin, values.as_slice()))
    }
}

/// A comma too many, as at the end, means nothing.
fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The tables `[detectors.NAME]` as the setting that says the same.
fn modes(detectors: toml::Table) -> Result<toml::Value, String> {
    let mut modes = Vec::new();
    for (name, detector) in detectors {
        let toml::Value::Table(detector) = detector else {
            return Err(format!("detectors.{name} is no table: write [detectors.{name}]"));
        };
        for (key, value) in detector {
            match (key.as_str(), value) {
                ("mode", toml::Value::String(mode)) => {
                    modes.push(toml::Value::String(format!("{name}={mode}")));
                }
                _ => return Err(format!("[detectors.{name}] takes a mode only, not {key}")),
            }
        }
    }
    Ok(toml::Value::Array(modes))
}

fn tables(value: toml::Value) -> Result<Vec<toml::Table>, String> {
    let tables = match value {
        toml::Value::Array(tables) => tables,
        other => vec![other],
    };
    let table = |value| match value {
        toml::Value::Table(table) => Ok(table),
        _ => Err("expectations are tables: write each under [[expectations]]".to_owned()),
    };
    tables.into_iter().map(table).collect()
}

/// The parser's message, with the line that it is about.
fn located(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', ", ");
    let before = error.span().and_then(|span| text.get(..span.start));
    match before {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

fn unknown(key: &str) -> String {
    let nearest = settings::ALL
        .into_iter()
        .map(|setting| (strsim::normalized_damerau_levenshtein(key, setting.name), setting.name))
        .max_by(|left, right| left.0.total_cmp(&right.0));
    match nearest {
        Some((likeness, name)) if likeness >= 0.5 => {
            format!("is not a setting: did you mean {name}?")
        }
        _ => "is not a setting: deltrail print-config lists all of them".to_owned(),
    }
}

fn texts(setting: &Setting, value: toml::Value) -> Result<Vec<String>, String> {
    match (value, setting.takes) {
        (toml::Value::Array(values), Takes::Many(_)) => values.into_iter().map(scalar).collect(),
        (toml::Value::Array(_), _) => Err("takes one value: write it without [ ]".to_owned()),
        (value, _) => Ok(vec![scalar(value)?]),
    }
}

fn scalar(value: toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        other => Err(format!("takes a text or a number, not a {}", other.type_str())),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::settings::{LOG_BUCKET, QUEUE_URL, WORKERS};
    use super::{Given, Origin, Surroundings};

    fn from_file(text: &str) -> Result<Given, String> {
        Given::default()
            .with_file_text(text, Path::new("deltrail.toml"))
            .map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
        let file = "workers = 2\nlog-bucket = [\"from-file\"]\nqueue-url = \"https://file/1/q\"";
        let environment = [("DELTRAIL_WORKERS", "3"), ("DELTRAIL_LOG_BUCKET", "from-env")];
        let given = Given::default()
            .with_flag(&WORKERS, vec!["4".to_owned()])
            .with_environment(&Surroundings::of_test(&environment))
            .with_file_text(file, Path::new("deltrail.toml"))
            .unwrap();
        let (origin, values) = given.get(&WORKERS).unwrap();
        assert_eq!((origin, values), (&Origin::Flag, &["4".to_owned()][..]));
        let (origin, values) = given.get(&LOG_BUCKET).unwrap();
        assert_eq!((origin, values), (&Origin::Environment, &["from-env".to_owned()][..]));
        let (origin, values) = given.get(&QUEUE_URL).unwrap();
        assert_eq!(origin, &Origin::File("deltrail.toml".into()));
        assert_eq!(values, ["https://file/1/q"]);
    }

    #[test]
    fn a_list_has_commas_in_the_environment_and_brackets_in_the_file() {
        let environment = Surroundings::of_test(&[("DELTRAIL_LOG_BUCKET", "first, second/p,")]);
        let given = Given::default().with_environment(&environment);
        assert_eq!(given.get(&LOG_BUCKET).unwrap().1, ["first", "second/p"]);
        let given = from_file("log-bucket = [\"first\", \"second/p\"]").unwrap();
        assert_eq!(given.get(&LOG_BUCKET).unwrap().1, ["first", "second/p"]);
    }

    #[test]
    fn an_empty_variable_gives_nothing() {
        let given =
            Given::default().with_environment(&Surroundings::of_test(&[("DELTRAIL_WORKERS", "")]));
        assert_eq!(given, Given::default());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_nearest_neighbour() {
        let problem = from_file("queue_urls = []").unwrap_err();
        assert_eq!(problem, "deltrail.toml: queue_urls is not a setting: did you mean queue-url?");
        let problem = from_file("xyzzy = 1").unwrap_err();
        assert!(problem.contains("xyzzy is not a setting") && problem.contains("print-config"));
    }

    #[test]
    fn every_wrong_key_of_a_file_is_reported() {
        let problem = from_file("worker = 1\nmax-records = 2\nworkers = [1]\nstore.url = 1");
        assert_eq!(problem.unwrap_err().lines().count(), 4);
    }

    #[test]
    fn what_is_no_toml_is_reported_by_line() {
        let problem = from_file("workers = 2\nlog-bucket = [\n").unwrap_err();
        assert!(problem.starts_with("deltrail.toml: line "), "{problem}");
        assert_eq!(problem.lines().count(), 1);
    }

    #[test]
    fn a_file_must_be_there_only_if_it_was_named() {
        let directory = tempfile::tempdir().unwrap();
        let surroundings =
            Surroundings { directory: directory.path().to_owned(), ..Surroundings::of_test(&[]) };
        assert_eq!(Given::default().with_file(None, &surroundings), Ok(Given::default()));
        let named = Given::default().with_file(Some(Path::new("other.toml")), &surroundings);
        assert!(named.unwrap_err().to_string().contains("other.toml: cannot be read"));
        std::fs::write(directory.path().join("deltrail.toml"), "workers = 3").unwrap();
        let given = Given::default().with_file(None, &surroundings).unwrap();
        assert_eq!(given.get(&WORKERS).unwrap().1, ["3"]);
    }
}
