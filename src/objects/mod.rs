//! Adapter to Amazon S3: opens one object and hands out its bytes as they are stored.
//!
//! It refuses to know what the bytes mean, which buckets may be read and when to try again. It
//! finds the right region of a bucket, and says what went wrong and what to do next.

#[cfg(test)]
#[expect(clippy::duplicate_mod, reason = "adapters share a test server, not imports")]
#[path = "../queue/canned_http.rs"]
mod canned_http;
mod client;
mod detail;
mod error;
mod object;
mod region;
mod text;

pub use client::{Objects, ObjectsOptions, Revision};
pub use detail::Detail;
pub use error::{ObjectError, ObjectName};
pub use object::Object;
