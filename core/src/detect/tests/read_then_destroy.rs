//! Who reads keys and then removes them, or encrypts them with a foreign key; and who does so every
//! day because that is its work.

use std::ops::Range;

use super::{APP, Bucket, CLEANER, STRANGER, TODAY, Traced, announcement};
use crate::domain::{Deed, Detector, Finding, Hour, KeySketch, Mode, Severity};

fn with_reads(mut bucket: Bucket) -> Bucket {
    bucket.settings.modes.insert(Detector::ReadThenDestroy, Mode::Live);
    bucket
}

impl Bucket {
    /// Something that a caller did to these keys at this hour of a day.
    fn trace(&mut self, (day, hour): (i64, i64), caller: i64, deed: Deed, keys: Range<u32>) {
        let hour = Hour::of(TODAY.plus(day).start()).plus(hour);
        let mut sketch = KeySketch::default();
        for key in keys {
            sketch.insert(&format!("photos/{key}.jpg"));
        }
        let (first_at, last_at) = (hour.start(), hour.start());
        self.traces.push(Traced { caller, hour, deed, keys: sketch, first_at, last_at });
    }

    /// Keys that a caller removes at this hour of a day, as all that counts removals has it too.
    fn destroy(&mut self, (day, hour): (i64, i64), caller: i64, keys: Range<u32>) {
        self.remove(day, (hour.rem_euclid(24), 10), caller, i64::from(keys.end - keys.start));
        self.trace((day, hour), caller, Deed::Removed, keys);
    }

    fn ransom(&self) -> Option<Finding> {
        self.only(Detector::ReadThenDestroy)
    }
}

fn severity(bucket: &Bucket) -> Option<Severity> {
    bucket.ransom().map(|finding| finding.severity)
}

#[test]
fn who_reads_and_removes_the_same_keys_is_found_with_how_many() {
    let mut bucket = with_reads(Bucket::used(3));
    bucket.trace((0, 9), STRANGER, Deed::Read, 0..60);
    bucket.destroy((0, 10), STRANGER, 10..61);
    let found = bucket.ransom().unwrap();
    assert_eq!(found.severity, Severity::Critical);
    assert_eq!(found.who[0].principal, "stranger");
    assert_eq!((found.reason.observed, found.tally.markers), (51, 51));
    assert!(found.reason.sentence.contains("51 keys removed"), "{}", found.reason.sentence);
    assert!(found.reason.sentence.contains("50 of which it had read"), "{}", found.reason.sentence);
    assert!(found.related.contains(&Detector::NewDeleter), "{found:?}");
}

#[test]
fn it_does_not_look_unless_somebody_wants_it() {
    let mut bucket = Bucket::used(3);
    bucket.trace((0, 9), STRANGER, Deed::Read, 0..60);
    bucket.destroy((0, 10), STRANGER, 0..60);
    assert_eq!(bucket.ransom(), None);
}

#[test]
fn reads_of_others_of_few_and_of_long_before_are_no_reason() {
    let cases: [(&str, i64, i64, Range<u32>); 4] = [
        ("another principal", APP, 9, 0..60),
        ("less than half", STRANGER, 9, 0..29),
        ("other keys", STRANGER, 9, 1_000..1_060),
        ("25 hours before", STRANGER, -15, 0..60),
    ];
    for (case, caller, hour, read) in cases {
        let mut bucket = with_reads(Bucket::used(3));
        bucket.trace((0, hour), caller, Deed::Read, read);
        bucket.destroy((0, 10), STRANGER, 0..60);
        assert_eq!(bucket.ransom(), None, "{case}");
    }
    let mut bucket = with_reads(Bucket::used(3));
    bucket.trace((0, -14), STRANGER, Deed::Read, 0..60);
    bucket.destroy((0, 10), STRANGER, 0..60);
    assert!(bucket.ransom().is_some(), "24 hours before");
}

#[test]
fn nineteen_keys_are_looked_through_by_hand_and_a_burst_may_lie_on_both_sides_of_the_hour() {
    for (keys, is_found) in [(19, false), (20, true)] {
        let mut bucket = with_reads(Bucket::used(3));
        bucket.trace((0, 9), STRANGER, Deed::Read, 0..60);
        bucket.destroy((0, 10), STRANGER, 0..10);
        bucket.destroy((0, 11), STRANGER, 10..keys);
        assert_eq!(bucket.ransom().is_some(), is_found, "{keys}");
    }
}

#[test]
fn of_very_many_keys_a_sample_tells() {
    let mut bucket = with_reads(Bucket::used(3));
    for hour in 0..10 {
        bucket.trace((0, hour), STRANGER, Deed::Read, 0..20_000);
    }
    bucket.destroy((0, 10), STRANGER, 0..20_000);
    let observed = bucket.ransom().unwrap().reason.observed;
    assert!((17_000..23_000).contains(&observed), "{observed}");
    let mut bucket = with_reads(Bucket::used(3));
    bucket.trace((0, 9), STRANGER, Deed::Read, 0..20_000);
    bucket.destroy((0, 10), STRANGER, 12_000..40_000);
    assert_eq!(bucket.ransom(), None, "a third of them was read");
    // A principal that reads very much more than it removes cannot be told from its sample.
    let mut bucket = with_reads(Bucket::used(3));
    bucket.trace((0, 9), STRANGER, Deed::Read, 0..20_000);
    bucket.destroy((0, 10), STRANGER, 0..60);
    assert_eq!(bucket.ransom(), None);
}

#[test]
fn who_removes_what_it_has_worked_on_every_day_does_its_work() {
    let worked = |days: i64| {
        let mut bucket = with_reads(Bucket::quiet());
        for day in -days - 1..=0 {
            bucket.trace((day, 9), CLEANER, Deed::Read, 0..60);
            bucket.destroy((day, 10), CLEANER, 0..60);
        }
        severity(&bucket)
    };
    assert_eq!(worked(0), Some(Severity::Critical), "yesterday is too fresh to be usual");
    assert_eq!(worked(2), Some(Severity::Critical));
    assert_eq!(worked(3), None);
}

#[test]
fn who_removed_before_reads_were_kept_may_be_doing_its_work() {
    let mut bucket = with_reads(Bucket::quiet());
    for day in -20..0 {
        bucket.remove(day, (10, 10), CLEANER, 60);
    }
    bucket.trace((0, 9), CLEANER, Deed::Read, 0..60);
    bucket.destroy((0, 10), CLEANER, 0..60);
    let found = bucket.ransom().unwrap();
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.notes.iter().any(|note| note.contains("not known yet")), "{:?}", found.notes);
    for day in -20..0 {
        bucket.trace((day, 10), CLEANER, Deed::Removed, 0..60);
    }
    assert_eq!(severity(&bucket), Some(Severity::Critical), "it never read what it removed");
}

#[test]
fn what_was_announced_is_none_of_it() {
    let mut bucket = with_reads(Bucket::quiet());
    bucket.trace((0, 9), STRANGER, Deed::Read, 0..60);
    bucket.destroy((0, 10), STRANGER, 0..60);
    bucket.announced = vec![announcement(&bucket.cells, 60)];
    assert_eq!(bucket.ransom(), None);
    bucket.announced = vec![announcement(&bucket.cells, 30)];
    assert!(bucket.ransom().is_some(), "30 more than were announced");
}

#[test]
fn a_burst_over_midnight_is_one_finding() {
    let mut bucket = with_reads(Bucket::used(3));
    bucket.trace((0, 22), STRANGER, Deed::Read, 0..200);
    bucket.destroy((0, 23), STRANGER, 0..60);
    bucket.trace((1, 0), STRANGER, Deed::Removed, 60..200);
    bucket.remove(1, (0, 10), STRANGER, 140);
    let found = bucket.ransom().unwrap();
    assert_eq!(found.tally.markers, 200);
    let next: Vec<Finding> = bucket.found_on(1);
    assert!(next.iter().all(|it| it.detector != Detector::ReadThenDestroy), "{next:?}");
}

#[test]
fn many_keys_under_a_key_of_the_caller_are_critical_though_nothing_is_removed() {
    let mut bucket = with_reads(Bucket::used(3));
    bucket.trace((0, 10), STRANGER, Deed::CustomerKey, 0..51);
    let found = bucket.ransom().unwrap();
    assert_eq!((found.severity, found.reason.observed), (Severity::Critical, 51));
    assert_eq!((found.tally.removed(), found.who[0].objects), (0, 51));
    assert_eq!(found.who[0].principal, "stranger");
    let ten = Hour::of(TODAY.start()).plus(10).start();
    assert_eq!((found.first_at, found.last_at), (ten, ten));

    bucket.observed_days = 2;
    assert_eq!(severity(&bucket), Some(Severity::Warning), "it may have been so before");
    bucket.trace((0, 9), STRANGER, Deed::Read, 0..51);
    assert_eq!(severity(&bucket), Some(Severity::Critical), "they were there before");
    bucket.observed_days = 400;
    for day in [-9, -5, -3] {
        bucket.trace((day, 10), STRANGER, Deed::CustomerKey, 0..51);
    }
    assert_eq!(severity(&bucket), None, "it is how this program writes");
}

#[test]
fn a_kms_key_of_another_account_matters_for_what_was_read_before() {
    let mut bucket = with_reads(Bucket::used(3));
    bucket.trace((0, 10), STRANGER, Deed::ForeignKey, 0..51);
    assert_eq!(bucket.ransom(), None, "keys may be kept in an account of their own");
    bucket.trace((0, 9), STRANGER, Deed::Read, 0..51);
    assert_eq!(severity(&bucket), Some(Severity::Critical));
}

#[test]
fn what_was_read_changes_nothing_that_others_find() {
    let found = |bucket: &Bucket| {
        let mut found = bucket.found();
        found.retain(|it| it.detector != Detector::ReadThenDestroy);
        for it in &mut found {
            it.related.clear();
        }
        found
    };
    let mut bucket = Bucket::used(3);
    bucket.remove(0, (10, 10), STRANGER, 2_000);
    let before = found(&bucket);
    assert!(!before.is_empty());
    let mut bucket = with_reads(bucket);
    bucket.trace((0, 9), STRANGER, Deed::Read, 0..2_000);
    bucket.trace((0, 10), STRANGER, Deed::Removed, 0..2_000);
    assert!(bucket.ransom().is_some());
    assert_eq!(found(&bucket), before);
}
