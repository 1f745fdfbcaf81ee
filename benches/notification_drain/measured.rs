//! The processor time of a process from its start to its end, as Linux counts it. It knows nothing
//! of what the process does.

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
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// User and system time of all its threads.
    pub cpu_seconds: f64,
    elapsed: Duration,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12.2} s, {:>6.2} s", self.cpu_seconds, self.elapsed.as_secs_f64())
    }
}

/// A process that runs; killed when it is dropped.
pub struct Started {
    process: Child,
    since: Instant,
}

impl Started {
    /// Starts it.
    pub fn of(command: &mut Command) -> anyhow::Result<Self> {
        let process = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        Ok(Self { process, since: Instant::now() })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Fails if it has ended.
    pub fn expect_running(&mut self) -> anyhow::Result<()> {
        let ended = self.process.try_wait()?;
        ensure!(ended.is_none(), "it ended before its time: {ended:?}");
        Ok(())
    }

    /// Waits until it has ended well.
    pub fn until_end(mut self) -> anyhow::Result<Measured> {
        let deadline = Instant::now() + END_TIMEOUT;
        let stat = format!("/proc/{}/stat", self.process.id());
        // What has ended is shown until somebody takes note of it, with all that it took.
        let cpu_seconds = loop {
            let shown = std::fs::read_to_string(&stat)?;
            let (state, cpu_seconds) = parsed(&shown)?;
            if state == "Z" {
                break cpu_seconds;
            }
            ensure!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(LOOK_EVERY);
        };
        let elapsed = self.since.elapsed();
        let status = self.process.wait()?;
        ensure!(status.success(), "it ended with {status}");
        Ok(Measured { cpu_seconds, elapsed })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended, and been taken note of.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// State and processor time out of `/proc/PID/stat`: the name of the program, in parentheses, may
/// hold anything, and what follows it is counted from there.
fn parsed(stat: &str) -> anyhow::Result<(&str, f64)> {
    let (_, rest) = stat.rsplit_once(')').context("a process without a name")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| -> anyhow::Result<f64> {
        let text = fields.get(at).context("a process without processor time")?;
        Ok(text.parse()?)
    };
    let state = fields.first().context("a process without a state")?;
    Ok((state, (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND))
}
