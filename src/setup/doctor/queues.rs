//! Asking SQS how the queues are set up.

use aws_config::SdkConfig;

use super::seen::{Answer, SeenQueue};
use crate::queue::{Queue, QueueError, QueueSettings};
use crate::setup::arn::partition_of;
use crate::setup::refusal::{Asked, Refusal};

/// A queue and its dead-letter queue.
pub(super) async fn read(aws: &SdkConfig, url: &str) -> SeenQueue {
    let queue = match Queue::with_attempts(aws, url, 1) {
        Ok(queue) => queue,
        Err(error) => return unknown(url, &error),
    };
    let settings = queue.settings().await;
    let dead_letters = match &settings {
        Ok(settings) => dead_letters(&queue, settings).await,
        Err(_) => None,
    };
    let asked = Asked::new("sqs:GetQueueAttributes", format!("queue {url}"));
    let settings = settings.map_err(|error| Refusal::of_queue(asked, &error));
    let arn = settings.as_ref().ok().and_then(|settings| settings.arn.clone());
    SeenQueue {
        name: queue.name().to_owned(),
        url: url.to_owned(),
        arn: arn.unwrap_or_else(|| arn_of(url, queue.region(), queue.name())),
        settings,
        dead_letters,
    }
}

fn unknown(url: &str, error: &QueueError) -> SeenQueue {
    let asked = Asked::new("sqs:GetQueueAttributes", format!("queue {url}"));
    SeenQueue {
        name: url.rsplit('/').next().unwrap_or(url).to_owned(),
        url: url.to_owned(),
        arn: String::new(),
        settings: Err(Refusal::of_queue(asked, error)),
        dead_letters: None,
    }
}

/// The ARN of a queue that does not tell it itself.
fn arn_of(url: &str, region: &str, name: &str) -> String {
    let account = url.trim_end_matches(name).trim_end_matches('/').rsplit('/').next();
    format!("arn:{}:sqs:{region}:{}:{name}", partition_of(region), account.unwrap_or_default())
}

async fn dead_letters(queue: &Queue, settings: &QueueSettings) -> Option<Answer<Option<u64>>> {
    let redrive = settings.redrive.as_ref()?;
    let arn = redrive.dead_letter_queue_arn.clone().unwrap_or_default();
    let asked = |action| Asked::new(action, format!("dead-letter queue {arn}"));
    let dead = match queue.dead_letter_queue(redrive).await {
        Ok(dead) => dead,
        Err(error) => return Some(Err(Refusal::of_queue(asked("sqs:GetQueueUrl"), &error))),
    };
    let attributes = dead.attributes().await;
    let refused = |error| Refusal::of_queue(asked("sqs:GetQueueAttributes"), &error);
    Some(attributes.map(|attributes| attributes.visible).map_err(refused))
}
