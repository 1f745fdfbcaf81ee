//! Reading what a bucket tells of its events, and writing it back with our part or without it. S3
//! replaces all of it at once and has no condition for that, so it is read again right before it is
//! written, and after.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata as _};
use aws_sdk_s3::types::NotificationConfiguration;

use super::client::Bucket;
use super::notification::{difference, is_same, unknown_elements};
use super::refusal::Refusal;

/// How long S3 may show the old configuration after a new one was written.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(5),
];

/// Why the notifications of a bucket were not changed, or not as they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// AWS did not do what was asked.
    #[error("{refusal}; {}", .refusal.remedy())]
    Refused {
        /// What it answered.
        refusal: Refusal,
    },
    /// The queue, or another destination, does not let S3 send.
    #[error(
        "S3 tried to send to what the configuration names, and could not ({refusal}); nothing was \
         written. Add the statement above to the policy of the queue (a queue that is encrypted \
         with a key needs s3.amazonaws.com in the policy of its key too), and check that every \
         other destination of the bucket still exists"
    )]
    DestinationRefused {
        /// What it answered.
        refusal: Refusal,
    },
    /// It holds something that could not be sent back.
    #[error(
        "the notifications of bucket {bucket} hold what this version does not know ({}), and it \
         would be lost: nothing was written; add the configuration by hand, or with a newer one",
        .elements.join(", ")
    )]
    Unknown {
        /// The bucket.
        bucket: String,
        /// Elements of the answer.
        elements: Vec<String>,
    },
    /// Somebody else changed it in between.
    #[error(
        "somebody changed the notifications of bucket {bucket} meanwhile; nothing was written. \
         Look at the difference again"
    )]
    ChangedBefore {
        /// The bucket.
        bucket: String,
    },
    /// Somebody else changed it right after.
    #[error(
        "it was written, and then somebody else changed the notifications of bucket {bucket}; \
         theirs stand. From what was written to what is there:\n{difference}"
    )]
    ChangedAfter {
        /// The bucket.
        bucket: String,
        /// From what was written to what is there.
        difference: String,
    },
    /// S3 goes on showing the old one.
    #[error(
        "it was written, and S3 shows the notifications of bucket {bucket} as they were before; \
         look again in some minutes"
    )]
    NotSeen {
        /// The bucket.
        bucket: String,
    },
}

impl AttachError {
    const fn of(refusal: Refusal) -> Self {
        Self::Refused { refusal }
    }

    /// Whether it may pass by itself.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Refused { refusal } => refusal.is_transient(),
            Self::NotSeen { .. } => true,
            Self::DestinationRefused { .. }
            | Self::Unknown { .. }
            | Self::ChangedBefore { .. }
            | Self::ChangedAfter { .. } => false,
        }
    }
}

/// The notifications of one bucket.
#[derive(Debug, Clone)]
pub struct BucketNotifications(Bucket);

impl BucketNotifications {
    /// Finds the bucket.
    ///
    /// # Errors
    /// When it is not there, or nobody answers.
    pub async fn find(aws: &SdkConfig, name: &str, path_style: bool) -> Result<Self, AttachError> {
        Bucket::find(aws, name, path_style).await.map(Self).map_err(AttachError::of)
    }

    /// Where the bucket is.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// Reads them.
    ///
    /// # Errors
    /// When S3 refuses, or when they hold what could not be sent back.
    pub async fn read(&self) -> Result<NotificationConfiguration, AttachError> {
        let (configuration, xml) = read(&self.0).await.map_err(AttachError::of)?;
        let elements = match xml {
            Some(xml) => unknown_elements(&xml),
            None => vec!["an answer that was not kept".to_owned()],
        };
        if elements.is_empty() {
            return Ok(configuration);
        }
        Err(AttachError::Unknown { bucket: self.0.name.clone(), elements })
    }

    /// Writes `after`, unless they are no longer as `before`.
    ///
    /// # Errors
    /// When nothing was written, or when what is there afterwards is something else.
    pub async fn replace(
        &self,
        before: &NotificationConfiguration,
        after: &NotificationConfiguration,
    ) -> Result<(), AttachError> {
        let bucket = || self.0.name.clone();
        if !is_same(&self.read().await?, before) {
            return Err(AttachError::ChangedBefore { bucket: bucket() });
        }
        self.write(after).await?;
        for pause in PAUSES {
            let now = self.read().await?;
            if is_same(&now, after) {
                return Ok(());
            }
            if !is_same(&now, before) {
                let difference = difference(after, &now);
                return Err(AttachError::ChangedAfter { bucket: bucket(), difference });
            }
            tokio::time::sleep(pause).await;
        }
        Err(AttachError::NotSeen { bucket: bucket() })
    }

    async fn write(&self, after: &NotificationConfiguration) -> Result<(), AttachError> {
        let put = self.0.client.put_bucket_notification_configuration().bucket(&self.0.name);
        let answer = put.notification_configuration(after.clone()).send().await;
        let Err(error) = answer else { return Ok(()) };
        let is_destination = error.code() == Some("InvalidArgument")
            && error.message().is_some_and(|text| text.contains("destination"));
        let refusal = Refusal::of(self.0.asked("s3:PutBucketNotification"), &error);
        Err(if is_destination {
            AttachError::DestinationRefused { refusal }
        } else {
            AttachError::Refused { refusal }
        })
    }
}

/// The notifications of a bucket, and the answer of S3 that they were read from.
pub(super) async fn read(
    bucket: &Bucket,
) -> Result<(NotificationConfiguration, Option<String>), Refusal> {
    let answered = Answered::default();
    let get = bucket.client.get_bucket_notification_configuration().bucket(&bucket.name);
    let answer = get.customize().interceptor(answered.clone()).send().await;
    let answer =
        answer.map_err(|error| Refusal::of(bucket.asked("s3:GetBucketNotification"), &error))?;
    let some = |length: usize| length > 0;
    let configuration = NotificationConfiguration::builder()
        .set_queue_configurations(answer.queue_configurations.filter(|it| some(it.len())))
        .set_topic_configurations(answer.topic_configurations.filter(|it| some(it.len())))
        .set_lambda_function_configurations(
            answer.lambda_function_configurations.filter(|it| some(it.len())),
        )
        .set_event_bridge_configuration(answer.event_bridge_configuration)
        .build();
    Ok((configuration, answered.text()))
}

/// Keeps the body of an answer, in which there may be more than the SDK knows.
#[derive(Debug, Clone, Default)]
struct Answered(Arc<Mutex<Option<String>>>);

impl Answered {
    fn text(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for Answered {
    fn name(&self) -> &'static str {
        "Answered"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _runtime_components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(body) = context.response().body().bytes() {
            let text = String::from_utf8_lossy(body).into_owned();
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
        Ok(())
    }
}
