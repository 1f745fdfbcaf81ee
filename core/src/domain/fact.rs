//! Everything that a source may tell, as one type: what decoders give and stores keep. It decides
//! nothing about any of it.

use super::{Creation, Evidence, Intent, ProtectionChange, Source, Timestamp};

/// One thing that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Of a delete.
    Deletion(Box<Evidence>),
    /// Of an object that was made.
    Creation(Box<Creation>),
    /// Of a delete that an application will ask for.
    Intent(Box<Intent>),
    /// Of a change of what protects objects.
    Protection(Box<ProtectionChange>),
}

impl Fact {
    /// What it tells of a delete, if it does.
    #[must_use]
    pub fn deletion(self) -> Option<Evidence> {
        match self {
            Self::Deletion(evidence) => Some(*evidence),
            Self::Creation(_) | Self::Intent(_) | Self::Protection(_) => None,
        }
    }

    /// The source of it.
    #[must_use]
    pub const fn source(&self) -> Source {
        match self {
            Self::Deletion(evidence) => evidence.source,
            Self::Creation(creation) => creation.source,
            Self::Intent(_) => Source::Intent,
            Self::Protection(_) => Source::CloudTrail,
        }
    }

    /// The bucket that it is about; `None` for a change that concerns no single one.
    #[must_use]
    pub fn bucket(&self) -> Option<&str> {
        match self {
            Self::Deletion(evidence) => Some(&evidence.bucket),
            Self::Creation(creation) => Some(&creation.bucket),
            Self::Intent(intent) => Some(&intent.bucket),
            Self::Protection(change) => change.bucket.as_deref(),
        }
    }

    /// Event time.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Deletion(evidence) => evidence.at,
            Self::Creation(creation) => creation.at,
            Self::Intent(intent) => intent.requested_at,
            Self::Protection(change) => change.at,
        }
    }

    /// The account and region that it was written for; empty when not said.
    #[must_use]
    pub fn account_and_region(&self) -> (&str, &str) {
        match self {
            Self::Deletion(evidence) => (&evidence.account, &evidence.region),
            Self::Creation(creation) => (&creation.account, &creation.region),
            Self::Intent(_) => ("", ""),
            Self::Protection(change) => (&change.account, &change.region),
        }
    }

    /// Roughly how many bytes of memory it holds.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let boxed = match self {
            Self::Deletion(evidence) => evidence.memory_bytes(),
            Self::Creation(creation) => creation.memory_bytes(),
            Self::Intent(intent) => intent.memory_bytes(),
            Self::Protection(change) => change.memory_bytes(),
        };
        size_of::<Self>() + boxed
    }
}
