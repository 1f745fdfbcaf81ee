//! The sandbox as a process, with a queue full of notifications. It knows nobody who reads them.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::bare_loop::client;

/// A running sandbox; killed when it is dropped.
pub struct SandboxProcess {
    process: Child,
    reached: Value,
    runtime: Runtime,
    sqs: aws_sdk_sqs::Client,
}

impl SandboxProcess {
    /// Starts it with so many notifications in its queue of events.
    pub fn start(count: u32) -> anyhow::Result<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_deltrail"))
            .args(["sandbox", "--removal-backlog", &count.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("the sandbox does not start")?;
        let mut line = String::new();
        let output = process.stdout.take().context("the sandbox says nothing")?;
        BufReader::new(output).read_line(&mut line)?;
        let reached: Value =
            serde_json::from_str(&line).with_context(|| format!("the sandbox says {line:?}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let [endpoint, region, key, secret, _] = places(&reached);
        let sqs = client(endpoint, region, key, secret);
        Ok(Self { process, reached, runtime, sqs })
    }

    /// Endpoint, region, key, secret, and the URL of the queue of events.
    pub fn how_to_reach(&self) -> [&str; 5] {
        places(&self.reached)
    }

    /// The bucket of the logs.
    pub fn log_bucket(&self) -> &str {
        self.reached["log_bucket"].as_str().unwrap_or_default()
    }

    /// How many messages the queue of events holds, received ones included.
    pub fn messages_left(&self) -> anyhow::Result<u64> {
        let [.., queue_url] = self.how_to_reach();
        let wanted = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let asked = self.sqs.get_queue_attributes().queue_url(queue_url);
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

fn places(reached: &Value) -> [&str; 5] {
    ["endpoint", "region", "access_key_id", "secret_access_key", "events_queue_url"]
        .map(|name| reached[name].as_str().unwrap_or_default())
}
