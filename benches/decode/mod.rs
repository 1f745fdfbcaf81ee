//! What decoding costs beside gunzip, in processor time of one thread. `G` is gunzip alone: flate2
//! with zlib-rs, `GzDecoder`, a window of 64 KiB, what comes out thrown away.
//!
//! `cargo bench --bench performance -- decode [--rounds 25]`

mod candidates;
mod memory;
mod threads;

use std::fs::File;
use std::io::Read as _;

use anyhow::{Context, ensure};
use deltrail_core::decode::Wanted;

pub use self::candidates::{Decoding, gunzip, gunzip_window};
pub use self::memory::{DECODE_ALONE, decode_alone, measure as measure_memory};
pub use self::threads::measure as measure_threads;

use self::candidates::{PIECE_BYTES, decode, decode_wanted, expect_truth, plain};
use super::harness::{Clock, Figure, Flags, Interleaved, Row, Table};
use super::profiles::{LogFile, MIXED, Profile, Truth, log_files};

const KB: u64 = 1_000;
const MB: u64 = 1_000_000;

/// A file in memory, and how many deletes are in it.
struct Loaded {
    compressed: Vec<u8>,
    inflated_bytes: u64,
    records: u64,
    deletes: u64,
}

/// Measures every row in `--rounds`.
pub fn measure(mut flags: Flags) -> anyhow::Result<Table> {
    let rounds: usize = flags.value("--rounds", 25)?;
    flags.expect_no_others()?;
    let mut table = Table::new("decode");
    let mixed = loaded(&log_files(MIXED, 12, MB)?)?;
    let (over_gunzip, over_plain, speed) = against_all(&mixed, rounds)?;
    table.push(Row::new("mixed, 1 MB files", "x G", over_gunzip).at_most(1.30, 1.10));
    let mixed_large = loaded(&log_files(MIXED, 2, 10 * MB)?)?;
    let ratio = against_gunzip(&mixed_large, rounds)?;
    table.push(Row::new("mixed, 10 MB files", "x G", ratio).at_most(1.30, 1.10));
    let deletes = loaded(&log_files(Profile::Deletes, 12, MB)?)?;
    let ratio = against_gunzip(&deletes, rounds)?;
    table.push(Row::new("deletes only, 1 MB files", "x G", ratio).at_most(2.0, 1.45));
    let write = loaded(&log_files(Profile::Write, 12, MB)?)?;
    let ratio = against_gunzip(&write, rounds)?;
    table.push(Row::new("write, deletes wanted, 1 MB", "x G", ratio).at_most(1.6, 1.25));
    let ratio = writes_too(&write, rounds)?;
    table.push(Row::new("write, Put and Delete wanted, 1 MB", "x G", ratio).at_most(2.1, 1.5));
    let small = log_files(MIXED, 100, 50 * KB)?;
    let ratio = from_disk(&small, rounds)?;
    table.push(Row::new("mixed, 50 KB from disk", "x G", ratio).at_most(1.25, 1.10));
    table.push(Row::new("plain reader over it, 1 MB", "times", over_plain).at_least(7.0, 9.0));
    let huge = loaded(&log_files(MIXED, 1, 100 * MB)?)?;
    let (over_gunzip, over_plain, _) = against_all(&huge, rounds.div_ceil(5))?;
    table.push(Row::new("plain reader over it, 100 MB", "times", over_plain).at_least(14.0, 19.0));
    table.push(Row::new("mixed, 100 MB file", "x G", over_gunzip));
    table.push(Row::new("mixed, 1 MB files: speed", "MB inflated/s", speed));
    Ok(table)
}

/// Reads files, and believes no decoder that does not find in them what was written.
fn loaded(files: &[LogFile]) -> anyhow::Result<Vec<Loaded>> {
    let load = |file: &LogFile| {
        let compressed = file.bytes()?;
        expect_truth(&compressed, &file.truth).with_context(|| file.path.display().to_string())?;
        let Truth { inflated_bytes, records, deletes, .. } = file.truth;
        Ok(Loaded { compressed, inflated_bytes, records, deletes })
    };
    files.iter().map(load).collect()
}

/// Runs `read` over all files and compares what it counts.
fn over(
    files: &[Loaded],
    mut read: impl FnMut(&[u8]) -> anyhow::Result<u64>,
    counted: fn(&Loaded) -> u64,
) -> impl FnMut() -> anyhow::Result<()> {
    move || {
        for file in files {
            let count = read(&file.compressed)?;
            ensure!(count == counted(file), "{count} was counted, and not {}", counted(file));
        }
        Ok(())
    }
}

fn gunzip_all(files: &[Loaded]) -> impl FnMut() -> anyhow::Result<()> {
    let mut window = gunzip_window();
    over(files, move |compressed| gunzip(compressed, &mut window), |file| file.inflated_bytes)
}

/// The decoder's time in that of gunzip.
fn against_gunzip(files: &[Loaded], rounds: usize) -> anyhow::Result<Figure> {
    let timings = Interleaved::new(&[Clock::ThreadCpu])
        .candidate("G", gunzip_all(files))
        .candidate("decoder", over(files, decode, |file| file.deletes))
        .run(rounds)?;
    timings.ratio("decoder", "G", Clock::ThreadCpu)
}

/// The decoder's time in that of gunzip, in files in which every record is a write or a delete and
/// both are wanted.
fn writes_too(files: &[Loaded], rounds: usize) -> anyhow::Result<Figure> {
    let all = |compressed: &[u8]| decode_wanted(compressed, Wanted::DeletesAndWrites);
    let timings = Interleaved::new(&[Clock::ThreadCpu])
        .candidate("G", gunzip_all(files))
        .candidate("decoder", over(files, all, |file| file.records))
        .run(rounds)?;
    timings.ratio("decoder", "G", Clock::ThreadCpu)
}

/// The decoder's time in that of gunzip, the plain reader's in that of the decoder, and megabytes
/// of documents that the decoder reads in a second.
fn against_all(files: &[Loaded], rounds: usize) -> anyhow::Result<(Figure, Figure, Figure)> {
    let timings = Interleaved::new(&[Clock::ThreadCpu])
        .candidate("G", gunzip_all(files))
        .candidate("decoder", over(files, decode, |file| file.deletes))
        .candidate("plain", over(files, plain, |file| file.deletes))
        .run(rounds)?;
    let over_gunzip = timings.ratio("decoder", "G", Clock::ThreadCpu)?;
    let over_plain = timings.ratio("plain", "decoder", Clock::ThreadCpu)?;
    let bytes: u64 = files.iter().map(|file| file.inflated_bytes).sum();
    let megabytes = bytes as f64 / MB as f64;
    let speed = timings.rate("decoder", megabytes, Clock::ThreadCpu)?;
    Ok((over_gunzip, over_plain, speed))
}

/// The decoder's time in that of gunzip, where both open and read each file.
fn from_disk(files: &[LogFile], rounds: usize) -> anyhow::Result<Figure> {
    let (mut whole, mut window) = (Vec::new(), gunzip_window());
    let gunzip_all = || {
        for file in files {
            whole.clear();
            File::open(&file.path)?.read_to_end(&mut whole)?;
            let bytes = gunzip(&whole, &mut window)?;
            ensure!(bytes == file.truth.inflated_bytes, "{bytes} bytes came out");
        }
        Ok(())
    };
    let mut piece = vec![0; PIECE_BYTES];
    let decode_all = || {
        for file in files {
            let deletes = decode_pieces(&mut File::open(&file.path)?, &mut piece)?;
            ensure!(deletes == file.truth.deletes, "{deletes} deletes were found");
        }
        Ok(())
    };
    let timings = Interleaved::new(&[Clock::ThreadCpu])
        .candidate("G", gunzip_all)
        .candidate("decoder", decode_all)
        .run(rounds)?;
    timings.ratio("decoder", "G", Clock::ThreadCpu)
}

/// Decodes what is read into `piece`, as often as it takes. Gives the number of deletes.
fn decode_pieces(file: &mut File, piece: &mut [u8]) -> anyhow::Result<u64> {
    let mut decoding = Decoding::new(Wanted::Deletes);
    loop {
        match file.read(piece)? {
            0 => return Ok(decoding.finish(&mut |_| ())?.0),
            count => decoding.push(&piece[..count], &mut |_| ())?,
        }
    }
}
