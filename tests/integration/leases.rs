//! Leases: a message stays with the daemon from receipt until it is settled, and whoever loses one
//! stops. Knows the wire and the metrics, and nothing of how leases are kept.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deltrail::sandbox::faults::Fault;
use deltrail::sandbox::sqs::Depth;
use deltrail_core::domain::Timestamp;

use crate::emulator::{Daemon, eventually};
use crate::gated::{
    DEAD, Gated, KEY, QUEUE, Request, SECONDS_MAX, count, names, s3_event, until_at_least,
};
use crate::sandbox::sandbox_at;

const FAILED: &str = "deltrail_messages_failed_total";
const RECEIVED: &str = "deltrail_messages_received_total";

fn entries(request: &Request) -> usize {
    request.body["Entries"].as_array().map_or(0, Vec::len)
}

/// Waits until extensions were asked for so often for each of so many messages.
async fn until_extended(gated: &Gated, messages: usize, times: usize) {
    eventually(SECONDS_MAX, "the leases are extended", async || {
        let asked: usize = gated.gate.requests("ChangeMessageVisibility").iter().map(entries).sum();
        if asked >= messages * times { Ok(()) } else { Err(format!("{asked} entries")) }
    })
    .await;
}

/// A daemon that works on one object at a time, which the gate holds back, and so has every other
/// message wait in line.
async fn waiting_in_line(gated: &mut Gated, count: usize) -> Daemon {
    gated.gate.hold("bucket-");
    gated.write_logs(names(count));
    gated.daemon(&["--in-flight-objects=1"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_wait_in_line_are_extended_from_their_receipt_on() {
    // Whatever is delivered a second time is dead.
    let mut gated = Gated::build("waiting", 6, Some(1)).await;
    let daemon = waiting_in_line(&mut gated, 25).await;
    until_extended(&gated, 25, 4).await;
    assert_eq!(gated.depth(QUEUE), Depth { in_flight: 25, ..Depth::default() });
    let calls = gated.gate.requests("ChangeMessageVisibility");
    assert!(calls.iter().all(|call| entries(call) <= 10), "SQS takes ten at most");
    let asked: usize = calls.iter().map(entries).sum();
    assert!(calls.len() * 4 <= asked, "{} calls for {asked} extensions", calls.len());

    gated.gate.release();
    gated.until_all_is_counted(&daemon).await;
    assert_eq!(gated.depth(DEAD), Depth::default());
    assert_eq!(count(&daemon, RECEIVED, &[]).unwrap(), 25);
    let deletions = gated.gate.requests("DeleteMessage");
    assert!(deletions.iter().all(|call| call.what == "DeleteMessageBatch" && entries(call) <= 10));
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_held_until_it_is_known_to_be_deleted() {
    let mut gated = Gated::build("deleting", 4, Some(1)).await;
    gated.gate.hold("DeleteMessage");
    gated.write_logs(names(5));
    let daemon = gated.daemon(&[]).await;
    until_extended(&gated, 5, 4).await;
    assert_eq!(gated.depth(QUEUE), Depth { in_flight: 5, ..Depth::default() });
    gated.gate.release();
    gated.until_all_is_counted(&daemon).await;
    assert_eq!(gated.depth(DEAD), Depth::default());
    assert_eq!(count(&daemon, FAILED, &[]).unwrap(), 0);
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_fails_alone_is_tried_again_in_time() {
    let mut gated = Gated::build("failed-entries", 6, Some(1)).await;
    gated.sandbox.faults().set(Fault::SqsFailedEntry, 200);
    let daemon = waiting_in_line(&mut gated, 10).await;
    eventually(SECONDS_MAX, "entries fail", async || {
        let failed = gated.sandbox.faults().injected();
        let failed = failed.get(&Fault::SqsFailedEntry).copied().unwrap_or_default();
        if failed >= 5 { Ok(()) } else { Err(format!("{failed}")) }
    })
    .await;
    gated.sandbox.faults().calm();
    gated.gate.release();
    gated.until_all_is_counted(&daemon).await;
    assert_eq!(gated.depth(DEAD), Depth::default());
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_ends_its_work_and_nothing_is_lost_or_counted_twice() {
    let mut gated = Gated::build("lost", 2, None).await;
    gated.sandbox.faults().set(Fault::SqsExpiredReceiptHandle, 1000);
    let daemon = waiting_in_line(&mut gated, 12).await;
    until_at_least(&daemon, FAILED, &[("reason", "lease_lost")], 12).await;
    // The object is held back still: nobody would have ended otherwise.
    gated.sandbox.queues().delete_queue(QUEUE);
    for gauge in ["deltrail_in_flight_objects", "deltrail_in_flight_messages"] {
        eventually(SECONDS_MAX, "the work has ended", async || {
            let count = count(&daemon, gauge, &[])?;
            if count == 0 { Ok(()) } else { Err(format!("{gauge}: {count}")) }
        })
        .await;
    }
    Gated::expect_nothing_is_counted(&daemon);

    gated.sandbox.faults().calm();
    gated.gate.release();
    gated.create_queue(2, None);
    let messages: Vec<String> = gated.truth.iter().map(|name| s3_event(&[name])).collect();
    for message in messages.iter().chain(&messages) {
        gated.send(message);
    }
    gated.until_all_is_counted(&daemon).await;
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_of_one_lease_is_not_the_end_of_its_neighbours() {
    let mut gated = Gated::build("one-lost", 3, None).await;
    let daemon = waiting_in_line(&mut gated, 8).await;
    until_at_least(&daemon, RECEIVED, &[], 8).await;
    // Some of the next answers to extensions say that the receipt handle is no longer good.
    gated.sandbox.faults().set(Fault::SqsExpiredReceiptHandle, 300);
    until_at_least(&daemon, FAILED, &[("reason", "lease_lost")], 1).await;
    gated.sandbox.faults().calm();
    until_at_least(&daemon, RECEIVED, &[], 9).await;
    let received = count(&daemon, RECEIVED, &[]).unwrap();
    let lost = count(&daemon, FAILED, &[("reason", "lease_lost")]).unwrap();
    assert!(received <= 8 + lost, "{received} received, of which {lost} were lost");
    gated.gate.release();
    gated.until_all_is_counted(&daemon).await;
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_limit_of_twelve_hours_a_message_is_let_go_and_comes_again() {
    let now_millis = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        i64::try_from(now).unwrap()
    };
    // Its time is so far behind that what it delivers now was received almost 12 hours ago.
    let left = Duration::from_secs(14);
    let behind = Duration::from_hours(12).saturating_sub(left);
    let shown = now_millis() - i64::try_from(behind.as_millis()).unwrap();
    let sandbox = sandbox_at(Timestamp::from_millis(shown), "gated", KEY).await;
    let mut gated = Gated::build_on(sandbox, "limit", 4, None).await;
    let limit = std::time::Instant::now() + left;
    let daemon = waiting_in_line(&mut gated, 2).await;
    until_at_least(&daemon, FAILED, &[("reason", "lease_limit")], 2).await;
    let calls = gated.gate.requests("ChangeMessageVisibility");
    assert!(!calls.is_empty(), "it was extended before");
    for call in calls.iter().filter(|call| call.at < limit) {
        for entry in call.body["Entries"].as_array().unwrap() {
            let asked = Duration::from_secs(entry["VisibilityTimeout"].as_u64().unwrap());
            assert!(call.at + asked <= limit, "{asked:?} asked {:?} before", limit - call.at);
        }
    }
    gated.gate.release();
    gated.until_all_is_counted(&daemon).await;
    daemon.stop();
}
