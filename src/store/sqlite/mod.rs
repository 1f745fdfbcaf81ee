//! What is SQLite's own: how a file is opened, migrated and worked on. It knows no statement that
//! reads or writes a table.

mod look;
mod open;
mod session;
mod slices;

pub(super) use self::look::{open_beside, open_to_look};
pub(super) use self::open::{directory_of, explain, open_writer};
pub(super) use self::session::SqliteSession;
