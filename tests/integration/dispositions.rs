//! Dispositions: what becomes of a message whose work failed. Knows the wire, the metrics and the
//! log, and nothing of how it is decided.

use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use deltrail::sandbox::sqs::Depth;
use serde_json::Value;

use crate::emulator::{Daemon, eventually};
use crate::gated::{
    DEAD, Gated, KEY, LOGS, QUEUE, SECONDS_MAX, count, log_key, names, s3_event, until_at_least,
};
use crate::sandbox::REGION;
use crate::world::one_delete;

const FAILED: &str = "deltrail_messages_failed_total";
const REJECTED: &str = "deltrail_rejected_total";
const REDRIVE: &str = "deltrail_queue_redrive_policy";
/// So long poison is invisible after each receive: longer than it takes to look at it.
const POISON_SECONDS: u64 = 2;
const POISON: &str = "no envelope of anybody";

async fn until_rejected(daemon: &Daemon) {
    until_at_least(daemon, REJECTED, &[("reason", "unknown_envelope")], 1).await;
}

async fn until_empty(gated: &Gated, queue: &str) {
    eventually(SECONDS_MAX, "the queue is empty", async || match gated.depth(queue) {
        Depth { visible: 0, in_flight: 0, delayed: 0 } => Ok(()),
        depth => Err(format!("{depth:?}")),
    })
    .await;
}

/// The times after which messages were to come again.
fn returns(gated: &Gated) -> Vec<u64> {
    let seconds = |entry: &Value| entry["VisibilityTimeout"].as_u64().unwrap();
    let calls = gated.gate.requests("ChangeMessageVisibility");
    let entries = calls.iter().flat_map(|call| call.body["Entries"].as_array().unwrap());
    entries.map(seconds).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_failure_comes_again_after_a_longer_time_even_for_a_new_daemon() {
    // Nothing is extended in so short a work.
    let mut gated = Gated::build("retry", 60, None).await;
    gated.sandbox.faults().deny("s3:GetObject", LOGS);
    gated.write_logs(names(1));
    let mut daemon = gated.daemon(&[]).await;
    // Half of 5 s and of 10 s at least, in whole seconds.
    for (receive, expected) in [3..=5, 5..=10].into_iter().enumerate() {
        eventually(SECONDS_MAX, "the message is returned", async || {
            if returns(&gated).len() > receive { Ok(()) } else { Err("not yet".to_owned()) }
        })
        .await;
        let returned = returns(&gated)[receive];
        assert!(expected.contains(&returned), "receive {}: {returned} s", receive + 1);
        until_at_least(&daemon, FAILED, &[("reason", "access_denied")], 1).await;
        daemon.kill();
        daemon = gated.daemon(&[]).await;
    }
    gated.sandbox.faults().allow("s3:GetObject", LOGS);
    gated.until_all_is_counted(&daemon).await;
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_left_to_the_redrive_policy_and_counted() {
    let gated = Gated::build("poison-redrive", POISON_SECONDS, Some(3)).await;
    gated.send(POISON);
    let daemon = gated.daemon(&["--poison-after=1"]).await;
    eventually(SECONDS_MAX, "it is in the dead-letter queue", async || match gated.depth(DEAD) {
        Depth { visible: 1, .. } => Ok(()),
        depth => Err(format!("{depth:?}")),
    })
    .await;
    let count = |family, label| count(&daemon, family, &[label]).unwrap();
    assert_eq!(count(FAILED, ("reason", "unknown_envelope")), 3);
    assert_eq!(count(REDRIVE, ("queue", QUEUE)), 1);
    assert_eq!(count(REJECTED, ("reason", "unknown_envelope")), 0);
    // On a busy machine it may be extended before it was looked at; nobody returns it.
    let asked = returns(&gated);
    let is_left = asked.iter().all(|seconds| *seconds == POISON_SECONDS);
    assert!(is_left, "it comes again when its timeout is over: {asked:?}");
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_redrive_policy_poison_is_rejected_after_so_many_receives() {
    let gated = Gated::build("poison-kept", POISON_SECONDS, None).await;
    gated.send(POISON);
    let daemon = gated.daemon(&["--poison-after=3"]).await;
    until_rejected(&daemon).await;
    until_empty(&gated, QUEUE).await;
    let count = |family, label| count(&daemon, family, &[label]).unwrap();
    assert_eq!(count(FAILED, ("reason", "unknown_envelope")), 3);
    assert_eq!(count("deltrail_messages_received_total", ("queue", QUEUE)), 3);
    assert!(daemon.metrics().unwrap().contains("deltrail_queue_redrive_policy{queue=\"trail\"} 0"));
    assert!(daemon.output().contains("queue trail has no redrive policy"), "{}", daemon.output());
    expect_in_reject_table(&gated, POISON);
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_whose_attributes_are_secret_is_taken_for_one_without_a_redrive_policy() {
    let gated = Gated::build("poison-secret", 1, None).await;
    gated.sandbox.faults().deny("sqs:GetQueueAttributes", QUEUE);
    gated.send(POISON);
    // What is not known is taken to be 30 s, and nobody waits for that here.
    let daemon = gated.daemon(&["--poison-after=1"]).await;
    until_rejected(&daemon).await;
    until_empty(&gated, QUEUE).await;
    assert!(daemon.metrics().unwrap().contains("deltrail_queue_redrive_policy{queue=\"trail\"} 0"));
    let told = "it is taken for a queue without a redrive policy";
    assert!(daemon.output().contains(told), "{}", daemon.output());
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_object_is_tried_again_or_skipped_as_told() {
    let gated = Gated::build("missing", 30, None).await;
    gated.send(&s3_event(&["nowhere"]));
    let daemon = gated.daemon(&["--missing-object=retry"]).await;
    until_at_least(&daemon, FAILED, &[("reason", "gone")], 1).await;
    daemon.stop();
    assert_eq!(gated.depth(QUEUE).in_flight, 1, "it comes again");

    let daemon = gated.daemon(&["--missing-object=skip"]).await;
    until_at_least(&daemon, REJECTED, &[("reason", "missing")], 1).await;
    until_empty(&gated, QUEUE).await;
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_objects_what_is_done_stays_done_until_all_are() {
    let mut gated = Gated::build("several", 30, None).await;
    let present = ["bucket-000", "bucket-001"];
    let mut records = Vec::new();
    for name in ["bucket-000", "bucket-late", "bucket-001"] {
        let mut record = serde_json::from_str::<Value>(&s3_event(&[name])).unwrap();
        let body = one_delete(name);
        let object = &mut record["Records"][0]["s3"]["object"];
        object["size"] = body.len().into();
        object["eTag"] = put(&gated, &log_key(name), body).await.into();
        records.push(record["Records"][0].take());
    }
    gated.sandbox.queues().delete_queue(QUEUE);
    gated.create_queue(30, None);
    gated.gate.forget();
    delete(&gated, &log_key("bucket-late")).await;
    gated.send(&serde_json::json!({ "Records": records }).to_string());

    let daemon = gated.daemon(&[]).await;
    until_at_least(&daemon, FAILED, &[("reason", "gone")], 2).await;
    gated.truth = present.iter().map(|&name| name.to_owned()).collect();
    gated.expect_the_truth(&daemon);
    assert_eq!(gated.depth(QUEUE).visible + gated.depth(QUEUE).in_flight, 1, "not all is done");
    put(&gated, &log_key("bucket-late"), one_delete("bucket-late")).await;
    gated.truth.insert("bucket-late".to_owned());
    gated.until_all_is_counted(&daemon).await;
    for name in present {
        let fetched = gated.gate.requests(name).len();
        assert_eq!(fetched, 1, "{name} was fetched before and is in the ledger");
    }
    assert!(gated.gate.requests("bucket-late").len() >= 3);
    daemon.stop();
}

fn s3(gated: &Gated) -> aws_sdk_s3::Client {
    let credentials = Credentials::new(KEY[0], KEY[1], None, None, "test");
    let settings = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(credentials)
        .endpoint_url(gated.sandbox.endpoint())
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(settings)
}

/// Puts an object, and gives its `ETag` as notifications write it.
async fn put(gated: &Gated, key: &str, body: Vec<u8>) -> String {
    let put = s3(gated).put_object().bucket(LOGS).key(key).body(body.into());
    put.send().await.unwrap().e_tag.unwrap().trim_matches('"').to_owned()
}

async fn delete(gated: &Gated, key: &str) {
    s3(gated).delete_object().bucket(LOGS).key(key).send().await.unwrap();
}

/// Fails unless the body of a message is kept in the store.
fn expect_in_reject_table(gated: &Gated, body: &str) {
    let store = rusqlite::Connection::open(gated.folder.join("deltrail.db")).unwrap();
    store.busy_timeout(Duration::from_secs(30)).unwrap();
    let count = "SELECT count(*) FROM rejects WHERE body = ?1";
    let kept: i64 = store.query_row(count, [body], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1);
}
