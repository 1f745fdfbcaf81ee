//! The memory budget: one number of bytes for all objects in flight. It knows nothing of what the
//! bytes hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::decoding::OBJECT_BYTES_MIN;

/// One permit stands for this many bytes, because permits are counted in 32 bits.
const BYTES_PER_PERMIT: usize = 1024;

/// Bytes that objects in flight may hold together.
///
/// One half is for what an object needs to begin with, and objects wait for it in line. The other
/// half is for what they hold more as they go on: if it were one, whatever became free would go to
/// the next in line, and nothing that is at work could ever grow while others wait.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    entry: Part,
    growth: Part,
    /// How many reservations there are. Free permits do not tell: those that are kept for the
    /// first in line to reserve count as taken.
    holders: Arc<AtomicUsize>,
    reserved_bytes: IntGauge,
}

/// One half of the budget.
#[derive(Debug, Clone)]
struct Part {
    permits: Arc<Semaphore>,
    permits_max: usize,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Budget,
    entry: Option<OwnedSemaphorePermit>,
    growth: Option<OwnedSemaphorePermit>,
}

impl Part {
    fn of(permits: usize) -> Self {
        let permits_max = permits.min(u32::MAX as usize).min(Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(permits_max)), permits_max }
    }

    async fn acquire(&self, permits: usize) -> Option<OwnedSemaphorePermit> {
        let permits = u32::try_from(permits.min(self.permits_max)).ok()?;
        Arc::clone(&self.permits).acquire_many_owned(permits).await.ok()
    }

    fn taken(&self) -> usize {
        self.permits_max.saturating_sub(self.permits.available_permits())
    }
}

impl Budget {
    /// A budget of `bytes`, rounded down to KiB; `reserved_bytes` shows how much of it is taken.
    pub(super) fn new(bytes: u64, reserved_bytes: IntGauge) -> Self {
        let permits = usize::try_from(bytes).unwrap_or(usize::MAX) / BYTES_PER_PERMIT;
        // One object can always begin.
        let growth = (permits / 2).min(permits.saturating_sub(permits_for(OBJECT_BYTES_MIN)));
        Self {
            entry: Part::of(permits - growth),
            growth: Part::of(growth),
            holders: Arc::default(),
            reserved_bytes,
        }
    }

    /// Waits until `bytes` are free. More than the whole budget is cut to it, so that nothing waits
    /// for ever; the configuration refuses budgets too small for one object.
    pub(super) async fn reserve(&self, bytes: usize) -> Option<Reservation> {
        let permits = permits_for(bytes);
        let entry = self.entry.acquire(permits).await?;
        // Whoever wants more than one half has all of it by now, so that nobody else holds any of
        // the other one.
        let growth = match permits.saturating_sub(entry.num_permits()) {
            0 => None,
            missing => Some(self.growth.acquire(missing).await?),
        };
        self.holders.fetch_add(1, Ordering::AcqRel);
        self.show();
        Some(Reservation { budget: self.clone(), entry: Some(entry), growth })
    }

    fn show(&self) {
        let taken = self.entry.taken() + self.growth.taken();
        self.reserved_bytes.set(i64::try_from(taken * BYTES_PER_PERMIT).unwrap_or(i64::MAX));
    }
}

impl Reservation {
    /// Grows to at least `bytes` if so much is free at once; never waits, because an object that
    /// waits while it holds would block others that do the same.
    pub(super) fn grow_to(&mut self, bytes: usize) -> bool {
        let missing = permits_for(bytes).saturating_sub(self.permits());
        if missing == 0 {
            return true;
        }
        let Ok(missing) = u32::try_from(missing) else { return false };
        let permits = Arc::clone(&self.budget.growth.permits);
        let Ok(more) = permits.try_acquire_many_owned(missing) else { return false };
        match &mut self.growth {
            Some(growth) => growth.merge(more),
            none => *none = Some(more),
        }
        self.budget.show();
        true
    }

    /// Whether nobody else has reserved anything.
    pub(super) fn is_alone(&self) -> bool {
        self.budget.holders.load(Ordering::Acquire) == 1
    }

    /// What it holds.
    pub(super) fn bytes(&self) -> usize {
        self.permits() * BYTES_PER_PERMIT
    }

    /// Gives back what is above `bytes`, of what it grew by first.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let mut surplus = self.permits().saturating_sub(permits_for(bytes));
        for held in [&mut self.growth, &mut self.entry].into_iter().flatten() {
            let given = surplus.min(held.num_permits());
            drop(held.split(given));
            surplus -= given;
        }
        self.budget.show();
    }

    fn permits(&self) -> usize {
        let held = [&self.entry, &self.growth].into_iter().flatten();
        held.map(OwnedSemaphorePermit::num_permits).sum()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        drop((self.entry.take(), self.growth.take()));
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

    const MIB: usize = 1 << 20;

    #[tokio::test]
    async fn a_reservation_grows_only_into_what_is_free_and_gives_back() {
        let (budget, reserved) = budget(10 << 20);
        let mut first = budget.reserve(2 * MIB).await.unwrap();
        let second = budget.reserve(3 * MIB).await.unwrap();
        assert!(!first.grow_to(8 * MIB), "only 5 MiB are there to grow into");
        assert!(first.grow_to(7 * MIB));
        assert_eq!(reserved.get(), 10 << 20);
        assert!(!first.is_alone());
        first.shrink_to(MIB);
        drop(second);
        assert!(first.is_alone());
        assert_eq!(reserved.get(), 1 << 20);
        drop(first);
        assert_eq!(reserved.get(), 0);
    }

    #[tokio::test]
    async fn what_is_at_work_grows_while_others_wait_in_line() {
        let (budget, _) = budget(10 << 20);
        let mut held = budget.reserve(5 * MIB).await.unwrap();
        let mut waits = Box::pin(budget.reserve(MIB));
        assert!(futures_util::poll!(waits.as_mut()).is_pending());
        assert!(held.is_alone(), "who waits holds nothing");
        assert!(held.grow_to(10 * MIB));
        drop(held);
        assert!(waits.await.unwrap().is_alone());
    }

    #[tokio::test]
    async fn a_wish_above_one_half_waits_for_all_others_and_has_the_whole() {
        let (budget, _) = budget(10 << 20);
        let mut other = budget.reserve(MIB).await.unwrap();
        assert!(other.grow_to(4 * MIB));
        let mut large = Box::pin(budget.reserve(1024 * MIB));
        assert!(futures_util::poll!(large.as_mut()).is_pending());
        drop(other);
        assert_eq!(large.await.unwrap().bytes(), 10 * MIB);
    }
}
