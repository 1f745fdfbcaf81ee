//! Log objects one by one, against canned answers of S3 and a store of their own.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use deltrail_core::decode::{Limits, Wanted};
use deltrail_core::domain::{Provenance, Timestamp};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde_json::{Value, json};

use super::*;
use crate::ingest::Options;
use crate::metrics::Metrics;
use crate::objects::{Objects, ObjectsOptions};
use crate::queue::canned_http::{Canned, CannedHttp, sdk_config};
use crate::store::{Location, Options as StoreOptions, Store};

const KEY: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/23/111122223333_CloudTrail_\
                   eu-west-1_20261123T1000Z_SMALLOBJECTS0001.json.gz";
const ETAG: &str = "0123456789abcdef0123456789abcdef";
const DEADLINE: Duration = Duration::from_mins(1);
const BUDGET_BYTES: u64 = 2 << 20;
const OBJECTS_AT_A_TIME: usize = 2;

async fn shell(answers: Vec<Canned>) -> (Arc<Ingest>, CannedHttp) {
    let server = CannedHttp::start(answers).await;
    let once = ObjectsOptions { path_style: true, attempts: 1, ..ObjectsOptions::default() };
    let store = Store::open(StoreOptions {
        location: Location::Memory,
        writer: "test".to_owned(),
        labelled_buckets_max: 10,
        creations_max: 10,
        is_important: Arc::new(|_| false),
    });
    let options = Options {
        limits: Limits { inflated_bytes_max: 1 << 20, record_bytes_max: 1 << 16 },
        wanted: Wanted::Deletes,
        keeps_traces: false,
        workers: 2,
        in_flight_messages: 100,
        in_flight_objects: OBJECTS_AT_A_TIME,
        memory_budget_bytes: BUDGET_BYTES,
        skips_missing: false,
        poison_after: 5,
        allows: Box::new(|_, _| true),
        log_bucket_names: Vec::new(),
        watches: Arc::new(|_| true),
        trail_keys: None,
        provenance: Provenance::Live,
        clock: Arc::new(|| Timestamp::from_millis(1_795_428_000_000)),
    };
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    let objects = Objects::new(&sdk_config(&server.origin), once);
    (Ingest::new(options, store.expect("a store"), objects, metrics), server)
}

/// A log object that a message names, of so many compressed bytes.
fn named(bytes: u64) -> ObjectRef {
    ObjectRef {
        bucket: "trail-logs".to_owned(),
        key: KEY.to_owned(),
        version_id: None,
        etag: Some(ETAG.to_owned()),
        size: Some(bytes),
        region: None,
        event_at: None,
        source: Source::S3Notification,
    }
}

/// So many deletes, as S3 answers when it is asked for their log object.
fn log_of(deletes: usize) -> Canned {
    let record = |number: usize| {
        json!({
            "eventVersion": "1.11", "eventTime": "2026-11-23T10:00:00Z",
            "eventSource": "s3.amazonaws.com", "eventName": "DeleteObject",
            "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
            "userIdentity": { "type": "AWSService", "invokedBy": "cleaner" },
            "requestParameters": { "bucketName": "images", "key": format!("{number}.png") },
            "requestID": format!("R{number:015}"),
            "eventID": format!("00000000-0000-4000-8000-{number:012}"),
            "eventType": "AwsApiCall", "eventCategory": "Data"
        })
    };
    let records: Vec<Value> = (0..deletes).map(record).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    write!(gzip, "{}", json!({ "Records": records })).expect("it is written");
    Canned::answer(200, gzip.finish().expect("a file")).header("etag", &format!("\"{ETAG}\""))
}

async fn read(ingest: &Ingest, object: &ObjectRef) -> Handled {
    read_object(ingest, object, &LogPath::default(), false).await.expect("it is handled")
}

#[tokio::test]
async fn a_small_object_is_sooner_read_than_looked_for_and_its_commit_knows_it_again() {
    let (ingest, server) = shell(vec![log_of(3), log_of(3)]).await;
    let object = named(SOONER_READ_BYTES_MAX);
    assert!(matches!(read(&ingest, &object).await, Handled::Committed(Source::CloudTrail)));
    assert!(matches!(read(&ingest, &object).await, Handled::Duplicate(Source::CloudTrail)));
    assert_eq!(server.requests().len(), 2);
    let rows = ingest.store.row_counts().await.expect("counts");
    assert_eq!(rows.removals, 3, "they are counted once");
}

#[tokio::test]
async fn a_small_object_whose_message_comes_again_is_not_fetched_again() {
    let (ingest, server) = shell(vec![log_of(3), log_of(3)]).await;
    let object = named(SOONER_READ_BYTES_MAX);
    assert!(matches!(read(&ingest, &object).await, Handled::Committed(Source::CloudTrail)));
    let again = read_object(&ingest, &object, &LogPath::default(), true).await;
    assert!(matches!(again, Ok(Handled::Duplicate(Source::CloudTrail))));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_larger_object_that_was_committed_is_not_fetched_again() {
    let (ingest, server) = shell(vec![log_of(3), log_of(3)]).await;
    let object = named(SOONER_READ_BYTES_MAX + 1);
    assert!(matches!(read(&ingest, &object).await, Handled::Committed(Source::CloudTrail)));
    assert!(matches!(read(&ingest, &object).await, Handled::Duplicate(Source::CloudTrail)));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_small_object_that_is_gone_is_looked_for_after_all() {
    let gone = Canned::answer(404, "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>");
    let (ingest, _server) = shell(vec![gone.clone(), log_of(3), gone]).await;
    let object = named(1_000);
    let never_committed = read_object(&ingest, &object, &LogPath::default(), false).await;
    assert!(matches!(never_committed, Err(ObjectFailure::Fetch(ObjectError::Gone { .. }))));
    assert!(matches!(read(&ingest, &object).await, Handled::Committed(Source::CloudTrail)));
    assert!(matches!(read(&ingest, &object).await, Handled::Duplicate(Source::CloudTrail)));
}

/// What waits to be committed keeps no other object from being read, until it takes all of the
/// memory that reading may begin with.
#[tokio::test]
async fn objects_that_wait_to_be_committed_are_bounded_by_memory_alone() {
    let count = 40;
    let (ingest, server) = shell(vec![log_of(60); count]).await;
    let taken = || ingest.metrics.in_flight_bytes.get();
    let (object, path) = (named(1_000), LogPath::default());
    let begins_with = i64::try_from(object_bytes(object.size, BUDGET_BYTES)).expect("a size");
    let half = i64::try_from(BUDGET_BYTES / 2).expect("a size");

    let first = read_in_turn(&ingest, &object, &path).await.expect("it is read");
    let each = taken();
    assert!((16 << 10..begins_with / 2).contains(&each), "60 deletes wait in {each} bytes");
    let mut waiting = vec![first];
    let mut readings: FuturesUnordered<_> =
        (1..count).map(|_| read_in_turn(&ingest, &object, &path)).collect();
    let mut fits = each;
    while fits + begins_with <= half {
        let read = tokio::time::timeout(DEADLINE, readings.next()).await.expect("there is room");
        waiting.push(read.expect("some are left").expect("it is read"));
        fits += each;
    }

    assert!(waiting.len() > 3 * OBJECTS_AT_A_TIME, "{} objects wait", waiting.len());
    assert!(futures_util::poll!(readings.next()).is_pending());
    // What is kept for the first in line counts as taken.
    assert!(taken() <= half, "no other object was begun");
    assert_eq!(server.requests().len(), waiting.len());

    let mut committed = 0;
    while committed < count {
        let read = match waiting.pop() {
            Some(read) => read,
            None => readings.next().await.expect("some are left").expect("it is read"),
        };
        let Read::Whole(reading, whole) = read else { panic!("nobody has committed it") };
        reading.commit(*whole).await.expect("it is committed");
        committed += 1;
    }
    assert_eq!((taken(), ingest.metrics.in_flight_objects.get()), (0, 0));
}

/// What a message names that CloudTrail itself sent.
fn unnamed_revision() -> ObjectRef {
    ObjectRef { etag: None, size: None, ..named(0) }
}

fn naming(message_id: &str, is_redelivered: bool) -> Naming<'_> {
    Naming { message_id, received_at: Instant::now(), is_redelivered }
}

fn results(ingest: &Ingest) -> [u64; 3] {
    ["committed", "duplicate", "failed"].map(|result| {
        let labels = [Source::CloudTrail.as_str(), result];
        ingest.metrics.log_objects.with_label_values(&labels).get()
    })
}

#[tokio::test]
async fn two_messages_that_name_one_object_at_the_same_time_fetch_it_once() {
    for object in [named(1_000), named(SOONER_READ_BYTES_MAX + 1), unnamed_revision()] {
        let (ingest, server) = shell(vec![log_of(3), log_of(3)]).await;
        let namings = ["m1", "m2"].map(|id| naming(id, false));
        let [first, second] = namings.each_ref().map(|it| commit_object(&ingest, &object, it));
        let verdicts = futures_util::future::join(first, second).await;
        assert!(matches!(verdicts, (Verdict::Done, Verdict::Done)));
        assert_eq!(server.requests().len(), 1, "{object:?}");
        assert_eq!(results(&ingest), [1, 1, 0], "{object:?}");
    }
}

#[tokio::test]
async fn when_the_first_fails_or_is_given_up_the_second_reads_the_object() {
    let refused = Canned::answer(403, "<Error><Code>AccessDenied</Code></Error>");
    let (ingest, server) = shell(vec![refused, log_of(3)]).await;
    let object = named(1_000);
    let namings = ["m1", "m2"].map(|id| naming(id, false));
    let [first, second] = namings.each_ref().map(|it| commit_object(&ingest, &object, it));
    let verdicts = futures_util::future::join(first, second).await;
    assert!(matches!(verdicts, (Verdict::Retry(_), Verdict::Done)));
    assert_eq!((server.requests().len(), results(&ingest)), (2, [1, 0, 1]));

    let (ingest, _server) = shell(vec![log_of(3), log_of(3)]).await;
    let [mut first, mut second] =
        namings.each_ref().map(|it| Box::pin(commit_object(&ingest, &object, it)));
    assert!(futures_util::poll!(first.as_mut()).is_pending());
    assert!(futures_util::poll!(second.as_mut()).is_pending());
    drop(first);
    assert!(matches!(second.await, Verdict::Done));
    assert_eq!(results(&ingest), [1, 0, 0]);
}

#[tokio::test]
async fn a_message_that_names_no_revision_and_comes_again_does_not_fetch_again() {
    let (ingest, server) = shell(vec![log_of(3), log_of(3)]).await;
    let object = unnamed_revision();
    for is_redelivered in [false, true] {
        let verdict = commit_object(&ingest, &object, &naming("m1", is_redelivered)).await;
        assert!(matches!(verdict, Verdict::Done));
    }
    assert_eq!((server.requests().len(), results(&ingest)), (1, [1, 1, 0]));
    // Another message may tell of another content.
    let verdict = commit_object(&ingest, &object, &naming("m2", false)).await;
    assert!(matches!(verdict, Verdict::Done));
    assert_eq!((server.requests().len(), results(&ingest)), (2, [1, 2, 0]));
}
