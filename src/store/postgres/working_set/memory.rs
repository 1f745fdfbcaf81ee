//! The tables in memory that a commit is worked out in, and what it made of the rows that were
//! loaded. It knows neither the commit nor the database that the rows come from.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use rusqlite::types::Value;
use rusqlite::{Connection, Result, params_from_iter};

use crate::store::sqlite;
use crate::store::{Location, StoreError};

/// Rows that a commit makes have ids from here on, until the database has given them theirs.
pub(super) const FIRST_NEW_ID: i64 = 1 << 62;

/// Every table that a commit reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Table {
    Actors,
    BucketSources,
    Creations,
    DetectionDue,
    Evidence,
    Forgotten,
    IntentKeys,
    Intents,
    LabelledBuckets,
    LogObjects,
    Observed,
    ProtectionChanges,
    Rejects,
    Removals,
    Requests,
    Rollups,
    Slots,
    Sources,
    Totals,
    Traces,
}

impl Table {
    pub(super) const ALL: [Self; 20] = [
        Self::Actors,
        Self::BucketSources,
        Self::Creations,
        Self::DetectionDue,
        Self::Evidence,
        Self::Forgotten,
        Self::IntentKeys,
        Self::Intents,
        Self::LabelledBuckets,
        Self::LogObjects,
        Self::Observed,
        Self::ProtectionChanges,
        Self::Rejects,
        Self::Removals,
        Self::Requests,
        Self::Rollups,
        Self::Slots,
        Self::Sources,
        Self::Totals,
        Self::Traces,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Actors => "actors",
            Self::BucketSources => "bucket_sources",
            Self::Creations => "creations",
            Self::DetectionDue => "detection_due",
            Self::Evidence => "evidence",
            Self::Forgotten => "forgotten",
            Self::IntentKeys => "intent_keys",
            Self::Intents => "intents",
            Self::LabelledBuckets => "labelled_buckets",
            Self::LogObjects => "log_objects",
            Self::Observed => "observed",
            Self::ProtectionChanges => "protection_changes",
            Self::Rejects => "rejects",
            Self::Removals => "removals",
            Self::Requests => "requests",
            Self::Rollups => "rollups",
            Self::Slots => "slots",
            Self::Sources => "sources",
            Self::Totals => "totals",
            Self::Traces => "traces",
        }
    }
}

/// One column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) is_text: bool,
}

/// A row, in the order of its table's columns.
pub(super) type Row = Vec<Value>;

/// What a commit did to the rows of one table.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Rows that were loaded and are not as they were, or not at all.
    pub(super) gone: Vec<Row>,
    /// Rows that are there now instead.
    pub(super) changed: Vec<Row>,
    /// Rows that are new.
    pub(super) new: Vec<Row>,
}

/// The tables.
pub(super) struct Memory<'m> {
    pub(super) connection: &'m Connection,
    columns: HashMap<Table, Vec<Column>, RandomState>,
    loaded: RefCell<HashMap<Table, HashMap<i64, Row, RandomState>, RandomState>>,
}

/// Opens an empty database in memory with the newest tables.
pub(in crate::store) fn open_memory() -> Result<Connection, StoreError> {
    let newest = sqlite::open_writer(&Location::Memory)?;
    let made = (|| {
        let memory = Connection::open_in_memory()?;
        memory.pragma_update(None, "foreign_keys", false)?;
        memory.set_prepared_statement_cache_capacity(256);
        let mut schema = newest.prepare(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL
                 AND name NOT LIKE 'refinery%' AND name NOT LIKE 'sqlite%'",
        )?;
        let statements = schema.query_map([], |row| row.get::<_, String>(0))?;
        for statement in statements {
            // Every row needs a number, to be known again.
            memory.execute_batch(&statement?.replace(", WITHOUT ROWID", ""))?;
        }
        for table in ["slots (id, slice, bucket, key)", "actors (id, actor)"] {
            let empty = if table.starts_with("slots") { "0, '', ''" } else { "''" };
            memory.execute(&format!("INSERT INTO {table} VALUES (?1, {empty})"), [FIRST_NEW_ID])?;
        }
        Ok(memory)
    })();
    made.map_err(|error| sqlite::explain("memory", &error))
}

impl<'m> Memory<'m> {
    pub(super) fn new(connection: &'m Connection) -> Result<Self> {
        let mut columns = HashMap::default();
        for table in Table::ALL {
            let ask = "SELECT name, type = 'TEXT' FROM pragma_table_info(?1) ORDER BY cid";
            let found = connection
                .prepare(ask)?
                .query_map([table.name()], |row| {
                    Ok(Column { name: row.get(0)?, is_text: row.get(1)? })
                })?
                .collect::<Result<Vec<Column>>>()?;
            columns.insert(table, found);
        }
        Ok(Self { connection, columns, loaded: RefCell::default() })
    }

    /// The columns of a table.
    pub(super) fn columns(&self, table: Table) -> &[Column] {
        self.columns.get(&table).map_or(&[], Vec::as_slice)
    }

    /// The place of a column.
    pub(super) fn column(&self, table: Table, name: &str) -> usize {
        self.columns(table).iter().position(|column| column.name == name).unwrap_or(usize::MAX)
    }

    /// Does `work` on empty tables, which are empty again afterwards.
    pub(super) fn with_empty_tables<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.loaded.borrow_mut().clear();
        self.connection.execute_batch("BEGIN")?;
        let result = work();
        self.connection.execute_batch("ROLLBACK")?;
        result
    }

    /// Puts rows of the database into a table; those that are there already are left alone.
    pub(super) fn load(&self, table: Table, rows: impl IntoIterator<Item = Row>) -> Result<()> {
        let columns = self.columns(table);
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let mut insert = self.connection.prepare_cached(&format!(
            "INSERT OR IGNORE INTO {} ({}) VALUES ({marks})",
            table.name(),
            names.join(", ")
        ))?;
        let mut loaded = self.loaded.borrow_mut();
        let loaded = loaded.entry(table).or_default();
        for row in rows {
            if insert.execute(params_from_iter(&row))? == 1 {
                loaded.insert(self.connection.last_insert_rowid(), row);
            }
        }
        Ok(())
    }

    /// Whether a table has a row for each of these values of a column.
    pub(super) fn holds_all(&self, table: Table, column: &str, values: &[&str]) -> Result<bool> {
        let mut find = self
            .connection
            .prepare_cached(&format!("SELECT 1 FROM {} WHERE {column} = ?1", table.name()))?;
        for value in values {
            if !find.exists([value])? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What became of the rows of a table since they were loaded.
    pub(super) fn difference(&self, table: Table) -> Result<Difference> {
        let columns = self.columns(table);
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT rowid, {} FROM {} WHERE rowid <> {FIRST_NEW_ID} ORDER BY rowid",
            names.join(", "),
            table.name()
        ))?;
        let mut loaded = self.loaded.borrow_mut().remove(&table).unwrap_or_default();
        let mut difference = Difference::default();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let now: Row =
                (1..=columns.len()).map(|index| row.get(index)).collect::<Result<Row>>()?;
            match loaded.remove(&row.get(0)?) {
                None => difference.new.push(now),
                Some(before) if before == now => {}
                Some(before) => {
                    difference.gone.push(before);
                    difference.changed.push(now);
                }
            }
        }
        difference.gone.extend(loaded.into_values());
        Ok(difference)
    }
}
