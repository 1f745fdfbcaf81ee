//! The overview as it is shown.

use deltrail_core::domain::{ActorKind, Basis};
use proptest::prelude::*;

use super::*;
use crate::http::page::findings::tests::{NOW, found, row};
use crate::http::page::hostile::{expect_same_shape, hostile_text};
use crate::store::{
    Bar, BucketSummary, Completeness, LatencySummary, OpenFindings, PrefixSummary,
    PrincipalSummary, Sample, SummaryCounts,
};

/// An hour in bars of 5 minutes, the last two of which are not complete: 11 removals of one bucket,
/// one by a lifecycle rule.
pub(in crate::http::page) fn summary() -> Summary {
    let since = Timestamp::from_millis(NOW.as_millis() - 3_600_000);
    let minutes = |minutes: i64| Timestamp::from_millis(since.as_millis() + minutes * 60_000);
    let removed = |removed| SummaryCounts { removed, ..SummaryCounts::default() };
    let bars: Vec<u64> = vec![0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 8, 0];
    let counts = SummaryCounts { lifecycle: 1, denied: 2, duplicates: 4, ..removed(11) };
    let bar = |(nth, number): (usize, &u64)| Bar {
        at: minutes(5 * i64::try_from(nth).unwrap()),
        counts: removed(*number),
    };
    Summary {
        bucket: None,
        since,
        until: NOW,
        bar_millis: 300_000,
        bars: bars.iter().enumerate().map(bar).collect(),
        counts,
        other_buckets: vec![0; bars.len()],
        buckets: vec![BucketSummary { bucket: "photos".into(), counts, bars }],
        buckets_total: 1,
        principals: vec![
            PrincipalSummary {
                principal: Some("intern".into()),
                kind: ActorKind::Principal,
                removed: 10,
                denied: 2,
            },
            PrincipalSummary { principal: None, kind: ActorKind::Lifecycle, removed: 1, denied: 0 },
        ],
        prefixes: vec![PrefixSummary {
            bucket: "photos".into(),
            prefix: "originals/".into(),
            sampled: 10,
            removed: 10,
        }],
        latencies: vec![LatencySummary {
            basis: Basis::Confirmed,
            measured: 9,
            p50_millis: 310,
            p90_millis: 1_200,
            p99_millis: 61_000,
            max_millis: 61_000,
        }],
        sample: Sample { removals: 11, is_everything: true },
        unresolved_calls: 1,
        open_findings: OpenFindings { critical: 1, ..OpenFindings::default() },
        completeness: Completeness { until: Some(minutes(50)), ..Completeness::default() },
    }
}

fn shown(query: &str, summary: &Summary, findings: &Findings) -> String {
    body(&Asked::in_query(query.as_bytes()), summary, findings, NOW).into_string()
}

#[test]
fn the_overview_leads_from_every_number_to_what_is_behind_it() {
    let shown = shown("since=1h", &summary(), &found(vec![row()], false));
    insta::assert_snapshot!(shown.replace("><", ">\n<"));
}

#[test]
fn a_store_that_knows_nothing_shows_a_whole_page() {
    let empty = Summary {
        counts: SummaryCounts::default(),
        buckets: vec![],
        buckets_total: 0,
        bars: summary()
            .bars
            .iter()
            .map(|bar| Bar { counts: SummaryCounts::default(), ..*bar })
            .collect(),
        principals: vec![],
        prefixes: vec![],
        latencies: vec![],
        completeness: Completeness::default(),
        ..summary()
    };
    let shown = shown("", &empty, &found(vec![], false));
    for words in [
        "No finding is open",
        "Nothing was removed",
        "No source tells how long",
        "not known yet how complete",
        "No source says up to when",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn buckets_without_a_colour_of_their_own_have_one_together() {
    let mut many = summary();
    let one = many.buckets[0].clone();
    many.buckets =
        (0..8).map(|nth| BucketSummary { bucket: format!("b{nth}"), ..one.clone() }).collect();
    many.buckets_total = 20;
    many.other_buckets[0] = 5;
    let shown = timeline(&many).into_string();
    // Three of the list, and five removals of those that are not in it.
    assert!(shown.contains("15 more <span class=\"muted\">38</span>"), "{shown}");
}

#[test]
fn a_span_that_is_none_or_too_long_is_told() {
    let ask = |query: &str| filter(&Asked::in_query(query.as_bytes()), NOW);
    assert_eq!(ask("").unwrap(), SummaryFilter::last_day(NOW));
    let week = ask("since=7d&bucket=b").unwrap();
    assert_eq!(
        (week.until.millis_since(week.since), week.bucket.as_deref()),
        (7 * Day::MILLIS, Some("b"))
    );
    for bad in ["since=1h&until=2h", "since=2030-01-01", "since=367d", "until=soon"] {
        assert!(ask(bad).is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_of_the_overview_becomes_markup(texts in prop::collection::vec(hostile_text(), 5)) {
        let with = |texts: &[String]| {
            let mut summary = summary();
            summary.bucket = Some(texts[0].clone());
            summary.buckets[0].bucket.clone_from(&texts[1]);
            summary.principals[0].principal = Some(texts[2].clone());
            summary.prefixes[0].bucket.clone_from(&texts[3]);
            summary.prefixes[0].prefix.clone_from(&texts[4]);
            let lead = lead(&summary).into_string();
            shown("", &summary, &found(vec![], false)) + &lead
        };
        let harmless = vec!["text".to_owned(); texts.len()];
        expect_same_shape(&with(&harmless), &with(&texts));
    }
}
