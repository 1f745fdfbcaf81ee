//! Announcements: kept once, put in place of older ones of the file, and the removals that they
//! speak of.

use deltrail_core::detect::Expectation;
use deltrail_core::domain::{Actor, Day, Evidence, Timestamp};

use super::fixtures::stores;
use super::story::{BUCKET, Told, direct, minute, tell};
use crate::store::{Announcing, Configured, Store};

/// Minutes 10 to 20 of the story, by the role, under a folder.
fn expectation(id: &str) -> Expectation {
    Expectation {
        id: id.to_owned(),
        principal: Some("cleaner".to_owned()),
        bucket: BUCKET.to_owned(),
        prefix: "tmp/%_é/".to_owned(),
        since: minute(10),
        until: minute(20),
        objects_max: 2,
    }
}

fn by(role: &str, key: &str, request: &str, at: Timestamp) -> Evidence {
    let arn = format!("arn:aws:sts::111122223333:assumed-role/{role}/i-0abc");
    Evidence {
        actor: Actor { arn: Some(arn), ..Actor::default() }.into(),
        ..direct(key, request, at)
    }
}

/// Three that are spoken of, and one too early, too late, elsewhere, and by somebody else.
async fn removals(store: &Store) {
    let told = [
        by("cleaner", "tmp/%_é/a", "A", minute(10)),
        by("cleaner", "tmp/%_é/b", "B", minute(12)),
        by("cleaner", "tmp/%_é/c", "C", minute(19)),
        by("cleaner", "tmp/%_é/d", "D", minute(9)),
        by("cleaner", "tmp/%_é/e", "E", minute(20)),
        by("cleaner", "tmp/xxé/f", "F", minute(12)),
        by("intern", "tmp/%_é/g", "G", minute(12)),
    ];
    tell(store, told.map(Told::fact)).await;
}

/// Takes everything off the list of what is due.
async fn look(store: &Store) {
    for due in store.due_days(100).await.unwrap() {
        let found = crate::store::Found {
            bucket: due.bucket.clone(),
            due: vec![due],
            days: std::collections::BTreeMap::new(),
            withdrawn_because: std::collections::BTreeMap::new(),
            notifiers: Vec::new(),
            told_from: deltrail_core::domain::Severity::Critical,
            now: minute(30),
        };
        assert!(store.write_findings(found).await.unwrap().is_current);
    }
}

async fn due_days(store: &Store) -> Vec<(Day, bool)> {
    let due = store.due_days(100).await.unwrap();
    due.into_iter().map(|due| (due.day, due.is_live)).collect()
}

#[tokio::test]
async fn an_announcement_speaks_of_what_its_principal_removed_there_and_then() {
    for store in stores(500) {
        removals(&store).await;
        let kept = store.announce(expectation("e-1"), Some("ops".to_owned()), minute(11)).await;
        assert_eq!(kept.unwrap(), Announcing::Kept);
        let observed = store.observations(BUCKET, Day::of(minute(0)), 900_000).await.unwrap();
        let [announced] = observed.announced.as_slice() else { panic!("{observed:?}") };
        assert_eq!(announced.expectation, expectation("e-1"));
        let removed: i64 = announced.cells.iter().map(|cell| cell.counts.removed).sum();
        assert_eq!((removed, announced.cells.len()), (3, 2));
        for cell in &announced.cells {
            let caller = observed.callers[&cell.caller].principal().unwrap().name;
            assert_eq!(caller, "cleaner");
        }
        let listed = store.expectations(minute(20), 10).await.unwrap();
        let [listed] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!((listed.came, listed.is_configured), (Some(3), false));
        assert_eq!(listed.said_by.as_deref(), Some("ops"));
        assert_eq!(store.expectations(minute(21), 10).await.unwrap(), []);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_was_announced_is_looked_at_again_and_is_no_news() {
    for store in stores(500) {
        removals(&store).await;
        look(&store).await;
        assert_eq!(due_days(&store).await, []);
        let long_ago = Expectation {
            since: Timestamp::from_millis(0),
            until: minute(2 * 24 * 60),
            ..expectation("e-1")
        };
        let now = minute(11);
        assert_eq!(store.announce(long_ago, None, now).await.unwrap(), Announcing::Kept);
        let days: Vec<_> = (-31..=0).map(|nth| (Day::of(now).plus(nth), false)).collect();
        assert_eq!(due_days(&store).await, days);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_same_announcement_again_changes_nothing() {
    for store in stores(500) {
        let (once, now) = (expectation("e-1"), minute(11));
        assert_eq!(store.announce(once.clone(), None, now).await.unwrap(), Announcing::Kept);
        look(&store).await;
        let more = Expectation { objects_max: 1_000, ..once.clone() };
        assert_eq!(store.announce(more, None, now).await.unwrap(), Announcing::Known(once));
        assert_eq!(due_days(&store).await, []);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_bucket_has_so_many_announcements_at_a_time() {
    for store in stores(500) {
        for nth in 0..100 {
            let kept = store.announce(expectation(&format!("e-{nth}")), None, minute(11)).await;
            assert_eq!(kept.unwrap(), Announcing::Kept);
        }
        let more = store.announce(expectation("more"), None, minute(11)).await.unwrap();
        assert_eq!(more, Announcing::TooMany(100));
        let later = store.announce(expectation("more"), None, minute(20)).await.unwrap();
        assert_eq!(later, Announcing::Kept, "those are over");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_file_is_put_in_place_of_what_it_held_before() {
    for store in stores(500) {
        let configured = |id: &str, since, keeps_since| {
            let expectation = Expectation { since, ..expectation(id) };
            Configured { expectation, keeps_since }
        };
        let ids = async || -> Vec<(String, Timestamp)> {
            let listed = store.expectations(minute(0), 10).await.unwrap();
            listed.into_iter().map(|it| (it.expectation.id, it.expectation.since)).collect()
        };
        assert_eq!(
            store.announce(expectation("said"), None, minute(9)).await.unwrap(),
            Announcing::Kept
        );
        let first = vec![configured("a", minute(8), true), configured("b", minute(5), false)];
        store.configure_expectations(first, minute(8)).await.unwrap();
        let told = |id: &str, since| (id.to_owned(), since);
        assert_eq!(
            ids().await,
            [told("a", minute(8)), told("b", minute(5)), told("said", minute(10))]
        );
        look(&store).await;
        let again = vec![configured("a", minute(15), true), configured("b", minute(5), false)];
        store.configure_expectations(again, minute(15)).await.unwrap();
        assert_eq!(due_days(&store).await, [], "nothing is other than before");
        let other = vec![configured("b", minute(6), false), configured("c", minute(16), true)];
        store.configure_expectations(other, minute(16)).await.unwrap();
        assert_eq!(
            ids().await,
            [told("b", minute(6)), told("c", minute(16)), told("said", minute(10))]
        );
        assert_eq!(due_days(&store).await, [(Day::of(minute(0)), false)]);
        store.configure_expectations(Vec::new(), minute(17)).await.unwrap();
        assert_eq!(ids().await, [told("said", minute(10))]);
        store.close().await.unwrap();
    }
}
