//! The drain: what a daemon does that is asked to stop. Knows signals, HTTP and the queue, and
//! nothing of how it is done.

use deltrail::sandbox::sqs::Depth;

use crate::emulator::{Daemon, eventually};
use crate::gated::{Gated, QUEUE, Request, SECONDS_MAX, names, until_at_least};

const RECEIVED: &str = "deltrail_messages_received_total";

/// A daemon in which so many messages are in flight, because the gate holds their objects back.
async fn in_flight(name: &str, count: usize, settings: &[&str]) -> (Gated, Daemon) {
    let mut gated = Gated::build(name, 30, None).await;
    gated.gate.hold("bucket-");
    gated.write_logs(names(count));
    let daemon = gated.daemon(settings).await;
    until_at_least(&daemon, RECEIVED, &[], count as u64).await;
    (gated, daemon)
}

async fn until_not_ready(daemon: &Daemon) {
    eventually(SECONDS_MAX, "it is not ready", async || match daemon.status_of("/-/ready") {
        503 => Ok(()),
        other => Err(format!("{other}")),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_is_finished_and_nothing_more_is_received() {
    for signal in ["TERM", "INT"] {
        let name = format!("drain-{signal}");
        let (gated, daemon) = in_flight(&name, 15, &["--drain-timeout=60s"]).await;
        daemon.signal(signal);
        until_not_ready(&daemon).await;
        assert_eq!(daemon.status_of("/-/healthy"), 200);
        let asked = || gated.gate.requests("ReceiveMessage").len();
        let asked_before = asked();
        eventually(SECONDS_MAX, "the long poll is over", async || {
            gated.send("a message that comes too late");
            // Whoever still received would have them; what the poll had brought was returned.
            match gated.depth(QUEUE) {
                Depth { visible: 5.., in_flight: 15, .. } => Ok(()),
                depth => Err(format!("{depth:?}")),
            }
        })
        .await;
        assert_eq!(asked(), asked_before);
        Gated::expect_nothing_is_counted(&daemon);
        assert!(daemon.metrics().is_ok(), "it is still scraped");
        gated.gate.release();
        eventually(SECONDS_MAX, "all is deleted", async || match gated.depth(QUEUE) {
            Depth { in_flight: 0, .. } => Ok(()),
            depth => Err(format!("{depth:?}")),
        })
        .await;
        daemon.expect_end();
        gated.sandbox.queues().delete_queue(QUEUE);
        gated.create_queue(30, None);
        let daemon = gated.daemon(&[]).await;
        gated.expect_the_truth(&daemon);
        daemon.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_finished_in_time_is_visible_to_others_at_once() {
    let (gated, daemon) = in_flight("drain-timeout", 35, &["--drain-timeout=1s"]).await;
    daemon.signal("TERM");
    daemon.expect_end();
    // Their leases would have lasted for 30 s.
    assert_eq!(gated.depth(QUEUE), Depth { visible: 35, ..Depth::default() });
    let calls = gated.gate.requests("ChangeMessageVisibility");
    // Others extend, if it took long until they were received.
    let is_return = |call: &&Request| call.body["Entries"][0]["VisibilityTimeout"] == 0;
    let returns = calls.iter().filter(is_return).count();
    assert!((4..=8).contains(&returns), "{returns} calls to return 35 messages");
    gated.gate.release();
    let daemon = gated.daemon(&[]).await;
    gated.until_all_is_counted(&daemon).await;
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_stops_at_once() {
    for second in ["TERM", "INT"] {
        let name = format!("drain-twice-{second}");
        let (gated, daemon) = in_flight(&name, 3, &["--drain-timeout=10m"]).await;
        daemon.signal("TERM");
        until_not_ready(&daemon).await;
        daemon.signal(second);
        daemon.expect_end();
        gated.gate.release();
        // What it held comes again, though late: others do not wait for that here.
        assert_eq!(gated.depth(QUEUE).in_flight, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_long_poll_still_brings_is_returned() {
    let gated = Gated::build("drain-poll", 30, None).await;
    let daemon = gated.daemon(&[]).await;
    eventually(SECONDS_MAX, "a long poll is under way", async || {
        let asked = gated.gate.requests("ReceiveMessage").len();
        if asked > 0 { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    daemon.signal("TERM");
    until_not_ready(&daemon).await;
    gated.send("a message that comes too late");
    daemon.expect_end();
    assert_eq!(gated.depth(QUEUE), Depth { visible: 1, ..Depth::default() });
}
