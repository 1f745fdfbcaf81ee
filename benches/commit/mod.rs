//! What it costs to keep deletions, beside the plainest load of the same rows into the same tables
//! and indexes: `-- commit [--removals 100000] [--transaction 1000] [--rounds 5]`.
//!
//! The store reads what it knows already, folds, counts and answers; the plain load only writes
//! what came of that. Both commit to the disk with the same settings, as many removals at a time.
//! The processor time is that of the whole process: the store writes on a thread of its own. In
//! PostgreSQL most of the work is the server's, so that only the time on the wall counts.

mod deletions;
mod plain;
mod postgres;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, ensure};
use deltrail::store::{Batch, Holds, Location, Options, ProofOfLife, Settle, Store};
use deltrail_core::domain::Timestamp;
use tokio::runtime::{Builder, Runtime};

pub use deletions::{Deletions, Profile};

use super::harness::{Clock, Figure, Flags, Interleaved, Row, Table};
use plain::Rows;
use postgres::Server;

/// Makes the same deletions in every round and every run.
const SEED: u64 = 7;
/// After so much event time everything is settled, in milliseconds.
const SETTLED_MILLIS: i64 = 6 * 60 * 60 * 1_000;
const CLOCKS: [Clock; 2] = [Clock::ProcessCpu, Clock::Wall];

/// How much is committed.
#[derive(Debug, Clone, Copy)]
struct Load {
    profile: Profile,
    removals: u64,
    removals_per_transaction: u64,
}

impl Load {
    fn batches(self) -> Vec<Batch> {
        let mut deletions = Deletions::new(self.profile, SEED);
        (0..self.transactions()).map(|_| deletions.batch(self.removals_per_transaction)).collect()
    }

    const fn transactions(self) -> u64 {
        self.removals.div_ceil(self.removals_per_transaction)
    }
}

/// Measures every profile.
pub fn measure(mut flags: Flags) -> Result<Table> {
    let removals = flags.value("--removals", 100_000)?;
    let removals_per_transaction = flags.value("--transaction", 1_000)?;
    let rounds = flags.value("--rounds", 5)?;
    flags.expect_no_others()?;
    ensure!(removals > 0 && removals_per_transaction > 0, "there has to be something to commit");
    let mut table = Table::new("commit");
    let server = Server::start(&[]);
    for profile in Profile::ALL {
        let load = Load { profile, removals, removals_per_transaction };
        measure_load(load, rounds, &mut table)?;
        if let Some(server) = &server {
            postgres::measure_load(server, load, rounds, &mut table)?;
        }
    }
    Ok(table)
}

fn measure_load(load: Load, rounds: usize, table: &mut Table) -> Result<()> {
    let folder = tempfile::tempdir_in(super::harness::target_folder())?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let kept = folder.path().join("kept.db");
    commit(&runtime, open(&kept)?, load.batches())?;
    let rows = Rows::read(&kept, load.transactions())?;
    let loaded = fresh(folder.path(), "loaded")?;
    empty(&runtime, &loaded)?;
    rows.load(&loaded)?;
    plain::ensure_equal(&kept, &loaded)?;
    let timings = Interleaved::new(&CLOCKS)
        .prepared(
            "store",
            || Ok((open(&fresh(folder.path(), "store")?)?, load.batches())),
            |(store, batches)| commit(&runtime, store, batches),
        )
        .prepared(
            "plain",
            || {
                let target = fresh(folder.path(), "plain")?;
                empty(&runtime, &target)?;
                Ok(target)
            },
            |target| rows.load(&target),
        )
        .prepared(
            "settle",
            || {
                let copy = fresh(folder.path(), "settle")?;
                std::fs::copy(&kept, &copy)?;
                let store = open(&copy)?;
                runtime.block_on(hear_of_later(&store))?;
                Ok(store)
            },
            |store| runtime.block_on(settle(&store)),
        )
        .run(rounds)?;
    let name = load.profile.as_str();
    let cpu = timings.ratio("store", "plain", Clock::ProcessCpu)?;
    table.push(Row::new(format!("{name}: store / plain"), "x CPU", cpu).at_most(3.0, 2.0));
    let wall = timings.ratio("store", "plain", Clock::Wall)?;
    table.push(Row::new(format!("{name}: store / plain"), "x wall", wall));
    for candidate in ["store", "plain", "settle"] {
        let rate = timings.rate(candidate, load.removals as f64, Clock::ProcessCpu)?;
        let micros = 1e6 / rate.median;
        let figure = Figure { median: micros, spread: micros * rate.spread / rate.median };
        table.push(Row::new(format!("{name}: {candidate}"), "µs CPU per removal", figure));
    }
    let bytes = std::fs::metadata(&kept)?.len() as f64;
    let per_removal = bytes / load.removals as f64;
    table.push(Row::once(format!("{name}: on disk"), "bytes per removal", per_removal));
    Ok(())
}

/// A path of this name at which nothing is.
fn fresh(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = folder.join(format!("{name}.db"));
    for suffix in ["", "-wal", "-shm"] {
        let left = folder.join(format!("{name}.db{suffix}"));
        if left.exists() {
            std::fs::remove_file(left)?;
        }
    }
    Ok(path)
}

/// Opens the store at `path` for writing, and makes it where there is none.
pub fn open(path: &Path) -> Result<Store> {
    open_at(Location::File(path.to_owned()))
}

fn open_at(location: Location) -> Result<Store> {
    Ok(Store::open(Options {
        location,
        writer: "bench".into(),
        labelled_buckets_max: 200,
        creations_max: 1_000_000,
        is_important: Arc::new(|_| false),
    })?)
}

/// Makes the tables of a store.
fn empty(runtime: &Runtime, path: &Path) -> Result<()> {
    Ok(runtime.block_on(open(path)?.close())?)
}

/// Commits one batch after the other, each in a transaction of its own, and closes the store.
fn commit(runtime: &Runtime, store: Store, batches: Vec<Batch>) -> Result<()> {
    runtime.block_on(async {
        for batch in batches {
            store.commit(batch).await?;
        }
        Ok(store.close().await?)
    })
}

/// Lets every source deliver something of much later.
async fn hear_of_later(store: &Store) -> Result<()> {
    let later = |at: Timestamp| Timestamp::from_millis(at.as_millis() + SETTLED_MILLIS);
    let life = store
        .sources()
        .await?
        .into_iter()
        .map(|told| ProofOfLife { newest_event_at: told.newest_event_at.map(later), ..told });
    store.commit(Batch { life: life.collect(), ..Batch::default() }).await?;
    Ok(())
}

/// Settles all that there is.
async fn settle(store: &Store) -> Result<()> {
    let ask = Settle {
        now: Timestamp::from_millis(i64::MAX),
        holds: Holds::None,
        stale_window_millis: 15 * 60 * 1_000,
        settles_backfill: false,
    };
    while store.settle(ask.clone()).await?.has_more {}
    Ok(())
}
