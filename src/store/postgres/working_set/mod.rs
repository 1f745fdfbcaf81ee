//! A commit to PostgreSQL. One statement for each row would wait for the line each time, so what a
//! commit may read is loaded at once into tables in memory, the same commit as everywhere runs
//! there, and what it changed is written back at once.
//!
//! The buckets of a commit are locked before anything is read, in their order: whatever is counted
//! of a bucket is read and written by one at a time, on however many machines. Commits to different
//! buckets run side by side.

mod copy;
mod fetch;
mod load;
mod memory;
mod named;
mod neighbours;
mod pieces;
mod write;

use std::cell::RefCell;

use deltrail_core::domain::Timestamp;
use tokio_postgres::error::SqlState;

pub(in crate::store) use self::memory::open_memory;

use self::copy::Array;
use self::fetch::{Ask, Fetch};
use self::load::load;
use self::memory::{Memory, Table};
use self::named::Named;
use self::write::Write;
use super::PostgresConnection;
use super::explain::is_elsewhere;
use crate::store::session::{Result, Session, SqlError};
use crate::store::sqlite::SqliteSession;
use crate::store::tables::commit_batches;
use crate::store::{Batch, CommitReport, Options};

/// How often a commit is tried that others were in the way of.
const ATTEMPTS_MAX: usize = 5;

/// What those lock who give a bucket its label: how many have one is counted. The number has no
/// meaning.
const LABELS_LOCK: i64 = 0x6c61_6265_6c73_0001;

/// Begins a commit: beside others, but not while somebody forgets what nothing refers to, because
/// a commit may be about to refer to it. The number has no meaning.
const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock_shared(7809632);";

/// Waits for the commits that run, and keeps others from beginning.
pub(in crate::store) const KEEP_COMMITS_OUT: &str = "SELECT pg_advisory_xact_lock(7809632)";

/// The tables in memory, and the commit that runs on them.
pub(in crate::store) struct WorkingSet<'m> {
    memory: Memory<'m>,
    session: Session<'m>,
    connection: &'m PostgresConnection,
}

impl<'m> WorkingSet<'m> {
    /// On an empty database that [`open_memory`] opened, for commits over this connection.
    pub(in crate::store) fn new(
        memory: &'m rusqlite::Connection,
        connection: &'m PostgresConnection,
    ) -> Result<Self> {
        let session = Session::Sqlite(SqliteSession::in_one_slice(memory));
        Ok(Self { memory: Memory::new(memory)?, session, connection })
    }

    /// Commits batches in a transaction of their own; `now` is when.
    pub(in crate::store) fn commit(
        &self,
        options: &Options,
        batches: &[&Batch],
        now: Timestamp,
    ) -> Result<Vec<CommitReport>> {
        let mut attempt = 1;
        loop {
            let ended = self.memory.with_empty_tables(|| self.try_commit(options, batches, now));
            let Err(error) = ended else { return ended };
            // Without a line there is nothing to take back.
            let _ = self.connection.batch("ROLLBACK");
            if matches!(&error, SqlError::Postgres(error) if is_elsewhere(error)) {
                self.connection.abandon();
            }
            if attempt == ATTEMPTS_MAX || !is_conflict(&error) {
                return Err(error);
            }
            attempt += 1;
        }
    }

    fn try_commit(
        &self,
        options: &Options,
        batches: &[&Batch],
        now: Timestamp,
    ) -> Result<Vec<CommitReport>> {
        let named = Named::by(batches);
        let (connection, memory) = (self.connection, &self.memory);
        begin(connection, &named)?;
        let fetch = Fetch { connection, memory, actors: RefCell::default() };
        load(&fetch, &named, batches, now)?;
        load_labels(&fetch, &named)?;
        let reports = commit_batches(&self.session, options, batches, now)?;
        Write { connection, memory }.all()?;
        connection.batch("COMMIT")?;
        Ok(reports)
    }
}

/// Whether somebody else was in the way, who is done by now.
fn is_conflict(error: &SqlError) -> bool {
    let SqlError::Postgres(error) = error else { return false };
    let conflicts = [
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::UNIQUE_VIOLATION,
        SqlState::EXCLUSION_VIOLATION,
    ];
    error.code().is_some_and(|state| conflicts.contains(state))
}

/// Begins the transaction, and locks its buckets.
fn begin(connection: &PostgresConnection, named: &Named<'_>) -> Result<()> {
    connection.batch(BEGIN)?;
    if named.buckets.is_empty() {
        return Ok(());
    }
    let buckets = Array::texts(named.buckets.iter().copied());
    let lock = "SELECT bucket FROM bucket_locks WHERE bucket = ANY($1::text[])
        ORDER BY bucket FOR UPDATE";
    if connection.query(lock, &[buckets.value()])?.len() == named.buckets.len() {
        return Ok(());
    }
    // Rows that are made while others are locked would be locked out of their order.
    connection.batch("ROLLBACK")?;
    connection.execute(
        "INSERT INTO bucket_locks (bucket) SELECT i.bucket FROM unnest($1::text[]) AS i (bucket)
         ORDER BY i.bucket COLLATE \"C\" ON CONFLICT DO NOTHING",
        &[buckets.value()],
    )?;
    connection.batch(BEGIN)?;
    connection.query(lock, &[buckets.value()])?;
    Ok(())
}

/// Loads all buckets that have a label, when one may be given: one at a time gives any.
fn load_labels(fetch: &Fetch<'_, '_>, named: &Named<'_>) -> Result<()> {
    let buckets: Vec<&str> = named.counted_buckets.iter().copied().collect();
    if fetch.memory.holds_all(Table::LabelledBuckets, "bucket", &buckets)? {
        return Ok(());
    }
    fetch.connection.query("SELECT pg_advisory_xact_lock($1)", &[&LABELS_LOCK])?;
    let asked = Ask {
        table: Table::LabelledBuckets,
        from: "labelled_buckets AS t WHERE t.is_named = 1 AND $1::bigint[] IS NOT NULL",
        values: vec![Array::integers([1])],
    };
    fetch.all(&[asked]).map(drop)
}

#[cfg(test)]
mod tests;
