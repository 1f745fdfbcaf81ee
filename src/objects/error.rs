//! What can go wrong with an object, each as one line that names the object and the next step. It
//! does not decide whether to try again.

use std::error::Error;
use std::fmt::{self, Display};

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use super::Detail;
use super::text::{credentials_cause, is_about_credentials, one_line, source_chain};

/// S3 keys have 1024 bytes at most; what messages name may be longer.
const NAME_CHARS_MAX: usize = 1200;

/// The name of an object as people read it: `s3://bucket/key?versionId=..`, or the path of a file,
/// control characters escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    text: String,
    bucket: String,
}

impl ObjectName {
    pub(super) fn new(bucket: &str, key: &str, version_id: Option<&str>) -> Self {
        let version = version_id.map(|id| format!("?versionId={id}")).unwrap_or_default();
        Self {
            text: one_line(&format!("s3://{bucket}/{key}{version}"), NAME_CHARS_MAX),
            bucket: one_line(bucket, NAME_CHARS_MAX),
        }
    }

    /// The file at this path.
    pub(super) fn of_file(path: &str) -> Self {
        Self { text: one_line(path, NAME_CHARS_MAX), bucket: String::new() }
    }

    /// Whether it names a file.
    pub(super) const fn is_of_file(&self) -> bool {
        self.bucket.is_empty()
    }

    /// What IAM policies name to allow it.
    fn permission(&self, request: Request, region: &str) -> String {
        let partition = match region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            region if region.starts_with("eusc-") => "aws-eusc",
            _ => "aws",
        };
        let bucket = &self.bucket;
        match request {
            Request::Get => format!("s3:GetObject on arn:{partition}:s3:::{bucket}/*"),
            Request::List => format!("s3:ListBucket on arn:{partition}:s3:::{bucket}"),
        }
    }
}

/// What S3 is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// The bytes of an object.
    Get,
    /// Which objects there are.
    List,
}

impl Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why an object could not be read. `detail` is the answer of S3 (status, code, message, request
/// id) or the cause in the network, on one line.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "a variant says what its fields are for")]
pub enum ObjectError {
    /// Bucket or key can be no name of S3; nothing was sent.
    #[error("{object} is no name of an S3 object; check who sends such messages")]
    InvalidName { object: ObjectName },
    /// There is no such object or version.
    #[error(
        "{object} does not exist ({detail}); it was deleted or has expired since it was announced: \
         check the bucket's lifecycle rules, and how old the queue's messages are"
    )]
    Gone { object: ObjectName, detail: Detail },
    /// There is no such bucket.
    #[error("{object}: the bucket does not exist ({detail}); check {hint}")]
    BucketMissing { object: ObjectName, detail: Detail, hint: &'static str },
    /// The caller may not read it, or it is missing and the caller may not know that.
    #[error(
        "{object}: access denied ({detail}); allow {permission} in the caller's IAM policy, and in \
         the bucket policy if the bucket is in another account{hint}"
    )]
    AccessDenied { object: ObjectName, detail: Detail, permission: String, hint: String },
    /// The object is encrypted with a key that the caller cannot use.
    #[error(
        "{object}: its KMS key cannot be used ({detail}); allow kms:Decrypt on {} in the caller's \
         IAM policy and in the key policy, and check that the key is enabled",
        .detail.key_or("the key of the object")
    )]
    KeyRefused { object: ObjectName, detail: Detail },
    /// No credentials could be loaded.
    #[error(
        "{object}: no AWS credentials were found ({detail}); set AWS_PROFILE, or AWS_ACCESS_KEY_ID \
         and AWS_SECRET_ACCESS_KEY, or give the task or instance a role"
    )]
    NoCredentials { object: ObjectName, detail: Detail },
    /// The credentials are expired, unknown or do not sign correctly.
    #[error(
        "{object}: the AWS credentials were refused ({detail}); renew them, and check the clock of \
         this host"
    )]
    CredentialsRefused { object: ObjectName, detail: Detail },
    /// The bucket is in another region, which S3 did not name or which refused as well.
    #[error(
        "{object}: its bucket is not in region {region} ({detail}); set AWS_REGION to the region \
         of the bucket, and check AWS_ENDPOINT_URL"
    )]
    WrongRegion { object: ObjectName, region: String, detail: Detail },
    /// The object is no longer the one that was announced.
    #[error(
        "{object} was replaced since it was announced ({detail}); the message of its new content \
         brings that"
    )]
    Changed { object: ObjectName, detail: Detail },
    /// The object is archived and cannot be read at once.
    #[error("{object} is archived ({detail}); restore it, or exclude logs from archiving")]
    Archived { object: ObjectName, detail: Detail },
    /// No connection to the endpoint.
    #[error(
        "{object}: the S3 endpoint of region {region} cannot be reached ({detail}); check region, \
         DNS, network, proxy and AWS_ENDPOINT_URL"
    )]
    Unreachable { object: ObjectName, region: String, detail: Detail },
    /// The endpoint did not answer in time.
    #[error("{object}: no answer in time ({detail}); check the network if it goes on")]
    TimedOut { object: ObjectName, detail: Detail },
    /// S3 asks for fewer requests.
    #[error("{object}: throttled ({detail}); read fewer objects at a time if it goes on")]
    Throttled { object: ObjectName, detail: Detail },
    /// The bytes stopped coming.
    #[error(
        "{object}: interrupted after {received_bytes} bytes ({detail}); check the network if it \
         goes on"
    )]
    Interrupted { object: ObjectName, received_bytes: u64, detail: Detail },
    /// The system does not let this user read a file, or it changes while it is read.
    #[error(
        "{object} cannot be read ({detail}); see that this user may read it and that nobody is \
         writing to it"
    )]
    FileUnreadable { object: ObjectName, detail: Detail },
    /// Anything else that S3, or something in front of it, answered.
    #[error("{object}: {detail}; see the code in the S3 API reference if it goes on")]
    Other { object: ObjectName, detail: Detail, is_transient: bool },
}

/// What was asked where.
pub(super) struct Place<'a> {
    pub object: ObjectName,
    pub request: Request,
    pub region: &'a str,
    pub expected_bucket_owner: Option<&'a str>,
}

impl ObjectError {
    /// Whether it may pass without anybody changing a setting, a permission or an object.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Throttled { .. }
            | Self::Interrupted { .. } => true,
            Self::Other { is_transient, .. } => *is_transient,
            _ => false,
        }
    }

    /// The reason as a metric label: one of `invalid_name`, `gone`, `bucket_missing`,
    /// `access_denied`, `kms_denied`, `no_credentials`, `wrong_region`, `changed`,
    /// `invalid_state`, `unreachable`, `timeout`, `throttled`, `interrupted`, `file_unreadable`,
    /// `other`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InvalidName { .. } => "invalid_name",
            Self::Gone { .. } => "gone",
            Self::BucketMissing { .. } => "bucket_missing",
            Self::AccessDenied { .. } => "access_denied",
            Self::KeyRefused { .. } => "kms_denied",
            Self::NoCredentials { .. } | Self::CredentialsRefused { .. } => "no_credentials",
            Self::WrongRegion { .. } => "wrong_region",
            Self::Changed { .. } => "changed",
            Self::Archived { .. } => "invalid_state",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timeout",
            Self::Throttled { .. } => "throttled",
            Self::Interrupted { .. } => "interrupted",
            Self::FileUnreadable { .. } => "file_unreadable",
            Self::Other { .. } => "other",
        }
    }

    /// Whether it may well concern every object of the bucket, not this one alone.
    #[must_use]
    pub fn is_of_whole_bucket(&self) -> bool {
        !matches!(
            self,
            Self::InvalidName { .. }
                | Self::Gone { .. }
                | Self::Changed { .. }
                | Self::Archived { .. }
                | Self::Interrupted { .. }
                | Self::FileUnreadable { .. }
                | Self::Other { .. }
        )
    }

    /// The request id of the answer, if AWS gave one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::InvalidName { .. } => None,
            Self::Gone { detail, .. }
            | Self::BucketMissing { detail, .. }
            | Self::AccessDenied { detail, .. }
            | Self::KeyRefused { detail, .. }
            | Self::NoCredentials { detail, .. }
            | Self::CredentialsRefused { detail, .. }
            | Self::WrongRegion { detail, .. }
            | Self::Changed { detail, .. }
            | Self::Archived { detail, .. }
            | Self::Unreachable { detail, .. }
            | Self::TimedOut { detail, .. }
            | Self::Throttled { detail, .. }
            | Self::Interrupted { detail, .. }
            | Self::FileUnreadable { detail, .. }
            | Self::Other { detail, .. } => detail.request_id(),
        }
    }

    /// The meaning of an error of the SDK.
    pub(super) fn of<E>(place: Place<'_>, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        if matches!(error, SdkError::ServiceError(_) | SdkError::ResponseError(_)) {
            return answered(place, error);
        }
        let Place { object, region, .. } = place;
        let cause = source_chain(error);
        let detail = Detail::cause(cause.clone());
        match error {
            SdkError::TimeoutError(_) => Self::TimedOut { object, detail },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Self::TimedOut { object, detail }
            }
            SdkError::DispatchFailure(failure) if failure.is_io() => {
                Self::Unreachable { object, region: region.to_owned(), detail }
            }
            _ if is_about_credentials(&cause) => {
                Self::NoCredentials { object, detail: Detail::cause(credentials_cause(error)) }
            }
            _ => Self::Other { object, detail, is_transient: false },
        }
    }
}

fn answered<E>(place: Place<'_>, error: &SdkError<E, HttpResponse>) -> ObjectError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let Place { object, request, region, expected_bucket_owner } = place;
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let code = error.code().unwrap_or_default();
    let detail = answer(status, error);
    if is_about_the_key(code, error.message().unwrap_or_default()) {
        return ObjectError::KeyRefused { object, detail };
    }
    match (status, code) {
        (_, "NoSuchKey" | "NoSuchVersion" | "NotFound") | (404, "") => {
            ObjectError::Gone { object, detail }
        }
        (405, _) if is_delete_marker(error) => ObjectError::Gone { object, detail },
        (_, "NoSuchBucket") => {
            let hint = match request {
                Request::Get => "--log-bucket and who sends such messages",
                Request::List => "its name",
            };
            ObjectError::BucketMissing { object, detail, hint }
        }
        (
            _,
            "ExpiredToken"
            | "RequestExpired"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "RequestTimeTooSkewed",
        ) => ObjectError::CredentialsRefused { object, detail },
        (301, _) | (_, "PermanentRedirect" | "AuthorizationHeaderMalformed") => {
            ObjectError::WrongRegion { object, region: region.to_owned(), detail }
        }
        (412, _) | (_, "PreconditionFailed") => ObjectError::Changed { object, detail },
        (_, "InvalidObjectState") => ObjectError::Archived { object, detail },
        (429 | 503, _) | (_, "SlowDown" | "ThrottlingException" | "Throttling") => {
            ObjectError::Throttled { object, detail }
        }
        (403, _) | (_, "AccessDenied" | "AllAccessDisabled") => {
            let owner_hint = expected_bucket_owner
                .map(|owner| format!(", check that account {owner} owns the bucket"))
                .unwrap_or_default();
            let missing_hint = match request {
                Request::Get => "; without s3:ListBucket a missing object answers so too",
                Request::List => "",
            };
            let permission = object.permission(request, region);
            let hint = owner_hint + missing_hint;
            ObjectError::AccessDenied { object, detail, permission, hint }
        }
        (_, "RequestTimeout") => ObjectError::Other { object, detail, is_transient: true },
        _ => ObjectError::Other {
            object,
            detail,
            is_transient: status == 307 || !(300..500).contains(&status),
        },
    }
}

/// A refusal by KMS comes with a code of its own, or as `AccessDenied` whose message tells.
fn is_about_the_key(code: &str, message: &str) -> bool {
    code.starts_with("KMS.")
        || (code == "AccessDenied"
            && (message.contains("kms:")
                || message.contains("The ciphertext refers to a customer master key")))
}

/// A version that is a delete marker cannot be read: S3 answers 405 and says so in a header.
fn is_delete_marker<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error
        .raw_response()
        .and_then(|response| response.headers().get("x-amz-delete-marker"))
        .is_some_and(|value| value == "true")
}

fn answer<E>(status: u16, error: &SdkError<E, HttpResponse>) -> Detail
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let said = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!(" {code}: {message}"),
        (Some(code), None) => format!(" {code}"),
        (None, Some(message)) => format!(": {message}"),
        (None, None) => format!(", {}", source_chain(error)),
    };
    Detail::answer(&format!("HTTP {status}{said}"), error.request_id())
}
