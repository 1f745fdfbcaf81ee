//! Why a finding is not made any more: its numbers then and now.

use std::sync::Arc;

use super::{
    APP, Baselines, Bucket, CLEANER, Finding, STRANGER, Suspicion, announcement, detect,
    withdrawn_because,
};
use crate::detect::Counts;
use crate::domain::{Actor, Detector, Mode};

/// Why a finding of today is not made any more.
fn because(bucket: &Bucket, was: &Finding) -> String {
    bucket.ask(0, |input| {
        let now = detect(input);
        assert!(now.iter().all(|finding| finding.id() != was.id()), "it is still found");
        withdrawn_because(&Baselines::of(input), input, was, &now)
    })
}

#[test]
fn what_was_announced_is_named() {
    let mut bucket = Bucket::quiet();
    bucket.remove(0, (10, 0), APP, 600);
    let was = bucket.only(Detector::MassDelete).unwrap();
    bucket.announced = vec![announcement(&bucket.cells, 1_000)];
    let told = "600 removals then, 0 now; 600 were announced as move-to-archive";
    assert_eq!(because(&bucket, &was), told);
}

#[test]
fn what_is_known_to_be_usual_by_now_is_told_beside_what_was() {
    let mut bucket = Bucket::quiet();
    bucket.remove(0, (10, 0), APP, 600);
    let was = bucket.only(Detector::MassDelete).unwrap();
    for day in [-9, -7, -5] {
        bucket.remove(day, (10, 0), APP, 500);
    }
    let told = "600 removals as before; up to 0 were usual then, and up to 500 are now";
    assert_eq!(because(&bucket, &was), told);
}

#[test]
fn who_turns_out_to_have_been_there_before_is_told_with_the_days() {
    let mut bucket = Bucket::used(10);
    bucket.remove(0, (10, 0), STRANGER, 12);
    let was = bucket.only(Detector::NewDeleter).unwrap();
    bucket.remove(-3, (10, 0), STRANGER, 1);
    bucket.remove(-4, (10, 0), STRANGER, 1);
    let told = "12 removals as before; removed something on 2 of the 28 days before";
    assert_eq!(because(&bucket, &was), told);
}

#[test]
fn single_removals_that_were_excused_are_counted_then_and_now() {
    let mut bucket = Bucket::used(10);
    for second in 0..4 {
        bucket.suspect(36_000 + second, Some(CLEANER), Suspicion::Stale { replaced_at: None });
    }
    let was = bucket.only(Detector::StaleDelete).unwrap();
    bucket.suspects.clear();
    assert_eq!(because(&bucket, &was), "4 fresh uploads then, 0 now");
}

#[test]
fn a_source_that_was_only_late_is_told_by_what_it_lacks_now() {
    let late = |missing| {
        let mut bucket = Bucket::used(10);
        let counts =
            Counts { removed: 100, markers: 100, without_cloudtrail: missing, ..super::NOTHING };
        bucket.add(0, (10, 0), APP, counts);
        let complete = super::TODAY.plus(1).start();
        for source in [super::Source::CloudTrail, super::Source::S3Notification] {
            bucket.watermarks.insert(source, complete);
        }
        bucket
    };
    let was = late(60).only(Detector::BlindSpot).unwrap();
    assert_eq!(because(&late(4), &was), "60 removals that were not told then, 4 now");
}

#[test]
fn who_is_known_by_a_better_name_is_told_with_the_finding_that_took_its_place() {
    let mut bucket = Bucket::used(10);
    bucket.remove(0, (10, 0), STRANGER, 12);
    let named = Arc::clone(&bucket.callers[&STRANGER]);
    let by_arn = Actor { principal_id: None, ..Actor::clone(&named) };
    bucket.callers.insert(STRANGER, by_arn.into());
    let was = bucket.only(Detector::NewDeleter).unwrap();
    bucket.callers.insert(STRANGER, named);
    let id = bucket.only(Detector::NewDeleter).unwrap().id();
    assert_eq!(because(&bucket, &was), format!("told of stranger now, as new_deleter ({id})"));
}

#[test]
fn a_detector_that_is_switched_off_is_named() {
    let mut bucket = Bucket::quiet();
    bucket.remove(0, (10, 0), APP, 600);
    let was = bucket.only(Detector::MassDelete).unwrap();
    bucket.settings.modes.insert(Detector::MassDelete, Mode::Off);
    assert_eq!(because(&bucket, &was), "mass_delete is switched off");
}
