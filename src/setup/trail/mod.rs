//! Trails: where they write, whether they do, and what they select. It does not judge them.

mod read;
pub mod selectors;

pub(super) use read::trails;

use super::refusal::Refusal;
use selectors::Selectors;

/// A trail of the account or of its organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// Its ARN.
    pub arn: String,
    /// Where it is changed.
    pub home_region: String,
    /// The bucket that it writes to.
    pub bucket: String,
    /// Below what in that bucket; empty for all of it.
    pub prefix: String,
    /// The topic of SNS that it tells of its files, if any.
    pub topic_arn: Option<String>,
    /// Whether it logs all regions.
    pub is_multi_region: bool,
    /// Whether it writes digests.
    pub validates: bool,
    /// Whether its own writing is logged too, as far as its selectors go; `None` when not told.
    pub logs_itself: Option<bool>,
    /// Whether it writes.
    pub status: Result<Status, Refusal>,
    /// What it selects.
    pub selectors: Result<Selectors, Refusal>,
}

/// Whether a trail writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether it is switched on.
    pub is_logging: bool,
    /// When it wrote a log file last, in milliseconds since 1970.
    pub delivered_millis: Option<i64>,
    /// What S3 answered when it could not write, if that was last.
    pub delivery_error: Option<String>,
    /// The same for digests.
    pub digest_error: Option<String>,
}
