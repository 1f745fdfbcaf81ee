//! The fifteen likeliest mistakes of somebody who sets the daemon up, each made on purpose: the
//! real program as its own process against the sandbox, and every line that it says about the
//! mistake. Knows the command line and what is written to stderr, and nothing of how it is found.

mod at_start;
mod in_silence;
mod on_the_wire;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::s3::{NotificationRule, Versioning};
use deltrail::sandbox::sqs::QueueAttributes;

use crate::emulator::eventually;
use crate::requirement::scratch;
use crate::sandbox::{REGION, sandbox_of};

const ACCESS_KEY_ID: &str = "AKIANEWCOMERXXXXXXXX";
const SECRET_ACCESS_KEY: &str = "secret";
const QUEUE: &str = "trail";
const LOG_BUCKET: &str = "my-trail-logs";

/// How wide a piece of a line is at most, unless it is one word.
const SHOWN_COLUMNS_MAX: usize = 84;

/// Names that differ from run to run: what stands before each in a line, and what is shown instead.
const IDENTIFIERS: [(&str, &str); 4] = [
    ("request_id=\"", "[request-id]"),
    ("request id ", "[request-id]"),
    ("message_id=\"", "[message-id]"),
    ("127.0.0.1:", "[port]"),
];

/// A sandbox with the queue, the log bucket, and a notification from one to the other: a daemon on
/// it has nothing to complain of but the queue's missing redrive policy.
async fn sandbox() -> Sandbox {
    let sandbox = sandbox_of("newcomer", [ACCESS_KEY_ID, SECRET_ACCESS_KEY]).await;
    sandbox.queues().create(QUEUE, QueueAttributes::default());
    sandbox.buckets().create(LOG_BUCKET, Versioning::Off);
    notify(&sandbox, LOG_BUCKET, QUEUE);
    sandbox
}

/// Lets a bucket tell a queue of every new object.
fn notify(sandbox: &Sandbox, bucket: &str, queue: &str) {
    let rule = NotificationRule {
        id: "logs".into(),
        queue_arn: sandbox.queues().arn(queue),
        events: vec!["s3:ObjectCreated:*".into()],
        prefix: String::new(),
        suffix: String::new(),
    };
    sandbox.buckets().set_notifications(bucket, vec![rule]);
}

/// A `deltrail run` as a newcomer would call it. As it is made it would work; a test spoils it.
struct Attempt {
    folder: PathBuf,
    store: PathBuf,
    ops_listen: SocketAddr,
    queue_urls: Vec<String>,
    more: Vec<String>,
    /// Whether file permissions bind the program even when root runs the tests.
    user_is_bound: bool,
    environment: BTreeMap<&'static str, String>,
}

impl Attempt {
    /// The attempt with this name on the sandbox's queue and log bucket.
    fn on(sandbox: &Sandbox, name: &str) -> Self {
        let folder = scratch(&format!("mistake-{name}"));
        let environment = BTreeMap::from([
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ENDPOINT_URL", sandbox.endpoint().to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            // No profile of whoever runs the tests.
            ("HOME", folder.display().to_string()),
        ]);
        Self {
            store: folder.join("deltrail.db"),
            folder,
            ops_listen: ([127, 0, 0, 1], 0).into(),
            user_is_bound: false,
            queue_urls: vec![sandbox.queues().url(QUEUE)],
            more: Vec::new(),
            environment,
        }
    }

    fn program(&self) -> Command {
        let binary = env!("CARGO_BIN_EXE_deltrail");
        let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
        if !(self.user_is_bound && is_root) {
            return Command::new(binary);
        }
        let mut without_capabilities = Command::new("setpriv");
        without_capabilities.args(["--bounding-set=-all", binary]);
        without_capabilities
    }

    fn start(self) -> Running {
        let log = self.folder.join("stderr.log");
        let urls = self.queue_urls.iter().flat_map(|url| ["--queue-url", url]);
        let process = self
            .program()
            .args(["run", "--s3-path-style", "--log-format", "text", "--log-bucket", LOG_BUCKET])
            .args(urls)
            .arg(format!("--store=sqlite://{}", self.store.display()))
            .arg(format!("--ops-listen={}", self.ops_listen))
            .arg("--app-listen=127.0.0.1:0")
            .args(&self.more)
            .env_clear()
            .envs(&self.environment)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .expect("deltrail starts, and as root setpriv (util-linux) starts it");
        Running { process, folder: self.folder, log }
    }
}

/// A daemon that somebody started by mistake; killed when it is dropped.
struct Running {
    process: Child,
    folder: PathBuf,
    log: PathBuf,
}

impl Running {
    /// The first whole line with this text in it, without what differs from run to run.
    async fn line_with(&mut self, text: &str) -> String {
        self.line_with_within(60, text).await
    }

    /// The same, when it takes its time.
    async fn line_with_within(&mut self, seconds: u64, text: &str) -> String {
        let what = format!("a line with {text:?}");
        eventually(seconds, &what, async || {
            let written = std::fs::read_to_string(&self.log).unwrap();
            let mut whole = written.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            match whole.find(|line| line.contains(text)) {
                Some(line) => Ok(self.without_chance(line.trim_end())),
                None => Err(written),
            }
        })
        .await
    }

    /// Everything that it says and the code that it ends with, once it has ended by itself.
    async fn end(mut self) -> String {
        let status = eventually(60, "the daemon ends", async || {
            let status = self.process.try_wait().unwrap();
            status.ok_or_else(|| std::fs::read_to_string(&self.log).unwrap())
        })
        .await;
        let written = std::fs::read_to_string(&self.log).unwrap();
        let lines = written.lines().map(|line| self.without_chance(line) + "\n");
        let code = status.code().map_or("no code".to_owned(), |code| code.to_string());
        lines.chain([format!("(exit code {code})")]).collect()
    }

    fn without_chance(&self, line: &str) -> String {
        // Before there is a log, lines have neither time nor place.
        let told = if line.starts_with("20") { level_and_message(line) } else { line.into() };
        let mut shown = told.replace(&self.folder.display().to_string(), "[folder]");
        for (before, instead) in IDENTIFIERS {
            shown = replaced_after(&shown, before, instead);
        }
        folded(&shown)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a line of the log says, without when and where in the program.
fn level_and_message(line: &str) -> String {
    let (_time, rest) = line.split_once(' ').expect("a time");
    let (level, rest) = rest.trim_start().split_once(' ').expect("a level");
    let (_module, message) = rest.split_once(": ").expect("a module");
    format!("{level} {message}")
}

/// The text with every word that follows `before` replaced.
fn replaced_after(text: &str, before: &str, instead: &str) -> String {
    let mut pieces = text.split(before);
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-');
        shown += &[before, instead, rest].concat();
    }
    shown
}

/// A line in pieces that can be read, each after the first indented.
fn folded(line: &str) -> String {
    let mut shown = String::new();
    let mut columns = 0;
    for word in line.split_inclusive(' ') {
        if columns > 0 && columns + word.trim_end().len() > SHOWN_COLUMNS_MAX {
            shown.truncate(shown.trim_end().len());
            shown += "\n  ";
            columns = 2;
        }
        shown += word;
        columns += word.len();
    }
    shown
}
