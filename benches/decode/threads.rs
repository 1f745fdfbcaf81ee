//! How much faster two threads decode than one, when each takes the next file: the time on the
//! wall, which is only true while the machine does nothing else, and the processor time of both.
//! Short rounds and many of them: the best of each meets a quiet moment if there is one.
//!
//! `cargo bench --bench performance -- threads [--rounds 500]`

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{anyhow, ensure};

use super::candidates::decode;
use super::{Loaded, MB, loaded};
use crate::harness::{Clock, Flags, Interleaved, Row, Table};
use crate::profiles::{MIXED, log_files};

const FILES: u64 = 12;
/// Measures in `--rounds`.
pub fn measure(mut flags: Flags) -> anyhow::Result<Table> {
    let rounds: usize = flags.value("--rounds", 500)?;
    flags.expect_no_others()?;
    let files = loaded(&log_files(MIXED, FILES, MB)?)?;
    let timings = Interleaved::new(&[Clock::Wall, Clock::ProcessCpu])
        .candidate("one", || decode_all(&files, 1))
        .candidate("two", || decode_all(&files, 2))
        .run(rounds)?;
    let speed_up = timings.best("one", Clock::Wall)? / timings.best("two", Clock::Wall)?;
    let cpu = timings.ratio("two", "one", Clock::ProcessCpu)?;
    let mut table = Table::new("threads");
    let name = format!("2 threads over 1, {FILES} files, best rounds");
    table.push(Row::once(name, "times as fast", speed_up).at_least(1.8, 1.95));
    table.push(Row::new("processor time of 2 threads", "x that of 1", cpu));
    Ok(table)
}

fn decode_all(files: &[Loaded], threads: usize) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<()> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= files.len() {
                return Ok(());
            }
            let file = &files[at];
            let deletes = decode(&file.compressed)?;
            ensure!(deletes == file.deletes, "{deletes} deletes were found");
        }
    };
    thread::scope(|scope| {
        let running: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        work()?;
        let mut ended = running.into_iter().map(thread::ScopedJoinHandle::join);
        ended.try_for_each(|done| done.unwrap_or_else(|_| Err(anyhow!("a thread panicked"))))
    })
}
