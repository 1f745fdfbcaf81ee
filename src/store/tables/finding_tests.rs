//! Findings over time: due, made, changed, withdrawn, resolved, and told once to each who is to
//! know, by however many replicas.

use std::collections::{BTreeMap, BTreeSet};
use std::slice::from_ref;

use deltrail_core::domain::{
    Day, Detector, Family, Finding, Mode, Provenance, Reason, Severity, State, Tally, Timestamp,
    Who,
};

use super::fixtures::{batch, delete, open, options, stores};
use super::story::{BUCKET, Told as _, count, direct, minute, tell};
use crate::store::{
    Batch, Delivery, DeliveryEnd, DueDay, FindingFilter, FindingRow, Found, Location, Store,
};

/// What somebody found in the story's bucket on the day that it began on.
pub(super) fn finding(severity: Severity, removed: u64) -> Finding {
    Finding {
        detector: Detector::MassDelete,
        bucket: BUCKET.to_owned(),
        subject: String::new(),
        day: Day::of(minute(0)),
        severity,
        who: Vec::new(),
        principals: 0,
        tally: Tally { markers: removed, ..Tally::default() },
        reason: Reason {
            observed: removed,
            threshold: 50,
            baseline: 3,
            sentence: "more than ever".to_owned(),
        },
        first_at: minute(0),
        last_at: minute(5),
        origins: Vec::new(),
        agents: Vec::new(),
        related: Vec::new(),
        notes: Vec::new(),
        prefixes: Vec::new(),
        sample_keys: Vec::new(),
    }
}

/// A minute of the clock, long after the story.
fn clock(nth: i64) -> Timestamp {
    minute(1_000 + nth)
}

pub(super) fn found(due: &[DueDay], findings: &[Finding], now: Timestamp) -> Found {
    let day = Day::of(minute(0));
    let findings = findings.iter().map(|finding| (finding.clone(), Mode::Live)).collect();
    Found {
        bucket: BUCKET.to_owned(),
        due: due.to_vec(),
        days: BTreeMap::from([(day, findings)]),
        withdrawn_because: BTreeMap::new(),
        notifiers: vec!["webhook".to_owned()],
        told_from: Severity::Warning,
        now,
    }
}

/// Tells of one more removal and looks: finds this.
async fn look(
    store: &Store,
    request: &str,
    findings: &[Finding],
    now: Timestamp,
) -> Vec<FindingRow> {
    tell(store, [direct(request, request, minute(1)).fact()]).await;
    let due = store.due_days(10).await.unwrap();
    assert_eq!(due.len(), 1);
    let written = store.write_findings(found(&due, findings, now)).await.unwrap();
    assert!(written.is_current);
    assert_eq!(store.due_days(10).await.unwrap(), []);
    written.changed
}

async fn kept(store: &Store) -> Vec<(State, u64, i64)> {
    let filter = FindingFilter { with_withdrawn: true, limit: 10, ..FindingFilter::default() };
    let rows = store.findings(filter).await.unwrap().rows;
    rows.into_iter().map(|row| (row.state, row.finding.reason.observed, row.revision)).collect()
}

async fn counted(store: &Store) -> i64 {
    count(store, Family::Findings, &["mass_delete", "warning", "live"]).await
}

async fn claim(store: &Store, now: Timestamp) -> Option<Delivery> {
    store.claim_delivery(now).await.unwrap()
}

async fn resolve(store: &Store, nth: i64) -> Vec<FindingRow> {
    store.resolve_findings(clock(nth), BTreeSet::new()).await.unwrap()
}

#[tokio::test]
async fn a_finding_opens_changes_and_is_withdrawn_and_is_counted_once() {
    for store in stores(500) {
        let few = finding(Severity::Warning, 60);
        assert_eq!(look(&store, "A", from_ref(&few), clock(0)).await.len(), 1);
        assert_eq!(look(&store, "B", from_ref(&few), clock(1)).await, []);
        assert_eq!(look(&store, "C", &[finding(Severity::Warning, 70)], clock(2)).await.len(), 1);
        assert_eq!(kept(&store).await, [(State::Open, 70, 2)]);
        look(&store, "D", &[], clock(3)).await;
        assert_eq!(kept(&store).await, [(State::Withdrawn, 70, 3)]);
        look(&store, "E", &[few], clock(4)).await;
        assert_eq!(kept(&store).await, [(State::Open, 60, 4)]);
        assert_eq!(counted(&store).await, 1);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_withdrawn_says_why_until_it_is_found_again() {
    for store in stores(500) {
        let few = finding(Severity::Warning, 60);
        look(&store, "A", from_ref(&few), clock(0)).await;
        tell(&store, [direct("B", "B", minute(1)).fact()]).await;
        let due = store.due_days(10).await.unwrap();
        let because = BTreeMap::from([(few.id(), "60 removals then, 3 now".to_owned())]);
        let nothing = Found { withdrawn_because: because, ..found(&due, &[], clock(1)) };
        store.write_findings(nothing).await.unwrap();
        let why = async || {
            let found = store.finding(&few.id()).await.unwrap();
            let text = found.rows[0].text(&found.completeness, clock(2)).lines();
            (found.rows[0].withdrawn_because.clone(), text.contains("60 removals then, 3 now"))
        };
        assert_eq!(why().await, (Some("60 removals then, 3 now".to_owned()), true));
        look(&store, "C", from_ref(&few), clock(3)).await;
        assert_eq!(why().await, (None, false));
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_changed_while_somebody_looked_is_looked_at_again() {
    for store in stores(500) {
        tell(&store, [direct("A", "A", minute(1)).fact()]).await;
        let due = store.due_days(10).await.unwrap();
        tell(&store, [direct("B", "B", minute(1)).fact()]).await;
        let findings = [finding(Severity::Warning, 60)];
        store.write_findings(found(&due, &findings, clock(0))).await.unwrap();
        let again = store.due_days(10).await.unwrap();
        assert_eq!(again.len(), 1);
        assert!(again[0].version > due[0].version);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_replica_that_looked_at_older_rows_writes_nothing() {
    for store in stores(500) {
        tell(&store, [direct("A", "A", minute(1)).fact()]).await;
        let slow = store.due_days(10).await.unwrap();
        look(&store, "B", &[finding(Severity::Warning, 70)], clock(0)).await;
        let older = found(&slow, &[finding(Severity::Warning, 60)], clock(1));
        assert!(!store.write_findings(older).await.unwrap().is_current);
        assert_eq!(kept(&store).await, [(State::Open, 70, 1)]);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn history_is_found_and_told_to_nobody_until_it_happens_now() {
    for store in stores(500) {
        let past = Batch {
            provenance: Provenance::Backfill,
            ..batch(
                [delete(BUCKET, "old", "P")]
                    .map(|it| deltrail_core::domain::Evidence { at: minute(1), ..it }),
            )
        };
        store.commit(past).await.unwrap();
        let due = store.due_days(10).await.unwrap();
        assert!(!due[0].is_live);
        let findings = [finding(Severity::Warning, 60)];
        store.write_findings(found(&due, &findings, clock(0))).await.unwrap();
        assert_eq!(kept(&store).await, [(State::Resolved, 60, 1)]);
        assert_eq!((counted(&store).await, claim(&store, clock(1)).await), (0, None));
        look(&store, "A", &findings, clock(2)).await;
        assert_eq!(kept(&store).await, [(State::Open, 60, 2)]);
        assert_eq!(counted(&store).await, 1);
        assert!(claim(&store, clock(2)).await.is_some());
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_files_of_the_past_change_leaves_open_what_happens_now() {
    for store in stores(500) {
        look(&store, "A", &[finding(Severity::Warning, 60)], clock(0)).await;
        let told = claim(&store, clock(0)).await.unwrap();
        store.end_delivery(&told, DeliveryEnd::Told).await.unwrap();
        let past = Batch {
            provenance: Provenance::Backfill,
            ..batch(
                [delete(BUCKET, "old", "P")]
                    .map(|it| deltrail_core::domain::Evidence { at: minute(1), ..it }),
            )
        };
        store.commit(past).await.unwrap();
        let due = store.due_days(10).await.unwrap();
        assert!(!due[0].is_live);
        let fewer = [finding(Severity::Warning, 40)];
        store.write_findings(found(&due, &fewer, clock(1))).await.unwrap();
        assert_eq!(kept(&store).await, [(State::Open, 40, 2)]);
        let update = claim(&store, clock(6)).await.unwrap();
        assert_eq!(update.row.finding.reason.observed, 40);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_was_switched_off_opens_again_for_what_is_removed_on_the_second_day_after() {
    for store in stores(500) {
        let off = |severity| Finding { detector: Detector::ProtectionOff, ..finding(severity, 60) };
        look(&store, "A", &[off(Severity::Warning)], clock(0)).await;
        resolve(&store, 60).await;
        tell(&store, [direct("B", "B", minute(2 * 24 * 60)).fact()]).await;
        let due = store.due_days(10).await.unwrap();
        assert_eq!(due[0].day, Day::of(minute(0)).plus(2));
        let worse = found(&due, &[off(Severity::Critical)], clock(61));
        store.write_findings(worse).await.unwrap();
        assert_eq!(kept(&store).await, [(State::Open, 60, 3)]);
        assert!(claim(&store, clock(61)).await.is_some());
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn findings_are_listed_by_what_they_are_with_what_they_rest_on() {
    for store in stores(500) {
        let another = Finding { detector: Detector::NewOrigin, ..finding(Severity::Info, 60) };
        look(&store, "A", &[finding(Severity::Warning, 60), another], clock(0)).await;
        let ask = async |filter: FindingFilter| {
            let found = store.findings(FindingFilter { limit: 1, ..filter }).await.unwrap();
            let detectors: Vec<_> = found.rows.iter().map(|row| row.finding.detector).collect();
            (detectors, found.has_more)
        };
        let all = FindingFilter::default();
        let (first, has_more) = ask(all.clone()).await;
        assert!(has_more);
        let last = store.findings(FindingFilter { limit: 1, ..all.clone() }).await.unwrap();
        let last = &last.rows[0];
        let after = Some((last.finding.last_at.as_millis(), last.id.clone()));
        let (second, has_more) = ask(FindingFilter { after, ..all.clone() }).await;
        assert!(!has_more && first != second && second.len() == 1, "{first:?} {second:?}");
        let by = FindingFilter { detector: Some(Detector::NewOrigin), ..all.clone() };
        assert_eq!(ask(by).await, (vec![Detector::NewOrigin], false));
        let severe = FindingFilter { severity: Some(Severity::Warning), ..all.clone() };
        assert_eq!(ask(severe).await, (vec![Detector::MassDelete], false));
        let over = FindingFilter { state: Some(State::Resolved), ..all.clone() };
        assert_eq!(ask(over).await, (vec![], false));
        let bucket = Some(BUCKET.to_owned());
        let told = store.findings(FindingFilter { bucket, limit: 9, ..all }).await.unwrap();
        assert_eq!(told.observed_since, Some(minute(1)));
        assert_eq!(told.completeness.sources.len(), 1);
        let one = store.finding(&last.id).await.unwrap();
        assert_eq!((one.rows.len(), one.completeness), (1, told.completeness));
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn each_change_is_told_once_and_what_is_no_worse_waits_for_more() {
    for store in stores(500) {
        look(&store, "A", &[finding(Severity::Warning, 60)], clock(0)).await;
        let first = claim(&store, clock(0)).await.unwrap();
        assert_eq!((first.was_told, first.attempts, first.row.revision), (false, 1, 1));
        assert_eq!(claim(&store, clock(0)).await, None, "it is claimed");
        store.end_delivery(&first, DeliveryEnd::Again(clock(1))).await.unwrap();
        let again = claim(&store, clock(1)).await.unwrap();
        assert_eq!(again.attempts, 2);
        store.end_delivery(&again, DeliveryEnd::Told).await.unwrap();
        assert_eq!(claim(&store, clock(3)).await, None);

        look(&store, "B", &[finding(Severity::Warning, 70)], clock(3)).await;
        look(&store, "C", &[finding(Severity::Warning, 80)], clock(4)).await;
        assert_eq!(claim(&store, clock(5)).await, None, "it waits for more");
        let update = claim(&store, clock(8)).await.unwrap();
        assert_eq!((update.was_told, update.row.finding.reason.observed), (true, 80));
        store.end_delivery(&update, DeliveryEnd::Told).await.unwrap();

        look(&store, "D", &[finding(Severity::Critical, 90)], clock(9)).await;
        let worse = claim(&store, clock(9)).await.unwrap();
        assert_eq!(worse.row.finding.severity, Severity::Critical);
        store.end_delivery(&worse, DeliveryEnd::GaveUp).await.unwrap();
        assert_eq!(claim(&store, clock(30)).await, None);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_name_of_who_it_was_is_told_at_once() {
    let by = |name: &str| Finding {
        who: vec![Who { principal: name.to_owned(), sessions: Vec::new(), objects: 60 }],
        principals: 1,
        ..finding(Severity::Warning, 60)
    };
    for store in stores(500) {
        let nobody = finding(Severity::Warning, 60);
        for (nth, finding) in (0..).zip([nobody, by("AROAEXAMPLEEXAMPLEXX"), by("cleaner")]) {
            look(&store, &nth.to_string(), from_ref(&finding), clock(nth)).await;
            let delivery = claim(&store, clock(nth)).await.unwrap();
            assert_eq!(delivery.row.finding, finding);
            store.end_delivery(&delivery, DeliveryEnd::Told).await.unwrap();
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_finding_is_resolved_half_an_hour_after_its_last_change_and_that_is_told() {
    for store in stores(500) {
        look(&store, "A", &[finding(Severity::Warning, 60)], clock(0)).await;
        let told = claim(&store, clock(0)).await.unwrap();
        store.end_delivery(&told, DeliveryEnd::Told).await.unwrap();
        assert_eq!(resolve(&store, 29).await, []);
        let shown = BTreeSet::from([told.row.id.clone()]);
        assert_eq!(store.resolve_findings(clock(30), shown).await.unwrap(), [], "it is shown");
        assert_eq!(resolve(&store, 30).await.len(), 1);
        assert_eq!(resolve(&store, 31).await, []);
        assert_eq!(kept(&store).await, [(State::Resolved, 60, 2)]);
        assert_eq!(claim(&store, clock(30)).await.unwrap().row.state, State::Resolved);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn nobody_is_told_of_a_dry_run_or_of_what_is_worth_less() {
    for store in stores(500) {
        tell(&store, [direct("A", "A", minute(1)).fact()]).await;
        let due = store.due_days(10).await.unwrap();
        let mut dry = found(&due, &[], clock(0));
        let dry_run = (finding(Severity::Critical, 60), Mode::DryRun);
        let less = Finding { detector: Detector::NewOrigin, ..finding(Severity::Info, 60) };
        dry.days.insert(Day::of(minute(0)), vec![dry_run, (less, Mode::Live)]);
        store.write_findings(dry).await.unwrap();
        assert_eq!(claim(&store, clock(60)).await, None);
        assert_eq!(
            count(&store, Family::Findings, &["mass_delete", "critical", "dry_run"]).await,
            1
        );
        let open = store.gauges().await.unwrap().open_findings;
        let active: Vec<_> = open.into_iter().map(|(detector, ..)| detector).collect();
        assert_eq!(active, [Detector::NewOrigin]);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn findings_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deltrail.db");
    let location = Location::File(path);
    let store = Store::open(options(location.clone(), 500)).unwrap();
    look(&store, "A", &[finding(Severity::Warning, 60)], clock(0)).await;
    store.close().await.unwrap();
    let store = open(location, 500);
    assert_eq!(kept(&store).await, [(State::Open, 60, 1)]);
    assert_eq!(look(&store, "B", &[finding(Severity::Warning, 60)], clock(1)).await, []);
    assert_eq!(counted(&store).await, 1);
    store.close().await.unwrap();
}
