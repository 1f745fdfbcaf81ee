//! What is claimed beyond alarms and recall: stale and repeated deletes, and speed. It writes no
//! tables.

use std::collections::BTreeMap;
use std::time::Instant;

use deltrail_core::detect::{Cell, Counts, Input, Settings, Suspect, Suspicion, detect_with};
use deltrail_core::domain::{Detector, Finding, Timestamp};

use crate::background::{APP, Bucket, FIRST_DAY, Kind, WORKER, window};
use crate::chance::Chance;
use crate::figures::median;
use crate::lives::Life;

/// The day that is judged.
const DAY: i64 = 40;
/// Buckets for each claim.
const BUCKETS: usize = 200;

/// Stale and repeated deletes: true ones found, and those of programs that mean it left alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Claims {
    pub buckets: usize,
    pub stale_found: usize,
    pub stale_wrong: usize,
    pub repeated_found: usize,
    pub repeated_wrong: usize,
}

impl Claims {
    /// In each bucket a worker cleans temporary files up, some of them minutes after they were
    /// replaced; and the application removes fresh uploads once, and calls twice once.
    pub fn check() -> Self {
        let mut claims = Self { buckets: BUCKETS, ..Self::default() };
        for seed in 0..BUCKETS as u64 {
            let mut chance = Chance::new(seed);
            let (found, keys) = cleaned(&mut chance);
            let by = |detector: Detector, name: &str| {
                let of = found.iter().filter(|it| it.detector == detector);
                of.filter(|it| it.who.first().is_some_and(|who| who.principal == name)).count()
            };
            claims.stale_found += usize::from(
                found
                    .iter()
                    .any(|it| it.detector == Detector::StaleDelete && it.reason.observed == keys),
            );
            claims.stale_wrong += by(Detector::StaleDelete, "worker");
            claims.repeated_found += by(Detector::RedundantDelete, "app");
            claims.repeated_wrong += by(Detector::RedundantDelete, "worker");
        }
        claims
    }
}

fn cleaned(chance: &mut Chance) -> (Vec<Finding>, u64) {
    let mut bucket = Bucket::new(Kind::Sparse, chance);
    let share = 0.06 + 0.5 * chance.uniform();
    let mut suspects = Vec::new();
    for day in 0..=DAY {
        let removed = chance.between(50, 400);
        let stale = (removed as f64 * share) as i64;
        let counts = Counts { removed, markers: removed, stale, ..Counts::default() };
        let at = window(day, chance.between(0, 287));
        bucket.cells.push(Cell { window: at, caller: WORKER, counts });
        if day == DAY {
            suspects.extend((0..stale).map(|nth| suspect(at.start(), nth, WORKER, true)));
        }
    }
    let at = window(DAY, chance.between(0, 280)).start();
    let keys = chance.between(1, 30);
    suspects.extend((0..keys).map(|nth| suspect(at, nth, APP, true)));
    let twice = chance.between(20, 60);
    suspects.extend((0..twice).map(|nth| suspect(at, nth, APP, false)));
    (found(&Life::new(bucket), &suspects), keys.cast_unsigned())
}

fn suspect(begin: Timestamp, nth: i64, caller: i64, is_stale: bool) -> Suspect {
    let at = begin.as_millis() + nth * 1_000;
    let before = Timestamp::from_millis(at - if is_stale { 240_000 } else { 400 });
    let suspicion = if is_stale {
        Suspicion::Stale { replaced_at: Some(before) }
    } else {
        Suspicion::Repeated { first_at: before }
    };
    let key = format!("{caller}/{nth}");
    Suspect { key, at: Timestamp::from_millis(at), caller: Some(caller), suspicion }
}

fn found(life: &Life, suspects: &[Suspect]) -> Vec<Finding> {
    let baselines = life.baselines(DAY);
    detect_with(
        &baselines,
        &Input {
            bucket: "photos",
            day: FIRST_DAY.plus(DAY),
            cells: &[],
            past: &[],
            callers: &life.bucket.callers,
            suspects,
            traces: &[],
            past_traces: &[],
            changes: &[],
            unresolved_calls: 0,
            watermarks: &BTreeMap::new(),
            observed_since: FIRST_DAY.start(),
            announced: &[],
            settings: &Settings::default(),
        },
    )
}

/// How fast, and how large.
#[derive(Debug, Clone, Copy, Default)]
pub struct Speed {
    /// Cells looked at in a second, and so removals when each lies in a cell of its own; where
    /// many share one, many more.
    pub removals_per_second: f64,
    /// Microseconds for a day of about 300 cells, with baselines.
    pub day_micros: f64,
    /// Milliseconds to learn a day's baselines from 40 days of about 300 cells.
    pub learn_millis: f64,
    /// Bytes of a series' baseline.
    pub series_bytes: usize,
}

impl Speed {
    pub fn measure(seed: u64) -> Self {
        const ROUNDS: usize = 200;
        let mut chance = Chance::new(seed);
        let diurnal = Life::new(Bucket::new(Kind::Diurnal, &mut chance));
        let baselines = diurnal.baselines(DAY);
        // The median: on a machine that others use too, a mean tells of them.
        let of_day = median_seconds(ROUNDS, || {
            std::hint::black_box(diurnal.found(&baselines, DAY, &[], &[]));
        });
        let learning = median_seconds(ROUNDS / 10, || {
            std::hint::black_box(diurnal.baselines(DAY));
        });
        let days = (DAY - 2) * 288..(DAY + 2) * 288;
        let begin = FIRST_DAY.number() * 288;
        let is_given = |cell: &&Cell| days.contains(&(cell.window.number() - begin));
        let cells = diurnal.bucket.cells.iter().filter(is_given).count();
        Self {
            removals_per_second: cells as f64 / of_day,
            day_micros: of_day * 1e6,
            learn_millis: learning * 1e3,
            series_bytes: baselines.memory_bytes() / 2,
        }
    }
}

/// How long something takes, in seconds; the median of so many rounds.
fn median_seconds(rounds: usize, work: impl Fn()) -> f64 {
    let round = |_| {
        let begin = Instant::now();
        work();
        begin.elapsed().as_secs_f64()
    };
    median((0..rounds).map(round).collect()).unwrap_or_default()
}
