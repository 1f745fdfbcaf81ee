//! Committing removals to a store that grows: batches of [`BATCH_REMOVALS`] records of
//! `DeleteObject`, as a trail brings them, and after each of them what can be settled is settled,
//! as the daemon does it every five seconds. Processor time of the whole process; composing the
//! batches is not in it.

use std::path::Path;

use anyhow::{Result, ensure};
use deltrail::store::{Holds, Settle, Store};
use tokio::runtime::{Builder, Runtime};

use super::steps::{Steps, is_power_of_ten};
use crate::commit::{Deletions, Profile, open};
use crate::harness::{Clock, Curve, Row, Table, target_folder};

/// Removals of a batch.
pub const BATCH_REMOVALS: u64 = 10_000;
const SEED: u64 = 11;
const STALE_WINDOW_MILLIS: i64 = 15 * 60 * 1_000;
/// What a removal takes at most, its share of indexes and of the write-ahead log included.
const DISK_BYTES_PER_REMOVAL: u64 = 1_300;
/// What has to be left on the disk.
const DISK_BYTES_LEFT: u64 = 2_000_000_000;
const ALONG: &str = "removals in the store";
const UNIT: &str = "µs CPU per removal";

/// A store that grows.
pub struct Growing {
    store: Store,
    deletions: Deletions,
    runtime: Runtime,
    removals: u64,
}

/// Seconds of processor time that a step took.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    committing: f64,
    settling: f64,
}

impl Growing {
    /// An empty store at `path`, before the first deletion of the profile.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(path: &Path, profile: Profile) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let deletions = Deletions::new(profile, SEED);
        Ok(Self { store: open(path)?, deletions, runtime, removals: 0 })
    }

    /// Removals that were committed.
    pub const fn removals(&self) -> u64 {
        self.removals
    }

    /// Commits one more batch, and settles what can be settled then.
    ///
    /// # Errors
    /// When the store fails, or a removal was not counted.
    pub fn step(&mut self) -> Result<Step> {
        let batch = self.deletions.batch(BATCH_REMOVALS);
        let before = Clock::ProcessCpu.now();
        let report = self.runtime.block_on(self.store.commit(batch))?;
        let committing = Clock::ProcessCpu.seconds_since(before);
        let before = Clock::ProcessCpu.now();
        let ask = Settle {
            now: self.deletions.newest_at(),
            holds: Holds::None,
            stale_window_millis: STALE_WINDOW_MILLIS,
            settles_backfill: false,
        };
        while self.runtime.block_on(self.store.settle(ask.clone()))?.has_more {}
        let settling = Clock::ProcessCpu.seconds_since(before);
        ensure!(report.removals >= BATCH_REMOVALS, "{} were counted", report.removals);
        self.removals += report.removals;
        Ok(Step { committing, settling })
    }

    /// Closes the store.
    ///
    /// # Errors
    /// When it cannot be folded together.
    pub fn close(self) -> Result<()> {
        Ok(self.runtime.block_on(self.store.close())?)
    }
}

/// Lets a store grow to so many removals.
pub fn measure(removals: u64, table: &mut Table) -> Result<()> {
    let folder = tempfile::tempdir_in(target_folder())?;
    let mut growing = Growing::new(&folder.path().join("growing.db"), Profile::Direct)?;
    let free_bytes = growing.store.size()?.free_bytes.unwrap_or(u64::MAX);
    let wanted_bytes = removals * DISK_BYTES_PER_REMOVAL + DISK_BYTES_LEFT;
    ensure!(free_bytes >= wanted_bytes, "{free_bytes} bytes are free, and not {wanted_bytes}");
    let (mut committing, mut settling) = (Steps::default(), Steps::default());
    let mut next = BATCH_REMOVALS;
    while growing.removals() < removals {
        let step = growing.step()?;
        let (so_far, micros) = (growing.removals(), 1e6 / BATCH_REMOVALS as f64);
        committing.push(so_far, step.committing * micros);
        settling.push(so_far, step.settling * micros);
        if so_far >= next {
            let Step { committing, settling } = step;
            eprintln!("{so_far} removals: {committing:.3} s commit, {settling:.3} s settle");
            next += (next / 4).max(BATCH_REMOVALS);
        }
    }
    let bytes = growing.store.size()?.bytes as f64 / growing.removals() as f64;
    growing.close()?;
    let (committing, settling) = (committing.means(BATCH_REMOVALS), settling.means(BATCH_REMOVALS));
    for (name, points) in [("committing", &committing), ("settling", &settling)] {
        for (at, micros) in points.iter().filter(|(at, _)| is_power_of_ten(*at)) {
            table.push(Row::once(format!("{name}, at {at} removals"), UNIT, *micros));
        }
    }
    if let [(_, first), .., (_, last)] = committing.as_slice() {
        table.push(Row::once("committing, the last removals", "x the first", last / first));
    }
    table.push(Row::once("on disk, all of them", "bytes per removal", bytes));
    table.draw(Curve::new("commit", ALONG, UNIT, committing));
    table.draw(Curve::new("settle", ALONG, UNIT, settling));
    Ok(())
}
