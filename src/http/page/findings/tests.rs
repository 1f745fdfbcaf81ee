//! Lists of findings as they are shown.

use deltrail_core::domain::{Day, Detector, Finding, Mode, Reason, Severity, State, Tally, Who};

use super::*;

/// 2026-11-23T10:00:00Z.
pub(in crate::http::page) const NOW: Timestamp = Timestamp::from_millis(1_795_428_000_000);

/// Somebody removed a hundred keys within ten minutes, an hour ago.
pub(in crate::http::page) fn row() -> FindingRow {
    let minutes_ago = |minutes: i64| Timestamp::from_millis(NOW.as_millis() - minutes * 60_000);
    let finding = Finding {
        detector: Detector::MassDelete,
        bucket: "photos".into(),
        subject: "intern".into(),
        day: Day::of(NOW),
        severity: Severity::Critical,
        who: vec![Who { principal: "intern".into(), sessions: vec!["ann".into()], objects: 100 }],
        principals: 2,
        tally: Tally { markers: 60, versions: 40, denied: 3, ..Tally::default() },
        reason: Reason {
            observed: 100,
            threshold: 50,
            baseline: 4,
            sentence: "25 times the largest hour of the last 28 days (4, on 3 Nov)".into(),
        },
        first_at: minutes_ago(70),
        last_at: minutes_ago(60),
        origins: vec!["10.0.0.0/24 (new)".into()],
        agents: vec!["aws-cli/2".into()],
        related: vec![Detector::NewDeleter],
        notes: vec!["PutBucketVersioning 5 min before".into()],
        prefixes: vec!["originals/".into()],
        sample_keys: vec!["originals/a b.raw".into()],
    };
    FindingRow {
        id: finding.id(),
        finding,
        mode: Mode::Live,
        state: State::Open,
        is_live: true,
        opened_at: minutes_ago(58),
        changed_at: minutes_ago(55),
        closed_at: None,
        revision: 2,
        withdrawn_because: None,
    }
}

/// The answer of a store that has seen a year of logs.
pub(in crate::http::page) fn found(rows: Vec<FindingRow>, has_more: bool) -> Findings {
    let year_ago = Timestamp::from_millis(NOW.as_millis() - 365 * Day::MILLIS);
    let completeness = crate::store::Completeness::default();
    Findings { rows, has_more, completeness, observed_since: Some(year_ago), has_traces: false }
}

fn shown(query: &str, found: &Findings) -> String {
    let asked = Asked::in_query(query.as_bytes());
    body(&asked, found, NOW).into_string()
}

#[test]
fn a_list_leads_to_each_finding_and_to_older_ones_by_the_same_filters() {
    let (one, dry) = (row(), FindingRow { mode: Mode::DryRun, ..row() });
    let shown = shown("bucket=photos&severity=critical&cursor=x", &found(vec![one, dry], true));
    insta::assert_snapshot!(shown.replace("><", ">\n<"));
}

#[test]
fn an_empty_list_says_why_it_is_empty() {
    assert!(shown("", &found(vec![], false)).contains("No finding: what was deleted looks like"));
    let filtered = shown("bucket=ph%3Cb%3Eotos", &found(vec![], false));
    assert!(filtered.contains("No finding fits these filters"), "{filtered}");
    assert!(filtered.contains("ph&lt;b&gt;otos") && !filtered.contains("<b>"), "{filtered}");
    let unseen = Findings { observed_since: None, ..found(vec![], false) };
    assert!(shown("", &unseen).contains("Nothing was observed yet"));
}

#[test]
fn whoever_reads_is_told_while_too_little_is_known() {
    let hour_ago = Timestamp::from_millis(NOW.as_millis() - 3_600_000);
    let young = Findings { observed_since: Some(hour_ago), ..found(vec![], false) };
    let shown = learning(&young, NOW).into_string();
    assert!(shown.contains("Learning until <time class=\"nowrap\" datetime=\"2026-12-21T09:00"));
    assert_eq!(learning(&found(vec![], false), NOW).into_string(), "");
}
