//! One listener for both services, as `AWS_ENDPOINT_URL` wants it: what names an SQS action goes
//! to SQS, everything else to S3. It knows no more of either.

use super::s3::S3Endpoint;
use super::sqs::Queues;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// More than ten messages of 1 MiB, as JSON may escape them.
const SQS_REQUEST_BYTES_MAX: usize = 16 << 20;

/// Routes each request to the service that it is for.
pub(super) fn router(s3: S3Endpoint, queues: Queues) -> Router {
    Router::new().fallback(answer).with_state((s3, queues))
}

async fn answer(State((s3, queues)): State<(S3Endpoint, Queues)>, request: Request) -> Response {
    let target = request.headers().get("x-amz-target");
    if target.is_some_and(|target| target.as_bytes().starts_with(b"AmazonSQS.")) {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, SQS_REQUEST_BYTES_MAX).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        return queues.answer(&head.headers, &body).await;
    }
    s3.answer(request).await
}
