//! What any consumer does at least: receive messages and delete them, ten at a time, and nothing
//! with what they say. As in the daemon, one receive and one delete are under way at once.

use anyhow::{Context, ensure};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};

use crate::daemon::Reached;

/// The argument that makes this program the loop.
pub const BARE_LOOP: &str = "bare-loop";

const MESSAGES_MAX: i32 = 10;

/// Drains the queue that the arguments name, on the runtime that the daemon has as well.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let reached = Reached::from_arguments(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(drain(&reached.sqs(), &reached.queue_url))
}

async fn drain(client: &Client, queue_url: &str) -> anyhow::Result<()> {
    let mut received = receive(client, queue_url).await?;
    while !received.is_empty() {
        let (next, deleted) =
            tokio::join!(receive(client, queue_url), delete(client, queue_url, &received));
        deleted?;
        received = next?;
    }
    Ok(())
}

async fn receive(client: &Client, queue_url: &str) -> anyhow::Result<Vec<Message>> {
    let asked = client.receive_message().queue_url(queue_url);
    let answer = asked.max_number_of_messages(MESSAGES_MAX).send().await.context("a receive")?;
    Ok(answer.messages.unwrap_or_default())
}

async fn delete(client: &Client, queue_url: &str, messages: &[Message]) -> anyhow::Result<()> {
    let entries = messages.iter().enumerate().map(|(number, message)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
        entry.set_receipt_handle(message.receipt_handle.clone()).build()
    });
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let asked = client.delete_message_batch().queue_url(queue_url);
    let answer = asked.set_entries(Some(entries)).send().await.context("a delete")?;
    ensure!(answer.failed.is_empty(), "{} messages were not deleted", answer.failed.len());
    Ok(())
}
