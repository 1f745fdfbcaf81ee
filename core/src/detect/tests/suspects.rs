//! Single removals that somebody should look at: stale, repeated, declared in vain, slow.

use super::{APP, Bucket, CLEANER, Counts, NOTHING, Source, Suspicion, TODAY, Timestamp};
use crate::domain::{Detector, Severity};

fn stale(bucket: &mut Bucket, seconds: i64, caller: i64) {
    let written = TODAY.start().as_millis() + (seconds - 250) * 1_000;
    let replaced_at = Some(Timestamp::from_millis(written));
    bucket.suspect(seconds, Some(caller), Suspicion::Stale { replaced_at });
}

fn repeated(bucket: &mut Bucket, seconds: i64, gap_millis: i64) {
    let first = TODAY.start().as_millis() + seconds * 1_000 - gap_millis;
    let first_at = Timestamp::from_millis(first);
    bucket.suspect(seconds, Some(CLEANER), Suspicion::Repeated { first_at });
}

#[test]
fn the_first_fresh_upload_that_is_removed_is_found_with_its_key() {
    let mut bucket = Bucket::used(10);
    stale(&mut bucket, 36_250, CLEANER);
    let found = bucket.only(Detector::StaleDelete).unwrap();
    assert_eq!((found.severity, found.reason.observed), (Severity::Warning, 1));
    assert_eq!(found.sample_keys, ["thumbs/36250.jpg"]);
    assert_eq!(found.who[0].principal, "cleaner");
    assert_eq!(
        found.reason.sentence,
        "1 removed 250.0 s after a write that replaced them; usually 0.0 % of this \
         principal's removals are so"
    );
}

#[test]
fn who_removes_fresh_uploads_as_a_way_of_working_is_not_found() {
    let mut bucket = Bucket::quiet();
    for day in -28..=0 {
        let counts = Counts { removed: 100, markers: 100, stale: 30, ..NOTHING };
        bucket.add(day, (10, 0), CLEANER, counts);
    }
    stale(&mut bucket, 36_250, CLEANER);
    assert_eq!(bucket.only(Detector::StaleDelete), None);
    stale(&mut bucket, 36_251, APP);
    assert_eq!(bucket.only(Detector::StaleDelete).unwrap().who[0].principal, "app");
}

#[test]
fn many_within_an_hour_are_critical_once_no_later_write_can_excuse_them() {
    let mut bucket = Bucket::used(10);
    for second in 0..20 {
        stale(&mut bucket, 36_000 + second * 180, CLEANER);
    }
    assert_eq!(bucket.only(Detector::StaleDelete).unwrap().severity, Severity::Warning);
    let complete = Timestamp::from_millis(TODAY.start().as_millis() + 40_000_000);
    bucket.watermarks.insert(Source::CloudTrail, complete);
    assert_eq!(bucket.only(Detector::StaleDelete).unwrap().severity, Severity::Critical);
}

#[test]
fn keys_deleted_twice_are_found_with_what_likely_deletes_them_twice() {
    for (gap_millis, cause) in [
        (400, "the call is made twice"),
        (20_000, "the call is retried"),
        (400_000, "two jobs do the same"),
    ] {
        let mut bucket = Bucket::used(10);
        bucket.remove(0, (10, 0), CLEANER, 40);
        for second in 0..19 {
            repeated(&mut bucket, 36_000 + second, gap_millis);
        }
        assert_eq!(bucket.only(Detector::RedundantDelete), None);
        repeated(&mut bucket, 36_020, gap_millis);
        let found = bucket.only(Detector::RedundantDelete).unwrap();
        assert_eq!((found.severity, found.reason.observed), (Severity::Info, 20));
        assert!(found.reason.sentence.ends_with(cause), "{}", found.reason.sentence);
        bucket.remove(0, (10, 0), CLEANER, 400);
        assert_eq!(bucket.only(Detector::RedundantDelete), None, "a small share of all");
    }
}

#[test]
fn a_declared_delete_that_did_not_happen_is_found() {
    let mut bucket = Bucket::used(10);
    bucket.suspect(36_000, None, Suspicion::Unfulfilled);
    let found = bucket.only(Detector::UnfulfilledIntent).unwrap();
    assert_eq!((found.severity, found.subject.as_str()), (Severity::Warning, ""));
    assert_eq!(found.sample_keys, ["thumbs/36000.jpg"]);
    assert_eq!(found.tally.removed(), 0);
}

#[test]
fn slow_deletes_are_found_when_they_burn_the_budget() {
    let mut bucket = Bucket::used(10);
    bucket.remove(0, (10, 0), APP, 60);
    for second in 0..9 {
        bucket.suspect(36_000 + second, Some(APP), Suspicion::Slow(90_000));
    }
    assert_eq!(bucket.only(Detector::LatencySlo), None, "too few to tell");
    bucket.suspect(36_010, Some(APP), Suspicion::Slow(90_000));
    let found = bucket.only(Detector::LatencySlo).unwrap();
    assert_eq!((found.severity, found.reason.observed), (Severity::Warning, 10));
    assert!(found.reason.sentence.starts_with("17 % of the deletes within an hour"));
    bucket.remove(0, (10, 0), APP, 1_000);
    assert_eq!(bucket.only(Detector::LatencySlo), None, "a small share");
}
