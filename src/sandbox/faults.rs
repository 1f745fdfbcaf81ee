//! What goes wrong in the sandbox: by chance from a seed, or because it is denied. It decides that
//! a fault strikes; the endpoints know how it looks on the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// S3 answers 500 `InternalError`.
    S3InternalError,
    /// S3 answers 503 `SlowDown`.
    S3SlowDown,
    /// S3 answers 403 `AccessDenied`.
    S3AccessDenied,
    /// S3 answers 301 `PermanentRedirect` to another region.
    S3WrongRegion,
    /// The connection is cut in the middle of an object's body.
    S3BodyReset,
    /// An object's body comes in small pieces with pauses.
    S3SlowBody,
    /// S3 answers 403 `RequestTimeTooSkewed`: its clock and that of the caller differ.
    S3ClockSkew,
    /// SQS answers 500 `InternalFailure`.
    SqsInternalError,
    /// SQS answers 400 `RequestThrottled`.
    SqsThrottled,
    /// SQS answers 403 `AccessDenied`.
    SqsAccessDenied,
    /// SQS refuses a signature as too old: its clock and that of the caller differ.
    SqsClockSkew,
    /// A request comes for a queue that was deleted.
    SqsQueueDeleted,
    /// The connection is cut in the middle of an answer of SQS, which did what it was asked.
    SqsAnswerReset,
    /// A receive finds nothing although there are messages.
    SqsEmptyReceive,
    /// A message is delivered although it is in flight.
    SqsDuplicateDelivery,
    /// A message that was deleted is delivered once more.
    SqsDeletedReturns,
    /// A receive hands out the youngest messages first.
    SqsOutOfOrder,
    /// A message is delivered for the first time long after younger ones.
    SqsStaleDelivery,
    /// An entry of a batch fails while its neighbours succeed.
    SqsFailedEntry,
    /// A receipt handle is no longer good before its time.
    SqsExpiredReceiptHandle,
    /// What happened is notified a second time.
    DuplicateNotification,
    /// A notification comes long after younger ones.
    LateNotification,
    /// A CloudTrail file is written a second time under the same key.
    RepeatedLogObject,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 23] = [
        Self::S3InternalError,
        Self::S3SlowDown,
        Self::S3AccessDenied,
        Self::S3WrongRegion,
        Self::S3BodyReset,
        Self::S3SlowBody,
        Self::S3ClockSkew,
        Self::SqsInternalError,
        Self::SqsThrottled,
        Self::SqsAccessDenied,
        Self::SqsClockSkew,
        Self::SqsQueueDeleted,
        Self::SqsAnswerReset,
        Self::SqsEmptyReceive,
        Self::SqsDuplicateDelivery,
        Self::SqsDeletedReturns,
        Self::SqsOutOfOrder,
        Self::SqsStaleDelivery,
        Self::SqsFailedEntry,
        Self::SqsExpiredReceiptHandle,
        Self::DuplicateNotification,
        Self::LateNotification,
        Self::RepeatedLogObject,
    ];
}

/// Which faults strike, how often, and what is denied. Clones are the same plan.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    seed: u64,
    /// Of a thousand opportunities of this kind, how many strike.
    per_mille: BTreeMap<Fault, u32>,
    opportunities: BTreeMap<Fault, u64>,
    injected: BTreeMap<Fault, u64>,
    denied: BTreeSet<(String, String)>,
}

impl Faults {
    /// Nothing goes wrong until told.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Each of `kinds` strikes at `per_mille` of a thousand opportunities. Which of them follows
    /// from the seed alone, for each kind by itself, however the calls interleave.
    #[must_use]
    pub fn seeded(seed: u64, per_mille: u32, kinds: &[Fault]) -> Self {
        let faults = Self::none();
        faults.with(|plan| {
            plan.seed = seed;
            plan.per_mille = kinds.iter().map(|&kind| (kind, per_mille)).collect();
        });
        faults
    }

    /// Lets `kind` strike at `per_mille` of a thousand opportunities from now on; 0 never, 1000
    /// always.
    pub fn set(&self, kind: Fault, per_mille: u32) {
        self.with(|plan| plan.per_mille.insert(kind, per_mille));
    }

    /// No fault strikes any more; what is denied stays so.
    pub fn calm(&self) {
        self.with(|plan| plan.per_mille.clear());
    }

    /// Whether a fault of this kind strikes at this opportunity.
    #[must_use]
    pub fn strikes(&self, kind: Fault) -> bool {
        self.with(|plan| {
            let Some(&per_mille) = plan.per_mille.get(&kind) else { return false };
            let nth = plan.opportunities.entry(kind).or_default();
            *nth += 1;
            let mut random = Rng::with_seed(plan.seed ^ (kind as u64) << 56 ^ *nth);
            // The first number of neighbouring seeds is alike.
            let _ = random.u64(..);
            let does = random.u32(..1_000) < per_mille;
            if does {
                *plan.injected.entry(kind).or_default() += 1;
            }
            does
        })
    }

    /// The first of `kinds` that strikes.
    #[must_use]
    pub fn strike(&self, kinds: &[Fault]) -> Option<Fault> {
        kinds.iter().copied().find(|&kind| self.strikes(kind))
    }

    /// Counts a fault that chance has nothing to do with.
    pub(super) fn count(&self, kind: Fault) {
        self.with(|plan| *plan.injected.entry(kind).or_default() += 1);
    }

    /// How often each kind has struck.
    #[must_use]
    pub fn injected(&self) -> BTreeMap<Fault, u64> {
        self.with(|plan| plan.injected.clone())
    }

    /// Denies an action (as policies name it, `sqs:ReceiveMessage`) on a queue or bucket, to
    /// everybody.
    pub fn deny(&self, action: &str, resource: &str) {
        self.with(|plan| plan.denied.insert((action.into(), resource.into())));
    }

    /// Allows it again.
    pub fn allow(&self, action: &str, resource: &str) {
        self.with(|plan| plan.denied.remove(&(action.into(), resource.into())));
    }

    /// Whether the action is denied on the queue or bucket.
    #[must_use]
    pub fn denies(&self, action: &str, resource: &str) -> bool {
        self.with(|plan| plan.denied.contains(&(action.into(), resource.into())))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Plan) -> T) -> T {
        act(&mut self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes_of(faults: &Faults, kind: Fault) -> Vec<bool> {
        (0..200).map(|_| faults.strikes(kind)).collect()
    }

    #[test]
    fn the_same_seed_strikes_at_the_same_opportunities_whatever_else_is_asked() {
        let kinds = [Fault::S3SlowDown, Fault::SqsThrottled];
        let (one, other) = (Faults::seeded(3, 100, &kinds), Faults::seeded(3, 100, &kinds));
        let expected = strikes_of(&one, Fault::S3SlowDown);
        let interleaved: Vec<bool> = (0..200)
            .map(|_| {
                let _ = other.strikes(Fault::SqsThrottled);
                other.strikes(Fault::S3SlowDown)
            })
            .collect();
        assert_eq!(interleaved, expected);
        assert_ne!(strikes_of(&Faults::seeded(4, 100, &kinds), Fault::S3SlowDown), expected);
    }

    #[test]
    fn a_fault_strikes_about_as_often_as_told_and_is_counted() {
        let faults = Faults::seeded(1, 250, &[Fault::S3BodyReset]);
        let struck = strikes_of(&faults, Fault::S3BodyReset).iter().filter(|did| **did).count();
        assert!((25..=75).contains(&struck), "{struck} of 200");
        assert_eq!(faults.injected()[&Fault::S3BodyReset], struck as u64);
        assert!(!faults.strikes(Fault::S3SlowDown), "it was not asked for");
    }

    #[test]
    fn what_is_denied_stays_so_until_it_is_allowed() {
        let faults = Faults::none();
        faults.deny("s3:GetObject", "trail-logs");
        faults.calm();
        assert!(faults.denies("s3:GetObject", "trail-logs"));
        assert!(!faults.denies("s3:GetObject", "images"));
        faults.allow("s3:GetObject", "trail-logs");
        assert!(!faults.denies("s3:GetObject", "trail-logs"));
    }
}
