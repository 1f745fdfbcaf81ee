//! What a store promises of its rows: nothing acknowledged is lost, nothing is counted twice, and
//! one bad batch does not fail the others.

use deltrail_core::domain::{Actor, Evidence, RemovalRole, Source, Target, Timestamp};
use rusqlite::Connection;

use super::fixtures::{batch, delete, file, lasting_locations, open, removed, stores};
use super::story::ask_rows;
use crate::store::session::column;
use crate::store::{
    Batch, LedgerCounts, LedgerEntry, LedgerKey, LedgerResult, LedgerState, Origin, Reject,
    StoreError,
};

fn log_object(key: &str) -> LedgerKey {
    LedgerKey { bucket: "logs".into(), key: key.into(), revision: "etag".into() }
}

fn ledger(key: &str, state: LedgerState) -> LedgerEntry {
    LedgerEntry { key: log_object(key), source: Source::CloudTrail, state }
}

const DONE: LedgerState = LedgerState::Done(
    LedgerResult::Committed,
    LedgerCounts {
        records: 3,
        evidence: 2,
        ignored: 1,
        rejected: 0,
        compressed_bytes: 10,
        inflated_bytes: 40,
    },
);

#[tokio::test]
async fn a_restart_keeps_rows_and_totals_exactly() {
    let directory = tempfile::tempdir().unwrap();
    for location in lasting_locations(directory.path()) {
        let store = open(location.clone(), 500);
        store.commit(batch([delete("b", "k", "A"), delete("b", "l", "B")])).await.unwrap();
        let before = (
            store.totals().await.unwrap(),
            store.row_counts().await.unwrap(),
            store.removals("b", "k").await.unwrap(),
        );
        assert_eq!(before.2.len(), 1);
        store.close().await.unwrap();

        let store = open(location, 500);
        let after = (
            store.totals().await.unwrap(),
            store.row_counts().await.unwrap(),
            store.removals("b", "k").await.unwrap(),
        );
        assert_eq!(before, after);
        store.commit(batch([delete("b", "m", "C")])).await.unwrap();
        assert_eq!(removed(&store, "b").await, 3, "the totals go on from where they were");
    }
}

#[tokio::test]
async fn what_aws_itself_deletes_is_counted_and_labelled() {
    for store in stores(500) {
        let by = |service: &str, arn: Option<&str>, request: &str| Evidence {
            actor: Actor {
                invoked_by: Some(service.into()),
                arn: arn.map(str::to_owned),
                ..Actor::default()
            }
            .into(),
            ..delete("b", request, request)
        };
        let role = Some("arn:aws:sts::111122223333:assumed-role/replicate/s3-replication");
        let deletes = [
            delete("b", "person", "person"),
            by("s3.amazonaws.com", role, "replication"),
            by("lifecycle.s3.amazonaws.com", None, "lifecycle"),
            by("backup.amazonaws.com", None, "service"),
        ];
        store.commit(batch(deletes)).await.unwrap();
        assert_eq!(removed(&store, "b").await, 4);
        for labels in [
            "SELECT actor_kind FROM removals ORDER BY actor_kind",
            "SELECT actor_kind FROM requests ORDER BY actor_kind",
        ] {
            let found: Vec<String> =
                ask_rows(&store, move |session| session.rows(labels, &[], column)).await;
            assert_eq!(found, ["lifecycle", "principal", "replication", "service"], "{labels}");
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("d.db");
    let store = file(&path);
    store.commit(batch([delete("b", "k", "A")])).await.unwrap();
    // What a killed program leaves behind: the database and the log, nothing folded in.
    let left = tempfile::tempdir().unwrap();
    for name in ["d.db", "d.db-wal"] {
        std::fs::copy(directory.path().join(name), left.path().join(name)).unwrap();
    }
    let found = file(&left.path().join("d.db"));
    assert_eq!(removed(&found, "b").await, 1);
    assert_eq!(found.removals("b", "k").await.unwrap().len(), 1);
    let again = found.commit(batch([delete("b", "k", "A")])).await.unwrap();
    assert_eq!((again.new_evidence, again.repeated_evidence), (0, 1));
    drop(store);
}

#[tokio::test]
async fn the_same_batch_again_changes_nothing() {
    for store in stores(500) {
        let whole = Batch {
            rejects: vec![
                reject(Origin::LogObject { object: log_object("a"), record_index: Some(7) }),
                reject(Origin::LogObject { object: log_object("a"), record_index: None }),
                reject(message("m-1")),
            ],
            ledger: Some(ledger("a", DONE)),
            ..batch([delete("b", "k", "A"), delete("b", "k", "B")])
        };
        let first = store.commit(whole.clone()).await.unwrap();
        assert_eq!((first.new_evidence, first.removals, first.new_rejects), (2, 2, 3));
        assert!(!first.was_committed);
        let before = (store.totals().await.unwrap(), store.row_counts().await.unwrap());

        let again = store.commit(whole).await.unwrap();
        assert_eq!((again.new_evidence, again.removals, again.new_rejects), (0, 0, 0));
        assert_eq!(again.repeated_evidence, 2);
        assert!(again.was_committed);
        assert_eq!((store.totals().await.unwrap(), store.row_counts().await.unwrap()), before);
    }
}

fn reject(origin: Origin) -> Reject {
    Reject {
        at: Timestamp::from_millis(5),
        source: Source::CloudTrail,
        reason: "wrong_type".into(),
        detail: "eventTime is a number".into(),
        origin,
    }
}

fn message(id: &str) -> Origin {
    Origin::Message {
        queue: "deletes".into(),
        message_id: id.into(),
        record_index: None,
        body: "{}".into(),
    }
}

#[tokio::test]
async fn a_log_object_is_done_with_its_last_batch_only() {
    for store in stores(500) {
        let first = Batch {
            ledger: Some(ledger("a", LedgerState::Reading)),
            ..batch([delete("b", "k", "A")])
        };
        assert!(!store.commit(first).await.unwrap().was_committed);
        assert_eq!(store.committed_as(&log_object("a")).await.unwrap(), None);

        let last = Batch { ledger: Some(ledger("a", DONE)), ..batch([delete("b", "k", "B")]) };
        assert!(!store.commit(last).await.unwrap().was_committed);
        let source = Some(Source::CloudTrail);
        assert_eq!(store.committed_as(&log_object("a")).await.unwrap(), source);
        assert_eq!(store.committed_as(&log_object("b")).await.unwrap(), None);
        let rewritten = LedgerKey { revision: "other".into(), ..log_object("a") };
        assert_eq!(
            store.committed_as(&rewritten).await.unwrap(),
            None,
            "another revision is another object"
        );
    }
}

#[tokio::test]
async fn every_batch_of_a_burst_is_answered_with_its_own_report() {
    for store in stores(500) {
        let mut commits = tokio::task::JoinSet::new();
        for nth in 0..100u64 {
            let store = store.clone();
            commits.spawn(async move {
                let own = (0..=nth).map(|n| delete("b", &format!("k{n}"), &format!("{nth}/{n}")));
                (nth, store.commit(batch(own)).await.unwrap())
            });
        }
        for (nth, report) in commits.join_all().await {
            assert_eq!((report.new_evidence, report.removals), (nth + 1, nth + 1));
        }
        assert_eq!(removed(&store, "b").await, 5_050);
    }
}

#[tokio::test]
async fn one_bad_batch_does_not_fail_the_others_of_its_group() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("d.db");
    let store = file(&path);
    store.commit(batch([delete("b", "broken", "A")])).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute("UPDATE actors SET actor = 'not JSON'", []).unwrap();
    // The writer waits for the lock until all three have been sent: they meet in a group.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let bad = Evidence { id: "again".into(), ..delete("b", "broken", "A") };
    let [x, bad, y] = [delete("b", "x", "X"), bad, delete("b", "y", "Y")]
        .map(|piece| store.commit(batch([piece])));
    let release = async { other.execute_batch("COMMIT").unwrap() };
    let (x, bad, y, ()) = tokio::join!(x, bad, y, release);
    assert_eq!((x.unwrap().new_evidence, y.unwrap().new_evidence), (1, 1));
    let error = bad.unwrap_err();
    assert!(matches!(&error, StoreError::Row { detail, .. } if detail.contains("actor")));
    assert!(!error.is_transient());
    assert_eq!(removed(&store, "b").await, 3, "nothing of the bad batch was kept");
}

#[tokio::test]
async fn the_first_child_of_a_slot_finds_the_notice_that_came_before() {
    for store in stores(500) {
        let notice = Evidence {
            id: "notice".into(),
            source: Source::S3Notification,
            call: None,
            ..delete("b", "k", "A")
        };
        let child = Evidence {
            id: "child".into(),
            role: RemovalRole::Child,
            call: None,
            request_id: None,
            target: Target::Unknown,
            at: Timestamp::from_millis(11_000),
            ..delete("b", "k", "A")
        };
        store.commit(batch([notice])).await.unwrap();
        let report = store.commit(batch([child])).await.unwrap();
        assert_eq!((report.new_evidence, report.removals), (1, 0));
        assert_eq!(store.removals("b", "k").await.unwrap().len(), 1);
        assert_eq!(removed(&store, "b").await, 1);
    }
}

#[tokio::test]
async fn closing_commits_what_waits_and_ends_everything_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("d.db");
    let store = file(&path);
    let handle = store.clone();
    let waiting = store.commit(batch([delete("b", "k", "A")]));
    let (committed, closed) = tokio::join!(waiting, store.clone().close());
    assert_eq!(committed.unwrap().new_evidence, 1);
    closed.unwrap();
    let error = handle.commit(batch([delete("b", "k", "B")])).await.unwrap_err();
    assert!(matches!(error, StoreError::Closed { .. }));
    let log = std::fs::metadata(directory.path().join("d.db-wal"));
    assert!(log.is_err() || log.unwrap().len() == 0, "the log is folded in");
}

#[tokio::test]
async fn texts_of_any_characters_are_kept_apart_and_come_back() {
    let keys =
        ["a", "a\0", "a\0\0", "a\u{1}", "a\u{1}\u{1}", "a\0b", "a\u{1}\u{2}", "a\u{10ffff}", "'?1"];
    for store in stores(500) {
        store.commit(batch(keys.map(|key| delete("b", key, key)))).await.unwrap();
        assert_eq!(store.row_counts().await.unwrap().slots, keys.len() as u64);
        for key in keys {
            let removals = store.removals("b", key).await.unwrap();
            let requests: Vec<_> = removals.iter().map(|it| it.request_id.as_deref()).collect();
            assert_eq!(requests, [Some(key)]);
        }
        let again = store.commit(batch(keys.map(|key| delete("b", key, key)))).await.unwrap();
        assert_eq!(again.new_evidence, 0);
    }
}
