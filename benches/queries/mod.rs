//! How long a question waits for its answer, by the clock on the wall: a store of a million
//! removals, opened for each question as the commands do it, with its file in the system's page
//! cache. The questions take turns, each about something else in every round.
//!
//! `cargo bench --bench performance -- queries [--rounds 60] [--removals 1000000]`

mod questions;
mod samples;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use deltrail::store::{Location, Looking, Reader};
use tokio::runtime::Builder;

use self::questions::QUESTIONS;
use self::samples::samples;
use super::commit::{Profile, open};
use super::growth::Growing;
use super::harness::{Clock, Figure, Flags, Interleaved, Row, Table, Timings, target_folder};

/// Of what is kept: raised whenever it would be filled with something else.
const VERSION: u32 = 1;
/// The median wait for an answer, at most.
const WAIT_MILLIS_MAX: f64 = 20.0;
const LOOKING: Looking = Looking { stale_window_millis: 15 * 60 * 1_000 };
const GAUGES: &str = "gauges, with the figures of 5 minutes";

/// Asks every question in `--rounds`.
pub fn measure(mut flags: Flags) -> anyhow::Result<Table> {
    let rounds: usize = flags.value("--rounds", 60)?;
    let removals: u64 = flags.value("--removals", 1_000_000)?;
    flags.expect_no_others()?;
    ensure!(rounds > 0 && removals > 0, "there has to be something to measure");
    let path = kept(removals)?;
    let location = Location::File(path.clone());
    // One more than there are rounds: the first is not timed.
    let samples = samples(&mut Reader::open(&location, LOOKING)?, rounds + 1)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let store = open(&path)?;
    let mut interleaved = Interleaved::new(&[Clock::Wall]).candidate(GAUGES, || {
        let gauges = runtime.block_on(store.gauges())?;
        let (_, removals) = gauges.settled_window.context("nothing is settled")?;
        ensure!(removals.values().any(|count| *count > 0), "nothing was removed in 5 minutes");
        Ok(())
    });
    for question in &QUESTIONS {
        let (mut samples, location) = (samples.iter(), &location);
        let next = move || samples.next().context("no sample is left");
        interleaved = interleaved.prepared(question.name, next, move |sample| {
            let is_answered = (question.ask)(&mut Reader::open(location, LOOKING)?, sample)?;
            ensure!(is_answered, "not what is known of {sample:?}");
            Ok(())
        });
    }
    let timings = interleaved.run(rounds)?;
    let mut table = Table::new("queries");
    for question in &QUESTIONS {
        let (median, slow) = waits(&timings, question.name)?;
        table.push(if question.is_bounded { bounded(median) } else { median });
        table.push(slow);
    }
    let (median, slow) = waits(&timings, GAUGES)?;
    table.push(bounded(median));
    table.push(slow);
    Ok(table)
}

fn bounded(median: Row) -> Row {
    median.at_most(WAIT_MILLIS_MAX, WAIT_MILLIS_MAX)
}

/// The median wait, and the one that 95 of 100 are not longer than.
fn waits(timings: &Timings, name: &str) -> anyhow::Result<(Row, Row)> {
    let Figure { median, spread } = timings.seconds(name, Clock::Wall)?;
    let figure = Figure { median: median * 1e3, spread: spread * 1e3 };
    let slow = timings.seconds_of_95th(name, Clock::Wall)? * 1e3;
    Ok((Row::new(name, "ms", figure), Row::once(format!("{name}: 95 of 100"), "ms", slow)))
}

/// A store of so many removals: the one that was kept, or a new one.
fn kept(removals: u64) -> anyhow::Result<PathBuf> {
    let folder = target_folder().join("bench").join("stores");
    let name = format!("v{VERSION}-{removals}.db");
    let path = folder.join(&name);
    if path.exists() {
        return Ok(path);
    }
    // It gets its name when it is whole.
    let filling = folder.join("filling");
    if filling.exists() {
        fs::remove_dir_all(&filling)?;
    }
    fs::create_dir_all(&filling)?;
    let mut growing = Growing::new(&filling.join(&name), Profile::Bulk)?;
    while growing.removals() < removals {
        growing.step()?;
    }
    growing.close()?;
    fs::rename(filling.join(&name), &path)?;
    fs::remove_dir_all(&filling)?;
    Ok(path)
}
