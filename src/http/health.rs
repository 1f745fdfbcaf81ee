//! Whether the daemon lives and whether it is ready. It looks only at what the loops themselves
//! say, so that an outage of AWS never restarts the daemon.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// A loop that has not ticked for this long is stalled.
pub const STALLED_AFTER: Duration = Duration::from_mins(1);

type LastTick = Box<dyn Fn() -> Instant + Send + Sync>;

/// The loops that must keep ticking.
#[derive(Default)]
pub struct Health {
    loops: Vec<(String, LastTick)>,
}

/// A loop that has not ticked for [`STALLED_AFTER`] or longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stalled {
    /// The loop's name.
    pub name: String,
    /// How long it has been silent.
    pub silent_for: Duration,
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has not ticked for {} s", self.name, self.silent_for.as_secs())
    }
}

impl Health {
    /// Without a loop, which is healthy.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches one more loop, which says itself when it last ticked.
    #[must_use]
    pub fn watching(
        mut self,
        name: impl Into<String>,
        last_tick: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> Self {
        self.loops.push((name.into(), Box::new(last_tick)));
        self
    }

    /// The loops that are stalled at `now`.
    #[must_use]
    pub fn stalled(&self, now: Instant) -> Vec<Stalled> {
        let silent = self.loops.iter().map(|(name, last_tick)| Stalled {
            name: name.clone(),
            silent_for: now.saturating_duration_since(last_tick()),
        });
        silent.filter(|stalled| stalled.silent_for >= STALLED_AFTER).collect()
    }
}

/// Whether the daemon does its work, with the reason when it does not. Clones share it.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<RwLock<Option<String>>>);

impl Readiness {
    /// Not ready, for this reason.
    #[must_use]
    pub fn not_yet(reason: impl Into<String>) -> Self {
        Self(Arc::new(RwLock::new(Some(reason.into()))))
    }

    /// From now on ready.
    pub fn ready(&self) {
        self.set(None);
    }

    /// From now on not ready, for this reason.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.set(Some(reason.into()));
    }

    /// Why it is not ready; none when it is.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, reason: Option<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Health, Readiness};

    #[test]
    fn a_loop_is_stalled_after_a_minute_of_silence() {
        let start = Instant::now();
        let health = Health::new()
            .watching("poller", move || start)
            .watching("writer", move || start + Duration::from_secs(30));
        assert_eq!(health.stalled(start + Duration::from_millis(59_999)), []);
        let stalled = health.stalled(start + Duration::from_secs(75));
        let texts: Vec<_> = stalled.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["poller has not ticked for 75 s"]);
        assert_eq!(health.stalled(start + Duration::from_secs(90)).len(), 2);
    }

    #[test]
    fn a_tick_ends_the_silence() {
        let start = Instant::now();
        let heartbeat = crate::metrics::Heartbeat::starting(start);
        let seen = heartbeat.clone();
        let health = Health::new().watching("poller", move || seen.last());
        let later = start + Duration::from_secs(100);
        assert_eq!(health.stalled(later).len(), 1);
        heartbeat.beat(later);
        assert_eq!(health.stalled(later), []);
    }

    #[test]
    fn readiness_carries_its_reason() {
        let readiness = Readiness::not_yet("opening the store");
        assert_eq!(readiness.reason().as_deref(), Some("opening the store"));
        readiness.ready();
        assert_eq!(readiness.reason(), None);
        readiness.not_ready("draining");
        assert_eq!(readiness.reason().as_deref(), Some("draining"));
    }
}
