//! What the running daemon tells nobody, what it does not learn, and how its listeners are
//! encrypted. The real program as its own process; it knows the contract, and nothing of how the
//! program keeps it.

mod retention;
mod secrets;
mod tls;

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::s3::Versioning;
use deltrail::sandbox::sqs::QueueAttributes;

use crate::emulator::{eventually, free_address};
use crate::requirement::scratch;
use crate::sandbox::{REGION, sandbox_of};

const ACCESS_KEY_ID: &str = "AKIAKEEPERXXXXXXXXXX";
const SECRET_ACCESS_KEY: &str = "wJalr-secret-access-key-of-a-test";
const QUEUE: &str = "trail";
const LOG_BUCKET: &str = "trail-logs";

/// A queue, a log bucket, and a folder for the daemon.
struct Place {
    sandbox: Sandbox,
    folder: PathBuf,
}

impl Place {
    async fn new(name: &str) -> Self {
        let sandbox = sandbox_of("keeper", [ACCESS_KEY_ID, SECRET_ACCESS_KEY]).await;
        sandbox.queues().create(QUEUE, QueueAttributes::default());
        sandbox.buckets().create(LOG_BUCKET, Versioning::Off);
        Self { sandbox, folder: scratch(&format!("security-{name}")) }
    }

    fn send(&self, body: &str) {
        let queues = self.sandbox.queues();
        assert!(queues.send(&queues.arn(QUEUE), body.to_owned()), "the queue takes the message");
    }

    /// A command in the folder, in an environment that holds only what it needs.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deltrail"));
        command
            .args(arguments)
            .env_clear()
            .envs([("AWS_REGION", REGION), ("AWS_EC2_METADATA_DISABLED", "true")])
            .envs([
                ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
                ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
            ])
            .env("AWS_ENDPOINT_URL", self.sandbox.endpoint())
            // What the tests tell happened at a fixed time; a flag wins over this.
            .env("DELTRAIL_RETENTION", "36500d")
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command
    }

    /// Starts the daemon, with further settings by flag and by variable.
    fn run(&self, settings: &[&str], environment: &[(&str, &str)]) -> Running {
        let (ops, app) = (free_address(), free_address());
        let log = self.folder.join("deltrail.log");
        let output = File::create(&log).unwrap();
        let url = self.sandbox.queues().url(QUEUE);
        let process = self
            .command(&["run", "--s3-path-style", "--log-format", "json"])
            .args(["--queue-url", &url, "--log-bucket", LOG_BUCKET])
            .arg(format!("--ops-listen={ops}"))
            .arg(format!("--app-listen={app}"))
            .args(settings)
            .envs(environment.iter().copied())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Running { process, ops, app, log }
    }

    /// Asks the daemon as a container's health check does.
    fn healthcheck(&self, running: &Running, settings: &[&str]) -> Output {
        let address = running.ops.to_string();
        let arguments = [&["healthcheck", "--ops-listen", &address], settings].concat();
        self.command(&arguments).output().unwrap()
    }

    async fn until_healthy(&self, running: &Running, settings: &[&str]) {
        eventually(60, "the daemon is healthy", async || {
            let Output { status, stderr, .. } = self.healthcheck(running, settings);
            let told = String::from_utf8_lossy(&stderr);
            if status.success() { Ok(()) } else { Err(format!("{told}\n{}", running.output())) }
        })
        .await;
    }
}

/// A daemon; killed when it is dropped.
struct Running {
    process: Child,
    ops: SocketAddr,
    app: SocketAddr,
    log: PathBuf,
}

impl Running {
    fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to stop, and waits for its last word.
    fn stop(mut self) -> String {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = self.process.wait().unwrap();
        assert!(status.success(), "after SIGTERM: {status}\n{}", self.output());
        self.output()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
