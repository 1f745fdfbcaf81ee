//! The time that the sandbox lives in: it begins where it is told, runs at a scale of its own, and
//! waits where it is told to. It knows nothing of what happens at those times.

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
    /// Where it stands still once it is there.
    stop: Option<Timestamp>,
}

impl Pace {
    fn at(&self, instant: Instant) -> Timestamp {
        let elapsed = instant.saturating_duration_since(self.since).as_secs_f64();
        let at = Timestamp::from_millis(self.origin.as_millis() + millis(elapsed * self.scale));
        self.stop.map_or(at, |stop| at.min(stop))
    }

    /// The same time, counted from this instant on.
    fn counted_from(self, instant: Instant) -> Self {
        Self { origin: self.at(instant), since: instant, ..self }
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
        let pace = Pace { origin, since: Instant::now(), scale, stop: None };
        Self { pace: Arc::new(Mutex::new(pace)) }
    }

    /// The same clock, which stands still at `origin` until it is told to run.
    ///
    /// # Panics
    /// If `scale` is not a positive number.
    #[must_use]
    pub fn standing_at(origin: Timestamp, scale: f64) -> Self {
        let clock = Self::starting_at(origin, scale);
        clock.change(|pace| Pace { origin, stop: Some(origin), ..pace });
        clock
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
        self.change(|pace| Pace { scale, ..pace });
    }

    /// Runs until the clock shows `at`, and stands still there: what is done then is done at that
    /// time, however long it takes. A time that has passed already stops it at once.
    pub async fn stop_at(&self, at: Timestamp) {
        self.change(|pace| Pace { stop: Some(at.max(pace.origin)), ..pace });
        self.sleep_until(at).await;
    }

    /// Runs on, wherever it stands or was to stop.
    pub fn run(&self) {
        self.change(|pace| Pace { stop: None, ..pace });
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

    /// Changes how it runs from now on, without a jump.
    fn change(&self, change: impl FnOnce(Pace) -> Pace) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        *pace = change(pace.counted_from(Instant::now()));
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
        let pace = Pace { origin: NOON, since, scale: 100.0, stop: None };
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
    async fn a_clock_stands_still_where_it_is_stopped_and_runs_on_without_a_jump() {
        let clock = Clock::standing_at(NOON, 1e6);
        let a_while = Duration::from_millis(2);
        tokio::time::sleep(a_while).await;
        assert_eq!(clock.now(), NOON, "it waits for the first who needs it");
        let later = after(NOON, Duration::from_mins(10));
        clock.stop_at(later).await;
        tokio::time::sleep(a_while).await;
        assert_eq!(clock.now(), later);
        clock.stop_at(NOON).await;
        assert_eq!(clock.now(), later, "time does not go back");
        clock.set_scale(1.0);
        clock.run();
        let passed_millis = clock.now().millis_since(later);
        assert!((0..60_000).contains(&passed_millis), "{passed_millis}");
    }

    #[tokio::test]
    async fn a_wait_ends_when_the_clock_shows_its_time() {
        let clock = Clock::starting_at(NOON, 3_600.0);
        clock.sleep(Duration::from_mins(1)).await;
        assert!(clock.now().millis_since(NOON) >= 60_000);
    }
}
