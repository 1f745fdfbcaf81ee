//! Opening a SQLite file only to look at it, beside a daemon that writes it or without one. It
//! makes no file, moves no table forward and takes no lock that a writer would wait for.

use std::path::Path;

use rusqlite::Connection;

use super::open::{MIGRATIONS, check_directory, explain, open_reader};
use crate::store::{Location, StoreError};

/// Opens the file beside the writer, which this program has open.
pub(in crate::store) fn open_beside(location: &Location) -> Result<Connection, StoreError> {
    open_reader(path_of(location)?).map_err(|error| explain(&location.to_string(), &error))
}

fn path_of(location: &Location) -> Result<&Path, StoreError> {
    location.path().ok_or_else(|| StoreError::CannotOpen {
        store: location.to_string(),
        detail: "it lies in the memory of the program that fills it".to_owned(),
    })
}

/// Opens the file. It has to have the tables of this version, or of a later one.
pub(in crate::store) fn open_to_look(location: &Location) -> Result<Connection, StoreError> {
    let place = location.to_string();
    let path = path_of(location)?;
    check_directory(path, &place)?;
    if !path.exists() {
        return Err(StoreError::FileMissing { store: place });
    }
    let connection = open_reader(path).map_err(|error| explain(&place, &error))?;
    let version = version_of(&connection).map_err(|error| explain(&place, &error))?;
    let needed = MIGRATIONS.len();
    if version.is_none_or(|version| version < needed) {
        let has = version.map_or("it has no tables of deltrail".to_owned(), |version| {
            format!("they are of version {version}")
        });
        let detail =
            format!("{has}, and version {needed} is needed, which `deltrail run` makes of it");
        return Err(StoreError::Migration { store: place, detail });
    }
    Ok(connection)
}

/// The version of the tables; none when they are not deltrail's.
fn version_of(connection: &Connection) -> rusqlite::Result<Option<usize>> {
    if !connection.table_exists(None, "refinery_schema_history")? {
        return Ok(None);
    }
    let newest = "SELECT max(version) FROM refinery_schema_history";
    let version: Option<i64> = connection.query_row(newest, [], |row| row.get(0))?;
    Ok(version.and_then(|version| usize::try_from(version).ok()))
}

#[cfg(test)]
mod tests {
    use super::super::open::open_writer;
    use super::*;

    fn location(path: &Path) -> Location {
        Location::File(path.to_path_buf())
    }

    #[test]
    fn a_store_that_cannot_be_read_is_told_with_a_way_out() {
        let directory = tempfile::tempdir().unwrap();
        let missing = location(&directory.path().join("d.db"));
        let refusal = |location: &Location| open_to_look(location).map(drop).unwrap_err();
        assert!(matches!(refusal(&missing), StoreError::FileMissing { .. }));
        assert!(matches!(refusal(&Location::Memory), StoreError::CannotOpen { .. }));

        let other = location(&directory.path().join("other.db"));
        let browser = Connection::open(other.path().unwrap()).unwrap();
        browser.execute_batch("CREATE TABLE mine (a)").unwrap();
        let error = refusal(&other);
        assert!(error.to_string().contains("no tables of deltrail"), "{error}");

        let older = location(&directory.path().join("older.db"));
        let newest = MIGRATIONS.len();
        let writer = open_writer(&older).unwrap();
        let forget = format!("DELETE FROM refinery_schema_history WHERE version = {newest}");
        writer.execute(&forget, []).unwrap();
        let error = refusal(&older);
        assert!(matches!(error, StoreError::Migration { .. }), "{error}");
        let said = format!("they are of version {}, and version {newest} is needed", newest - 1);
        assert!(error.to_string().contains(&said), "{error}");
    }

    #[test]
    fn a_store_is_read_beside_its_writer_and_after_it() {
        let directory = tempfile::tempdir().unwrap();
        let location = location(&directory.path().join("d.db"));
        let writer = open_writer(&location).unwrap();
        writer.execute("INSERT INTO slots (slice, bucket, key) VALUES (0, 'b', 'k')", []).unwrap();
        let slots = |reader: &Connection| {
            reader.query_row("SELECT count(*) FROM slots", [], |row| row.get::<_, i64>(0))
        };
        let beside = open_to_look(&location).unwrap();
        assert_eq!(slots(&beside), Ok(1));
        let write = beside.execute("DELETE FROM slots", []).unwrap_err();
        assert_eq!(explain("here", &write), StoreError::ReadOnly { store: "here".into() });
        drop((beside, writer));
        assert_eq!(slots(&open_to_look(&location).unwrap()), Ok(1));
    }
}
