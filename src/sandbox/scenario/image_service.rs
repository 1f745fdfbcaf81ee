//! A day of an image service, with the incidents that deltrail was built for. It follows from a
//! seed, and knows nothing of how the day is played.

mod incidents;
mod routine;

use std::time::Duration;

use fastrand::Rng;

use super::deed::{Actor, Deed, Planned};

/// Where images live; not versioned.
pub const IMAGES: &str = "example-images";
/// Where originals are kept; versioned.
pub const ARCHIVE: &str = "example-archive";
/// How long the story lasts.
pub const DAY: Duration = Duration::from_hours(24);

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// From here on nobody deletes anything: access logs may come three hours late, and what is said
/// of a removal is open for half an hour more.
const EVENING: u64 = 19 * HOUR + 30 * MINUTE;

/// What nobody may delete: keys below it are protected by a policy.
pub const PROTECTED: &str = "originals/";

/// The day of this seed, in the order of time.
#[must_use]
pub fn day(seed: u64) -> Vec<Planned> {
    let mut day = Day { random: Rng::with_seed(seed), planned: Vec::new() };
    day.lifecycle_purge();
    day.nightly_cleanup();
    day.ordinary_traffic();
    day.archive();
    day.vanishing_album();
    day.forgotten_removal();
    day.deleted_twice();
    day.declared_in_a_file();
    day.stale_delete();
    day.refused_deletes();
    // Stable, so that what was planned in order for the same second stays in order.
    day.planned.sort_by_key(|planned| planned.after);
    day.planned
}

struct Day {
    random: Rng,
    planned: Vec<Planned>,
}

impl Day {
    fn at(&mut self, second: u64, actor: Actor, deed: Deed) {
        self.planned.push(Planned { after: Duration::from_secs(second), actor, deed });
    }

    fn tell(&mut self, second: u64, actor: Actor, text: impl Into<String>) {
        self.at(second, actor, Deed::Tell(text.into()));
    }

    fn upload(&mut self, second: u64, actor: Actor, bucket: &'static str, key: &str) {
        let object_bytes = self.random.usize(200..4_000);
        self.at(second, actor, Deed::Upload { bucket, key: key.into(), object_bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_day_and_another_seed_another() {
        assert_eq!(day(7), day(7));
        assert_ne!(day(7), day(8));
    }

    #[test]
    fn everything_happens_in_order_within_the_day() {
        for seed in 0..50 {
            let day = day(seed);
            assert!(day.is_sorted_by_key(|planned| planned.after));
            assert!(day.last().unwrap().after < DAY, "seed {seed}");
        }
    }

    #[test]
    fn the_evening_is_quiet_and_long_enough_for_everything_to_settle() {
        for seed in 0..50 {
            let day = day(seed);
            let evening = Duration::from_secs(EVENING);
            let is_still = |planned: &&Planned| planned.after >= evening;
            let late: Vec<&Planned> = day.iter().filter(is_still).collect();
            let is_quiet = |deed: &Deed| matches!(deed, Deed::Upload { .. } | Deed::Read { .. });
            assert!(late.iter().all(|planned| is_quiet(&planned.deed)), "seed {seed}");
            let pauses = late.windows(2).map(|pair| pair[1].after.abs_diff(pair[0].after));
            assert!(pauses.max() <= Some(Duration::from_mins(15)), "seed {seed}");
            assert!(late[0].after < evening + Duration::from_mins(15), "seed {seed}");
            assert!(late[late.len() - 1].after + Duration::from_mins(15) > DAY, "seed {seed}");
        }
    }

    #[test]
    fn what_is_deleted_was_uploaded_before_unless_it_is_protected() {
        for seed in 0..50 {
            let mut there = std::collections::BTreeSet::new();
            for planned in day(seed) {
                match planned.deed {
                    Deed::Upload { bucket, key, .. } => {
                        there.insert((bucket, key));
                    }
                    Deed::Delete { bucket, key }
                    | Deed::DeleteTwice { bucket, key }
                    | Deed::DeleteVersion { bucket, key }
                    | Deed::Undelete { bucket, key }
                    | Deed::Expire { bucket, key } => {
                        let is_known = there.contains(&(bucket, key.clone()));
                        assert!(is_known || key.starts_with(PROTECTED), "seed {seed}: {key}");
                    }
                    Deed::DeleteMany { bucket, keys } => {
                        for key in keys {
                            let is_known = there.contains(&(bucket, key.clone()));
                            assert!(is_known || key.starts_with(PROTECTED), "seed {seed}: {key}");
                        }
                    }
                    Deed::Tell(_) | Deed::Read { .. } | Deed::Declare { .. } => {}
                }
            }
        }
    }
}
