//! Brings the tables of a database to this version, also when several programs start at once. It
//! knows no table but that of the versions.

use refinery::{Migration, Runner};

use super::address::PostgresAddress;
use super::connection::{PostgresConnection, Purpose};
use super::explain::explain;
use crate::store::StoreError;

/// Every change of the tables, in order.
const MIGRATIONS: [(&str, &str); 8] = [
    ("V1__tables", include_str!("migrations/V1__tables.sql")),
    ("V2__findings", include_str!("migrations/V2__findings.sql")),
    ("V3__replicas", include_str!("migrations/V3__replicas.sql")),
    ("V4__slices", include_str!("migrations/V4__slices.sql")),
    ("V5__callers_once", include_str!("migrations/V5__callers_once.sql")),
    ("V6__slow", include_str!("migrations/V6__slow.sql")),
    ("V7__withdrawn_because", include_str!("migrations/V7__withdrawn_because.sql")),
    ("V8__traces_of_keys", include_str!("migrations/V8__traces_of_keys.sql")),
];

/// What programs that would change the tables of one database lock, one after the other. The
/// number has no meaning.
const LOCK: i64 = 0x6465_6c74_7261_696c;

/// Brings the tables to this version.
pub(in crate::store) fn migrate(address: &PostgresAddress) -> Result<(), StoreError> {
    let place = address.to_string();
    // It is dropped at the end, and with it the lock, whatever happens.
    let mut connection = PostgresConnection::open(address, Purpose::Migrate)?;
    connection
        .execute("SELECT pg_advisory_lock($1)", &[&LOCK])
        .map_err(|error| explain(&place, &error))?;
    check(&connection, &place, None)?;
    let failed = |error: refinery::Error| match database_error(&error) {
        Some(error) => explain(&place, error),
        None => StoreError::Migration { store: place.clone(), detail: error.to_string() },
    };
    let known = MIGRATIONS.map(|(name, sql)| Migration::unapplied(name, sql));
    let known = known.into_iter().collect::<Result<Vec<_>, _>>().map_err(failed)?;
    // Migrations expand before they contract, so the version before runs on the tables of the next:
    // old and new tasks overlap while a new version is rolled out, and it may be rolled back.
    // In one transaction with the note that it is done: whoever is killed between finds neither.
    let runner = Runner::new(&known).set_abort_missing(false).set_grouped(true);
    connection.wait_mut(async |client| runner.run_async(client).await).map_err(failed)?;
    Ok(())
}

/// Refuses a store that only a newer program understands, and one to look at whose tables are older
/// than this program.
pub(in crate::store) fn check_to_read(
    connection: &PostgresConnection,
    place: &str,
) -> Result<(), StoreError> {
    check(connection, place, i64::try_from(MIGRATIONS.len()).ok())
}

fn check(
    connection: &PostgresConnection,
    place: &str,
    needed: Option<i64>,
) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let refused = |detail: String| StoreError::Migration { store: place.to_owned(), detail };
    let ask = |sql: &str| -> Result<Option<i64>, StoreError> {
        let rows = connection.query(sql, &[]).map_err(|error| explain(place, &error))?;
        Ok(rows.first().and_then(|row| row.get(0)))
    };
    let is_ours = "SELECT 1::bigint WHERE to_regclass('refinery_schema_history') IS NOT NULL
        AND to_regclass('compatibility') IS NOT NULL";
    let is_ours = ask(is_ours)?.is_some();
    let version = if is_ours {
        ask("SELECT max(version)::bigint FROM refinery_schema_history")?
    } else {
        None
    };
    if is_ours
        && let Some(oldest) = ask("SELECT oldest_version FROM compatibility")?
        && oldest > known
    {
        return Err(refused(format!(
            "they need a program that knows version {oldest}, and this one knows {known}"
        )));
    }
    match (needed, version) {
        (Some(_), None) => Err(refused("it has no tables of deltrail".to_owned())),
        (Some(needed), Some(version)) if version < needed => Err(refused(format!(
            "they are of version {version}, and version {needed} is needed, which `deltrail run` \
             makes of it"
        ))),
        _ => Ok(()),
    }
}

/// The database's own error inside a failed migration.
fn database_error(error: &refinery::Error) -> Option<&tokio_postgres::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::postgres::{server::Database, tests::server};

    fn address(database: &Database<'_>) -> PostgresAddress {
        PostgresAddress::parse(&database.url).unwrap()
    }

    #[test]
    fn programs_that_start_at_once_make_the_tables_once() {
        let Some(server) = server() else { return };
        let database = server.database();
        let address = address(&database);
        std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| migrate(&address))).collect();
            for start in starts {
                assert_eq!(start.join().unwrap(), Ok(()));
            }
        });
        let applied = "SELECT count(*), count(DISTINCT version) FROM refinery_schema_history";
        let all = MIGRATIONS.len();
        assert_eq!(database.ask(applied), format!("{all}|{all}"));
        assert_eq!(migrate(&address), Ok(()), "nobody keeps the lock");
    }

    #[test]
    fn callers_that_were_kept_twice_become_one_wherever_they_are_named() {
        let Some(server) = server() else { return };
        let database = server.database();
        for (_, tables) in &MIGRATIONS[..3] {
            database.ask(tables);
        }
        database.ask(
            "INSERT INTO actors (actor) VALUES ('dev'), ('ops'), ('dev'), ('dev');
             INSERT INTO rollups SELECT 'photos', 7, id, 1, 1, 1, 1, 1, 1, 1, 1, 1, id FROM actors;
             INSERT INTO requests (bucket, identity, api, outcome, account, region, at, sources,
                 actor_kind, actor_id, is_backfilled)
                 SELECT 'photos', id, 'DeleteObject', 'ok', '', '', 1, 1, 'principal', id, 0
                 FROM actors",
        );
        let (_, callers_once) = MIGRATIONS[4];
        database.ask(callers_once);
        assert_eq!(database.ask("SELECT id, actor FROM actors ORDER BY id"), "1|dev\n2|ops");
        let named = "SELECT actor_id, count(*) FROM requests GROUP BY actor_id ORDER BY actor_id";
        assert_eq!(database.ask(named), "1|3\n2|1");
        let rollups = "SELECT actor_id, removed, repeated FROM rollups ORDER BY actor_id";
        assert_eq!(database.ask(rollups), "1|3|8\n2|1|2");
        let long =
            "INSERT INTO actors (actor) SELECT repeat('x', 100000) FROM generate_series(1, 2)
            ON CONFLICT DO NOTHING";
        database.ask(long);
        assert_eq!(database.ask("SELECT count(*) FROM actors"), "3", "of any length, and once");
    }

    #[test]
    fn tables_of_the_next_version_are_accepted_unless_it_took_something_away() {
        let Some(server) = server() else { return };
        let database = server.database();
        let address = address(&database);
        migrate(&address).unwrap();
        database.ask(
            "INSERT INTO refinery_schema_history VALUES (99, 'later', '2026-11-23T00:00:00Z', '1');
             ALTER TABLE slots ADD COLUMN later BIGINT",
        );
        let reader = || PostgresConnection::open(&address, Purpose::Read).unwrap();
        assert_eq!(migrate(&address), Ok(()));
        assert_eq!(check_to_read(&reader(), "here"), Ok(()));
        database.ask("UPDATE compatibility SET oldest_version = 99");
        let refusal = migrate(&address).unwrap_err();
        assert!(matches!(refusal, StoreError::Migration { .. }), "{refusal}");
        assert!(refusal.to_string().contains("need a program that knows version 99"), "{refusal}");
        assert_eq!(check_to_read(&reader(), &address.to_string()), Err(refusal));
    }

    #[test]
    fn a_database_of_something_else_is_not_read() {
        let Some(server) = server() else { return };
        let database = server.database();
        database.ask("CREATE TABLE slots (mine BIGINT)");
        let reader = PostgresConnection::open(&address(&database), Purpose::Read).unwrap();
        let refusal = check_to_read(&reader, "here").unwrap_err();
        assert!(refusal.to_string().contains("no tables of deltrail"), "{refusal}");
    }
}
