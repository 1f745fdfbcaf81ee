//! The daemon as a process that drains the sandbox's queue of events into a store on disk. It knows
//! of the daemon what its users know: flags, metrics and the signal to stop.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::measured::{Measured, Started};
use super::sandbox::SandboxProcess;

/// How often the queue is asked whether it is empty.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the daemon may take.
const DRAIN_TIMEOUT: Duration = Duration::from_mins(10);
/// How long the daemon may take to show what it has counted.
const COUNT_TIMEOUT: Duration = Duration::from_secs(30);

const REMOVALS: &str = "deltrail_objects_removed_total{";

/// What the daemon took to drain the queue, from its start to its end.
pub fn drained(sandbox: &SandboxProcess, count: u32) -> anyhow::Result<Measured> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let ops = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let [endpoint, region, key, secret, queue_url] = sandbox.how_to_reach();
    let mut command = Command::new(env!("CARGO_BIN_EXE_deltrail"));
    command
        .args(["run", "--s3-path-style", "--queue-url", queue_url])
        .args(["--log-bucket", sandbox.log_bucket(), "--ops-listen", &ops.to_string()])
        .arg(format!("--store=sqlite://{}", folder.path().join("deltrail.db").display()))
        .env_clear()
        .envs([("AWS_REGION", region), ("AWS_EC2_METADATA_DISABLED", "true")])
        .envs([("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret)])
        .envs([("AWS_ENDPOINT_URL", endpoint), ("DELTRAIL_LOG", "warn")])
        .current_dir(folder.path())
        .stdin(Stdio::null());
    let mut daemon = Started::of(&mut command)?;
    let deadline = Instant::now() + DRAIN_TIMEOUT;
    while sandbox.messages_left()? > 0 {
        daemon.expect_running()?;
        ensure!(Instant::now() < deadline, "the daemon does not drain the queue");
        std::thread::sleep(LOOK_EVERY);
    }
    expect_removals(ops, u64::from(count))?;
    let stopped = Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status()?;
    ensure!(stopped.success(), "the daemon cannot be stopped");
    daemon.until_end()
}

/// A daemon that drops what it is told would be fast.
fn expect_removals(ops: SocketAddr, count: u64) -> anyhow::Result<()> {
    let deadline = Instant::now() + COUNT_TIMEOUT;
    loop {
        let removals = removals_in(&metrics(ops)?)?;
        if removals == count {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the daemon counts {removals} removals of {count}");
        // A new series shows its value on the second scrape.
        std::thread::sleep(LOOK_EVERY);
    }
}

fn removals_in(metrics: &str) -> anyhow::Result<u64> {
    let samples = metrics.lines().filter(|line| line.starts_with(REMOVALS));
    let values = samples.filter_map(|line| line.rsplit_once(' '));
    values.map(|(_, value)| value.parse::<u64>().context("a count of removals")).sum()
}

fn metrics(ops: SocketAddr) -> anyhow::Result<String> {
    let mut connection = TcpStream::connect(ops)?;
    connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: ops\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
