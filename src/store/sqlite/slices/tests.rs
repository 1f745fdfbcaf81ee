//! Names are found whichever slice they are in, once, and slices that are no longer needed go.

use std::path::Path;

use deltrail_core::domain::{Evidence, Timestamp};
use refinery::{Migration, Runner};

use super::super::open::MIGRATIONS;
use super::*;
use crate::store::tables::fixtures::{batch, delete, file};
use crate::store::{Forget, Store, Sweep};

/// The delete of a key in this second.
fn deleted(key: u64, request: &str, second: i64) -> Evidence {
    let at = Timestamp::from_millis(second * 1_000);
    let ended_at = Some(Timestamp::from_millis(second * 1_000 + 42));
    Evidence { at, started_at: Some(at), ended_at, ..delete("b", &key.to_string(), request) }
}

/// Deletes these keys one after the other; gives how many removals were new.
async fn delete_all(store: &Store, keys: impl IntoIterator<Item = u64>, run: &str) -> u64 {
    let mut removals = 0;
    for (second, key) in (1..).zip(keys) {
        let evidence = deleted(key, &format!("{run}{key}"), second);
        removals += store.commit(batch([evidence])).await.unwrap().removals;
    }
    removals
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Sees that no name is there twice, and gives how many slots there are.
fn slots(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    let twice = |names| number(&connection, &format!("SELECT count(*) - count(DISTINCT {names}"));
    assert_eq!(twice("bucket || ' ' || key) FROM slots"), 0);
    assert_eq!(twice("bucket || ' ' || identity) FROM requests"), 0);
    let beside = "FROM slots WHERE slice NOT IN (SELECT number FROM slices WHERE sliced = 'keys')";
    assert_eq!(number(&connection, &format!("SELECT count(*) {beside}")), 0);
    number(&connection, "SELECT count(*) FROM slots")
}

#[tokio::test]
async fn a_name_is_known_again_in_whichever_slice_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.db");
    let store = file(&path);
    assert_eq!(delete_all(&store, 0..40, "first ").await, 40);
    assert_eq!(delete_all(&store, 0..40, "first ").await, 0, "the same requests");
    assert_eq!(delete_all(&store, (0..40).rev(), "second ").await, 40);
    assert_eq!(store.removals("b", "17").await.unwrap().len(), 2);
    store.close().await.unwrap();
    assert_eq!(slots(&path), 40);
    let connection = Connection::open(&path).unwrap();
    let full = "SELECT count(*) FROM slices WHERE sliced = 'requests' AND filter IS NOT NULL";
    assert!(number(&connection, full) >= 4);

    let store = file(&path);
    assert_eq!(delete_all(&store, 0..44, "second ").await, 4, "after it was opened again");
    store.close().await.unwrap();
    assert_eq!(slots(&path), 44);
}

#[tokio::test]
async fn a_filter_that_is_missing_or_damaged_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.db");
    let store = file(&path);
    delete_all(&store, 0..40, "first ").await;
    store.close().await.unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute("UPDATE slices SET filter = NULL WHERE number % 2 = 0", []).unwrap();
    connection.execute("UPDATE slices SET filter = x'00' WHERE number % 4 = 1", []).unwrap();
    drop(connection);
    let store = file(&path);
    assert_eq!(delete_all(&store, 0..40, "first ").await, 0);
    store.close().await.unwrap();
    assert_eq!(slots(&path), 40);
    let not_whole = "SELECT count(*) FROM slices WHERE filter IS NULL OR length(filter) < 64";
    assert_eq!(number(&Connection::open(&path).unwrap(), not_whole), 2, "those that grow");
}

#[tokio::test]
async fn what_is_left_of_slices_that_were_forgotten_is_moved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.db");
    let store = file(&path);
    delete_all(&store, 0..400, "first ").await;
    // One of the oldest keys is removed again, long after the others.
    let later = 30 * 24 * 60 * 60;
    store.commit(batch([deleted(2, "again", later)])).await.unwrap();
    let mut next = Some(Sweep::start());
    while let Some(from) = next {
        let before = Timestamp::from_millis((later - 1) * 1_000);
        next = store.forget(Forget { before, from, rows_max: 7 }).await.unwrap().next;
    }
    let slices = || {
        let connection = Connection::open(&path).unwrap();
        let of = |table| {
            let count = format!("SELECT count(*) FROM slices WHERE sliced = '{table}'");
            number(&connection, &count)
        };
        [of("keys"), of("requests")]
    };
    let before = slices();
    assert!(before.iter().all(|&slices| slices > 45), "{before:?}");
    for key in 1_000..1_200 {
        let evidence = deleted(key, &format!("new {key}"), later + 1);
        store.commit(batch([evidence])).await.unwrap();
    }
    let after = slices();
    assert!(after.iter().all(|&slices| slices < 35), "{after:?}");
    let again = store.commit(batch([deleted(2, "again", later)])).await.unwrap();
    assert_eq!((again.removals, again.new_evidence), (0, 0), "it is known where it went");
    store.commit(batch([deleted(2, "once more", later + 9)])).await.unwrap();
    assert_eq!(store.removals("b", "2").await.unwrap().len(), 2);
    store.close().await.unwrap();
    assert_eq!(slots(&path), 201);
}

#[tokio::test]
async fn two_programs_that_write_at_the_same_time_know_the_names_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.db");
    let [daemon, scan] = [file(&path), file(&path)];
    for part in 0..10 {
        let keys = || part * 5..part * 5 + 5;
        assert_eq!(delete_all(&daemon, keys(), "first ").await, 5);
        assert_eq!(delete_all(&scan, keys(), "first ").await, 0, "the other one was before");
        assert_eq!(delete_all(&scan, keys(), "second ").await, 5);
        assert_eq!(delete_all(&daemon, keys(), "second ").await, 0);
    }
    assert_eq!(delete_all(&daemon, 0..50, "second ").await, 0);
    assert_eq!(delete_all(&scan, 0..50, "first ").await, 0);
    assert_eq!(scan.removals("b", "7").await.unwrap().len(), 2);
    scan.close().await.unwrap();
    daemon.close().await.unwrap();
    assert_eq!(slots(&path), 50);
}

/// A store as the version before slices left it, with a removal of each of these slots.
fn before_slices(path: &Path, slots: &[(i64, &str)]) {
    let mut connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    let known = MIGRATIONS.iter().take_while(|(name, _)| *name != "V6__slices");
    let known: Vec<Migration> =
        known.map(|(name, sql)| Migration::unapplied(name, sql).unwrap()).collect();
    assert_eq!(known.len(), 5);
    Runner::new(&known).run(&mut connection).unwrap();
    connection.execute("INSERT INTO actors VALUES (1, '{\"arn\":\"arn:dev\"}')", []).unwrap();
    for (id, key) in slots {
        let values = &[id as &dyn rusqlite::ToSql, key];
        let insert = |sql: &str| connection.execute(sql, values).unwrap();
        insert("INSERT INTO slots (id, bucket, key) VALUES (?1, 'b', ?2)");
        insert(
            "INSERT INTO requests (rowid, bucket, identity, key, api, outcome, request_id, account,
                 region, at, sources, actor_kind, actor_id, is_backfilled)
             VALUES (?1, 'b', 'r:first ' || ?2, ?2, 'DeleteObject', 'ok', 'first ' || ?2,
                 '111122223333', 'eu-west-1', 1000, 1, 'principal', 1, 0)",
        );
        insert(
            "INSERT INTO evidence (id, slot_id, bucket, source, api, outcome, role, target, mark,
                 cause, request_id, event_id, account, region, at, actor_id, is_key_of_request)
             VALUES ('trail first ' || ?2, ?1, 'b', 'cloudtrail', 'DeleteObject', 'ok', 'claim',
                 'current', 'object', 'api', 'first ' || ?2, 'event first ' || ?2,
                 '111122223333', 'eu-west-1', 1000, 1, 1)",
        );
        insert(
            "INSERT INTO removals (slot_id, identity, bucket, target, kind, cause, is_confirmed, at,
                 is_coarse, request_id, sources, actor_kind, actor_id, counted_confirmed,
                 counted_latency, is_backfilled, settled, is_undelete, is_unconfirmed)
             VALUES (?1, 'r:first ' || ?2 || ' current', 'b', 'current', 'object', 'api', 0, 1000,
                 1, 'first ' || ?2, 1, 'principal', 1, 0, 0, 0, 0, 0, 0)",
        );
        insert(
            "INSERT INTO creations (slot_id, identity, at, is_coarse, sources, actor)
             VALUES (?1, 'w ' || ?2, 900, 1, 1, '{}')",
        );
    }
}

#[tokio::test]
async fn a_store_of_the_version_before_is_brought_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.db");
    before_slices(&path, &[(1, "0"), (2, "1"), (70_000, "2"), (70_001, "3"), (200_000, "4")]);
    let store = file(&path);
    assert_eq!(delete_all(&store, 0..6, "first ").await, 1, "only one was not known");
    assert_eq!(delete_all(&store, 0..6, "second ").await, 6);
    assert_eq!(store.removals("b", "2").await.unwrap().len(), 2);
    store.close().await.unwrap();
    assert_eq!(slots(&path), 6);
    let connection = Connection::open(&path).unwrap();
    assert_eq!(number(&connection, "SELECT slice FROM slots WHERE id = 70000"), 1);
    assert_eq!(number(&connection, "SELECT slice FROM requests WHERE key = '2'"), 1);
    assert_eq!(number(&connection, "SELECT id FROM slots WHERE key = '4'"), 200_000);
    assert_eq!(number(&connection, "SELECT count(*) FROM creations"), 5);
    assert_eq!(number(&connection, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}
