//! The sandbox as a process, and its queues and its bucket of logs as their user fills them. It
//! knows nobody who reads them.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::types::QueueAttributeName;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::logs::LogObject;
use super::reached::Reached;

/// Objects that are put at a time.
const PUTS: usize = 8;
/// How long S3 may take to notify of an object.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A running sandbox; killed when it is dropped.
pub struct SandboxProcess {
    process: Child,
    said: Value,
    runtime: Runtime,
}

impl SandboxProcess {
    /// Starts it with so many removals notified of in its queue of events.
    pub fn start(removal_backlog: u32) -> anyhow::Result<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_deltrail"))
            .args(["sandbox", "--removal-backlog", &removal_backlog.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("the sandbox does not start")?;
        let mut line = String::new();
        let output = process.stdout.take().context("the sandbox says nothing")?;
        BufReader::new(output).read_line(&mut line)?;
        let said: Value =
            serde_json::from_str(&line).with_context(|| format!("the sandbox says {line:?}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { process, said, runtime })
    }

    /// How to reach it and its queue of events.
    pub fn events(&self) -> Reached {
        self.reached("events_queue_url")
    }

    /// How to reach it and its queue of log objects.
    pub fn logs(&self) -> Reached {
        self.reached("queue_url")
    }

    fn reached(&self, queue: &str) -> Reached {
        let text = |name: &str| self.said[name].as_str().unwrap_or_default().to_owned();
        Reached {
            endpoint: text("endpoint"),
            region: text("region"),
            access_key_id: text("access_key_id"),
            secret_access_key: text("secret_access_key"),
            queue_url: text(queue),
        }
    }

    /// The bucket of the logs.
    pub fn log_bucket(&self) -> &str {
        self.said["log_bucket"].as_str().unwrap_or_default()
    }

    /// Puts log objects into the bucket, and waits until the queue knows of all of them.
    pub fn put_logs(&self, objects: &[LogObject]) -> anyhow::Result<()> {
        let logs = self.logs();
        // S3 has tried the queue before.
        let messages = self.messages_left(&logs)? + objects.len() as u64;
        self.put(objects)?;
        let deadline = Instant::now() + NOTICE_TIMEOUT;
        while self.messages_left(&logs)? < messages {
            ensure!(Instant::now() < deadline, "the sandbox does not notify of all log objects");
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Puts log objects into the bucket.
    pub fn put(&self, objects: &[LogObject]) -> anyhow::Result<()> {
        let s3 = self.logs().s3();
        let put = |object: &LogObject| {
            let asked = s3.put_object().bucket(self.log_bucket()).key(&object.key);
            let asked = asked.content_type("application/json").content_encoding("gzip");
            let asked = asked.body(ByteStream::from(object.gzip.clone()));
            async move { asked.send().await.map(|_| ()).context("a log object is not taken") }
        };
        let puts = stream::iter(objects.iter().map(put)).buffer_unordered(PUTS);
        self.runtime.block_on(puts.try_collect::<()>())
    }

    /// How many messages a queue holds, received ones included.
    pub fn messages_left(&self, reached: &Reached) -> anyhow::Result<u64> {
        let wanted = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let asked = reached.sqs().get_queue_attributes().queue_url(&reached.queue_url);
        let asked = asked.set_attribute_names(Some(wanted.into()));
        let answer = self.runtime.block_on(asked.send()).context("the depth of the queue")?;
        let depths = answer.attributes.unwrap_or_default();
        depths.values().map(|depth| Ok(depth.parse::<u64>()?)).sum()
    }
}

impl Drop for SandboxProcess {
    fn drop(&mut self) {
        // It is only good for one measurement, however that ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
