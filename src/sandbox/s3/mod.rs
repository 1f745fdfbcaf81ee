//! S3 on loopback: buckets in memory, spoken to with the S3 protocol by callers whose signatures
//! are checked, and written to by services from inside. Each request about an object becomes one
//! [`Act`](super::act::Act). It does not know what anybody writes down about it.

mod bucket;
mod buckets;
mod conditions;
mod endpoint;
mod error;
mod listing;
mod notifications;
mod operations;
mod operations_buckets;
mod operations_deletes;
mod operations_lists;
mod operations_reads;
mod operations_writes;
mod refused;
mod visit;

pub use bucket::Versioning;
pub use buckets::{AccessLogTarget, Buckets, S3Options, ServicePut};
pub use endpoint::S3Endpoint;
pub use error::SandboxS3Error;
pub use notifications::NotificationRule;

#[cfg(test)]
mod wire_tests;
