//! From bytes to evidence: log objects ([`LogDecoder`]) and queue messages ([`parse_message`]).
//! Everything here takes bytes and limits and returns values; what is fetched, kept or retried is
//! decided elsewhere. Bad input never panics and never takes good input with it.

mod access_log;
mod bucket_name;
mod cloudtrail;
#[cfg(test)]
mod differential;
pub mod digest;
mod envelope;
mod error;
mod excerpt;
mod fingerprint;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gzip_header;
#[cfg(test)]
mod hazards;
mod inflate;
mod intent;
mod lenient;
mod lent;
mod lines;
mod log;
mod log_key;
mod log_time;
mod raw;
mod records;
mod reject;
mod structure;
mod touch;
mod walker;

pub use cloudtrail::Wanted;
pub use envelope::{EnvelopeError, Item, Nothing, ObjectRef, parse_message};
pub use error::DecodeError;
pub use excerpt::{escaped_excerpt, is_obeyed};
pub use intent::{IntentError, read_intent};
pub use log::{Content, Decoded, Limits, Located, LogDecoder, REJECTED_MAX, Summary};
pub use log_key::{DigestPath, LogKey, LogPath};
pub use log_time::{Look, TimeBounds, trail_time};
pub use raw::{RawRecord, RawRecords};
pub use reject::{RejectReason, Rejected};
