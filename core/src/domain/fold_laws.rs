//! The laws of the fold: tests that hold it to its promises, one by one and on evidence made at
//! random.

use proptest::prelude::*;

use super::{
    Actor, Cause, Evidence, Kind, Mark, Removal, RemovalRole, Source, Target, Timestamp, fold,
    fold_told,
};

/// Evidence from `source` about one key, `seconds` into the test's time.
pub(super) fn evidence(id: &str, source: Source, role: RemovalRole, seconds: i64) -> Evidence {
    Evidence {
        id: id.into(),
        source,
        call: None,
        role,
        bucket: "photos".into(),
        key: Some("cat.jpg".into()),
        target: Target::Current,
        mark: Mark::Unknown,
        cause: Cause::Api,
        request_id: None,
        event_id: Some(format!("event {id}")),
        shared_event_id: None,
        amends_event_id: None,
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        at: Timestamp::from_millis(seconds * 1_000),
        started_at: None,
        ended_at: None,
        total_millis: None,
        sequencer: None,
        http_status: None,
        error_code: None,
        marker_version_id: None,
        actor: Actor::default().into(),
    }
}

pub(super) fn direct(id: &str, request: &str, seconds: i64) -> Evidence {
    Evidence {
        request_id: Some(request.into()),
        mark: Mark::Object,
        ..evidence(id, Source::CloudTrail, RemovalRole::Claim, seconds)
    }
}

pub(super) fn notice(id: &str, request: &str, seconds: i64) -> Evidence {
    Evidence {
        request_id: Some(request.into()),
        mark: Mark::Object,
        ..evidence(id, Source::S3Notification, RemovalRole::Claim, seconds)
    }
}

pub(super) fn child(id: &str, request: Option<&str>, target: Target, seconds: i64) -> Evidence {
    Evidence {
        request_id: request.map(str::to_owned).map(Into::into),
        target,
        ..evidence(id, Source::CloudTrail, RemovalRole::Child, seconds)
    }
}

pub(super) fn version(id: &str) -> Target {
    Target::Version(id.into())
}

#[test]
fn a_removal_names_the_evidence_that_it_rests_on() {
    let bulk = child("child", Some("own"), Target::Unknown, 11);
    let (notice, other) = (notice("n", "A", 10), direct("other", "B", 10));
    let told = fold_told([&notice, &bulk, &other]);
    let ids = |nth: usize| -> Vec<&str> { told[nth].1.iter().map(|it| it.id.as_str()).collect() };
    assert_eq!((ids(0), ids(1)), (vec!["n", "child"], vec!["other"]));
    assert_eq!(told[1].0.request_id.as_deref(), Some("B"));
}

#[test]
fn all_words_about_one_request_are_one_removal() {
    let line = Evidence {
        request_id: Some("A".into()),
        ..evidence("line", Source::AccessLog, RemovalRole::Claim, 9)
    };
    let removals = fold([&direct("d", "A", 10), &notice("n", "A", 10), &line]);
    assert_eq!(removals.len(), 1);
    assert!(removals[0].is_confirmed);
    assert_eq!(removals[0].kind, Kind::Object);
    assert_eq!(removals[0].request_id.as_deref(), Some("A"));
}

#[test]
fn two_requests_for_one_key_are_two_removals_however_close() {
    assert_eq!(fold([&direct("a", "A", 10), &direct("b", "B", 10)]).len(), 2);
    assert_eq!(fold([&notice("a", "A", 10), &notice("b", "B", 10)]).len(), 2);
}

#[test]
fn a_child_is_put_beside_the_notice_of_its_removal_in_both_layouts() {
    let notice = notice("n", "A", 10);
    let shares_request = child("c", Some("A"), Target::Unknown, 4_000);
    let near_in_time = child("c", None, Target::Unknown, 20);
    let too_late = child("c", None, Target::Unknown, 21);
    assert_eq!(fold([&notice, &shares_request]).len(), 1);
    assert_eq!(fold([&notice, &near_in_time]).len(), 1);
    assert_eq!(fold([&notice, &too_late]).len(), 2);
}

#[test]
fn a_child_is_never_put_beside_a_direct_delete() {
    let child = child("c", None, Target::Unknown, 10);
    assert_eq!(fold([&direct("d", "A", 10), &notice("n", "A", 10), &child]).len(), 2);
}

#[test]
fn two_versions_of_one_key_in_one_call_are_two_removals_in_both_layouts() {
    let named = [child("1", Some("A"), version("v1"), 5), child("2", Some("A"), version("v2"), 5)];
    let unnamed =
        [child("1", Some("A"), Target::Unknown, 5), child("2", Some("A"), Target::Unknown, 5)];
    let notices = ["v1", "v2"].map(|id| Evidence { target: version(id), ..notice(id, "A", 5) });
    assert_eq!(fold(&named).len(), 2);
    assert_eq!(fold(&unnamed).len(), 2);
    assert_eq!(fold(named.iter().chain(&notices)).len(), 2);
    assert_eq!(fold(unnamed.iter().chain(&notices)).len(), 2);
}

#[test]
fn copies_for_two_accounts_are_one_with_or_without_a_shared_event_id() {
    let copy = |piece: &Evidence, shared: Option<&str>| Evidence {
        id: format!("copy of {}", piece.id),
        event_id: Some(format!("copy of {}", piece.id)),
        account: "444455556666".into(),
        shared_event_id: shared.map(str::to_owned),
        ..piece.clone()
    };
    let own = direct("d", "A", 5);
    assert_eq!(fold([&own, &copy(&own, None)]).len(), 1);
    let own = child("c", Some("A"), Target::Unknown, 5);
    assert_eq!(fold([&own, &copy(&own, None)]).len(), 1);
    let own = Evidence { shared_event_id: Some("S".into()), ..child("c", None, version("v"), 5) };
    assert_eq!(fold([&own, &copy(&own, Some("S"))]).len(), 1);
    let vague = Evidence { target: Target::Unknown, ..copy(&own, Some("S")) };
    assert_eq!(fold([&own, &vague]).len(), 1, "a copy may say less");
}

#[test]
fn an_update_corrects_who_it_was_and_adds_nothing() {
    let named = |arn: &str| Actor { arn: Some(arn.into()), ..Actor::default() };
    let original = Evidence { actor: named("arn:old").into(), ..direct("d", "A", 5) };
    let update = Evidence {
        id: "u".into(),
        event_id: Some("event u".into()),
        amends_event_id: original.event_id.clone(),
        role: RemovalRole::None,
        actor: named("arn:new").into(),
        ..original.clone()
    };
    assert_eq!(fold([&update]), []);
    let removals = fold([&update, &original]);
    assert_eq!(removals.len(), 1);
    assert_eq!(removals[0].actor.arn.as_deref(), Some("arn:new"));
}

#[test]
fn a_child_goes_to_the_claim_of_its_own_request() {
    let by = |name: &str, child: Evidence| Evidence {
        actor: Actor { arn: Some(name.into()), ..Actor::default() }.into(),
        ..child
    };
    // In the order of the calls' identities the first child would fit the other claim by time.
    let alice = Evidence {
        shared_event_id: Some("2".into()),
        ..by("alice", child("a", Some("A"), Target::Unknown, 0))
    };
    let bob = Evidence {
        shared_event_id: Some("1".into()),
        ..by("bob", child("b", Some("B"), Target::Unknown, 1))
    };
    let removals = fold([&notice("na", "A", 0), &notice("nb", "B", 1), &alice, &bob]);
    let callers: Vec<_> = removals.iter().map(|r| r.actor.arn.as_deref()).collect();
    assert_eq!(callers, [Some("alice"), Some("bob")]);
}

#[test]
fn a_thousand_children_of_one_key_are_folded_like_one() {
    let pieces: Vec<Evidence> = (0..1_000)
        .flat_map(|n| {
            let target = version(&format!("v{n}"));
            let told = child(&format!("c{n}"), Some("A"), target.clone(), 0);
            [told, Evidence { target, ..notice(&format!("n{n}"), "A", 0) }]
        })
        .collect();
    assert_eq!(fold(&pieces).len(), 1_000);
}

#[test]
fn the_kind_is_told_by_whoever_knows_it() {
    let child = child("c", Some("A"), Target::Unknown, 5);
    assert_eq!(fold([&child])[0].kind, Kind::Unknown);
    let marker = Evidence { mark: Mark::Marker, ..notice("n", "A", 5) };
    assert_eq!(fold([&child, &marker])[0].kind, Kind::Marker);
    let owner = Evidence { mark: Mark::Marker, ..direct("o", "A", 5) };
    assert_eq!(fold([&direct("d", "A", 5), &owner])[0].kind, Kind::Marker, "a copy may say less");
    let named = Evidence { target: version("v"), ..direct("d", "A", 5) };
    assert_eq!(fold([&named])[0].kind, Kind::Version);
}

prop_compose! {
    /// Any evidence at all about one slot, from few requests, versions, accounts and times, so that
    /// pieces meet often.
    fn any_evidence()(
        source in 0usize..4,
        is_child in any::<bool>(),
        request in prop::option::weighted(0.8, 0u8..4),
        shared in prop::option::weighted(0.2, 0u8..3),
        target in 0u8..4,
        account in 0u8..2,
        event in 0u8..40,
        seconds in 0i64..40,
    ) -> Evidence {
        let source = Source::ALL[source];
        let is_child = is_child && source == Source::CloudTrail;
        let id = format!("{source:?} {is_child} {account} {event}");
        Evidence {
            request_id: request.map(|request| format!("R{request}")).map(Into::into),
            shared_event_id: shared.filter(|_| source == Source::CloudTrail)
                .map(|shared| format!("S{shared}")),
            target: match target {
                0 if is_child => Target::Unknown,
                0 | 1 => Target::Current,
                version => Target::Version(format!("v{version}")),
            },
            account: account.to_string().into(),
            ..evidence(
                &id,
                source,
                if is_child { RemovalRole::Child } else { RemovalRole::Claim },
                seconds,
            )
        }
    }
}

/// One element per identity, as a store keeps them.
fn as_set(mut pieces: Vec<Evidence>) -> Vec<Evidence> {
    pieces.sort_by(|a, b| a.id.cmp(&b.id));
    pieces.dedup_by(|a, b| a.id == b.id);
    pieces
}

/// Folds are quick: eight times the usual number of cases, however many were asked for.
pub(super) fn eightfold() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.saturating_mul(8), ..usual }
}

proptest! {
    #![proptest_config(eightfold())]

    #[test]
    fn neither_order_nor_repetition_matters(
        pieces in prop::collection::vec(any_evidence(), 0..12).prop_map(as_set),
        seed in any::<prop::sample::Index>(),
    ) {
        let mut other = pieces.clone();
        if !other.is_empty() {
            let middle = seed.index(other.len());
            other.rotate_left(middle);
            other.push(pieces[middle].clone());
        }
        other.reverse();
        prop_assert_eq!(fold(&pieces), fold(&other));
    }

    #[test]
    fn removals_never_fall_as_evidence_arrives(
        pieces in prop::collection::vec(any_evidence(), 1..14).prop_map(as_set),
    ) {
        let counts: Vec<usize> = (0..=pieces.len()).map(|n| fold(&pieces[..n]).len()).collect();
        prop_assert!(counts.is_sorted(), "{counts:?}");
    }

    #[test]
    fn a_claim_once_known_keeps_its_row(
        pieces in prop::collection::vec(any_evidence(), 1..14).prop_map(as_set),
    ) {
        let is_claim = |removal: &&Removal| !removal.identity.starts_with("child ");
        let early = fold(&pieces[..pieces.len() / 2]);
        let late = fold(&pieces);
        for claim in early.iter().filter(is_claim) {
            prop_assert!(late.iter().any(|removal| removal.identity == claim.identity));
        }
    }
}
