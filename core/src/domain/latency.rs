//! How long a delete took, on each of the bases that it is measured on, and when that is counted:
//! once, when both ends are first known. It reads no clock.

use super::totals::{Delta, Family, LATENCY_BUCKETS_MS, Part};
use super::{Outcome, Request, Timestamp};

/// More than this is taken for a wrong clock or a wrong pair, in milliseconds.
pub const PLAUSIBLE_MILLIS_MAX: i64 = 3_600_000;

/// What S3 takes for a request at most for it to be fast, in milliseconds.
pub const FAST_REQUEST_MILLIS_MAX: i64 = 1_000;
/// What may pass at most from declaring a delete to the removal for it to be fast, in milliseconds.
pub const FAST_INTENT_MILLIS_MAX: i64 = 60_000;

/// What a latency is measured on; the value of the `basis` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// CloudTrail: `endTime` less `startTime` of a request.
    Service,
    /// Access log: Total Time of a request.
    AccessLog,
    /// A key's notification less the `startTime` of its request.
    Confirmed,
    /// A key's removal less the time it was declared.
    Intent,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Self; 4] = [Self::Service, Self::AccessLog, Self::Confirmed, Self::Intent];

    /// The value of the `basis` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::AccessLog => "access_log",
            Self::Confirmed => "confirmed",
            Self::Intent => "intent",
        }
    }
}

/// Why a latency was not observed; the value of the `reason` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiscardedLatency {
    /// The end lies before the start.
    Negative,
    /// More than an hour.
    OverOneHour,
}

impl DiscardedLatency {
    /// The value of the `reason` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::OverOneHour => "over_1h",
        }
    }
}

/// Observes `millis` in the histogram of `bucket`.
///
/// # Errors
/// Why it was discarded, when it is not plausible.
pub fn observe_latency(
    basis: Basis,
    millis: i64,
    bucket: &str,
    delta: &mut Delta,
) -> Result<(), DiscardedLatency> {
    if millis < 0 {
        return Err(DiscardedLatency::Negative);
    }
    if millis > PLAUSIBLE_MILLIS_MAX {
        return Err(DiscardedLatency::OverOneHour);
    }
    let slot = LATENCY_BUCKETS_MS.iter().take_while(|&&bound| bound < millis).count();
    let part = Part::Bucket(u8::try_from(slot).unwrap_or(u8::MAX));
    let labels = [bucket, basis.as_str()];
    delta.add(Family::RequestToDeleteLatency, &labels, part, 1);
    delta.add(Family::RequestToDeleteLatency, &labels, Part::SumMillis, millis);
    Ok(())
}

/// Observes what a request itself tells of its latency, on each basis once, when it is first
/// known. Gives why any of it was discarded as not plausible, which happens once as well.
pub fn count_latency(
    before: Option<&Request>,
    after: &Request,
    bucket: &str,
    delta: &mut Delta,
) -> Vec<DiscardedLatency> {
    // A refusal that is learnt late leaves what was observed; it is a correction of the outcome.
    let was_refused = before.is_some_and(|before| before.outcome != Outcome::Ok);
    if was_refused {
        return Vec::new();
    }
    let known = before.map(told).unwrap_or_default();
    [Basis::Service, Basis::AccessLog]
        .into_iter()
        .zip(told(after))
        .zip(known)
        .filter(|(_, known)| known.is_none())
        .filter_map(|((basis, millis), _)| Some((basis, millis?)))
        .filter_map(|(basis, millis)| observe_latency(basis, millis, bucket, delta).err())
        .collect()
}

/// How long an accepted request took, in milliseconds, by what CloudTrail and the access log say:
/// the longer of both, when that is plausible and longer than [`FAST_REQUEST_MILLIS_MAX`].
#[must_use]
pub fn slow_request_millis(service: Option<i64>, access_log: Option<i64>) -> Option<i64> {
    let told = [service, access_log].into_iter().flatten();
    let plausible = told.filter(|millis| *millis <= PLAUSIBLE_MILLIS_MAX);
    plausible.max().filter(|millis| *millis > FAST_REQUEST_MILLIS_MAX)
}

/// How long after it was declared a removal came, in milliseconds, when that is plausible and
/// longer than [`FAST_INTENT_MILLIS_MAX`].
#[must_use]
pub fn slow_intent_millis(requested_at: Timestamp, removed_at: Timestamp) -> Option<i64> {
    let millis = removed_at.millis_since(requested_at);
    (millis > FAST_INTENT_MILLIS_MAX && millis <= PLAUSIBLE_MILLIS_MAX).then_some(millis)
}

/// What a request tells of its latency by itself, in milliseconds: service and access log.
fn told(request: &Request) -> [Option<i64>; 2] {
    [request.service_millis(), request.access_log_millis()]
}
