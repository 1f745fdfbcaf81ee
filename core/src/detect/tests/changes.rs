//! What was switched off, what tells of it, and lifecycle rules.

use super::{APP, Bucket, CLEANER, Counts, NOTHING, STRANGER};
use crate::domain::{Detector, Outcome, Severity};

fn expire(bucket: &mut Bucket, day: i64, objects: i64) {
    bucket.add(day, (1, 0), 99, Counts { lifecycle: objects, ..NOTHING });
}

#[test]
fn versioning_suspended_is_found_with_who_did_it() {
    let mut bucket = Bucket::used(10);
    bucket.change((0, 9), STRANGER, "PutBucketVersioning", "Status=Suspended");
    let found = bucket.only(Detector::ProtectionOff).unwrap();
    assert_eq!((found.severity, found.who[0].principal.as_str()), (Severity::Warning, "stranger"));
    let sentence = "versioning suspended at 2026-11-23 09:00 by stranger";
    assert_eq!(found.reason.sentence, sentence);
    assert_eq!(found.first_at.to_string(), "2026-11-23T09:00:00.000Z");
}

#[test]
fn a_program_that_changes_such_things_anyway_is_worth_knowing_only() {
    let mut bucket = Bucket::used(10);
    bucket.change((-8, 9), CLEANER, "PutBucketLifecycle", "Expiration.Days=30");
    bucket.change((0, 9), CLEANER, "PutBucketLifecycle", "Expiration.Days=1");
    assert_eq!(bucket.only(Detector::ProtectionOff).unwrap().severity, Severity::Info);
    bucket.change((0, 10), CLEANER, "DeleteBucketReplication", "");
    let found = bucket.only(Detector::ProtectionOff).unwrap();
    assert_eq!((found.severity, found.reason.observed), (Severity::Warning, 2));
}

#[test]
fn a_change_that_harms_nothing_or_was_refused_is_no_finding() {
    let mut bucket = Bucket::used(10);
    bucket.change((0, 9), STRANGER, "PutBucketLifecycle", "Transition.Days=30");
    bucket.change((0, 9), STRANGER, "PutBucketVersioning", "Status=Suspended");
    bucket.changes[1].outcome = Outcome::Denied;
    assert_eq!(bucket.found(), []);
}

#[test]
fn more_removals_than_of_late_make_a_change_critical_for_two_days() {
    for (day, hour) in [(0, 12), (1, 8)] {
        let mut bucket = Bucket::used(10);
        bucket.change((0, 9), STRANGER, "PutBucketVersioning", "Status=Suspended");
        bucket.remove(day, (hour, 0), APP, 240);
        assert_eq!(bucket.only(Detector::ProtectionOff).unwrap().severity, Severity::Warning);
        expire(&mut bucket, day, 1);
        let expected = if day == 0 { Severity::Warning } else { Severity::Critical };
        assert_eq!(bucket.only(Detector::ProtectionOff).unwrap().severity, expected, "{day}");
        bucket.remove(day, (hour + 1, 0), APP, 2);
        assert_eq!(bucket.only(Detector::ProtectionOff).unwrap().severity, Severity::Critical);
        let masses = bucket.found_on(day);
        let mass = masses.iter().find(|it| it.detector == Detector::MassDelete).unwrap();
        assert_eq!(mass.severity, Severity::Critical);
        assert!(mass.notes.iter().any(|it| it.starts_with("versioning suspended")));
    }
}

#[test]
fn removals_are_held_against_a_change_until_48_hours_after_it_and_no_longer() {
    let changed = |(day, hour)| {
        let mut bucket = Bucket::used(10);
        bucket.change((0, 9), STRANGER, "PutBucketVersioning", "Status=Suspended");
        bucket.remove(day, (hour, 0), APP, 900);
        bucket.only(Detector::ProtectionOff).unwrap()
    };
    let held = changed((2, 8));
    assert_eq!(held.severity, Severity::Critical);
    let note = "900 objects removed within a day since, when 240 were the most of 7 days";
    assert_eq!(held.notes, [note]);
    assert_eq!(changed((2, 10)).severity, Severity::Warning);
}

#[test]
fn what_tells_of_deletions_is_critical_to_change_even_to_try() {
    for (name, detail) in [
        ("StopLogging", ""),
        ("DeleteTrail", ""),
        ("UpdateTrail", "S3BucketName=elsewhere"),
        ("PutEventSelectors", "EventSelectors.ReadWriteType=ReadOnly"),
        ("PutBucketNotification", ""),
        ("PutBucketLogging", ""),
    ] {
        let mut bucket = Bucket::quiet();
        bucket.change((0, 9), STRANGER, name, detail);
        let found = bucket.only(Detector::LogTamper).unwrap();
        assert_eq!(found.severity, Severity::Critical, "{name}");
        bucket.changes[0].outcome = Outcome::Denied;
        let found = bucket.only(Detector::LogTamper).unwrap();
        assert!(found.reason.sentence.contains("(refused)"), "{}", found.reason.sentence);
        bucket.change((-5, 9), STRANGER, name, detail);
        assert_eq!(bucket.only(Detector::LogTamper).unwrap().severity, Severity::Warning);
    }
    let mut bucket = Bucket::quiet();
    bucket.change((0, 9), STRANGER, "PutBucketLogging", "LoggingEnabled.TargetBucket=logs");
    assert_eq!(bucket.found(), []);
}

#[test]
fn lifecycle_rules_that_expire_more_than_ever_are_found_with_who_made_them() {
    let mut bucket = Bucket::quiet();
    for day in -40..0 {
        expire(&mut bucket, day, 300);
    }
    expire(&mut bucket, 0, 600);
    assert_eq!(bucket.found(), []);
    bucket.change((-1, 9), STRANGER, "PutBucketLifecycle", "Expiration.Days=1");
    expire(&mut bucket, 0, 1);
    let found = bucket.only(Detector::LifecycleSurge).unwrap();
    assert_eq!(
        found.reason.sentence,
        "2.0 times the largest day of the last 28 days (300, on 2026-10-25)"
    );
    assert_eq!(
        found.notes[0],
        "rules last changed by stranger at 2026-11-22 09:00: Expiration.Days=1"
    );
    assert_eq!(found.severity, Severity::Critical, "a rule was added the day before");
}
