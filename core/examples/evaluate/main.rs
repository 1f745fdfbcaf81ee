//! How good the detectors are: buckets made up by seed, attacks on them, and other people's rules
//! in the same run. `cargo run --release -p deltrail-core --example evaluate -- [--buckets 60]
//! [--starts 100] [--seed 2026] [--write]`; with `--write` the tables of docs/DETECTION.md are
//! written anew. It decides nothing about the detectors.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    missing_docs,
    reason = "a program that measures; its numbers are far below 2^53"
)]

mod attacks;
mod background;
mod chance;
mod figures;
mod goals;
mod lives;
mod measured;
mod reads;
mod rivals;
mod tables;

use std::path::PathBuf;
use std::process::ExitCode;

/// What is asked for.
pub struct Asked {
    /// Buckets of each kind.
    pub buckets: usize,
    /// Times that each attack begins in each kind of bucket.
    pub starts: usize,
    /// What everything is drawn from. Detectors were tuned with other seeds than the published one.
    pub seed: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, without: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(without)
    };
    let asked = Asked {
        buckets: number("--buckets", 60) as usize,
        starts: number("--starts", 100) as usize,
        seed: number("--seed", 2_026),
    };
    let measured = measured::measure(&asked);
    let tables = tables::tables(&asked, &measured);
    for (name, table) in &tables {
        println!("== {name}\n{table}");
    }
    if !arguments.iter().any(|argument| argument == "--write") {
        return ExitCode::SUCCESS;
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match tables::write(&root, &tables) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("docs/DETECTION.md: {error}");
            ExitCode::FAILURE
        }
    }
}
