//! How the daemon stands what lasts: hours of work in minutes, a backlog, a purge. Not what it
//! takes, which the other benches tell, but what it holds meanwhile: memory, files, the write-ahead
//! log, the age of what waits; and that every removal is counted in the end.
//!
//! `cargo bench --bench performance -- soak [--minutes 10]`,
//! `-- backlog [--objects 100000]`, `-- purge [--removals 10000000]`

mod watched;

use std::time::{Duration, Instant};

use anyhow::ensure;
use flate2::Compression;

use self::watched::Watched;
use super::daemon::{Daemon, LogObject, LogWriter, REMOVALS, SandboxProcess};
use super::harness::{Flags, Row, Table};
use super::profiles::{Profile, Truth};

const MIXED: Profile = Profile::Mixed { deletes_per_mille: 50 };
/// Log objects that wait in the queue while the daemon is fed: it always finds some, and none waits
/// long.
const WAITING_MAX: u64 = 2_000;
/// Log objects that are composed and put at a time.
const PORTION: usize = 200;
/// Records of a log object while a purge is under way.
const PURGE_RECORDS: u64 = 20_000;
/// How long the daemon may take for what is left in the queue.
const DRAIN_TIMEOUT: Duration = Duration::from_hours(2);

/// As many small log objects as the daemon can take, for `--minutes`.
pub fn soak(mut flags: Flags) -> anyhow::Result<Table> {
    let minutes: u64 = flags.value("--minutes", 10)?;
    flags.expect_no_others()?;
    ensure!(minutes > 0, "there has to be time");
    let mut run = Run::new("soak", LogWriter::new(MIXED, Compression::default()))?;
    let mut watched = Watched::by(Daemon::start(&run.sandbox, &run.sandbox.logs())?);
    let end = Instant::now() + Duration::from_mins(minutes);
    while Instant::now() < end {
        if run.sandbox.messages_left(&run.sandbox.logs())? < WAITING_MAX {
            run.feed(PORTION, LogWriter::next_of_few_records)?;
        }
        watched.look()?;
    }
    run.drained(watched)
}

/// A backlog of `--objects` small log objects.
pub fn backlog(mut flags: Flags) -> anyhow::Result<Table> {
    let objects: usize = flags.value("--objects", 100_000)?;
    flags.expect_no_others()?;
    ensure!(objects > 0, "there has to be a backlog");
    let mut run = Run::new("backlog", LogWriter::new(MIXED, Compression::default()))?;
    while run.objects < objects {
        run.feed(PORTION.min(objects - run.objects), LogWriter::next_of_few_records)?;
    }
    let daemon = Daemon::start(&run.sandbox, &run.sandbox.logs())?;
    run.drained(Watched::by(daemon))
}

/// At least `--removals` at once, one call each or many in one.
pub fn purge(mut flags: Flags) -> anyhow::Result<Table> {
    let removals: u64 = flags.value("--removals", 10_000_000)?;
    flags.expect_no_others()?;
    ensure!(removals > 0, "there has to be something to remove");
    let mut run = Run::new("purge", LogWriter::new(Profile::Deletes, Compression::fast()))?;
    while run.removals < removals {
        run.feed(1, |writer| writer.next_object(PURGE_RECORDS))?;
    }
    let daemon = Daemon::start(&run.sandbox, &run.sandbox.logs())?;
    run.drained(Watched::by(daemon))
}

/// A sandbox that is fed with log objects, and what they tell.
struct Run {
    name: &'static str,
    sandbox: SandboxProcess,
    writer: LogWriter,
    objects: usize,
    removals: u64,
}

impl Run {
    fn new(name: &'static str, writer: LogWriter) -> anyhow::Result<Self> {
        Ok(Self { name, sandbox: SandboxProcess::start(0)?, writer, objects: 0, removals: 0 })
    }

    /// Puts so many log objects more into the bucket.
    fn feed(
        &mut self,
        count: usize,
        next: impl Fn(&mut LogWriter) -> anyhow::Result<(LogObject, Truth)>,
    ) -> anyhow::Result<()> {
        let mut objects = Vec::with_capacity(count);
        for _ in 0..count {
            let (object, truth) = next(&mut self.writer)?;
            objects.push(object);
            self.removals += truth.removals;
        }
        self.objects += objects.len();
        self.sandbox.put(&objects)
    }

    /// Waits until everything is read and counted, and says what the daemon held meanwhile.
    fn drained(self, mut watched: Watched) -> anyhow::Result<Table> {
        let deadline = Instant::now() + DRAIN_TIMEOUT;
        while self.sandbox.messages_left(&self.sandbox.logs())? > 0 {
            ensure!(Instant::now() < deadline, "the daemon does not drain the queue");
            watched.look()?;
        }
        let seconds = watched.elapsed().as_secs_f64();
        let mut table = Table::new(self.name);
        let (objects, removals) = (self.objects as f64, self.removals as f64);
        let mut rows = vec![
            Row::once("log objects", "objects", objects),
            Row::once("removals", "removals", removals),
            Row::once("time", "s", seconds),
            Row::once("log objects", "objects/s", objects / seconds),
            Row::once("removals", "removals/s", removals / seconds),
        ];
        rows.extend(watched.ended(&[(REMOVALS, self.removals)])?);
        for row in rows {
            table.push(row);
        }
        Ok(table)
    }
}
