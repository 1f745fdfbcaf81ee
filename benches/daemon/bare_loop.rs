//! What any consumer of log objects does at least: receive messages, get the objects that they name
//! and delete the messages, ten at a time. Nothing is done with what the objects hold.

use std::sync::Arc;

use anyhow::{Context, ensure};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use futures_util::future::try_join_all;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::reached::Reached;

/// The argument that makes this program the loop.
pub const BARE_LOOP: &str = "bare-loop-of-objects";

const MESSAGES_MAX: i32 = 10;
/// Objects that are read at a time, as many as in the daemon.
const OBJECTS_IN_FLIGHT: usize = 64;
/// Receives whose messages are not yet deleted: as many messages as in the daemon.
const BATCHES_IN_FLIGHT: usize = 100;

/// Drains the queue that the arguments name, on the runtime that the daemon has as well.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let reached = Reached::from_arguments(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(drain(Arc::new(Bare {
        sqs: reached.sqs(),
        s3: reached.s3(),
        queue_url: reached.queue_url,
        objects: Semaphore::new(OBJECTS_IN_FLIGHT),
    })))
}

struct Bare {
    sqs: aws_sdk_sqs::Client,
    s3: aws_sdk_s3::Client,
    queue_url: String,
    objects: Semaphore,
}

async fn drain(bare: Arc<Bare>) -> anyhow::Result<()> {
    let mut batches = JoinSet::new();
    loop {
        let received = bare.receive().await?;
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
    async fn receive(&self) -> anyhow::Result<Vec<Message>> {
        let asked = self.sqs.receive_message().queue_url(&self.queue_url);
        let answer =
            asked.max_number_of_messages(MESSAGES_MAX).send().await.context("a receive")?;
        Ok(answer.messages.unwrap_or_default())
    }

    async fn see_through(&self, messages: Vec<Message>) -> anyhow::Result<()> {
        try_join_all(messages.iter().map(|message| self.get_named(message))).await?;
        let entries = messages.into_iter().enumerate().map(|(number, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
            entry.set_receipt_handle(message.receipt_handle).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let asked = self.sqs.delete_message_batch().queue_url(&self.queue_url);
        let answer = asked.set_entries(Some(entries)).send().await.context("a delete")?;
        ensure!(answer.failed.is_empty(), "{} messages were not deleted", answer.failed.len());
        Ok(())
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
