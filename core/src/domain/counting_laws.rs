//! What commits and settling add to the totals: each fact once, whatever came first.

use std::collections::BTreeMap;

use super::{
    Actor, Api, Cause, Counted, Delta, DiscardedLatency, Family, Kind, Outcome, Part, Provenance,
    Recount, Removal, Request, Said, Settling, SourceSet, Target, Timestamp,
    count_confirmed_latency, count_latency, count_removals, count_request, count_settled,
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
        actor: Actor::default().into(),
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
        account: String::new().into(),
        region: String::new().into(),
        at: Timestamp::from_millis(0),
        started_at: service_millis.map(|_| Timestamp::from_millis(0)),
        ended_at: service_millis.map(Timestamp::from_millis),
        total_millis: None,
        http_status: None,
        error_code: None,
        sources: SourceSet::default(),
        actor: Actor::default().into(),
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

/// The parts of the latency histogram under this basis: bucket or sum, and amount.
fn latencies(delta: &Delta, basis: &str) -> Vec<(Part, i64)> {
    let of_basis = delta.iter().filter(|(series, _, _)| {
        series.family == Family::RequestToDeleteLatency && series.labels[1] == basis
    });
    of_basis.map(|(_, part, amount)| (part, amount)).collect()
}

#[test]
fn each_basis_of_a_request_s_latency_is_observed_once_when_it_is_first_told() {
    let in_trail = request(Outcome::Ok, Some(100));
    let in_log = Request { total_millis: Some(30), ..request(Outcome::Ok, None) };
    let both = in_trail.clone().join(in_log.clone());
    for first in [&in_trail, &in_log] {
        let mut delta = Delta::default();
        assert_eq!(count_latency(None, first, "other", &mut delta), []);
        assert_eq!(count_latency(Some(first), &both, "other", &mut delta), []);
        assert_eq!(count_latency(Some(&both), &both, "other", &mut delta), []);
        assert_eq!(latencies(&delta, "service"), [(Part::Bucket(4), 1), (Part::SumMillis, 100)]);
        assert_eq!(latencies(&delta, "access_log"), [(Part::Bucket(3), 1), (Part::SumMillis, 30)]);
    }
}

#[test]
fn a_request_that_was_refused_after_all_gives_no_further_latency() {
    let mut delta = Delta::default();
    let refused = Request { total_millis: Some(30), ..request(Outcome::Denied, Some(100)) };
    let accepted = request(Outcome::Ok, None);
    assert_eq!(count_latency(Some(&accepted), &refused, "other", &mut delta), []);
    assert_eq!(count_latency(Some(&refused), &refused, "other", &mut delta), []);
    assert!(delta.is_empty());
}

#[test]
fn the_time_to_a_notification_is_observed_or_discarded_once() {
    let noticed = |millis| Removal {
        notified_at: Some(Timestamp::from_millis(millis)),
        ..removal("r:A", Kind::Object, true)
    };
    let began = Some(Timestamp::from_millis(1_000));
    let mut delta = Delta::default();
    let mut counted = Counted::default();
    let mut observe = |removal: &Removal, started_at| {
        let seen = count_confirmed_latency(removal, &mut counted, started_at, "b", &mut delta);
        (seen, counted.has_latency)
    };
    assert_eq!(observe(&noticed(1_005), None), (Ok(()), false), "its start may still be told");
    assert_eq!(observe(&removal("r:A", Kind::Object, true), began), (Ok(()), false));
    assert_eq!(observe(&noticed(1_005), began), (Ok(()), true));
    assert_eq!(observe(&noticed(1_007), began), (Ok(()), true));
    assert_eq!(latencies(&delta, "confirmed"), [(Part::Bucket(0), 1), (Part::SumMillis, 5)]);

    let implausible =
        [(999, DiscardedLatency::Negative), (3_601_001, DiscardedLatency::OverOneHour)];
    for (millis, reason) in implausible {
        let (mut delta, mut counted) = (Delta::default(), Counted::default());
        let mut again =
            || count_confirmed_latency(&noticed(millis), &mut counted, began, "b", &mut delta);
        assert_eq!((again(), again()), (Err(reason), Ok(())));
        assert!(delta.is_empty());
    }
}

fn said(is_duplicate: bool, is_stale: Option<bool>, is_unconfirmed: bool) -> Said {
    Said {
        duplicate_of: is_duplicate.then(|| "r:before".to_owned()),
        is_stale,
        is_undelete: false,
        is_unconfirmed,
    }
}

/// What settling `was` once adds for a removal of this kind, and what is counted then.
fn settled(kind: Kind, was: Counted, said: Said) -> (Delta, Counted) {
    let mut delta = Delta::default();
    let counted = count_settled(&removal("r:A", kind, true), was, said, "photos", &mut delta);
    (delta, counted)
}

fn of_kind(kind: Kind) -> Counted {
    Counted { kind: Some((kind, Cause::Api)), ..Counted::default() }
}

#[test]
fn what_is_said_is_counted_when_it_is_said_first_and_never_again() {
    let all = said(true, Some(true), true);
    let (delta, counted) = settled(Kind::Object, of_kind(Kind::Object), all.clone());
    assert_eq!(amount(&delta, Family::DuplicateDeleteRequests, &["photos"]), 1);
    assert_eq!(amount(&delta, Family::StaleDeletes, &["photos"]), 1);
    assert_eq!(delta.iter().count(), 2, "what is unconfirmed is a gauge");
    assert_eq!(counted.settling, Settling::Settled(all.clone()));
    let reopened = Counted { settling: Settling::Reopened(all.clone()), ..counted };
    assert!(settled(Kind::Object, reopened, all).0.is_empty());
}

#[test]
fn what_nobody_told_the_kind_of_is_counted_as_unknown_once() {
    let (delta, counted) = settled(Kind::Unknown, Counted::default(), Said::default());
    assert_eq!(amount(&delta, Family::RemovalsByKind, &["photos", "unknown", "api"]), 1);
    let reopened = Counted { settling: Settling::Reopened(Said::default()), ..counted };
    assert!(settled(Kind::Unknown, reopened, Said::default()).0.is_empty());
}

#[test]
fn what_is_said_otherwise_is_a_correction_by_reason_and_moves_no_other_counter() {
    let nothing = said(false, Some(false), false);
    let cases = [
        (said(true, Some(false), false), "duplicate"),
        (said(false, Some(true), false), "stale"),
        (said(false, Some(false), true), "unconfirmed"),
    ];
    for (something, reason) in cases {
        for (before, after) in [(&nothing, &something), (&something, &nothing)] {
            let reopened =
                Counted { settling: Settling::Reopened(before.clone()), ..of_kind(Kind::Object) };
            let (delta, counted) = settled(Kind::Object, reopened, after.clone());
            assert_eq!(amount(&delta, Family::Corrections, &[reason]), 1, "{reason}");
            assert_eq!(delta.iter().count(), 1, "{reason}");
            assert_eq!(counted.settling, Settling::Settled(after.clone()));
        }
    }
}

#[test]
fn to_learn_that_nothing_was_stale_is_no_correction() {
    let reopened =
        Counted { settling: Settling::Reopened(said(false, None, false)), ..of_kind(Kind::Object) };
    assert!(settled(Kind::Object, reopened, said(false, Some(false), false)).0.is_empty());
}

#[test]
fn what_was_learnt_from_the_past_is_counted_apart_and_in_no_other_family() {
    let known = [removal("r:A", Kind::Object, true)];
    let first = count_removals(&BTreeMap::new(), &known, "photos", Provenance::Backfill);
    assert_eq!(amount(&first.delta, Family::BackfilledRemovals, &["photos"]), 1);
    assert_eq!(first.delta.iter().count(), 1);

    // Live evidence of another kind, and a second removal.
    let now = [removal("r:A", Kind::Marker, true), removal("r:B", Kind::Object, false)];
    let second = count_removals(&rows(&known, &first), &now, "photos", Provenance::Live);
    assert_eq!(amount(&second.delta, Family::ObjectsRemoved, &["photos"]), 1);
    assert_eq!(amount(&second.delta, Family::RemovalsByKind, &["photos", "object", "api"]), 1);
    assert_eq!(second.delta.iter().count(), 2);
    let (delta, _) = settled(Kind::Marker, second.counted[0].clone(), said(true, Some(true), true));
    assert!(delta.is_empty());

    let noticed = Removal {
        notified_at: Some(Timestamp::from_millis(5)),
        ..removal("r:A", Kind::Object, true)
    };
    let mut counted = second.counted[0].clone();
    let (began, mut delta) = (Some(Timestamp::from_millis(0)), Delta::default());
    assert_eq!(count_confirmed_latency(&noticed, &mut counted, began, "b", &mut delta), Ok(()));
    assert!(delta.is_empty());
}

#[test]
fn what_was_said_goes_with_the_row_that_takes_over() {
    let child = [removal("child r:A", Kind::Unknown, false)];
    let first = count_removals(&BTreeMap::new(), &child, "photos", Provenance::Live);
    let all = said(true, Some(false), false);
    let (_, counted) = settled(Kind::Unknown, first.counted[0].clone(), all.clone());
    let before = BTreeMap::from([("child r:A".to_owned(), counted)]);
    let claim = [removal("r:A current", Kind::Object, true)];
    let then = count_removals(&before, &claim, "photos", Provenance::Live);
    assert_eq!(then.counted[0].settling, Settling::Settled(all));
    assert_eq!(amount(&then.delta, Family::Corrections, &["kind"]), 1);
    assert_eq!(amount(&then.delta, Family::ObjectsRemoved, &["photos"]), 0);
}
