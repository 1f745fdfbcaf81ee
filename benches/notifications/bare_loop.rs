//! What any consumer does at least: receive messages and delete them, and nothing with what they
//! say. As in the daemon, one receive and one delete are under way at once.

use crate::daemon::{BareQueue, Reached, on_runtime};

/// The argument that makes this program the loop.
pub const BARE_LOOP: &str = "bare-loop";

/// Drains the queue that the arguments name.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    on_runtime(drain(BareQueue::of(&Reached::from_arguments(arguments)?)))
}

async fn drain(queue: BareQueue) -> anyhow::Result<()> {
    let mut received = queue.receive().await?;
    while !received.is_empty() {
        let (next, deleted) = tokio::join!(queue.receive(), queue.delete(received));
        deleted?;
        received = next?;
    }
    Ok(())
}
