//! Sources as they are shown.

use proptest::prelude::*;

use super::*;
use crate::http::page::hostile::{expect_same_shape, hostile_text};
use crate::store::SourceKey;

/// 2026-11-23T10:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_428_000_000);

fn state(source: Source, minutes_behind: Option<i64>, is_silent: bool) -> SourceState {
    let at = |minutes: i64| Timestamp::from_millis(NOW.as_millis() - minutes * 60_000);
    SourceState {
        key: SourceKey { source, account: "111122223333".into(), region: "eu-west-1".into() },
        oldest_event_at: None,
        newest_event_at: None,
        watermark_at: minutes_behind.map(at),
        last_delivery_at: Some(at(1)),
        is_silent,
    }
}

fn reject() -> RejectRow {
    RejectRow {
        at: NOW,
        source: Source::CloudTrail,
        reason: "missing_time".into(),
        detail: "no eventTime".into(),
        log_object: Some(("trail-logs".into(), "AWSLogs/1/a.json.gz".into())),
        record_index: Some(7),
        queue: Some("trail".into()),
        message_id: Some("m-1".into()),
    }
}

#[test]
fn a_source_says_how_far_it_is_behind_and_whether_it_is_silent() {
    let completeness = Completeness {
        sources: vec![
            state(Source::CloudTrail, Some(21), false),
            state(Source::S3Notification, Some(3_000), true),
            state(Source::AccessLog, None, false),
        ],
        ..Completeness::default()
    };
    let shown = progress(&completeness, NOW).into_string();
    insta::assert_snapshot!(shown.replace("><", ">\n<"));
    assert!(progress(&Completeness::default(), NOW).into_string().contains("deltrail doctor"));
}

#[test]
fn what_was_rejected_says_why_and_where_it_came_from() {
    let shown = rejects(&[reject()]).into_string();
    for words in ["missing_time", "no eventTime", "s3://<wbr>trail-logs/", ", record 7", "message"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(rejects(&[]).into_string().contains("Nothing was rejected"));
}

#[test]
fn what_nobody_tells_is_said_with_what_to_switch_on() {
    let shown = unsaid(&Completeness::default()).into_string();
    assert!(shown.contains("no CloudTrail: ") && shown.contains("To change that, "), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_of_a_source_becomes_markup(texts in prop::collection::vec(hostile_text(), 9)) {
        let with = |texts: &[String]| {
            let mut source = state(Source::CloudTrail, Some(21), false);
            source.key.account.clone_from(&texts[0]);
            source.key.region.clone_from(&texts[1]);
            let reject = RejectRow {
                reason: texts[2].clone(),
                detail: texts[3].clone(),
                log_object: Some((texts[4].clone(), texts[5].clone())),
                queue: Some(texts[6].clone()),
                message_id: Some(texts[7].clone()),
                ..reject()
            };
            let sources = vec![source];
            let completeness = Completeness { sources, ..Completeness::default() };
            let health = SourceHealth {
                completeness: completeness.clone(),
                unresolved: vec![(texts[8].clone(), 3)],
                rejects: vec![],
            };
            progress(&completeness, NOW).into_string()
                + &states("Sources", &completeness).into_string()
                + &unresolved(&health).into_string()
                + &rejects(&[reject]).into_string()
        };
        let harmless = vec!["text".to_owned(); texts.len()];
        expect_same_shape(&with(&harmless), &with(&texts));
    }
}
