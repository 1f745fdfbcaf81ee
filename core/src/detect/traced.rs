//! What each principal did to keys, hour by hour: how many it destroyed, how many of those it had
//! read before, and on how many days it is used to do so. It makes no findings.

use std::collections::BTreeMap;

use super::subject::Subjects;
use crate::domain::{Day, Deed, Hour, KeySketch, Timestamp};

/// How many days before a day its traces matter: the 28 that ended at least 24 hours before, and
/// one more, because what was removed on the first of them was perhaps read the day before.
pub const TRACED_DAYS: i64 = 30;
/// How many of them count.
const HABIT_DAYS: i64 = 28;
/// How long before its end a key was read that was read for it, in hours.
const READ_HOURS: i64 = 24;
/// Fewer keys are looked through by hand before they are removed. It is a fifth of a second of a
/// program's work, and well below the 51 objects that Stratus Red Team's techniques destroy.
pub(super) const KEYS_MIN: u64 = 20;
/// Who destroyed fewer keys in each hour destroyed fewer in any two than `read_then_destroy` heeds.
pub const STRUCK_KEYS_MIN: i64 = (KEYS_MIN / 2).cast_signed();

/// What one caller did to keys of a bucket within an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// Who, by a number that [`super::Input::callers`] knows.
    pub caller: i64,
    /// When.
    pub hour: Hour,
    /// What.
    pub deed: Deed,
    /// To which keys.
    pub keys: KeySketch,
    /// The first of them, by event time.
    pub first_at: Timestamp,
    /// The last of them, by event time.
    pub last_at: Timestamp,
}

/// What one principal did to keys.
#[derive(Debug, Default)]
pub(super) struct Hands {
    by_hour: BTreeMap<(Deed, Hour), Handled>,
}

#[derive(Debug)]
struct Handled {
    keys: KeySketch,
    first_at: Timestamp,
    last_at: Timestamp,
}

/// Keys that were destroyed within two hours of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Struck {
    /// How.
    pub(super) deed: Deed,
    /// The second of the two hours.
    pub(super) hour: Hour,
    /// How many, about.
    pub(super) keys: u64,
    /// How many of them it had read within 24 hours before, about.
    pub(super) read: u64,
    /// Whether these are half of them or more.
    pub(super) is_mostly_read: bool,
    /// The first of them in these hours.
    pub(super) first_at: Timestamp,
    /// The last.
    pub(super) last_at: Timestamp,
}

/// What each principal did, by its index.
pub(super) fn by_principal(subjects: &Subjects, traces: &[Traced]) -> BTreeMap<usize, Hands> {
    let mut principals: BTreeMap<usize, Hands> = BTreeMap::new();
    for trace in traces {
        let Some(index) = subjects.of_caller(trace.caller) else { continue };
        let by_hour = &mut principals.entry(index).or_default().by_hour;
        let handled = by_hour.entry((trace.deed, trace.hour)).or_insert_with(|| Handled {
            keys: KeySketch::default(),
            first_at: trace.first_at,
            last_at: trace.last_at,
        });
        handled.keys.merge(&trace.keys);
        handled.first_at = handled.first_at.min(trace.first_at);
        handled.last_at = handled.last_at.max(trace.last_at);
    }
    principals
}

impl Hands {
    /// The hours in which it did this, in order.
    fn hours(&self, deed: Deed) -> impl Iterator<Item = Hour> {
        let first = (deed, Hour::numbered(i64::MIN));
        let last = (deed, Hour::numbered(i64::MAX));
        self.by_hour.range(first..=last).map(|((_, hour), _)| *hour)
    }

    /// Where it destroyed so much that it matters: removed or encrypted with another account's key
    /// what it had mostly read, or encrypted anything with a key that only it has. In order.
    pub(super) fn struck(&self) -> Vec<Struck> {
        let mut struck: Vec<Struck> = Deed::ALL
            .into_iter()
            .filter(|deed| *deed != Deed::Read)
            .flat_map(|deed| self.hours(deed).filter_map(move |hour| self.struck_in(deed, hour)))
            .filter(|it| it.deed == Deed::CustomerKey || it.is_mostly_read)
            .collect();
        struck.sort_unstable_by_key(|it| (it.hour, it.deed));
        struck
    }

    /// A burst may lie on both sides of the hour.
    fn struck_in(&self, deed: Deed, hour: Hour) -> Option<Struck> {
        let here = self.by_hour.get(&(deed, hour))?;
        let (mut keys, mut first_at) = (here.keys.clone(), here.first_at);
        if let Some(before) = self.by_hour.get(&(deed, hour.plus(-1))) {
            keys.merge(&before.keys);
            first_at = before.first_at;
        }
        let count = keys.keys();
        if count < KEYS_MIN {
            return None;
        }
        let (sample, common) = self.read_of(&keys, hour);
        let read = count.saturating_mul(common).checked_div(sample).unwrap_or(0);
        let is_mostly_read = sample >= KEYS_MIN && 2 * common >= sample;
        let last_at = here.last_at;
        Some(Struck { deed, hour, keys: count, read, is_mostly_read, first_at, last_at })
    }

    /// Of how many of the keys it is known whether they were read within 24 hours before the end of
    /// this hour, and how many were. All keys are known as long as few were read; when many more
    /// were than destroyed, few of them.
    fn read_of(&self, keys: &KeySketch, hour: Hour) -> (u64, u64) {
        let from = (Deed::Read, hour.plus(-READ_HOURS));
        let reads: Vec<&KeySketch> =
            self.by_hour.range(from..=(Deed::Read, hour)).map(|(_, it)| &it.keys).collect();
        let complete_to = reads.iter().map(|it| it.complete_to()).min();
        let complete_to = complete_to.unwrap_or(u64::MAX).min(keys.complete_to());
        let known = keys.hashes().iter().filter(|hash| **hash <= complete_to);
        let is_read = |hash: &&u64| reads.iter().any(|it| it.hashes().binary_search(hash).is_ok());
        (known.clone().count() as u64, known.filter(is_read).count() as u64)
    }
}

/// On how many days principals destroyed keys so, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Habits(BTreeMap<String, Habit>);

/// On how many of 28 days one did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Habit {
    /// Removed what it had read.
    pub(super) removed: u8,
    /// Encrypted so.
    pub(super) encrypted: u8,
    /// Removed anything of which the keys are known.
    pub(super) traced: u8,
}

impl Habits {
    /// What was usual on the 28 days that ended at least 24 hours before a day.
    pub(super) fn of(subjects: &Subjects, past: &[Traced], day: Day) -> Self {
        let counted = day.plus(-1 - HABIT_DAYS)..=day.plus(-2);
        let days = |hours: &mut dyn Iterator<Item = Hour>| {
            let mut days: Vec<Day> = hours.map(|hour| Day::of(hour.start())).collect();
            days.retain(|day| counted.contains(day));
            days.sort_unstable();
            days.dedup();
            u8::try_from(days.len()).unwrap_or(u8::MAX)
        };
        let habit = |hands: &Hands| {
            let struck = hands.struck();
            let is_removal = |it: &&Struck| it.deed == Deed::Removed;
            let encrypted = struck.iter().filter(|it| !is_removal(it));
            Habit {
                removed: days(&mut struck.iter().filter(is_removal).map(|it| it.hour)),
                encrypted: days(&mut encrypted.map(|it| it.hour)),
                traced: days(&mut hands.hours(Deed::Removed)),
            }
        };
        let principals = by_principal(subjects, past);
        let habits = principals
            .iter()
            .filter_map(|(index, hands)| Some((subjects.all().get(*index)?.id.clone(), hands)))
            .map(|(id, hands)| (id, habit(hands)))
            .filter(|(_, habit)| *habit != Habit::default());
        Self(habits.collect())
    }

    /// That of a principal.
    pub(super) fn of_principal(&self, id: &str) -> Habit {
        self.0.get(id).copied().unwrap_or_default()
    }

    /// Roughly how many bytes of memory they hold on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.0.keys().map(|id| size_of::<(String, Habit)>() + id.len()).sum()
    }
}
