//! A finding: deletions that do not look like what is usual, with all that a person has to know
//! of them. It is made by detectors; this file knows neither how, nor where it is kept or sent.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::time::Day;

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum $name {
            $(
                $(#[$doc])*
                #[serde(rename = $word)]
                $variant,
            )+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it, in labels, settings and answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The value of this word.
            #[must_use]
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

words! {
    /// What looks for findings.
    Detector {
        /// More was removed than ever in the last 28 days.
        MassDelete => "mass_delete",
        /// More than is likely at this hour.
        OffPattern => "off_pattern",
        /// Somebody deletes here for the first time.
        NewDeleter => "new_deleter",
        /// A known principal deletes from a new network or with another kind of program.
        NewOrigin => "new_origin",
        /// Versions are removed for good by somebody who hardly ever does.
        VersionPurge => "version_purge",
        /// Keys go shortly after a write that replaced them.
        StaleDelete => "stale_delete",
        /// The same keys are deleted twice.
        RedundantDelete => "redundant_delete",
        /// Many deletes are refused.
        DeleteDenied => "delete_denied",
        /// What protects objects was switched off.
        ProtectionOff => "protection_off",
        /// Lifecycle rules remove more than ever.
        LifecycleSurge => "lifecycle_surge",
        /// Objects are read, or encrypted with a foreign key, and then destroyed.
        ReadThenDestroy => "read_then_destroy",
        /// What tells of deletions was tampered with.
        LogTamper => "log_tamper",
        /// One source is silent of what another one tells.
        BlindSpot => "blind_spot",
        /// A declared delete did not happen.
        UnfulfilledIntent => "unfulfilled_intent",
        /// Deletes take too long.
        LatencySlo => "latency_slo",
    }
}

impl Detector {
    /// For how many days after the day that its findings begin on evidence belongs to them.
    #[must_use]
    pub const fn days_after(self) -> i64 {
        match self {
            // Removals are held against a change for 48 hours.
            Self::ProtectionOff => 2,
            // What goes on over midnight.
            _ => 1,
        }
    }
}

words! {
    /// How soon somebody has to look; the larger, the sooner.
    Severity {
        /// Worth knowing.
        Info => "info",
        /// Today.
        Warning => "warning",
        /// At once.
        Critical => "critical",
    }
}

words! {
    /// What becomes of the findings of a detector.
    Mode {
        /// They are told to people.
        Live => "live",
        /// They are counted and kept, and nobody is told.
        DryRun => "dry_run",
        /// It does not look.
        Off => "off",
    }
}

words! {
    /// How far a finding has come.
    State {
        /// Evidence came in the last half hour, or nobody could have seen it yet.
        Open => "open",
        /// Nothing came for half an hour.
        Resolved => "resolved",
        /// Later evidence does not support it any more.
        Withdrawn => "withdrawn",
    }
}

/// Somebody a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Who {
    /// The role without its session, the user, the account or the service.
    pub principal: String,
    /// The sessions of a role, sorted: a person's name where people share a role. At most 3.
    pub sessions: Vec<String>,
    /// What they removed, or tried to.
    pub objects: u64,
}

/// What was removed, by what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Delete markers put on top: recoverable.
    pub markers: u64,
    /// Named versions, for good.
    pub versions: u64,
    /// Objects of buckets without versions, for good.
    pub objects: u64,
    /// Removals of which no source says the kind yet.
    pub unknown: u64,
    /// Refused requests.
    pub denied: u64,
}

impl Tally {
    /// All that was removed.
    #[must_use]
    pub const fn removed(&self) -> u64 {
        self.markers + self.versions + self.objects + self.unknown
    }
}

/// Why it is unusual, and against what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What was seen, as a number: removals, requests, keys, seconds.
    pub observed: u64,
    /// What would have been too much: the number that `observed` passed.
    pub threshold: u64,
    /// What was usual before: the largest, the mean, the share; as the sentence says.
    pub baseline: u64,
    /// The sentence, such as "31 times the largest hour of the last 28 days (402, on 3 Nov)".
    pub sentence: String,
}

/// One finding: a pure function of the evidence of its bucket and of the days before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What found it.
    pub detector: Detector,
    /// The bucket; empty when it is about an account as a whole.
    pub bucket: String,
    /// Whom it is about, by an id that stays; empty when it is about the bucket as a whole.
    pub subject: String,
    /// The UTC day that it began on.
    pub day: Day,
    /// How soon somebody has to look.
    pub severity: Severity,
    /// The principals behind it, most removals first; at most 5.
    pub who: Vec<Who>,
    /// How many are behind it in all.
    pub principals: u64,
    /// What was removed.
    pub tally: Tally,
    /// Why it is unusual.
    pub reason: Reason,
    /// The beginning of its first 5-minute window, or the time of the one event it is about.
    pub first_at: Timestamp,
    /// The end of its last window, or the time of that event.
    pub last_at: Timestamp,
    /// Networks that it came from, /24 or /48, sorted, at most 5; "(new)" after what is new.
    pub origins: Vec<String>,
    /// The families of user agents, such as `aws-sdk-java/2`, sorted, at most 5.
    pub agents: Vec<String>,
    /// Other detectors that found something in this bucket on this day.
    pub related: Vec<Detector>,
    /// Further sentences: what was switched off before, which rule expired what, gaps of the log.
    pub notes: Vec<String>,
    /// What the keys begin with, most keys first, at most 3; filled in by whoever knows the keys.
    pub prefixes: Vec<String>,
    /// Keys that it is about, where the detector knows them; else the store samples its window.
    pub sample_keys: Vec<String>,
}

impl Finding {
    /// What tells it apart from all others, over restarts, replicas and orders of arrival: 16
    /// hexadecimal digits of a hash of its detector, bucket, subject and day.
    #[must_use]
    pub fn id(&self) -> String {
        use std::fmt::Write as _;

        use sha2::{Digest as _, Sha256};

        let mut hash = Sha256::new();
        for part in [self.detector.as_str(), &self.bucket, &self.subject] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(self.day.number().to_be_bytes());
        hash.finalize().iter().take(8).fold(String::new(), |mut id, byte| {
            // Writing to a text cannot fail.
            let _ = write!(id, "{byte:02x}");
            id
        })
    }
}
