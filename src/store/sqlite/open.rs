//! Opening a SQLite file the way the laws need it, and saying in people's words why it failed. It
//! knows no rows.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use refinery::{Migration, Runner};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::{Access, access};

use crate::store::{Location, StoreError};

/// How long a statement waits for another program's lock before it fails as `Locked`.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// More than there are, so that none is compiled twice.
const CACHED_STATEMENTS: usize = 128;

/// Every change of the tables, in order.
pub(super) const MIGRATIONS: [(&str, &str); 9] = [
    ("V1__evidence_and_totals", include_str!("../migrations/V1__evidence_and_totals.sql")),
    ("V2__every_source", include_str!("../migrations/V2__every_source.sql")),
    ("V3__each_thing_once", include_str!("../migrations/V3__each_thing_once.sql")),
    ("V4__what_was_forgotten", include_str!("../migrations/V4__what_was_forgotten.sql")),
    ("V5__findings", include_str!("../migrations/V5__findings.sql")),
    ("V6__slices", include_str!("../migrations/V6__slices.sql")),
    ("V7__slow", include_str!("../migrations/V7__slow.sql")),
    ("V8__withdrawn_because", include_str!("../migrations/V8__withdrawn_because.sql")),
    ("V9__traces_of_keys", include_str!("../migrations/V9__traces_of_keys.sql")),
];

/// Opens the one connection that writes to a file, or to memory where there is none, and brings the
/// tables to this version.
pub(in crate::store) fn open_writer(location: &Location) -> Result<Connection, StoreError> {
    let place = location.to_string();
    // One thread has the connection, so SQLite need not lock it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = match location.path() {
        None => Connection::open_in_memory_with_flags(flags),
        Some(path) => {
            check_directory(path, &place)?;
            let may_write = |path: &Path| access(path, Access::WRITE_OK);
            check_writable(path, &place, may_write)?;
            Connection::open_with_flags(path, flags)
        }
    }
    .map_err(|error| explain(&place, &error))?;
    prepare_writer(&connection).map_err(|error| explain(&place, &error))?;
    migrate(&mut connection, &place)?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(|error| explain(&place, &error))?;
    Ok(connection)
}

/// Opens a connection that only reads, beside a writer that is open.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    plan_once(&connection)?;
    Ok(connection)
}

/// SQLite says "unable to open database file" for a missing directory and for much else.
pub(super) fn check_directory(path: &Path, place: &str) -> Result<(), StoreError> {
    let directory = directory_of(path);
    if directory.is_dir() {
        return Ok(());
    }
    Err(StoreError::DirectoryMissing {
        store: place.to_owned(),
        directory: directory.to_path_buf(),
    })
}

/// SQLite says "readonly database" or "unable to open database file", and not of what.
fn check_writable<E: Display>(
    path: &Path,
    place: &str,
    may_write: impl Fn(&Path) -> Result<(), E>,
) -> Result<(), StoreError> {
    let store = || place.to_owned();
    if path.is_file()
        && let Err(error) = may_write(path)
    {
        let (file, detail) = (path.to_path_buf(), error.to_string());
        return Err(StoreError::FileReadOnly { store: store(), file, detail });
    }
    let folder = directory_of(path);
    may_write(folder).map_err(|error| StoreError::FolderReadOnly {
        store: store(),
        folder: folder.to_path_buf(),
        detail: error.to_string(),
    })
}

/// The directory that a file is in, `.` for a bare name.
pub(in crate::store) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Keeps SQLite from planning a statement anew for each value that a range is asked with, which
/// takes longer than to run it.
fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn prepare_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(LOCK_WAIT)?;
    plan_once(connection)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Readers go on while the writer writes.
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A commit is on the disk before its message is acknowledged; NORMAL would lose the last ones
    // of a power failure.
    connection.pragma_update(None, "synchronous", "full")?;
    // A migration may write a table anew that others refer to.
    connection.pragma_update(None, "foreign_keys", false)?;
    // A burst must not leave its largest write-ahead log on the disk for good.
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    // Kibibytes: room for the hot pages of the indexes within a small container.
    connection.pragma_update(None, "cache_size", -16 * 1024)?;
    // Pages: each checkpoint writes every page that changed since the last one once more.
    connection.pragma_update(None, "wal_autocheckpoint", 8_000)?;
    Ok(())
}

fn migrate(connection: &mut Connection, place: &str) -> Result<(), StoreError> {
    let migration = |error: refinery::Error| match sqlite_error(&error) {
        Some(error) => explain(place, error),
        None => StoreError::Migration { store: place.to_owned(), detail: error.to_string() },
    };
    let known = MIGRATIONS.map(|(name, sql)| Migration::unapplied(name, sql));
    let known = known.into_iter().collect::<Result<Vec<_>, _>>().map_err(migration)?;
    // Migrations expand before they contract, so the version before runs on the tables of the next:
    // old and new tasks overlap while a new version is rolled out, and it may be rolled back.
    // In one transaction with the note that it is done: whoever is killed between finds neither.
    let runner = Runner::new(&known).set_abort_missing(false).set_grouped(true);
    runner.run(connection).map_err(migration)?;
    Ok(())
}

/// The database's own error inside a failed migration.
fn sqlite_error(error: &refinery::Error) -> Option<&rusqlite::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

/// What a database error means for the person who runs the store at `place`.
pub(in crate::store) fn explain(place: &str, error: &rusqlite::Error) -> StoreError {
    let store = place.to_owned();
    let detail = error.to_string();
    match error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => StoreError::Row { store, detail },
        _ => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Locked { store }
            }
            Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { store },
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                StoreError::CannotOpen { store, detail }
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                StoreError::Corrupted { store, detail }
            }
            Some(ErrorCode::DiskFull) => StoreError::DiskFull { store },
            Some(ErrorCode::SystemIoFailure) => StoreError::Disk { store, detail },
            _ => StoreError::Statement { store, detail },
        },
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn location(path: &Path) -> Location {
        Location::File(path.to_path_buf())
    }

    #[test]
    fn the_laws_settings_hold_on_the_writing_connection() {
        let directory = tempfile::tempdir().unwrap();
        let connection = open_writer(&location(&directory.path().join("d.db"))).unwrap();
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        assert_eq!(pragma("synchronous"), Ok(2), "2 is FULL");
        assert_eq!(pragma("foreign_keys"), Ok(1));
        let mode: String =
            connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }

    #[test]
    fn migrations_are_applied_once() {
        let directory = tempfile::tempdir().unwrap();
        let location = location(&directory.path().join("d.db"));
        drop(open_writer(&location).unwrap());
        let again = open_writer(&location).unwrap();
        let applied = "SELECT count(*), count(DISTINCT version) FROM refinery_schema_history";
        let counts: (i64, i64) =
            again.query_row(applied, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let known = i64::try_from(MIGRATIONS.len()).unwrap();
        assert_eq!(counts, (known, known));
    }

    #[test]
    fn a_missing_directory_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("not/there");
        let error = open_writer(&location(&missing.join("d.db"))).unwrap_err();
        let StoreError::DirectoryMissing { directory: named, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(named, &missing);
        assert!(!error.is_transient());
    }

    #[test]
    fn a_directory_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let error = open_writer(&location(directory.path())).unwrap_err();
        assert!(matches!(error, StoreError::CannotOpen { .. }), "{error}");
    }

    #[test]
    fn a_file_of_something_else_is_not_touched() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.txt");
        let text = "these are my notes, not a database\n".repeat(100);
        std::fs::write(&path, &text).unwrap();
        let error = open_writer(&location(&path)).unwrap_err();
        assert!(matches!(error, StoreError::Corrupted { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_database_that_cannot_be_written_is_read_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("d.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        // Permissions do not bind root, who runs the tests in CI; this flag does.
        let reader = open_reader(&path).unwrap();
        let error = explain("here", &prepare_writer(&reader).unwrap_err());
        assert_eq!(error, StoreError::ReadOnly { store: "here".into() });
    }

    #[test]
    fn a_store_that_cannot_be_opened_is_told_with_a_way_out() {
        let (store, folder) = ("sqlite:///data/d.db".to_owned(), PathBuf::from("/data"));
        let file = folder.join("d.db");
        let denied = || "Permission denied (os error 13)".to_owned();
        let told = [
            StoreError::Locked { store: store.clone() },
            StoreError::ReadOnly { store: store.clone() },
            StoreError::FileReadOnly { store: store.clone(), file, detail: denied() },
            StoreError::FolderReadOnly {
                store: store.clone(),
                folder: folder.clone(),
                detail: denied(),
            },
            StoreError::DirectoryMissing { store, directory: folder },
        ]
        .map(|error| error.to_string());
        insta::assert_snapshot!(told.join("\n"), @r#"
        sqlite:///data/d.db is locked by another program; close what else has the file open, such as a database browser or a backup (lsof or fuser on the file shows it)
        sqlite:///data/d.db is read-only; give this user write permission to the file and its folder
        the file of sqlite:///data/d.db cannot be written (Permission denied (os error 13)); give this user write permission to /data/d.db and to its folder, or name another file with --store
        the folder of sqlite:///data/d.db cannot be written (Permission denied (os error 13)), and SQLite keeps its journal beside the file; give this user write permission to /data, mount it writable, or name another file with --store
        the folder /data of sqlite:///data/d.db does not exist; create it, mount it, or name another file with --store
        "#);
    }

    #[test]
    fn a_file_that_may_not_be_written_is_told_apart_from_its_folder() {
        // Permissions do not bind root, who runs the tests in CI, so the answers are played.
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("d.db");
        let no = |_: &Path| Err("Permission denied");
        let folder_of_new = check_writable(&path, "here", no).unwrap_err();
        assert!(matches!(folder_of_new, StoreError::FolderReadOnly { .. }), "{folder_of_new}");
        std::fs::write(&path, "").unwrap();
        let file = check_writable(&path, "here", no).unwrap_err();
        assert!(matches!(file, StoreError::FileReadOnly { .. }), "{file}");
        let only_file = |asked: &Path| if asked == path { Ok(()) } else { Err("Read-only") };
        let folder = check_writable(&path, "here", only_file).unwrap_err();
        assert!(matches!(folder, StoreError::FolderReadOnly { .. }), "{folder}");
        assert_eq!(check_writable(&path, "here", |_| Ok::<(), String>(())), Ok(()));
    }

    #[test]
    fn a_lock_of_another_program_is_transient() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("d.db");
        let writer = open_writer(&location(&path)).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        writer.busy_timeout(Duration::ZERO).unwrap();
        let error = explain("here", &writer.execute_batch("BEGIN IMMEDIATE").unwrap_err());
        assert_eq!(error, StoreError::Locked { store: "here".into() });
        assert!(error.is_transient());
    }

    #[test]
    fn a_full_disk_is_transient() {
        let directory = tempfile::tempdir().unwrap();
        let writer = open_writer(&location(&directory.path().join("d.db"))).unwrap();
        // SQLite reports its own page limit as it reports a full disk.
        writer.pragma_update(None, "max_page_count", 1).unwrap();
        let fill = "INSERT INTO rejects (at, source, reason, detail)
                    VALUES (0, 's', 'r', printf('%.*c', 1000000, 'x'))";
        let error = explain("here", &writer.execute(fill, []).unwrap_err());
        assert_eq!(error, StoreError::DiskFull { store: "here".into() });
        assert!(error.is_transient());
    }

    #[test]
    fn tables_that_were_changed_by_hand_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let location = location(&directory.path().join("d.db"));
        let connection = open_writer(&location).unwrap();
        connection.execute("UPDATE refinery_schema_history SET checksum = '1'", []).unwrap();
        drop(connection);
        let error = open_writer(&location).unwrap_err();
        assert!(matches!(error, StoreError::Migration { .. }), "{error}");
    }

    #[test]
    fn tables_of_the_next_version_are_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let location = location(&directory.path().join("d.db"));
        let connection = open_writer(&location).unwrap();
        connection
            .execute(
                "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 SELECT max(version) + 1, 'next', applied_on, '1' FROM refinery_schema_history",
                [],
            )
            .unwrap();
        drop(connection);
        assert!(open_writer(&location).is_ok());
    }
}
