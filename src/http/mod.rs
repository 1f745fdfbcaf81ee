//! What the daemon serves over HTTP: the ops listener with metrics and health. It drives no work
//! and never asks AWS anything.

mod health;
mod ops;

use std::io;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use health::{Health, Readiness, STALLED_AFTER, Stalled};
pub use ops::{OpsState, TotalsSource, ops_router};

/// How long open requests may keep a listener that was asked to stop.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves until `shutdown`, then finishes the open requests, for 5 s at most.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let closing = shutdown.clone();
    let serving = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
    tokio::select! {
        result = serving => result,
        () = async { closing.cancelled().await; tokio::time::sleep(CLOSE_TIMEOUT).await } => Ok(()),
    }
}
