//! Whether a record costs the same however many came before it: decoding one log object that goes
//! on and on, and committing removals to a store that was empty once.
//!
//! `cargo bench --bench performance -- growth [--records 10000000] [--removals 10000000]`
//!
//! Either may be 0, and is left out then. The store takes about 1 KB of the disk for each removal
//! while it grows; it is deleted afterwards.

mod committing;
mod decoding;
mod steps;

use anyhow::ensure;

use super::harness::{Flags, Table};

pub use self::committing::Growing;

/// Measures both.
pub fn measure(mut flags: Flags) -> anyhow::Result<Table> {
    let records = flags.value("--records", 10_000_000)?;
    let removals = flags.value("--removals", 10_000_000)?;
    flags.expect_no_others()?;
    ensure!(records > 0 || removals > 0, "there has to be something to measure");
    let mut table = Table::new("growth");
    if records > 0 {
        decoding::measure(records, &mut table)?;
    }
    if removals > 0 {
        committing::measure(removals, &mut table)?;
    }
    Ok(table)
}
