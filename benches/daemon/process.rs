//! Processor time and memory of a process, as Linux counts them, and which of its threads took how
//! much. It knows nothing of what the process does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

/// Linux counts processor time in hundredths of a second, wherever it shows it to programs.
const TICKS_PER_SECOND: f64 = 100.0;
/// How often a process is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a process may take to end.
const END_TIMEOUT: Duration = Duration::from_mins(10);

/// What a process took.
#[derive(Debug, Clone)]
pub struct Measured {
    /// User and system time of all its threads.
    pub cpu_seconds: f64,
    /// From its start to its end.
    pub elapsed: Duration,
    /// The most that it held in memory.
    pub rss_peak_bytes: u64,
    /// Processor time by the name of the threads, of those that ran in the end.
    thread_seconds: BTreeMap<String, f64>,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu_seconds, elapsed, .. } = self;
        write!(f, "{cpu_seconds:>12.2} s, {:>6.2} s", elapsed.as_secs_f64())
    }
}

impl Measured {
    /// What the threads of this name had taken together when the work was done.
    pub fn seconds_of(&self, thread: &str) -> f64 {
        self.thread_seconds.get(thread).copied().unwrap_or_default()
    }
}

/// What a process holds at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// In memory.
    pub rss_bytes: u64,
    /// File descriptors, sockets included.
    pub open_files: usize,
}

/// A process that runs; killed when it is dropped.
pub struct Started {
    process: Child,
    since: Instant,
    threads: Threads,
}

/// Names and processor time by the number of the thread, as they were last seen.
type Threads = BTreeMap<OsString, (String, f64)>;

impl Started {
    /// Starts it.
    pub fn of(command: &mut Command) -> anyhow::Result<Self> {
        let process = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        Ok(Self { process, since: Instant::now(), threads: Threads::new() })
    }

    /// Fails if it has ended.
    pub fn expect_running(&mut self) -> anyhow::Result<()> {
        let ended = self.process.try_wait()?;
        ensure!(ended.is_none(), "it ended before its time: {ended:?}");
        Ok(())
    }

    /// What it holds now.
    pub fn held(&self) -> anyhow::Result<Held> {
        let of_process = format!("/proc/{}", self.process.id());
        let status = std::fs::read_to_string(format!("{of_process}/status"))?;
        let open_files = std::fs::read_dir(format!("{of_process}/fd"))?.count();
        Ok(Held { rss_bytes: status_bytes(&status, "VmRSS:"), open_files })
    }

    /// Notes what each of its threads has taken so far, and asks it to end.
    pub fn terminate(&mut self) -> anyhow::Result<()> {
        let id = self.process.id();
        self.look_at_threads()?;
        let asked = Command::new("kill").args(["-TERM", &id.to_string()]).status()?;
        ensure!(asked.success(), "the process {id} cannot be asked to end");
        Ok(())
    }

    fn look_at_threads(&mut self) -> anyhow::Result<()> {
        for task in std::fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let task = task?;
            let read = |name| std::fs::read_to_string(task.path().join(name));
            // A thread may end while it is looked at.
            let (Ok(name), Ok(taken)) = (read("comm"), read("schedstat")) else { continue };
            let nanoseconds = taken.split_whitespace().next().context("a thread without time")?;
            // There may be many threads: hundredths of a second of each would be too coarse.
            let seconds = nanoseconds.parse::<f64>()? / 1e9;
            self.threads.insert(task.file_name(), (name.trim_end().to_owned(), seconds));
        }
        Ok(())
    }

    /// Waits until it has ended well.
    pub fn until_end(mut self) -> anyhow::Result<Measured> {
        let deadline = Instant::now() + END_TIMEOUT;
        let of_process = format!("/proc/{}", self.process.id());
        let mut rss_peak_bytes = 0;
        // What has ended is shown until somebody takes note of it, with all the time that it took,
        // and without its memory.
        let cpu_seconds = loop {
            self.look_at_threads()?;
            let status = std::fs::read_to_string(format!("{of_process}/status"))?;
            rss_peak_bytes = rss_peak_bytes.max(status_bytes(&status, "VmHWM:"));
            let stat = std::fs::read_to_string(format!("{of_process}/stat"))?;
            let (state, cpu_seconds) = state_and_seconds(&stat)?;
            if state == "Z" {
                break cpu_seconds;
            }
            ensure!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(LOOK_EVERY);
        };
        let elapsed = self.since.elapsed();
        let status = self.process.wait()?;
        ensure!(status.success(), "it ended with {status}");
        let mut thread_seconds = BTreeMap::new();
        for (name, seconds) in std::mem::take(&mut self.threads).into_values() {
            *thread_seconds.entry(name).or_default() += seconds;
        }
        Ok(Measured { cpu_seconds, elapsed, rss_peak_bytes, thread_seconds })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended, and been taken note of.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A size out of `/proc/PID/status`; 0 for a process that has ended.
fn status_bytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kibibytes.map_or(0, |kibibytes: u64| kibibytes * 1024)
}

/// State and processor time out of `stat`: the name of the program, in parentheses, may hold
/// anything, and what follows it is counted from there.
fn state_and_seconds(stat: &str) -> anyhow::Result<(&str, f64)> {
    let (_, rest) = stat.rsplit_once(')').context("a process without a name")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| -> anyhow::Result<f64> {
        let text = fields.get(at).context("a process without processor time")?;
        Ok(text.parse()?)
    };
    let state = fields.first().context("a process without a state")?;
    Ok((state, (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND))
}
