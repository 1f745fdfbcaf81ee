//! Why AWS did not answer a question or do what it was asked, as one line that names what was asked
//! and the next step. It does not know what the answer was wanted for.

use std::error::Error;
use std::fmt;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId as _;

use crate::queue::{QueueError, credentials_cause, is_about_credentials, one_line, source_chain};

/// What was asked: the IAM action that allows it, and of which resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The action, such as `s3:GetBucketNotification`.
    pub action: &'static str,
    /// The resource, as people name it.
    pub resource: String,
}

impl Asked {
    pub(super) fn new(action: &'static str, resource: impl Into<String>) -> Self {
        Self { action, resource: resource.into() }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)
    }
}

/// Why there is no answer. `detail` is what AWS said (status, code, message, request id) or the
/// cause in the network, on one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "a variant says what its fields are for")]
pub enum Refusal {
    /// The caller may not ask it.
    #[error("{asked} is denied ({detail})")]
    Denied { asked: Asked, detail: String },
    /// There is no such thing.
    #[error("{asked}: there is none ({detail})")]
    Absent { asked: Asked, detail: String },
    /// No credentials, or none that are good.
    #[error("{asked}: the AWS credentials are no good ({detail})")]
    Credentials { asked: Asked, detail: String },
    /// No connection, or no answer in time.
    #[error("{asked}: no answer ({detail})")]
    Silent { asked: Asked, detail: String },
    /// Anything else.
    #[error("{asked} failed ({detail})")]
    Other { asked: Asked, detail: String, is_transient: bool },
}

impl Refusal {
    /// Whether it may pass without anybody changing a setting, a permission or a resource.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Silent { .. } => true,
            Self::Other { is_transient, .. } => *is_transient,
            Self::Denied { .. } | Self::Absent { .. } | Self::Credentials { .. } => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Denied { asked, .. } => format!(
                "allow {} on {} in the caller's IAM policy, and in the policy of the resource if \
                 that is in another account",
                asked.action, asked.resource
            ),
            Self::Absent { asked, .. } => {
                format!("check the name, the account and the region of {}", asked.resource)
            }
            Self::Credentials { .. } => "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                                         AWS_SECRET_ACCESS_KEY, or give the task or instance a \
                                         role; renew what has expired, and check the clock of \
                                         this host"
                .to_owned(),
            Self::Silent { .. } => {
                "check region, DNS, network, proxy and AWS_ENDPOINT_URL".to_owned()
            }
            Self::Other { asked, .. } => {
                format!("see the code in the API reference of {}", service_of(asked.action))
            }
        }
    }

    /// What an error of the SDK means.
    pub(super) fn of<E>(asked: Asked, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if matches!(error, SdkError::ServiceError(_) | SdkError::ResponseError(_)) {
            return answered(asked, error);
        }
        let cause = source_chain(error);
        match error {
            SdkError::TimeoutError(_) => Self::Silent { asked, detail: cause },
            SdkError::DispatchFailure(failure) if failure.is_timeout() || failure.is_io() => {
                Self::Silent { asked, detail: cause }
            }
            _ if is_about_credentials(&cause) => {
                Self::Credentials { asked, detail: credentials_cause(error) }
            }
            SdkError::DispatchFailure(failure) if !failure.is_user() => {
                Self::Silent { asked, detail: cause }
            }
            _ => Self::Other { asked, detail: cause, is_transient: false },
        }
    }

    /// What an error of a queue means.
    pub(super) fn of_queue(asked: Asked, error: &QueueError) -> Self {
        let detail = error.to_string();
        match error {
            QueueError::AccessDenied { detail, .. } | QueueError::KeyRefused { detail, .. } => {
                Self::Denied { asked, detail: detail.to_string() }
            }
            QueueError::Missing { detail, .. } => {
                Self::Absent { asked, detail: detail.to_string() }
            }
            QueueError::NoCredentials { detail, .. }
            | QueueError::CredentialsRefused { detail, .. } => {
                Self::Credentials { asked, detail: detail.to_string() }
            }
            QueueError::Unreachable { detail, .. } | QueueError::TimedOut { detail, .. } => {
                Self::Silent { asked, detail: detail.to_string() }
            }
            _ => Self::Other { asked, detail, is_transient: error.is_transient() },
        }
    }
}

fn service_of(action: &str) -> &str {
    action.split(':').next().unwrap_or(action)
}

fn answered<E>(asked: Asked, error: &SdkError<E, HttpResponse>) -> Refusal
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let detail = said(status, error);
    let code = error.code().unwrap_or_default();
    let code = code.rsplit_once('#').map_or(code, |(_, name)| name);
    match code.strip_suffix("Exception").unwrap_or(code) {
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
        | "RequestTimeTooSkewed"
        | "AuthFailure" => Refusal::Credentials { asked, detail },
        "AccessDenied"
        | "AuthorizationError"
        | "NotAuthorized"
        | "UnauthorizedOperation"
        | "OptInRequired"
        | "AllAccessDisabled" => Refusal::Denied { asked, detail },
        _ => match status {
            403 => Refusal::Denied { asked, detail },
            404 => Refusal::Absent { asked, detail },
            _ if code.contains("NotFound") => Refusal::Absent { asked, detail },
            _ => {
                let is_transient = status == 429 || !(300..500).contains(&status);
                Refusal::Other { asked, detail, is_transient }
            }
        },
    }
}

fn said<E>(status: u16, error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let mut text = format!("HTTP {status}");
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => text = format!("{text} {code}: {message}"),
        (Some(code), None) => text = format!("{text} {code}"),
        (None, Some(message)) => text = format!("{text}: {message}"),
        (None, None) if status == 0 => text = source_chain(error),
        (None, None) => {}
    }
    if let Some(id) = error.request_id() {
        text = format!("{text}, request id {id}");
    }
    one_line(&text)
}
