//! Outages of a queue: they cost few requests, and end by themselves. Knows the wire and nothing of
//! how often who asks.

use std::time::{Duration, Instant};

use crate::emulator::eventually;
use crate::gated::{Gated, QUEUE, Request, SECONDS_MAX, Sqs, count, names, until_at_least};

/// So long is the queue out of order before the requests are counted.
const OUTAGE: Duration = Duration::from_secs(10);

/// Waits for the end of the outage that began then, and gives what was asked meanwhile. It is the
/// time itself that is waited for: nothing happens then that could be.
async fn asked_during_outage(gated: &Gated, since: Instant) -> Vec<Request> {
    tokio::time::sleep_until((since + OUTAGE).into()).await;
    gated.gate.sqs_requests_since(since)
}

/// Fails unless there is less than a request a second, and somebody looks again and again.
fn expect_few(asked: &[Request], since: Instant) {
    let told = |request: &Request| (request.at - since, request.what.clone());
    let told: Vec<_> = asked.iter().map(told).collect();
    assert!((2..10).contains(&asked.len()), "{} in {OUTAGE:?}: {told:?}", asked.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_cannot_be_reached_is_asked_ever_more_seldom() {
    let mut gated = Gated::build("outage-shut", 3, None).await;
    gated.gate.hold("bucket-");
    gated.write_logs(names(40));
    let daemon = gated.daemon(&["--in-flight-messages=60"]).await;
    until_at_least(&daemon, "deltrail_messages_received_total", &[], 40).await;
    gated.gate.set(Sqs::Shut);
    let since = Instant::now();
    // What becomes ready meanwhile is to be deleted, too.
    gated.gate.release();
    expect_few(&asked_during_outage(&gated, since).await, since);
    gated.gate.set(Sqs::Open);
    gated.until_all_is_counted(&daemon).await;
    assert_eq!(daemon.status_of("/-/healthy"), 200);
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_answers_at_once_with_nothing_is_not_asked_in_circles() {
    let mut gated = Gated::build("outage-empty", 30, None).await;
    gated.gate.set(Sqs::Empty);
    let daemon = gated.daemon(&[]).await;
    let since = Instant::now();
    expect_few(&asked_during_outage(&gated, since).await, since);
    gated.gate.set(Sqs::Open);
    gated.write_logs(names(10));
    gated.until_all_is_counted(&daemon).await;
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_denied_is_asked_ever_more_seldom() {
    let mut gated = Gated::build("outage-denied", 30, None).await;
    for action in ["sqs:ReceiveMessage", "sqs:GetQueueAttributes"] {
        gated.sandbox.faults().deny(action, QUEUE);
    }
    gated.write_logs(names(10));
    let since = Instant::now();
    let daemon = gated.daemon(&[]).await;
    expect_few(&asked_during_outage(&gated, since).await, since);
    for action in ["sqs:ReceiveMessage", "sqs:GetQueueAttributes"] {
        gated.sandbox.faults().allow(action, QUEUE);
    }
    gated.until_all_is_counted(&daemon).await;
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_deleted_and_made_anew_goes_on() {
    let mut gated = Gated::build("outage-deleted", 2, None).await;
    gated.gate.hold("bucket-");
    gated.write_logs(names(10));
    let daemon = gated.daemon(&[]).await;
    until_at_least(&daemon, "deltrail_messages_received_total", &[], 10).await;
    let since = Instant::now();
    gated.sandbox.queues().delete_queue(QUEUE);
    let asked = asked_during_outage(&gated, since).await;
    expect_few(&asked, since);
    gated.create_queue(2, None);
    gated.gate.release();
    // What was notified to the old queue is gone with it.
    let told: Vec<String> = gated.truth.iter().cloned().collect();
    gated.write_logs(told.into_iter().chain(names(15)));
    gated.until_all_is_counted(&daemon).await;
    eventually(SECONDS_MAX, "the leases on the old messages are over", async || {
        let held = count(&daemon, "deltrail_in_flight_messages", &[])?;
        if held == 0 { Ok(()) } else { Err(format!("{held}")) }
    })
    .await;
    daemon.stop();
}
