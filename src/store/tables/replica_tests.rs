//! Several writers of one store: what one of them has in work, the others do not settle without.
//! It knows PostgreSQL only, because a SQLite file has one writer.

use std::collections::BTreeSet;

use deltrail_core::domain::{Evidence, Fact, Family, Mark, Source};

use super::fixtures::{options, stores};
use super::story::{
    ACCOUNT_AND_REGION, Told, ask, child, direct, hear, minute, notice, rows, said, settle, tell,
};
use crate::store::postgres::server::Database;
use crate::store::postgres::tests::server;
use crate::store::{Holds, Location, Options, Settle, SourceKey, Store};

/// A replica of this name.
fn replica(database: &Database<'_>, name: &str) -> Store {
    let location = Location::parse(&database.url).unwrap();
    Store::open(Options { writer: name.into(), ..options(location, 500) }).unwrap()
}

/// Lets a replica be silent for so long, as the others see it.
fn silence(database: &Database<'_>, name: &str, minutes: i64) {
    let millis = minutes * 60_000;
    database.ask(&format!(
        "UPDATE replicas SET heard_at = heard_at - {millis} WHERE writer = '{name}'"
    ));
}

/// S3's notifications wait to be read.
fn holding_notices() -> Settle {
    let (account, region) = ACCOUNT_AND_REGION;
    let (account, region) = (account.to_owned(), region.to_owned());
    let key = SourceKey { source: Source::S3Notification, account, region };
    Settle { holds: Holds::These(BTreeSet::from([[key].into()])), ..ask() }
}

async fn all_corrections(store: &Store) -> i64 {
    let totals = store.totals().await.unwrap();
    let corrections = totals.iter().filter(|it| it.series.family == Family::Corrections);
    corrections.map(|it| it.value).sum()
}

/// A key that was removed twice, as CloudTrail's bulk calls tell of it.
fn records() -> [Fact; 3] {
    [
        child("cat.jpg", "A", minute(1)).fact(),
        child("cat.jpg", "B", minute(30)).fact(),
        direct("dog.jpg", "C", minute(31)).fact(),
    ]
}

/// What S3 tells of it, and of the kind that no record tells.
fn notices() -> [Fact; 3] {
    let marker =
        |request: &str, at| Evidence { mark: Mark::Marker, ..notice("cat.jpg", request, at) };
    [
        marker("A", minute(1)).fact(),
        marker("B", minute(30)).fact(),
        notice("dog.jpg", "C", minute(31)).fact(),
    ]
}

/// Hours later, as far as the other replicas hear.
async fn hear_much_later(store: &Store) {
    for source in [Source::CloudTrail, Source::S3Notification] {
        hear(store, source, minute(600)).await;
    }
}

#[tokio::test]
async fn a_long_outage_of_one_replica_settles_nothing_too_early() {
    let Some(server) = server() else { return };
    for is_silent in [false, true] {
        let database = server.database();
        let [one, two, three] = ["one", "two", "three"].map(|name| replica(&database, name));
        for replica in [&one, &two, &three] {
            tell(replica, [notice("owl.jpg", "O", minute(0)).fact()]).await;
            settle(replica, &ask()).await;
        }
        // The third one has the notices in work, and says so or can say nothing any more.
        tell(&one, records()).await;
        if is_silent {
            silence(&database, "three", 2);
        } else {
            settle(&three, &holding_notices()).await;
        }
        hear_much_later(&two).await;
        for replica in [&one, &two] {
            settle(replica, &ask()).await;
        }
        assert_eq!(said(&one, "cat.jpg").await, [None, None], "silent: {is_silent}");

        tell(&three, notices()).await;
        for replica in [&three, &one, &two] {
            settle(replica, &ask()).await;
        }
        assert_eq!(all_corrections(&one).await, 0, "silent: {is_silent}");
        for in_time in stores(500) {
            tell(&in_time, [notice("owl.jpg", "O", minute(0)).fact()]).await;
            tell(&in_time, records()).await;
            tell(&in_time, notices()).await;
            hear_much_later(&in_time).await;
            settle(&in_time, &ask()).await;
            for key in ["cat.jpg", "dog.jpg", "owl.jpg"] {
                assert_eq!(rows(&two, key).await, rows(&in_time, key).await, "{key}");
                assert!(said(&two, key).await.iter().all(Option::is_some), "{key}");
            }
        }
    }
}

/// Whether a replica settles beside another one that asks for this, and that is silent for so long
/// afterwards, as a running replica or as one that was closed.
async fn settles_beside(
    database: &Database<'_>,
    asks: &Settle,
    is_closed: bool,
    silent_minutes: i64,
) -> bool {
    let (one, other) = (replica(database, "one"), replica(database, "other"));
    tell(&one, [notice("cat.jpg", "A", minute(0)).fact()]).await;
    settle(&other, asks).await;
    let running = if is_closed {
        other.close().await.unwrap();
        None
    } else {
        Some(other)
    };
    silence(database, "other", silent_minutes);
    hear(&one, Source::S3Notification, minute(600)).await;
    settle(&one, &ask()).await;
    drop(running);
    said(&one, "cat.jpg").await.iter().all(Option::is_some)
}

#[tokio::test]
async fn a_replica_that_holds_nobody_or_has_left_or_is_gone_is_not_waited_for() {
    let Some(server) = server() else { return };
    let database = || server.database();
    assert!(settles_beside(&database(), &ask(), false, 0).await, "it holds nobody");
    assert!(!settles_beside(&database(), &ask(), false, 19).await, "it may hold anything by now");
    assert!(settles_beside(&database(), &ask(), false, 21).await, "what it had has come back");
    assert!(!settles_beside(&database(), &holding_notices(), false, 0).await, "it has notices");
    assert!(settles_beside(&database(), &holding_notices(), true, 5).await, "it has left");
}

#[tokio::test]
async fn what_a_replica_holds_no_more_is_given_back_to_the_others() {
    let Some(server) = server() else { return };
    let database = server.database();
    let one = replica(&database, "one");
    tell(&one, [notice("cat.jpg", "A", minute(0)).fact()]).await;
    let holds = || database.ask("SELECT writer, source FROM holds ORDER BY writer, source");
    settle(&one, &holding_notices()).await;
    assert_eq!(holds(), "one|s3_notification");
    settle(&one, &Settle { holds: Holds::All, ..ask() }).await;
    assert_eq!(holds(), "one|");
    settle(&one, &ask()).await;
    assert_eq!(holds(), "");
}
