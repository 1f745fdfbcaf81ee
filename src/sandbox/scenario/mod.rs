//! Scenarios: what people and services do in a sandbox, planned from a seed, and played through
//! the wire protocols. They know the sandbox and nothing of deltrail.

mod backlog;
mod deed;
mod image_service;
mod keys;
mod play;
mod stage;
#[cfg(test)]
mod tests;
mod truth;

pub use backlog::send_removals;
pub use deed::{Actor, Channel, Deed, Planned};
pub use image_service::{ARCHIVE, DAY, IMAGES, PROTECTED, day};
pub use play::{PlayError, Player};
pub use stage::{DAEMON, EVENTS_QUEUE, LOGS, QUEUE, StageOptions, VISITOR, open, player};
pub use truth::{ByBucket, Removed, Truth};
