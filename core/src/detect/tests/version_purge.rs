//! Versions removed for good.

use super::{ACCOUNT, APP, Bucket, CLEANER};
use crate::domain::{Detector, Severity};

#[test]
fn ten_versions_by_somebody_who_only_makes_markers_are_found() {
    let mut bucket = Bucket::used(1_000);
    bucket.purge(0, (10, 0), APP, 9);
    assert_eq!(bucket.only(Detector::VersionPurge), None);
    bucket.purge(0, (10, 20), APP, 1);
    let found = bucket.only(Detector::VersionPurge).unwrap();
    assert_eq!((found.severity, found.tally.versions), (Severity::Warning, 10));
    assert_eq!(
        found.reason.sentence,
        "10 versions removed for good within an hour, when 0 were in 28 days (0.0 % of the \
         removals)"
    );
    bucket.purge(0, (10, 30), APP, 90);
    assert_eq!(bucket.only(Detector::VersionPurge).unwrap().severity, Severity::Critical);
}

#[test]
fn who_always_removes_versions_is_not_found() {
    let mut bucket = Bucket::used(10);
    for day in -30..=0 {
        bucket.purge(day, (5, 0), CLEANER, 40);
    }
    assert_eq!(bucket.found(), []);
}

#[test]
fn one_purge_does_not_make_the_next_one_usual() {
    let mut bucket = Bucket::used(1_000);
    bucket.purge(-9, (5, 0), CLEANER, 15);
    bucket.purge(0, (5, 0), CLEANER, 15);
    assert!(bucket.only(Detector::VersionPurge).is_some());
}

#[test]
fn a_purge_by_nobody_known_is_the_buckets() {
    let mut bucket = Bucket::used(1_000);
    bucket.purge(0, (5, 0), ACCOUNT, 15);
    let found = bucket.only(Detector::VersionPurge).unwrap();
    assert_eq!((found.subject.as_str(), found.principals), ("", 0));
}
