//! What can go wrong with a queue, each as one line that names the queue and the next step. It
//! does not decide whether to try again.

use std::error::Error;
use std::fmt::{self, Display};
use std::sync::Arc;

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::RequestId;

use super::Detail;
use super::text::{credentials_cause, is_about_credentials, one_line, source_chain};

/// What was asked of SQS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `ReceiveMessage`.
    Receive,
    /// `DeleteMessageBatch`.
    Delete,
    /// `ChangeMessageVisibilityBatch`.
    ChangeVisibility,
    /// `GetQueueAttributes`.
    Attributes,
    /// `GetQueueUrl`.
    Find,
}

impl Operation {
    const fn as_phrase(self) -> &'static str {
        match self {
            Self::Receive => "receive messages from",
            Self::Delete => "delete messages from",
            Self::ChangeVisibility => "change visibility of messages of",
            Self::Attributes => "read the attributes of",
            Self::Find => "find the dead-letter queue of",
        }
    }

    /// The IAM action that allows it.
    #[must_use]
    pub const fn permission(self) -> &'static str {
        match self {
            Self::Receive => "sqs:ReceiveMessage",
            Self::Delete => "sqs:DeleteMessage",
            Self::ChangeVisibility => "sqs:ChangeMessageVisibility",
            Self::Attributes => "sqs:GetQueueAttributes",
            Self::Find => "sqs:GetQueueUrl",
        }
    }
}

/// A queue as its calls name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The URL of the queue.
    pub url: String,
    /// Its name.
    pub name: String,
    /// What IAM policies call it: its ARN, else words.
    pub resource: String,
    /// The region that is asked.
    pub region: String,
    /// Whether that region comes from the URL; else it comes from the settings of the SDK.
    pub is_region_of_url: bool,
}

/// A call that failed: what was asked of which queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What was asked.
    pub operation: Operation,
    /// Of whom.
    pub queue: Arc<Asked>,
}

impl Call {
    fn origin_of_region(&self) -> &'static str {
        if self.queue.is_region_of_url {
            "its URL names"
        } else {
            "AWS_REGION or the profile names, as its URL has none"
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} queue {}", self.operation.as_phrase(), one_line(&self.queue.url))
    }
}

/// Why a queue did not do what was asked. `detail` is the answer of SQS (status, code, message,
/// request id) or the cause in the network, on one line.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "a variant says what its fields are for")]
pub enum QueueError {
    /// The text is no queue URL.
    #[error(
        "queue URL {url:?} {problem}; a queue URL looks like \
         https://sqs.eu-west-1.amazonaws.com/123456789012/my-queue"
    )]
    InvalidUrl { url: String, problem: &'static str },
    /// Neither the URL nor the SDK's settings name a region.
    #[error(
        "no region is known for queue {url}: its URL names none, and neither AWS_REGION nor the \
         AWS profile is set to one; set AWS_REGION, for example AWS_REGION=eu-west-1"
    )]
    NoRegion { url: String },
    /// The redrive policy names no dead-letter queue that could be found.
    #[error(
        "the redrive policy of queue {queue_url} names no dead-letter queue by an SQS ARN; \
         correct the policy of the queue"
    )]
    NoDeadLetterQueue { queue_url: String },
    /// There is no such queue.
    #[error(
        "{call}: it does not exist in region {}, which {} ({detail}); check account, name and region \
         (aws sqs get-queue-url --queue-name {} --region REGION prints the URL where the queue is), \
         or create the queue",
        .call.queue.region, .call.origin_of_region(), .call.queue.name
    )]
    Missing { call: Call, detail: Detail },
    /// The caller may not do this.
    #[error(
        "{call}: access denied ({detail}); allow {} on {} in the caller's IAM policy, and in the \
         queue policy if the queue is in another account",
        .call.operation.permission(), .call.queue.resource
    )]
    AccessDenied { call: Call, detail: Detail },
    /// The key of an encrypted queue cannot be used.
    #[error(
        "{call}: its KMS key cannot be used ({detail}); allow kms:Decrypt on {} in the caller's \
         IAM policy and in the key policy, and check that the key is enabled",
        .detail.key_or("the key of the queue")
    )]
    KeyRefused { call: Call, detail: Detail },
    /// No credentials could be loaded.
    #[error(
        "{call}: no AWS credentials were found ({detail}); set AWS_PROFILE, or AWS_ACCESS_KEY_ID \
         and AWS_SECRET_ACCESS_KEY, or give the task or instance a role"
    )]
    NoCredentials { call: Call, detail: Detail },
    /// The credentials are expired, unknown or do not sign correctly.
    #[error(
        "{call}: the AWS credentials were refused ({detail}); renew them, and check the clock of \
         this host"
    )]
    CredentialsRefused { call: Call, detail: Detail },
    /// No connection to the endpoint.
    #[error(
        "{call}: its endpoint in region {} cannot be reached ({detail}); check the region in the \
         URL, DNS, network, proxy and AWS_ENDPOINT_URL", .call.queue.region
    )]
    Unreachable { call: Call, detail: Detail },
    /// The endpoint did not answer in time.
    #[error("{call}: no answer in time ({detail}); check the network if it goes on")]
    TimedOut { call: Call, detail: Detail },
    /// SQS asks for fewer requests, or for fewer messages in flight.
    #[error("{call}: throttled ({detail}); ask less often, or have the quota raised")]
    Throttled { call: Call, detail: Detail },
    /// Anything else that SQS, or something in front of it, answered.
    #[error("{call}: {detail}; see the code in the SQS API reference if it goes on")]
    Other { call: Call, detail: Detail, is_transient: bool },
}

impl QueueError {
    /// Whether it may pass without anybody changing a setting, a permission or a queue.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Throttled { .. } => true,
            Self::Other { is_transient, .. } => *is_transient,
            _ => false,
        }
    }

    /// The reason as a metric label: one of `queue_missing`, `access_denied`, `no_credentials`,
    /// `unreachable`, `throttled`, `timeout`, `other`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "queue_missing",
            Self::AccessDenied { .. } | Self::KeyRefused { .. } => "access_denied",
            Self::NoCredentials { .. } | Self::CredentialsRefused { .. } => "no_credentials",
            Self::Unreachable { .. } => "unreachable",
            Self::Throttled { .. } => "throttled",
            Self::TimedOut { .. } => "timeout",
            Self::InvalidUrl { .. }
            | Self::NoRegion { .. }
            | Self::NoDeadLetterQueue { .. }
            | Self::Other { .. } => "other",
        }
    }

    /// Whether it concerns all that may be asked of the queue, not this operation alone.
    #[must_use]
    pub fn is_of_whole_queue(&self) -> bool {
        !matches!(self, Self::AccessDenied { .. } | Self::Other { .. })
    }

    /// The region that was asked, and the request id of the answer, as far as there are any.
    #[must_use]
    pub fn region_and_request_id(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::InvalidUrl { .. } | Self::NoRegion { .. } | Self::NoDeadLetterQueue { .. } => {
                (None, None)
            }
            Self::Missing { call, detail }
            | Self::AccessDenied { call, detail }
            | Self::KeyRefused { call, detail }
            | Self::NoCredentials { call, detail }
            | Self::CredentialsRefused { call, detail }
            | Self::Unreachable { call, detail }
            | Self::TimedOut { call, detail }
            | Self::Throttled { call, detail }
            | Self::Other { call, detail, .. } => (Some(&call.queue.region), detail.request_id()),
        }
    }

    /// The meaning of an error of the SDK.
    pub(super) fn of<E>(call: Call, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if matches!(error, SdkError::ServiceError(_) | SdkError::ResponseError(_)) {
            return answered(call, error);
        }
        let cause = source_chain(error);
        let detail = Detail::cause(cause.clone());
        match error {
            SdkError::TimeoutError(_) => Self::TimedOut { call, detail },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Self::TimedOut { call, detail }
            }
            SdkError::DispatchFailure(failure) if failure.is_io() => {
                Self::Unreachable { call, detail }
            }
            _ if is_about_credentials(&cause) => {
                Self::NoCredentials { call, detail: Detail::cause(credentials_cause(error)) }
            }
            // A connection that broke off before the answer, however the client calls it.
            SdkError::DispatchFailure(failure) if !failure.is_user() => {
                Self::Unreachable { call, detail }
            }
            _ => Self::Other { call, detail, is_transient: false },
        }
    }
}

fn answered<E>(call: Call, error: &SdkError<E, HttpResponse>) -> QueueError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let detail = answer(status, error);
    match bare_code(error.code().unwrap_or_default()) {
        "NonExistentQueue" | "QueueDoesNotExist" | "InvalidAddress" => {
            QueueError::Missing { call, detail }
        }
        "AccessDenied" | "OptInRequired" | "NotAuthorized" | "UnauthorizedOperation" => {
            QueueError::AccessDenied { call, detail }
        }
        "ExpiredToken"
        | "RequestExpired"
        | "InvalidToken"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "UnrecognizedClient"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "InvalidSignature"
        | "SignatureDoesNotMatch"
        | "AuthFailure" => QueueError::CredentialsRefused { call, detail },
        "RequestThrottled"
        | "Throttling"
        | "Throttled"
        | "ThrottledRequest"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "SlowDown"
        | "OverLimit"
        | "KmsThrottled"
        | "KMS.Throttling" => QueueError::Throttled { call, detail },
        code if code.starts_with("KMS.") || code.starts_with("Kms") => {
            QueueError::KeyRefused { call, detail }
        }
        _ => match status {
            429 => QueueError::Throttled { call, detail },
            403 => QueueError::AccessDenied { call, detail },
            _ => QueueError::Other { call, detail, is_transient: !(300..500).contains(&status) },
        },
    }
}

/// The code without what differs between the protocols: `com.amazonaws.sqs#`,
/// `AWS.SimpleQueueService.` and `...Exception`.
pub(super) fn bare_code(code: &str) -> &str {
    let code = code.rsplit_once('#').map_or(code, |(_, name)| name);
    let code = code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code);
    code.strip_suffix("Exception").unwrap_or(code)
}

fn answer<E>(status: u16, error: &SdkError<E, HttpResponse>) -> Detail
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let said = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!(" {code}: {message}"),
        (Some(code), None) => format!(" {code}"),
        (None, Some(message)) => format!(": {message}"),
        (None, None) => format!(", {}", source_chain(error)),
    };
    Detail::answer(&format!("HTTP {status}{said}"), error.request_id())
}
