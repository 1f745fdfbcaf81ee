//! What can happen in a world, as data. It knows neither chance nor sources.

use crate::domain::{Cause, Kind, Outcome, Target};

/// The account of every bucket.
pub(super) const OWNER: &str = "111122223333";
/// The account of a foreign caller.
pub(super) const FOREIGN: &str = "444455556666";

/// How the request ids that CloudTrail may give to children of their own begin.
pub(super) const OWN_REQUEST: &str = "OWN";

/// Everything that happened.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) calls: Vec<Call>,
    pub(super) uploads: Vec<Upload>,
    pub(super) intents: Vec<Declared>,
    /// The kinds of acts that occurred, for the census.
    pub(super) seen: Vec<&'static str>,
}

/// How deletes came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// `DeleteObject`.
    Single,
    /// `DeleteObjects`.
    Bulk,
    /// A lifecycle rule.
    Lifecycle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// Somebody of the bucket owner's account.
    Person(u8),
    /// Somebody of another account: CloudTrail writes a copy for either account.
    Foreign {
        /// Whether the copies of direct records and aggregates have a common `sharedEventID`.
        /// They always have the request id in common.
        names_shared: bool,
    },
    Replication,
    Lifecycle,
}

/// One request to S3, or one run of a lifecycle rule over some keys. Times are in milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) request_id: String,
    pub(super) bucket: String,
    pub(super) way: Way,
    pub(super) caller: Caller,
    pub(super) outcome: Outcome,
    /// The error of a call that was refused as a whole.
    pub(super) refusal: Option<Refusal>,
    pub(super) received: i64,
    pub(super) completed: i64,
    /// Whether CloudTrail writes `startTime` and `endTime`.
    pub(super) timing: Timing,
    /// Whether the access log has lines about it.
    pub(super) is_logged: bool,
    /// Whether CloudTrail later writes an `UPDATED_DATA` record about its caller.
    pub(super) is_amended: bool,
    pub(super) layout: Layout,
    pub(super) answers: Vec<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    /// Whole seconds.
    Seconds,
    /// `startTime` and `endTime` to the millisecond.
    Millis,
    /// The same, with an end that lies before the start by the clocks of S3.
    Skewed,
}

/// S3's answer about one key.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) key: String,
    pub(super) named: Named,
    pub(super) result: Result<Removed, Refusal>,
}

/// The version that the caller named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    Nothing,
    Null,
    Version(String),
}

impl Named {
    /// As evidence has it: the null version is no version.
    pub(super) fn target(&self) -> Target {
        match self {
            Self::Nothing | Self::Null => Target::Current,
            Self::Version(version) => Target::Version(version.clone()),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) status: u16,
}

/// A delete of one key that S3 accepted.
#[derive(Debug, Clone)]
pub(super) struct Removed {
    pub(super) kind: Kind,
    pub(super) cause: Cause,
    /// The marker that was made.
    pub(super) marker: Option<String>,
    /// When S3 had done it.
    pub(super) done: i64,
    pub(super) sequencer: String,
    /// Whether S3 told its subscribers. Not documented for keys that were not there and for
    /// markers that replication made, so there it may or may not.
    pub(super) is_told: bool,
}

/// What CloudTrail's children of bulk calls look like, which is not documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) request: ChildRequest,
    pub(super) shared: ChildShared,
    pub(super) names_version: bool,
    /// Whether a child says that a marker was made.
    pub(super) tells_marker: bool,
    /// Whether there is a child, with an error, for a key that was refused.
    pub(super) tells_refusal: bool,
    pub(super) timing: Timing,
}

/// The request id of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChildRequest {
    Calls,
    /// One of its own, common to its copies for two accounts.
    Own,
    None,
}

/// The `sharedEventID` of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChildShared {
    Calls,
    Own,
    None,
}

/// An upload.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub(super) request_id: String,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) version: Option<String>,
    pub(super) done: i64,
    pub(super) sequencer: String,
}

/// A delete that the application declared.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    pub(super) id: String,
    pub(super) bucket: String,
    pub(super) keys: Vec<String>,
    pub(super) requested: i64,
}

impl Layout {
    /// What it is called in the census.
    pub(super) fn name(self) -> &'static str {
        use ChildShared as S;
        match (self.request == ChildRequest::Calls, self.names_version, self.shared) {
            (true, true, S::None) => "child: call's request id, version",
            (true, true, S::Own) => "child: call's request id, version, own shared id",
            (true, true, S::Calls) => "child: call's request id, version, call's shared id",
            (true, false, S::None) => "child: call's request id, no version",
            (true, false, S::Own) => "child: call's request id, no version, own shared id",
            (true, false, S::Calls) => "child: call's request id, no version, call's shared id",
            (false, true, S::None) => "child: no call's id, version",
            (false, true, S::Own) => "child: no call's id, version, own shared id",
            (false, true, S::Calls) => "child: no call's id, version, call's shared id",
            (false, false, S::None) => "child: no call's id, no version",
            (false, false, S::Own) => "child: no call's id, no version, own shared id",
            (false, false, S::Calls) => "child: no call's id, no version, call's shared id",
        }
    }
}
