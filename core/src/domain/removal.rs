//! A removal: S3 accepted a delete of one (key, target) by one request. It does not prove that the
//! key existed. Rows are made by the fold only.

use std::sync::Arc;

use compact_str::CompactString;

use super::{Actor, Cause, Moment, SourceSet, Target, Timestamp};

/// What a removal took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An object, for good.
    Object,
    /// A named version, for good (also a delete marker removed by its id).
    Version,
    /// Nothing for good: a delete marker was put on top.
    Marker,
    /// No source says.
    Unknown,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Object, Self::Version, Self::Marker, Self::Unknown];

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The value of the `kind` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Version => "version",
            Self::Marker => "marker",
            Self::Unknown => "unknown",
        }
    }
}

/// One removal in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Identity within the slot: of its claim, or of its child when no claim is known.
    pub identity: String,
    /// The version that the caller named.
    pub target: Target,
    /// What was taken away.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    /// Whether S3 itself said so (notification, EventBridge or access log).
    pub is_confirmed: bool,
    /// When, by the finest clock among its evidence.
    pub at: Timestamp,
    /// Whether that clock shows whole seconds: it happened within the second from `at` on.
    pub is_coarse: bool,
    /// S3's order of the events of this key: hexadecimal digits of any length.
    pub sequencer: Option<String>,
    /// When S3 had done it, by its own notification, to the millisecond.
    pub notified_at: Option<Timestamp>,
    /// The request behind it, where known.
    pub request_id: Option<CompactString>,
    /// Which sources it rests on.
    pub sources: SourceSet,
    /// Who asked, by the most telling evidence.
    pub actor: Arc<Actor>,
    /// The id of the marker that was made, where known.
    pub marker_version_id: Option<String>,
}

impl Removal {
    /// When it happened, as far as its evidence can tell.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment { at: self.at, is_coarse: self.is_coarse, sequencer: self.sequencer.clone() }
    }

    /// Whether only CloudTrail's records of a key of a bulk call tell of it: then its request id
    /// may be the record's own and not that of a call.
    #[must_use]
    pub fn is_child_only(&self) -> bool {
        self.identity.starts_with(CHILD_PREFIX)
    }
}

/// How the identity of a removal begins that rests on children only.
pub(super) const CHILD_PREFIX: &str = "child ";
