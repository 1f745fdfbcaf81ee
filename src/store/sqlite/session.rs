//! Work on a SQLite connection, with the statements that it has run. It knows none of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use foldhash::fast::RandomState;
use rusqlite::{CachedStatement, Connection, Statement, params_from_iter};

use crate::store::session::{Result, Row, Value};

/// See [`crate::store::session::Session`].
pub(in crate::store) struct SqliteSession<'c> {
    connection: &'c Connection,
    // A cell that holds what borrows the connection would have to be lent for exactly as long; what
    // is behind `dyn` need not.
    held: Box<dyn Statements + 'c>,
}

impl<'c> SqliteSession<'c> {
    pub(in crate::store) fn new(connection: &'c Connection) -> Self {
        Self { connection, held: Box::new(Held { connection, by_place: RefCell::default() }) }
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

    /// Does `work` between `begin` and COMMIT.
    pub(in crate::store) fn in_transaction<T>(
        &self,
        begin: &'static str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
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
