//! How much of a request's body is taken in, and for how long. It knows no format.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use futures_util::StreamExt;

use super::super::problem::Problem;
use super::super::unwanted::pass_over;

/// The largest body that is taken in.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// The whole body, if it is no larger than [`BYTES_MAX`] and arrives in time.
pub(in crate::http) async fn read(body: Body, patience: Duration) -> Result<Vec<u8>, Problem> {
    tokio::time::timeout(patience, collect(body)).await.unwrap_or_else(|_| {
        let seconds = patience.as_secs();
        let detail = format!("the body did not arrive within {seconds} s; send it in one go");
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail))
    })
}

async fn collect(body: Body) -> Result<Vec<u8>, Problem> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            let detail = format!("the body ended early: {error}; send the request again");
            Problem::new(StatusCode::BAD_REQUEST, detail)
        })?;
        if bytes.len() + chunk.len() > BYTES_MAX {
            drop(bytes);
            pass_over(chunks).await;
            let detail =
                format!("the body has more than {BYTES_MAX} bytes; send it in several requests");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
