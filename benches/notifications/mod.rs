//! What a notification costs: the processor time that the daemon takes to drain a queue of removals
//! out of the sandbox, beside that of a bare loop of the AWS SDK that receives and deletes the same
//! messages and does nothing with them. Sandbox, loop and daemon are processes of their own.
//!
//! `cargo bench --bench performance -- notifications --count 50000 --rounds 3`

mod bare_loop;

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

pub use self::bare_loop::{BARE_LOOP, run as bare_loop};
use super::daemon::{Measured, REMOVALS, SandboxProcess, Started, drained};
use super::harness::{Figure, Flags, Row, Table};

/// The daemon may take so many times the processor time of the bare loop, and should take less.
const RATIO_MAX: f64 = 2.0;
const RATIO_GOAL: f64 = 1.5;

/// Measures `--count` messages in `--rounds`.
pub fn measure(mut flags: Flags) -> anyhow::Result<Table> {
    let count: u32 = flags.value("--count", 50_000)?;
    let rounds: usize = flags.value("--rounds", 3)?;
    flags.expect_no_others()?;
    ensure!(count > 0 && rounds > 0, "there has to be something to measure");
    println!("{count} notifications of removals, {rounds} rounds; CPU is user and system time\n");
    println!("round  bare loop: CPU, elapsed    deltrail: CPU, elapsed    ratio of CPU");
    let mut ratios = Vec::with_capacity(rounds);
    for round in 1..=rounds {
        let bare = drained_by_bare_loop(count)?;
        let sandbox = SandboxProcess::start(count)?;
        let daemon = drained(&sandbox, &sandbox.events(), &[(REMOVALS, count.into())])?;
        let ratio = daemon.cpu_seconds / bare.cpu_seconds;
        println!("{round:>5}  {bare}    {daemon}    {ratio:.2}");
        ratios.push(ratio);
    }
    let mut table = Table::new("notifications");
    let row = Row::new("daemon CPU, queue of removals", "x bare loop", Figure::of(ratios));
    table.push(row.at_most(RATIO_MAX, RATIO_GOAL));
    Ok(table)
}

fn drained_by_bare_loop(count: u32) -> anyhow::Result<Measured> {
    let sandbox = SandboxProcess::start(count)?;
    let this = std::env::current_exe().context("this program has no path")?;
    let mut command = Command::new(this);
    command.arg(BARE_LOOP).args(sandbox.events().arguments()).stdin(Stdio::null());
    let started = Started::of(&mut command)?;
    let measured = started.until_end()?;
    let left = sandbox.messages_left(&sandbox.events())?;
    ensure!(left == 0, "the bare loop left {left} messages in the queue");
    Ok(measured)
}
