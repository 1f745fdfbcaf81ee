//! Connections to a real server: TLS as libpq means it, servers that go and come back, and what
//! refusals are told as.

use std::sync::OnceLock;

use super::server::{Database, HOST, PASSWORD, Server};
use super::{PostgresAddress, PostgresConnection, Purpose, explain};
use crate::store::StoreError;

/// The server that these tests share: each makes a database of its own. `None` when PostgreSQL is
/// not installed, which has been said then.
pub(in crate::store) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    // Nobody pulls the plug on it, so that nothing need reach the disk.
    SERVER.get_or_init(|| Server::start(&["fsync=off", "full_page_writes=off"])).as_ref()
}

fn address(database: &Database<'_>) -> PostgresAddress {
    PostgresAddress::parse(&database.url).unwrap()
}

fn connected(database: &Database<'_>) -> PostgresConnection {
    PostgresConnection::open(&address(database), Purpose::Write).unwrap()
}

/// The address of a database with these parameters, on this host.
fn with(server: &Server, database: &Database<'_>, host: &str, parameters: &str) -> PostgresAddress {
    let authority = server.authority().display().to_string();
    let url = database.url.replace("127.0.0.1", host);
    let url = format!("{url}?{}", parameters.replace("AUTHORITY", &authority));
    PostgresAddress::parse(&url).unwrap()
}

#[test]
fn the_line_is_as_private_as_was_asked_for() {
    let Some(server) = server() else { return };
    let database = server.database();
    let is_encrypted = |host: &str, parameters: &str| {
        let address = with(server, &database, host, parameters);
        let connection = PostgresConnection::open(&address, Purpose::Read)?;
        let rows = connection
            .query("SELECT ssl::int::bigint FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]);
        Ok(rows.unwrap()[0].get::<_, i64>(0) == 1)
    };
    for (host, parameters, expected) in [
        ("127.0.0.1", "sslmode=disable", false),
        ("127.0.0.1", "", true),
        ("127.0.0.1", "sslmode=require", true),
        ("127.0.0.1", "sslmode=require&sslrootcert=AUTHORITY", true),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=AUTHORITY", true),
        (HOST, "sslmode=verify-full&sslrootcert=AUTHORITY", true),
    ] {
        assert_eq!(is_encrypted(host, parameters), Ok(expected), "{host} {parameters}");
    }
    for (host, parameters) in [
        // Not the name that the certificate is for.
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=AUTHORITY"),
        // Nobody whom this machine trusts signed it.
        (HOST, "sslmode=verify-ca"),
        (HOST, "sslmode=verify-full&sslrootcert=/dev/null"),
    ] {
        let refusal = is_encrypted(host, parameters).unwrap_err();
        assert!(matches!(refusal, StoreError::CannotConnect { .. }), "{parameters}: {refusal}");
        assert!(!refusal.to_string().contains(PASSWORD), "{refusal}");
    }
}

#[test]
fn refusals_are_told_apart() {
    let Some(server) = server() else { return };
    let database = server.database();
    let open = |url: String| {
        PostgresConnection::open(&PostgresAddress::parse(&url).unwrap(), Purpose::Write)
            .map(drop)
            .unwrap_err()
    };
    let wrong_password = open(format!("postgres://deltrail:wrong@127.0.0.1:{}/d", server.port()));
    assert!(matches!(wrong_password, StoreError::CannotConnect { .. }), "{wrong_password}");
    assert!(!wrong_password.to_string().contains("wrong"), "{wrong_password}");
    let missing = open(format!("{}_missing", database.url));
    assert!(matches!(missing, StoreError::CannotConnect { .. }), "{missing}");
    let nobody = open("postgres://deltrail@127.0.0.1:1/d".to_owned());
    assert!(matches!(nobody, StoreError::Unreachable { .. }), "{nobody}");
    assert!(nobody.is_transient() && !missing.is_transient());
}

#[test]
fn the_laws_settings_hold_on_the_writing_connection() {
    let Some(server) = server() else { return };
    let database = server.database();
    let connection = connected(&database);
    let setting = |name: &str| {
        let rows = connection.query(&format!("SHOW {name}"), &[]).unwrap();
        rows[0].get::<_, String>(0)
    };
    for (name, expected) in [
        ("synchronous_commit", "on"),
        ("default_transaction_isolation", "read committed"),
        ("statement_timeout", "1min"),
        ("lock_timeout", "20s"),
        ("application_name", "deltrail writer"),
    ] {
        assert_eq!(setting(name), expected, "{name}");
    }
}

#[test]
fn a_connection_that_was_lost_is_made_again() {
    let Some(server) = Server::start(&["fsync=off"]) else { return };
    let database = server.database();
    let connection = connected(&database);
    let one = || connection.query("SELECT 1::bigint", &[]).map(|rows| rows[0].get::<_, i64>(0));
    assert_eq!(one().unwrap(), 1);
    server.stop();
    let lost = explain("here", &one().unwrap_err());
    assert!(matches!(lost, StoreError::Unreachable { .. }), "{lost}");
    let gone = connection.revive().unwrap_err();
    assert!(matches!(gone, StoreError::Unreachable { .. }), "{gone}");
    // Not asked again at once.
    assert!(connection.revive().unwrap_err().to_string().contains("being made again"));
    server.start_again();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while connection.revive().is_err() {
        assert!(std::time::Instant::now() < deadline, "the server was not found again");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(one().unwrap(), 1);
}

#[test]
fn a_server_that_may_not_be_written_is_given_up() {
    let Some(server) = server() else { return };
    let database = server.database();
    let connection = connected(&database);
    connection.batch("CREATE TABLE t (a BIGINT)").unwrap();
    // So it is on a server that became a standby while this connection stayed.
    connection.batch("SET default_transaction_read_only = on").unwrap();
    let error = connection.execute("INSERT INTO t VALUES (1)", &[]).unwrap_err();
    assert!(super::explain::is_elsewhere(&error));
    connection.abandon();
    assert!(connection.is_closed());
    connection.revive().unwrap();
    assert_eq!(connection.execute("INSERT INTO t VALUES (1)", &[]).unwrap(), 1);
}
