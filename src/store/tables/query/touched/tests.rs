//! Which findings are about a prefix, or about a request.

use std::collections::BTreeMap;

use deltrail_core::domain::{
    Call, Day, Detector, Evidence, Finding, Mode, Outcome, RemovalRole, Severity,
};

use crate::store::tables::finding_tests::{finding, found};
use crate::store::tables::fixtures::stores;
use crate::store::tables::story::{BUCKET, Told, direct, minute, tell};
use crate::store::{FindingFilter, Found, Store};

/// Of a bucket's first five minutes: a mass by anybody and one by somebody else, fresh uploads that
/// are named, and refused deletes by whoever does everything here.
fn findings() -> Vec<Finding> {
    let all = finding(Severity::Warning, 60);
    let of = |subject: &str| Finding { subject: subject.to_owned(), ..all.clone() };
    vec![
        all.clone(),
        of("arn:stranger"),
        Finding {
            detector: Detector::StaleDelete,
            sample_keys: vec!["named/1".to_owned()],
            ..of("arn:stranger")
        },
        Finding { detector: Detector::DeleteDenied, ..of("arn:dev") },
    ]
}

async fn fill(store: &Store) {
    let refused = Evidence {
        call: direct("x", "x", minute(1))
            .call
            .map(|call| Call { outcome: Outcome::Denied, ..call }),
        role: RemovalRole::None,
        ..direct("thumbs/refused", "R", minute(2))
    };
    let told = [
        direct("thumbs/in-time", "A", minute(1)),
        direct("thumbs%", "B", minute(1)),
        direct("raw/later", "C", minute(200)),
        refused,
    ];
    tell(store, told.map(Told::fact)).await;
    let due = store.due_days(10).await.unwrap();
    let kept = findings().into_iter().map(|it| (it, Mode::Live)).collect();
    let days = BTreeMap::from([(Day::of(minute(0)), kept)]);
    let written = Found { days, ..found(&due, &[], minute(300)) };
    assert!(store.write_findings(written).await.unwrap().is_current);
}

/// Detectors and subjects of the findings that fit, in order.
async fn about(store: &Store, prefix: Option<&str>, request: Option<&str>) -> Vec<String> {
    let filter = FindingFilter {
        bucket: prefix.map(|_| BUCKET.to_owned()),
        prefix: prefix.map(str::to_owned),
        request_id: request.map(str::to_owned),
        limit: 10,
        ..FindingFilter::default()
    };
    let rows = store.findings(filter).await.unwrap().rows;
    let named = |it: &Finding| format!("{} {}", it.detector.as_str(), it.subject);
    let mut fitting: Vec<String> = rows.iter().map(|row| named(&row.finding)).collect();
    fitting.sort_unstable();
    fitting
}

#[tokio::test]
async fn a_prefix_leads_to_findings_of_the_time_of_its_removals_and_of_its_named_keys() {
    for store in stores(500) {
        fill(&store).await;
        assert_eq!(about(&store, Some("thumbs/"), None).await, ["mass_delete "]);
        assert_eq!(about(&store, Some("raw/"), None).await, [""; 0], "that was hours later");
        assert_eq!(about(&store, Some("named/"), None).await, ["stale_delete arn:stranger"]);
        assert_eq!(about(&store, Some(""), None).await.len(), 4, "everything begins so");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_request_leads_to_findings_of_its_time_and_caller_whether_it_was_refused_or_not() {
    for store in stores(500) {
        fill(&store).await;
        assert_eq!(about(&store, None, Some("A")).await, ["mass_delete "]);
        assert_eq!(about(&store, None, Some("R")).await, ["delete_denied arn:dev"]);
        assert_eq!(about(&store, None, Some("C")).await, [""; 0], "that was hours later");
        assert_eq!(about(&store, None, Some("unknown")).await, [""; 0]);
        assert_eq!(about(&store, Some("thumbs/"), Some("B")).await, [""; 0], "another key");
        assert_eq!(about(&store, Some("thumbs/"), Some("A")).await, ["mass_delete "]);
        store.close().await.unwrap();
    }
}
