//! The values that answers are made of, as JSON has them: times as RFC 3339 in UTC, durations as
//! seconds, and words of a closed set. Each reads back as what it was. It knows no answer.

use std::borrow::Cow;

use deltrail_core::domain::{
    ActorKind, Api, Basis, Cause, Detector, Kind, Mode, Outcome, Provenance, Severity, Source,
    SourceSet, State, Target, Timestamp,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::store::IntentState;

/// A text, of the store or of an answer that was read.
pub type Text<'a> = Cow<'a, str>;

/// A time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Timestamp::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// A duration, by its milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub i64);

impl Seconds {
    /// The seconds.
    #[must_use]
    pub const fn number(self) -> f64 {
        self.0 as f64 / 1_000.0
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.number())
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = (f64::deserialize(deserializer)? * 1_000.0).round();
        #[expect(clippy::cast_possible_truncation, reason = "`as` keeps within the bounds")]
        Ok(Self(millis as i64))
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

/// One of a closed set of values, each with a word for it.
pub trait Worded: Copy + PartialEq + 'static {
    /// What they are called together.
    const NAME: &'static str;
    /// All of them.
    const ALL: &'static [Self];
    /// The word of this one.
    fn word(self) -> &'static str;
}

/// A value by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word<T>(pub T);

impl<T: Worded> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.word())
    }
}

impl<'de, T: Worded> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<str>::deserialize(deserializer)?;
        let named = T::ALL.iter().find(|value| value.word() == word);
        let unknown = || D::Error::custom(format!("\"{word}\" is no {}", T::NAME));
        named.map(|value| Self(*value)).ok_or_else(unknown)
    }
}

impl<T: Worded> JsonSchema for Word<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = T::ALL.iter().map(|value| value.word()).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}

macro_rules! worded {
    ($($type:ty: $name:literal, $all:expr;)+) => {$(
        impl Worded for $type {
            const NAME: &'static str = $name;
            const ALL: &'static [Self] = $all;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )+};
}
worded! {
    Api: "api", &[Api::DeleteObject, Api::DeleteObjects];
    Outcome: "outcome", &[Outcome::Ok, Outcome::Denied, Outcome::Failed];
    Kind: "kind", &[Kind::Object, Kind::Version, Kind::Marker, Kind::Unknown];
    Cause: "cause", &[Cause::Api, Cause::Lifecycle];
    Source: "source", &Source::ALL;
    Basis: "basis", &Basis::ALL;
    Severity: "severity", Severity::ALL;
    Mode: "mode", Mode::ALL;
    State: "state", State::ALL;
    Detector: "detector", Detector::ALL;
    ActorKind: "kind of actor", &[
        ActorKind::Principal, ActorKind::Replication, ActorKind::Lifecycle, ActorKind::Service,
    ];
    Precision: "precision", &[Precision::Millisecond, Precision::Second];
    TargetKind: "target", &[TargetKind::Unknown, TargetKind::Current, TargetKind::Version];
    DeclaredState: "state of a declared delete", &[
        DeclaredState::Pending, DeclaredState::Fulfilled, DeclaredState::Unfulfilled,
    ];
    Learnt: "provenance", &[Learnt::Live, Learnt::Backfill];
}

/// How fine the clock of a time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// To the millisecond.
    Millisecond,
    /// It happened within the second that the time begins.
    Second,
}

impl Precision {
    pub(super) const fn of(is_coarse: bool) -> Self {
        if is_coarse { Self::Second } else { Self::Millisecond }
    }

    pub(super) fn is_coarse(self) -> bool {
        self == Self::Second
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Millisecond => "millisecond",
            Self::Second => "second",
        }
    }
}

/// What the caller of a delete named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// No source says.
    Unknown,
    /// No version.
    Current,
    /// A version.
    Version,
}

impl TargetKind {
    /// The kind of a target and the version that it names.
    pub(super) fn of(target: &Target) -> (Self, Option<&str>) {
        match target {
            Target::Unknown => (Self::Unknown, None),
            Target::Current => (Self::Current, None),
            Target::Version(version) => (Self::Version, Some(version)),
        }
    }

    pub(super) fn target(self, version: Option<&str>) -> Target {
        match self {
            Self::Unknown => Target::Unknown,
            Self::Current => Target::Current,
            Self::Version => Target::Version(version.unwrap_or_default().to_owned()),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Current => "current",
            Self::Version => "version",
        }
    }
}

/// What came of a declared delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclaredState {
    /// Nothing yet, and it may still come.
    Pending,
    /// The key was removed.
    Fulfilled,
    /// Nothing, and nothing will come.
    Unfulfilled,
}

impl DeclaredState {
    pub(super) const fn of(state: IntentState) -> (Self, Option<Seconds>) {
        match state {
            IntentState::Pending => (Self::Pending, None),
            IntentState::Fulfilled { millis: Some(millis) } => {
                (Self::Fulfilled, Some(Seconds(millis)))
            }
            IntentState::Fulfilled { millis: None } => (Self::Fulfilled, None),
            IntentState::Unfulfilled => (Self::Unfulfilled, None),
        }
    }

    pub(super) fn state(self, latency: Option<Seconds>) -> IntentState {
        match self {
            Self::Pending => IntentState::Pending,
            Self::Fulfilled => IntentState::Fulfilled { millis: latency.map(|it| it.0) },
            Self::Unfulfilled => IntentState::Unfulfilled,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Fulfilled => "fulfilled",
            Self::Unfulfilled => "unfulfilled",
        }
    }
}

/// How something was learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learnt {
    /// As it happened.
    Live,
    /// From files of the past.
    Backfill,
}

impl Learnt {
    pub(super) const fn of(provenance: Provenance) -> Self {
        match provenance {
            Provenance::Live => Self::Live,
            Provenance::Backfill => Self::Backfill,
        }
    }

    pub(super) const fn provenance(self) -> Provenance {
        match self {
            Self::Live => Provenance::Live,
            Self::Backfill => Provenance::Backfill,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Backfill => "backfill",
        }
    }
}

/// The sources of a set, in the order of their numbers.
pub(super) fn sources_of(set: SourceSet) -> Vec<Word<Source>> {
    Source::ALL.into_iter().filter(|source| set.contains(*source)).map(Word).collect()
}

/// The set of these sources.
pub(super) fn set_of(sources: &[Word<Source>]) -> SourceSet {
    sources.iter().map(|source| source.0).collect()
}

/// A text as it is told.
pub(super) fn told(text: Option<&str>) -> Option<Text<'_>> {
    text.map(Text::Borrowed)
}

/// A text of its own, of one that was told.
pub(super) fn owned(text: Option<&Text<'_>>) -> Option<String> {
    text.map(ToString::to_string)
}
