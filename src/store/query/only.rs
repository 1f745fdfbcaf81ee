//! What may be said of a removal, as filters name it. It decides nothing.

/// Something that may be said of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// It repeats another one; said once it is settled.
    Duplicate,
    /// It took a fresh upload away; said once it is settled.
    Stale,
    /// S3's own word is missing; said once it is settled.
    Unconfirmed,
    /// What is said of it may still change.
    Provisional,
}

impl Only {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Duplicate, Self::Stale, Self::Unconfirmed, Self::Provisional];

    /// How a filter names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Unconfirmed => "unconfirmed",
            Self::Provisional => "provisional",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|only| only.as_str() == name)
    }
}
