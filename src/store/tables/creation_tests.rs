//! Writes of keys: kept for a day and two hours after the next one came, and the last one of each
//! key, but no more than may be kept. To forget is no evidence.

use deltrail_core::domain::{
    Actor, Creation, Evidence, Family, Outcome, ProtectionChange, Source, Target,
};

use super::fixtures::{locations, options, stores};
use super::story::{
    BUCKET, Told, ask, ask_rows, corrections, count, direct, hear, line, milli, minute, notice,
    said, settle, settle_until, tell, written,
};
use crate::store::session::column;
use crate::store::{Options, Store};

const HOUR: i64 = 60;

/// The writes that are kept, by their request ids.
async fn kept(store: &Store) -> Vec<String> {
    ask_rows(store, |session| {
        let requests = "SELECT substr(identity, 3) FROM creations ORDER BY at, identity";
        session.rows(requests, &[], column)
    })
    .await
}

fn small(creations_max: usize) -> impl Iterator<Item = Store> {
    locations().map(move |location| {
        Store::open(Options { creations_max, ..options(location, 500) }).unwrap()
    })
}

fn write(key: &str, request: &str, at: i64) -> Creation {
    written(key, request, minute(at))
}

#[tokio::test]
async fn a_write_is_kept_for_26_hours_after_the_next_one_and_the_last_one_for_good() {
    for store in stores(500) {
        // In one batch and in any order: what came when is told by the clocks.
        let writes = [
            write("cat.jpg", "second", HOUR),
            write("cat.jpg", "first", 0),
            write("dog.jpg", "only", 0),
            write("cat.jpg", "third", 10 * HOUR),
        ];
        tell(&store, writes.map(Told::fact)).await;
        let complete = async |nth: i64| {
            hear(&store, Source::S3Notification, minute(nth + 2)).await;
            settle(&store, &ask()).await;
            kept(&store).await
        };
        assert_eq!(complete(27 * HOUR).await, ["first", "only", "second", "third"]);
        assert_eq!(complete(27 * HOUR + 1).await, ["only", "second", "third"]);
        assert_eq!(complete(36 * HOUR + 1).await, ["only", "third"]);
        assert_eq!(complete(1_000 * HOUR).await, ["only", "third"]);
    }
}

#[tokio::test]
async fn a_write_that_is_told_between_two_others_is_followed_by_the_later_one() {
    for store in stores(500) {
        for nth in [("first", 0), ("third", 10 * HOUR), ("second", HOUR)] {
            tell(&store, [write("cat.jpg", nth.0, nth.1).fact()]).await;
        }
        hear(&store, Source::S3Notification, minute(27 * HOUR + 3)).await;
        settle(&store, &ask()).await;
        assert_eq!(kept(&store).await, ["second", "third"]);
    }
}

#[tokio::test]
async fn a_write_that_a_finer_clock_tells_of_again_is_one() {
    for store in stores(500) {
        let coarse = Creation { source: Source::EventBridge, ..write("cat.jpg", "A", 0) };
        let fine = Creation { id: "fine".into(), ..written("cat.jpg", "A", milli(123)) };
        let report = tell(&store, [coarse.clone().fact(), fine.fact()]).await;
        assert_eq!((report.new_evidence, report.repeated_evidence), (2, 0));
        let again = tell(&store, [coarse.fact()]).await;
        assert_eq!((again.new_evidence, again.repeated_evidence), (0, 1), "it tells nothing new");
        let at: i64 =
            ask_rows(&store, |session| session.one("SELECT at FROM creations", &[], column)).await;
        assert_eq!(at, milli(123).as_millis());
    }
}

#[tokio::test]
async fn a_write_of_long_ago_that_was_replaced_just_now_makes_the_delete_stale() {
    for store in stores(500) {
        tell(&store, [write("cat.jpg", "of last year", 0).fact()]).await;
        settle_until(&store, 8_000 * HOUR).await;
        tell(&store, [write("cat.jpg", "fresh", 8_000 * HOUR).fact()]).await;
        // The delete is told a tick later.
        settle(&store, &ask()).await;
        tell(&store, [direct("cat.jpg", "A", minute(8_000 * HOUR + 5)).fact()]).await;
        settle_until(&store, 8_000 * HOUR + 5).await;
        assert_eq!(said(&store, "cat.jpg").await[0].as_ref().unwrap().is_stale, Some(true));
    }
}

#[tokio::test]
async fn writes_are_not_forgotten_before_the_removals_of_their_time_are_known() {
    for store in stores(500) {
        tell(&store, [write("cat.jpg", "old", 0).fact(), write("cat.jpg", "fresh", HOUR).fact()])
            .await;
        tell(&store, [write("cat.jpg", "later", 2 * HOUR).fact()]).await;
        // Notifications are read up to now; two days of CloudTrail wait.
        hear(&store, Source::CloudTrail, minute(-HOUR)).await;
        hear(&store, Source::S3Notification, minute(20 * HOUR)).await;
        settle(&store, &ask()).await;
        tell(&store, [direct("cat.jpg", "A", minute(HOUR + 5)).fact()]).await;
        // The removal is open until CloudTrail is complete, however far the others are.
        hear(&store, Source::S3Notification, minute(24 * HOUR)).await;
        settle(&store, &ask()).await;
        assert_eq!(kept(&store).await, ["old", "fresh", "later"]);
        settle_until(&store, 40 * HOUR).await;
        assert_eq!(said(&store, "cat.jpg").await[0].as_ref().unwrap().is_stale, Some(true));
        settle(&store, &ask()).await;
        assert_eq!(kept(&store).await, ["later"]);
    }
}

#[tokio::test]
async fn the_writes_that_an_open_removal_is_judged_by_are_kept_however_far_other_sources_are() {
    for store in stores(500) {
        tell(&store, [write("cat.jpg", "old", 0).fact(), write("cat.jpg", "fresh", HOUR).fact()])
            .await;
        tell(&store, [notice("cat.jpg", "A", minute(HOUR + 5)).fact()]).await;
        // The only source that tells of the bucket is silent for days.
        hear(&store, Source::CloudTrail, minute(60 * HOUR)).await;
        settle(&store, &ask()).await;
        assert_eq!(kept(&store).await, ["old", "fresh"]);
        settle_until(&store, HOUR + 5).await;
        assert_eq!(said(&store, "cat.jpg").await[0].as_ref().unwrap().is_stale, Some(true));
        settle(&store, &ask()).await;
        assert_eq!(kept(&store).await, ["fresh"]);
    }
}

#[tokio::test]
async fn no_more_writes_are_kept_than_may_be_and_the_oldest_go_first() {
    for store in small(3) {
        for nth in [4, 2, 5, 1, 3] {
            tell(&store, [write(&format!("{nth}.jpg"), &format!("{nth}"), nth).fact()]).await;
        }
        assert_eq!(kept(&store).await.len(), 5, "they go when facts are settled");
        settle(&store, &ask()).await;
        assert_eq!(kept(&store).await, ["3", "4", "5"]);
    }
}

#[tokio::test]
async fn a_burst_of_writes_is_forgotten_as_fast_as_it_came() {
    for store in small(10) {
        let burst = (0..3_500).map(|nth| write(&format!("{nth}.jpg"), &format!("{nth}"), nth));
        tell(&store, burst.map(Told::fact)).await;
        settle(&store, &ask()).await;
        assert_eq!(kept(&store).await.len(), 10);
    }
}

#[tokio::test]
async fn what_was_said_of_a_removal_does_not_change_because_writes_are_forgotten() {
    // By age, and because too many are kept.
    for (creations_max, then) in [(500, 100 * HOUR), (2, HOUR + 6)] {
        for store in small(creations_max) {
            tell(&store, [write("cat.jpg", "old", 0).fact()]).await;
            tell(&store, [write("cat.jpg", "fresh", HOUR).fact()]).await;
            tell(&store, [direct("cat.jpg", "A", minute(HOUR + 5)).fact()]).await;
            let later = [write("cat.jpg", "later", HOUR + 6), write("cat.jpg", "last", HOUR + 7)];
            settle_until(&store, HOUR + 5).await;
            assert_eq!(count(&store, Family::StaleDeletes, &[BUCKET]).await, 1);
            tell(&store, later.map(Told::fact)).await;
            settle_until(&store, then).await;
            let left = kept(&store).await;
            assert!(!left.contains(&"old".to_owned()), "{left:?}");

            tell(&store, [line("cat.jpg", "A", minute(HOUR + 5)).fact()]).await;
            settle_until(&store, then + 1).await;
            let told = said(&store, "cat.jpg").await[0].clone().unwrap();
            assert_eq!(told.is_stale, Some(true));
            assert_eq!(corrections(&store, "stale").await, 0);
        }
    }
}

#[tokio::test]
async fn what_was_no_duplicate_does_not_become_one_because_the_write_between_is_forgotten() {
    for store in stores(500) {
        tell(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
        tell(&store, [write("cat.jpg", "between", 2).fact()]).await;
        tell(&store, [direct("cat.jpg", "B", minute(4)).fact()]).await;
        tell(&store, [write("cat.jpg", "later", 6).fact()]).await;
        settle_until(&store, 100 * HOUR).await;
        assert_eq!(kept(&store).await, ["later"]);
        tell(&store, [line("cat.jpg", "B", minute(4)).fact()]).await;
        settle_until(&store, 101 * HOUR).await;
        assert_eq!(said(&store, "cat.jpg").await[1].as_ref().unwrap().duplicate_of, None);
        assert_eq!(corrections(&store, "duplicate").await, 0);
    }
}

#[tokio::test]
async fn a_removed_version_of_long_ago_was_not_replaced() {
    let version = |request: &str, id: &str, at| Creation {
        version_id: Some(id.into()),
        ..write("cat.jpg", request, at)
    };
    let by_id = |request: &str, id: &str, at| Evidence {
        target: Target::Version(id.into()),
        ..notice("cat.jpg", request, minute(at))
    };
    for (removed, is_stale) in [("v1", false), ("v0", true)] {
        for store in stores(500) {
            tell(&store, [version("W", "v1", 0).fact()]).await;
            tell(&store, [by_id("A", removed, 30 * HOUR).fact()]).await;
            tell(&store, [version("X", "v2", 40 * HOUR).fact()]).await;
            tell(&store, [notice("cat.jpg", "B", minute(40 * HOUR + 5)).fact()]).await;
            settle_until(&store, 41 * HOUR).await;
            let told = said(&store, "cat.jpg").await;
            assert_eq!(told[1].as_ref().unwrap().is_stale, Some(is_stale), "{removed}");
        }
    }
}

#[tokio::test]
async fn a_change_of_protection_is_kept_once_with_its_author() {
    for store in stores(500) {
        let change = ProtectionChange {
            id: "ct:1:E".into(),
            service: "s3".into(),
            event_name: "PutBucketVersioning".into(),
            bucket: Some(BUCKET.into()),
            resource: None,
            detail: Some("Status=Suspended".into()),
            outcome: Outcome::Ok,
            error_code: None,
            request_id: Some("P".into()),
            event_id: Some("E".into()),
            shared_event_id: None,
            account: "1".into(),
            region: "eu-west-1".into(),
            at: minute(0),
            actor: Actor { arn: Some("arn:mallory".into()), ..Actor::default() }.into(),
        };
        for is_new in [1, 0] {
            let report = tell(&store, [change.clone().fact()]).await;
            assert_eq!((report.new_evidence, report.repeated_evidence), (is_new, 1 - is_new));
        }
        let rows: Vec<(String, String, String)> = ask_rows(&store, |session| {
            let changes = "SELECT event_name, detail, actor FROM protection_changes";
            session.rows(changes, &[], |row| Ok((row.read()?, row.read()?, row.read()?)))
        })
        .await;
        assert_eq!(rows.len(), 1);
        assert_eq!((&*rows[0].0, &*rows[0].1), ("PutBucketVersioning", "Status=Suspended"));
        assert!(rows[0].2.contains("arn:mallory"));
    }
}
