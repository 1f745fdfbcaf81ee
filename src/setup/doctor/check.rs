//! What a check found: its state, what was seen, and what to do. It checks nothing.

use serde::Serialize;

use crate::setup::refusal::Refusal;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and something is missing, or will be.
    Warn,
    /// It cannot work so.
    Fail,
    /// It could not be found out.
    Unknown,
}

impl State {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// What came out of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How it came out.
    pub state: State,
    /// What was seen, or why nothing was.
    pub seen: String,
    /// What to do: a sentence, a command, or a statement of a policy. None when all is well.
    pub remedy: Option<String>,
}

impl Verdict {
    pub(super) fn ok(seen: impl Into<String>) -> Self {
        Self { state: State::Ok, seen: seen.into(), remedy: None }
    }

    pub(super) fn warn(seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Warn, seen: seen.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn fail(seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Fail, seen: seen.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn unknown(seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Unknown, seen: seen.into(), remedy: Some(remedy.into()) }
    }

    /// Of a check whose question was not answered.
    pub(super) fn unanswered(refusal: &Refusal) -> Self {
        Self::unknown(refusal.to_string(), refusal.remedy())
    }

    pub(super) fn about(self, name: &'static str, subject: impl Into<String>) -> Check {
        Check { name, subject: subject.into(), verdict: self }
    }
}

/// A check and what came out of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked; stable, for programs.
    #[serde(rename = "check")]
    pub name: &'static str,
    /// Of which queue, bucket or trail.
    pub subject: String,
    /// What came out.
    #[serde(flatten)]
    pub verdict: Verdict,
}
