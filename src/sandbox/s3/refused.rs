//! How S3 refuses: status, code, message and headers. It does not decide who is refused.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use s3s::{S3Error, S3ErrorCode};

use super::super::act::Refusal;
use super::bucket::Absence;

const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");
const DELETE_MARKER: HeaderName = HeaderName::from_static("x-amz-delete-marker");
const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");

/// A refusal with the headers that go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub refusal: Refusal,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, headers: Vec::new() }
    }
}

impl From<Refused> for S3Error {
    fn from(refused: Refused) -> Self {
        let Refusal { status, code, message } = refused.refusal;
        let code = S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
        let mut error = Self::with_message(code, message);
        error.set_status_code(StatusCode::from_u16(status).unwrap_or_default());
        error.set_headers(HeaderMap::from_iter(refused.headers));
        error
    }
}

impl Refused {
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Refusal { status, code: code.into(), message: message.into() }.into()
    }

    fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// 403 in the few words that somebody hears who has no identity policy, or whose bucket
    /// belongs to another account than expected.
    pub fn access_denied() -> Self {
        Self::new(403, "AccessDenied", "Access Denied")
    }

    /// 403 for a key of KMS that the caller may not use to read the object.
    pub fn key_denied(principal: &str, key_arn: &str) -> Self {
        let message = format!(
            "User: {principal} is not authorized to perform: kms:Decrypt on resource: {key_arn} \
             because no identity-based policy allows the kms:Decrypt action"
        );
        Self::new(403, "AccessDenied", &message)
    }

    /// There is no such bucket.
    pub fn no_such_bucket() -> Self {
        Self::new(404, "NoSuchBucket", "The specified bucket does not exist")
    }

    /// There is no such key.
    pub fn no_such_key() -> Self {
        Self::new(404, "NoSuchKey", "The specified key does not exist.")
    }

    /// There is nothing to read.
    pub fn absent(absence: &Absence) -> Self {
        match absence {
            Absence::Key => Self::no_such_key(),
            Absence::Version => {
                Self::new(404, "NoSuchVersion", "The specified version does not exist.")
            }
            Absence::Hidden { marker_id } => Self::no_such_key()
                .with_header(DELETE_MARKER, "true")
                .with_header(VERSION_ID, marker_id),
            Absence::Marker { marker_id, last_modified } => {
                let message = "The specified method is not allowed against this resource.";
                Self::new(405, "MethodNotAllowed", message)
                    .with_header(DELETE_MARKER, "true")
                    .with_header(VERSION_ID, marker_id)
                    .with_header(axum::http::header::ALLOW, "DELETE")
                    .with_header(axum::http::header::LAST_MODIFIED, &http_date(*last_modified))
            }
        }
    }

    /// An argument has a value that it cannot have.
    pub fn invalid_argument(message: &str) -> Self {
        Self::new(400, "InvalidArgument", message)
    }

    /// A condition of the request does not hold.
    pub fn precondition_failed() -> Self {
        let message = "At least one of the pre-conditions you specified did not hold";
        Self::new(412, "PreconditionFailed", message)
    }

    /// The object is still the one that the caller has.
    pub fn not_modified() -> Self {
        Self::new(304, "NotModified", "Not Modified")
    }

    /// The object has no byte of the range.
    pub fn invalid_range() -> Self {
        Self::new(416, "InvalidRange", "The requested range is not satisfiable")
    }

    /// S3 failed.
    pub fn internal_error() -> Self {
        Self::new(500, "InternalError", "We encountered an internal error. Please try again.")
    }

    /// Too many requests.
    pub fn slow_down() -> Self {
        Self::new(503, "SlowDown", "Please reduce your request rate.")
    }

    /// The clock of the caller is not that of S3.
    pub fn time_too_skewed() -> Self {
        let message = "The difference between the request time and the current time is too large.";
        Self::new(403, "RequestTimeTooSkewed", message)
    }

    /// The bucket is in another region.
    pub fn elsewhere(region: &str) -> Self {
        let message = "The bucket you are attempting to access must be addressed using the \
                       specified endpoint. Please send all future requests to this endpoint.";
        Self::new(301, "PermanentRedirect", message).with_header(BUCKET_REGION, region)
    }

    /// Whether CloudTrail and the access log hear of it; of redirects, and of callers who cannot
    /// be told who they are, they do not.
    pub fn is_logged(&self) -> bool {
        self.refusal.status != 301 && self.refusal.code != "RequestTimeTooSkewed"
    }
}

/// `Mon, 23 Nov 2026 12:00:00 GMT`
fn http_date(at: deltrail_core::domain::Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use deltrail_core::domain::Timestamp;

    use super::*;

    #[test]
    fn a_named_delete_marker_says_what_it_is_and_since_when() {
        let last_modified = Timestamp::from_millis(1_795_435_200_000);
        let refused = Refused::absent(&Absence::Marker { marker_id: "m1".into(), last_modified });
        assert_eq!(refused.refusal.status, 405);
        let headers = HeaderMap::from_iter(refused.headers);
        assert_eq!(headers["x-amz-delete-marker"], "true");
        assert_eq!(headers["x-amz-version-id"], "m1");
        assert_eq!(headers["last-modified"], "Mon, 23 Nov 2026 12:00:00 GMT");
    }

    #[test]
    fn each_code_is_one_that_the_protocol_knows() {
        for refused in [
            Refused::access_denied(),
            Refused::no_such_bucket(),
            Refused::no_such_key(),
            Refused::absent(&Absence::Version),
            Refused::invalid_argument("no"),
            Refused::precondition_failed(),
            Refused::not_modified(),
            Refused::invalid_range(),
            Refused::slow_down(),
            Refused::time_too_skewed(),
            Refused::elsewhere("eu-west-1"),
        ] {
            let Refusal { status, code, .. } = refused.refusal.clone();
            let error = S3Error::from(refused);
            assert_eq!(error.code().as_str(), code);
            assert_eq!(error.code().status_code().map(|own| own.as_u16()), Some(status), "{code}");
        }
    }
}
