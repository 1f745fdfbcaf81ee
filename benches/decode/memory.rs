//! What decoding takes at its peak: the resident memory of a process of its own that reads a file
//! in pieces and decodes it, less that of one that only opens the file.
//!
//! `cargo bench --bench performance -- memory [--rounds 5]`

use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};

use super::candidates::PIECE_BYTES;
use super::{MB, decode_pieces};
use crate::harness::{Figure, Flags, Row, Table};
use crate::profiles::{LogFile, MIXED, Profile, log_file};

/// The argument that makes this program a process to be measured, before what it does and a path.
pub const DECODE_ALONE: &str = "decode-alone";
const OPEN: &str = "open";
const DECODE: &str = "decode";

/// Measures in `--rounds`.
pub fn measure(mut flags: Flags) -> anyhow::Result<Table> {
    let rounds: usize = flags.value("--rounds", 5)?;
    flags.expect_no_others()?;
    ensure!(rounds > 0, "there has to be something to measure");
    let large = log_file(MIXED, 1, 100 * MB)?;
    let huge = log_file(MIXED, 1, 1_000 * MB)?;
    let deletes = log_file(Profile::Deletes, 1, 100 * MB)?;
    let (mut of_large, mut of_huge, mut of_deletes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        of_large.push(over_idle(&large)?);
        of_huge.push(over_idle(&huge)?);
        of_deletes.push(over_idle(&deletes)?);
    }
    let more = of_huge.iter().zip(&of_large).map(|(huge, large)| huge - large).collect();
    let mut table = Table::new("memory");
    let row = |name: &str, values| Row::new(name, "MB at the peak", Figure::of(values));
    table.push(row("mixed, 100 MB file", of_large).at_most(8.0, 4.0));
    table.push(row("mixed, 1 GB file", of_huge).at_most(8.0, 4.0));
    table.push(row("1 GB more than 100 MB", more).at_most(1.0, 1.0));
    table.push(row("deletes only, 100 MB file", of_deletes).at_most(8.0, 4.0));
    Ok(table)
}

/// Megabytes at the peak of decoding, beyond those of a process that does not decode.
fn over_idle(file: &LogFile) -> anyhow::Result<f64> {
    let (idle, _) = alone(OPEN, &file.path)?;
    let (peak, deletes) = alone(DECODE, &file.path)?;
    ensure!(deletes == file.truth.deletes, "{deletes} deletes were found");
    Ok((peak - idle) / MB as f64)
}

/// What a process of its own told: bytes at its peak, and how many deletes it found.
fn alone(what: &str, path: &Path) -> anyhow::Result<(f64, u64)> {
    let this = std::env::current_exe().context("this program has no path")?;
    let done = Command::new(this).args([DECODE_ALONE, what]).arg(path).output()?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    ensure!(done.status.success(), "{what}: {}", String::from_utf8_lossy(&done.stderr));
    let (peak, deletes) = said.trim().split_once(' ').context("it says nothing")?;
    Ok((peak.parse()?, deletes.parse()?))
}

/// Opens or decodes a file, and tells what that took at the peak.
///
/// # Errors
/// When it cannot be read or decoded.
pub fn decode_alone(arguments: &[String]) -> anyhow::Result<()> {
    let [what, path] = arguments else { bail!("it is told what to do, and with which file") };
    let mut file = File::open(path).with_context(|| path.clone())?;
    let deletes = match what.as_str() {
        OPEN => 0,
        DECODE => decode_pieces(&mut file, &mut vec![0; PIECE_BYTES])?,
        other => bail!("{other} is neither {OPEN} nor {DECODE}"),
    };
    println!("{} {deletes}", peak_bytes()?);
    Ok(())
}

fn peak_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmHWM")?;
    Ok(kibibytes.trim().parse::<u64>()? * 1_024)
}
