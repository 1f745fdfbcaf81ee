//! Findings are a function of the evidence: whatever comes in which order, cut how, looked at when
//! and by whom, the same ones stand in the end.

mod replicas;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deltrail_core::detect::{Expectation, Settings};
use deltrail_core::domain::{
    Actor, Api, Call, Cause, Day, Deed, Detector, Evidence, Fact, Mark, Mode, Outcome,
    ProtectionChange, Provenance, RemovalRole, Severity, Source, State, Target, Timestamp, Touched,
    Traces,
};
use tokio_util::sync::CancellationToken;

use super::{Seen, look};
use crate::store::{Batch, FindingFilter, Holds, Location, Store, StoredFact};
use crate::watch::{Detection, Options};

const BUCKET: &str = "photos";
const DAY_MILLIS: i64 = 24 * 3_600_000;
/// Midnight of a Monday, long ago on every machine's clock.
const START_MILLIS: i64 = 1_599_436_800_000;

fn at(day: i64, minute: i64) -> Timestamp {
    Timestamp::from_millis(START_MILLIS + day * DAY_MILLIS + minute * 60_000)
}

fn removal(who: &str, nth: usize, at: Timestamp) -> Evidence {
    let request = format!("R{who}{nth}");
    Evidence {
        id: format!("trail {request}"),
        source: Source::CloudTrail,
        call: Some(Call { api: Api::DeleteObject, outcome: Outcome::Ok }),
        role: RemovalRole::Claim,
        bucket: BUCKET.into(),
        key: Some(format!("thumbs/{nth}.jpg")),
        target: Target::Current,
        mark: Mark::Object,
        cause: Cause::Api,
        request_id: Some(request.as_str().into()),
        event_id: Some(format!("event {request}")),
        shared_event_id: None,
        amends_event_id: None,
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        at,
        started_at: None,
        ended_at: None,
        total_millis: None,
        sequencer: None,
        http_status: Some(204),
        error_code: None,
        marker_version_id: None,
        actor: Actor {
            arn: Some(format!("arn:aws:sts::111122223333:assumed-role/{who}/session")),
            principal_id: Some(format!("AROA{who}:session")),
            source_ip: Some("203.0.113.7".to_owned()),
            user_agent: Some("aws-sdk-java/2.20.1 Linux".to_owned()),
            ..Actor::default()
        }
        .into(),
    }
}

/// What one record tells: a removal, or a read.
#[derive(Clone)]
struct Told {
    id: String,
    deed: Deed,
    evidence: Evidence,
}

/// Forty days of a job that removes a few keys a day, and what should stand out: on day 35 it
/// removes 300 at once, on day 36 somebody reads 40 keys of it before they are removed, and on
/// day 38 somebody new removes 60 across midnight.
fn told() -> Vec<Told> {
    let minutes = (650..657).cycle();
    let stolen = || {
        let times = minutes.clone().zip(10_000..10_040);
        times.map(|(minute, nth)| removal("thief", nth, at(36, minute)))
    };
    let read = stolen().map(|removal| Evidence { at: at(36, 500), ..removal });
    let read =
        read.map(|it| Told { id: format!("read {}", it.id), deed: Deed::Read, evidence: it });
    removed(evidence().into_iter().chain(stolen())).into_iter().chain(read).collect()
}

/// Removals as they are told.
fn removed(evidence: impl IntoIterator<Item = Evidence>) -> Vec<Told> {
    let told = |it: Evidence| Told { id: it.id.clone(), deed: Deed::Removed, evidence: it };
    evidence.into_iter().map(told).collect()
}

fn evidence() -> Vec<Evidence> {
    let mut told = Vec::new();
    for day in 0..40 {
        for nth in 0..8 {
            told.push(removal("job", told.len(), at(day, 60 + nth * 7)));
        }
    }
    for nth in 0..300 {
        told.push(removal("job", told.len(), at(35, 600 + nth / 100)));
    }
    for nth in 0..60 {
        told.push(removal("stranger", told.len(), at(38, 24 * 60 - 10 + nth / 3)));
    }
    told
}

fn options() -> Options {
    Options {
        retention: Duration::from_hours(24 * 36_500),
        stale_window: Duration::from_mins(15),
        detection: Detection {
            settings: Settings {
                modes: [(Detector::ReadThenDestroy, Mode::Live)].into(),
                ..Settings::default()
            },
            is_important: Box::new(|_| false),
            notifiers: Vec::new(),
            told_from: Severity::Warning,
        },
        holds: Box::new(|| Holds::None),
        clock: Arc::new(|| at(50, 0)),
    }
}

fn open(path: &Path, writer: &str) -> Store {
    open_at(Location::File(path.to_owned()), writer)
}

fn open_at(location: Location, writer: &str) -> Store {
    Store::open(crate::store::Options {
        location,
        writer: writer.to_owned(),
        labelled_buckets_max: 500,
        creations_max: 1_000,
        is_important: Arc::new(|_| false),
    })
    .unwrap()
}

async fn commit(store: &Store, told: &[Told], provenance: Provenance) {
    let mut traces = Traces::default();
    for Told { deed, evidence, .. } in told {
        traces.note(&Touched {
            bucket: BUCKET,
            key: evidence.key.as_deref().unwrap(),
            deed: *deed,
            at: evidence.at,
            actor: &evidence.actor,
        });
    }
    let removals = told.iter().filter(|it| it.deed == Deed::Removed);
    let stored = |it: &Told| StoredFact {
        fact: Fact::Deletion(Box::new(it.evidence.clone())),
        record_index: None,
    };
    let (facts, traces) = (removals.map(stored).collect(), traces.take());
    store.commit(Batch { facts, traces, provenance, ..Batch::default() }).await.unwrap();
}

/// The findings that stand, by id, as they would be told.
async fn standing(store: &Store) -> BTreeMap<String, String> {
    let filter = FindingFilter { limit: 1_000, ..FindingFilter::default() };
    let rows = store.findings(filter).await.unwrap().rows;
    let told = |finding| serde_json::to_string(finding).unwrap();
    rows.iter().map(|row| (row.id.clone(), told(&row.finding))).collect()
}

async fn looked(store: &Store, seen: &mut Seen) {
    look(&options(), store, seen, &CancellationToken::new()).await.unwrap();
}

/// A way in which evidence may come: an order, how many pieces at a time, and after how many
/// batches the daemon is started anew, which forgets what it has learnt.
struct Delivery {
    seed: u64,
    pieces: usize,
    restart_after: usize,
}

/// The evidence in an order of a hash that the seed turns; in that of time with 0.
fn shuffled(seed: u64) -> Vec<Told> {
    let mut told = told();
    if seed > 0 {
        told.sort_by_cached_key(|it| {
            let mut hash = DefaultHasher::new();
            (seed, &it.id).hash(&mut hash);
            hash.finish()
        });
    }
    told
}

/// What stands after this delivery, and whether anything was withdrawn on the way.
async fn delivered(delivery: &Delivery) -> (BTreeMap<String, String>, bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deltrail.db");
    let told = shuffled(delivery.seed);
    let mut store = open(&path, "here");
    let mut seen = Seen::default();
    for (nth, pieces) in told.chunks(delivery.pieces).enumerate() {
        commit(&store, pieces, Provenance::Live).await;
        // What came before comes again now and then.
        if nth % 5 == 4 {
            commit(&store, &told[..delivery.pieces.min(told.len())], Provenance::Live).await;
        }
        looked(&store, &mut seen).await;
        if nth % delivery.restart_after == delivery.restart_after - 1 {
            store.close().await.unwrap();
            store = open(&path, "here");
            seen = Seen::default();
        }
    }
    let stands = standing(&store).await;
    let all = FindingFilter { with_withdrawn: true, limit: 1_000, ..FindingFilter::default() };
    let rows = store.findings(all).await.unwrap().rows;
    let withdrew = rows.iter().any(|row| row.state == State::Withdrawn);
    store.close().await.unwrap();
    (stands, withdrew)
}

#[tokio::test]
async fn the_same_findings_stand_whatever_came_in_which_order_cut_how_and_looked_at_when() {
    let (at_once, _) = delivered(&Delivery { seed: 0, pieces: 10_000, restart_after: 10 }).await;
    let by = |detector: Detector| at_once.values().filter(move |it| it.contains(detector.as_str()));
    assert!(by(Detector::MassDelete).count() > 0, "{at_once:#?}");
    assert!(by(Detector::NewDeleter).count() > 0, "{at_once:#?}");
    let is_theft = |it: &&String| it.starts_with(r#"{"detector":"read_then_destroy""#);
    assert_eq!(at_once.values().filter(is_theft).count(), 1, "{at_once:#?}");
    let mut has_withdrawn = false;
    for (seed, pieces, restart_after) in [(0, 90, 100), (1, 90, 3), (2, 45, 7), (3, 170, 2)] {
        let (stands, withdrew) = delivered(&Delivery { seed, pieces, restart_after }).await;
        assert_eq!(stands, at_once, "seed {seed}");
        has_withdrawn |= withdrew;
    }
    assert!(has_withdrawn, "no order found what later evidence explained");
}

fn versioning_suspended(at: Timestamp) -> Fact {
    Fact::Protection(Box::new(ProtectionChange {
        id: "suspended".to_owned(),
        service: "s3".into(),
        event_name: "PutBucketVersioning".into(),
        bucket: Some(BUCKET.into()),
        resource: None,
        detail: Some("Status=Suspended".into()),
        outcome: Outcome::Ok,
        error_code: None,
        request_id: None,
        event_id: None,
        shared_event_id: None,
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        at,
        actor: removal("admin", 0, at).actor,
    }))
}

#[tokio::test]
async fn a_purge_two_days_after_versioning_was_suspended_is_held_against_that() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("deltrail.db"), "here");
    let mut seen = Seen::default();
    let changed = StoredFact { fact: versioning_suspended(at(0, 20 * 60)), record_index: None };
    store.commit(Batch { facts: vec![changed], ..Batch::default() }).await.unwrap();
    looked(&store, &mut seen).await;
    let switched_off = async || {
        let detector = Some(Detector::ProtectionOff);
        let filter = FindingFilter { detector, limit: 9, ..FindingFilter::default() };
        store.findings(filter).await.unwrap().rows.remove(0).finding.severity
    };
    assert_eq!(switched_off().await, Severity::Warning);
    let purge: Vec<Evidence> = (0..60).map(|nth| removal("job", nth, at(2, 19 * 60))).collect();
    commit(&store, &removed(purge), Provenance::Live).await;
    looked(&store, &mut seen).await;
    assert_eq!(switched_off().await, Severity::Critical);
    store.close().await.unwrap();
}

/// So many removals by anybody on the day on which the job removes 308.
fn cleanup(objects_max: u64) -> Expectation {
    Expectation {
        id: "cleanup".to_owned(),
        principal: None,
        bucket: BUCKET.to_owned(),
        prefix: String::new(),
        since: at(35, 0),
        until: at(36, 0),
        objects_max,
    }
}

#[tokio::test]
async fn what_was_announced_afterwards_is_withdrawn_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("deltrail.db"), "here");
    let mut seen = Seen::default();
    commit(&store, &removed(evidence()), Provenance::Live).await;
    looked(&store, &mut seen).await;
    store.announce(cleanup(1_000), None, at(50, 0)).await.unwrap();
    looked(&store, &mut seen).await;
    let withdrawn = FindingFilter {
        detector: Some(Detector::MassDelete),
        state: Some(State::Withdrawn),
        limit: 9,
        ..FindingFilter::default()
    };
    let rows = store.findings(withdrawn).await.unwrap().rows;
    let [row] = rows.as_slice() else { panic!("{rows:#?}") };
    let because = row.withdrawn_because.as_deref();
    assert_eq!(because, Some("300 removals then, 0 now; 308 were announced as cleanup"));
    store.close().await.unwrap();
}

#[tokio::test]
async fn an_announcement_covers_up_to_its_maximum_and_more_is_found_and_worse() {
    let masses = async |objects_max: Option<u64>| {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("deltrail.db"), "here");
        if let Some(objects_max) = objects_max {
            store.announce(cleanup(objects_max), None, at(50, 0)).await.unwrap();
        }
        commit(&store, &removed(evidence()), Provenance::Live).await;
        looked(&store, &mut Seen::default()).await;
        let detector = Some(Detector::MassDelete);
        let filter = FindingFilter { detector, limit: 9, ..FindingFilter::default() };
        let rows = store.findings(filter).await.unwrap().rows;
        let told = store.expectations(at(0, 0), 9).await.unwrap();
        store.close().await.unwrap();
        let of_day =
            rows.into_iter().map(|row| row.finding).find(|it| it.day == Day::of(at(35, 0)));
        (of_day, told.first().map(|it| (it.used(), it.beyond())))
    };
    let (unannounced, _) = masses(None).await;
    assert_eq!(unannounced.unwrap().severity, Severity::Warning);
    let (covered, use_of_all) = masses(Some(1_000)).await;
    assert_eq!((covered, use_of_all), (None, Some((Some(308), Some(0)))));
    let (beyond, use_of_some) = masses(Some(100)).await;
    let beyond = beyond.unwrap();
    assert_eq!(beyond.severity, Severity::Critical);
    assert!(beyond.notes.contains(&"208 more than the 100 announced as cleanup".to_owned()));
    assert_eq!(use_of_some, Some((Some(100), Some(208))));
}

#[tokio::test]
async fn what_a_scan_finds_is_what_a_daemon_would_have_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("deltrail.db"), "scan");
    commit(&store, &told(), Provenance::Backfill).await;
    super::look_at_history(&options(), &store, &CancellationToken::new()).await.unwrap();
    let (live, _) = delivered(&Delivery { seed: 0, pieces: 10_000, restart_after: 10 }).await;
    assert_eq!(standing(&store).await, live);
    store.close().await.unwrap();
}
