//! From given texts to values, and everything that is wrong with them in words. It does not know
//! what a single setting means.

use super::given::{DEFAULT_FILE, Given, Origin};
use super::settings::{Setting, Takes};

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Problems(Vec<String>);

impl Problems {
    /// A single problem.
    #[must_use]
    pub fn one(problem: String) -> Self {
        Self(vec![problem])
    }

    /// Each problem, one line.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Never: somebody has to change a setting.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }

    pub(super) fn add(&mut self, problem: String) {
        self.0.push(problem);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    pub(super) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

/// A walk through all settings that reports every problem, not the first.
pub(super) struct Reading<'a> {
    pub(super) given: &'a Given,
    pub(super) problems: Problems,
}

impl Reading<'_> {
    pub(super) fn one<T>(
        &mut self,
        setting: &Setting,
        slot: &mut T,
        parse: impl Fn(&str) -> Result<T, String>,
    ) {
        let Some((origin, values)) = self.given.get(setting) else { return };
        let [text] = values else {
            self.problems.add(format!("{}: takes one value", place(setting, origin)));
            return;
        };
        match parse(text) {
            Ok(value) => *slot = value,
            Err(what) => self.problems.add(problem(setting, origin, text, &what)),
        }
    }

    /// Each value once, in the order given.
    pub(super) fn many<T: PartialEq>(
        &mut self,
        setting: &Setting,
        slot: &mut Vec<T>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) {
        let Some((origin, values)) = self.given.get(setting) else { return };
        slot.clear();
        for text in values {
            match parse(text) {
                Ok(value) if slot.contains(&value) => {}
                Ok(value) => slot.push(value),
                Err(what) => self.problems.add(problem(setting, origin, text, &what)),
            }
        }
    }

    /// Adds a problem with a value that was given and is good by itself.
    pub(super) fn refuse(&mut self, setting: &Setting, what: &str) {
        if let Some((origin, _)) = self.given.get(setting) {
            self.problems.add(format!("{}: {what}", place(setting, origin)));
        }
    }

    pub(super) fn require(&mut self, setting: &Setting, otherwise: &str) {
        if self.given.get(setting).is_none_or(|(_, values)| values.is_empty()) {
            let (name, variable) = (setting.name, setting.environment_variable());
            self.problems.add(format!(
                "{name} is required: give it as --{name}, {variable}, or {name} in \
                 {DEFAULT_FILE}{otherwise}"
            ));
        }
    }
}

fn problem(setting: &Setting, origin: &Origin, text: &str, what: &str) -> String {
    let place = place(setting, origin);
    match setting.takes {
        Takes::Secret(_) => format!("{place}: the value {what}"),
        Takes::One(_) | Takes::Many(_) | Takes::Switch => {
            format!("{place}: {:?} {what}", without_password(text))
        }
    }
}

fn place(setting: &Setting, origin: &Origin) -> String {
    match origin {
        Origin::Flag => format!("--{}", setting.name),
        Origin::Environment => setting.environment_variable(),
        Origin::File(path) => format!("{}: {}", path.display(), setting.name),
    }
}

/// An address with a password in it may be pasted into any setting, and problems go to logs. A
/// password stands before an `@` or among the parameters.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (rest, parameters) = match rest.split_once('?') {
        Some((rest, _)) => (rest, "?***"),
        None => (rest, ""),
    };
    match rest.rsplit_once('@') {
        Some((secret, host)) => {
            let user = secret.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{host}{parameters}")
        }
        None => format!("{scheme}://{rest}{parameters}"),
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_is_never_repeated() {
        for text in [
            "postgres://u:secret@h/d",
            "postgres://u:se@secret@h/d",
            "postgres://h/d?user=u&password=secret",
            "https://u:secret@h/q?token=secret",
        ] {
            assert!(!without_password(text).contains("secret"), "{text}");
        }
        assert_eq!(without_password("sqlite://deltrail.db"), "sqlite://deltrail.db");
        assert_eq!(without_password("s3://logs"), "s3://logs");
    }
}
