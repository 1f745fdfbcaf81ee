//! How often a peer may ask. It does not know what for.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Peers whose share is whole again are forgotten after so many questions, so that no more than
/// these and the recent ones are ever remembered.
const FORGET_EVERY: usize = 4_096;

/// The rate, and what each peer has used of it.
pub(super) struct Rate<C: Clock = DefaultClock> {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, C, NoMiddleware<C>>,
    clock: C,
    asked: AtomicUsize,
}

type NoMiddleware<C> = governor::middleware::NoOpMiddleware<<C as Clock>::Instant>;

impl Rate {
    /// So many a second in the long run, and `burst` at once.
    pub(super) fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        Self::by(DefaultClock::default(), Quota::per_second(per_second).allow_burst(burst))
    }

    /// So many a minute in the long run, and `burst` at once.
    pub(super) fn per_minute(per_minute: NonZeroU32, burst: NonZeroU32) -> Self {
        Self::by(DefaultClock::default(), Quota::per_minute(per_minute).allow_burst(burst))
    }
}

impl<C: Clock + Clone> Rate<C> {
    fn by(clock: C, quota: Quota) -> Self {
        let limiter = RateLimiter::hashmap_with_clock(quota, clock.clone());
        Self { limiter, clock, asked: AtomicUsize::new(0) }
    }

    /// Counts a question.
    ///
    /// # Errors
    /// How long to wait, when this peer has asked too often.
    pub(super) fn check(&self, peer: IpAddr) -> Result<(), Duration> {
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY) {
            self.limiter.retain_recent();
        }
        let asked_at = self.clock.now();
        self.limiter.check_key(&peer).map_err(|until| until.wait_time_from(asked_at))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::num::NonZeroU32;
    use std::time::Duration;

    use governor::Quota;
    use governor::clock::FakeRelativeClock;

    use super::{FORGET_EVERY, Rate};

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    fn rate(clock: &FakeRelativeClock) -> Rate<FakeRelativeClock> {
        let quota = Quota::per_second(NonZeroU32::new(2).unwrap());
        Rate::by(clock.clone(), quota.allow_burst(NonZeroU32::new(3).unwrap()))
    }

    #[test]
    fn each_peer_has_a_burst_and_then_its_rate() {
        let clock = FakeRelativeClock::default();
        let rate = rate(&clock);
        assert!((0..3).all(|_| rate.check(ONE).is_ok()));
        assert_eq!(rate.check(ONE), Err(Duration::from_millis(500)));
        assert_eq!(rate.check(OTHER), Ok(()));
        clock.advance(Duration::from_millis(500));
        assert_eq!(rate.check(ONE), Ok(()));
        assert!(rate.check(ONE).is_err());
        clock.advance(Duration::from_mins(1));
        assert!((0..3).all(|_| rate.check(ONE).is_ok()));
        assert!(rate.check(ONE).is_err());
    }

    #[test]
    fn peers_that_have_gone_are_forgotten() {
        let clock = FakeRelativeClock::default();
        let rate = rate(&clock);
        for number in 0..10 * u32::try_from(FORGET_EVERY).unwrap() {
            rate.check(Ipv4Addr::from_bits(number).into()).unwrap();
            clock.advance(Duration::from_millis(10));
        }
        let remembered = rate.limiter.len();
        assert!(remembered <= FORGET_EVERY + 200, "{remembered}");
    }
}
