//! A queue that refuses everything for a while: how often the daemon still asks, and that nothing
//! is lost by it. It waits the real time of the outage, because the daemon's pauses are real.

use std::time::Duration;

use deltrail::sandbox::faults::Fault;
use futures_util::future::join_all;
use tokio::time::sleep;

use super::estate::{EVENTS_QUEUE, QUEUE};
use super::poison::Poison;
use super::run::Stage;
use super::traffic::Traffic;
use crate::emulator::eventually;

const OUTAGE: Duration = Duration::from_secs(20);
const DEEDS: usize = 120;
const SECONDS_MAX: u64 = 60;

/// Lets every request to SQS meet a fault while messages are in flight.
async fn outage_of(fault: Fault, seed: u64) {
    let stage = Stage::open(seed).await;
    let (faults, queues) = (stage.sandbox.faults(), stage.sandbox.queues());
    // What is in flight when it begins is there to be settled meanwhile.
    faults.set(Fault::S3SlowBody, 1_000);
    let mut traffic = Traffic::seeded(seed);
    let now = stage.sandbox.clock().now().as_millis();
    for act in traffic.acts(DEEDS, now - 60_000..now) {
        stage.writing.tell(act);
    }
    stage.writing.flush().await;
    eventually(SECONDS_MAX, "messages are in flight", async || {
        let in_flight = queues.depth(QUEUE).unwrap_or_default().in_flight;
        if in_flight > 0 { Ok(()) } else { Err("none".to_owned()) }
    })
    .await;
    faults.set(fault, 1_000);
    let before = [QUEUE, EVENTS_QUEUE].map(|queue| queues.requests(queue));
    sleep(OUTAGE).await;
    let after = [QUEUE, EVENTS_QUEUE].map(|queue| queues.requests(queue));
    faults.calm();
    for (before, after) in before.into_iter().zip(after) {
        let asked = after - before;
        assert!(asked > 0, "{fault:?}: nobody asks whether it is over");
        assert!(asked < OUTAGE.as_secs(), "{fault:?}: {asked} requests in {OUTAGE:?}");
    }
    stage
        .end(&mut traffic, &Poison::default())
        .await
        .unwrap_or_else(|error| panic!("{fault:?}: {error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_refuses_everything_is_asked_less_than_once_a_second() {
    let faults = [Fault::SqsAccessDenied, Fault::SqsInternalError, Fault::SqsThrottled];
    join_all((1..).zip(faults).map(|(seed, fault)| outage_of(fault, seed))).await;
}
