//! Why there are no public keys, each as one line that says what to do next. It does not try again.

use std::error::Error;
use std::path::PathBuf;

use aws_sdk_cloudtrail::config::http::HttpResponse;
use aws_sdk_cloudtrail::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudtrail::operation::RequestId as _;
use aws_sdk_cloudtrail::operation::list_public_keys::ListPublicKeysError;

/// Longest text that an error repeats from somebody else.
const DETAIL_CHARS_MAX: usize = 400;

/// Why there are no public keys. `detail` is the answer of CloudTrail or the cause in the network,
/// on one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "a variant says what its fields are for")]
pub enum KeysError {
    /// The file cannot be read, or is something else.
    #[error(
        "{} holds no public keys ({detail}); write it with `aws cloudtrail list-public-keys \
         --start-time ... --end-time ... > FILE`, in the region of the digests", .path.display()
    )]
    File { path: PathBuf, detail: String },
    /// No credentials, or refused ones.
    #[error(
        "CloudTrail in {region} cannot be asked for public keys, for want of AWS credentials \
         ({detail}); set AWS_PROFILE, give the task a role, or name a file with --public-keys"
    )]
    NoCredentials { region: String, detail: String },
    /// The caller may not.
    #[error(
        "CloudTrail in {region} tells no public keys ({detail}); allow cloudtrail:ListPublicKeys \
         in the caller's IAM policy, or name a file with --public-keys"
    )]
    AccessDenied { region: String, detail: String },
    /// It asks for fewer requests, or has trouble of its own, or cannot be reached.
    #[error(
        "CloudTrail in {region} does not answer ({detail}); check network and endpoint if it goes \
         on, or name a file with --public-keys"
    )]
    Unavailable { region: String, detail: String },
    /// Anything else that it answered.
    #[error("CloudTrail in {region} tells no public keys ({detail})")]
    Other { region: String, detail: String },
}

impl KeysError {
    /// Whether it may pass without anybody changing a setting or a permission.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The meaning of an error of the SDK.
    pub(super) fn of(region: &str, error: &SdkError<ListPublicKeysError, HttpResponse>) -> Self {
        let region = region.to_owned();
        if !matches!(error, SdkError::ServiceError(_) | SdkError::ResponseError(_)) {
            let detail = source_chain(error);
            let is_about_credentials = detail.to_ascii_lowercase().contains("credential");
            return if is_about_credentials {
                Self::NoCredentials { region, detail }
            } else {
                Self::Unavailable { region, detail }
            };
        }
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        let code = error.code().unwrap_or_default();
        let said = error.message().unwrap_or_default();
        let id = error.request_id().map(|id| format!(", request id {id}")).unwrap_or_default();
        let detail = one_line(&format!("HTTP {status} {code}: {said}{id}"));
        match (status, code) {
            (
                _,
                "ExpiredTokenException"
                | "UnrecognizedClientException"
                | "InvalidSignatureException"
                | "InvalidClientTokenId",
            ) => Self::NoCredentials { region, detail },
            (403, _) | (_, "AccessDeniedException" | "AccessDenied") => {
                Self::AccessDenied { region, detail }
            }
            // An answer that is no refusal broke off.
            (..300 | 429 | 500.., _) | (_, "ThrottlingException") => {
                Self::Unavailable { region, detail: format!("{detail} {}", source_chain(error)) }
            }
            _ => Self::Other { region, detail },
        }
    }
}

/// The causes of an error from the outside in.
fn source_chain(error: &dyn Error) -> String {
    let mut links = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        links.push(cause.to_string());
        next = cause.source();
    }
    links.dedup();
    one_line(&links.join(": "))
}

/// Text of others on one line of a log: control characters escaped, length bounded.
fn one_line(text: &str) -> String {
    let shown: String = text.chars().take(DETAIL_CHARS_MAX).collect();
    shown.escape_debug().to_string().replace("\\\"", "\"")
}
