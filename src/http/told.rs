//! Answers as programs read them: JSON whose names they rely on, and CSV. The API tells them, the
//! command line prints them, and reads them back from the API of a running daemon; each shape is
//! defined once, here. Nothing here asks the store.

mod answer;
mod call;
mod completeness;
mod csv;
mod deletion;
mod expectation;
mod finding;
mod summary;
mod values;

pub use self::answer::{DeletionList, ToldRequest, Unfulfilled, WhoDeleted};
pub use self::call::{Call, Protection, Refused, Unresolved, WholeCall, WholeRefused};
pub use self::completeness::{Missing, ToldCompleteness, ToldSource, missing};
pub use self::csv::{csv_line, defused, deletions_csv, findings_csv};
pub use self::deletion::{Declared, Deletion, Duplicate, Latency, Stale, Upload, Who};
pub use self::expectation::{ExpectationList, ListedExpectation, ToldExpectation};
pub(super) use self::finding::cursor_after;
pub use self::finding::{
    DetectorOff, FindingList, Removed, ToldFinding, ToldReason, ToldWho, WholeFinding,
};
pub use self::summary::{
    ToldBar, ToldBucket, ToldCounts, ToldLag, ToldLatency, ToldOpen, ToldPrefix, ToldPrincipal,
    ToldReject, ToldSample, ToldSources, ToldSummary, ToldUnresolved,
};
pub use self::values::{
    DeclaredState, Learnt, Precision, Seconds, TargetKind, Text, Time, Word, Worded,
};
