//! Who is silent, and who is refused.

use super::{APP, Bucket, CLEANER, Counts, NOTHING, Source, TODAY, Timestamp};
use crate::domain::{Detector, Severity};

fn unlogged(bucket: &mut Bucket, day: i64, removed: i64, without_cloudtrail: i64) {
    let counts = Counts { removed, markers: removed, without_cloudtrail, ..NOTHING };
    bucket.add(day, (10, 0), APP, counts);
}

fn complete_to(bucket: &mut Bucket, source: Source, minutes: i64) {
    let at = TODAY.start().as_millis() + minutes * 60_000;
    bucket.watermarks.insert(source, Timestamp::from_millis(at));
}

#[test]
fn removals_that_cloudtrail_never_told_of_are_found_once_it_should_have() {
    let mut bucket = Bucket::used(100);
    unlogged(&mut bucket, 0, 100, 11);
    complete_to(&mut bucket, Source::S3Notification, 11 * 60 + 45);
    assert_eq!(bucket.found(), [], "CloudTrail does not tell of this bucket");
    complete_to(&mut bucket, Source::CloudTrail, 11 * 60 + 44);
    assert_eq!(bucket.found(), [], "it may still come");
    complete_to(&mut bucket, Source::CloudTrail, 11 * 60 + 45);
    let found = bucket.only(Detector::BlindSpot).unwrap();
    assert_eq!((found.severity, found.subject.as_str()), (Severity::Critical, "cloudtrail"));
    assert!(found.reason.sentence.starts_with("11 of 100 removals in an hour"));
}

#[test]
fn a_source_that_always_tells_of_a_part_only_is_not_silent() {
    let mut bucket = Bucket::quiet();
    for day in -28..=0 {
        unlogged(&mut bucket, day, 100, 40);
    }
    complete_to(&mut bucket, Source::S3Notification, 3_000);
    complete_to(&mut bucket, Source::CloudTrail, 3_000);
    assert_eq!(bucket.found(), []);
}

#[test]
fn bulk_calls_without_a_key_are_found() {
    let mut bucket = Bucket::quiet();
    bucket.unresolved_calls = 1;
    let found = bucket.only(Detector::BlindSpot).unwrap();
    assert_eq!((found.severity, found.subject.as_str()), (Severity::Info, "keys"));
    bucket.unresolved_calls = 10;
    assert_eq!(bucket.only(Detector::BlindSpot).unwrap().severity, Severity::Warning);
}

#[test]
fn refused_deletes_are_found_above_what_is_usual() {
    let denied = |denied| Counts { denied, ..NOTHING };
    let mut bucket = Bucket::used(10);
    bucket.add(0, (10, 0), CLEANER, denied(19));
    assert_eq!(bucket.found(), []);
    bucket.add(0, (10, 0), CLEANER, denied(1));
    let found = bucket.only(Detector::DeleteDenied).unwrap();
    assert_eq!((found.tally.denied, found.who[0].objects), (20, 20));
    assert_eq!(found.who[0].principal, "cleaner");
    for day in -28..-1 {
        bucket.add(day, (10, 0), CLEANER, denied(15));
    }
    assert_eq!(bucket.found(), []);
}
