//! CloudTrail files to measure with: composed from a seed, the same ones every time, in three
//! profiles. Sizes, the share of deletes and how far they compress are those of real trails; no
//! name in them is anybody's. It knows nothing of who reads them.
//!
//! | profile | records | bytes each | inflated to compressed: 50 KB, 1 MB and more |
//! |---|---|---|---|
//! | mixed | 2 % S3 deletes, 30 % other S3 data events, 68 % of other services | 1866 | 6.4, 9 |
//! | write | 50 % `PutObject`, 50 % deletes | 2251 | 8, 10 |
//! | deletes | deletes only, 8 % of them `DeleteObjects` | 2088 | 7.5, 10 |
//!
//! A reader that looks for words instead of reading is led astray by policies and event patterns
//! that speak of `DeleteObject`, by braces and quotation marks within texts, by members named `key`
//! that are no text, and by keys that are not ASCII or written with escapes.

mod actor;
mod chance;
mod file;
mod services;
mod storage;

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use self::actor::{Actor, Cast};
use self::chance::Chance;
pub use self::file::{Fingerprint, LogFile, Truth, compose, log_file, log_files};

/// What a trail is full of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// What a whole account does; so many of a thousand records are S3 deletes.
    Mixed {
        /// S3 deletes among a thousand records.
        deletes_per_mille: u64,
    },
    /// Objects written and deleted in equal number.
    Write,
    /// S3 deletes alone.
    Deletes,
}

/// Calls for many keys among the calls that delete; 8 % of the records, with 1.5 others each.
const DELETE_OBJECTS_PER_THOUSAND: u64 = 91;

/// The usual trail of an account.
pub const MIXED: Profile = Profile::Mixed { deletes_per_mille: 20 };

impl Profile {
    /// As it is told in the names of files.
    pub fn name(self) -> String {
        match self {
            Self::Mixed { deletes_per_mille } => format!("mixed-{deletes_per_mille}"),
            Self::Write => "write".into(),
            Self::Deletes => "deletes".into(),
        }
    }
}

impl Profile {
    /// Records of a `DeleteObjects` call are followed by others: fewer calls make the same share.
    const fn delete_calls_per_100_000(self) -> u64 {
        let per_mille = match self {
            Self::Mixed { deletes_per_mille } => deletes_per_mille,
            Self::Write => 500,
            Self::Deletes => 1_000,
        };
        per_mille * 1_000_000_000 / (11_365_000 - 1_365 * per_mille)
    }
}

/// What a record tells, for whoever counts deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// No S3 delete.
    Other,
    /// An S3 delete.
    Delete(Deleted),
}

/// An S3 delete, as its record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The bucket.
    pub bucket: &'static str,
    /// The key; none of a `DeleteObjects` call.
    pub key: Option<String>,
    /// Whether S3 refused it.
    pub is_refused: bool,
}

/// What all records of one moment have in common.
struct Scene<'a> {
    at: Timestamp,
    actor: &'a Actor,
    chance: &'a Chance,
}

/// The records of a trail, one after the other and without an end.
pub struct Trail {
    profile: Profile,
    chance: Chance,
    cast: Cast,
    at: Timestamp,
    /// Records about single keys of a `DeleteObjects` call that are still to come.
    following: VecDeque<(String, Told)>,
}

impl Trail {
    /// The trail of this seed.
    pub fn new(profile: Profile, seed: u64) -> Self {
        let chance = Chance::seeded(seed);
        let cast = Cast::new(&chance);
        let at = Timestamp::constant(1_795_435_200, 0)
            + SignedDuration::from_mins(5 * i64::try_from(seed % 1_000_000).unwrap_or_default());
        Self { profile, chance, cast, at, following: VecDeque::new() }
    }

    /// Appends the next record to `text` and says what it tells.
    pub fn next(&mut self, text: &mut String) -> Told {
        if let Some((record, told)) = self.following.pop_front() {
            text.push_str(&record);
            return told;
        }
        if self.chance.of_thousand(250) {
            self.at += SignedDuration::from_secs(1);
        }
        self.cast.turn(&self.chance);
        let dice = self.chance.below(100_000);
        match self.profile {
            _ if dice < self.profile.delete_calls_per_100_000() => self.delete(text),
            Profile::Write | Profile::Deletes => self.storage(text, storage::put),
            Profile::Mixed { .. } if dice >= 85_000 => self.storage(text, storage::put),
            Profile::Mixed { .. } if dice >= 70_000 => self.storage(text, storage::get),
            Profile::Mixed { .. } => {
                let Self { at, chance, cast, .. } = self;
                services::call(text, &Scene { at: *at, actor: cast.anyone(chance), chance });
                Told::Other
            }
        }
    }

    fn storage(&self, text: &mut String, write: fn(&mut String, &Scene<'_>)) -> Told {
        let Self { at, chance, cast, .. } = self;
        write(text, &Scene { at: *at, actor: cast.writer(chance), chance });
        Told::Other
    }

    fn delete(&mut self, text: &mut String) -> Told {
        let Self { at, chance, cast, .. } = self;
        let scene = Scene { at: *at, actor: cast.writer(chance), chance };
        if chance.of_thousand(DELETE_OBJECTS_PER_THOUSAND) {
            let (told, following) = storage::delete_many(text, &scene);
            self.following.extend(following);
            return told;
        }
        storage::delete_one(text, &scene)
    }
}
