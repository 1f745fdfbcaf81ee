//! What SQS says about a queue as a whole: how deep it is and where its failed messages go. It
//! does not know what is done about it.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::Value;

/// The attributes that [`QueueAttributes`] is made of.
pub(super) const ASKED: [Name; 5] = [
    Name::ApproximateNumberOfMessages,
    Name::ApproximateNumberOfMessagesNotVisible,
    Name::ApproximateNumberOfMessagesDelayed,
    Name::VisibilityTimeout,
    Name::RedrivePolicy,
];

/// State and settings of a queue. Counts are approximate, and `None` where the answer did not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueAttributes {
    /// Messages that wait to be received.
    pub visible: Option<u64>,
    /// Messages that were received and are neither deleted nor visible again.
    pub in_flight: Option<u64>,
    /// Messages that are delayed and cannot be received yet.
    pub delayed: Option<u64>,
    /// How long a received message stays invisible unless a receive says otherwise.
    pub visibility_timeout: Option<Duration>,
    /// Where messages go that are received too often; `None` when the queue has no such policy.
    pub redrive: Option<Redrive>,
}

/// A queue's redrive policy. A policy that could not be read is still a policy: its members are
/// `None`, so that nobody takes its queue for one without redrive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redrive {
    /// ARN of the dead-letter queue.
    pub dead_letter_queue_arn: Option<String>,
    /// Receives after which a message is moved there.
    pub max_receive_count: Option<u32>,
}

impl QueueAttributes {
    pub(super) fn of(attributes: &HashMap<Name, String>) -> Self {
        let number = |name: &Name| attributes.get(name).and_then(|text| text.parse().ok());
        Self {
            visible: number(&Name::ApproximateNumberOfMessages),
            in_flight: number(&Name::ApproximateNumberOfMessagesNotVisible),
            delayed: number(&Name::ApproximateNumberOfMessagesDelayed),
            visibility_timeout: number(&Name::VisibilityTimeout).map(Duration::from_secs),
            redrive: attributes
                .get(&Name::RedrivePolicy)
                .filter(|policy| !policy.is_empty())
                .map(|policy| Redrive::of(policy)),
        }
    }
}

impl Redrive {
    fn of(policy: &str) -> Self {
        let Ok(policy) = serde_json::from_str::<Value>(policy) else { return Self::default() };
        Self {
            dead_letter_queue_arn: policy["deadLetterTargetArn"].as_str().map(str::to_owned),
            max_receive_count: count(&policy["maxReceiveCount"]),
        }
    }

    /// Account and name of the dead-letter queue, from `arn:PARTITION:sqs:REGION:ACCOUNT:NAME`.
    pub(super) fn account_and_name(&self) -> Option<(&str, &str)> {
        let mut parts = self.dead_letter_queue_arn.as_deref()?.splitn(6, ':');
        let is_sqs = parts.next()? == "arn" && parts.nth(1)? == "sqs";
        let account = parts.nth(1)?;
        let name = parts.next()?;
        (is_sqs && !account.is_empty() && !name.is_empty()).then_some((account, name))
    }
}

/// SQS writes the count as a number or as a string, as the policy's author did.
fn count(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws-cn:sqs:cn-north-1:123456789012:log-events-dead";

    #[test]
    fn the_receive_limit_of_a_redrive_policy_may_be_a_number_or_a_string() {
        for limit in ["5", "\"5\""] {
            let policy = format!(r#"{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":{limit}}}"#);
            let redrive = Redrive::of(&policy);
            assert_eq!(redrive.max_receive_count, Some(5));
            assert_eq!(redrive.account_and_name(), Some(("123456789012", "log-events-dead")));
        }
    }

    #[test]
    fn a_redrive_policy_that_cannot_be_read_is_still_a_redrive_policy() {
        for policy in ["{", "[]", "7", r#"{"maxReceiveCount":-1}"#, r#"{"maxReceiveCount":null}"#] {
            let of_queue = HashMap::from([(Name::RedrivePolicy, policy.to_owned())]);
            assert_eq!(QueueAttributes::of(&of_queue).redrive, Some(Redrive::default()));
        }
    }

    #[test]
    fn a_queue_without_a_redrive_policy_has_none() {
        assert_eq!(QueueAttributes::of(&HashMap::new()), QueueAttributes::default());
        let emptied = HashMap::from([(Name::RedrivePolicy, String::new())]);
        assert_eq!(QueueAttributes::of(&emptied).redrive, None);
    }

    #[test]
    fn only_an_sqs_arn_leads_to_a_dead_letter_queue() {
        for arn in
            ["", "log-events-dead", "arn:aws:sns:eu-west-1:123456789012:topic", "arn:aws:sqs"]
        {
            let redrive =
                Redrive { dead_letter_queue_arn: Some(arn.to_owned()), max_receive_count: Some(5) };
            assert_eq!(redrive.account_and_name(), None, "{arn}");
        }
    }
}
