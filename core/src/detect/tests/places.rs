//! Out of its hour, and out of its place.

use super::{APP, Bucket, CLEANER, PAST_DAYS, STRANGER, role};
use crate::domain::{Detector, Severity};

/// A bucket of which 20 000 objects are removed at two o'clock every night.
fn nightly() -> Bucket {
    let mut bucket = Bucket::quiet();
    for day in -PAST_DAYS..=0 {
        for minute in (0..60).step_by(5) {
            bucket.remove(day, (2, minute), CLEANER, 1_600 + (day * 7 + minute).rem_euclid(90));
        }
    }
    bucket
}

#[test]
fn what_is_hidden_under_a_nightly_batch_is_found_by_its_hour() {
    let mut bucket = nightly();
    assert_eq!(bucket.found(), []);
    bucket.remove(0, (12, 0), CLEANER, 1_000);
    let found = bucket.only(Detector::OffPattern).unwrap();
    assert_eq!((found.severity, found.reason.observed), (Severity::Warning, 1_000));
    let start = "1000 within 5 minutes, when up to 0 were usual from 12:00 UTC on working days";
    assert!(found.reason.sentence.starts_with(start), "{}", found.reason.sentence);
}

#[test]
fn a_batch_that_drifts_over_the_full_hour_is_in_its_place() {
    let mut bucket = nightly();
    bucket.remove(0, (1, 55), CLEANER, 1_650);
    assert_eq!(bucket.only(Detector::OffPattern), None);
}

#[test]
fn what_happens_now_and_then_at_any_hour_is_in_no_place() {
    let mut bucket = Bucket::quiet();
    for day in -28..0 {
        bucket.remove(day, ((day * 5).rem_euclid(24), 0), APP, 45);
    }
    bucket.remove(0, (11, 0), APP, 45);
    assert_eq!(bucket.found(), []);
}

#[test]
fn a_mass_is_not_found_again_by_its_hour() {
    let mut bucket = nightly();
    bucket.remove(0, (12, 0), CLEANER, 50_000);
    assert_eq!(bucket.severities_on(0), [(Detector::MassDelete, Severity::Critical)]);
}

#[test]
fn a_known_principal_from_a_new_network_is_worth_knowing_and_with_a_new_program_more() {
    let mut bucket = Bucket::used(1_000);
    bucket.callers.insert(9, role("app", "192.0.2.1", "aws-sdk-java/2.99").into());
    bucket.remove(0, (10, 0), 9, 9);
    assert_eq!(bucket.only(Detector::NewOrigin), None);
    bucket.remove(0, (20, 0), 9, 1);
    let found = bucket.only(Detector::NewOrigin).unwrap();
    assert_eq!((found.severity, found.tally.markers), (Severity::Info, 10));
    assert_eq!(found.origins, ["192.0.2.0/24 (new)"]);
    assert_eq!(found.agents, ["aws-sdk-java/2"]);
    bucket.callers.insert(9, role("app", "192.0.2.1", "Mozilla/5.0").into());
    assert_eq!(bucket.only(Detector::NewOrigin).unwrap().severity, Severity::Warning);
}

#[test]
fn a_new_origin_is_found_once_and_learnt_and_never_for_who_is_hardly_known_or_roams() {
    let mut bucket = Bucket::used(1_000);
    bucket.callers.insert(9, role("app", "192.0.2.1", "aws-sdk-java/2.99").into());
    for day in -3..=0 {
        bucket.remove(day, (10, 0), 9, 40);
    }
    let days: Vec<i64> = (-4..=0)
        .filter(|day| bucket.found_on(*day).iter().any(|it| it.detector == Detector::NewOrigin))
        .collect();
    assert_eq!(days, [-3]);

    let mut bucket = Bucket::used(1_000);
    bucket.callers.insert(9, role("stranger", "198.51.100.1", "aws-cli/2.15.0").into());
    bucket.remove(-9, (10, 0), STRANGER, 40);
    bucket.remove(0, (10, 0), 9, 40);
    assert_eq!(bucket.only(Detector::NewOrigin), None, "hardly known");

    for network in 0..9 {
        let caller = 20 + network;
        let address = format!("10.0.{network}.1");
        bucket.callers.insert(caller, role("stranger", &address, "aws-cli/2.15.0").into());
        bucket.remove(-20 + network, (10, 0), caller, 40);
    }
    assert_eq!(bucket.only(Detector::NewOrigin), None, "at home in many networks");
}
