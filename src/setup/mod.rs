//! The AWS side of deltrail: whether queues, buckets, trails and keys are set up as the daemon
//! needs them, and the wiring of a bucket's notifications to a queue. It reads the control plane of
//! AWS, and writes nothing but the notifications of a bucket when it is told to. It knows no
//! evidence.

mod arn;
mod attach;
mod client;
pub mod doctor;
mod identity;
pub mod notification;
mod policy;
mod refusal;
mod sending;
mod trail;

pub use arn::check_queue_arn;
pub use attach::{AttachError, BucketNotifications};
pub use identity::{Clocks, Identity, identity};
pub use policy::{Deed, Openness, Permission, bucket_arn, openness, permission, statement_to_send};
pub use refusal::{Asked, Refusal};
pub use sending::{Sending, sending};
