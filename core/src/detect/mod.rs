//! From observations to findings: what of a bucket's deletions does not look like its usual. Pure:
//! the same evidence gives the same findings in any order, whenever and wherever it is asked. It
//! knows no store and no clock, and nobody that a finding is told to.
//!
//! The unit is one bucket on one UTC day ([`Input`]): whatever changes in the rows behind it, the
//! findings of that day are made anew, and those that are not made again are withdrawn.

mod announced;
mod baseline;
mod blind_spot;
mod cell;
mod changes;
mod delete_denied;
mod episode;
mod latency_slo;
mod lifecycle_surge;
mod limits;
mod log_tamper;
mod mass_delete;
mod new_deleter;
mod new_origin;
mod off;
mod off_pattern;
mod origin;
mod prefixes;
mod protection_off;
mod read_then_destroy;
mod redundant_delete;
mod relation;
mod report;
mod scene;
mod series;
mod settings;
mod stale_delete;
mod subject;
mod suspected;
mod tail;
#[cfg(test)]
mod tests;
mod traced;
mod unfulfilled_intent;
mod version_purge;
mod volume;
mod withdrawn;

pub use baseline::{Baseline, Baselines};
pub use cell::{Cell, Counts, WINDOW_MILLIS, WINDOWS_PER_DAY, Window};
pub use off::off_because;
pub use prefixes::common_prefixes;
pub use settings::{Expectation, Sensitivity, Settings};
pub use subject::{is_about, principal_names};
pub use traced::{STRUCK_KEYS_MIN, TRACED_DAYS, Traced};
pub use withdrawn::withdrawn_because;

use std::collections::BTreeMap;
use std::sync::Arc;

use scene::Scene;

use crate::domain::{Actor, Day, Detector, Finding, Mode, ProtectionChange, Source, Timestamp};

/// How many days before a day count as its past: the last 28 that ended at least 24 hours before,
/// as many and one before these, by which each of them is judged itself, and one more so that the
/// day before is judged as it was when it was today.
pub const PAST_DAYS: i64 = 59;

/// All that is known of one bucket around one day.
#[derive(Debug)]
pub struct Input<'a> {
    /// The bucket; empty for what concerns an account as a whole.
    pub bucket: &'a str,
    /// The day whose findings are wanted: episodes that begin on it.
    pub day: Day,
    /// Cells from two days before the day to two days after, as far as there are any; any order.
    /// The last of these days matters only to what was switched off on the day.
    pub cells: &'a [Cell],
    /// Cells of the days from `PAST_DAYS` before the day up to two before; any order.
    pub past: &'a [Cell],
    /// The callers that the cells and traces name.
    pub callers: &'a BTreeMap<i64, Arc<Actor>>,
    /// Single removals of the day that somebody should look at; any order.
    pub suspects: &'a [Suspect],
    /// What callers did to keys, by hour, from two days before the day to the day after; any order.
    pub traces: &'a [Traced],
    /// The same of the days from [`TRACED_DAYS`] before the day up to two before; any order.
    pub past_traces: &'a [Traced],
    /// Changes of protection of the bucket from 28 days before the day to the day after, and for
    /// the empty bucket those of trails, keys and accounts; any order.
    pub changes: &'a [ProtectionChange],
    /// Bulk calls of the day that no key is known of, once settled.
    pub unresolved_calls: u64,
    /// Up to when each source that tells of the bucket is complete.
    pub watermarks: &'a BTreeMap<Source, Timestamp>,
    /// Since when anything at all was observed: before it, silence means nothing.
    pub observed_since: Timestamp,
    /// What was announced, with what it speaks of.
    pub announced: &'a [Announced],
    /// What the user chose.
    pub settings: &'a Settings,
}

/// An announcement, and the removals that it speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// What was announced.
    pub expectation: Expectation,
    /// The removals by its principal under its prefix within its time, as cells of all days that
    /// it covers; any order. The first [`Expectation::objects_max`] of them are expected.
    pub cells: Vec<Cell>,
}

/// Why a single removal (or a declared one) is worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suspicion {
    /// It came so soon after a write that replaced the object.
    Stale {
        /// When that write was; `None` when that is not known any more.
        replaced_at: Option<Timestamp>,
    },
    /// The same was removed before, by another request, with no write between.
    Repeated {
        /// When that was.
        first_at: Timestamp,
    },
    /// It was declared and did not happen.
    Unfulfilled,
    /// It took longer than it should from the request to the removal, in milliseconds.
    Slow(i64),
}

/// A single removal that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The key.
    pub key: String,
    /// When it was removed, or declared.
    pub at: Timestamp,
    /// Who removed it, by a number that [`Input::callers`] knows; `None` when nobody did.
    pub caller: Option<i64>,
    /// Why it is one.
    pub suspicion: Suspicion,
}

/// The findings of this bucket that began on this day: the same for the same input, in whatever
/// order its parts are.
#[must_use]
pub fn detect(input: &Input<'_>) -> Vec<Finding> {
    detect_with(&Baselines::of(input), input)
}

/// The same with baselines that [`Baselines::of`] made for the same bucket and day; the past of the
/// input is not read.
#[must_use]
pub fn detect_with(baselines: &Baselines, input: &Input<'_>) -> Vec<Finding> {
    let scene = Scene::new(baselines, input);
    let mut findings = Vec::new();
    for (detector, find) in DETECTORS {
        if input.settings.mode(detector) != Mode::Off {
            findings.extend(find(&scene));
        }
    }
    relation::related(&scene, findings)
}

/// What looks for the findings of each detector.
type Find = fn(&Scene<'_>) -> Vec<Finding>;

/// Every detector that can look; [`off_because`] tells of the others.
const DETECTORS: [(Detector, Find); 15] = [
    (Detector::MassDelete, mass_delete::find),
    (Detector::OffPattern, off_pattern::find),
    (Detector::NewDeleter, new_deleter::find),
    (Detector::NewOrigin, new_origin::find),
    (Detector::VersionPurge, version_purge::find),
    (Detector::StaleDelete, stale_delete::find),
    (Detector::RedundantDelete, redundant_delete::find),
    (Detector::DeleteDenied, delete_denied::find),
    (Detector::ProtectionOff, protection_off::find),
    (Detector::LifecycleSurge, lifecycle_surge::find),
    (Detector::ReadThenDestroy, read_then_destroy::find),
    (Detector::LogTamper, log_tamper::find),
    (Detector::BlindSpot, blind_spot::find),
    (Detector::UnfulfilledIntent, unfulfilled_intent::find),
    (Detector::LatencySlo, latency_slo::find),
];
