//! The memory budget: one number of bytes for all objects in flight. It knows nothing of what the
//! bytes hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One permit stands for this many bytes, because permits are counted in 32 bits.
const BYTES_PER_PERMIT: usize = 1024;

/// Bytes that objects in flight may hold together.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    permits: Arc<Semaphore>,
    permits_max: usize,
    /// How many reservations there are. Free permits do not tell: those that are kept for the
    /// first in line to reserve count as taken.
    holders: Arc<AtomicUsize>,
    reserved_bytes: IntGauge,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Budget,
    held: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// A budget of `bytes`, rounded down to KiB; `reserved_bytes` shows how much of it is taken.
    pub(super) fn new(bytes: u64, reserved_bytes: IntGauge) -> Self {
        let permits = usize::try_from(bytes).unwrap_or(usize::MAX) / BYTES_PER_PERMIT;
        let permits_max = permits.min(u32::MAX as usize).min(Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(permits_max));
        Self { permits, permits_max, holders: Arc::default(), reserved_bytes }
    }

    /// Waits until `bytes` are free. More than the whole budget is cut to it, so that nothing waits
    /// for ever; the configuration refuses budgets too small for one object.
    pub(super) async fn reserve(&self, bytes: usize) -> Option<Reservation> {
        let permits = permits_for(bytes).min(self.permits_max);
        let permits = u32::try_from(permits).ok()?;
        let held = Arc::clone(&self.permits).acquire_many_owned(permits).await.ok()?;
        self.holders.fetch_add(1, Ordering::AcqRel);
        self.show();
        Some(Reservation { budget: self.clone(), held: Some(held) })
    }

    fn show(&self) {
        let taken = self.permits_max.saturating_sub(self.permits.available_permits());
        self.reserved_bytes.set(i64::try_from(taken * BYTES_PER_PERMIT).unwrap_or(i64::MAX));
    }
}

impl Reservation {
    /// Grows to at least `bytes` if so much is free at once; never waits, because an object that
    /// waits while it holds would block others that do the same.
    pub(super) fn grow_to(&mut self, bytes: usize) -> bool {
        let Some(held) = &mut self.held else { return false };
        let missing = permits_for(bytes).saturating_sub(held.num_permits());
        let Ok(missing) = u32::try_from(missing) else { return false };
        let permits = Arc::clone(&self.budget.permits);
        let Ok(more) = permits.try_acquire_many_owned(missing) else { return false };
        held.merge(more);
        self.budget.show();
        true
    }

    /// Whether nobody else has reserved anything.
    pub(super) fn is_alone(&self) -> bool {
        self.budget.holders.load(Ordering::Acquire) == 1
    }

    /// What it holds.
    pub(super) fn bytes(&self) -> usize {
        self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * BYTES_PER_PERMIT
    }

    /// Gives back what is above `bytes`.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        if let Some(held) = &mut self.held {
            let surplus = held.num_permits().saturating_sub(permits_for(bytes));
            drop(held.split(surplus));
            self.budget.show();
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        drop(self.held.take());
        self.budget.holders.fetch_sub(1, Ordering::AcqRel);
        self.budget.show();
    }
}

fn permits_for(bytes: usize) -> usize {
    bytes.div_ceil(BYTES_PER_PERMIT)
}

#[cfg(test)]
mod tests {
    use prometheus::IntGauge;

    use super::Budget;

    fn budget(bytes: u64) -> (Budget, IntGauge) {
        let reserved = IntGauge::new("reserved_bytes", "bytes that are reserved").unwrap();
        (Budget::new(bytes, reserved.clone()), reserved)
    }

    #[tokio::test]
    async fn a_reservation_grows_only_into_what_is_free_and_gives_back() {
        let (budget, reserved) = budget(10 * 1024);
        let mut first = budget.reserve(4 * 1024).await.unwrap();
        let second = budget.reserve(4 * 1024).await.unwrap();
        assert!(!first.grow_to(8 * 1024), "only 2 KiB are free");
        assert!(first.grow_to(6 * 1024));
        assert_eq!(reserved.get(), 10 * 1024);
        assert!(!first.is_alone());
        first.shrink_to(1024);
        drop(second);
        assert!(first.is_alone());
        assert_eq!(reserved.get(), 1024);
        drop(first);
        assert_eq!(reserved.get(), 0);
    }

    #[tokio::test]
    async fn somebody_who_waits_in_line_is_no_holder() {
        let (budget, _) = budget(4 * 1024);
        let held = budget.reserve(3 * 1024).await.unwrap();
        let mut waits = Box::pin(budget.reserve(2 * 1024));
        assert!(futures_util::poll!(waits.as_mut()).is_pending());
        assert!(held.is_alone());
        drop(held);
        assert!(waits.await.unwrap().is_alone());
    }

    #[tokio::test]
    async fn a_wish_above_the_whole_budget_does_not_wait_for_ever() {
        let (budget, _) = budget(2 * 1024);
        assert!(budget.reserve(1024 * 1024).await.is_some());
    }
}
