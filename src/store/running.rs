//! A store that runs: one thread writes, a few connections read beside it. It knows how work gets
//! to them, not what the work is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use deltrail_core::domain::{Removal, Source};
use tokio::sync::{Semaphore, oneshot};

use super::bounded::bounded;
use super::session::{self, Connection, Session, explain};
use super::sqlite::directory_of;
use super::tables::{gauges, read};
use super::writer::{Commit, Job, Pulse, Writer};
use super::{
    Batch, CommitReport, Forget, ForgetReport, Gauges, LedgerKey, Location, Options, ProofOfLife,
    RowCounts, Settle, SettleReport, StoreError, StoreSize, Total,
};

/// Rows of batches that may wait for the writer: two groups, so that one is ready when the other is
/// on the disk. Whoever brings more waits.
const WAITING_ROWS_MAX: u32 = 20_000;

/// Connections that read a file side by side.
const READERS_MAX: usize = 4;

type WriterThread = JoinHandle<Result<(), StoreError>>;

/// See the methods of [`super::Store`].
#[derive(Debug)]
pub(super) struct RunningStore {
    location: Location,
    jobs: Sender<Job>,
    waiting_rows: Arc<Semaphore>,
    pulse: Arc<Pulse>,
    readers: Arc<Semaphore>,
    idle_readers: Arc<Mutex<Vec<Connection>>>,
    thread: Mutex<Option<WriterThread>>,
}

impl RunningStore {
    pub(super) fn open(options: Options) -> Result<Self, StoreError> {
        let location = options.location.clone();
        let place = location.to_string();
        let no_thread = |detail: String| {
            let detail = format!("no thread for its writer: {detail}");
            StoreError::CannotOpen { store: place.clone(), detail }
        };
        let (sender, jobs) = channel();
        let (opens, opened) = channel();
        let pulse = Arc::new(Pulse::new());
        let writer = Writer { options, jobs, pulse: Arc::clone(&pulse) };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(&opens))
            .map_err(|error| no_thread(error.to_string()))?;
        opened.recv().map_err(|error| no_thread(error.to_string()))??;
        Ok(Self {
            location,
            jobs: sender,
            waiting_rows: Arc::new(Semaphore::new(WAITING_ROWS_MAX as usize)),
            pulse,
            readers: Arc::new(Semaphore::new(READERS_MAX)),
            idle_readers: Arc::default(),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<CommitReport, StoreError> {
        let batch = bounded(batch);
        let rows = u32::try_from(batch.rows()).unwrap_or(u32::MAX).min(WAITING_ROWS_MAX);
        let permit = Arc::clone(&self.waiting_rows)
            .acquire_many_owned(rows)
            .await
            .map_err(|_| self.closed())?;
        let (answer, answered) = oneshot::channel();
        self.send(Job::Commit(Box::new(Commit { batch, answer, permit })))?;
        answered.await.map_err(|_| self.closed())?
    }

    pub(super) async fn settle(&self, ask: Settle) -> Result<SettleReport, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Settle(Box::new((ask, answer))))?;
        answered.await.map_err(|_| self.closed())?
    }

    pub(super) async fn forget(&self, ask: Forget) -> Result<ForgetReport, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Forget(Box::new((ask, answer))))?;
        answered.await.map_err(|_| self.closed())?
    }

    /// Writes something small, in a transaction of its own.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        write: impl Fn(&Session<'_>, &Options) -> session::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Write(Box::new(move |work| {
            // Whoever asked may have given up; what was written stays so.
            let _ = answer.send(work.write(write));
        })))?;
        answered.await.map_err(|_| self.closed())?
    }

    pub(super) async fn gauges(&self) -> Result<Gauges, StoreError> {
        self.read(gauges).await
    }

    pub(super) async fn committed_as(&self, key: LedgerKey) -> Result<Option<Source>, StoreError> {
        self.read(move |session| read::committed_as(session, &key)).await
    }

    pub(super) async fn totals(&self) -> Result<Vec<Total>, StoreError> {
        self.read(read::totals).await
    }

    pub(super) async fn row_counts(&self) -> Result<RowCounts, StoreError> {
        self.read(read::row_counts).await
    }

    pub(super) async fn removals(
        &self,
        bucket: String,
        key: String,
    ) -> Result<Vec<Removal>, StoreError> {
        self.read(move |session| read::removals(session, &bucket, &key)).await
    }

    pub(super) async fn sources(&self) -> Result<Vec<ProofOfLife>, StoreError> {
        self.read(read::sources).await
    }

    pub(super) fn size(&self) -> Result<StoreSize, StoreError> {
        let Location::File(path) = &self.location else {
            return Ok(StoreSize { bytes: self.pulse.bytes(), free_bytes: None });
        };
        let measured = (|| {
            let log_bytes = match std::fs::metadata(log_path(path)) {
                Ok(log) => log.len(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
                Err(error) => return Err(error),
            };
            let disk = rustix::fs::statvfs(directory_of(path))?;
            Ok(StoreSize {
                bytes: std::fs::metadata(path)?.len() + log_bytes,
                free_bytes: Some(disk.f_bavail.saturating_mul(disk.f_frsize)),
            })
        })();
        measured.map_err(|error: std::io::Error| StoreError::Disk {
            store: self.location.to_string(),
            detail: error.to_string(),
        })
    }

    pub(super) fn writer_ticked_at(&self) -> Instant {
        self.pulse.ticked_at()
    }

    pub(super) async fn close(&self) -> Result<(), StoreError> {
        // Readers go first: the last connection to leave tidies the file up.
        self.idle_readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let _ = self.jobs.send(Job::Close);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return Ok(()) };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        joined.map_err(|_| self.closed())?.map_err(|_| self.closed())?
    }

    /// Reads beside the writer, or through it when the rows are in its memory.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Session<'_>) -> session::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let result = match &self.location {
            Location::Memory => {
                let (answer, answered) = oneshot::channel();
                self.send(Job::Read(Box::new(move |session| {
                    // Whoever asked may have given up.
                    let _ = answer.send(ask(session));
                })))?;
                answered.await.map_err(|_| self.closed())?
            }
            Location::File(_) | Location::Postgres(_) => self.read_beside(ask).await?,
        };
        result.map_err(|error| explain(&self.location.to_string(), &error))
    }

    async fn read_beside<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Session<'_>) -> session::Result<T> + Send + 'static,
    ) -> Result<session::Result<T>, StoreError> {
        let permit = Arc::clone(&self.readers).acquire_owned().await.map_err(|_| self.closed())?;
        let (idle, location) = (Arc::clone(&self.idle_readers), self.location.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let waiting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match waiting {
                Some(connection) => connection,
                None => Connection::open_reader(&location)?,
            };
            let session = connection.session();
            session.revive()?;
            let result = ask(&session);
            drop(session);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            Ok(result)
        });
        asked.await.map_err(|_| self.closed())?
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        self.jobs.send(job).map_err(|_| self.closed())
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed { store: self.location.to_string() }
    }
}

/// SQLite's write-ahead log beside the database.
fn log_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push("-wal");
    PathBuf::from(name)
}
