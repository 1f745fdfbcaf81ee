//! An SNS topic: each subscriber gets the form that suits it, people the text and programs the
//! JSON body of the webhook. It knows neither the subscribers nor when to try again.
//!
//! SNS takes a subject of fewer than 100 ASCII characters and a message of 256 KiB in all.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::timeout::TimeoutConfig;
use aws_sdk_sns::config::{Builder, Region};
use aws_sdk_sns::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sns::operation::RequestId as _;
use aws_sdk_sns::operation::publish::PublishError;
use aws_sdk_sns::types::MessageAttributeValue;
use serde_json::json;

use super::body::Body;
use super::endpoint::PATIENCE;
use super::text::{cut, one_line, paragraph, source_chain};
use super::{Notice, NotifyError, Place, TopicArn};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const SUBJECT_CHARS_MAX: usize = 99;
const TEXT_CHARS_MAX: usize = 12_000;
/// What one SMS takes.
const SMS_CHARS_MAX: usize = 140;
/// Four times, with every quote escaped, this leaves room for the text in 256 KiB.
const DOCUMENT_BYTES_MAX: usize = 24 << 10;

/// A topic and how it is published to.
#[derive(Clone)]
pub(super) struct Sns {
    client: Client,
    topic: TopicArn,
}

impl Sns {
    /// Nothing is sent. The region is the topic's; a configured endpoint stays in force.
    pub(super) fn new(config: &SdkConfig, topic: TopicArn) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_timeout(PATIENCE)
            .build();
        let config = Builder::from(config)
            .region(Region::new(topic.region().to_owned()))
            // Whoever sends has a longer patience, and a try that was taken would be taken twice.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Self { client: Client::from_conf(config), topic }
    }

    pub(super) async fn send(&self, notice: &Notice, url: Option<&str>) -> Result<(), NotifyError> {
        let mut publish = self
            .client
            .publish()
            .topic_arn(self.topic.as_str())
            .subject(subject(notice))
            .message_structure("json")
            .message(message(notice, url));
        for (name, value) in attributes(notice) {
            let value =
                MessageAttributeValue::builder().data_type("String").string_value(value).build();
            publish = publish
                .message_attributes(name, value.map_err(|error| self.other(error.to_string()))?);
        }
        if self.topic.is_fifo() {
            let id = notice.id();
            publish = publish
                .message_deduplication_id(format!("{id}-{}", notice.revision))
                .message_group_id(id);
        }
        publish.send().await.map(|_| ()).map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &SdkError<PublishError>) -> NotifyError {
        let to = self.place();
        let cause = source_chain(error);
        match error {
            SdkError::TimeoutError(_) => NotifyError::TimedOut { to, after: PATIENCE },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                NotifyError::TimedOut { to, after: PATIENCE }
            }
            SdkError::ServiceError(_) | SdkError::ResponseError(_) => self.answered(error),
            _ if is_about_credentials(&cause) => NotifyError::Credentials {
                to,
                detail: "none were found, or they cannot be loaded".to_owned(),
            },
            _ => NotifyError::Unreachable { to, detail: cause },
        }
    }

    fn answered(&self, error: &SdkError<PublishError>) -> NotifyError {
        let to = self.place();
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        let code = error.code().unwrap_or_default();
        let said = error.message().unwrap_or_default();
        let id = error.request_id().map(|id| format!(", request id {id}")).unwrap_or_default();
        let detail = one_line(&format!("HTTP {status} {code}: {said}{id}"));
        let refused = |remedy: String| NotifyError::Refused {
            to: to.clone(),
            detail: detail.clone(),
            remedy,
        };
        match code.strip_suffix("Exception").unwrap_or(code) {
            "NotFound" => refused("create the topic, or correct its ARN".to_owned()),
            "AuthorizationError" | "AccessDenied" => refused(format!(
                "allow sns:Publish on {} in the caller's IAM policy, and in the topic's policy if \
                 it is in another account",
                self.topic
            )),
            "ExpiredToken"
            | "InvalidClientTokenId"
            | "UnrecognizedClient"
            | "SignatureDoesNotMatch"
            | "InvalidSecurity"
            | "MissingAuthenticationToken"
            | "IncompleteSignature"
            | "RequestExpired" => NotifyError::Credentials { to, detail },
            "Throttling" | "Throttled" | "KMSThrottling" | "RequestLimitExceeded" => {
                NotifyError::Throttled { to, detail, retry_after: None }
            }
            code if code.starts_with("KMS") => refused(
                "allow kms:GenerateDataKey and kms:Decrypt on the topic's key in the caller's IAM \
                 policy and in the key policy, and check that the key is enabled"
                    .to_owned(),
            ),
            _ if status == 429 => NotifyError::Throttled { to, detail, retry_after: None },
            _ if (400..500).contains(&status) => {
                refused("see the code in the SNS API reference".to_owned())
            }
            _ => NotifyError::Unavailable { to, detail, retry_after: None },
        }
    }

    fn other(&self, detail: String) -> NotifyError {
        NotifyError::Unreachable { to: self.place(), detail }
    }

    fn place(&self) -> Place {
        Place { notifier: "SNS topic", at: self.topic.to_string() }
    }
}

/// The SDK gives no type for it; each of its messages about them has one of these words.
fn is_about_credentials(cause: &str) -> bool {
    let cause = cause.to_ascii_lowercase();
    cause.contains("credential") || cause.contains("identity resolver timed out")
}

/// What subscriptions can be filtered by. An attribute cannot be empty.
fn attributes(notice: &Notice) -> impl Iterator<Item = (&'static str, String)> {
    let finding = &notice.finding;
    [
        ("detector", finding.detector.as_str().to_owned()),
        ("bucket", finding.bucket.clone()),
        ("severity", finding.severity.as_str().to_owned()),
        ("state", notice.state.as_str().to_owned()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
}

/// Printable ASCII, beginning with a letter, number or punctuation mark.
fn subject(notice: &Notice) -> String {
    let ascii: String = notice
        .title
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .collect();
    let ascii = cut(ascii.trim(), SUBJECT_CHARS_MAX, |_| 1).replace('…', "~");
    if ascii.is_empty() { "deltrail".to_owned() } else { ascii }
}

/// A form for each protocol.
fn message(notice: &Notice, url: Option<&str>) -> String {
    let document = Body::of(notice, url).into_json(DOCUMENT_BYTES_MAX);
    let document = String::from_utf8_lossy(&document);
    let mut text = paragraph(&notice.text, TEXT_CHARS_MAX);
    if let Some(url) = url {
        text = format!("{text}\n\n{url}");
    }
    json!({
        "default": text,
        "sms": paragraph(&notice.short_text, SMS_CHARS_MAX),
        "sqs": document,
        "lambda": document,
        "http": document,
        "https": document
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::super::Notice;
    use super::super::notice::tests::notice;
    use super::{attributes, message, subject};

    #[test]
    fn a_subject_is_short_ascii_without_control_characters() {
        let long = Notice { title: "ä\n\u{202e}".repeat(100), ..notice() };
        for notice in [notice(), long, Notice { title: " \n".to_owned(), ..notice() }] {
            let subject = subject(&notice);
            assert!((1..100).contains(&subject.len()), "{subject}");
            assert!(subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{subject}");
            assert!(!subject.starts_with(' '), "{subject}");
        }
    }

    #[test]
    fn a_message_is_never_too_large_for_sns() {
        let mut notice = notice();
        notice.text = "\u{1f4a5}\\\"".repeat(50_000);
        notice.title = "\\\"".repeat(50_000);
        notice.finding.reason.sentence = "\u{1}".repeat(50_000);
        notice.finding.notes = vec!["\"".repeat(5_000); 50];
        notice.finding.sample_keys = vec!["\\".repeat(1_024); 50];
        let message = message(&notice, Some("https://deltrail.example.com/findings/1"));
        assert!(message.len() < 255 << 10, "{}", message.len());
        let forms: serde_json::Value = serde_json::from_str(&message).unwrap();
        let document: serde_json::Value =
            serde_json::from_str(forms["sqs"].as_str().unwrap()).unwrap();
        assert_eq!(document["finding"]["removed"], 12_480);
    }

    #[test]
    fn a_finding_about_an_account_has_no_empty_attribute() {
        let mut notice = notice();
        assert_eq!(attributes(&notice).count(), 4);
        notice.finding.bucket.clear();
        assert_eq!(
            attributes(&notice).map(|(name, _)| name).collect::<Vec<_>>(),
            ["detector", "severity", "state"]
        );
    }
}
