//! What commits add to the totals: each fact once, whatever came first.

use std::collections::BTreeMap;

use super::{
    Actor, Api, Cause, Counted, Delta, DiscardedLatency, Family, Kind, Outcome, Part, Provenance,
    Recount, Removal, Request, SourceSet, Target, Timestamp, count_latency, count_removals,
    count_request,
};

fn removal(identity: &str, kind: Kind, is_confirmed: bool) -> Removal {
    Removal {
        identity: identity.into(),
        target: Target::Current,
        kind,
        cause: Cause::Api,
        is_confirmed,
        at: Timestamp::from_millis(0),
        is_coarse: true,
        sequencer: None,
        notified_at: None,
        request_id: None,
        sources: SourceSet::default(),
        actor: Actor::default(),
        marker_version_id: None,
    }
}

fn request(outcome: Outcome, service_millis: Option<i64>) -> Request {
    Request {
        identity: "r:A".into(),
        bucket: "photos".into(),
        key: None,
        api: Api::DeleteObjects,
        outcome,
        request_id: Some("A".into()),
        account: String::new(),
        region: String::new(),
        at: Timestamp::from_millis(0),
        started_at: service_millis.map(|_| Timestamp::from_millis(0)),
        ended_at: service_millis.map(Timestamp::from_millis),
        total_millis: None,
        http_status: None,
        error_code: None,
        sources: SourceSet::default(),
        actor: Actor::default(),
    }
}

fn amount(delta: &Delta, family: Family, labels: &[&str]) -> i64 {
    delta
        .iter()
        .filter(|(series, part, _)| {
            series.family == family && series.labels == labels && *part == Part::Value
        })
        .map(|(_, _, amount)| amount)
        .sum()
}

fn rows(removals: &[Removal], recount: &Recount) -> BTreeMap<String, Counted> {
    let identities = removals.iter().map(|removal| removal.identity.clone());
    identities.zip(recount.counted.iter().cloned()).collect()
}

#[test]
fn a_child_that_finds_its_claim_is_not_counted_again() {
    let first = [removal("child r:A", Kind::Unknown, false)];
    let before = count_removals(&BTreeMap::new(), &first, "photos", Provenance::Live);
    assert_eq!(amount(&before.delta, Family::ObjectsRemoved, &["photos"]), 1);
    assert_eq!(amount(&before.delta, Family::RemovalsByKind, &["photos", "marker", "api"]), 0);

    let then = [removal("r:A current", Kind::Marker, true)];
    let after = count_removals(&rows(&first, &before), &then, "photos", Provenance::Live);
    assert_eq!(amount(&after.delta, Family::ObjectsRemoved, &["photos"]), 0);
    assert_eq!(amount(&after.delta, Family::RemovalsByKind, &["photos", "marker", "api"]), 1);
    assert_eq!(amount(&after.delta, Family::RemovalsConfirmed, &["photos"]), 1);
    assert!(
        count_removals(&rows(&then, &after), &then, "photos", Provenance::Live).delta.is_empty()
    );
}

#[test]
fn a_row_that_came_takes_over_from_the_row_of_its_kind_that_went() {
    let first = [removal("child 1", Kind::Version, false), removal("child 2", Kind::Object, false)];
    let before = count_removals(&BTreeMap::new(), &first, "photos", Provenance::Live);
    let then = [
        removal("r:A", Kind::Object, true),
        removal("r:B", Kind::Version, true),
        removal("r:C", Kind::Marker, true),
    ];
    let after = count_removals(&rows(&first, &before), &then, "photos", Provenance::Live);
    assert_eq!(amount(&after.delta, Family::ObjectsRemoved, &["photos"]), 1);
    assert_eq!(amount(&after.delta, Family::RemovalsByKind, &["photos", "marker", "api"]), 1);
    assert_eq!(amount(&after.delta, Family::RemovalsByKind, &["photos", "object", "api"]), 0);
    assert_eq!(amount(&after.delta, Family::Corrections, &["kind"]), 0);
}

#[test]
fn a_kind_that_is_contradicted_is_a_correction_and_not_counted_twice() {
    let first = [removal("r:A", Kind::Object, false)];
    let before = count_removals(&BTreeMap::new(), &first, "photos", Provenance::Live);
    let then = [removal("r:A", Kind::Marker, true)];
    let after = count_removals(&rows(&first, &before), &then, "photos", Provenance::Live);
    assert_eq!(amount(&after.delta, Family::Corrections, &["kind"]), 1);
    assert_eq!(amount(&after.delta, Family::RemovalsByKind, &["photos", "marker", "api"]), 0);
}

#[test]
fn a_request_is_counted_once_and_a_contradicting_copy_is_a_correction() {
    let mut delta = Delta::default();
    let accepted = request(Outcome::Ok, None);
    count_request(None, &accepted, "photos", &mut delta);
    count_request(Some(&accepted), &accepted, "photos", &mut delta);
    count_request(Some(&accepted), &request(Outcome::Denied, None), "photos", &mut delta);
    let labels = ["photos", "DeleteObjects", "ok"];
    assert_eq!(amount(&delta, Family::DeleteRequests, &labels), 1);
    assert_eq!(amount(&delta, Family::Corrections, &["request_outcome"]), 1);
}

#[test]
fn a_latency_is_observed_once_when_both_ends_are_known() {
    let mut delta = Delta::default();
    let vague = request(Outcome::Ok, None);
    let exact = request(Outcome::Ok, Some(100));
    assert_eq!(count_latency(None, &vague, "other", &mut delta), []);
    assert!(delta.is_empty());
    assert_eq!(count_latency(Some(&vague), &exact, "other", &mut delta), []);
    assert_eq!(count_latency(Some(&exact), &exact, "other", &mut delta), []);
    let parts: Vec<_> = delta.iter().map(|(_, part, amount)| (part, amount)).collect();
    assert_eq!(parts, [(Part::Bucket(4), 1), (Part::SumMillis, 100)], "100 ms is in `le` 0.1");
}

#[test]
fn an_implausible_or_refused_latency_is_not_observed() {
    let mut delta = Delta::default();
    let observe = |request: Request, delta: &mut Delta| count_latency(None, &request, "b", delta);
    let negative = observe(request(Outcome::Ok, Some(-1)), &mut delta);
    assert_eq!(negative, [DiscardedLatency::Negative]);
    let long = observe(request(Outcome::Ok, Some(3_600_001)), &mut delta);
    assert_eq!(long, [DiscardedLatency::OverOneHour]);
    assert_eq!(observe(request(Outcome::Denied, Some(20)), &mut delta), []);
    assert!(delta.is_empty());
}
