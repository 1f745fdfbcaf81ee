//! How many bytes of message bodies are in memory: a message may have a KiB or a MiB, so that their
//! number alone bounds nothing. It knows nothing of what they say.

use tokio::sync::watch;

/// Bytes of bodies in flight from which on nothing more is received. Those of S3 have about 1 KiB,
/// of which as many fit as may be in flight by their number.
const BYTES_MAX: usize = 4 << 20;

/// The bodies in flight, of all queues.
#[derive(Debug, Clone, Default)]
pub(super) struct Bodies(watch::Sender<usize>);

impl Bodies {
    /// Counts a body of so many bytes until the answer is dropped.
    pub(super) fn hold(&self, bytes: usize) -> HeldBody {
        self.0.send_modify(|held| *held += bytes);
        HeldBody { bodies: self.clone(), bytes }
    }

    /// Waits until there is room for more. What one receive of each queue brings then, which is
    /// 10 MiB at most, goes over.
    pub(super) async fn until_room(&self) {
        // It ends with its sender only, which is here.
        let _ = self.0.subscribe().wait_for(|held| *held < BYTES_MAX).await;
    }
}

/// A body in flight.
#[derive(Debug)]
pub(super) struct HeldBody {
    bodies: Bodies,
    bytes: usize,
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.bodies.0.send_modify(|held| *held -= self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::{BYTES_MAX, Bodies};

    #[tokio::test]
    async fn there_is_room_again_when_bodies_are_dropped() {
        let bodies = Bodies::default();
        let small = bodies.hold(1);
        assert!(bodies.until_room().now_or_never().is_some());
        let large = bodies.hold(BYTES_MAX - 1);
        assert!(bodies.until_room().now_or_never().is_none());
        let waiting = bodies.until_room();
        drop(small);
        waiting.await;
        drop(large);
        assert!(bodies.until_room().now_or_never().is_some());
    }
}
