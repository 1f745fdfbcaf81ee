//! The real SDK against the queues over a socket.

use std::future::Future;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as Shown};
use axum::Router;
use axum::http::HeaderMap;
use bytes::Bytes;
use deltrail_core::domain::Timestamp;
use tokio::net::TcpListener;

use super::super::clock::Clock;
use super::super::faults::Faults;
use super::super::identifiers::Identifiers;
use super::{QueueAttributes, Queues, Redrive, SqsOptions};

mod faults;
mod messages;
mod queues;

const ACCOUNT: &str = "111122223333";
/// What the clock of the tests shows at their start.
const NOON: Timestamp = Timestamp::from_millis(1_795_435_200_000);
/// What the pace starts at, which no test must ever see.
const PACE_ORIGIN: Timestamp = Timestamp::from_millis(5_000);
const DEADLINE: Duration = Duration::from_secs(20);
/// A pace at which nothing ever ends by itself.
const STILL: f64 = 1e-6;

/// Queues behind a socket of their own.
struct World {
    queues: Queues,
    faults: Faults,
    client: Client,
    /// The URL of a queue with default attributes, named `events`.
    url: String,
}

impl World {
    async fn at_pace(scale: f64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let faults = Faults::none();
        let queues = Queues::new(SqsOptions {
            clock: Clock::starting_at(NOON, 1.0),
            pace: Clock::starting_at(PACE_ORIGIN, scale),
            identifiers: Identifiers::seeded(1),
            faults: faults.clone(),
            account: ACCOUNT.into(),
            region: "eu-west-1".into(),
            base_url: base_url.clone(),
        });
        let served = queues.clone();
        let answer = move |headers: HeaderMap, body: Bytes| async move {
            served.answer(&headers, &body).await
        };
        let router = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let url = queues.create("events", QueueAttributes::default());
        Self { queues, faults, client: client(&base_url, "eu-west-1"), url }
    }

    /// A world in which nothing becomes visible because time passes.
    async fn still() -> Self {
        Self::at_pace(STILL).await
    }

    async fn send(&self, body: &str) -> String {
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.expect("sent").message_id.expect("an id")
    }

    /// What a receive of up to ten messages finds that waits for `wait_seconds`.
    async fn receive(&self, url: &str, wait_seconds: i32) -> Vec<Message> {
        let call = self.client.receive_message().queue_url(url).max_number_of_messages(10);
        let call = call.wait_time_seconds(wait_seconds);
        let answer = call.message_system_attribute_names(Shown::All).send();
        within(Box::pin(answer)).await.expect("an answer").messages.unwrap_or_default()
    }

    async fn receive_one(&self) -> Message {
        let mut messages = self.receive(&self.url, 0).await;
        assert_eq!(messages.len(), 1);
        messages.remove(0)
    }

    async fn release(&self, message: &Message) {
        let call = self.client.change_message_visibility().queue_url(&self.url);
        let call = call.receipt_handle(handle(message)).visibility_timeout(0);
        call.send().await.expect("released");
    }

    fn depth(&self, name: &str) -> (usize, usize, usize) {
        let depth = self.queues.depth(name).expect("the queue");
        (depth.visible, depth.in_flight, depth.delayed)
    }
}

fn client(base_url: &str, region: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("AKIDEXAMPLE", "not-a-secret", None, None, "test"))
        .region(Region::new(region.to_owned()))
        .endpoint_url(base_url)
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("done before the deadline")
}

fn handle(message: &Message) -> &str {
    message.receipt_handle().expect("a receipt handle")
}

fn shown<'a>(message: &'a Message, name: &Shown) -> Option<&'a str> {
    message.attributes.as_ref()?.get(name).map(String::as_str)
}

/// The code and status that the SDK reads from a refusal.
fn refusal<E: ProvideErrorMetadata + std::fmt::Debug>(
    error: &SdkError<E, aws_sdk_sqs::config::http::HttpResponse>,
) -> (String, u16) {
    let status = error.raw_response().expect("an answer").status().as_u16();
    (error.code().unwrap_or("none").to_owned(), status)
}
