//! Connections to S3 and SQS: they are kept and used again. Knows the wire, and nothing of how they
//! are kept.

use crate::gated::{Gated, names};

const AT_A_TIME: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn connections_do_not_grow_with_the_work() {
    let mut gated = Gated::build("connections", 30, None).await;
    let at_a_time = format!("--in-flight-objects={AT_A_TIME}");
    let daemon = gated.daemon(&[&at_a_time]).await;
    gated.write_logs(names(100));
    gated.until_all_is_counted(&daemon).await;
    let before = gated.gate.connections();
    gated.write_logs(names(400).skip(100));
    gated.until_all_is_counted(&daemon).await;
    let after = gated.gate.connections();
    let requests = gated.gate.requests("").len();
    assert!(requests > 400, "each object was asked for: {requests} requests");
    // Each of the objects at a time, a receive, a deletion and an extension may need one more.
    assert!(after - before <= AT_A_TIME + 3, "{before} connections, then {after}");
    daemon.stop();
}
