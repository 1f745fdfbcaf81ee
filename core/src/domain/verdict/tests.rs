//! Verdicts, one story each.

use std::collections::BTreeSet;

use super::*;
use crate::domain::{Actor, Kind, SourceSet};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

fn removal(identity: &str, at: i64) -> Removal {
    Removal {
        identity: format!("r:{identity} current"),
        target: Target::Current,
        kind: Kind::Object,
        cause: Cause::Api,
        is_confirmed: true,
        at: Timestamp::from_millis(at),
        is_coarse: false,
        sequencer: None,
        notified_at: None,
        request_id: Some(identity.into()),
        sources: SourceSet::default(),
        actor: Actor::default().into(),
        marker_version_id: None,
    }
}

fn child(request: &str, nth: usize, at: i64) -> Removal {
    Removal {
        identity: format!("child r:{request} unknown {nth}"),
        target: Target::Unknown,
        kind: Kind::Unknown,
        is_coarse: true,
        ..removal(request, at)
    }
}

fn write(identity: &str, at: i64) -> Created {
    let moment = Moment { at: Timestamp::from_millis(at), is_coarse: false, sequencer: None };
    Created {
        identity: identity.into(),
        moment,
        version_id: None,
        sources: SourceSet::default(),
        actor: Actor::default().into(),
    }
}

fn sequenced(at: i64, sequencer: &str) -> Moment {
    Moment { sequencer: Some(sequencer.into()), ..write("w", at).moment }
}

fn verdicts(removals: &[Removal], creations: &[Created], calls: &[&str]) -> Vec<Verdict> {
    let calls: BTreeSet<String> = calls.iter().map(|&id| id.to_owned()).collect();
    judge(&History { removals, creations, calls: &calls, stale_window_millis: 15 * MINUTE })
}

fn duplicates(removals: &[Removal], creations: &[Created], calls: &[&str]) -> usize {
    let verdicts = verdicts(removals, creations, calls);
    verdicts.iter().filter(|verdict| verdict.duplicate_of.is_some()).count()
}

fn stale(removals: &[Removal], creations: &[Created]) -> usize {
    verdicts(removals, creations, &[]).iter().filter(|verdict| verdict.is_stale).count()
}

#[test]
fn each_further_request_within_ten_minutes_of_the_one_before_repeats_it() {
    let chain = [removal("a", 0), removal("b", 9 * MINUTE), removal("c", 18 * MINUTE)];
    assert_eq!(duplicates(&chain, &[], &[]), 2);
    let told = verdicts(&chain, &[], &[]);
    assert_eq!(told[2].duplicate_of.as_deref(), Some("r:b current"));
    let late = [removal("a", 0), removal("b", 10 * MINUTE + 1)];
    assert_eq!(duplicates(&late, &[], &[]), 0);
    let exact = [removal("a", 0), removal("b", 10 * MINUTE)];
    assert_eq!(duplicates(&exact, &[], &[]), 1);
}

#[test]
fn a_write_between_makes_the_second_delete_a_new_one() {
    let twice = [removal("a", 0), removal("b", 2 * MINUTE)];
    assert_eq!(duplicates(&twice, &[write("w", MINUTE)], &[]), 0);
    assert_eq!(duplicates(&twice, &[write("w", 3 * MINUTE)], &[]), 1);
}

#[test]
fn other_targets_and_lifecycle_repeat_nothing() {
    let version = Removal { target: Target::Version("v".into()), ..removal("b", SECOND) };
    assert_eq!(duplicates(&[removal("a", 0), version], &[], &[]), 0);
    let expired = Removal { cause: Cause::Lifecycle, ..removal("b", SECOND) };
    assert_eq!(duplicates(&[removal("a", 0), expired.clone()], &[], &[]), 0);
    assert_eq!(duplicates(&[expired, removal("c", 2 * SECOND)], &[], &[]), 0);
}

#[test]
fn children_repeat_each_other_only_when_their_calls_are_known() {
    let of_one_call = [child("A", 0, 0), child("A", 1, 0)];
    assert_eq!(duplicates(&of_one_call, &[], &["A"]), 0, "two versions in one call");
    let of_two = [child("A", 0, 0), child("B", 0, SECOND)];
    assert_eq!(duplicates(&of_two, &[], &["A", "B"]), 1);
    assert_eq!(duplicates(&of_two, &[], &[]), 0, "each id may be the record's own");
}

#[test]
fn a_delete_of_a_write_that_had_just_replaced_another_is_stale() {
    let writes = [write("old", 0), write("fresh", 60 * MINUTE)];
    assert_eq!(stale(&[removal("a", 65 * MINUTE)], &writes), 1);
    assert_eq!(stale(&[removal("a", 75 * MINUTE)], &writes), 1, "the window's end belongs to it");
    assert_eq!(stale(&[removal("a", 75 * MINUTE + 1)], &writes), 0);
    assert_eq!(stale(&[removal("a", 5 * MINUTE)], &writes), 0, "it replaced nothing");
}

#[test]
fn what_was_removed_before_it_was_written_anew_was_not_replaced() {
    let writes = [write("old", 0), write("fresh", 60 * MINUTE)];
    let removals = [removal("a", 30 * MINUTE), removal("b", 65 * MINUTE)];
    assert_eq!(stale(&removals, &writes), 0);
}

#[test]
fn only_the_first_removal_of_a_fresh_write_is_stale() {
    let writes = [write("old", 0), write("fresh", 60 * MINUTE)];
    let removals = [removal("a", 65 * MINUTE), removal("b", 65 * MINUTE + 5)];
    assert_eq!(stale(&removals, &writes), 1);
}

#[test]
fn lifecycle_is_never_stale() {
    let writes = [write("old", 0), write("fresh", 60 * MINUTE)];
    let expired = Removal { cause: Cause::Lifecycle, ..removal("a", 65 * MINUTE) };
    assert_eq!(stale(&[expired], &writes), 0);
}

#[test]
fn removing_the_version_that_was_replaced_is_not_stale_and_the_fresh_one_is() {
    let version = |id: &str, at| Created { version_id: Some(id.into()), ..write(id, at) };
    let writes = [version("v1", 0), version("v2", 60 * MINUTE)];
    let of = |id: &str| Removal { target: Target::Version(id.into()), ..removal("a", 65 * MINUTE) };
    assert_eq!(stale(&[of("v1")], &writes), 0);
    assert_eq!(stale(&[of("v2")], &writes), 1);
    let unknown = child("A", 0, 65 * MINUTE);
    assert_eq!(stale(std::slice::from_ref(&unknown), &writes), 0, "it may have been any version");
    let unversioned = [write("old", 0), write("fresh", 60 * MINUTE)];
    assert_eq!(stale(&[unknown], &unversioned), 1, "there is only one");
}

#[test]
fn sequencers_decide_what_came_first() {
    let writes = [
        Created { moment: sequenced(0, "01"), ..write("old", 0) },
        Created { moment: sequenced(MINUTE, "03"), ..write("fresh", MINUTE) },
    ];
    // By its clock the delete came last, by S3's order before the fresh write.
    let early = Removal { sequencer: Some("02".into()), ..removal("a", 2 * MINUTE) };
    assert_eq!(stale(&[early], &writes), 0);
    let late = Removal { sequencer: Some("0004".into()), ..removal("a", 30 * SECOND) };
    assert_eq!(stale(&[late], &writes), 1);
}

#[test]
fn the_order_of_the_evidence_does_not_matter() {
    let writes = [write("old", 0), write("fresh", 60 * MINUTE)];
    let removals = [removal("a", 65 * MINUTE), removal("b", 66 * MINUTE)];
    let forwards = verdicts(&removals, &writes, &[]);
    let swapped = [removals[1].clone(), removals[0].clone()];
    let backwards = verdicts(&swapped, &[writes[1].clone(), writes[0].clone()], &[]);
    assert_eq!(forwards, [backwards[1].clone(), backwards[0].clone()]);
}

#[test]
fn removing_a_marker_whose_making_is_known_is_an_undelete() {
    let made = Removal { marker_version_id: Some("m1".into()), ..removal("a", 0) };
    let by_id = |id: &str| Removal { target: Target::Version(id.into()), ..removal("b", MINUTE) };
    assert!(verdicts(&[made.clone(), by_id("m1")], &[], &[])[1].is_undelete);
    assert!(!verdicts(&[made, by_id("v1")], &[], &[])[1].is_undelete);
    assert!(!verdicts(&[by_id("m1")], &[], &[])[0].is_undelete, "its making is not known");
}

#[test]
fn an_intent_is_fulfilled_by_the_first_removal_at_or_after_it() {
    let removals = [removal("b", 2_000), removal("a", 1_000), removal("c", 3_000)];
    let by = |at| fulfilment(Timestamp::from_millis(at), &removals).map(|it| it.at.as_millis());
    assert_eq!(
        [by(500), by(1_000), by(1_001), by(3_001)],
        [Some(1_000), Some(1_000), Some(2_000), None]
    );
    let coarse = [Removal { is_coarse: true, ..removal("a", 1_000) }];
    assert!(fulfilment(Timestamp::from_millis(1_999), &coarse).is_some());
    assert!(fulfilment(Timestamp::from_millis(2_000), &coarse).is_none());
}
