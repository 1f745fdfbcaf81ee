//! The time that the sandbox lives in: it begins where it is told and runs at a scale of its own.
//! It knows nothing of what happens at those times.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deltrail_core::domain::Timestamp;
use tokio::time::Instant;

/// A clock that runs `scale` times as fast as the world's. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct Clock {
    pace: Arc<Mutex<Pace>>,
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    origin: Timestamp,
    since: Instant,
    scale: f64,
}

impl Pace {
    fn at(&self, instant: Instant) -> Timestamp {
        let elapsed = instant.saturating_duration_since(self.since).as_secs_f64();
        Timestamp::from_millis(self.origin.as_millis() + millis(elapsed * self.scale))
    }
}

impl Clock {
    /// A clock that shows `origin` now. At a `scale` of 100 a second of its time takes 10 ms.
    ///
    /// # Panics
    /// If `scale` is not a positive number: time that stands still would never end a wait.
    #[must_use]
    pub fn starting_at(origin: Timestamp, scale: f64) -> Self {
        assert!(scale.is_finite() && scale > 0.0, "a clock needs a positive scale, not {scale}");
        Self { pace: Arc::new(Mutex::new(Pace { origin, since: Instant::now(), scale })) }
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.pace().at(Instant::now())
    }

    /// Runs at another scale from now on, without a jump. Waits that have begun look again.
    ///
    /// # Panics
    /// If `scale` is not a positive number.
    pub fn set_scale(&self, scale: f64) {
        assert!(scale.is_finite() && scale > 0.0, "a clock needs a positive scale, not {scale}");
        let since = Instant::now();
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        *pace = Pace { origin: pace.at(since), since, scale };
    }

    /// Waits until the clock shows `at`.
    pub async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left_millis = at.millis_since(self.now());
            if left_millis <= 0 {
                return;
            }
            // Not all at once, because the scale may change meanwhile.
            let real_seconds = left_millis as f64 / 1e3 / self.pace().scale;
            let nap = Duration::from_secs_f64(real_seconds.clamp(0.001, 0.25));
            tokio::time::sleep(nap).await;
        }
    }

    /// Waits while the clock goes on by `time`.
    pub async fn sleep(&self, time: Duration) {
        self.sleep_until(self.after(time)).await;
    }

    /// What the clock shows after `time` of its own.
    #[must_use]
    pub fn after(&self, time: Duration) -> Timestamp {
        after(self.now(), time)
    }

    fn pace(&self) -> Pace {
        *self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time that is `time` after `at`; saturates.
#[must_use]
pub fn after(at: Timestamp, time: Duration) -> Timestamp {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(at.as_millis().saturating_add(millis))
}

#[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
fn millis(seconds: f64) -> i64 {
    (seconds * 1e3).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_435_200_000);

    #[test]
    fn a_scaled_clock_runs_faster_than_the_world() {
        let since = Instant::now();
        let pace = Pace { origin: NOON, since, scale: 100.0 };
        assert_eq!(pace.at(since + Duration::from_secs(36)).millis_since(NOON), 3_600_000);
        assert_eq!(pace.at(since), NOON);
    }

    #[test]
    fn another_scale_changes_the_speed_and_not_the_time() {
        let clock = Clock::starting_at(NOON, 1e6);
        let before = clock.now();
        clock.set_scale(1e-3);
        let after = clock.now();
        assert!(after >= before);
        assert!(clock.now().millis_since(after) < 1_000, "it hardly moves any more");
    }

    #[tokio::test]
    async fn a_wait_ends_when_the_clock_shows_its_time() {
        let clock = Clock::starting_at(NOON, 3_600.0);
        clock.sleep(Duration::from_mins(1)).await;
        assert!(clock.now().millis_since(NOON) >= 60_000);
    }
}
