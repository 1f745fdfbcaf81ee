//! What the whole daemon takes to read a trail: processor time and memory of `deltrail run` at its
//! default settings, from its start to its end, beside gunzip alone on the same files. The sandbox
//! is a process of its own, and so is the daemon; what they are told goes through S3 and SQS.
//!
//! `cargo bench --bench performance -- daemon [--rounds 5]`

mod bare_loop;
mod bare_queue;
mod deltrail;
mod gunzip;
mod logs;
mod process;
mod reached;
mod sandbox;
mod small_files;

use anyhow::ensure;

pub use self::bare_loop::{BARE_LOOP, run as bare_loop};
pub use self::bare_queue::{BareQueue, on_runtime};
pub use self::deltrail::{Daemon, Truth, drained};
pub use self::logs::{LogObject, LogWriter};
pub use self::process::{Measured, Started};
pub use self::reached::Reached;
pub use self::sandbox::SandboxProcess;
pub use self::small_files::measure as measure_small_files;

use self::gunzip::{Inflating, inflating};
use self::logs::Logs;
use super::harness::{Figure, Flags, Row, Table};
use super::profiles::Profile;

/// The family that shows whether everything was read: a daemon that drops what it is told would be
/// fast.
pub const REMOVALS: &str = "deltrail_objects_removed_total";

const MIXED: Profile = Profile::Mixed { deletes_per_mille: 50 };
/// 2 000 records of the mixed profile, of the deletes, and a trail that is hardly ever cut.
const FILE_BYTES: u64 = 2_000 * 1_866;
const FILE_OF_DELETES_BYTES: u64 = 2_000 * 2_088;
const LARGE_FILE_BYTES: u64 = 93_000_000;

const MEBIBYTE: f64 = 1_048_576.0;

/// Threads by what they do, as the program names them.
const STORE_THREAD: &str = "store-writer";
const BLOCKING_THREAD: &str = "deltrail-block";
const ASYNC_THREAD: &str = "deltrail-async";

/// Measures three trails in `--rounds` each.
pub fn measure(mut flags: Flags) -> anyhow::Result<Table> {
    let rounds: usize = flags.value("--rounds", 5)?;
    let objects: u64 = flags.value("--objects", 180)?;
    flags.expect_no_others()?;
    ensure!(rounds > 0 && objects > 0, "there has to be something to measure");
    let mut table = Table::new("daemon");

    let mixed = Rounds::run(&Logs::of_files(MIXED, objects, FILE_BYTES)?, rounds)?;
    let name = format!("mixed, {objects} x 2 000 records");
    table.push(mixed.cpu(&name).at_most(2.5, 1.8));
    mixed.split(&name).into_iter().for_each(|row| table.push(row));
    table.push(mixed.rss_peak(&name).at_most(96.0, 96.0));
    table.push(mixed.speed(&name));

    let large = Rounds::run(&Logs::of_files(MIXED, 2, LARGE_FILE_BYTES)?, rounds)?;
    let name = "mixed, 2 x 93 MB";
    table.push(large.cpu(name));
    table.push(large.rss_peak(name).at_most(64.0, 64.0));

    let deletes = Logs::of_files(Profile::Deletes, objects.div_ceil(4), FILE_OF_DELETES_BYTES)?;
    let deletes = Rounds::run(&deletes, rounds)?;
    let name = format!("deletes only, {} x 2 000", objects.div_ceil(4));
    table.push(deletes.cpu(&name));
    deletes.split(&name).into_iter().for_each(|row| table.push(row));
    table.push(deletes.rss_peak(&name));
    table.push(deletes.speed(&name));
    Ok(table)
}

/// What the daemon took for a trail in each round, and inflating the same files.
struct Rounds {
    records: u64,
    rounds: Vec<(Inflating, Measured)>,
}

impl Rounds {
    fn run(logs: &Logs, rounds: usize) -> anyhow::Result<Self> {
        let round = |_| {
            let before = inflating(&logs.objects)?;
            let sandbox = SandboxProcess::start(0)?;
            sandbox.put_logs(&logs.objects)?;
            let measured = drained(&sandbox, &sandbox.logs(), &[(REMOVALS, logs.removals)])?;
            let after = inflating(&logs.objects)?;
            Ok((before.mean(&after), measured))
        };
        let rounds = (0..rounds).map(round).collect::<anyhow::Result<_>>()?;
        Ok(Self { records: logs.records, rounds })
    }

    fn figure(&self, of: impl Fn(&Inflating, &Measured) -> f64) -> Figure {
        Figure::of(
            self.rounds.iter().map(|(inflating, measured)| of(inflating, measured)).collect(),
        )
    }

    fn cpu(&self, name: &str) -> Row {
        let ratio = self.figure(|g, daemon| daemon.cpu_seconds / g.gunzip_seconds);
        Row::new(format!("{name}: CPU"), "x G", ratio)
    }

    fn rss_peak(&self, name: &str) -> Row {
        let peak = self.figure(|_, daemon| daemon.rss_peak_bytes as f64 / MEBIBYTE);
        Row::new(format!("{name}: peak RSS"), "MiB", peak)
    }

    fn speed(&self, name: &str) -> Row {
        let records = self.records as f64;
        let speed = self.figure(|_, daemon| records / daemon.cpu_seconds);
        Row::new(format!("{name}: speed"), "records/s of CPU", speed)
    }

    /// Who took the processor time: all parts together are the whole.
    fn split(&self, name: &str) -> [Row; 5] {
        let row = |part: &str, seconds: fn(&Inflating, &Measured) -> f64| {
            let share = self.figure(|g, daemon| seconds(g, daemon) / g.gunzip_seconds);
            Row::new(format!("{name}: {part}"), "x G", share)
        };
        [
            row("SDK and tasks", |_, daemon| daemon.seconds_of(ASYNC_THREAD)),
            row("inflate", |g, _| g.inflate_seconds),
            row("decode", |g, daemon| daemon.seconds_of(BLOCKING_THREAD) - g.inflate_seconds),
            row("store", |_, daemon| daemon.seconds_of(STORE_THREAD)),
            row("rest", |_, daemon| {
                let threads = [ASYNC_THREAD, BLOCKING_THREAD, STORE_THREAD];
                let known: f64 = threads.into_iter().map(|name| daemon.seconds_of(name)).sum();
                daemon.cpu_seconds - known
            }),
        ]
    }
}
