//! A queue's attributes: their defaults, what SQS accepts, and how it writes them. It knows no
//! messages.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::error::{Kind, SqsError};

/// Bytes of the largest message that SQS takes, and of the messages of a batch together.
pub(super) const MESSAGE_BYTES_MAX: usize = 1_048_576;
/// Attributes that are kept and shown, and do nothing here.
const ONLY_KEPT: [&str; 5] = [
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
];

/// How a queue is set up. The default is that of SQS: visibility timeout 30 s, no delay, retention
/// 4 days, short polls, no dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueAttributes {
    /// How long a received message stays invisible; whole seconds, 0 to 12 hours.
    pub visibility_timeout: Duration,
    /// How long a message stays invisible after it was sent; whole seconds, 0 to 15 minutes.
    pub delay: Duration,
    /// How long a message is kept; whole seconds, 1 minute to 14 days.
    pub retention: Duration,
    /// How long a receive waits that does not say so itself; whole seconds, 0 to 20.
    pub receive_wait: Duration,
    /// Bytes that a message may have; 1,024 to 1,048,576.
    pub message_bytes_max: usize,
    /// Where messages go that were received too often; none to keep them.
    pub redrive: Option<Redrive>,
    /// Attributes that are kept and shown and do nothing, such as `Policy`.
    pub others: BTreeMap<String, String>,
}

/// Where messages go that were received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The ARN of the dead-letter queue.
    pub dead_letter_arn: String,
    /// How often a message may be received; 1 to 1,000.
    pub receives_max: u32,
}

impl Default for QueueAttributes {
    fn default() -> Self {
        Self {
            visibility_timeout: Duration::from_secs(30),
            delay: Duration::ZERO,
            retention: Duration::from_hours(4 * 24),
            receive_wait: Duration::ZERO,
            message_bytes_max: MESSAGE_BYTES_MAX,
            redrive: None,
            others: BTreeMap::new(),
        }
    }
}

impl QueueAttributes {
    /// Sets the attribute that SQS calls `name`.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), SqsError> {
        match name {
            "VisibilityTimeout" => self.visibility_timeout = seconds(name, value, 0, 43_200)?,
            "DelaySeconds" => self.delay = seconds(name, value, 0, 900)?,
            "MessageRetentionPeriod" => self.retention = seconds(name, value, 60, 1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => self.receive_wait = seconds(name, value, 0, 20)?,
            "MaximumMessageSize" => {
                let bytes = number(name, value, 1_024, MESSAGE_BYTES_MAX as u64)?;
                self.message_bytes_max = usize::try_from(bytes).unwrap_or(MESSAGE_BYTES_MAX);
            }
            "RedrivePolicy" if value.is_empty() => self.redrive = None,
            "RedrivePolicy" => {
                self.redrive = Some(Redrive::parse(value).ok_or_else(|| invalid(name, value))?);
            }
            _ if ONLY_KEPT.contains(&name) => {
                self.others.insert(name.into(), value.into());
                self.others.retain(|_, value| !value.is_empty());
            }
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    /// Every attribute that has a value, as SQS writes it.
    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        let mut texts = self.others.clone();
        let mut show = |name: &str, value: String| texts.insert(name.to_owned(), value);
        show("VisibilityTimeout", self.visibility_timeout.as_secs().to_string());
        show("DelaySeconds", self.delay.as_secs().to_string());
        show("MessageRetentionPeriod", self.retention.as_secs().to_string());
        show("ReceiveMessageWaitTimeSeconds", self.receive_wait.as_secs().to_string());
        show("MaximumMessageSize", self.message_bytes_max.to_string());
        if let Some(redrive) = &self.redrive {
            show("RedrivePolicy", redrive.to_text());
        }
        texts
    }
}

impl Redrive {
    fn parse(text: &str) -> Option<Self> {
        let policy: Value = serde_json::from_str(text).ok()?;
        let dead_letter_arn = policy["deadLetterTargetArn"].as_str()?.to_owned();
        let receives_max = match &policy["maxReceiveCount"] {
            Value::Number(number) => number.as_u64()?,
            Value::String(digits) => digits.parse().ok()?,
            _ => return None,
        };
        let receives_max = u32::try_from(receives_max).ok().filter(|n| (1..=1_000).contains(n))?;
        Some(Self { dead_letter_arn, receives_max })
    }

    fn to_text(&self) -> String {
        let Self { dead_letter_arn, receives_max } = self;
        json!({"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": receives_max}).to_string()
    }
}

/// The error for an attribute that a standard queue does not have.
pub(super) fn unknown(name: &str) -> SqsError {
    SqsError::new(Kind::InvalidAttributeName, format!("Unknown Attribute {name}."))
}

fn invalid(name: &str, value: &str) -> SqsError {
    let message = format!("Invalid value for the parameter {name}: {value}");
    SqsError::new(Kind::InvalidAttributeValue, message)
}

fn seconds(name: &str, value: &str, min: u64, max: u64) -> Result<Duration, SqsError> {
    number(name, value, min, max).map(Duration::from_secs)
}

fn number(name: &str, value: &str, min: u64, max: u64) -> Result<u64, SqsError> {
    let number = value.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| invalid(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_shown_as_it_was_set() {
        let arn = "arn:aws:sqs:eu-west-1:111122223333:dead";
        let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":3}}"#);
        for (name, value) in [
            ("VisibilityTimeout", "43200"),
            ("DelaySeconds", "900"),
            ("MessageRetentionPeriod", "60"),
            ("ReceiveMessageWaitTimeSeconds", "20"),
            ("MaximumMessageSize", "1024"),
            ("RedrivePolicy", policy.as_str()),
            ("Policy", "{}"),
        ] {
            let mut attributes = QueueAttributes::default();
            assert_ne!(attributes.texts().get(name).map(String::as_str), Some(value));
            attributes.set(name, value).expect(name);
            assert_eq!(attributes.texts()[name], value);
        }
    }

    #[test]
    fn a_value_out_of_range_or_a_stranger_is_refused() {
        for (name, value) in [
            ("VisibilityTimeout", "43201"),
            ("VisibilityTimeout", "-1"),
            ("MessageRetentionPeriod", "59"),
            ("ReceiveMessageWaitTimeSeconds", "21"),
            ("MaximumMessageSize", "1048577"),
            ("RedrivePolicy", r#"{"maxReceiveCount":3}"#),
            ("RedrivePolicy", r#"{"deadLetterTargetArn":"a","maxReceiveCount":0}"#),
        ] {
            let error = QueueAttributes::default().set(name, value).expect_err(value);
            assert_eq!(error.kind, Kind::InvalidAttributeValue, "{name}={value}");
        }
        let error = QueueAttributes::default().set("FifoQueue", "true").expect_err("no FIFO here");
        assert_eq!(error.kind, Kind::InvalidAttributeName);
    }

    #[test]
    fn an_empty_redrive_policy_ends_the_redrive() {
        let mut attributes = QueueAttributes {
            redrive: Some(Redrive { dead_letter_arn: "arn".into(), receives_max: 3 }),
            ..QueueAttributes::default()
        };
        attributes.set("RedrivePolicy", "").expect("accepted");
        assert_eq!(attributes.redrive, None);
    }
}
