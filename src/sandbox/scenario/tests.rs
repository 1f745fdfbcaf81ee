//! Whether the truth of a day is what S3, CloudTrail and the application wrote about it. The
//! readers here count what stands there; nothing of deltrail reads along.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::Timestamp;
use serde_json::Value;

use super::stage::dead_letters_of;
use super::*;
use crate::sandbox::Sandbox;
use crate::sandbox::clock::after;
use crate::sandbox::faults::Faults;
use crate::sandbox::record::cloudtrail::ChildLayout;
use crate::sandbox::record::specimen::inflated;
use crate::sandbox::sqs::Depth;

/// 2026-11-23T00:00:00Z.
const BEGINNING: Timestamp = Timestamp::from_millis(1_795_392_000_000);

/// A day that was played, and all that was written of it.
#[derive(Default)]
struct Played {
    truth: Truth,
    uploads: usize,
    events: Vec<Value>,
    access_log: Vec<Line>,
    trail: Vec<Value>,
    intents: Vec<Value>,
}

/// What a line of an access log says of a delete.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    bucket: String,
    operation: String,
    status: String,
}

impl Line {
    /// Fields end at spaces; only the request line, if there is one, holds two of them.
    fn of(line: &str) -> Self {
        let fields: Vec<&str> = line.split(' ').collect();
        let status = if fields[9] == "-" { fields[10] } else { fields[12] };
        let [bucket, operation, status] = [fields[1], fields[7], status].map(str::to_owned);
        Self { bucket, operation, status }
    }

    fn is_of_delete(&self) -> bool {
        ["DELETE", "EXPIRE"].iter().any(|part| self.operation.contains(part))
    }
}

async fn stage(seed: u64, child_layout: ChildLayout) -> Sandbox {
    let options = StageOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        seed,
        beginning: BEGINNING,
        scale: 200_000.0,
        visitor_secret: "secret".into(),
        child_layout,
        faults: Faults::none(),
    };
    open(options).await.unwrap()
}

async fn played(seed: u64, child_layout: ChildLayout) -> Played {
    let sandbox = stage(seed, child_layout).await;
    let player = player(&sandbox);
    let plan = day(seed);
    let uploads = plan.iter().filter(|planned| matches!(planned.deed, Deed::Upload { .. }));
    let mut all = Played { uploads: uploads.count(), ..Played::default() };
    all.truth = player.play(plan, BEGINNING, |_, _, _| {}).await.unwrap();
    sandbox.clock().stop_at(after(BEGINNING, DAY)).await;
    sandbox.delivery().flush().await;
    all.read_queue(&sandbox, &player).await;
    all.read_logs(&player).await;
    for queue in [QUEUE, EVENTS_QUEUE] {
        let dead = sandbox.queues().depth(&dead_letters_of(queue));
        assert_eq!(dead, Some(Depth::default()), "{queue} has one, and nothing came to it");
    }
    sandbox.stop().await;
    all
}

impl Played {
    async fn read_queue(&mut self, sandbox: &Sandbox, player: &Player) {
        let url = sandbox.queues().url(EVENTS_QUEUE);
        loop {
            let receive = player.sqs.receive_message().queue_url(&url).max_number_of_messages(10);
            let messages = receive.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return;
            }
            for message in messages {
                let body: Value = serde_json::from_str(message.body().unwrap()).unwrap();
                match &body["Records"] {
                    Value::Array(records) => self.events.extend(records.clone()),
                    _ if body["deltrail"] == "intent" => self.intents.push(body),
                    _ => assert_eq!(body["Event"], "s3:TestEvent"),
                }
            }
        }
    }

    async fn read_logs(&mut self, player: &Player) {
        let client = &player.clients[&Actor::ImageService];
        let mut pages = client.list_objects_v2().bucket(LOGS).into_paginator().send();
        while let Some(page) = pages.next().await {
            for object in page.unwrap().contents() {
                let key = object.key().unwrap();
                let object = client.get_object().bucket(LOGS).key(key).send().await.unwrap();
                self.read_log(key, &object.body.collect().await.unwrap().into_bytes());
            }
        }
    }

    fn read_log(&mut self, key: &str, body: &[u8]) {
        if key.starts_with("access/") {
            let lines = str::from_utf8(body).unwrap().lines().map(Line::of);
            self.access_log.extend(lines.filter(Line::is_of_delete));
        } else if key.starts_with("intents/") {
            let text = inflated(body);
            let lines = str::from_utf8(&text).unwrap().lines();
            self.intents.extend(lines.map(|line| serde_json::from_str::<Value>(line).unwrap()));
        } else if key.contains("_CloudTrail_") {
            let file: Value = serde_json::from_slice(&inflated(body)).unwrap();
            let records = file["Records"].as_array().unwrap().iter();
            let of_delete = |name: &Value| name.as_str().unwrap().starts_with("DeleteObject");
            self.trail.extend(records.filter(|record| of_delete(&record["eventName"])).cloned());
        }
    }

    /// How many notifications have a name that begins so, by bucket.
    fn notified(&self, name: &str) -> BTreeMap<&str, u64> {
        let of_name =
            self.events.iter().filter(|event| text(&event["eventName"]).starts_with(name));
        counted(of_name.map(|event| text(&event["s3"]["bucket"]["name"])))
    }

    /// How many lines of the access log have the operation and a status, by bucket.
    fn logged(&self, operation: &str, status: &str) -> BTreeMap<&str, u64> {
        let lines = self.access_log.iter();
        let lines = lines.filter(|line| line.operation == operation && line.status == status);
        counted(lines.map(|line| line.bucket.as_str()))
    }

    /// How many records there are of a call, by bucket: of its type, and refused or not.
    fn recorded(&self, name: &str, event_type: &str, is_refused: bool) -> BTreeMap<&str, u64> {
        let records = self.trail.iter().filter(|record| {
            record["eventName"] == name
                && record["eventType"] == event_type
                && record["errorCode"].is_null() != is_refused
        });
        counted(records.map(|record| text(&record["requestParameters"]["bucketName"])))
    }

    fn requests(&self, api: &str, outcome: &str) -> BTreeMap<&str, u64> {
        let requests = self.truth.requests.iter();
        let of_kind = requests.filter(|((_, of, with), _)| *of == api && *with == outcome);
        of_kind.map(|((bucket, _, _), count)| (*bucket, *count)).collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn counted<'a>(buckets: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, u64> {
    let mut counts = BTreeMap::new();
    for bucket in buckets {
        *counts.entry(bucket).or_default() += 1;
    }
    counts
}

fn sum(one: &BTreeMap<&str, u64>, other: &BTreeMap<&str, u64>) -> u64 {
    one.values().chain(other.values()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_truth_is_what_every_source_wrote() {
    for (seed, layout) in [(7, ChildLayout::SharedRequest), (21, ChildLayout::OwnRequest)] {
        let played = played(seed, layout).await;
        let truth = &played.truth;
        assert_eq!(played.notified("ObjectRemoved:"), truth.notified, "seed {seed}");
        assert_eq!(
            sum(&played.notified("ObjectCreated:"), &BTreeMap::new()),
            played.uploads as u64
        );
        let expired = played.notified("LifecycleExpiration:");
        assert_eq!(sum(&expired, &BTreeMap::new()), truth.expiries());
        assert_eq!(expired.len(), 2, "in both buckets");

        for (api, operation, accepted) in [
            ("DeleteObject", "REST.DELETE.OBJECT", "204"),
            ("DeleteObjects", "REST.POST.MULTI_OBJECT_DELETE", "200"),
        ] {
            let (ok, denied) = (played.requests(api, "ok"), played.requests(api, "denied"));
            assert_eq!(played.logged(operation, accepted), ok, "{api}");
            assert_eq!(played.logged(operation, "403"), denied, "{api}");
            assert_eq!(played.recorded(api, "AwsApiCall", false), ok, "{api}");
            assert_eq!(played.recorded(api, "AwsApiCall", true), denied, "{api}");
        }
        assert_eq!(played.trail.len() as u64, truth.trail_records);
        assert_eq!(played.access_log.len() as u64, truth.access_log_lines);

        let children = played.recorded("DeleteObject", "AwsServiceEvent", false);
        assert_eq!(children, played.logged("BATCH.DELETE.OBJECT", "204"));
        let single = played.requests("DeleteObject", "ok");
        let removed = sum(&single, &children) + truth.expiries();
        assert_eq!(truth.removals.values().sum::<u64>(), removed);
        assert_eq!(truth.kinds.values().sum::<u64>(), removed);
        assert_eq!(played.intents.len() as u64, truth.intents);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_incident_of_the_story_is_in_the_truth_once() {
    let played = played(12, ChildLayout::SharedRequest).await;
    let truth = &played.truth;
    let once = ByBucket::from([(IMAGES, 1)]);
    assert_eq!(truth.duplicates, once, "a delete that was sent twice");
    assert_eq!(truth.stale, once, "a replaced thumbnail");
    assert_eq!(truth.unfulfilled(), once, "a delete that was never sent");
    assert_eq!((truth.intents, truth.intent_objects), (5, 1));
    let declared: usize =
        played.intents.iter().map(|intent| intent["keys"].as_array().unwrap().len()).sum();
    assert_eq!(truth.fulfilled, ByBucket::from([(IMAGES, declared as u64 - 1)]));
    let removals: u64 = truth.removals.values().sum();
    let notified: u64 = truth.notified.values().sum();
    assert_eq!(notified + truth.expiries() + 1, removals, "the second of the two found nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_is_declared_a_minute_before_its_keys_are_removed() {
    let played = played(7, ChildLayout::SharedRequest).await;
    let at = |value: &Value| text(value).parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let album = played.intents.iter().find(|intent| intent["keys"].as_array().unwrap().len() > 1);
    let requested_at = at(&album.unwrap()["requested_at"]);
    let of_album = |event: &&Value| {
        text(&event["s3"]["object"]["key"]).starts_with("albums/wedding")
            && text(&event["eventName"]).starts_with("ObjectRemoved")
    };
    let removed: Vec<i64> =
        played.events.iter().filter(of_album).map(|event| at(&event["eventTime"])).collect();
    assert!(removed.len() >= 10, "{removed:?}");
    let waits = removed.iter().map(|removed| removed - requested_at);
    assert!(waits.clone().all(|millis| (61_000..81_000).contains(&millis)), "{removed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_as_many_removals_by_as_many_requests() {
    let sandbox = stage(7, ChildLayout::SharedRequest).await;
    send_removals(&sandbox, 7, 5_020);
    let mut waiting = Played::default();
    waiting.read_queue(&sandbox, &player(&sandbox)).await;
    let removed = waiting.notified("ObjectRemoved:Delete");
    assert_eq!(removed, [("example-backlog-0", 5_000), ("example-backlog-1", 20)].into());
    let requests = waiting.events.iter().map(|event| {
        let request_id = &event["responseElements"]["x-amz-request-id"];
        (text(request_id), text(&event["s3"]["object"]["sequencer"]))
    });
    assert_eq!(requests.collect::<BTreeSet<_>>().len(), 5_020);
    sandbox.stop().await;
}
