//! Calls of S3 as command lines of the AWS CLI, whatever characters bucket, key and version have:
//! those are words of strangers, and people paste what they read into a shell.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// A call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "every field is what its name says")]
pub enum S3Call<'a> {
    /// Removes a version, or a delete marker, for good.
    DeleteVersion { bucket: &'a str, key: &'a str, version_id: &'a str },
    /// Copies a version of a key on top of it, within S3.
    CopyVersion { bucket: &'a str, key: &'a str, version_id: &'a str },
    /// Fetches a version into the file `restored-object`.
    GetVersion { bucket: &'a str, key: &'a str, version_id: &'a str },
    /// Writes a key from the file `restored-object`.
    Put { bucket: &'a str, key: &'a str },
    /// Lists versions and delete markers of the keys that begin so.
    ListVersions { bucket: &'a str, key: &'a str },
}

/// The file that a version is fetched into.
const FILE: &str = "restored-object";

/// What the CLI reads as the place of a value instead of the value: a file, or once a URL.
const PLACES: [&str; 4] = ["file://", "fileb://", "http://", "https://"];

/// One member of a call: its flag, its name in JSON, its value.
type Member<'a> = (&'static str, &'static str, Cow<'a, str>);

impl S3Call<'_> {
    /// Whether the CLI reads it as it is meant: the source of a copy is one text, cut at the first
    /// `?versionId=`, which a key may hold.
    #[must_use]
    pub fn is_unambiguous(&self) -> bool {
        match self {
            Self::CopyVersion { key, version_id, .. } => {
                !key.contains("?versionId=") && !version_id.contains(char::is_whitespace)
            }
            _ => true,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::DeleteVersion { .. } => "delete-object",
            Self::CopyVersion { .. } => "copy-object",
            Self::GetVersion { .. } => "get-object",
            Self::Put { .. } => "put-object",
            Self::ListVersions { .. } => "list-object-versions",
        }
    }

    fn members(&self) -> Vec<Member<'_>> {
        let bucket = |bucket| ("--bucket", "Bucket", bucket);
        let key = |key| ("--key", "Key", key);
        match *self {
            Self::DeleteVersion { bucket: b, key: k, version_id }
            | Self::GetVersion { bucket: b, key: k, version_id } => {
                let version = ("--version-id", "VersionId", version_id.into());
                vec![bucket(b.into()), key(k.into()), version]
            }
            Self::CopyVersion { bucket: b, key: k, version_id } => {
                let source = format!("{b}/{k}?versionId={version_id}");
                let source = ("--copy-source", "CopySource", source.into());
                vec![bucket(b.into()), key(k.into()), source]
            }
            Self::Put { bucket: b, key: k } => vec![bucket(b.into()), key(k.into())],
            Self::ListVersions { bucket: b, key: k } => {
                vec![bucket(b.into()), ("--prefix", "Prefix", k.into())]
            }
        }
    }
}

impl fmt::Display for S3Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.members();
        write!(f, "aws s3api {}", self.name())?;
        if members.iter().all(|(_, _, value)| is_taken_literally(value)) {
            for (flag, _, value) in &members {
                write!(f, " {flag} {}", shell_quoted(value))?;
            }
        } else {
            write!(f, " --cli-input-json {}", shell_quoted(&json_of(&members)))?;
        }
        match self {
            Self::GetVersion { .. } => write!(f, " {FILE}"),
            Self::Put { .. } => write!(f, " --body {FILE}"),
            _ => Ok(()),
        }
    }
}

/// Whether the CLI takes a value for what it is, and a terminal shows it as it is.
fn is_taken_literally(value: &str) -> bool {
    let is_place = PLACES.iter().any(|place| {
        value.get(..place.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(place))
    });
    !is_place && !value.is_empty() && !value.starts_with('-') && value.chars().all(is_plain)
}

/// Characters that are seen and do nothing: no control characters, which a terminal obeys, and no
/// marks that turn or hide text, or look like a space or an end of line.
fn is_plain(c: char) -> bool {
    c == ' '
        || !(c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}')
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}'))
}

/// The members as one JSON object, where nothing is but itself: all that is not plain is escaped,
/// and the single quotation mark, so that quoting stays simple.
fn json_of(members: &[Member<'_>]) -> String {
    let mut json = String::from("{");
    for (nth, (_, name, value)) in members.iter().enumerate() {
        let comma = if nth > 0 { "," } else { "" };
        let _ = write!(json, "{comma}\"{name}\":\"");
        for c in value.chars() {
            match c {
                '"' | '\\' => json.extend(['\\', c]),
                c if c != '\'' && is_plain(c) => json.push(c),
                c => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(json, "\\u{unit:04x}");
                    }
                }
            }
        }
        json.push('"');
    }
    json + "}"
}

/// A word as a POSIX shell reads it back, whatever characters it has except U+0000, which no
/// argument can hold.
#[must_use]
pub fn shell_quoted(word: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "@%+:,./_-".contains(c);
    if !word.is_empty() && word.chars().all(is_safe) {
        return word.to_owned();
    }
    if word.is_empty() {
        return "''".to_owned();
    }
    // Single quotation marks stand between double ones, and everything else between single ones,
    // within which nothing means anything.
    let mut quoted = String::with_capacity(word.len() + 2);
    let mut rest = word;
    while !rest.is_empty() {
        let marks = rest.len() - rest.trim_start_matches('\'').len();
        let (mark, end) = match marks {
            0 => ('\'', rest.find('\'').unwrap_or(rest.len())),
            marks => ('"', marks),
        };
        quoted.push(mark);
        quoted.push_str(&rest[..end]);
        quoted.push(mark);
        rest = &rest[end..];
    }
    quoted
}
