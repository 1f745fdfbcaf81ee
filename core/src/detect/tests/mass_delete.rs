//! More than ever: in a bucket, by a principal, over 5 minutes to 24 hours, at first and later.

use super::{APP, Bucket, CLEANER, Sensitivity, announcement};
use crate::domain::{Detector, Finding, Severity};

fn mass(bucket: &Bucket) -> Option<Finding> {
    bucket.only(Detector::MassDelete)
}

#[test]
fn what_is_usual_is_no_finding() {
    let mut bucket = Bucket::used(400);
    bucket.hourly(0, APP, 400);
    assert_eq!(bucket.found(), []);
}

#[test]
fn the_first_thousand_ever_in_a_quiet_bucket_is_found() {
    let mut bucket = Bucket::quiet();
    bucket.remove(0, (10, 2), APP, 1_000);
    let found = mass(&bucket).unwrap();
    assert_eq!(found.severity, Severity::Critical);
    assert_eq!(found.reason.sentence, "1000 within 5 minutes, and none in the last 28 days");
    assert_eq!((found.reason.observed, found.reason.threshold), (1_000, 50));
    assert_eq!((found.subject.as_str(), found.tally.markers), ("", 1_000));
    assert_eq!(found.who[0].principal, "app");
    assert_eq!(found.first_at.to_string(), "2026-11-23T10:00:00.000Z");
    assert_eq!(found.last_at.to_string(), "2026-11-23T10:05:00.000Z");
}

#[test]
fn more_than_twice_the_largest_hour_is_found_with_how_many_times_it_is() {
    let mut bucket = Bucket::used(100);
    bucket.remove(-20, (3, 0), CLEANER, 40);
    for minute in 0..12 {
        bucket.remove(0, (10, minute * 5), APP, 90);
    }
    let found = mass(&bucket).unwrap();
    let record = "7.7 times the largest hour of the last 28 days (140, on 2026-11-03)";
    assert_eq!(found.reason.sentence, record);
    assert_eq!((found.reason.baseline, found.reason.threshold), (140, 281));
    assert_eq!((found.tally.removed(), found.severity), (1_080, Severity::Warning));
    bucket.remove(0, (10, 20), APP, 4 * 281 - 1_080);
    assert_eq!(mass(&bucket).unwrap().severity, Severity::Critical);
}

#[test]
fn a_drip_is_found_by_its_24_hours() {
    let mut bucket = Bucket::used(10);
    for window in 0..288 {
        bucket.remove(0, (0, window * 5), APP, 3);
    }
    let found = mass(&bucket).unwrap();
    assert!(found.reason.sentence.contains("largest 24 hours"), "{}", found.reason.sentence);
}

#[test]
fn one_principal_is_found_where_the_bucket_as_a_whole_hides_it() {
    let mut bucket = Bucket::used(2_000);
    for day in -30..0 {
        bucket.remove(day, (5, 0), CLEANER, 20);
    }
    bucket.hourly(0, APP, 2_000);
    bucket.remove(0, (10, 0), CLEANER, 600);
    let found = mass(&bucket).unwrap();
    assert_eq!(found.subject, "AROAEXAMPLECLEANERXX");
    assert_eq!((found.who[0].principal.as_str(), found.who[0].objects), ("cleaner", 600));
    assert_eq!(found.severity, Severity::Warning);
}

#[test]
fn what_began_yesterday_is_yesterdays() {
    let mut bucket = Bucket::used(10);
    for minute in [-10, -5, 0, 5, 10] {
        bucket.remove(0, (0, minute), APP, 400);
    }
    assert_eq!(mass(&bucket), None);
    let yesterday = bucket.found_on(-1);
    assert_eq!(yesterday[0].tally.removed(), 2_010, "its first hour holds what was usual too");
    assert_eq!(yesterday[0].last_at.to_string(), "2026-11-23T00:15:00.000Z");
    bucket.hourly(0, APP, 10);
    assert_eq!(bucket.found(), [], "it stays in the sum of 24 hours");
}

#[test]
fn an_attack_is_found_again_the_next_day_and_a_new_habit_is_learnt() {
    let mut bucket = Bucket::quiet();
    let nightly = |bucket: &mut Bucket, day| bucket.remove(day, (2, 0), APP, 5_000);
    for day in -10..=0 {
        nightly(&mut bucket, day);
    }
    let found: Vec<i64> = (-12..=0).filter(|day| !bucket.found_on(*day).is_empty()).collect();
    assert_eq!(found, [-10, -9, -8, -7]);
}

#[test]
fn at_first_only_many_at_once_are_found() {
    let mut bucket = Bucket::quiet();
    bucket.observed_days = 2;
    bucket.remove(0, (10, 0), APP, 900);
    assert_eq!(mass(&bucket), None);
    bucket.remove(0, (10, 10), APP, 200);
    let found = mass(&bucket).unwrap();
    assert_eq!(found.severity, Severity::Critical);
    assert!(found.notes.iter().any(|note| note.starts_with("learning until 2026-12-19")));
    bucket.observed_days = 0;
    assert_eq!(mass(&bucket).unwrap().severity, Severity::Warning);
}

#[test]
fn at_first_a_busy_bucket_is_compared_with_what_came_before() {
    let mut bucket = Bucket::quiet();
    bucket.observed_days = 2;
    for day in -2..=0 {
        bucket.hourly(day, APP, 5_000);
    }
    assert_eq!(mass(&bucket), None);
    bucket.remove(0, (12, 0), APP, 20_000);
    assert!(mass(&bucket).is_some());
}

#[test]
fn while_it_is_learnt_a_bucket_is_given_more_room() {
    let mut bucket = Bucket::used(100);
    bucket.observed_days = 10;
    bucket.remove(0, (10, 0), APP, 250);
    assert_eq!(mass(&bucket), None);
    bucket.observed_days = 30;
    assert!(mass(&bucket).is_some());
    bucket.settings.sensitivity = Sensitivity::Low;
    assert_eq!(mass(&bucket), None);
}

#[test]
fn what_was_announced_is_no_finding_and_what_comes_beyond_is_a_harder_one() {
    let mut bucket = Bucket::quiet();
    bucket.remove(0, (10, 0), CLEANER, 600);
    bucket.remove(0, (10, 5), CLEANER, 400);
    bucket.announced = vec![announcement(&bucket.cells, 1_000)];
    assert_eq!(bucket.found(), []);
    assert_eq!(bucket.announced[0].used(), 1_000);

    bucket.remove(0, (10, 10), CLEANER, 60);
    bucket.announced = vec![announcement(&bucket.cells, 1_000)];
    let found = mass(&bucket).unwrap();
    assert_eq!((found.tally.removed(), found.severity), (60, Severity::Critical));
    assert_eq!(found.notes[0], "60 more than the 1000 announced as move-to-archive");
    assert_eq!((bucket.announced[0].used(), bucket.announced[0].beyond()), (1_000, 60));
}

#[test]
fn an_important_bucket_is_critical_at_once() {
    let mut bucket = Bucket::used(10);
    bucket.remove(0, (10, 0), APP, 60);
    assert_eq!(mass(&bucket).unwrap().severity, Severity::Warning);
    bucket.settings.is_important = true;
    assert_eq!(mass(&bucket).unwrap().severity, Severity::Critical);
}

/// A bucket from which now and then few and now and then many are removed: up to 256.
fn of_bursts() -> Bucket {
    let mut bucket = Bucket::quiet();
    for day in -40..0 {
        bucket.remove(day, (10, 0), APP, 2 << ((day + 40) % 8));
    }
    bucket
}

#[test]
fn twice_the_record_is_worth_knowing_only_where_days_differ_much() {
    let mut bursts = of_bursts();
    bursts.remove(0, (10, 0), APP, 600);
    let found = bursts.only(Detector::MassDelete).unwrap();
    assert_eq!(found.severity, Severity::Info);
    assert!(found.notes[0].starts_with("worth knowing only: days here differ"), "{found:?}");
    bursts.settings.sensitivity = Sensitivity::High;
    assert_eq!(bursts.only(Detector::MassDelete).unwrap().severity, Severity::Warning);

    let mut steady = Bucket::quiet();
    for day in -40..0 {
        steady.remove(day, (10, 0), APP, 256);
    }
    steady.remove(0, (10, 0), APP, 600);
    assert_eq!(steady.only(Detector::MassDelete).unwrap().severity, Severity::Warning);
}

#[test]
fn a_thousand_within_an_hour_are_a_warning_however_much_days_differ() {
    let mut bursts = of_bursts();
    for minute in (0..60).step_by(5) {
        bursts.remove(0, (10, minute), APP, 83);
    }
    assert_eq!(bursts.only(Detector::MassDelete).unwrap().severity, Severity::Info, "996 of them");
    bursts.remove(0, (10, 30), APP, 4);
    assert_eq!(bursts.only(Detector::MassDelete).unwrap().severity, Severity::Warning);
}
