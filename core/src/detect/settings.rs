//! What a user may choose about detection. Everything else is fixed and documented.

use std::collections::BTreeMap;

use crate::domain::{Detector, Mode, Timestamp};

/// How much is unusual enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sensitivity {
    /// Fewer findings: 3 times the record, 10^-9.
    Low,
    /// Twice the record, 10^-7.
    #[default]
    Normal,
    /// More findings: 1.5 times the record, 10^-6.
    High,
}

impl Sensitivity {
    /// Every value, in order.
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::High];

    /// The text of the setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// The value of this text.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

/// What a user chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// How much is unusual enough.
    pub sensitivity: Sensitivity,
    /// What becomes of the findings of a detector, where it is said; see [`Settings::mode`].
    pub modes: BTreeMap<Detector, Mode>,
    /// Whether the bucket in question is an important one: each finding is one step more severe.
    pub is_important: bool,
}

impl Settings {
    /// What becomes of the findings of this detector: live where it is not said, but for what needs
    /// reads, which are not decoded unless somebody wants it.
    #[must_use]
    pub fn mode(&self, detector: Detector) -> Mode {
        let usual = if detector == Detector::ReadThenDestroy { Mode::Off } else { Mode::Live };
        self.modes.get(&detector).copied().unwrap_or(usual)
    }

    /// Whether anybody wants to know which keys were read, and which were encrypted with what.
    #[must_use]
    pub fn keeps_traces(&self) -> bool {
        self.mode(Detector::ReadThenDestroy) != Mode::Off
    }
}

/// Deletions that somebody announced: up to so many are no finding, more are a harder one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Its name.
    pub id: String,
    /// Who deletes: a principal's name, ARN or id without a session; `None` for anybody.
    pub principal: Option<String>,
    /// In which bucket.
    pub bucket: String,
    /// Only keys that begin so; empty for all.
    pub prefix: String,
    /// From when on, by event time.
    pub since: Timestamp,
    /// Until when, by event time.
    pub until: Timestamp,
    /// How many objects at most.
    pub objects_max: u64,
}
