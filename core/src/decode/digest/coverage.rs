//! Which times the digests of an account and region tell of, and what it means when a log file of
//! some time is named by none of them. It knows files by the times in their names only.

use std::collections::BTreeMap;

use super::verdict::{LogFault, LogState};
use crate::domain::Timestamp;

const MINUTE_MILLIS: i64 = 60_000;
/// A log file may be written 20 minutes after the time in its name, and then stands in the digest
/// of the next hour.
const WRITTEN_LATER_MILLIS: i64 = 20 * MINUTE_MILLIS;
/// A digest comes once an hour, and may be late.
const DIGEST_LATER_MILLIS: i64 = 180 * MINUTE_MILLIS;

/// The times that verified digests tell of, by account and region.
#[derive(Debug, Clone, Default)]
pub struct Coverage(BTreeMap<(String, String), Vec<(Timestamp, Timestamp)>>);

impl Coverage {
    /// Takes note of a verified digest: in the order of their beginnings, consecutive ones take no
    /// room.
    pub fn add(&mut self, account: &str, region: &str, span: (Timestamp, Timestamp)) {
        let spans = self.0.entry((account.to_owned(), region.to_owned())).or_default();
        match spans.iter_mut().find(|known| known.0 <= span.0 && span.0 <= known.1) {
            Some(known) => known.1 = known.1.max(span.1),
            None => spans.push(span),
        }
    }

    /// What is known of a log file of this time that no digest names.
    #[must_use]
    pub fn of_unnamed(&self, account: &str, region: &str, at: Timestamp) -> LogState {
        let Some(spans) = self.0.get(&(account.to_owned(), region.to_owned())) else {
            return LogState::Failed(LogFault::Uncovered);
        };
        let newest = spans.iter().map(|span| span.1).max().unwrap_or(at);
        match at.millis_since(newest) {
            DIGEST_LATER_MILLIS.. => LogState::Failed(LogFault::Uncovered),
            later if later > -WRITTEN_LATER_MILLIS => LogState::NotYetCovered,
            _ if spans.iter().any(|(from, to)| *from <= at && at <= *to) => {
                LogState::Failed(LogFault::Unnamed)
            }
            _ => LogState::Failed(LogFault::Uncovered),
        }
    }
}
