//! How a queue is set up, for those who check it: its policy, its key, its timeouts. It does not
//! know what is right.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName as Name;

use super::attributes::QueueAttributes;
use super::client::{SHORT_CALL, answer_within};
use super::{Operation, Queue, QueueError, Redrive};

const ASKED: [Name; 6] = [
    Name::QueueArn,
    Name::Policy,
    Name::KmsMasterKeyId,
    Name::MessageRetentionPeriod,
    Name::VisibilityTimeout,
    Name::RedrivePolicy,
];

/// How a queue is set up; `None` for what is not set, or was not told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueSettings {
    /// Its ARN.
    pub arn: Option<String>,
    /// Who may do what with it, as a JSON policy.
    pub policy: Option<String>,
    /// The key of KMS that its messages are encrypted with.
    pub kms_key_id: Option<String>,
    /// How long it keeps a message.
    pub retention: Option<Duration>,
    /// How long a received message stays invisible unless a receive says otherwise.
    pub visibility_timeout: Option<Duration>,
    /// Where messages go that are received too often.
    pub redrive: Option<Redrive>,
}

impl QueueSettings {
    fn of(attributes: &HashMap<Name, String>) -> Self {
        let text = |name: &Name| attributes.get(name).filter(|text| !text.is_empty()).cloned();
        let seconds = text(&Name::MessageRetentionPeriod).and_then(|text| text.parse().ok());
        let QueueAttributes { visibility_timeout, redrive, .. } = QueueAttributes::of(attributes);
        Self {
            arn: text(&Name::QueueArn),
            policy: text(&Name::Policy),
            kms_key_id: text(&Name::KmsMasterKeyId),
            retention: seconds.map(Duration::from_secs),
            visibility_timeout,
            redrive,
        }
    }
}

impl Queue {
    /// Asks how the queue is set up.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn settings(&self) -> Result<QueueSettings, QueueError> {
        let answer = self
            .client()
            .get_queue_attributes()
            .queue_url(self.url())
            .set_attribute_names(Some(ASKED.to_vec()))
            .customize()
            .config_override(answer_within(SHORT_CALL))
            .send();
        let answer = self.paced(Operation::Attributes, answer).await?;
        Ok(QueueSettings::of(&answer.attributes.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_none() {
        assert_eq!(QueueSettings::of(&HashMap::new()), QueueSettings::default());
        let set = [(Name::Policy, ""), (Name::QueueArn, "a"), (Name::MessageRetentionPeriod, "60")];
        let set = set.map(|(name, value)| (name, value.to_owned()));
        let expected = QueueSettings {
            arn: Some("a".to_owned()),
            retention: Some(Duration::from_mins(1)),
            ..QueueSettings::default()
        };
        assert_eq!(QueueSettings::of(&HashMap::from(set)), expected);
    }
}
