//! The one thread that writes: it takes what waits, commits it as a group, and answers each batch
//! only after the COMMIT. It does not know what a commit consists of.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::{Duration, Instant};

use deltrail_core::domain::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::postgres::WorkingSet;
use super::session::{Connection, Result, Session, SqlError, explain};
use super::tables::{advance, commit_batches, forget, settle};
use super::{
    Batch, CommitReport, Forget, ForgetReport, Location, Options, Settle, SettleReport, StoreError,
};

/// A group takes no further batch once it has so many rows.
const GROUP_ROWS_MAX: usize = 10_000;

/// After a group of several batches with so many rows more are probably on their way.
const BUSY_ROWS: usize = 16;
/// The next group waits for further batches as long as one comes within this time,
const GATHER_PAUSE: Duration = Duration::from_millis(4);
/// and no longer than this in all.
const GATHER_MAX: Duration = Duration::from_millis(60);

/// How often a transaction is tried that another writer of the store was in the way of.
const ATTEMPTS_MAX: u32 = 5;

/// How often the size of a database is asked of its server.
const MEASURE: Duration = Duration::from_secs(30);

/// How often the writer says that it is alive when there is nothing to write.
const TICK: Duration = Duration::from_secs(1);

/// Something for the writer to do.
pub(super) enum Job {
    /// Commit a batch.
    Commit(Box<Commit>),
    /// Settle what may be settled.
    Settle(Box<(Settle, oneshot::Sender<Result<SettleReport, StoreError>>)>),
    /// Forget a part of what is old.
    Forget(Box<(Forget, oneshot::Sender<Result<ForgetReport, StoreError>>)>),
    /// Write something small, in a transaction of its own.
    Write(Box<dyn FnOnce(&Work<'_>) + Send>),
    /// Read on the writing connection: the only one that sees a store in memory.
    Read(Box<dyn FnOnce(&Session<'_>) + Send>),
    /// Stop, after everything that was sent before.
    Close,
}

/// A batch that waits.
pub(super) struct Commit {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Result<CommitReport, StoreError>>,
    /// Its share of the rows that may wait; given back when it is answered.
    pub(super) permit: OwnedSemaphorePermit,
}

/// What others may see of the writer.
#[derive(Debug)]
pub(super) struct Pulse {
    started_at: Instant,
    ticked_millis: AtomicU64,
    /// Bytes of the rows, where the file system does not know.
    bytes: AtomicU64,
}

impl Pulse {
    pub(super) fn new() -> Self {
        let zero = AtomicU64::default;
        Self { started_at: Instant::now(), ticked_millis: zero(), bytes: zero() }
    }

    pub(super) fn ticked_at(&self) -> Instant {
        self.started_at + Duration::from_millis(self.ticked_millis.load(Ordering::Relaxed))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn tick(&self) {
        let millis = u64::try_from(self.started_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.ticked_millis.store(millis, Ordering::Relaxed);
    }
}

/// The writer before it begins.
pub(super) struct Writer {
    pub(super) options: Options,
    pub(super) jobs: Receiver<Job>,
    pub(super) pulse: Arc<Pulse>,
}

impl Writer {
    /// Opens the database and says to `opened` how that went. Works until it is told to close or
    /// nobody is left who could ask, then tidies the database up.
    pub(super) fn run(self, opened: &Sender<Result<(), StoreError>>) -> Result<(), StoreError> {
        match Connection::open_writer(&self.options.location) {
            Ok(connection) => self.work_on(&connection, opened),
            Err(error) => {
                // Whoever opens a store waits for this.
                let _ = opened.send(Err(error));
                Ok(())
            }
        }
    }

    /// Whoever opens a store is told that it is open when nothing is left that could fail.
    fn work_on(
        self,
        connection: &Connection,
        opened: &Sender<Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        let Self { options, jobs, pulse } = self;
        let mut session = connection.session();
        let working_set = match session.learn_slices().and_then(|()| connection.working_set()) {
            Ok(working_set) => working_set,
            Err(error) => {
                let _ = opened.send(Err(explain(&options.location.to_string(), &error)));
                return Ok(());
            }
        };
        let work = Work {
            session: &session,
            working_set: working_set.as_ref(),
            options: &options,
            jobs: &jobs,
            pulse: &pulse,
        };
        let _ = opened.send(Ok(()));
        work.until_closed();
        session.tidy_up(&options.writer).map_err(|error| work.explain(&error))
    }
}

/// The writer at work.
pub(super) struct Work<'a> {
    session: &'a Session<'a>,
    /// Where commits are worked out, if not on the session.
    working_set: Option<&'a WorkingSet<'a>>,
    options: &'a Options,
    jobs: &'a Receiver<Job>,
    pulse: &'a Pulse,
}

impl Work<'_> {
    fn until_closed(&self) {
        let mut next = None;
        let mut is_busy = false;
        self.measure();
        let mut measured_at = Instant::now();
        loop {
            self.pulse.tick();
            if measured_at.elapsed() >= MEASURE {
                self.measure();
                measured_at = Instant::now();
            }
            let job = match next.take() {
                Some(job) => Ok(job),
                None => self.jobs.recv_timeout(TICK),
            };
            match job {
                Ok(Job::Commit(first)) => {
                    let group;
                    (group, next) = self.gather(*first, is_busy);
                    let rows: usize = group.iter().map(|commit| commit.batch.rows()).sum();
                    is_busy = group.len() > 1 && rows >= BUSY_ROWS;
                    self.commit(group);
                }
                Ok(Job::Settle(ask)) => {
                    let (ask, answer) = *ask;
                    // Whoever asked may have given up; what is settled stays so.
                    let _ = answer.send(self.settle(&ask));
                }
                Ok(Job::Forget(ask)) => {
                    let (ask, answer) = *ask;
                    let _ = answer.send(self.forget(&ask));
                }
                Ok(Job::Write(write)) => write(self),
                Ok(Job::Read(read)) => read(self.session),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Job::Close) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Everything that waits, up to the limit, and the job after it when that is no batch. When
    /// `is_busy`, also what comes within a moment: a transaction of many small batches costs little
    /// more than one of one.
    fn gather(&self, first: Commit, is_busy: bool) -> (Vec<Commit>, Option<Job>) {
        let deadline = Instant::now() + GATHER_MAX;
        let mut rows = first.batch.rows();
        let mut group = vec![first];
        let mut came = is_busy;
        while rows < GROUP_ROWS_MAX {
            match self.jobs.try_recv() {
                Ok(Job::Commit(commit)) => {
                    rows += commit.batch.rows();
                    group.push(*commit);
                    came = is_busy;
                }
                Ok(other) => return (group, Some(other)),
                // Asleep rather than waiting for the next one, which would have to wake it.
                Err(TryRecvError::Empty) if came && Instant::now() < deadline => {
                    std::thread::sleep(GATHER_PAUSE);
                    came = false;
                }
                Err(_) => break,
            }
        }
        (group, None)
    }

    /// Commits a group and answers. When the group fails for what may be one batch's fault, each
    /// batch is tried alone, so that a bad one does not fail the others.
    fn commit(&self, group: Vec<Commit>) {
        let batches: Vec<&Batch> = group.iter().map(|commit| &commit.batch).collect();
        let results = match self.commit_together(&batches) {
            Ok(reports) => reports.into_iter().map(Ok).collect(),
            Err(error) if error.is_transient() || batches.len() == 1 => {
                vec![Err(error); batches.len()]
            }
            Err(_) => batches.into_iter().map(|batch| self.commit_alone(batch)).collect(),
        };
        if self.options.location == Location::Memory {
            self.measure();
        }
        for (commit, result) in group.into_iter().zip(results) {
            // Whoever asked may have given up; the rows are kept, and asking again finds them.
            let _ = commit.answer.send(result);
            drop(commit.permit);
        }
    }

    fn commit_alone(&self, batch: &Batch) -> Result<CommitReport, StoreError> {
        self.pulse.tick();
        self.commit_together(&[batch]).map(|mut reports| reports.pop().unwrap_or_default())
    }

    fn commit_together(&self, batches: &[&Batch]) -> Result<Vec<CommitReport>, StoreError> {
        let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        let Some(working_set) = self.working_set else {
            self.session.grow_slices().map_err(|error| self.explain(&error))?;
            let commit = || commit_batches(self.session, self.options, batches, now);
            return self.in_transaction(commit);
        };
        self.session.revive()?;
        let committed = working_set.commit(self.options, batches, now);
        committed.map_err(|error| self.explain(&error))
    }

    fn settle(&self, ask: &Settle) -> Result<SettleReport, StoreError> {
        let held =
            self.in_transaction(|| advance(self.session, &self.options.writer, &ask.holds))?;
        self.in_transaction(|| settle(self.session, self.options, ask, &held))
    }

    fn forget(&self, ask: &Forget) -> Result<ForgetReport, StoreError> {
        self.in_transaction(|| forget(self.session, ask))
    }

    /// Does something small in a transaction of its own, again when another writer was in the way.
    pub(super) fn write<T>(
        &self,
        write: impl Fn(&Session<'_>, &Options) -> Result<T>,
    ) -> Result<T, StoreError> {
        self.in_transaction(|| write(self.session, self.options))
    }

    fn in_transaction<T>(&self, work: impl Fn() -> Result<T>) -> Result<T, StoreError> {
        self.session.revive()?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let ended = self.session.in_transaction(&work).map_err(|error| self.explain(&error));
            match ended {
                Err(StoreError::Conflict { .. }) if attempts < ATTEMPTS_MAX => self.pulse.tick(),
                ended => return ended,
            }
        }
    }

    /// Notes how many bytes the rows take where the file system cannot be asked.
    fn measure(&self) {
        if self.options.location.path().is_none()
            && let Ok(bytes) = self.session.bytes()
        {
            self.pulse.bytes.store(bytes, Ordering::Relaxed);
        }
    }

    fn explain(&self, error: &SqlError) -> StoreError {
        explain(&self.options.location.to_string(), error)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::store::postgres::{PostgresConnection, Purpose};
    use crate::store::tables::fixtures::{database, options};

    #[test]
    fn a_store_whose_commits_cannot_be_worked_out_is_not_open() {
        let Some(location) = database() else { return };
        let Location::Postgres(address) = &location else { panic!("{location}") };
        let no_database = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(no_database.path(), "these are my notes".repeat(100)).unwrap();
        let connection = Connection::Postgres {
            connection: PostgresConnection::open(address, Purpose::Write).unwrap(),
            memory: Some(rusqlite::Connection::open(no_database.path()).unwrap()),
        };
        let ((opens, opened), (_, jobs)) = (channel(), channel());
        let pulse = Arc::new(Pulse::new());
        let writer = Writer { options: options(location.clone(), 500), jobs, pulse };
        assert_eq!(writer.work_on(&connection, &opens), Ok(()));
        let answer = opened.try_recv().unwrap();
        assert!(matches!(answer, Err(StoreError::Corrupted { .. })), "{answer:?}");
        assert!(opened.try_recv().is_err(), "it is told once");
    }
}
