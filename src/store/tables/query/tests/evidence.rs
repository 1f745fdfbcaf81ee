//! One removal with all that it rests on, and nothing else: which pieces, where they stand, what
//! happened to the key around it; and that each part is found over an index.

use deltrail_core::domain::{Fact, Recovery};

use super::super::super::plan_tests::{plan, statements};
use super::super::super::story::{bulk, child, direct, milli, minute, notice, second, written};
use super::*;
use crate::store::{
    Batch, DeletionName, LedgerCounts, LedgerEntry, LedgerKey, LedgerResult, LedgerState,
    RemovalEvidence, Store, StoredFact,
};

const BUCKET: &str = super::super::super::story::BUCKET;

/// A batch that was read from a log object, its facts from the seventh record on.
fn from_log(facts: impl IntoIterator<Item = Evidence>) -> Batch {
    let stored = |(nth, evidence): (u64, Evidence)| StoredFact {
        fact: Fact::Deletion(Box::new(evidence)),
        record_index: Some(7 + nth),
    };
    let key = LedgerKey { bucket: "logs".into(), key: "l.gz".into(), revision: "v1".into() };
    let state = LedgerState::Done(LedgerResult::Committed, LedgerCounts::default());
    Batch {
        facts: (0..).zip(facts).map(stored).collect(),
        ledger: Some(LedgerEntry { key, source: Source::CloudTrail, state }),
        ..Batch::default()
    }
}

async fn evidence_of(store: &Store, key: &str, identity: &str) -> Option<RemovalEvidence> {
    let (bucket, key) = (BUCKET.to_owned(), Some(key.to_owned()));
    let name = DeletionName { bucket, key, identity: identity.to_owned() };
    store.removal_evidence(LOOKING, name).await.unwrap()
}

/// The ids of its pieces, with the positions of those that stand in a log object.
fn pieces(found: &RemovalEvidence) -> Vec<(&str, Option<u64>)> {
    let place = |it: &crate::store::Piece| it.place.as_ref().map(|place| place.record_index);
    found.pieces.iter().map(|it| (it.evidence.id.as_str(), place(it))).collect()
}

#[tokio::test]
async fn a_removal_of_a_bulk_call_rests_on_the_call_its_child_and_the_notice() {
    let folder = tempfile::tempdir().unwrap();
    for location in lasting_locations(folder.path()) {
        let store = open(location, 500);
        let told = [
            bulk("CALL", second(10)),
            child("a", "kid", second(10)),
            child("b", "other", second(10)),
            direct("a", "LATER", minute(20)),
        ];
        store.commit(from_log(told)).await.unwrap();
        let told = [notice("a", "CALL", milli(10_100)), notice("b", "CALL", milli(10_200))];
        let ids = told.clone().map(|it| it.id);
        store.commit(batch(told)).await.unwrap();

        let found = evidence_of(&store, "a", "r:CALL current").await.unwrap();
        let calls = bulk("CALL", second(10)).id;
        let expected = vec![(calls.as_str(), Some(7)), ("child kid", Some(8)), (&*ids[0], None)];
        let mut sorted = pieces(&found);
        sorted.sort_by_key(|it| it.1.unwrap_or(u64::MAX));
        assert_eq!(sorted, expected);
        let place = found.pieces.iter().find_map(|it| it.place.as_ref()).unwrap();
        assert_eq!((&*place.object.bucket, &*place.object.revision), ("logs", "v1"));
        let near: Vec<_> = found.near.iter().map(|row| row.removal.request_id.as_deref()).collect();
        assert_eq!(near, [Some("LATER")]);
        assert!(!found.has_more_pieces);

        assert_eq!(evidence_of(&store, "a", "r:CALL version x").await, None);
        assert_eq!(evidence_of(&store, "never", "r:CALL current").await, None);
    }
}

#[tokio::test]
async fn a_child_that_is_alone_is_found_by_whatever_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    for location in lasting_locations(folder.path()) {
        let store = open(location, 500);
        let shared =
            Evidence { shared_event_id: Some("twice".into()), ..child("shared", "one", second(1)) };
        let copy = Evidence {
            id: "child copy".into(),
            account: "2".into(),
            event_id: Some("two".into()),
            ..shared.clone()
        };
        let own = Evidence { request_id: Some("OWN".into()), ..child("own", "three", second(2)) };
        store.commit(batch([shared, copy, own, child("bare", "four", second(3))])).await.unwrap();
        for (key, identity, count) in [
            ("shared", "child s:twice unknown 0", 2),
            ("own", "child r:OWN unknown 0", 1),
            ("bare", "child e:four unknown 0", 1),
        ] {
            let found = evidence_of(&store, key, identity).await.unwrap();
            assert_eq!(found.pieces.len(), count, "{identity}");
        }
    }
}

#[tokio::test]
async fn what_happened_to_the_key_says_how_it_can_be_got_back() {
    let folder = tempfile::tempdir().unwrap();
    for location in lasting_locations(folder.path()) {
        let store = open(location, 500);
        let upload = |request: &str, version: &str, at| {
            let version_id = Some(version.to_owned());
            Fact::Creation(Box::new(deltrail_core::domain::Creation {
                version_id,
                ..written("k", request, at)
            }))
        };
        let hidden = Evidence {
            mark: deltrail_core::domain::Mark::Marker,
            marker_version_id: Some("marker".into()),
            ..direct("k", "HIDE", minute(5))
        };
        let gone = |request: &str, version: &str, at| Evidence {
            target: Target::Version(version.into()),
            ..direct("k", request, at)
        };
        let facts = [upload("UP1", "v1", minute(1)), upload("UP2", "v2", minute(2))]
            .into_iter()
            .chain([hidden, gone("GONE", "v2", minute(6))].map(|it| Fact::Deletion(Box::new(it))))
            .chain([upload("UP3", "v3", minute(7))]);
        store.commit(super::super::super::story::facts(facts)).await.unwrap();

        let found = evidence_of(&store, "k", "r:HIDE current").await.unwrap();
        let Recovery::RemoveMarker { marker, version } = found.recovery() else {
            panic!("{:?}", found.recovery());
        };
        assert_eq!((&*marker, &*version.unwrap().id), ("marker", "v1"));
        let again = found.written_again.unwrap();
        assert_eq!(again.version_id.as_deref(), Some("v3"));

        let taken_away = gone("SHOW", "marker", minute(8));
        store.commit(batch([taken_away])).await.unwrap();
        let found = evidence_of(&store, "k", "r:HIDE current").await.unwrap();
        assert!(matches!(found.recovery(), Recovery::Undone(_)), "{:?}", found.recovery());
    }
}

#[test]
fn every_part_of_a_removal_is_found_over_an_index() {
    let connection = open_writer(&Location::Memory).unwrap();
    let text = include_str!("../removal.rs");
    let mut wide = Vec::new();
    let statements = statements("removal.rs", text);
    assert!(statements.len() > 10, "{}", statements.len());
    for statement in statements {
        for step in plan(&connection, &statement) {
            if step.starts_with("SCAN") || step.ends_with("(slot_id=?)") {
                wide.push(step);
            }
        }
    }
    // By its name, among the removals of its key.
    assert_eq!(wide, ["SEARCH removals USING COVERING INDEX removals_by_slot (slot_id=?)"]);
}
