//! A log bucket that tells a queue of every object, and a dead-letter queue behind it, made in the
//! emulator through the AWS SDK. Knows nothing of what the objects hold.

use std::path::Path;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Event, NotificationConfiguration, QueueConfiguration};
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};

use super::{Emulator, eventually};

/// Short, so that what is left to be tried again is tried while a test waits.
const VISIBILITY_SECONDS: &str = "2";
/// Longer, so that a busy machine does not receive a message twice; but one that the emulator gave
/// to a daemon that had just ended comes again soon.
const PATIENT_VISIBILITY_SECONDS: &str = "6";
/// Messages that SQS takes at once.
const SENT_AT_ONCE: usize = 10;

/// One bucket and its queues.
pub struct Estate {
    pub endpoint: String,
    pub bucket: String,
    pub queue_url: String,
    pub queue: String,
    /// Another queue beside it, which only messages that are sent by hand come to.
    pub second_queue_url: Option<String>,
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
        let second_queue_url = None;
        Self { endpoint, bucket, queue_url, queue, second_queue_url, dead_letter_url, s3, sqs }
    }

    /// The same with a second queue, for tests that count what they receive.
    pub async fn build_with_two_queues(emulator: &Emulator, name: &str, receives_max: u32) -> Self {
        let estate = Self::build(emulator, name, receives_max).await;
        let second_queue_url = make_queue(&estate.sqs, &format!("{name}-second"), None).await;
        for queue_url in [&estate.queue_url, &second_queue_url] {
            let patience = (QueueAttributeName::VisibilityTimeout, PATIENT_VISIBILITY_SECONDS);
            let set = estate.sqs.set_queue_attributes().queue_url(queue_url);
            let set = set.attributes(patience.0, patience.1).send().await;
            set.expect("the queue's attributes are set");
        }
        Self { second_queue_url: Some(second_queue_url), ..estate }
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

    /// Sends messages to a queue by hand, many at a time.
    pub async fn send_all(&self, queue_url: &str, bodies: &[String]) {
        for bodies in bodies.chunks(SENT_AT_ONCE) {
            let entry = |(id, body): (usize, &String)| {
                let entry = SendMessageBatchRequestEntry::builder();
                entry.id(id.to_string()).message_body(body).build().unwrap()
            };
            let entries = bodies.iter().enumerate().map(entry).collect();
            let batch = self.sqs.send_message_batch().queue_url(queue_url);
            let answer = batch.set_entries(Some(entries)).send().await.expect("messages are sent");
            assert_eq!(answer.failed(), []);
        }
    }

    /// Waits until the queues hold nothing, in flight or not.
    pub async fn until_drained(&self, seconds: u64) {
        eventually(seconds, "the queues are empty", async || match self.depth().await {
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

    /// How many messages the queues hold: visible and in flight.
    pub async fn depth(&self) -> (usize, usize) {
        let mut depth = depth_of(&self.sqs, &self.queue_url).await;
        if let Some(second) = &self.second_queue_url {
            let (visible, in_flight) = depth_of(&self.sqs, second).await;
            depth = (depth.0 + visible, depth.1 + in_flight);
        }
        depth
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
