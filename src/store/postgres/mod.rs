//! The store on PostgreSQL: how it is reached, how its tables are made, and how a commit is written
//! there at once. It knows no fact.

mod address;
mod connection;
mod durability;
mod explain;
mod migrate;
mod replicas;
mod session;
mod texts;
mod tls;
mod translation;
mod working_set;

#[cfg(test)]
#[path = "../../../tests/integration/postgres/server.rs"]
pub(super) mod server;

pub use self::address::PostgresAddress;
pub(super) use self::connection::{PostgresConnection, Purpose};
pub use self::durability::{ServerDurability, server_durability};
pub(super) use self::explain::explain;
pub(super) use self::migrate::{check_to_read, migrate};
pub(super) use self::replicas::{leave, with_holds_of_others};
pub(super) use self::session::PostgresSession;
pub(super) use self::working_set::{KEEP_COMMITS_OUT, WorkingSet, open_memory};

#[cfg(test)]
mod plan_tests;
#[cfg(test)]
pub(super) mod tests;
