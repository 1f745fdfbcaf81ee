//! The daemon as a process that drains a queue of the sandbox into a store on disk. It knows of the
//! daemon what its users know: flags, metrics and the signal to stop.

use std::io::{Read as _, Write as _};
use std::iter::Sum;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use super::process::{Held, Measured, Started};
use super::reached::Reached;
use super::sandbox::SandboxProcess;

/// How often the queue is asked whether it is empty.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the daemon may take.
const DRAIN_TIMEOUT: Duration = Duration::from_mins(10);
/// How long the daemon may take to show what it has counted.
const COUNT_TIMEOUT: Duration = Duration::from_secs(30);

/// A durable family and the sum of its series once everything is read: a daemon that drops what it
/// is told would be fast.
pub type Truth<'a> = [(&'a str, u64)];

/// What the daemon took to drain the queue at its default settings, from its start to its end.
pub fn drained(
    sandbox: &SandboxProcess,
    reached: &Reached,
    truth: &Truth<'_>,
) -> anyhow::Result<Measured> {
    let mut daemon = Daemon::start(sandbox, reached)?;
    let deadline = Instant::now() + DRAIN_TIMEOUT;
    while sandbox.messages_left(reached)? > 0 {
        daemon.expect_running()?;
        ensure!(Instant::now() < deadline, "the daemon does not drain the queue");
        std::thread::sleep(LOOK_EVERY);
    }
    daemon.expect(truth)?;
    daemon.end()
}

/// A daemon that runs at its default settings, with a folder of its own.
pub struct Daemon {
    process: Started,
    ops: SocketAddr,
    folder: TempDir,
}

impl Daemon {
    /// Starts it on a queue of the sandbox.
    pub fn start(sandbox: &SandboxProcess, reached: &Reached) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let ops = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(
            std::env::var("BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_deltrail").into()),
        );
        command
            .args(["run", "--s3-path-style", "--queue-url", &reached.queue_url])
            .args(["--log-bucket", sandbox.log_bucket(), "--app-listen", "127.0.0.1:0"])
            .args(["--ops-listen", &ops.to_string()])
            .env_clear()
            .envs([("AWS_REGION", &reached.region), ("AWS_ENDPOINT_URL", &reached.endpoint)])
            .env("AWS_ACCESS_KEY_ID", &reached.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &reached.secret_access_key)
            // What the benches tell happened at fixed times.
            .env("DELTRAIL_RETENTION", "36500d")
            .envs([("AWS_EC2_METADATA_DISABLED", "true"), ("DELTRAIL_LOG", "warn")])
            .current_dir(folder.path())
            .stdin(Stdio::null());
        Ok(Self { process: Started::of(&mut command)?, ops, folder })
    }

    /// Fails if it has ended.
    pub fn expect_running(&mut self) -> anyhow::Result<()> {
        self.process.expect_running()
    }

    /// What it holds now.
    pub fn held(&self) -> anyhow::Result<Held> {
        self.process.held()
    }

    /// Bytes of a file of its folder; none is empty.
    pub fn file_bytes(&self, name: &str) -> u64 {
        std::fs::metadata(self.folder.path().join(name)).map_or(0, |file| file.len())
    }

    /// The sum of a family's series, as they are shown now.
    pub fn sum_of<T: FromStr + Sum>(&self, family: &str) -> anyhow::Result<T> {
        sum_of(family, &metrics(self.ops)?)
    }

    /// Fails unless it soon shows these sums.
    pub fn expect(&self, truth: &Truth<'_>) -> anyhow::Result<()> {
        let deadline = Instant::now() + COUNT_TIMEOUT;
        loop {
            let metrics = metrics(self.ops)?;
            let wrong = |&(family, count): &(&str, u64)| match sum_of::<u64>(family, &metrics) {
                Ok(sum) if sum == count => None,
                sum => Some(format!("{family} is {sum:?} and should be {count}")),
            };
            let Some(wrong) = truth.iter().find_map(wrong) else { return Ok(()) };
            ensure!(Instant::now() < deadline, "{wrong}");
            // A new series shows its value on the second scrape.
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Asks it to end, and says what it took.
    pub fn end(mut self) -> anyhow::Result<Measured> {
        self.process.terminate()?;
        self.process.until_end()
    }
}

fn sum_of<T: FromStr + Sum>(family: &str, metrics: &str) -> anyhow::Result<T> {
    let is_of_it =
        |line: &&str| line.strip_prefix(family).is_some_and(|rest| rest.starts_with('{'));
    let values = metrics.lines().filter(is_of_it).filter_map(|line| line.rsplit_once(' '));
    values.map(|(_, value)| value.parse::<T>().ok().context("a figure")).sum()
}

fn metrics(ops: SocketAddr) -> anyhow::Result<String> {
    let mut connection = TcpStream::connect(ops)?;
    connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: ops\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
