//! Questions to a store: what they find, in which order, and over which index.

mod evidence;
mod paging;
mod spans;

use deltrail_core::domain::{Actor, Evidence, RemovalRole, Source, Target, Timestamp};
use proptest::prelude::*;
use rusqlite::{Connection, params_from_iter};

use super::super::fixtures::{batch, delete, lasting_locations, open};
use super::*;
use crate::store::sqlite::{SqliteSession, open_beside, open_writer};
use crate::store::{Holds, KeyQuestion, Location, PrincipalPattern, Reader, Settle};

const LOOKING: Looking = Looking { stale_window_millis: 900_000 };

fn filter(within: Within) -> DeletionFilter {
    DeletionFilter {
        within,
        principal: None,
        since: None,
        until: None,
        request_id: None,
        kind: None,
        only: None,
        after: None,
        limit: 10,
    }
}

fn bucket(name: &str) -> DeletionFilter {
    filter(Within::Bucket(name.to_owned()))
}

fn prefix(name: &str, prefix: &str) -> DeletionFilter {
    filter(Within::Prefix { bucket: name.to_owned(), prefix: prefix.to_owned() })
}

/// A delete at this second, on a clock of milliseconds.
fn deleted(bucket: &str, key: &str, request: &str, second: i64) -> Evidence {
    let at = Timestamp::from_millis(second * 1_000);
    Evidence {
        id: format!("trail {request} {key}"),
        at,
        started_at: Some(at),
        ended_at: Some(at),
        ..delete(bucket, key, request)
    }
}

/// The same on a clock of whole seconds.
fn logged(bucket: &str, key: &str, request: &str, second: i64) -> Evidence {
    let source = Source::AccessLog;
    Evidence { source, ended_at: None, call: None, ..deleted(bucket, key, request, second) }
}

/// What a file with this evidence in it answers.
async fn with_reader(
    evidence: impl IntoIterator<Item = Evidence>,
    ask: impl Fn(&mut Reader) + Sync,
) {
    let folder = tempfile::tempdir().unwrap();
    let evidence: Vec<Evidence> = evidence.into_iter().collect();
    for location in lasting_locations(folder.path()) {
        let store = open(location.clone(), 500);
        store.commit(batch(evidence.clone())).await.unwrap();
        // The daemon is still running.
        on_its_thread(|| ask(&mut Reader::open(&location, LOOKING).unwrap()));
    }
}

/// Asks a store as a program does that has nothing else to do.
fn on_its_thread(ask: impl FnOnce() + Send) {
    std::thread::scope(|scope| scope.spawn(ask).join().unwrap());
}

/// The requests of the removals that fit, in their order.
fn requests(reader: &mut Reader, filter: &DeletionFilter) -> Vec<String> {
    let rows = reader.deletions(filter).unwrap().rows;
    rows.into_iter().map(|row| row.removal.request_id.unwrap().into()).collect()
}

#[tokio::test]
async fn removals_of_all_buckets_come_newest_first_and_the_limit_cuts_the_oldest() {
    let evidence = [
        deleted("archive", "k", "third", 30),
        deleted("photos", "k", "first", 10),
        deleted("photos", "k", "fourth", 40),
        deleted("zoo", "k", "second", 20),
    ];
    with_reader(evidence, |reader| {
        let all = requests(reader, &filter(Within::Everything));
        assert_eq!(all, ["fourth", "third", "second", "first"]);
        let two = DeletionFilter { limit: 2, ..filter(Within::Everything) };
        let answer = reader.deletions(&two).unwrap();
        assert!(answer.has_more);
        assert_eq!(requests(reader, &two), ["fourth", "third"]);
        assert_eq!(requests(reader, &bucket("photos")), ["fourth", "first"]);
        assert!(!reader.deletions(&bucket("photos")).unwrap().has_more);
    })
    .await;
}

#[tokio::test]
async fn a_prefix_is_literal_and_ends_where_it_ends() {
    let keys = ["a%b/1", "a%b/\u{10ffff}", "a%c", "axb/1", "a_b/1", "A%b/1", "a%b"];
    let evidence = keys.iter().map(|key| deleted("photos", key, key, 1));
    with_reader(evidence, |reader| {
        let mut found = requests(reader, &prefix("photos", "a%b/"));
        found.sort();
        assert_eq!(found, ["a%b/1", "a%b/\u{10ffff}"]);
        assert_eq!(requests(reader, &prefix("elsewhere", "a")), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn the_time_of_a_coarse_clock_is_its_whole_second() {
    let evidence = [
        logged("photos", "coarse", "coarse", 10),
        deleted("photos", "fine", "fine", 10),
        deleted("photos", "later", "later", 11),
    ];
    with_reader(evidence, |reader| {
        let within = |since: i64, until: i64| DeletionFilter {
            since: Some(Timestamp::from_millis(since)),
            until: Some(Timestamp::from_millis(until)),
            ..bucket("photos")
        };
        assert_eq!(requests(reader, &within(10_500, 11_000)), ["coarse"]);
        assert_eq!(requests(reader, &within(11_000, 11_001)), ["later"]);
        assert_eq!(requests(reader, &within(10_000, 11_000)).len(), 2);
        assert_eq!(requests(reader, &within(10_001, 10_002)), ["coarse"]);
    })
    .await;
}

#[tokio::test]
async fn a_principal_is_found_however_it_is_spelt() {
    let by = |arn: &str, request: &str| {
        let actor = Actor { arn: Some(arn.to_owned()), ..Actor::default() };
        Evidence { actor: actor.into(), ..deleted("photos", request, request, 1) }
    };
    let session = "arn:aws:sts::111122223333:assumed-role/cleaner/\"odd\"";
    let evidence = [by(session, "role"), by("arn:aws:iam::111122223333:user/ops/dev", "user")];
    with_reader(evidence, |reader| {
        let mut found = |pattern: &str| {
            let principal = Some(PrincipalPattern::new(pattern));
            requests(reader, &DeletionFilter { principal, ..bucket("photos") })
        };
        for pattern in
            ["cleaner", "clean*", session, "*/\"odd\"", session.rsplit_once('/').unwrap().0]
        {
            assert_eq!(found(pattern), ["role"], "{pattern}");
        }
        assert_eq!(found("dev"), ["user"]);
        assert_eq!(found("*").len(), 2);
        assert_eq!(found("clean"), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn one_request_is_found_with_whatever_else_is_asked() {
    let evidence = [
        deleted("photos", "a/1", "same", 1),
        deleted("photos", "b/1", "same", 2),
        deleted("photos", "a/2", "other", 3),
    ];
    with_reader(evidence, |reader| {
        let same = |within| DeletionFilter { request_id: Some("same".into()), ..filter(within) };
        assert_eq!(requests(reader, &same(Within::Everything)).len(), 2);
        assert_eq!(requests(reader, &same(Within::Bucket("archive".into()))).len(), 0);
        let below = Within::Prefix { bucket: "photos".into(), prefix: "a/".into() };
        assert_eq!(requests(reader, &same(below)).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_settled_is_judged_as_settling_would() {
    let folder = tempfile::tempdir().unwrap();
    for location in lasting_locations(folder.path()) {
        let store = open(location.clone(), 500);
        let twice = [deleted("photos", "k", "A", 10), deleted("photos", "k", "B", 11)];
        store.commit(batch(twice)).await.unwrap();
        let newest = |filter: &DeletionFilter| {
            let mut newest = None;
            on_its_thread(|| {
                let mut reader = Reader::open(&location, LOOKING).unwrap();
                newest = Some(reader.deletions(filter).unwrap().rows.remove(0));
            });
            newest.unwrap()
        };
        let provisional = newest(&bucket("photos"));
        assert!(!provisional.is_settled);
        assert_eq!(provisional.repeats.unwrap().request_id.as_deref(), Some("A"));
        // An hour later everything before is settled.
        store.commit(batch([deleted("photos", "later", "C", 7_200)])).await.unwrap();
        let settle = Settle {
            now: Timestamp::from_millis(7_200_000),
            holds: Holds::None,
            stale_window_millis: LOOKING.stale_window_millis,
            settles_backfill: false,
        };
        store.settle(settle).await.unwrap();
        let until = Some(Timestamp::from_millis(7_000_000));
        let row = newest(&DeletionFilter { until, ..bucket("photos") });
        assert!(row.is_settled);
        assert_eq!(row.said, provisional.said);
    }
}

#[tokio::test]
async fn an_attempt_that_two_sources_tell_of_is_refused_once() {
    let refused = |source| Evidence {
        id: format!("{source:?}"),
        source,
        role: RemovalRole::None,
        call: None,
        error_code: Some("AccessDenied".into()),
        http_status: Some(403),
        ..deleted("photos", "k", "NO", 10)
    };
    let evidence = [refused(Source::CloudTrail), refused(Source::AccessLog)];
    let question = KeyQuestion { bucket: "photos".into(), key: "k".into(), version_id: None };
    with_reader(evidence, |reader| {
        let history = reader.key_history(&question).unwrap();
        assert_eq!(history.refused.len(), 1);
        let sources = history.refused[0].sources;
        assert!(sources.contains(Source::CloudTrail) && sources.contains(Source::AccessLog));
    })
    .await;
}

#[tokio::test]
async fn what_is_near_an_unknown_removal_is_hinted_at() {
    let unknown = Evidence { key: None, ..deleted("photos", "", "KEYLESS", 10) };
    let evidence = [unknown, deleted("photos", "album/1", "A", 11)];
    with_reader(evidence, |reader| {
        let mut ask = |key: &str| {
            let (bucket, key) = ("photos".to_owned(), key.to_owned());
            reader.key_history(&KeyQuestion { bucket, key, version_id: None }).unwrap()
        };
        let folder = ask("album");
        assert!(folder.has_removed_below && folder.deletions.is_empty());
        assert_eq!(folder.unknown_keys.len(), 1);
        assert!(ask("album/").has_removed_below);
        let known = ask("album/1");
        assert!(!known.has_removed_below && known.unknown_keys.is_empty());
        assert!(!ask("alb").has_removed_below, "a part of a name is no folder");
    })
    .await;
}

#[tokio::test]
async fn a_version_is_told_of_alone() {
    let version = |id: &str, request: &str| Evidence {
        target: Target::Version(id.to_owned()),
        ..deleted("photos", "k", request, 10)
    };
    let evidence = [version("v1", "A"), version("v2", "B")];
    let question =
        KeyQuestion { bucket: "photos".into(), key: "k".into(), version_id: Some("v2".into()) };
    with_reader(evidence, |reader| {
        let history = reader.key_history(&question).unwrap();
        let requests: Vec<_> =
            history.deletions.iter().map(|row| row.removal.request_id.as_deref()).collect();
        assert_eq!(requests, [Some("B")]);
    })
    .await;
}

/// How SQLite goes about a selection.
fn plan(connection: &Connection, filter: &DeletionFilter) -> String {
    let session = Session::Sqlite(SqliteSession::new(connection));
    let selection = Selection::of(&session, filter, filter.bucket(), None).unwrap();
    let values = selection.values.iter().map(Value::from);
    connection
        .prepare(&format!("EXPLAIN QUERY PLAN {}", selection.newest_first()))
        .unwrap()
        .query_map(params_from_iter(values), |row| row.get::<_, String>("detail"))
        .unwrap()
        .map(|line| line.unwrap() + "\n")
        .collect()
}

#[test]
fn every_question_goes_over_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("d.db"));
    let writer = open_writer(&location).unwrap();
    let many = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {KEYS_READ_MAX})
         INSERT INTO slots (slice, bucket, key) SELECT 0, 'wide', 'a/' || n FROM n"
    );
    writer.execute(&many, []).unwrap();
    drop(writer);
    let connection = open_beside(&location).unwrap();
    // Only rows of one moment are sorted: the limit ends it, be there a hundred rows or a million.
    let newest_first = plan(&connection, &bucket("photos"));
    insta::assert_snapshot!(newest_first, @r#"
    SEARCH r USING INDEX removals_by_time (bucket=? AND at>? AND at<?)
    USE TEMP B-TREE FOR LAST 2 TERMS OF ORDER BY
    "#);
    insta::assert_snapshot!(plan(&connection, &prefix("photos", "a/")), @r#"
    SEARCH s USING COVERING INDEX slots_by_name (slice=? AND bucket=? AND key>? AND key<?)
    SEARCH r USING INDEX removals_by_slot (slot_id=? AND at>? AND at<?)
    USE TEMP B-TREE FOR ORDER BY
    "#);
    // The keys of many are not sorted: the newest removals of the bucket are looked through.
    insta::assert_snapshot!(plan(&connection, &prefix("wide", "a/")), @r#"
    SEARCH r USING INDEX removals_by_time (bucket=? AND at>? AND at<?)
    SEARCH s USING INTEGER PRIMARY KEY (rowid=?)
    USE TEMP B-TREE FOR LAST 2 TERMS OF ORDER BY
    "#);
    // A page goes on where the one before ended, without reading that one again.
    let after = Some(Cursor { at: 1, slot_id: 1, identity: "r:A current".into() });
    let next_page = |filter| DeletionFilter { after: after.clone(), ..filter };
    assert_eq!(plan(&connection, &next_page(bucket("photos"))), newest_first);
    let by_key = plan(&connection, &prefix("photos", "a/"));
    assert_eq!(plan(&connection, &next_page(prefix("photos", "a/"))), by_key);
    let by_request = |within| DeletionFilter { request_id: Some("A".into()), ..filter(within) };
    insta::assert_snapshot!(plan(&connection, &by_request(Within::Everything)), @r#"
    SEARCH r USING INDEX removals_by_slot (slot_id=? AND at>? AND at<?)
    LIST SUBQUERY 2
    COMPOUND QUERY
    LEFT-MOST SUBQUERY
    SEARCH evidence USING COVERING INDEX evidence_by_request (request_id=? AND slot_id>?)
    UNION ALL
    SEARCH q USING INDEX requests_by_identity (slice=? AND identity=?)
    SEARCH s USING COVERING INDEX slots_by_name (slice=? AND bucket=? AND key=?)
    USE TEMP B-TREE FOR ORDER BY
    "#);
    let below = Within::Prefix { bucket: "photos".into(), prefix: "a/".into() };
    insta::assert_snapshot!(plan(&connection, &by_request(below)), @r#"
    SEARCH r USING INDEX removals_by_slot (slot_id=? AND at>? AND at<?)
    LIST SUBQUERY 2
    COMPOUND QUERY
    LEFT-MOST SUBQUERY
    SEARCH evidence USING COVERING INDEX evidence_by_request (request_id=? AND slot_id>?)
    UNION ALL
    SEARCH q USING INDEX requests_by_identity (slice=? AND identity=?)
    SEARCH s USING COVERING INDEX slots_by_name (slice=? AND bucket=? AND key=?)
    SEARCH s USING INTEGER PRIMARY KEY (rowid=?)
    USE TEMP B-TREE FOR ORDER BY
    "#);
    let principal = Some(PrincipalPattern::new("dev"));
    let by_whom = DeletionFilter { principal, ..bucket("photos") };
    assert_eq!(plan(&connection, &by_whom), newest_first);
}

proptest! {
    #[test]
    fn the_end_of_a_prefix_lies_after_all_that_begin_so_and_nothing_between(
        prefix in any::<String>().prop_filter("a prefix", |prefix| !prefix.is_empty()),
        more in any::<String>(),
        other in any::<String>(),
    ) {
        let end = after_prefix(&prefix);
        let is_within = |text: &str| {
            text >= prefix.as_str() && end.as_ref().is_none_or(|end| text < end.as_str())
        };
        let longer = prefix.clone() + &more;
        prop_assert!(is_within(&longer));
        prop_assert_eq!(is_within(&other), other.starts_with(&prefix));
    }
}

#[test]
fn the_characters_around_the_gap_follow_one_another() {
    assert_eq!(after_prefix("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
    assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
    assert_eq!(after_prefix("\u{10ffff}"), None);
}
