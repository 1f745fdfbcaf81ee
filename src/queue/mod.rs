//! Adapter to Amazon SQS: receive messages, settle them, ask how deep the queue is.
//!
//! It refuses to know what a message means, when to try again and what a metric is called by its
//! caller: it hands out bodies as they came and errors that say what to do next.

mod attributes;
#[cfg(test)]
pub(crate) mod canned_http;
mod client;
mod detail;
mod error;
mod message;
mod pace;
mod settings;
mod settle;
mod text;
mod url;

pub use attributes::{QueueAttributes, Redrive};
pub use client::Queue;
pub use detail::Detail;
pub use error::{Asked, Call, Operation, QueueError};
pub use message::Message;
pub use settings::QueueSettings;
pub use settle::{Entry, EntryFailure};
pub(crate) use text::{credentials_cause, is_about_credentials, one_line, source_chain};
