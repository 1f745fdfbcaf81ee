//! A log bucket that tells a queue of every object, and a dead-letter queue behind it, made in the
//! emulator through the AWS SDK. Knows nothing of what the objects hold.

use std::path::Path;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Event, NotificationConfiguration, QueueConfiguration};
use aws_sdk_sqs::types::QueueAttributeName;

use super::{Emulator, eventually};

/// Short, so that what is left to be tried again is tried while a test waits.
const VISIBILITY_SECONDS: &str = "2";

/// One bucket and its queues.
pub struct Estate {
    pub endpoint: String,
    pub bucket: String,
    pub queue_url: String,
    pub queue: String,
    dead_letter_url: String,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Estate {
    /// Builds it; `name` sets its bucket and queues apart from those of other tests. A message
    /// that was received more than `receives_max` times goes to the dead-letter queue.
    pub async fn build(emulator: &Emulator, name: &str, receives_max: u32) -> Self {
        let estate = Self::build_silent(emulator, name, receives_max).await;
        let notify = QueueConfiguration::builder()
            .queue_arn(arn_of(&estate.sqs, &estate.queue_url).await)
            .events(Event::from("s3:ObjectCreated:*"))
            .build()
            .unwrap();
        let notify = NotificationConfiguration::builder().queue_configurations(notify).build();
        estate
            .s3
            .put_bucket_notification_configuration()
            .bucket(&estate.bucket)
            .notification_configuration(notify)
            .send()
            .await
            .expect("the bucket's notification is set");
        estate
    }

    /// The same with a bucket that tells the queue nothing.
    pub async fn build_silent(emulator: &Emulator, name: &str, receives_max: u32) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let region = Region::new("us-east-1");
        let s3 = aws_sdk_s3::Client::from_conf(
            aws_sdk_s3::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(region.clone())
                .credentials_provider(credentials.clone())
                .endpoint_url(&emulator.endpoint)
                .force_path_style(true)
                .build(),
        );
        let sqs = aws_sdk_sqs::Client::from_conf(
            aws_sdk_sqs::Config::builder()
                .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
                .region(region)
                .credentials_provider(credentials)
                .endpoint_url(&emulator.endpoint)
                .build(),
        );
        let bucket = format!("trail-logs-{name}");
        s3.create_bucket().bucket(&bucket).send().await.expect("the log bucket is made");
        let dead_letter_url = make_queue(&sqs, &format!("{name}-dead-letters"), None).await;
        let policy = serde_json::json!({
            "deadLetterTargetArn": arn_of(&sqs, &dead_letter_url).await,
            "maxReceiveCount": receives_max.to_string()
        });
        let queue_url = make_queue(&sqs, name, Some(policy.to_string())).await;
        let (endpoint, queue) = (emulator.endpoint.clone(), name.to_owned());
        Self { endpoint, bucket, queue_url, queue, dead_letter_url, s3, sqs }
    }

    /// Puts an object; the bucket tells the queue of it.
    pub async fn put(&self, key: &str, body: Vec<u8>) {
        self.put_stream(&self.bucket, key, ByteStream::from(body)).await;
    }

    /// Puts a file as an object without holding it in memory.
    pub async fn put_file(&self, key: &str, path: &Path) {
        let body = ByteStream::from_path(path).await.unwrap();
        self.put_stream(&self.bucket, key, body).await;
    }

    /// Puts an object into a bucket beside the log bucket, made for it, that tells no queue.
    pub async fn put_elsewhere(&self, bucket: &str, key: &str, body: Vec<u8>) {
        let _ = self.s3.create_bucket().bucket(bucket).send().await;
        self.put_stream(bucket, key, ByteStream::from(body)).await;
    }

    async fn put_stream(&self, bucket: &str, key: &str, body: ByteStream) {
        let put = self.s3.put_object().bucket(bucket).key(key).body(body).send().await;
        put.unwrap_or_else(|error| panic!("{bucket}/{key}: {error:?}"));
    }

    /// Sends a message to the queue by hand.
    pub async fn send(&self, body: &str) {
        let message = self.sqs.send_message().queue_url(&self.queue_url).message_body(body);
        message.send().await.expect("the message is sent");
    }

    /// Waits until the queue holds nothing, in flight or not.
    pub async fn until_drained(&self, seconds: u64) {
        eventually(seconds, "the queue is empty", async || match self.depth().await {
            (0, 0) => Ok(()),
            (visible, in_flight) => {
                Err(format!("{visible} messages visible, {in_flight} in flight"))
            }
        })
        .await;
    }

    /// Waits until the dead-letter queue holds this many messages, and gives their bodies.
    pub async fn dead_letters(&self, count: usize, seconds: u64) -> Vec<String> {
        eventually(seconds, "the dead-letter queue is filled", async || {
            let (visible, _) = depth_of(&self.sqs, &self.dead_letter_url).await;
            if visible == count { Ok(()) } else { Err(format!("{visible} of {count} messages")) }
        })
        .await;
        let receive = self.sqs.receive_message().queue_url(&self.dead_letter_url);
        let received = receive.max_number_of_messages(10).send().await.unwrap();
        received.messages().iter().filter_map(|m| m.body().map(str::to_owned)).collect()
    }

    /// How many messages the queue holds: visible and in flight.
    pub async fn depth(&self) -> (usize, usize) {
        depth_of(&self.sqs, &self.queue_url).await
    }
}

async fn depth_of(sqs: &aws_sdk_sqs::Client, queue_url: &str) -> (usize, usize) {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    let ask = sqs.get_queue_attributes().queue_url(queue_url);
    let answer = ask.set_attribute_names(Some(names.to_vec())).send().await.unwrap();
    let attributes = answer.attributes().expect("a queue has attributes");
    let [visible, in_flight] = names.map(|name| attributes[&name].parse().unwrap());
    (visible, in_flight)
}

async fn make_queue(
    sqs: &aws_sdk_sqs::Client,
    name: &str,
    redrive_policy: Option<String>,
) -> String {
    let mut create = sqs
        .create_queue()
        .queue_name(name)
        .attributes(QueueAttributeName::VisibilityTimeout, VISIBILITY_SECONDS);
    if let Some(policy) = redrive_policy {
        create = create.attributes(QueueAttributeName::RedrivePolicy, policy);
    }
    create.send().await.expect("the queue is made").queue_url.expect("a queue has a URL")
}

async fn arn_of(sqs: &aws_sdk_sqs::Client, queue_url: &str) -> String {
    let ask = sqs.get_queue_attributes().queue_url(queue_url);
    let answer = ask.attribute_names(QueueAttributeName::QueueArn).send().await.unwrap();
    answer.attributes().unwrap()[&QueueAttributeName::QueueArn].clone()
}
