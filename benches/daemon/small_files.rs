//! Small files, the usual case: what the daemon takes for them, beside a bare loop of the SDK that
//! does the same calls and nothing else.
//!
//! `cargo bench --bench performance -- small-files [--objects 20000] [--rounds 3]`

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::bare_loop::BARE_LOOP;
use super::deltrail::drained;
use super::logs::Logs;
use super::process::{Measured, Started};
use super::sandbox::SandboxProcess;
use super::{MEBIBYTE, MIXED, REMOVALS};
use crate::harness::{Figure, Flags, Row, Table};

/// Measures `--objects` in `--rounds`.
pub fn measure(mut flags: Flags) -> anyhow::Result<Table> {
    let objects: u64 = flags.value("--objects", 20_000)?;
    let rounds: usize = flags.value("--rounds", 3)?;
    flags.expect_no_others()?;
    ensure!(rounds > 0 && objects > 0, "there has to be something to measure");
    let logs = Logs::of_few_records(MIXED, objects)?;
    let mut took = Vec::with_capacity(rounds);
    for round in 0..rounds {
        // Who is first finds the machine as the last round left it.
        took.push(if round % 2 == 0 {
            let bare = by_bare_loop(&logs)?;
            (bare, by_daemon(&logs)?)
        } else {
            let daemon = by_daemon(&logs)?;
            (by_bare_loop(&logs)?, daemon)
        });
    }
    let figure = |of: &dyn Fn(&Measured, &Measured) -> f64| {
        Figure::of(took.iter().map(|(bare, daemon)| of(bare, daemon)).collect())
    };
    let speed = |measured: &Measured| objects as f64 / measured.elapsed.as_secs_f64();
    let mut table = Table::new("small-files");
    let ratio = figure(&|bare, daemon| daemon.cpu_seconds / bare.cpu_seconds);
    table.push(Row::new("daemon CPU", "x bare SDK loop", ratio).at_most(2.0, 1.5));
    table.push(Row::new("daemon", "objects/s", figure(&|_, daemon| speed(daemon))));
    table.push(Row::new("bare SDK loop", "objects/s", figure(&|bare, _| speed(bare))));
    let micros = |measured: &Measured| measured.cpu_seconds * 1e6 / objects as f64;
    table.push(Row::new("daemon CPU", "us/object", figure(&|_, daemon| micros(daemon))));
    table.push(Row::new("bare SDK loop CPU", "us/object", figure(&|bare, _| micros(bare))));
    let peak = figure(&|_, daemon| daemon.rss_peak_bytes as f64 / MEBIBYTE);
    table.push(Row::new("daemon: peak RSS", "MiB", peak));
    table.push(Row::once("object in the middle", "bytes", logs.median_bytes() as f64));
    Ok(table)
}

fn by_daemon(logs: &Logs) -> anyhow::Result<Measured> {
    let sandbox = SandboxProcess::start(0)?;
    sandbox.put_logs(&logs.objects)?;
    drained(&sandbox, &sandbox.logs(), &[(REMOVALS, logs.removals)])
}

fn by_bare_loop(logs: &Logs) -> anyhow::Result<Measured> {
    let sandbox = SandboxProcess::start(0)?;
    sandbox.put_logs(&logs.objects)?;
    let this = std::env::current_exe().context("this program has no path")?;
    let mut command = Command::new(this);
    command.arg(BARE_LOOP).args(sandbox.logs().arguments()).stdin(Stdio::null());
    let measured = Started::of(&mut command)?.until_end()?;
    let left = sandbox.messages_left(&sandbox.logs())?;
    ensure!(left == 0, "the bare loop left {left} messages in the queue");
    Ok(measured)
}
