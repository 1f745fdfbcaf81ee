//! What becomes of a message, decided from values: how its work ended, how often it was received,
//! and what its queue does with poison. It performs nothing.

use std::time::Duration;

use deltrail_core::decode::ObjectRef;

use super::tell::STORE;
use crate::store::StoreError;

/// Waits between tries of a message whose work failed for a passing reason: 5 s, doubled with each
/// receive, up to 15 minutes, so that an outage of hours costs few receives.
const RETRY_DELAY_MIN: Duration = Duration::from_secs(5);
const RETRY_DELAY_MAX: Duration = Duration::from_mins(15);

/// Waits between receives of a queue that answers at once that it has nothing, instead of waiting
/// for a message as it was asked to: up to 5 s, growing, and never less than 1 s.
const EMPTY_PAUSE_MIN: Duration = Duration::from_secs(1);
const EMPTY_PAUSE_MAX: Duration = Duration::from_secs(5);

/// How the work of a message ended. Of several objects in one message the worst verdict holds;
/// what was done stays done, because the ledger knows it when the message comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of it is committed, or needs nothing.
    Done,
    /// The same bytes would fail again.
    Poison(Vec<Failure>),
    /// It may succeed later.
    Retry(Vec<Failure>),
}

/// Why work failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The value of the `reason` label: one of a closed set.
    pub(super) reason: &'static str,
    /// One line: what, which object or message, what to do next.
    pub(super) message: String,
    /// The object that it is about.
    pub(super) object: Option<Box<ObjectRef>>,
    /// What fails as a whole, and not for this message only.
    pub(super) place: Option<String>,
    /// By which AWS finds the call that failed.
    pub(super) request_id: Option<String>,
}

impl Failure {
    /// A failure of a message alone.
    pub(super) const fn of_message(reason: &'static str, message: String) -> Self {
        Self { reason, message, object: None, place: None, request_id: None }
    }

    /// A failure of the store, which concerns every message.
    pub(super) fn of_store(error: &StoreError) -> Self {
        let place = Some(STORE.to_owned());
        Self { place, ..Self::of_message("store", error.to_string()) }
    }
}

impl Verdict {
    /// The verdict on two pieces of work in one message, with the failures of both. A retry
    /// outranks poison: the passing failure may pass, and the poison is still poison then.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Done, verdict) | (verdict, Self::Done) => verdict,
            (Self::Poison(mut failures), Self::Poison(more)) => {
                failures.extend(more);
                Self::Poison(failures)
            }
            (Self::Retry(mut failures) | Self::Poison(mut failures), Self::Retry(more))
            | (Self::Retry(mut failures), Self::Poison(more)) => {
                failures.extend(more);
                Self::Retry(failures)
            }
        }
    }

    /// What went wrong.
    pub(super) fn failures(&self) -> &[Failure] {
        match self {
            Self::Done => &[],
            Self::Poison(failures) | Self::Retry(failures) => failures,
        }
    }
}

/// What a queue does with a message that is received again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redrive {
    /// It moves it to a dead-letter queue.
    Present,
    /// Nothing: the message comes back until its retention ends.
    Absent,
    /// The attributes of the queue could not be read.
    Unknown,
}

/// What is done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Disposition {
    /// It is deleted.
    Acknowledge,
    /// It becomes visible again after this time.
    ReturnAfter(Duration),
    /// Its lease runs out; the queue's redrive policy takes it in the end.
    LeaveToRedrive,
    /// Its body is put into the reject table, then it is deleted.
    RejectAndAcknowledge,
}

/// Decides. `receive_count` starts at 1; `poison_after` is the receive from which poison of a queue
/// that is not known to have a redrive policy is rejected; `jitter` is between 0 and 1.
pub(super) fn dispose(
    verdict: &Verdict,
    receive_count: u32,
    redrive: Redrive,
    poison_after: u32,
    jitter: f64,
) -> Disposition {
    match verdict {
        Verdict::Done => Disposition::Acknowledge,
        Verdict::Retry(_) => Disposition::ReturnAfter(grown(
            RETRY_DELAY_MIN,
            RETRY_DELAY_MAX,
            receive_count.saturating_sub(1),
            jitter,
        )),
        Verdict::Poison(_) if redrive != Redrive::Present && receive_count >= poison_after => {
            Disposition::RejectAndAcknowledge
        }
        Verdict::Poison(_) => Disposition::LeaveToRedrive,
    }
}

/// How long to wait before the next receive after `times` (at least 1) that came back empty at
/// once. It is never less than [`EMPTY_PAUSE_MIN`].
pub(super) fn pause_after_empty(times: u32, jitter: f64) -> Duration {
    grown(EMPTY_PAUSE_MIN, EMPTY_PAUSE_MAX, times, jitter).max(EMPTY_PAUSE_MIN)
}

/// `shortest` doubled `times` times, at most `longest`, of which up to half is taken off by
/// `jitter`, so that many clients do not come back together.
fn grown(shortest: Duration, longest: Duration, times: u32, jitter: f64) -> Duration {
    let doubled = shortest.saturating_mul(1_u32.checked_shl(times.min(16)).unwrap_or(u32::MAX));
    doubled.min(longest).mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::{Disposition, Failure, Redrive, Verdict, dispose, pause_after_empty};
    use std::time::Duration;

    fn failure() -> Vec<Failure> {
        vec![Failure::of_message("test", "test".into())]
    }

    fn poison(receive_count: u32, redrive: Redrive) -> Disposition {
        dispose(&Verdict::Poison(failure()), receive_count, redrive, 5, 0.0)
    }

    #[test]
    fn poison_is_left_to_a_redrive_policy_however_often_it_comes() {
        assert_eq!(poison(1, Redrive::Present), Disposition::LeaveToRedrive);
        assert_eq!(poison(900, Redrive::Present), Disposition::LeaveToRedrive);
    }

    #[test]
    fn poison_of_a_queue_without_redrive_is_rejected_in_the_end() {
        for redrive in [Redrive::Absent, Redrive::Unknown] {
            assert_eq!(poison(4, redrive), Disposition::LeaveToRedrive);
            assert_eq!(poison(5, redrive), Disposition::RejectAndAcknowledge);
        }
    }

    #[test]
    fn retries_wait_longer_each_time_up_to_a_quarter_of_an_hour() {
        let delay =
            |count| match dispose(&Verdict::Retry(failure()), count, Redrive::Present, 5, 0.0) {
                Disposition::ReturnAfter(delay) => delay.as_secs(),
                other => panic!("{other:?}"),
            };
        assert_eq!([1, 2, 3, 8, 9, 4_000].map(delay), [5, 10, 20, 640, 900, 900]);
    }

    #[test]
    fn jitter_takes_off_up_to_half_of_a_retry() {
        let delay = |jitter| dispose(&Verdict::Retry(failure()), 3, Redrive::Present, 5, jitter);
        assert_eq!(delay(0.0), Disposition::ReturnAfter(Duration::from_secs(20)));
        assert_eq!(delay(1.0), Disposition::ReturnAfter(Duration::from_secs(10)));
    }

    #[test]
    fn empty_answers_are_asked_for_less_than_once_a_second() {
        let pauses = [1, 2, 3, 900].map(|times| pause_after_empty(times, 0.0).as_secs());
        assert_eq!(pauses, [2, 4, 5, 5]);
        assert_eq!(pause_after_empty(1, 1.0), Duration::from_secs(1));
    }

    #[test]
    fn the_worst_part_of_a_message_decides() {
        let retry = Verdict::Retry(failure());
        let poison = Verdict::Poison(failure());
        assert_eq!(Verdict::Done.and(poison.clone()), poison);
        let both = poison.and(retry.clone());
        assert!(matches!(both, Verdict::Retry(_)));
        assert_eq!(both.failures().len(), 2, "each failure is told");
        assert_eq!(retry.clone().and(Verdict::Done), retry);
    }
}
