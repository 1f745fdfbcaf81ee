//! How every bench measures and reports: candidates that take turns ([`Interleaved`]), figures with
//! what they must be and should be ([`Row`], [`Table`]), and the arguments after a bench's name
//! ([`Flags`]). It knows nothing of what is measured.

mod flags;
mod interleaved;
mod machine;
mod table;

use std::path::{Path, PathBuf};

pub use flags::Flags;
pub use interleaved::{Clock, Figure, Interleaved, Timings};
pub use table::{Curve, Row, Table};

/// Where what was built is, and what benches make and keep for the next time.
pub fn target_folder() -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scratch.parent().unwrap_or(scratch).to_owned()
}
