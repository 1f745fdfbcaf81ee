//! The place that removals are about: one key in one bucket, and the version that a caller named.

use std::fmt;

/// One key in one bucket. Everything said about an object is a pure function of the evidence in
/// its slot. An empty key means that the source did not say which key it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The bucket's name.
    pub bucket: String,
    /// The key, decoded: as the application knows it.
    pub key: String,
}

/// The version that the caller of a delete named.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The source does not say whether a version was named (a child whose layout is not known).
    #[default]
    Unknown,
    /// No version was named: the current object, or a marker was made. `null` counts as none.
    Current,
    /// This version was named.
    Version(String),
}

impl Target {
    /// The target for a version id as a source writes it: absent, empty, `-` and `null` are none.
    #[must_use]
    pub fn named(version_id: Option<&str>) -> Self {
        match version_id {
            None | Some("" | "-" | "null") => Self::Current,
            Some(version) => Self::Version(version.to_owned()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Current => f.write_str("current"),
            Self::Version(version) => write!(f, "version {version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_null_version_is_no_version() {
        assert_eq!(Target::named(Some("null")), Target::Current);
        assert_eq!(Target::named(None), Target::Current);
        assert_eq!(Target::named(Some("v1")), Target::Version("v1".into()));
    }
}
