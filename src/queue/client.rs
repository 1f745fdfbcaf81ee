//! One SQS queue and the calls made to it. Who calls decides when, how often and what for.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{Builder, Region, StalledStreamProtectionConfig};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use super::attributes::{self, QueueAttributes, Redrive};
use super::error::{Asked, Call, Operation, QueueError};
use super::message::{self, Message};
use super::pace::Pace;
use super::settle::visibility_seconds;
use super::url::{QueueEndpoint, QueueUrl};

/// Tries of one call before its error is given back; the caller has its own, longer patience.
const ATTEMPTS: u32 = 3;
const BACKOFF_MAX: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// SQS holds a long poll for 20 seconds at most.
const WAIT_SECONDS_MAX: u64 = 20;
/// What an answer may take beyond the wait that was asked for.
const ANSWER_SLACK: Duration = Duration::from_secs(10);
/// How long a call that does not wait may take.
pub(super) const SHORT_CALL: Duration = ANSWER_SLACK;

/// A queue. Cheap to clone; clones share their connections. While it fails, every call waits for
/// its turn before it is sent, so that few are sent.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    asked: Arc<Asked>,
    pace: Arc<Pace>,
}

impl Queue {
    /// The queue behind `url`. Requests go to the region that the URL's host names, else to the
    /// region of `config`; a configured endpoint (`AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL`)
    /// stays in force, else a host that is no plain SQS endpoint (FIPS, dual stack, VPC endpoint,
    /// emulator) is used as it is. Nothing is sent.
    ///
    /// # Errors
    /// [`QueueError::InvalidUrl`], [`QueueError::NoRegion`].
    pub fn new(config: &SdkConfig, url: &str) -> Result<Self, QueueError> {
        Self::with_attempts(config, url, ATTEMPTS)
    }

    /// As [`Queue::new`], with another number of tries for each call (at least 1).
    ///
    /// # Errors
    /// As [`Queue::new`].
    pub fn with_attempts(config: &SdkConfig, url: &str, attempts: u32) -> Result<Self, QueueError> {
        let parsed = QueueUrl::parse(url)?;
        let region = match (&parsed.region, config.region()) {
            (Some(of_url), _) => of_url.clone(),
            (None, Some(of_config)) => of_config.to_string(),
            (None, None) => return Err(QueueError::NoRegion { url: url.to_owned() }),
        };
        let retries = RetryConfig::standard()
            .with_max_attempts(attempts.max(1))
            .with_max_backoff(BACKOFF_MAX);
        let config = Builder::from(config)
            .endpoint_resolver(QueueEndpoint::new(&parsed, &region))
            .region(Region::new(region.clone()))
            .retry_config(retries)
            .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).build())
            // Each call has a deadline of its own; a long poll is silent and not stalled.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let asked = Asked {
            url: url.to_owned(),
            resource: parsed.arn(&region).unwrap_or_else(|| "the queue".to_owned()),
            is_region_of_url: parsed.region.is_some(),
            name: parsed.name,
            region,
        };
        Ok(Self { client: Client::from_conf(config), asked: Arc::new(asked), pace: Arc::default() })
    }

    /// Says what is wrong with a text that should be a queue's URL. Nothing is sent.
    ///
    /// # Errors
    /// What is wrong, to be read after "it".
    pub fn check_url(url: &str) -> Result<(), &'static str> {
        QueueUrl::parts(url).map(|_| ())
    }

    /// The queue's name: the last part of its URL.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.asked.name
    }

    /// The queue's URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.asked.url
    }

    /// The region that requests go to.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.asked.region
    }

    /// Receives up to `max` messages (1 to 10; other values are moved there), waiting up to `wait`
    /// for the first (whole seconds, at most 20; zero may miss messages that are there). They stay
    /// invisible for `visibility` (rounded up to seconds, at most 12 hours), else for the queue's
    /// own timeout. None is no error. A caller that drops this future may leave messages invisible
    /// for that long.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn receive(
        &self,
        max: usize,
        wait: Duration,
        visibility: Option<Duration>,
    ) -> Result<Vec<Message>, QueueError> {
        let wait_seconds = wait.as_secs().min(WAIT_SECONDS_MAX);
        let answer = self
            .client
            .receive_message()
            .queue_url(self.url())
            .max_number_of_messages(i32::try_from(max.clamp(1, 10)).unwrap_or(10))
            .wait_time_seconds(i32::try_from(wait_seconds).unwrap_or(0))
            .set_visibility_timeout(visibility.map(visibility_seconds))
            .set_message_system_attribute_names(Some(message::ASKED.to_vec()))
            .customize()
            // Who receives in a loop should hear of an endpoint that does not answer after one
            // wait, not after several.
            .config_override(tried_once_within(Duration::from_secs(wait_seconds) + ANSWER_SLACK))
            .send();
        let answer = self.paced(Operation::Receive, answer).await?;
        let received = answer.messages.unwrap_or_default();
        let given = received.len();
        let messages: Vec<Message> = received.into_iter().filter_map(Message::of).collect();
        if messages.len() < given {
            let count = given - messages.len();
            tracing::warn!(queue = self.name(), count, "messages without receipt handle ignored");
        }
        Ok(messages)
    }

    /// Asks how deep the queue is and how it is set up.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn attributes(&self) -> Result<QueueAttributes, QueueError> {
        let is_well = self.answers(Operation::Attributes);
        let patience = if is_well { answer_within } else { tried_once_within };
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(self.url())
            .set_attribute_names(Some(attributes::ASKED.to_vec()))
            .customize()
            .config_override(patience(SHORT_CALL))
            .send();
        let answer = self.paced(Operation::Attributes, answer).await?;
        Ok(QueueAttributes::of(&answer.attributes.unwrap_or_default()))
    }

    /// The dead-letter queue of a redrive policy of this queue, found by `GetQueueUrl`; its
    /// [`Queue::attributes`] tell how many messages are in it.
    ///
    /// # Errors
    /// [`QueueError::NoDeadLetterQueue`] if the policy names none; else see [`QueueError`]:
    /// `sqs:GetQueueUrl` on the dead-letter queue is often not allowed.
    pub async fn dead_letter_queue(&self, redrive: &Redrive) -> Result<Self, QueueError> {
        let (account, name) = redrive
            .account_and_name()
            .ok_or_else(|| QueueError::NoDeadLetterQueue { queue_url: self.url().to_owned() })?;
        let answer = self
            .client
            .get_queue_url()
            .queue_name(name)
            .queue_owner_aws_account_id(account)
            .customize()
            .config_override(answer_within(SHORT_CALL))
            .send();
        let answer = self.paced(Operation::Find, answer).await?;
        let url = answer
            .queue_url
            .ok_or_else(|| QueueError::NoDeadLetterQueue { queue_url: self.url().to_owned() })?;
        let resource = redrive.dead_letter_queue_arn.clone().unwrap_or_default();
        let asked = Asked { url, name: name.to_owned(), resource, ..Asked::clone(&self.asked) };
        Ok(Self { client: self.client.clone(), asked: Arc::new(asked), pace: Arc::default() })
    }

    /// Waits until a call of this kind would be sent at once.
    pub async fn until_turn(&self, operation: Operation) {
        self.pace.until_turn(operation).await;
    }

    /// Whether calls of this kind are sent at once, because the queue answers.
    #[must_use]
    pub fn answers(&self, operation: Operation) -> bool {
        self.pace.is_open(operation)
    }

    /// Sends a call when it is its turn.
    pub(super) async fn paced<T, E>(
        &self,
        operation: Operation,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, QueueError>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let turn = self.pace.turn(operation).await;
        let answer = answer.await;
        let answer = answer.map_err(|error| QueueError::of(self.call(operation), &error));
        self.pace.note(&turn, answer.as_ref().err());
        answer
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn call(&self, operation: Operation) -> Call {
        Call { operation, queue: Arc::clone(&self.asked) }
    }
}

/// The time that one try of a call may take; merged with the client's other timeouts.
pub(super) fn answer_within(limit: Duration) -> Builder {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(limit).build();
    aws_sdk_sqs::Config::builder().timeout_config(timeouts)
}

/// The same for a call that is not tried again by itself: whoever makes it has a longer patience.
pub(super) fn tried_once_within(limit: Duration) -> Builder {
    answer_within(limit).retry_config(RetryConfig::disabled())
}

#[cfg(test)]
mod tests;
