//! Single removals that somebody should look at, put together by who is behind them. It knows not
//! what makes them worth it.

use std::collections::BTreeMap;

use super::limits::PERSISTED_DAYS;
use super::scene::{Of, Scene};
use super::{Suspect, Suspicion};
use crate::domain::Day;

/// An hour, in milliseconds.
const HOUR_MILLIS: i64 = 60 * 60 * 1_000;
/// What a share is thought to be before anything was seen: so much of so many removals.
const PRIOR: (f64, f64) = (0.5, 20.0);

/// Which of the numbers of [`super::Counts`] a suspicion is counted as.
#[derive(Debug, Clone, Copy)]
pub(super) enum Numbers {
    Stale = 8,
    Repeated = 9,
}

/// The suspects of the day for which this holds, by principal.
pub(super) fn by_principal<'a>(
    scene: &Scene<'a>,
    is_meant: fn(&Suspicion) -> bool,
) -> Vec<(Of, Vec<&'a Suspect>)> {
    let mut found: BTreeMap<Option<usize>, Vec<&'a Suspect>> = BTreeMap::new();
    let suspects = scene.input.suspects.iter();
    let today = suspects.filter(|suspect| Day::of(suspect.at) == scene.input.day);
    for suspect in today.filter(|suspect| is_meant(&suspect.suspicion)) {
        let index = match scene.of_suspect(suspect) {
            Of::Principal(index) => Some(index),
            Of::Bucket | Of::Nameless => None,
        };
        found.entry(index).or_default().push(suspect);
    }
    let found = found.into_iter();
    found.map(|(index, them)| (index.map_or(Of::Nameless, Of::Principal), them)).collect()
}

/// The most of them within any hour.
pub(super) fn most_within_an_hour(suspects: &[&Suspect]) -> u64 {
    let mut times: Vec<i64> = suspects.iter().map(|suspect| suspect.at.as_millis()).collect();
    times.sort_unstable();
    let within = |(first, at): (usize, &i64)| {
        times[first..].partition_point(|other| other - at < HOUR_MILLIS)
    };
    times.iter().enumerate().map(within).max().unwrap_or(0) as u64
}

/// How often a principal usually does a thing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    counted: u32,
    removed: u32,
    days: u8,
}

impl Share {
    /// Whether it is its way of working: on several days, and more than this share.
    pub(super) fn is_usual(self, share_max: f64) -> bool {
        let (before, all_before) = PRIOR;
        let share = (f64::from(self.counted) + before) / (f64::from(self.removed) + all_before);
        usize::from(self.days) >= PERSISTED_DAYS && share >= share_max
    }

    /// How many there were in 28 days.
    pub(super) fn counted(self) -> u64 {
        u64::from(self.counted)
    }

    /// The share, as it is told.
    pub(super) fn in_percent(self) -> String {
        let share = f64::from(self.counted) / f64::from(self.removed.max(1));
        format!("{:.1} %", share * 100.0)
    }
}

/// How often this principal did this within 28 days.
pub(super) fn usual_share(scene: &Scene<'_>, of: Of, numbers: Numbers) -> Share {
    let number = numbers as usize;
    let none = Share { counted: 0, removed: 0, days: 0 };
    scene.baseline(of).map_or(none, |known| Share {
        counted: known.sums[number],
        removed: known.sums[0],
        days: known.days[number],
    })
}

/// `4 s after (median)`, for gaps in milliseconds.
pub(super) fn median_words(mut gaps: Vec<i64>) -> String {
    gaps.sort_unstable();
    match gaps.get(gaps.len() / 2) {
        Some(millis) => {
            let which = if gaps.len() == 1 { "" } else { " (median)" };
            format!("{:.1} s{which} after", *millis as f64 / 1_000.0)
        }
        None => "soon after".to_owned(),
    }
}
