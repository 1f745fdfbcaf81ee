//! What any consumer of log objects does at least: receive messages, get the objects that they name
//! and delete the messages, ten at a time. Nothing is done with what the objects hold.

use std::sync::Arc;

use anyhow::Context;
use aws_sdk_sqs::types::Message;
use futures_util::future::try_join_all;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::bare_queue::{BareQueue, on_runtime};
use super::reached::Reached;

/// The argument that makes this program the loop.
pub const BARE_LOOP: &str = "bare-loop-of-objects";

/// Objects that are read at a time, as many as in the daemon.
const OBJECTS_IN_FLIGHT: usize = 64;
/// Receives whose messages are not yet deleted: as many messages as in the daemon.
const BATCHES_IN_FLIGHT: usize = 100;

/// Drains the queue that the arguments name.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let reached = Reached::from_arguments(arguments)?;
    on_runtime(drain(Arc::new(Bare {
        queue: BareQueue::of(&reached),
        s3: reached.s3(),
        objects: Semaphore::new(OBJECTS_IN_FLIGHT),
    })))
}

struct Bare {
    queue: BareQueue,
    s3: aws_sdk_s3::Client,
    objects: Semaphore,
}

async fn drain(bare: Arc<Bare>) -> anyhow::Result<()> {
    let mut batches = JoinSet::new();
    loop {
        let received = bare.queue.receive().await?;
        if received.is_empty() {
            break;
        }
        if batches.len() == BATCHES_IN_FLIGHT {
            batches.join_next().await.context("no batch is under way")???;
        }
        let bare = Arc::clone(&bare);
        batches.spawn(async move { bare.see_through(received).await });
    }
    while let Some(done) = batches.join_next().await {
        done??;
    }
    Ok(())
}

impl Bare {
    async fn see_through(&self, messages: Vec<Message>) -> anyhow::Result<()> {
        try_join_all(messages.iter().map(|message| self.get_named(message))).await?;
        self.queue.delete(messages).await
    }

    async fn get_named(&self, message: &Message) -> anyhow::Result<()> {
        let body: Value = serde_json::from_str(message.body.as_deref().unwrap_or_default())?;
        let named = &body["Records"][0]["s3"];
        let (bucket, key) = (named["bucket"]["name"].as_str(), named["object"]["key"].as_str());
        // S3 tries a queue with a message that names no object.
        let (Some(bucket), Some(key)) = (bucket, key) else { return Ok(()) };
        let _permit = self.objects.acquire().await?;
        let got = self.s3.get_object().bucket(bucket).key(key).send().await.context("a get")?;
        let mut body = got.body;
        while body.try_next().await.context("the body of an object")?.is_some() {}
        Ok(())
    }
}
