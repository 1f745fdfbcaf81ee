//! Scenarios: what people and services do in a sandbox, planned from a seed, and played through
//! the wire protocols. They know the sandbox and nothing of deltrail.

mod deed;
mod image_service;
mod play;
mod stage;
mod truth;

pub use deed::{Actor, Deed, Planned};
pub use image_service::{ARCHIVE, DAY, IMAGES, PROTECTED, day};
pub use play::{PlayError, Player};
pub use stage::{DAEMON, DEAD_LETTERS, LOGS, QUEUE, StageOptions, VISITOR, open, player};
pub use truth::Truth;
