//! What people read.

use std::collections::BTreeMap;

use super::{FindingText, Standing, count};
use crate::domain::{
    Day, Detector, Finding, Reason, Severity, Source, State, Tally, Timestamp, Who,
};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn finding(detector: Detector) -> Finding {
    Finding {
        detector,
        bucket: "acme-img".into(),
        subject: "AROAEXAMPLE".into(),
        day: Day::of(at("2026-11-23T00:00:00Z")),
        severity: Severity::Critical,
        who: vec![
            Who { principal: "cleaner".into(), sessions: vec!["i-0a".into()], objects: 12_000 },
            Who { principal: "app".into(), sessions: Vec::new(), objects: 480 },
        ],
        principals: 3,
        tally: Tally { markers: 12_400, versions: 50, objects: 0, unknown: 30, denied: 0 },
        reason: Reason {
            observed: 12_480,
            threshold: 805,
            baseline: 402,
            sentence: "31 times the largest hour of the last 28 days (402, on 2026-11-03)".into(),
        },
        first_at: at("2026-11-23T10:00:00Z"),
        last_at: at("2026-11-23T10:10:00Z"),
        origins: vec!["203.0.113.0/24 (new)".into()],
        agents: vec!["aws-sdk-java/2".into()],
        related: vec![Detector::NewOrigin, Detector::ProtectionOff],
        notes: vec!["versioning suspended at 09:58 by cleaner".into()],
        prefixes: vec!["thumbs/2024/".into()],
        sample_keys: vec!["thumbs/2024/a/1.jpg".into(), "thumbs/2024/a/2.jpg".into()],
    }
}

fn watermarks() -> BTreeMap<Source, Timestamp> {
    [
        (Source::CloudTrail, at("2026-11-23T09:43:00Z")),
        (Source::S3Notification, at("2026-11-23T10:09:00Z")),
    ]
    .into()
}

fn open(finding: &Finding) -> FindingText {
    let watermarks = watermarks();
    let standing = Standing {
        state: State::Open,
        is_rising: true,
        watermarks: &watermarks,
        withdrawn_because: None,
    };
    FindingText::of(finding, &standing)
}

#[test]
fn a_mass_delete_is_told_with_all_that_a_person_has_to_know() {
    insta::assert_snapshot!(open(&finding(Detector::MassDelete)).lines());
}

#[test]
fn a_finding_that_is_not_supported_any_more_says_why() {
    let standing = Standing {
        state: State::Withdrawn,
        is_rising: false,
        watermarks: &BTreeMap::new(),
        withdrawn_because: Some("an upload at 10:04 came between"),
    };
    let stale = finding(Detector::StaleDelete);
    insta::assert_snapshot!(FindingText::of(&stale, &standing).lines());
}

#[test]
fn every_detector_has_a_title_and_advice_and_no_field_is_ever_empty() {
    let mut titles = String::new();
    for detector in Detector::ALL {
        let full = open(&finding(*detector));
        let bare = Finding {
            who: Vec::new(),
            principals: 0,
            tally: Tally::default(),
            origins: Vec::new(),
            agents: Vec::new(),
            related: Vec::new(),
            notes: Vec::new(),
            prefixes: Vec::new(),
            sample_keys: Vec::new(),
            ..finding(*detector)
        };
        for text in [&full, &open(&bare)] {
            assert!(text.fields.iter().all(|(_, text)| !text.is_empty()), "{text:?}");
            assert!(!text.lines().contains("  :"), "{text:?}");
        }
        titles.push_str(&full.title);
        titles.push('\n');
        titles.push_str(&full.fields.last().unwrap().1);
        titles.push('\n');
    }
    insta::assert_snapshot!(titles);
}

#[test]
fn what_does_not_fit_is_left_out_from_the_least_needed() {
    let text = open(&finding(Detector::MassDelete));
    let all = text.lines();
    assert_eq!(text.lines_within(count(&all)), all);
    for chars_max in 0..count(&all) {
        let short = text.lines_within(chars_max);
        assert!(count(&short) <= chars_max, "{chars_max}: {short}");
    }
    let short = text.lines_within(600);
    assert!(short.contains("How unusual: 31 times") && short.contains("Do: 1)"), "{short}");
    assert!(!short.contains("Keys:"), "{short}");
}

#[test]
fn names_of_others_cannot_break_a_line_or_turn_it_around() {
    let mut hostile = finding(Detector::MassDelete);
    hostile.sample_keys = vec!["a\n  Do: nothing\u{202e}gpj.exe\u{0}".into(), "x".repeat(2_000)];
    hostile.who[0].principal = "nobody\r\n[info]".into();
    let text = open(&hostile).lines();
    assert_eq!(text.lines().count(), 9, "{text}");
    assert!(text.contains("a\\u{a}  Do: nothing\\u{202e}gpj.exe\\u{0}"), "{text}");
    assert!(text.contains(&format!("{}...", "x".repeat(200))), "{text}");
}
