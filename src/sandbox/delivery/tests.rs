//! What arrives where, and when, in an estate that only remembers.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::decode::{Item, LogKey, parse_message};
use serde_json::Value;

use super::*;
use crate::sandbox::act::{BulkEntry, Call, Caller, Effect};
use crate::sandbox::faults::Fault;
use crate::sandbox::record::specimen::{STARTED, act, inflated, principal};

const LOGS_QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:logs";
const REMOVALS_QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:removals";

/// Buckets and queues that remember what they are given. As S3 does it, each put is an act.
struct Remembering {
    acts: mpsc::UnboundedSender<Act>,
    clock: Clock,
    puts: Mutex<Vec<ServicePut>>,
    messages: Mutex<Vec<(String, String)>>,
}

impl Estate for Remembering {
    fn put(&self, service: &str, put: ServicePut) -> bool {
        let call = Call::Put {
            key: put.key.clone(),
            version_id: None,
            object_bytes: put.body.len() as u64,
            etag: "e".into(),
        };
        let now = self.clock.now();
        let mut act =
            Act { started_at: now, ended_at: now, bucket: put.bucket.clone(), ..act(call) };
        let principal = Some(principal(Kind::Service, service));
        act.caller = Caller { principal, ..act.caller };
        // A desk that was not started has nobody who listens.
        let _ = self.acts.send(act);
        self.puts.lock().unwrap().push(put);
        true
    }

    fn send(&self, queue_arn: &str, body: String) -> bool {
        self.messages.lock().unwrap().push((queue_arn.into(), body));
        true
    }

    fn notification_rules(&self, bucket: &str) -> Vec<NotificationRule> {
        let rule = |id: &str, queue_arn: &str, event: &str| NotificationRule {
            id: id.into(),
            queue_arn: queue_arn.into(),
            events: vec![event.into()],
            prefix: String::new(),
            suffix: String::new(),
        };
        match bucket {
            "images" => vec![rule("removals", REMOVALS_QUEUE, "s3:ObjectRemoved:*")],
            "trail-logs" => vec![rule("files", LOGS_QUEUE, "s3:ObjectCreated:*")],
            _ => Vec::new(),
        }
    }

    fn access_log(&self, bucket: &str) -> Option<AccessLogTarget> {
        let target = AccessLogTarget { bucket: "access-logs".into(), prefix: "images/".into() };
        matches!(bucket, "images" | "access-logs").then_some(target)
    }
}

impl Remembering {
    fn keys(&self) -> Vec<String> {
        self.puts.lock().unwrap().iter().map(|put| put.key.clone()).collect()
    }

    fn log_files(&self) -> Vec<ServicePut> {
        let puts = self.puts.lock().unwrap();
        let is_log = |put: &&ServicePut| {
            put.bucket == "trail-logs" && matches!(LogKey::of(&put.key), LogKey::Log(_))
        };
        puts.iter().filter(is_log).cloned().collect()
    }

    fn records(&self) -> Vec<Value> {
        let read =
            |put: &ServicePut| -> Value { serde_json::from_slice(&inflated(&put.body)).unwrap() };
        let files = self.log_files();
        files.iter().flat_map(|put| read(put)["Records"].as_array().unwrap().clone()).collect()
    }

    fn messages_to(&self, queue_arn: &str) -> Vec<String> {
        let messages = self.messages.lock().unwrap();
        messages.iter().filter(|(arn, _)| arn == queue_arn).map(|(_, body)| body.clone()).collect()
    }
}

fn options(estate: Arc<Remembering>, faults: Faults) -> DeliveryOptions {
    DeliveryOptions {
        clock: estate.clock.clone(),
        identifiers: Identifiers::seeded(3),
        faults,
        estate,
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        trail: Some(TrailOptions {
            name: "objects".into(),
            bucket: "trail-logs".into(),
            prefix: None,
            child_layout: ChildLayout::SharedRequest,
            delay_seconds: 120..240,
            gather_seconds: 60,
            selects: Arc::new(|act| act.bucket != "other"),
            writes_digests: false,
        }),
        access_log_delay_seconds: 600..900,
    }
}

struct Running {
    estate: Arc<Remembering>,
    delivery: Delivery,
    acts: mpsc::UnboundedSender<Act>,
    closing: CancellationToken,
}

async fn running(scale: f64, faults: Faults, digests: bool) -> Running {
    let (acts, received) = mpsc::unbounded_channel();
    let clock = Clock::starting_at(STARTED, scale);
    let estate = Arc::new(Remembering {
        acts: acts.clone(),
        clock,
        puts: Mutex::default(),
        messages: Mutex::default(),
    });
    let mut options = options(estate.clone(), faults);
    options.trail.as_mut().unwrap().writes_digests = digests;
    let closing = CancellationToken::new();
    let delivery = Delivery::start(options, received, closing.clone()).await.unwrap();
    Running { estate, delivery, acts, closing }
}

fn desk(faults: Faults) -> (Arc<Remembering>, Desk) {
    desk_with_key(faults, None)
}

fn desk_with_key(faults: Faults, key: Option<Arc<DigestKey>>) -> (Arc<Remembering>, Desk) {
    let (acts, _) = mpsc::unbounded_channel();
    let clock = Clock::starting_at(STARTED, 1.0);
    let estate =
        Arc::new(Remembering { acts, clock, puts: Mutex::default(), messages: Mutex::default() });
    let desk = Desk::new(options(estate.clone(), faults), STARTED, key, Tally::default());
    (estate, desk)
}

fn marker(key: &str) -> Act {
    let effect = Effect::Marker { id: "V1".into() };
    act(Call::Delete { key: key.into(), named_version: None, effect })
}

fn bulk(count: usize) -> Act {
    let entry = |number| BulkEntry {
        key: format!("key-{number}"),
        named_version: None,
        result: Ok(Effect::Object),
    };
    act(Call::BulkDelete { entries: (0..count).map(entry).collect() })
}

fn seconds_after(seconds: i64) -> Timestamp {
    Timestamp::from_millis(STARTED.as_millis() + seconds * 1_000)
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn after_a_flush_everything_is_written_and_told() {
    let running = running(1.0, Faults::none(), false).await;
    running.acts.send(bulk(3)).unwrap();
    running.acts.send(marker("a.jpg")).unwrap();
    running.delivery.flush().await;

    let records = running.estate.records();
    let named = |name: &str| records.iter().filter(|record| record["eventName"] == name).count();
    assert_eq!((named("DeleteObjects"), named("DeleteObject")), (1, 4));
    assert_eq!(running.estate.messages_to(REMOVALS_QUEUE).len(), 4);
    let files = running.estate.log_files();
    let told = running.estate.messages_to(LOGS_QUEUE);
    assert_eq!(told.len(), files.len() + 1, "each file, and the empty object of a new trail");
    let Item::Created { object: created, .. } = &parse_message(told.last().unwrap()).unwrap()[0]
    else {
        panic!("{told:?}")
    };
    assert!(files.iter().any(|file| file.key == created.key), "{created:?}");
    let written = running.delivery.written();
    assert_eq!(written.log_records, 5);
    assert_eq!(written.log_files, files.len() as u64);
    assert_eq!(written.notifications, 4 + told.len() as u64);
    assert_eq!((written.access_log_objects, written.access_log_lines), (1, 5));
    assert_eq!(written.refused, 0);
}

#[tokio::test]
async fn a_flush_ends_although_a_bucket_logs_into_itself() {
    let running = running(1.0, Faults::none(), false).await;
    running.acts.send(Act { bucket: "access-logs".into(), ..marker("a") }).unwrap();
    running.delivery.flush().await;
    assert_eq!(running.delivery.written().access_log_objects, 1);
}

#[tokio::test]
async fn notifications_come_at_once_and_files_with_the_clock() {
    let running = running(600.0, Faults::none(), false).await;
    running.acts.send(marker("a.jpg")).unwrap();
    eventually("a file with the record", || running.estate.records().len() == 1).await;
    assert_eq!(running.estate.messages_to(REMOVALS_QUEUE).len(), 1);
    let file = &running.estate.log_files()[0];
    assert_eq!(file.content_type, "application/json");
    assert_eq!(file.content_encoding.as_deref(), Some("gzip"));
}

#[tokio::test]
async fn each_full_hour_has_its_digest() {
    let running = running(36_000.0, Faults::none(), true).await;
    running.acts.send(marker("a.jpg")).unwrap();
    let read =
        |put: &ServicePut| -> Value { serde_json::from_slice(&inflated(&put.body)).unwrap() };
    let digests = || -> Vec<ServicePut> {
        let puts = running.estate.puts.lock().unwrap();
        puts.iter().filter(|put| put.metadata.contains_key("signature")).cloned().collect()
    };
    let named = |digests: &[ServicePut]| -> usize {
        digests.iter().map(|digest| read(digest)["logFiles"].as_array().unwrap().len()).sum()
    };
    // How many hours pass before the file is written depends on how busy the machine is.
    eventually("two digests, one with the file", || {
        let digests = digests();
        digests.len() >= 2 && named(&digests) > 0
    })
    .await;
    running.closing.cancel();
    let digests = digests();
    assert_eq!(named(&digests), 1, "the one file is in one digest");
    for digest in &digests {
        assert!(digest.key.ends_with("0000Z.json.gz"), "{}", digest.key);
        assert_eq!(digest.metadata["signature-algorithm"], "SHA256withRSA");
    }
    for pair in digests.windows(2) {
        let (before, after) = (read(&pair[0]), read(&pair[1]));
        assert_eq!(after["digestStartTime"], before["digestEndTime"]);
        assert_eq!(after["previousDigestSignature"], pair[0].metadata["signature"]);
    }
    assert!(running.delivery.digest_key().is_some());
}

#[test]
fn each_full_hour_has_its_digest_over_the_files_written_in_it() {
    let key = Arc::new(DigestKey::generate().unwrap());
    let (estate, mut desk) = desk_with_key(Faults::none(), Some(key));
    let hour = |count: i64| Timestamp::from_millis(STARTED.as_millis() - 250 + count * 3_600_000);
    assert_eq!(desk.next_due(), Some(hour(1)));
    desk.take(&marker("early.jpg"));
    desk.write(seconds_after(600), seconds_after(600));
    desk.write(hour(1), hour(1));
    desk.take(&marker("late.jpg"));
    desk.write(hour(1), hour(1));
    desk.write(hour(3), hour(3));

    let puts = estate.puts.lock().unwrap();
    let digests: Vec<&ServicePut> =
        puts.iter().filter(|put| put.metadata.contains_key("signature")).collect();
    let [one, two, three] = digests.as_slice() else { panic!("{} digests", digests.len()) };
    assert!(one.key.ends_with("_20261123T130000Z.json.gz"), "{}", one.key);
    assert!(two.key.ends_with("_20261123T140000Z.json.gz"), "{}", two.key);
    assert!(three.key.ends_with("_20261123T150000Z.json.gz"), "{}", three.key);
    assert_eq!(one.metadata["signature-algorithm"], "SHA256withRSA");
    let read =
        |put: &ServicePut| -> Value { serde_json::from_slice(&inflated(&put.body)).unwrap() };
    let files = |put: &ServicePut| read(put)["logFiles"].as_array().unwrap().len();
    assert_eq!((files(one), files(two), files(three)), (1, 1, 0));
    assert_eq!(read(one)["previousDigestSignature"], Value::Null);
    assert_eq!(read(two)["previousDigestSignature"], one.metadata["signature"]);
    assert_eq!(read(three)["previousDigestSignature"], two.metadata["signature"]);
}

#[tokio::test]
async fn what_is_closed_waits_for_nobody() {
    let running = running(1.0, Faults::none(), false).await;
    running.closing.cancel();
    let flushed = tokio::time::timeout(Duration::from_secs(20), running.delivery.flush());
    flushed.await.expect("a flush after the end returns");
}

#[test]
fn no_record_is_written_before_its_delay_and_each_has_its_own() {
    let (estate, mut desk) = desk(Faults::none());
    desk.take(&bulk(400));
    desk.write(seconds_after(119), seconds_after(119));
    assert!(estate.log_files().is_empty());
    let mut written = BTreeMap::new();
    for minute in 2..=5 {
        desk.write(seconds_after(60 * minute), seconds_after(60 * minute));
        written.insert(minute, estate.records().len());
    }
    assert_eq!(written[&5], 401, "the call and its keys: {written:?}");
    assert!(0 < written[&3] && written[&3] < 401, "in more than one slot: {written:?}");
    let files: BTreeSet<String> = estate.log_files().into_iter().map(|put| put.key).collect();
    assert_eq!(files.len() as u64, desk.context.tally.0.lock().unwrap().log_files);
}

#[test]
fn the_trail_logs_neither_its_own_bucket_nor_what_it_does_not_select() {
    let (estate, mut desk) = desk(Faults::none());
    desk.take(&Act { bucket: "trail-logs".into(), ..marker("a") });
    desk.take(&Act { bucket: "other".into(), ..marker("b") });
    let mut log_delivery = marker("c");
    log_delivery.caller.principal = Some(principal(Kind::Service, LOG_DELIVERY));
    desk.take(&log_delivery);
    desk.write(FOREVER, STARTED);
    assert!(estate.records().is_empty());
}

#[test]
fn a_repeated_file_is_the_same_under_the_same_key() {
    let faults = Faults::none();
    faults.set(Fault::RepeatedLogObject, 1_000);
    let (estate, mut desk) = desk(faults);
    desk.take(&marker("a"));
    desk.write(FOREVER, STARTED);
    let [first, second] = estate.log_files().try_into().unwrap();
    assert_eq!((first.key, first.body), (second.key, second.body));
    let written = *desk.context.tally.0.lock().unwrap();
    assert_eq!((written.log_files, written.repeated_log_files), (1, 1));
    assert_eq!(written.log_records, 1);
}

#[test]
fn a_duplicate_is_the_same_message_twice() {
    let faults = Faults::none();
    faults.set(Fault::DuplicateNotification, 1_000);
    let (estate, mut desk) = desk(faults);
    desk.take(&marker("a"));
    let [first, second] = estate.messages_to(REMOVALS_QUEUE).try_into().unwrap();
    assert_eq!(first, second);
}

#[test]
fn a_late_notification_is_held_back_by_the_clock() {
    let faults = Faults::none();
    faults.set(Fault::LateNotification, 1_000);
    let (estate, mut desk) = desk(faults.clone());
    desk.take(&marker("late"));
    faults.calm();
    desk.take(&marker("prompt"));
    assert_eq!(estate.messages_to(REMOVALS_QUEUE).len(), 1);
    let due = desk.next_due().unwrap();
    assert!(due >= seconds_after(30), "{due}");
    desk.write(seconds_after(29), STARTED);
    assert_eq!(estate.messages_to(REMOVALS_QUEUE).len(), 1);
    desk.write(due, due);
    let messages = estate.messages_to(REMOVALS_QUEUE);
    assert!(messages[1].contains("\"late\""), "{messages:?}");
}

#[test]
fn access_lines_of_one_target_come_in_one_object_after_their_delay() {
    let (estate, mut desk) = desk(Faults::none());
    desk.take(&marker("a"));
    desk.take(&bulk(2));
    let is_access = |key: &String| key.starts_with("images/2026-11-23-");
    desk.write(seconds_after(599), seconds_after(599));
    assert!(!estate.keys().iter().any(is_access), "not before the delay");
    desk.write(seconds_after(901), seconds_after(901));
    assert_eq!(estate.keys().iter().filter(|key| is_access(key)).count(), 1);
    let puts = estate.puts.lock().unwrap();
    let object = puts.iter().find(|put| put.bucket == "access-logs").unwrap();
    let text = std::str::from_utf8(&object.body).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.ends_with('\n'));
}
