//! What holds of every bucket: the order of the input does not matter, nor into how many cells it
//! is cut, nor in which week it all happens, nor whether baselines were kept. 500 buckets in the
//! usual run, 10 000 in the deep one; a bucket that fails is named by its seed, and
//! `PROPTEST_RNG_SEED=<seed>` plays that bucket alone.

use std::collections::BTreeMap;

use proptest::test_runner::{Config, RngSeed};

use super::{
    APP, Bucket, CLEANER, Counts, NOTHING, PAST_DAYS, STRANGER, TODAY, Traced, Window, announcement,
};
use crate::detect::WINDOWS_PER_DAY;
use crate::domain::dice::Dice;
use crate::domain::{Deed, Detector, Finding, Hour, KeySketch, Mode};

const BUCKETS_USUALLY: u64 = 500;

fn seeds() -> Vec<u64> {
    let config = Config::default();
    match config.rng_seed {
        RngSeed::Fixed(seed) => vec![seed],
        RngSeed::Random => (0..u64::from(config.cases / 5).max(BUCKETS_USUALLY)).collect(),
    }
}

/// A bucket with some traffic, and something that happens to it today or around it.
fn any_bucket(dice: &mut Dice) -> Bucket {
    let mut bucket = Bucket::quiet();
    bucket.observed_days = *dice.pick(&[0, 3, 10, 20, 28, 29, 60, 400]);
    let hourly = *dice.pick(&[0, 1, 5, 40, 900]);
    for day in -PAST_DAYS..=1 {
        if dice.one_in(4) {
            continue;
        }
        for _ in 0..dice.below(6) {
            let at = (dice.between(0, 23), dice.between(0, 59));
            let caller = *dice.pick(&[APP, APP, CLEANER]);
            bucket.remove(day, at, caller, dice.between(0, 2 * hourly));
        }
        if dice.one_in(20) {
            bucket.purge(day, (dice.between(0, 23), 0), CLEANER, dice.between(1, 30));
        }
    }
    for _ in 0..dice.between(1, 3) {
        let at = (dice.between(0, 23), dice.between(0, 59));
        let caller = *dice.pick(&[APP, CLEANER, STRANGER]);
        let objects = *dice.pick(&[5, 30, 120, 3_000, 50_000]);
        let day = dice.between(-1, 1);
        match dice.below(4) {
            0 => bucket.purge(day, at, caller, objects),
            1 => bucket.add(day, at, caller, Counts { denied: objects, ..NOTHING }),
            2 => bucket.add(day, at, caller, Counts { lifecycle: objects, ..NOTHING }),
            _ => bucket.remove(day, at, caller, objects),
        }
    }
    if dice.one_in(2) {
        bucket.settings.modes.insert(Detector::ReadThenDestroy, Mode::Live);
        for _ in 0..dice.between(1, 12) {
            trace(&mut bucket, dice);
        }
    }
    if dice.one_in(5) {
        let announced: Vec<_> = bucket.cells.iter().rev().take(4).copied().collect();
        bucket.announced = vec![announcement(&announced, 100)];
    }
    bucket
}

/// Something that was done to keys around today, often to the same ones.
fn trace(bucket: &mut Bucket, dice: &mut Dice) {
    let hour = Hour::of(TODAY.start()).plus(dice.between(-30, 40));
    let first = *dice.pick(&[0, 0, 0, 500]);
    let count = *dice.pick(&[5, 15, 30, 400]);
    let caller = *dice.pick(&[APP, STRANGER]);
    let deed = *dice.pick(&[Deed::Read, Deed::Read, Deed::Removed, Deed::CustomerKey]);
    let mut keys = KeySketch::default();
    for key in first..first + count {
        keys.insert(&format!("{key}"));
    }
    let (first_at, last_at) = (hour.start(), hour.start());
    bucket.traces.push(Traced { caller, hour, deed, keys, first_at, last_at });
    if deed == Deed::Removed {
        let counts = Counts { removed: count, markers: count, ..NOTHING };
        bucket.cells.push(super::Cell { window: Window::of(first_at), caller, counts });
    }
}

/// Cells cut into several and shuffled; sums of them are the same.
fn shuffled(bucket: &mut Bucket, dice: &mut Dice) {
    let mut cells = Vec::new();
    for mut cell in bucket.cells.drain(..) {
        if dice.one_in(3) {
            let half = Counts::from_numbers(cell.counts.numbers().map(|number| number / 2));
            cells.push(super::Cell { counts: half, ..cell });
            cell.counts = cell.counts - half;
        }
        cells.push(cell);
    }
    dice.shuffle(&mut cells);
    bucket.cells = cells;
    dice.shuffle(&mut bucket.suspects);
    // The same may be told in several rows.
    let again: Vec<Traced> = bucket.traces.iter().filter(|_| dice.one_in(3)).cloned().collect();
    bucket.traces.extend(again);
    dice.shuffle(&mut bucket.traces);
    dice.shuffle(&mut bucket.changes);
    for announced in &mut bucket.announced {
        dice.shuffle(&mut announced.cells);
    }
}

/// The same callers under other numbers.
fn renumbered(bucket: &mut Bucket) {
    let renumber = |caller: i64| 1_000 - caller;
    let callers = std::mem::take(&mut bucket.callers);
    bucket.callers = callers.into_iter().map(|(number, actor)| (renumber(number), actor)).collect();
    let announced = bucket.announced.iter_mut().flat_map(|announced| announced.cells.iter_mut());
    for cell in bucket.cells.iter_mut().chain(announced) {
        cell.caller = renumber(cell.caller);
    }
    for trace in &mut bucket.traces {
        trace.caller = renumber(trace.caller);
    }
    for suspect in &mut bucket.suspects {
        suspect.caller = suspect.caller.map(renumber);
    }
}

fn found_around(bucket: &Bucket) -> Vec<Finding> {
    (-1..=1).flat_map(|day| bucket.found_on(day)).collect()
}

#[test]
fn the_same_evidence_gives_the_same_findings_in_any_order() {
    let (mut with_findings, mut with_reads) = (0, 0);
    for seed in seeds() {
        let mut dice = Dice::new(seed);
        let mut bucket = any_bucket(&mut dice);
        let found = found_around(&bucket);
        shuffled(&mut bucket, &mut dice);
        renumbered(&mut bucket);
        assert_eq!(found_around(&bucket), found, "seed {seed}");
        with_findings += u64::from(!found.is_empty());
        let is_of_reads = |it: &Finding| it.detector == Detector::ReadThenDestroy;
        with_reads += u64::from(found.iter().any(is_of_reads));
    }
    assert!(with_reads * 20 > seeds().len() as u64, "{with_reads} with reads");
    assert!(with_findings * 4 > seeds().len() as u64, "{with_findings} with findings");
}

#[test]
fn no_finding_is_made_twice_for_one_detector_subject_and_day() {
    for seed in seeds() {
        let found = found_around(&any_bucket(&mut Dice::new(seed)));
        let mut ids = BTreeMap::new();
        for finding in found {
            let twin = ids.insert(finding.id(), finding.clone());
            assert_eq!(twin, None, "seed {seed}: {finding:?}");
        }
    }
}

/// What does not change when everything happens in another week.
fn timeless(findings: Vec<Finding>) -> Vec<(Detector, String, String, [u64; 3])> {
    let of = |it: Finding| {
        let numbers = [it.reason.observed, it.reason.threshold, it.tally.removed()];
        (it.detector, it.subject, it.severity.as_str().to_owned(), numbers)
    };
    findings.into_iter().map(of).collect()
}

#[test]
fn in_another_week_the_same_is_found() {
    for seed in seeds() {
        let mut dice = Dice::new(seed);
        let mut bucket = any_bucket(&mut dice);
        bucket.announced.clear();
        let found = timeless(bucket.found());
        let days = 7 * dice.between(1, 60);
        for cell in &mut bucket.cells {
            cell.window = Window::numbered(cell.window.number() + days * WINDOWS_PER_DAY);
        }
        for trace in &mut bucket.traces {
            trace.hour = trace.hour.plus(days * 24);
        }
        bucket.observed_days -= days;
        assert_eq!(timeless(bucket.found_on(days)), found, "seed {seed}");
    }
}

#[test]
fn what_comes_late_takes_no_mass_away() {
    for seed in seeds() {
        let mut dice = Dice::new(seed);
        let mut bucket = any_bucket(&mut dice);
        bucket.observed_days = 400;
        let masses = |bucket: &Bucket| {
            let found = [bucket.found_on(-1), bucket.found_on(0)].concat();
            found.iter().filter(|it| it.detector == Detector::MassDelete).count()
        };
        let before = masses(&bucket);
        let at = (dice.between(0, 23), dice.between(0, 59));
        bucket.remove(0, at, *dice.pick(&[APP, CLEANER]), dice.between(1, 5_000));
        assert!(before == 0 || masses(&bucket) > 0, "seed {seed}");
    }
}

#[test]
fn whom_an_announcement_covers_does_not_depend_on_who_was_heard_of_first() {
    let mut bucket = Bucket::quiet();
    bucket.remove(0, (10, 0), APP, 600);
    bucket.remove(0, (10, 0), STRANGER, 600);
    bucket.announced = vec![announcement(&bucket.cells, 600)];
    let found = bucket.found();
    assert!(!found.is_empty());
    renumbered(&mut bucket);
    assert_eq!(bucket.found(), found);
}
