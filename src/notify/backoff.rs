//! When a message that could not be delivered is tried again, as a function of what is known: it
//! waits for nothing and looks at no clock.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

/// The wait after the first failure; it doubles with each one after it.
const DELAY_MIN: Duration = Duration::from_secs(5);
const DELAY_MAX: Duration = Duration::from_mins(15);
/// Between tries at what only a person can mend: once it is mended, nothing was lost.
const DELAY_UNTIL_MENDED: Duration = Duration::from_hours(1);
/// A receiver that asks for more patience is asked again after this.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
/// What was not taken for this long is no news any more.
const GIVE_UP_AFTER: Duration = Duration::from_hours(24);

/// The wait before the next try, or `None` when it is given up: then the next one would be later
/// than [`GIVE_UP_AFTER`] after the first one. `failures` counts the one just seen. Waits of
/// different messages differ by up to a quarter, so that those that failed together do not come
/// together again.
pub(super) fn next_try(
    failures: u32,
    since_first: Duration,
    message_id: &str,
    is_transient: bool,
    retry_after: Option<Duration>,
) -> Option<Duration> {
    let doublings = failures.saturating_sub(1).min(16);
    let delay = if is_transient {
        DELAY_MIN.saturating_mul(1 << doublings).min(DELAY_MAX)
    } else {
        DELAY_UNTIL_MENDED
    };
    let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    let delay = delay.max(asked) + spread(delay.max(asked), failures, message_id);
    (since_first.saturating_add(delay) <= GIVE_UP_AFTER).then_some(delay)
}

/// Nothing to a quarter of a wait, the same for the same message and number of failures.
fn spread(delay: Duration, failures: u32, message_id: &str) -> Duration {
    let mut hash = DefaultHasher::new();
    (message_id, failures).hash(&mut hash);
    let thousandths = u32::try_from(hash.finish() % 1000).unwrap_or_default();
    delay / 4 * thousandths / 1000
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{GIVE_UP_AFTER, next_try};

    const SECOND: Duration = Duration::from_secs(1);

    /// All waits of one message whose receiver never answers.
    fn waits(message_id: &str, is_transient: bool) -> Vec<Duration> {
        let mut waits = Vec::new();
        let mut since_first = Duration::ZERO;
        let mut failures = 1;
        while let Some(wait) = next_try(failures, since_first, message_id, is_transient, None) {
            waits.push(wait);
            since_first += wait;
            failures += 1;
        }
        waits
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour_and_end_after_a_day() {
        let waits = waits("a1", true);
        for (wait, seconds) in waits.iter().zip([5, 10, 20, 40, 80, 160, 320, 640, 900, 900]) {
            let least = SECOND * seconds;
            assert!((least..=least * 5 / 4).contains(wait), "{wait:?} for {seconds} s");
        }
        let all: Duration = waits.iter().sum();
        assert!(all <= GIVE_UP_AFTER && all + SECOND * 1125 > GIVE_UP_AFTER, "{all:?}");
    }

    #[test]
    fn what_a_person_must_mend_is_tried_about_once_an_hour_for_a_day() {
        assert!((19..=24).contains(&waits("a1", false).len()));
    }

    #[test]
    fn messages_that_fail_together_come_apart() {
        let first: std::collections::BTreeSet<_> = (0..100)
            .map(|id| next_try(6, Duration::ZERO, &format!("{id:016x}"), true, None))
            .collect();
        assert!(first.len() > 50, "{}", first.len());
    }

    proptest! {
        #[test]
        fn a_receiver_is_never_asked_sooner_than_it_wants_nor_later_than_is_useful(
            failures in 1_u32.., since_first in 0_u64..90_000, asked in 0_u64..10_000,
            is_transient: bool,
        ) {
            let since_first = SECOND * u32::try_from(since_first).unwrap();
            let asked = Duration::from_secs(asked);
            let wait = next_try(failures, since_first, "a1", is_transient, Some(asked));
            let again = next_try(failures, since_first, "a1", is_transient, Some(asked));
            prop_assert_eq!(wait, again);
            if let Some(wait) = wait {
                prop_assert!(wait >= asked.min(SECOND * 3600));
                prop_assert!(since_first + wait <= GIVE_UP_AFTER);
            } else {
                prop_assert!(since_first + SECOND * 4500 > GIVE_UP_AFTER);
            }
        }
    }
}
