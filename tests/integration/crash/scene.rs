//! A sandbox in this process, and a daemon in its own that may be ended at any moment; what AWS
//! writes of some traffic in between. It ends nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::faults::{Fault, Faults};
use deltrail::sandbox::principal::Kind;
use deltrail::sandbox::record::cloudtrail::ChildLayout;
use deltrail::sandbox::sqs::QueueAttributes;
use deltrail_core::domain::Timestamp;

use crate::emulator::{Daemon, eventually};
use crate::faults::estate::{DAEMON, EVENTS_QUEUE, LOGS, QUEUE, Writing, sandbox_from, waiting};
use crate::faults::traffic::{REGION, Traffic, principal};
use crate::faults::truth::Truth;
use crate::requirement::scratch;

/// More than a test takes: a deadline is there to fail, not to measure.
pub const SECONDS_MAX: u64 = 120;
/// Short: what a daemon held that was ended comes again soon.
const VISIBILITY: Duration = Duration::from_secs(3);
const HOUR_MILLIS: i64 = 3_600_000;

pub struct Scene {
    pub sandbox: Sandbox,
    pub writing: Writing,
    pub traffic: Traffic,
    pub folder: PathBuf,
}

impl Scene {
    /// Nothing has happened yet. The store and the log of the daemon are in a folder of this name.
    pub async fn open(name: &str, seed: u64) -> Self {
        let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        let faults = Faults::seeded(seed, 200, &[Fault::S3SlowBody, Fault::RepeatedLogObject]);
        let sandbox = sandbox_from(now, 1.0, seed, faults).await;
        let attributes =
            QueueAttributes { visibility_timeout: VISIBILITY, ..QueueAttributes::default() };
        let layout = ChildLayout::SharedRequest;
        let writing = Writing::into(&sandbox, !seed, attributes, layout).await;
        Self { sandbox, writing, traffic: Traffic::seeded(seed), folder: scratch(name) }
    }

    /// Hours ago so much has happened, and now it is written, in files and notices.
    pub async fn write(&mut self, deeds: usize) {
        let now = self.sandbox.clock().now().as_millis();
        let hours_ago = now - 8 * HOUR_MILLIS..now - 7 * HOUR_MILLIS;
        for act in self.traffic.acts(deeds, hours_ago) {
            self.writing.tell(act);
        }
        self.writing.flush().await;
    }

    /// A daemon on the store of the scene's folder.
    pub async fn daemon(&self) -> Daemon {
        self.daemon_in(&self.folder).await
    }

    /// A daemon with its store in another folder.
    pub async fn daemon_in(&self, folder: &Path) -> Daemon {
        let mut daemon = self.begin_in(folder);
        daemon.until_ready().await;
        daemon
    }

    /// The same, and does not wait until it is ready.
    pub fn begin_in(&self, folder: &Path) -> Daemon {
        let who = principal(DAEMON, Kind::User);
        let signer = [REGION, &who.access_key_id, &who.secret_access_key];
        let urls = [QUEUE, EVENTS_QUEUE].map(|queue| self.sandbox.queues().url(queue));
        let [queue, events] = [&urls[0], &urls[1]];
        let settings = ["--queue-url", queue, "--queue-url", events, "--log-bucket", LOGS];
        Daemon::begin_at(self.sandbox.endpoint(), signer, folder, &settings)
    }

    /// How many messages are still to be read.
    pub fn left(&self) -> usize {
        waiting(self.sandbox.queues())[0]
    }

    /// How many receives each queue was asked for.
    pub fn receives(&self) -> [u64; 2] {
        let queues = self.sandbox.queues();
        [QUEUE, EVENTS_QUEUE].map(|queue| queues.requests_for(queue, "ReceiveMessage"))
    }

    /// Waits until the queues hold nothing any more.
    async fn until_read(&self) {
        eventually(SECONDS_MAX, "everything is read", async || {
            let left = waiting(self.sandbox.queues());
            if left == [0, 0] { Ok(()) } else { Err(format!("{left:?} messages are left")) }
        })
        .await;
    }

    /// Waits until all is read and settled, and the store and `/metrics` of a daemon equal the
    /// truth.
    pub async fn until_true(&mut self, daemon: &Daemon, folder: &Path) {
        self.until_read().await;
        for act in self.traffic.pulse(self.sandbox.clock().now().as_millis()) {
            self.writing.tell(act);
        }
        self.writing.flush().await;
        let store = folder.join("deltrail.db");
        eventually(SECONDS_MAX, "store and metrics equal the truth", async || {
            self.traffic.truth().expect(&Truth::seen(&store, &daemon.scrape()?)?)
        })
        .await;
    }
}
