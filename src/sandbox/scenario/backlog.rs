//! A queue full of removals that nobody has read, for measuring how it is drained. It plays
//! nothing, and no bucket knows of these objects.

use std::sync::Arc;

use deltrail_core::domain::Timestamp;

use super::stage::{EVENTS_QUEUE, VISITOR};
use crate::sandbox::Sandbox;
use crate::sandbox::act::{Act, Call, Caller, Effect};
use crate::sandbox::identifiers::Identifiers;
use crate::sandbox::record::notification::{Sequencer, events, message};

const BUCKETS: u32 = 4;
const KEYS: u32 = 5_000;
/// Each removal so long after the one before.
const PAUSE_MILLIS: i64 = 100;
const SERVICE_MILLIS: i64 = 40;

/// Sends `count` notifications to the queue of events, each of a removal by a request of its own:
/// of 5 000 keys in the first of 4 buckets, then of as many in the next, and round again, up to the
/// time that the sandbox shows.
pub fn send_removals(sandbox: &Sandbox, seed: u64, count: u32) {
    let identifiers = Identifiers::seeded(seed);
    let queue_arn = sandbox.queues().arn(EVENTS_QUEUE);
    let now_millis = sandbox.clock().now().as_millis();
    let mut sequencer = Sequencer::default();
    for number in 0..count {
        let started_millis = now_millis - i64::from(count - number) * PAUSE_MILLIS;
        let act = removal(sandbox, &identifiers, number, started_millis);
        for event in events(&act) {
            let sequencer = sequencer.next(act.ended_at);
            let body = message(&act, &event, "removals", &sequencer, &identifiers.host_id());
            // The stage has this queue.
            let _ = sandbox.queues().send(&queue_arn, body);
        }
    }
}

fn removal(sandbox: &Sandbox, identifiers: &Identifiers, number: u32, started_millis: i64) -> Act {
    let (round, key) = (number / KEYS, number % KEYS);
    let bucket = format!("example-backlog-{}", round % BUCKETS);
    Act {
        started_at: Timestamp::from_millis(started_millis),
        ended_at: Timestamp::from_millis(started_millis + SERVICE_MILLIS),
        request_id: identifiers.request_id(),
        host_id: identifiers.host_id(),
        caller: Caller {
            principal: sandbox.principal(VISITOR).map(Arc::clone),
            source_address: "203.0.113.7".into(),
            user_agent: "aws-sdk-rust/1.3.9".into(),
            host: format!("{bucket}.s3.{}.amazonaws.com", sandbox.region()),
        },
        bucket,
        bucket_account: sandbox.account().to_owned(),
        region: sandbox.region().to_owned(),
        call: Call::Delete {
            key: format!("albums/{:03}/IMG {key:04}.jpg", key / 50),
            named_version: None,
            effect: Effect::Object,
        },
        refusal: None,
    }
}
