//! One finding as it is shown.

use proptest::prelude::*;

use super::*;
use crate::http::page::findings::tests::{NOW, found, row};
use crate::http::page::hostile::{expect_same_shape, hostile_text};
use crate::http::page::overview::tests::summary;

fn told(row: &FindingRow) -> Told {
    let delivery = |notifier: &str, informed| DeliveryState {
        notifier: notifier.to_owned(),
        informed,
        attempts: 2,
    };
    Told {
        found: found(vec![row.clone()], false),
        deliveries: vec![delivery("slack", Informed::Fully), delivery("webhook", Informed::GaveUp)],
        around: Some(summary()),
        others: vec![row.clone()],
    }
}

fn shown(row: &FindingRow) -> String {
    body(row, &told(row), NOW).into_string()
}

#[test]
fn a_finding_says_what_was_seen_why_it_matters_and_what_to_do() {
    insta::assert_snapshot!(shown(&row()).replace("><", ">\n<"));
}

#[test]
fn a_finding_that_nobody_was_told_of_says_why() {
    let nobody = |row: &FindingRow| deliveries(row, &[]).into_string();
    assert!(nobody(&row()).contains("Nobody is set up to be told"));
    assert!(nobody(&FindingRow { is_live: false, ..row() }).contains("log files of the past"));
    let dry = FindingRow { mode: deltrail_core::domain::Mode::DryRun, ..row() };
    assert!(nobody(&dry).contains("dry run"));
}

#[test]
fn what_is_complete_to_its_end_can_only_be_complete() {
    let complete = |until: Option<&str>| {
        let mut found = found(vec![], false);
        found.completeness.until = until.map(|until| Timestamp::parse(until).unwrap());
        completeness(&row(), &found).into_string().contains("have told everything")
    };
    assert!(complete(Some("2026-11-23T09:00:00Z")));
    assert!(!complete(Some("2026-11-23T08:59:59Z")));
    assert!(!complete(None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_of_a_finding_becomes_markup(texts in prop::collection::vec(hostile_text(), 10)) {
        let with = |texts: &[String]| {
            let mut row = row();
            let finding = &mut row.finding;
            finding.bucket.clone_from(&texts[0]);
            finding.who[0].principal.clone_from(&texts[1]);
            finding.who[0].sessions[0].clone_from(&texts[2]);
            finding.reason.sentence.clone_from(&texts[3]);
            finding.origins[0].clone_from(&texts[4]);
            finding.agents[0].clone_from(&texts[5]);
            finding.notes[0].clone_from(&texts[6]);
            finding.prefixes[0].clone_from(&texts[7]);
            finding.sample_keys[0].clone_from(&texts[8]);
            let mut told = told(&row);
            told.deliveries[0].notifier.clone_from(&texts[9]);
            body(&row, &told, NOW).into_string()
        };
        let harmless = vec!["text".to_owned(); texts.len()];
        expect_same_shape(&with(&harmless), &with(&texts));
    }
}
