//! Somebody new.

use super::{ACCOUNT, APP, Bucket, STRANGER};
use crate::domain::{Detector, Severity};

#[test]
fn a_stranger_who_removes_ten_objects_is_found() {
    let mut bucket = Bucket::used(1_000);
    bucket.remove(0, (10, 0), STRANGER, 9);
    assert_eq!(bucket.only(Detector::NewDeleter), None);
    bucket.remove(0, (10, 50), STRANGER, 1);
    let found = bucket.only(Detector::NewDeleter).unwrap();
    assert_eq!((found.severity, found.tally.markers), (Severity::Warning, 10));
    assert_eq!(found.who[0].principal, "stranger");
    assert_eq!(found.who[0].sessions, ["i-0a"]);
    assert_eq!(found.origins, ["192.0.2.0/24 (new)"]);
    assert_eq!(found.agents, ["aws-cli/2 (new)"]);
    assert!(found.reason.sentence.contains("10 within an hour"), "{}", found.reason.sentence);
}

#[test]
fn one_version_removed_for_good_is_enough_and_known_principals_are_not_new() {
    let mut bucket = Bucket::used(1_000);
    bucket.purge(0, (10, 0), STRANGER, 1);
    assert!(bucket.only(Detector::NewDeleter).is_some());
    bucket.remove(-27, (10, 0), STRANGER, 1);
    assert_eq!(bucket.only(Detector::NewDeleter), None);
}

#[test]
fn a_stranger_is_found_once() {
    let mut bucket = Bucket::used(1_000);
    for (day, hour) in [(-1, 23), (0, 0), (0, 12), (1, 12)] {
        bucket.remove(day, (hour, 0), STRANGER, 12);
    }
    let days: Vec<i64> = (-2..=1)
        .filter(|day| {
            bucket.severities_on(*day).contains(&(Detector::NewDeleter, Severity::Warning))
        })
        .collect();
    assert_eq!(days, [-1]);
}

#[test]
fn with_a_mass_or_a_purge_a_stranger_is_critical() {
    let mut bucket = Bucket::used(10);
    bucket.remove(0, (10, 0), STRANGER, 60);
    let expected =
        [(Detector::MassDelete, Severity::Warning), (Detector::NewDeleter, Severity::Critical)];
    assert_eq!(bucket.severities_on(0), expected);
    let found = bucket.only(Detector::NewDeleter).unwrap();
    assert_eq!(found.related, [Detector::MassDelete]);
}

#[test]
fn at_first_everybody_is_new_and_an_account_is_nobody() {
    let mut bucket = Bucket::used(1_000);
    bucket.remove(0, (10, 0), STRANGER, 12);
    bucket.observed_days = 13;
    assert_eq!(bucket.only(Detector::NewDeleter), None);
    let mut bucket = Bucket::used(1_000);
    bucket.remove(0, (10, 0), ACCOUNT, 12);
    assert_eq!(bucket.only(Detector::NewDeleter), None);
    bucket.remove(0, (10, 0), APP, 12);
    assert_eq!(bucket.found(), []);
}
