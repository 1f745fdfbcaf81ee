//! Where evidence comes from, and sets of such places. It knows no wire format.

/// Where evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Source {
    /// A CloudTrail record, from a log object or through EventBridge.
    CloudTrail = 0,
    /// A native S3 event notification.
    S3Notification = 1,
    /// An S3 event through EventBridge.
    EventBridge = 2,
    /// A server access log line.
    AccessLog = 3,
    /// A delete that an application declared.
    Intent = 4,
}

impl Source {
    /// Every source, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::CloudTrail, Self::S3Notification, Self::EventBridge, Self::AccessLog, Self::Intent];

    /// The value of the `source` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloudTrail => "cloudtrail",
            Self::S3Notification => "s3_notification",
            Self::EventBridge => "eventbridge",
            Self::AccessLog => "access_log",
            Self::Intent => "intent",
        }
    }

    /// Whether this source is S3's own word that the removal happened.
    #[must_use]
    pub const fn is_confirmation(self) -> bool {
        matches!(self, Self::S3Notification | Self::EventBridge | Self::AccessLog)
    }
}

/// A set of sources, one bit each by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceSet(u8);

impl SourceSet {
    /// The set of these bits, as [`SourceSet::bits`] gave them.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// One bit for each source, by number.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Adds `source`.
    pub const fn insert(&mut self, source: Source) {
        self.0 |= 1 << source as u8;
    }

    /// Whether `source` is in the set.
    #[must_use]
    pub const fn contains(self, source: Source) -> bool {
        self.0 & (1 << source as u8) != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Source> for SourceSet {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        let mut set = Self::default();
        for source in sources {
            set.insert(source);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::{Source, SourceSet};

    #[test]
    fn a_set_of_sources_survives_its_bits() {
        let set: SourceSet = [Source::CloudTrail, Source::AccessLog].into_iter().collect();
        let again = SourceSet::from_bits(set.bits());
        assert!(again.contains(Source::AccessLog) && !again.contains(Source::EventBridge));
    }
}
