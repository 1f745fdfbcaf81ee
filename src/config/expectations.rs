//! Deletions that are announced in the file: `[[expectations]]`, each checked key by key. It knows
//! no clock, and keeps nothing.

use std::fmt;

use deltrail_core::domain::Timestamp;

use super::Config;
use super::reading::Reading;

/// As long as an ARN, or a key, may be.
const TEXT_CHARS_MAX: usize = 2_048;

/// Deletions that are announced: up to so many are no finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedDeletions {
    /// Who deletes: a name, an ARN or an id without a session; `*` stands for any characters, and
    /// `None` for anybody.
    pub principal: Option<String>,
    /// In which bucket.
    pub bucket: String,
    /// Only keys that begin so; empty for all.
    pub prefix: String,
    /// From when on, by event time; `None` for when it is first read.
    pub since: Option<Timestamp>,
    /// Until when, by event time.
    pub until: Timestamp,
    /// How many objects at most, at least 1.
    pub objects_max: u64,
}

impl fmt::Display for ExpectedDeletions {
    /// `50000 by cleanup-job in s3://example-images/tmp/ until 2026-12-01T06:00:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, bucket, prefix, since, until, objects_max } = self;
        let who = principal.as_deref().unwrap_or("anybody");
        write!(f, "{objects_max} by {who} in s3://{bucket}/{prefix}")?;
        if let Some(since) = since {
            write!(f, " since {since}")?;
        }
        write!(f, " until {until}")
    }
}

/// The announcements of the file, those that make sense; the others are problems.
pub(super) fn read(read: &mut Reading<'_>, config: &Config) -> Vec<ExpectedDeletions> {
    let mut expected: Vec<ExpectedDeletions> = Vec::new();
    for (nth, (file, table)) in read.given.expectations().iter().enumerate() {
        let place = format!("{}: [[expectations]] number {}", file.display(), nth + 1);
        let result = expectation(table).and_then(|it| {
            if !config.watch_buckets.iter().any(|pattern| pattern.matches(&it.bucket)) {
                return Err(format!("bucket {:?} is none of watch-bucket", it.bucket));
            }
            if expected.iter().any(|other| is_same(other, &it)) {
                return Err("says what another one says".to_owned());
            }
            Ok(it)
        });
        match result {
            Ok(it) => expected.push(it),
            Err(what) => read.problems.add(format!("{place}: {what}")),
        }
    }
    expected
}

/// Whether both are about the same deletions.
fn is_same(one: &ExpectedDeletions, other: &ExpectedDeletions) -> bool {
    let about = |it: &ExpectedDeletions| {
        (it.principal.clone(), it.bucket.clone(), it.prefix.clone(), it.until)
    };
    about(one) == about(other)
}

fn expectation(table: &toml::Table) -> Result<ExpectedDeletions, String> {
    let known = ["principal", "bucket", "prefix", "since", "until", "max-objects"];
    if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("{key} is no key of it: write {}", known.join(", ")));
    }
    let needed = |key: &str| table.get(key).ok_or_else(|| format!("{key} is missing"));
    let since = table.get("since").map(|value| time("since", value)).transpose()?;
    let until = time("until", needed("until")?)?;
    if since.is_some_and(|since| since >= until) {
        return Err("since is not before until".to_owned());
    }
    Ok(ExpectedDeletions {
        principal: table.get("principal").map(|value| text("principal", value)).transpose()?,
        bucket: text("bucket", needed("bucket")?)?,
        prefix: match table.get("prefix").and_then(toml::Value::as_str) {
            Some("") => String::new(),
            _ => table.get("prefix").map_or(Ok(String::new()), |value| text("prefix", value))?,
        },
        since,
        until,
        objects_max: number("max-objects", needed("max-objects")?)?,
    })
}

fn text(key: &str, value: &toml::Value) -> Result<String, String> {
    let is_good = |text: &&str| {
        (1..=TEXT_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    let text = value.as_str().filter(is_good);
    text.map(str::to_owned).ok_or_else(|| {
        format!("{key} is no text of 1 to {TEXT_CHARS_MAX} characters without control characters")
    })
}

/// A time of TOML or a text; a day is its beginning in UTC.
fn time(key: &str, value: &toml::Value) -> Result<Timestamp, String> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Timestamp::parse(&text)
        .or_else(|_| Timestamp::parse(&format!("{text}T00:00:00Z")))
        .map_err(|_| format!("{key} is no time: write it as 2026-11-23T10:00:00Z or 2026-11-23"))
}

fn number(key: &str, value: &toml::Value) -> Result<u64, String> {
    let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
    number.filter(|number| *number > 0).ok_or_else(|| format!("{key} is no whole number above 0"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Given, Purpose, Surroundings};
    use super::{ExpectedDeletions, Timestamp};

    fn config(file: &str) -> Result<Vec<ExpectedDeletions>, String> {
        let given = Given::default().with_file_text(file, Path::new("d.toml"));
        let given = given.map_err(|problems| problems.to_string())?;
        let config = Config::of(&given, &Surroundings::of_test(&[]), Purpose::Inspect);
        config.map(|config| config.expectations).map_err(|problems| problems.to_string())
    }

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn each_announcement_reaches_the_program() {
        let expected = config(
            r#"
            watch-bucket = ["images-*"]
            [[expectations]]
            principal = "cleanup-job"
            bucket = "images-prod"
            prefix = "tmp/"
            since = 2026-11-23
            until = 2026-12-01T06:00:00+01:00
            max-objects = 50000
            [[expectations]]
            bucket = "images-test"
            until = "2026-12-01"
            max-objects = 1
            "#,
        );
        let first = ExpectedDeletions {
            principal: Some("cleanup-job".to_owned()),
            bucket: "images-prod".to_owned(),
            prefix: "tmp/".to_owned(),
            since: Some(time("2026-11-23T00:00:00Z")),
            until: time("2026-12-01T05:00:00Z"),
            objects_max: 50_000,
        };
        let second = ExpectedDeletions {
            principal: None,
            bucket: "images-test".to_owned(),
            prefix: String::new(),
            since: None,
            until: time("2026-12-01T00:00:00Z"),
            objects_max: 1,
        };
        assert_eq!(expected, Ok(vec![first, second]));
    }

    #[test]
    fn what_makes_no_sense_is_named_with_its_place() {
        let good = "bucket = \"images\"\nuntil = 2026-12-01\nmax-objects = 5\n";
        let told = |other: &str| {
            config(&format!("[[expectations]]\n{good}[[expectations]]\n{other}")).unwrap_err()
        };
        insta::assert_snapshot!(
            [
                "bucket = \"images\"\nuntil = 2026-12-01\n".to_owned(),
                good.replace('5', "0"),
                good.replace("2026-12-01", "\"soon\""),
                good.replace("images", ""),
                good.replace("images\"", "images\"\nsince = 2026-12-02"),
                good.replace("until", "untill"),
                good.to_owned(),
            ]
            .map(|other| told(&other))
            .join("\n"),
            @r"
        d.toml: [[expectations]] number 2: max-objects is missing
        d.toml: [[expectations]] number 2: max-objects is no whole number above 0
        d.toml: [[expectations]] number 2: until is no time: write it as 2026-11-23T10:00:00Z or 2026-11-23
        d.toml: [[expectations]] number 2: bucket is no text of 1 to 2048 characters without control characters
        d.toml: [[expectations]] number 2: since is not before until
        d.toml: [[expectations]] number 2: untill is no key of it: write principal, bucket, prefix, since, until, max-objects
        d.toml: [[expectations]] number 2: says what another one says
        "
        );
        let unwatched = format!("watch-bucket = \"photos\"\n[[expectations]]\n{good}");
        assert!(config(&unwatched).unwrap_err().contains("none of watch-bucket"));
        assert!(config("expectations = 3").unwrap_err().contains("[[expectations]]"));
    }
}
