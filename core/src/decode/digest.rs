//! CloudTrail's hourly digests: what one says of the log files of its hour and of the digest before
//! it, the text that its signature is over, and what is wrong when it does not hold. It knows no
//! key and no network, and does not fetch what a digest names.

mod chain;
mod content;
mod coverage;
mod document;
#[cfg(test)]
mod tests;
mod verdict;

pub use chain::{Chain, ChainId, Gap, Linked};
pub use content::{ContentHash, Contents, Hashed, Sha256Sum};
pub use coverage::Coverage;
pub use document::{Digest, DigestError, DigestedLog, PreviousDigest};
pub use verdict::{DigestFault, LogFault, LogState};
