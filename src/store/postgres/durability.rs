//! What a database server promises of commits, for those who check it before they trust it. It
//! reads settings of the server, and no table.

use super::{PostgresAddress, PostgresConnection, Purpose, explain};
use crate::store::StoreError;

/// Settings of a PostgreSQL server on which it depends whether a commit stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerDurability {
    /// Its version, such as `15.14`.
    pub version: String,
    /// Whether it waits for the disk at all (`fsync`).
    pub fsync: bool,
    /// Whether a page that was half written can be restored (`full_page_writes`).
    pub full_page_writes: bool,
    /// What commits wait for unless a session says otherwise, as the writer's does
    /// (`synchronous_commit`).
    pub synchronous_commit: String,
    /// Whether it only follows another server, and cannot be written to.
    pub is_standby: bool,
}

const SETTINGS: &str = "SELECT current_setting('server_version'), \
    current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on', \
    current_setting('synchronous_commit'), pg_is_in_recovery()";

/// Asks a server. Blocks.
///
/// # Errors
/// When it cannot be reached or asked.
pub fn server_durability(address: &PostgresAddress) -> Result<ServerDurability, StoreError> {
    let connection = PostgresConnection::open(address, Purpose::Read)?;
    let explained = |error: tokio_postgres::Error| explain(&address.to_string(), &error);
    let row =
        connection.wait(async |client| client.query_one(SETTINGS, &[]).await).map_err(explained)?;
    let told = || -> Result<ServerDurability, tokio_postgres::Error> {
        Ok(ServerDurability {
            version: row.try_get(0)?,
            fsync: row.try_get(1)?,
            full_page_writes: row.try_get(2)?,
            synchronous_commit: row.try_get(3)?,
            is_standby: row.try_get(4)?,
        })
    };
    told().map_err(explained)
}

#[cfg(test)]
mod tests {
    use super::super::tests::server;
    use super::*;

    #[test]
    fn a_server_tells_what_its_commits_wait_for() {
        let Some(server) = server() else { return };
        let database = server.database();
        let address = PostgresAddress::parse(&database.url).unwrap();
        let told = server_durability(&address).unwrap();
        let expected = ServerDurability {
            version: told.version.clone(),
            fsync: false,
            full_page_writes: false,
            synchronous_commit: "on".to_owned(),
            is_standby: false,
        };
        assert_eq!(told, expected, "as the tests start it");
        assert!(told.version.starts_with(|c: char| c.is_ascii_digit()), "{}", told.version);
    }
}
