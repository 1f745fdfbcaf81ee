//! What any consumer does at least: receive messages and delete them, ten at a time, and nothing
//! with what they say. As in the daemon, one receive and one delete are under way at once.

use anyhow::{Context, bail, ensure};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};

/// The argument that makes this program the loop.
pub const BARE_LOOP: &str = "bare-loop";

const MESSAGES_MAX: i32 = 10;

/// A client of the sandbox.
pub fn client(endpoint: &str, region: &str, key: &str, secret: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(key, secret, None, None, "the sandbox"))
        .build();
    Client::from_conf(config)
}

/// Drains the queue that the arguments name, on the runtime that the daemon has as well.
pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let [endpoint, region, key, secret, queue_url] = arguments else {
        bail!("the loop is told endpoint, region, key, secret and queue");
    };
    let client = client(endpoint, region, key, secret);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(drain(&client, queue_url))
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
