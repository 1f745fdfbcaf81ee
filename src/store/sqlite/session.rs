//! Work on a SQLite connection, with the statements that it has run. It knows none of them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use deltrail_core::domain::Actor;
use foldhash::fast::RandomState;
use rusqlite::{CachedStatement, Connection, Statement, params_from_iter};

use super::slices;
use crate::store::session::{Result, Row, Value};
use crate::store::slices::{Name, Sliced, Slices};

/// Callers whose rows are kept in mind, of some 600 bytes each.
const CALLERS_MAX: usize = 4_096;

/// Begins a transaction that writes. The lock is taken at once: one that begins as a reader could
/// not wait for it later.
const BEGIN_TO_WRITE: &str = "BEGIN IMMEDIATE";

/// See [`crate::store::session::Session`].
pub(in crate::store) struct SqliteSession<'c> {
    connection: &'c Connection,
    // A cell that holds what borrows the connection would have to be lent for exactly as long; what
    // is behind `dyn` need not.
    held: Box<dyn Statements + 'c>,
    slices: Known,
}

/// What is kept in mind of the tables, of their slices above all.
enum Known {
    /// Nothing: they are asked for.
    Nothing,
    /// That there is one.
    One,
    /// What is in them, as it was when the database had this version.
    All {
        slices: Slices,
        version: Cell<i64>,
        /// Rows of callers, which are never deleted.
        callers: RefCell<HashMap<Arc<Actor>, i64, RandomState>>,
    },
}

impl<'c> SqliteSession<'c> {
    pub(in crate::store) fn new(connection: &'c Connection) -> Self {
        Self::knowing(connection, Known::Nothing)
    }

    /// On tables of which each is one slice.
    pub(in crate::store) fn in_one_slice(connection: &'c Connection) -> Self {
        Self::knowing(connection, Known::One)
    }

    fn knowing(connection: &'c Connection, slices: Known) -> Self {
        let held = Box::new(Held { connection, by_place: RefCell::default() });
        Self { connection, held, slices }
    }

    /// Keeps in mind from now on what is in the slices.
    pub(in crate::store) fn learn_slices(&mut self) -> Result<()> {
        let (slices, version) = (Slices::empty(), slices::version(self.connection)?);
        slices::learn(self.connection, &slices)?;
        self.slices =
            Known::All { slices, version: Cell::new(version), callers: RefCell::default() };
        Ok(())
    }

    /// Learns what another program has written since, which none does while this one writes.
    fn see_changes_of_others(&self) -> Result<()> {
        let Known::All { slices, version, .. } = &self.slices else { return Ok(()) };
        let now = slices::version(self.connection)?;
        if now != version.get() {
            slices::learn(self.connection, slices)?;
            version.set(now);
        }
        Ok(())
    }

    /// Begins the next slice of each table whose newest one is full, in a transaction of its own.
    pub(in crate::store) fn grow_slices(&self) -> Result<()> {
        let Known::All { slices, version, .. } = &self.slices else { return Ok(()) };
        if !slices::is_any_full(slices) {
            return Ok(());
        }
        let begun = self.in_transaction(|| Ok(slices::begin_next(self.connection, slices)?));
        // Whether a transaction took place whose end failed is not known.
        version.set(if begun.is_ok() { version.get() } else { i64::MIN });
        for next in begun? {
            next.note(slices);
        }
        Ok(())
    }

    pub(in crate::store) fn slices(&self, table: Sliced) -> Result<Vec<i64>> {
        match &self.slices {
            Known::One => Ok(vec![0]),
            Known::Nothing | Known::All { .. } => Ok(slices::numbers(self.connection, table)?),
        }
    }

    pub(in crate::store) fn slices_with(&self, name: Name) -> Result<Vec<i64>> {
        match &self.slices {
            Known::All { slices: known, .. } => Ok(known.of(name.table).borrow().all_with(name)),
            Known::Nothing | Known::One => self.slices(name.table),
        }
    }

    pub(in crate::store) fn place(&self, name: Name) -> Result<(i64, Vec<i64>)> {
        match &self.slices {
            Known::All { slices: known, .. } => {
                let known = known.of(name.table).borrow();
                Ok((known.newest, known.full_with(name)))
            }
            Known::Nothing | Known::One => {
                let mut slices = self.slices(name.table)?;
                let newest = if slices.is_empty() { 0 } else { slices.remove(0) };
                Ok((newest, slices))
            }
        }
    }

    pub(in crate::store) fn note(&self, name: Name) {
        if let Known::All { slices: known, .. } = &self.slices {
            known.of(name.table).borrow_mut().note(name);
        }
    }

    pub(in crate::store) fn caller(&self, actor: &Actor) -> Option<i64> {
        let Known::All { callers, .. } = &self.slices else { return None };
        callers.borrow().get(actor).copied()
    }

    pub(in crate::store) fn note_caller(&self, actor: &Arc<Actor>, id: i64) {
        let Known::All { callers, .. } = &self.slices else { return };
        let mut callers = callers.borrow_mut();
        if callers.len() >= CALLERS_MAX {
            callers.clear();
        }
        callers.insert(Arc::clone(actor), id);
    }

    pub(in crate::store) fn execute(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<usize> {
        let mut changed = 0;
        self.held.with(sql, &mut |statement| {
            changed = statement.execute(params_from_iter(values))?;
            Ok(())
        })?;
        Ok(changed)
    }

    pub(in crate::store) fn insert(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<i64>> {
        let is_made = self.execute(sql, values)? == 1;
        Ok(is_made.then(|| self.connection.last_insert_rowid()))
    }

    pub(in crate::store) fn each(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        mut read: impl FnMut(&mut Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.held.with(sql, &mut |statement| each(statement, values, &mut read))
    }

    pub(in crate::store) fn each_of_composed(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&mut Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        each(&mut *self.connection.prepare_cached(sql)?, values, &mut read)
    }

    /// Does `work` in a transaction that writes.
    pub(in crate::store) fn in_transaction<T>(
        &self,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.between(BEGIN_TO_WRITE, || {
            self.see_changes_of_others()?;
            work()
        })
    }

    /// Asks everything of one moment.
    pub(in crate::store) fn at_one_moment<T>(&self, ask: impl FnOnce() -> Result<T>) -> Result<T> {
        self.between("BEGIN", ask)
    }

    /// Does `work` between `begin` and COMMIT.
    fn between<T>(&self, begin: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.execute(begin, &[])?;
        let ended = work().and_then(|result| self.execute("COMMIT", &[]).map(|_| result));
        if ended.is_err() && !self.connection.is_autocommit() {
            // What failed is told; some failures have taken the transaction back already.
            let _ = self.execute("ROLLBACK", &[]);
        }
        ended
    }

    /// Folds the write-ahead log into the database.
    pub(in crate::store) fn fold_log(&self) -> Result<()> {
        Ok(self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }
}

/// Prepared statements by their texts.
trait Statements {
    fn with(
        &self,
        sql: &'static str,
        run: &mut dyn FnMut(&mut Statement<'_>) -> Result<()>,
    ) -> Result<()>;
}

/// Where a text lies that is there for good, and how long it is. To look a statement up by its text
/// itself takes longer than to run some of them.
type Place = (*const u8, usize);

struct Held<'c> {
    connection: &'c Connection,
    by_place: RefCell<HashMap<Place, Rc<RefCell<CachedStatement<'c>>>, RandomState>>,
}

impl Statements for Held<'_> {
    fn with(
        &self,
        sql: &'static str,
        run: &mut dyn FnMut(&mut Statement<'_>) -> Result<()>,
    ) -> Result<()> {
        let place = (sql.as_ptr(), sql.len());
        let known = self.by_place.borrow().get(&place).map(Rc::clone);
        let held = if let Some(held) = known {
            held
        } else {
            let held = Rc::new(RefCell::new(self.connection.prepare_cached(sql)?));
            self.by_place.borrow_mut().insert(place, Rc::clone(&held));
            held
        };
        match held.try_borrow_mut() {
            Ok(mut statement) => run(&mut statement),
            // Its rows are just being read.
            Err(_) => run(&mut *self.connection.prepare_cached(sql)?),
        }
    }
}

fn each(
    statement: &mut Statement<'_>,
    values: &[Value<'_>],
    read: &mut dyn FnMut(&mut Row<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        if read(&mut Row::of_sqlite(row))?.is_break() {
            break;
        }
    }
    Ok(())
}
