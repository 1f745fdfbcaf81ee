//! The daemon from a message to a person: S3 tells of deletions, and a receiver is told what that
//! means.

use serde_json::{Value, json};

use super::now;
use super::receiver::Receiver;
use crate::emulator::{Daemon, Estate, emulator, eventually};
use crate::requirement::scratch;

const MESSAGES: u64 = 12;
const RECORDS: u64 = 100;

/// A message in which S3 tells of a hundred removals.
fn message(nth: u64) -> String {
    let at = deltrail_core::domain::Timestamp::from_millis(now().as_millis() - 60_000);
    let records: Vec<Value> = (0..RECORDS)
        .map(|record| {
            let number = nth * RECORDS + record;
            json!({
                "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
                "eventTime": at.to_string(), "eventName": "ObjectRemoved:Delete",
                "userIdentity": { "principalId": "AWS:AROAEXAMPLE:session" },
                "requestParameters": { "sourceIPAddress": "203.0.113.77" },
                "responseElements": { "x-amz-request-id": format!("QUIET{number:011}") },
                "s3": {
                    "bucket": { "name": "quiet-images" },
                    "object": { "key": format!("thumbs/{number}.jpg"), "sequencer": "0A" }
                }
            })
        })
        .collect();
    json!({ "Records": records }).to_string()
}

#[tokio::test]
async fn the_first_deletions_of_a_quiet_bucket_reach_a_person() {
    let Some(emulator) = emulator() else { return };
    let receiver = Receiver::start().await;
    receiver.answer(503, ("retry-after", "1"), "not now");
    let estate = Estate::build_silent(emulator, "notify-daemon", 5).await;
    let webhook = format!("{}/hooks/hunter2", receiver.origin);
    let settings = [
        "--notify-webhook",
        &webhook,
        "--notify-webhook-secret",
        "correct-horse-battery",
        "--external-url",
        "https://deltrail.example.com",
    ];
    let folder = scratch("notify-daemon");
    let daemon = Daemon::start_with(&estate, &folder, &settings).await;
    let messages: Vec<String> = (0..MESSAGES).map(message).collect();
    estate.send_all(&estate.queue_url, &messages).await;

    let told = eventually(60, "the receiver takes what tells of all removals", async || {
        // The first one was not taken.
        let all: Vec<Value> =
            receiver.posted().iter().skip(1).map(super::receiver::Posted::json).collect();
        let whole = all.iter().rev().find(|told| {
            told["finding"]["detector"] == "mass_delete"
                && told["finding"]["removed"] == MESSAGES * RECORDS
        });
        whole.cloned().ok_or_else(|| format!("{all:?}"))
    })
    .await;
    assert_eq!(told["finding"]["bucket"], "quiet-images");
    let url = format!("https://deltrail.example.com/findings/{}", told["thread"].as_str().unwrap());
    assert_eq!(told["url"], url);
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("thumbs/") && text.contains("quiet-images"), "{text}");

    let posted = receiver.posted();
    let deliveries: Vec<&str> = posted.iter().map(|one| one.header("deltrail-delivery")).collect();
    let mut taken = deliveries[1..].to_vec();
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len(), deliveries.len() - 1, "what was taken came again: {deliveries:?}");
    let output = daemon.output();
    assert!(!output.contains("hunter2") && !output.contains("correct-horse"), "{output}");
    daemon.stop();
}
