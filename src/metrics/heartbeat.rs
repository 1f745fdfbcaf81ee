//! The sign of life of a loop. It knows neither the loop nor who watches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When a loop last came round. Clones share the time.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    started_at: Instant,
    beat_after_millis: Arc<AtomicU64>,
}

impl Heartbeat {
    /// A loop that starts now, which counts as its first beat.
    #[must_use]
    pub fn starting(now: Instant) -> Self {
        Self { started_at: now, beat_after_millis: Arc::default() }
    }

    /// The loop came round. An earlier time than the last one changes nothing.
    pub fn beat(&self, now: Instant) {
        let after = now.saturating_duration_since(self.started_at).as_millis();
        let after = u64::try_from(after).unwrap_or(u64::MAX);
        self.beat_after_millis.fetch_max(after, Ordering::Relaxed);
    }

    /// When it last came round, to the millisecond.
    #[must_use]
    pub fn last(&self) -> Instant {
        let after = Duration::from_millis(self.beat_after_millis.load(Ordering::Relaxed));
        self.started_at.checked_add(after).unwrap_or(self.started_at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Heartbeat;

    #[test]
    fn the_last_beat_is_seen_by_every_clone_and_never_goes_back() {
        let start = Instant::now();
        let heartbeat = Heartbeat::starting(start);
        let seen = heartbeat.clone();
        assert_eq!(seen.last(), start);
        heartbeat.beat(start + Duration::from_secs(5));
        heartbeat.beat(start + Duration::from_secs(3));
        assert_eq!(seen.last(), start + Duration::from_secs(5));
    }
}
