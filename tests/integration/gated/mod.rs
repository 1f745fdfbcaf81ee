//! The daemon as its own process on a queue and a log bucket of the sandbox, with a gate between
//! them. The truth is what was put into the bucket: one delete in each file, each of a bucket of
//! its own.

mod gate;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::s3::{NotificationRule, ServicePut, Versioning};
use deltrail::sandbox::sqs::{Depth, QueueAttributes, Redrive};

use serde_json::json;

use crate::emulator::{Daemon, eventually};
use crate::requirement::scratch;
use crate::sandbox::{REGION, sandbox_of};
use crate::world::one_delete;

pub use gate::{Gate, Request, Sqs};

pub const QUEUE: &str = "trail";
pub const DEAD: &str = "trail-dead";
pub const LOGS: &str = "my-trail-logs";
/// More than any of it takes: a deadline is there to fail, not to measure.
pub const SECONDS_MAX: u64 = 60;

/// The key and secret of whoever asks.
pub const KEY: [&str; 2] = ["AKIAGATEDXXXXXXXXXXX", "secret"];

/// A queue, a log bucket that notifies it, and a gate in front of both.
pub struct Gated {
    pub sandbox: Sandbox,
    pub gate: Gate,
    pub folder: PathBuf,
    /// The buckets in which a file that was put tells of a delete.
    pub truth: BTreeSet<String>,
}

impl Gated {
    /// With a queue of such a visibility timeout. Messages that are received `receives_max` times
    /// go to a dead-letter queue; without it there is none.
    pub async fn build(name: &str, visibility_seconds: u64, receives_max: Option<u32>) -> Self {
        let sandbox = sandbox_of("gated", KEY).await;
        Self::build_on(sandbox, name, visibility_seconds, receives_max).await
    }

    pub async fn build_on(
        sandbox: Sandbox,
        name: &str,
        visibility_seconds: u64,
        receives_max: Option<u32>,
    ) -> Self {
        let gate = Gate::to(sandbox.endpoint()).await;
        let gated = Self {
            sandbox,
            gate,
            folder: scratch(&format!("gated-{name}")),
            truth: BTreeSet::new(),
        };
        gated.sandbox.buckets().create(LOGS, Versioning::Off);
        let rule = NotificationRule {
            id: "logs".into(),
            queue_arn: gated.sandbox.queues().arn(QUEUE),
            events: vec!["s3:ObjectCreated:*".into()],
            prefix: String::new(),
            suffix: String::new(),
        };
        gated.sandbox.buckets().set_notifications(LOGS, vec![rule]);
        // Now, so that it has missed the test event.
        gated.create_queue(visibility_seconds, receives_max);
        gated
    }

    pub fn create_queue(&self, visibility_seconds: u64, receives_max: Option<u32>) {
        let queues = self.sandbox.queues();
        queues.create(DEAD, QueueAttributes::default());
        let redrive = receives_max
            .map(|receives_max| Redrive { dead_letter_arn: queues.arn(DEAD), receives_max });
        let visibility_timeout = std::time::Duration::from_secs(visibility_seconds);
        let attributes = QueueAttributes { visibility_timeout, redrive, ..Default::default() };
        queues.create(QUEUE, attributes);
    }

    /// The daemon, with more settings.
    pub async fn daemon(&self, settings: &[&str]) -> Daemon {
        let url = self.sandbox.queues().url(QUEUE);
        let settings = [settings, &["--queue-url", &url, "--log-bucket", LOGS]].concat();
        let signer = [REGION, KEY[0], KEY[1]];
        Daemon::start_at(&self.gate.endpoint, signer, &self.folder, &settings).await
    }

    /// Writes log files with these names, as CloudTrail does; the bucket notifies the queue.
    pub fn write_logs(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            self.write(&log_key(&name), one_delete(&name));
            self.truth.insert(name);
        }
    }

    pub fn write(&self, key: &str, body: Vec<u8>) {
        let put = ServicePut {
            bucket: LOGS.into(),
            key: key.into(),
            body: body.into(),
            content_type: "application/json".into(),
            content_encoding: Some("gzip".into()),
            metadata: BTreeMap::new(),
        };
        self.sandbox.buckets().put_by_service("cloudtrail.amazonaws.com", put).unwrap();
    }

    pub fn send(&self, body: &str) {
        let queues = self.sandbox.queues();
        assert!(queues.send(&queues.arn(QUEUE), body.to_owned()));
    }

    pub fn depth(&self, queue: &str) -> Depth {
        self.sandbox.queues().depth(queue).unwrap()
    }

    /// Waits until every file was counted, each once, and the queue is empty.
    pub async fn until_all_is_counted(&self, daemon: &Daemon) {
        eventually(SECONDS_MAX, "everything is counted and the queue is empty", async || {
            let removed = removed(daemon)?;
            let depth = self.depth(QUEUE);
            let is_done = removed.len() == self.truth.len() && depth == Depth::default();
            if is_done { Ok(()) } else { Err(format!("{removed:?} {depth:?}")) }
        })
        .await;
        self.expect_the_truth(daemon);
    }

    /// Fails unless what is counted is the truth: not more, not less.
    pub fn expect_the_truth(&self, daemon: &Daemon) {
        let truth: BTreeMap<String, u64> =
            self.truth.iter().map(|name| (name.clone(), 1)).collect();
        assert_eq!(removed(daemon).unwrap(), truth);
    }

    /// Fails if anything is counted.
    pub fn expect_nothing_is_counted(daemon: &Daemon) {
        assert_eq!(removed(daemon).unwrap(), BTreeMap::new());
    }
}

fn removed(daemon: &Daemon) -> Result<BTreeMap<String, u64>, String> {
    let counts = daemon.scrape()?.counts("deltrail_objects_removed_total", &["bucket"]);
    Ok(counts.into_iter().map(|(labels, count)| (labels[0].clone(), count)).collect())
}

/// The key of the log file with this name.
pub fn log_key(name: &str) -> String {
    format!(
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/\
         111122223333_CloudTrail_us-east-1_20261123T1000Z_{name}.json.gz"
    )
}

/// A notification of S3 about these log files, which it cannot describe.
pub fn s3_event(names: &[&str]) -> String {
    let record = |name: &&str| {
        json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
            "eventTime": "2026-11-23T10:05:00.000Z", "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": { "name": LOGS },
                "object": { "key": log_key(name), "sequencer": "0A" }
            }
        })
    };
    json!({ "Records": names.iter().map(record).collect::<Vec<_>>() }).to_string()
}

/// Names for so many log files.
pub fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("bucket-{number:03}"))
}

/// What a family counts where these labels have these values.
pub fn count(daemon: &Daemon, family: &str, labels: &[(&str, &str)]) -> Result<u64, String> {
    let (names, values): (Vec<&str>, Vec<&str>) = labels.iter().copied().unzip();
    let counts = daemon.scrape()?.counts(family, &names);
    let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
    Ok(counts.get(&values).copied().unwrap_or_default())
}

/// Waits until that is at least so much.
pub async fn until_at_least(daemon: &Daemon, family: &str, labels: &[(&str, &str)], least: u64) {
    eventually(SECONDS_MAX, &format!("{family} {labels:?} >= {least}"), async || {
        let count = count(daemon, family, labels)?;
        if count >= least { Ok(()) } else { Err(count.to_string()) }
    })
    .await;
}
