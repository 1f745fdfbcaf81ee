//! Whether the store's disk has room: receiving stops before it is full, so that messages wait in
//! SQS instead of failing their way into a dead-letter queue. It measures nothing itself.

use std::sync::atomic::{AtomicBool, Ordering};

/// Receiving stops below this: room for what is in flight, its write-ahead log included.
const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Receiving goes on above this, so that it does not stop and start with every commit.
const FREE_BYTES_ENOUGH: u64 = 96 * 1024 * 1024;

/// Whether there is room. Room is taken for granted until somebody says otherwise.
#[derive(Debug, Default)]
pub(super) struct Space {
    is_short: AtomicBool,
}

impl Space {
    pub(super) fn is_short(&self) -> bool {
        self.is_short.load(Ordering::Relaxed)
    }

    /// Takes note of how much is free; says whether it is too little now.
    pub(super) fn note(&self, free_bytes: u64) -> bool {
        let enough = if self.is_short() { FREE_BYTES_ENOUGH } else { FREE_BYTES_MIN };
        let is_short = free_bytes < enough;
        self.is_short.store(is_short, Ordering::Relaxed);
        is_short
    }
}

#[cfg(test)]
mod tests {
    use super::Space;

    #[test]
    fn receiving_stops_early_and_goes_on_when_there_is_room_to_spare() {
        const MIB: u64 = 1024 * 1024;
        let space = Space::default();
        let answers = [500, 64, 63, 80, 95, 96, 80, 0].map(|free| space.note(free * MIB));
        assert_eq!(answers, [false, false, true, true, true, false, false, true]);
        assert!(space.is_short());
    }
}
