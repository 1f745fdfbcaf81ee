//! A queue as any consumer of it uses it at least: receive messages and delete them, ten at a time.
//! It knows nothing of what they say.

use anyhow::{Context, ensure};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};

use super::reached::Reached;

const MESSAGES_MAX: i32 = 10;

/// The queue.
pub struct BareQueue {
    client: Client,
    url: String,
}

impl BareQueue {
    /// As it is reached.
    pub fn of(reached: &Reached) -> Self {
        Self { client: reached.sqs(), url: reached.queue_url.clone() }
    }

    /// The next messages, none when the queue is empty.
    pub async fn receive(&self) -> anyhow::Result<Vec<Message>> {
        let asked = self.client.receive_message().queue_url(&self.url);
        let answer =
            asked.max_number_of_messages(MESSAGES_MAX).send().await.context("a receive")?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Deletes messages of one receive.
    pub async fn delete(&self, messages: Vec<Message>) -> anyhow::Result<()> {
        let entries = messages.into_iter().enumerate().map(|(number, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
            entry.set_receipt_handle(message.receipt_handle).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let asked = self.client.delete_message_batch().queue_url(&self.url);
        let answer = asked.set_entries(Some(entries)).send().await.context("a delete")?;
        ensure!(answer.failed.is_empty(), "{} messages were not deleted", answer.failed.len());
        Ok(())
    }
}

/// Runs a loop as its own program would, on the runtime that tokio makes when it is told nothing.
///
/// # Errors
/// The first of the loop.
pub fn on_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
