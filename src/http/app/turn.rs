//! How many requests are answered at a time, each with its body or its answer in memory.

use std::sync::Arc;

use axum::http::StatusCode;
use tokio::sync::OwnedSemaphorePermit;

use super::super::problem::Problem;
use super::{BUSY_RETRY_SECONDS, Shared};

/// Waits for a place among those that are answered; `advice` says what helps when there is none.
pub(super) async fn turn(shared: &Shared, advice: &str) -> Result<OwnedSemaphorePermit, Problem> {
    let turn = Arc::clone(&shared.turns).acquire_owned();
    if let Ok(Ok(turn)) = tokio::time::timeout(shared.limits.turn_timeout, turn).await {
        return Ok(turn);
    }
    let detail = format!("too many requests are being answered; {advice} and try again");
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    Err(problem.with_retry_after(BUSY_RETRY_SECONDS))
}
