//! The HTTP side of S3: a request gets its ids, is checked for its region and signature, and its
//! answer gets what every answer of S3 has. It does not know what the operations do.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3ErrorCode, S3Result, s3_error};

use super::buckets::Buckets;
use super::operations::Operations;
use super::visit::Arrival;

/// More than any error of S3 has.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// S3 over HTTP, path style. Clones are the same endpoint.
#[derive(Clone)]
pub struct S3Endpoint {
    buckets: Buckets,
    service: S3Service,
}

impl S3Endpoint {
    pub(super) fn new(buckets: Buckets) -> Self {
        let mut builder = S3ServiceBuilder::new(Operations(buckets.clone()));
        builder.set_auth(Signers(buckets.clone()));
        builder.set_access(AnybodyMayAsk);
        Self { buckets, service: builder.build() }
    }

    /// Answers one request.
    pub async fn answer(&self, mut request: Request) -> Response {
        let arrival = self.buckets.arrival();
        let is_head = request.method() == Method::HEAD;
        let region = &self.buckets.options().region;
        let signed_for = signed_region(&request).filter(|signed_for| signed_for != region);
        let answer = if let Some(signed_for) = signed_for {
            signed_for_elsewhere(&signed_for, region, is_head)
        } else {
            request.extensions_mut().insert(arrival.clone());
            match self.service.call(request.map(s3s::Body::http_body_unsync)).await {
                Ok(answer) => answer.map(Body::new),
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        };
        complete(answer, &arrival, is_head).await
    }
}

/// The secrets of those who may sign.
struct Signers(Buckets);

#[async_trait::async_trait]
impl S3Auth for Signers {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.principal(access_key) {
            Some(principal) => Ok(principal.secret_access_key.as_str().into()),
            None => Err(s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            )),
        }
    }
}

/// Requests without a signature are refused by the operations, so that they leave a trace.
struct AnybodyMayAsk;

#[async_trait::async_trait]
impl S3Access for AnybodyMayAsk {
    async fn check(&self, _context: &mut S3AccessContext<'_>) -> S3Result<()> {
        Ok(())
    }
}

/// The region that a request is signed for: `AKID/20261123/eu-west-1/s3/aws4_request`.
fn signed_region(request: &Request) -> Option<String> {
    let authorization = request.headers().get(header::AUTHORIZATION);
    let of_header = || {
        let text = authorization?.to_str().ok()?;
        Some(text.split_once("Credential=")?.1.split('/').nth(2)?.to_owned())
    };
    let of_query = || {
        let rest = request.uri().query()?.split_once("X-Amz-Credential=")?.1;
        let credential = rest.split('&').next()?.replace("%2f", "/").replace("%2F", "/");
        Some(credential.split('/').nth(2)?.to_owned())
    };
    of_header().or_else(of_query)
}

/// S3 looks at the region before it looks at the signature, and names the right one.
fn signed_for_elsewhere(signed_for: &str, region: &str, is_head: bool) -> Response {
    let signed_for: String =
        signed_for.chars().filter(|one| one.is_ascii_alphanumeric() || *one == '-').collect();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error>\
         <Code>AuthorizationHeaderMalformed</Code>\
         <Message>The authorization header is malformed; the region '{signed_for}' is wrong; \
         expecting '{region}'</Message><Region>{region}</Region></Error>"
    );
    let mut answer = (StatusCode::BAD_REQUEST, body).into_response();
    if let Some(region) = HeaderValue::from_str(region).ok().filter(|_| is_head) {
        answer.headers_mut().insert("x-amz-bucket-region", region);
    }
    answer
}

/// Adds what every answer of S3 has, and to an error what the protocol crate leaves out.
async fn complete(answer: Response, arrival: &Arrival, is_head: bool) -> Response {
    let (mut head, body) = answer.into_parts();
    let ids = [("x-amz-request-id", &arrival.request_id), ("x-amz-id-2", &arrival.host_id)];
    for (name, id) in ids {
        if let Ok(id) = HeaderValue::from_str(id) {
            head.headers.insert(name, id);
        }
    }
    head.headers.insert(header::SERVER, HeaderValue::from_static("AmazonS3"));
    let has_no_body = is_head || head.status == StatusCode::NOT_MODIFIED;
    let is_error = head.status.as_u16() >= 300;
    let body = match (is_error, has_no_body) {
        (true, true) => {
            head.headers.remove(header::CONTENT_TYPE);
            Body::empty()
        }
        (true, false) => {
            // The protocol crate drops the content type of errors that have headers.
            head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
            completed_error(body, arrival).await
        }
        (false, _) => body,
    };
    Response::from_parts(head, body)
}

async fn completed_error(body: Body, arrival: &Arrival) -> Body {
    let bytes = axum::body::to_bytes(body, ERROR_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let Some(start) = text.strip_suffix("</Error>") else {
        return Body::from(bytes);
    };
    let message = match text.split_once("<Code>").and_then(|(_, rest)| rest.split_once('<')) {
        Some((code, _)) if !text.contains("<Message>") => {
            format!("<Message>{}</Message>", message_of(code))
        }
        _ => String::new(),
    };
    let Arrival { request_id, host_id, .. } = arrival;
    let ids = format!("<RequestId>{request_id}</RequestId><HostId>{host_id}</HostId>");
    Body::from(format!("{start}{message}{ids}</Error>"))
}

/// What S3 says where the protocol crate refuses with the code alone.
fn message_of(code: &str) -> &'static str {
    match S3ErrorCode::from_bytes(code.as_bytes()) {
        Some(S3ErrorCode::SignatureDoesNotMatch) => {
            "The request signature we calculated does not match the signature you provided. \
             Check your key and signing method."
        }
        Some(S3ErrorCode::InvalidBucketName) => "The specified bucket is not valid.",
        Some(S3ErrorCode::InvalidURI) => "Couldn't parse the specified URI.",
        Some(S3ErrorCode::KeyTooLongError) => "Your key is too long",
        Some(S3ErrorCode::MalformedXML) => {
            "The XML you provided was not well-formed or did not validate against our published \
             schema"
        }
        _ => "The request was refused.",
    }
}
