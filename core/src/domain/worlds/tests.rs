//! The worlds at work: 500 of them in the usual run, 10 000 in the deep one. A world that fails is
//! named by its seed, and `PROPTEST_RNG_SEED=<seed>` plays that world alone.

use std::collections::BTreeMap;

use proptest::test_runner::{Config, RngSeed};

use super::acting::{STALE_MILLIS, act_out};
use super::acts::World;
use super::census::Census;
use super::judging::{Judged, fulfilled, fulfilled_by, judged};
use super::ledger::{Fold, Ledger};
use super::mutants::{merging_by_time, right, told_apart, without_matching};
use super::shaking::{Delivery, deliver, kept_in};
use super::truth::known_from;
use super::writing::{written, written_of_uploads};
use crate::domain::dice::Dice;
use crate::domain::{Creation, Evidence, Slot, SourceSet};

/// In how many ways each world is delivered.
const DELIVERIES: u64 = 8;
const WORLDS_USUALLY: u64 = 500;

/// The seeds of this run: a fifth of the cases that properties are asked for, and no less than
/// usually; or the one that is asked for.
fn seeds() -> Vec<u64> {
    let config = Config::default();
    match config.rng_seed {
        RngSeed::Fixed(seed) => vec![seed],
        RngSeed::Random => (0..u64::from(config.cases / 5).max(WORLDS_USUALLY)).collect(),
    }
}

/// The ways in which the world of this seed is delivered.
fn deliveries(seed: u64, world: &World) -> impl Iterator<Item = Delivery> {
    let written = written(world);
    (0..DELIVERIES).map(move |nth| {
        let case = seed.wrapping_mul(DELIVERIES).wrapping_add(nth);
        let kept = kept_in(usize::try_from(case % 15).unwrap());
        deliver(&written, kept, &mut Dice::new(!case))
    })
}

fn learnt(fold: Fold, batches: &[Vec<Evidence>]) -> Ledger {
    let mut ledger = Ledger::new(fold);
    for batch in batches {
        ledger.commit(batch);
    }
    ledger
}

/// Creations as they arrive: only from the sources that are left, in no order, and twice.
fn creations_of(world: &World, kept: SourceSet, dice: &mut Dice) -> Vec<Creation> {
    let mut arriving = written_of_uploads(world);
    arriving.retain(|creation| kept.contains(creation.source));
    arriving.extend(arriving.clone());
    dice.shuffle(&mut arriving);
    arriving
}

fn stale_window(seed: u64) -> i64 {
    STALE_MILLIS[usize::try_from(seed % 3).unwrap()]
}

fn verdicts_of(ledger: &Ledger, creations: &[Creation], seed: u64) -> BTreeMap<Slot, Judged> {
    let said = ledger.verdicts(creations, stale_window(seed)).into_iter();
    said.filter(|(_, said)| !said.is_empty())
        .map(|(slot, said)| (slot, Judged::from_verdicts(&said)))
        .collect()
}

/// Whether some delivery of the world makes a wrong fold differ from the truth.
fn catches(seed: u64, fold: Fold, is_deduped: bool) -> bool {
    let world = act_out(seed);
    deliveries(seed, &world).any(|delivery| {
        let kept = delivery.kept;
        let batches = if is_deduped { delivery.batches } else { told_apart(delivery.batches) };
        learnt(fold, &batches).known() != known_from(&world, kept)
    })
}

#[test]
fn rows_and_counters_equal_the_truth_that_the_remaining_sources_allow() {
    let mut census = Census::default();
    let seeds = seeds();
    for &seed in &seeds {
        let world = act_out(seed);
        world.seen.iter().for_each(|what| census.see(what));
        for delivery in deliveries(seed, &world) {
            census.see_missing(delivery.kept);
            delivery.seen.iter().for_each(|what| census.see(what));
            let (learnt, truth) =
                (learnt(right, &delivery.batches).known(), known_from(&world, delivery.kept));
            assert_eq!(learnt.differences(&truth), "", "world {seed}, from {:?}", delivery.kept);
        }
    }
    println!("{}", census.table());
    if seeds.len() > 1 {
        assert_eq!(census.complaints(), Vec::<String>::new());
    }
}

#[test]
fn verdicts_equal_the_truth_that_the_remaining_sources_allow() {
    let mut census = Census::default();
    let seeds = seeds();
    for &seed in &seeds {
        let world = act_out(seed);
        for delivery in deliveries(seed, &world) {
            let kept = delivery.kept;
            let ledger = learnt(right, &delivery.batches);
            let creations = creations_of(&world, kept, &mut Dice::new(seed));
            let (said, truth) =
                (verdicts_of(&ledger, &creations, seed), judged(&world, kept, stale_window(seed)));
            for (slot, truth) in &truth {
                truth.enter(&mut census);
                assert_eq!(said.get(slot), Some(truth), "world {seed}, from {kept:?}, {slot:?}");
            }
            assert_eq!(said, truth, "world {seed}, from {kept:?}");
            let said = fulfilled_by(&world, |slot, at| ledger.fulfilment(slot, at));
            let truth = fulfilled(&world, kept);
            for group in truth.values() {
                let is_so = group.is_some();
                census.see(if is_so { "intent fulfilled" } else { "intent not fulfilled" });
            }
            assert_eq!(said, truth, "world {seed}, from {kept:?}");
        }
    }
    println!("{}", census.table());
    if seeds.len() > 1 {
        assert_eq!(census.complaints_of_verdicts(), Vec::<String>::new());
    }
}

#[test]
fn wrong_verdicts_are_noticed() {
    let is_caught = |fold: Fold, knows_creations: bool| {
        (0..WORLDS_USUALLY).any(|seed| {
            let world = act_out(seed);
            deliveries(seed, &world).any(|delivery| {
                let ledger = learnt(fold, &delivery.batches);
                let kept = if knows_creations { delivery.kept } else { SourceSet::default() };
                let creations = creations_of(&world, kept, &mut Dice::new(seed));
                let truth = judged(&world, delivery.kept, stale_window(seed));
                let said = verdicts_of(&ledger, &creations, seed);
                let duplicates = |all: &BTreeMap<Slot, Judged>| -> usize {
                    all.values().map(|judged| judged.duplicates).sum()
                };
                duplicates(&said) > duplicates(&truth)
            })
        })
    };
    assert!(!is_caught(right, true), "the right ones pass");
    assert!(is_caught(right, false), "a write between forgotten");
    assert!(is_caught(without_matching, true), "call and child taken for two requests");
}

#[test]
fn wrong_folds_are_noticed() {
    let failing = |what: &str, fold: Fold, is_deduped: bool| {
        let worlds = (0..WORLDS_USUALLY).filter(|&seed| catches(seed, fold, is_deduped)).count();
        println!("{worlds:>9}  worlds differ by a fold with {what}");
        worlds
    };
    assert_eq!(failing("no fault", right, true), 0);
    assert!(failing("no child matching", without_matching, true) > 0);
    assert!(failing("no dedupe", right, false) > 0);
    assert!(failing("claims merged by time", merging_by_time, true) > 0);
}
