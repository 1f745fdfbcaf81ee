//! When a failure that repeats is worth a line of the log: when it begins, when it changes and when
//! it ends. It takes times as values, and knows neither queues nor words.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// A failure that did not come back for this long has passed. Less would let a single bad object
/// among good ones begin and end it again and again.
const PASSED_AFTER: Duration = Duration::from_mins(1);
/// Places whose failures are remembered; what is beyond is not told.
const PLACES_MAX: usize = 256;
/// Single failures that are remembered.
const NAMES_MAX: usize = 1024;

/// The failures of one operation that is tried again and again.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    kind: Option<&'static str>,
    is_said: bool,
    failures: u32,
}

impl Trouble {
    /// A try failed. Whether to say so, `may_say` provided.
    pub(super) fn failed(&mut self, kind: &'static str, may_say: bool) -> bool {
        if self.kind != Some(kind) {
            (self.kind, self.is_said) = (Some(kind), false);
        }
        self.failures = self.failures.saturating_add(1);
        let says = may_say && !self.is_said;
        self.is_said |= says;
        says
    }

    /// A try succeeded. How many had failed before it, if anything was said of them.
    pub(super) fn passed(&mut self) -> Option<u32> {
        let Self { is_said, failures, .. } = std::mem::take(self);
        is_said.then_some(failures)
    }

    /// How many tries have failed in a row.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }
}

/// The failures of many places, such as buckets, in which other tries may succeed meanwhile.
#[derive(Debug, Default)]
pub(super) struct Troubles(BTreeMap<(String, &'static str), Ongoing>);

#[derive(Debug)]
struct Ongoing {
    failures: u64,
    last_at: Duration,
}

impl Troubles {
    /// A try failed at a place. Whether to say so.
    pub(super) fn failed(&mut self, place: &str, kind: &'static str, at: Duration) -> bool {
        let is_full = self.0.len() >= PLACES_MAX;
        if let Some(ongoing) = self.0.get_mut(&(place.to_owned(), kind)) {
            ongoing.failures += 1;
            ongoing.last_at = at;
            return false;
        }
        if is_full {
            return false;
        }
        self.0.insert((place.to_owned(), kind), Ongoing { failures: 1, last_at: at });
        true
    }

    /// A try succeeded at a place. The failures there that have passed, and how often each came.
    pub(super) fn passed(&mut self, place: &str, at: Duration) -> Vec<(&'static str, u64)> {
        let mut passed = Vec::new();
        self.0.retain(|(of, kind), ongoing| {
            let is_over = of == place && at.saturating_sub(ongoing.last_at) >= PASSED_AFTER;
            if is_over {
                passed.push((*kind, ongoing.failures));
            }
            !is_over
        });
        passed
    }
}

/// Names of which each is told once, as far as memory for them goes.
#[derive(Debug, Default)]
pub(super) struct Told {
    names: BTreeSet<String>,
    in_order: VecDeque<String>,
}

impl Told {
    /// Whether it is told for the first time, or was forgotten meanwhile.
    pub(super) fn is_first(&mut self, name: String) -> bool {
        if !self.names.insert(name.clone()) {
            return false;
        }
        self.in_order.push_back(name);
        if self.in_order.len() > NAMES_MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.names.remove(&oldest);
        }
        true
    }
}

/// What becomes of the name of a bucket that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// It is new: name it.
    Name,
    /// It is one too many: say that no more are named.
    NoMore,
    /// Count it only.
    Count,
}

/// Buckets that messages named and that are not allowed. Whoever may send could name any number.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    named: BTreeSet<String>,
    is_full_said: bool,
}

impl Strangers {
    /// Buckets that are named one by one.
    pub(super) const MAX: usize = 20;

    /// What to say of this one.
    pub(super) fn meet(&mut self, bucket: &str) -> Naming {
        if self.named.contains(bucket) {
            return Naming::Count;
        }
        if self.named.len() < Self::MAX {
            self.named.insert(bucket.to_owned());
            return Naming::Name;
        }
        if std::mem::replace(&mut self.is_full_said, true) { Naming::Count } else { Naming::NoMore }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_said_when_it_begins_and_when_it_changes_and_when_it_ends() {
        let mut trouble = Trouble::default();
        let said = ["denied", "denied", "denied", "timeout", "timeout", "denied"]
            .map(|kind| trouble.failed(kind, true));
        assert_eq!(said, [true, false, false, true, false, true]);
        assert_eq!(trouble.passed(), Some(6));
        assert_eq!(trouble.passed(), None);
        assert!(trouble.failed("denied", true));
    }

    #[test]
    fn what_was_never_said_does_not_end() {
        let mut trouble = Trouble::default();
        assert!(!trouble.failed("denied", false));
        assert_eq!(trouble.passed(), None);
        assert!(!trouble.failed("denied", false));
        assert!(trouble.failed("denied", true), "it may be said later");
    }

    #[test]
    fn a_place_is_told_once_for_each_failure_until_that_has_passed() {
        let mut troubles = Troubles::default();
        let at = Duration::from_secs;
        assert!(troubles.failed("logs", "denied", at(0)));
        assert!(!troubles.failed("logs", "denied", at(50)));
        assert!(troubles.failed("logs", "timeout", at(50)));
        assert!(troubles.failed("other", "denied", at(50)));
        assert_eq!(troubles.passed("logs", at(100)), []);
        assert_eq!(troubles.passed("logs", at(110)), [("denied", 2), ("timeout", 1)]);
        assert_eq!(troubles.passed("logs", at(500)), []);
        assert!(troubles.failed("logs", "denied", at(600)));
    }

    #[test]
    fn places_beyond_the_limit_are_not_told() {
        let mut troubles = Troubles::default();
        for place in 0..PLACES_MAX {
            assert!(troubles.failed(&place.to_string(), "denied", Duration::ZERO));
        }
        assert!(!troubles.failed("one more", "denied", Duration::ZERO));
        assert_eq!(troubles.passed("0", PASSED_AFTER), [("denied", 1)]);
        assert!(troubles.failed("one more", "denied", Duration::ZERO));
    }

    #[test]
    fn a_name_is_told_once_and_forgotten_after_many_others() {
        let mut told = Told::default();
        assert!(told.is_first("m".to_owned()) && !told.is_first("m".to_owned()));
        for other in 0..NAMES_MAX {
            assert!(told.is_first(other.to_string()));
        }
        assert!(told.is_first("m".to_owned()));
    }

    #[test]
    fn buckets_that_are_not_allowed_are_named_once_and_not_without_end() {
        let mut strangers = Strangers::default();
        assert_eq!(strangers.meet("first"), Naming::Name);
        assert_eq!(strangers.meet("first"), Naming::Count);
        for other in 1..Strangers::MAX {
            assert_eq!(strangers.meet(&other.to_string()), Naming::Name);
        }
        assert_eq!(strangers.meet("late"), Naming::NoMore);
        assert_eq!(strangers.meet("later"), Naming::Count);
        assert_eq!(strangers.meet("first"), Naming::Count);
    }
}
