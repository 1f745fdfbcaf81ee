//! What the daemon serves over HTTP: the ops listener with metrics and health. It drives no work
//! and never asks AWS anything.

mod health;
mod ops;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use health::{Health, Readiness, STALLED_AFTER, Stalled};
pub use ops::{OpsState, TotalsSource, ops_router};

/// How long open requests may keep a listener that was asked to stop.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why nothing can be served at an address.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else listens there.
    #[error(
        "cannot serve metrics and health on {0}: the port is in use, perhaps by another deltrail; \
         stop that, or choose another with --ops-listen"
    )]
    InUse(SocketAddr),
    /// The system does not let this user listen there.
    #[error(
        "cannot serve metrics and health on {address}: this user may not listen on port {port}; choose one \
         above 1023 with --ops-listen", port = .0.port(), address = .0
    )]
    NotAllowed(SocketAddr),
    /// The host has no such address.
    #[error(
        "cannot serve metrics and health on {address}: this host has no address {ip}; choose \
         0.0.0.0:{port} or another of its own with --ops-listen",
        ip = .0.ip(), port = .0.port(), address = .0
    )]
    NotHere(SocketAddr),
    /// Anything else.
    #[error("cannot serve metrics and health on {address}: {error}; choose another --ops-listen")]
    Other {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
}

impl ListenError {
    /// Whether it may pass without anybody changing a setting or another program: never.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }

    fn of(address: SocketAddr, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(address),
            io::ErrorKind::PermissionDenied => Self::NotAllowed(address),
            io::ErrorKind::AddrNotAvailable => Self::NotHere(address),
            _ => Self::Other { address, error },
        }
    }
}

/// Takes the port that [`serve`] answers on.
///
/// # Errors
/// See [`ListenError`].
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|error| ListenError::of(address, error))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_told_with_the_setting_that_chooses_another() {
        let first = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = first.local_addr().unwrap();
        let error = listen(address).await.unwrap_err();
        assert!(matches!(error, ListenError::InUse(taken) if taken == address), "{error}");
    }

    #[test]
    fn every_reason_names_the_address_and_a_way_out() {
        let told = [
            io::ErrorKind::AddrInUse,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::AddrNotAvailable,
            io::ErrorKind::OutOfMemory,
        ]
        .map(|kind| ListenError::of("10.0.0.7:80".parse().unwrap(), kind.into()).to_string());
        insta::assert_snapshot!(told.join("\n"), @r#"
        cannot serve metrics and health on 10.0.0.7:80: the port is in use, perhaps by another deltrail; stop that, or choose another with --ops-listen
        cannot serve metrics and health on 10.0.0.7:80: this user may not listen on port 80; choose one above 1023 with --ops-listen
        cannot serve metrics and health on 10.0.0.7:80: this host has no address 10.0.0.7; choose 0.0.0.0:80 or another of its own with --ops-listen
        cannot serve metrics and health on 10.0.0.7:80: out of memory; choose another --ops-listen
        "#);
    }
}
