//! What AWS writes about an act, composed from the act alone: CloudTrail records and the files
//! they come in, S3 notifications, access-log lines, digests; and what an application writes before
//! it acts. It knows shapes, and neither clocks nor buckets nor queues.

pub mod access_log;
pub mod cloudtrail;
pub mod digest;
pub mod intent;
pub mod log_file;
pub mod notification;
#[cfg(test)]
pub(in crate::sandbox) mod specimen;
pub(in crate::sandbox) mod text;
