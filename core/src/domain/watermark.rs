//! Up to when a source is believed to be complete, and how long a fact stays open. It reads no
//! clock: a watermark moves by what was delivered.

use super::Source;

/// How long after an event later evidence may still withdraw what is said of it, in milliseconds
/// of event time past the watermark.
pub const SETTLE_MILLIS: i64 = 30 * 60 * 1_000;

/// How late an event of this source may be delivered, in milliseconds: its watermark is the newest
/// event time that was delivered less this. CloudTrail's worst measured delay is 1 193 s, access
/// logs come "most within hours", notifications and EventBridge within seconds, sometimes a minute
/// or more. None for intents, which an application declares whenever it likes.
#[must_use]
pub const fn lateness_millis(source: Source) -> Option<i64> {
    match source {
        Source::CloudTrail => Some(20 * 60 * 1_000),
        Source::S3Notification | Source::EventBridge => Some(2 * 60 * 1_000),
        Source::AccessLog => Some(3 * 60 * 60 * 1_000),
        Source::Intent => None,
    }
}
