//! Which keys are within bounds, and that jumping over days leaves out nothing that is wanted.

use proptest::prelude::*;

use super::{Look, TimeBounds};
use crate::domain::{Day, Timestamp};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn between(since: &str, until: &str) -> TimeBounds {
    TimeBounds { since: Some(at(since)), until: Some(at(until)) }
}

/// The key of a CloudTrail file of this minute.
fn trail(folder: &str, minute: Timestamp) -> String {
    let text = minute.to_string();
    let (date, time) = text.split_once('T').unwrap();
    let name = format!("{}T{}{}Z", date.replace('-', ""), &time[..2], &time[3..5]);
    let day = date.replace('-', "/");
    format!("{folder}/{day}/111122223333_CloudTrail_eu-west-1_{name}_0123456789abcdef.json.gz")
}

const FOLDER: &str = "AWSLogs/o-1/111122223333/CloudTrail/eu-west-1";

#[test]
fn a_file_of_a_trail_is_wanted_from_its_events_until_it_can_be_late_no_more() {
    let bounds = between("2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z");
    let look = |minute: &str| bounds.look(&trail(FOLDER, at(minute)), None);
    assert_eq!(look("2026-11-23T09:45:00Z"), Look::Outside);
    assert_eq!(look("2026-11-23T09:50:00Z"), Look::Within, "clocks differ");
    assert_eq!(look("2026-11-23T12:55:00Z"), Look::Within, "it may be late");
    assert_eq!(look("2026-11-23T13:00:00Z"), Look::Outside);
    let before = format!("{FOLDER}/2026/11/23");
    assert_eq!(look("2026-11-22T23:55:00Z"), Look::OutsideUntil(before.clone()));
    assert_eq!(look("2024-01-01T00:00:00Z"), Look::OutsideUntil(before));
    let past = "AWSLogs/o-1/111122223333/CloudTrail/eu-west-10";
    assert_eq!(look("2026-11-24T00:00:00Z"), Look::OutsideUntil(past.to_owned()));
}

#[test]
fn late_files_of_an_evening_lie_in_the_folder_of_the_next_day() {
    let bounds = between("2026-11-23T23:00:00Z", "2026-11-23T23:30:00Z");
    let look = |minute: &str| bounds.look(&trail(FOLDER, at(minute)), None);
    assert_eq!(look("2026-11-24T00:20:00Z"), Look::Within);
    assert!(matches!(look("2026-11-25T00:00:00Z"), Look::OutsideUntil(_)));
}

#[test]
fn digests_and_files_with_other_names_follow_the_folder_of_their_day() {
    let bounds = between("2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z");
    let digest = |day: &str, time: &str| {
        let folder = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1";
        let name = "111122223333_CloudTrail-Digest_eu-west-1_a_20200101T000000Z_b_eu-west-1";
        bounds.look(&format!("{folder}/{day}/{name}_{time}.json.gz"), None)
    };
    assert_eq!(digest("2026/11/23", "20261123T103000Z"), Look::Within);
    assert_eq!(digest("2026/11/23", "20261123T083000Z"), Look::Outside);
    assert_eq!(digest("2026/11/23", "20261123T103000Z_backfill"), Look::Within);
    assert!(matches!(digest("2026/11/22", "20261122T103000Z"), Look::OutsideUntil(_)));
    let other = |day: &str| bounds.look(&format!("{FOLDER}/{day}/export.json.gz"), None);
    assert_eq!(other("2026/11/23"), Look::Within);
    assert!(matches!(other("2026/11/21"), Look::OutsideUntil(_)));
}

#[test]
fn an_access_log_is_wanted_by_the_day_in_its_name() {
    let bounds = between("2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z");
    let flat = |name: &str| bounds.look(&format!("access/images-{name}"), None);
    assert_eq!(flat("2026-11-22-23-59-59-0123456789ABCDEF"), Look::Outside);
    assert_eq!(flat("2026-11-23-00-00-00-0123456789ABCDEF"), Look::Within, "of event time");
    assert_eq!(flat("2026-11-24-09-00-00-0123456789ABCDEF"), Look::Within, "hours late");
    assert_eq!(flat("2026-11-25-00-00-00-0123456789ABCDEF"), Look::Outside);
    let dated = |day: &str| {
        let name = format!("{}-00-00-00-0123456789ABCDEF", day.replace('/', "-"));
        bounds.look(&format!("access/111122223333/eu-west-1/images/{day}/{name}"), None)
    };
    let parent = "access/111122223333/eu-west-1/images";
    assert_eq!(dated("2026/11/20"), Look::OutsideUntil(format!("{parent}/2026/11/23")));
    assert_eq!(dated("2026/11/23"), Look::Within);
    assert_eq!(dated("2026/11/24"), Look::Within);
    assert_eq!(dated("2026/11/25"), Look::OutsideUntil(format!("{parent}0")));
}

#[test]
fn a_key_that_tells_nothing_is_judged_by_when_it_was_written() {
    let bounds = between("2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z");
    let look = |written: &str| bounds.look("intents/a.ndjson", Some(at(written)));
    assert_eq!(look("2026-11-23T09:49:59Z"), Look::Outside);
    assert_eq!(look("2026-11-23T10:30:00Z"), Look::Within);
    assert_eq!(look("2026-11-24T10:59:59Z"), Look::Within);
    assert_eq!(look("2026-11-24T11:00:00Z"), Look::Outside);
    assert_eq!(bounds.look("intents/a.ndjson", None), Look::Within, "nothing speaks against it");
}

#[test]
fn without_bounds_everything_is_wanted_and_one_bound_leaves_the_other_side_open() {
    let old = trail(FOLDER, at("2014-01-01T00:00:00Z"));
    assert_eq!(TimeBounds::default().look(&old, None), Look::Within);
    let since = TimeBounds { since: Some(at("2026-11-23T10:00:00Z")), until: None };
    let future = trail(FOLDER, at("2031-01-01T00:00:00Z"));
    assert_eq!(since.look(&future, None), Look::Within);
    assert!(matches!(since.look(&old, None), Look::OutsideUntil(_)));
    let until = TimeBounds { since: None, until: Some(at("2026-11-23T10:00:00Z")) };
    assert_eq!(until.look(&old, None), Look::Within);
    assert!(matches!(until.look(&future, None), Look::OutsideUntil(_)));
}

#[test]
fn what_only_looks_like_a_date_is_none() {
    let bounds = between("2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z");
    for key in [
        "111122223333_CloudTrail_eu-west-1_20269923T1005Z_0123456789abcdef.json.gz",
        "x_CloudTrail_eu-west-1_20200101T1005Z_0123456789abcdef.json.gz",
        "AWSLogs/111122223333/CloudTrail/eu-west-1/2020-01-01/x.json.gz",
        "access/2020-01-01-00-00-00-0123",
        "2020/01/01/mine.json",
        "",
    ] {
        assert_eq!(bounds.look(key, None), Look::Within, "{key}");
    }
}

/// A minute of some day around the bounds, in one of a few folders.
fn minutes() -> impl Strategy<Value = Vec<(usize, i64)>> {
    proptest::collection::vec((0_usize..3, -40_i64..40 * 288), 0..60)
}

proptest! {
    #[test]
    fn jumping_finds_what_looking_at_each_key_finds(
        files in minutes(), since in 0_i64..30 * 288, length in 1_i64..5 * 288
    ) {
        let day = Day::numbered(20_700).start().as_millis();
        let minute = |slot: i64| Timestamp::from_millis(day + slot * 5 * 60_000);
        let bounds = TimeBounds {
            since: Some(minute(since)),
            until: Some(minute(since + length)),
        };
        let folders = ["eu-west-1", "eu-west-2", "us-east-1"]
            .map(|region| format!("AWSLogs/111122223333/CloudTrail/{region}"));
        let mut keys: Vec<String> =
            files.iter().map(|(folder, slot)| trail(&folders[*folder], minute(*slot))).collect();
        keys.push("AWSLogs/111122223333/CloudTrail/notes.txt".to_owned());
        keys.sort();
        keys.dedup();
        let one_by_one: Vec<&String> =
            keys.iter().filter(|key| bounds.look(key, None) == Look::Within).collect();
        let mut jumping = Vec::new();
        let mut next = String::new();
        for key in &keys {
            if *key < next {
                continue;
            }
            match bounds.look(key, None) {
                Look::Within => jumping.push(key),
                Look::Outside => {}
                Look::OutsideUntil(later) => {
                    prop_assert!(later > *key, "it goes on");
                    next = later;
                }
            }
        }
        prop_assert_eq!(jumping, one_by_one);
    }
}
