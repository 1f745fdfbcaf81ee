//! What the daemon serves over HTTP: the ops listener with metrics and health, and the app listener
//! with the API and the page. It drives no work and never asks AWS anything.
//!
//! A connection takes a place (`serve`, `places`), perhaps encrypted (`tls`), each request of it
//! passes the `front`, and each answer is shielded (`shield`); what is not taken
//! is counted (`refused`).

mod app;
mod front;
mod headers;
mod health;
mod held;
mod ops;
mod page;
mod peer;
mod places;
mod problem;
mod rate;
mod records;
mod refused;
mod serve;
mod session;
mod shield;
mod tls;
mod token;
pub mod told;
mod unwanted;

use std::fmt;
use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

pub use app::{AppState, AskStore, Clock, Commit, WatchesBucket, app_router};
pub use health::{Health, Readiness, STALLED_AFTER, Stalled};
pub use ops::{OpsState, TotalsSource, ops_router};
pub use records::{AllowsObject, RecordError, RecordReader};
pub use refused::Refused;
pub use serve::serve;
pub use tls::{PemFiles, Tls, TlsError};
pub use token::Token;

/// What is listened for, each at its own address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Metrics and health.
    Ops,
    /// The API and the page.
    App,
}

impl Listener {
    /// The setting that chooses its address.
    const fn setting(self) -> &'static str {
        match self {
            Self::Ops => "--ops-listen",
            Self::App => "--app-listen",
        }
    }

    /// The value of a label.
    const fn label(self) -> &'static str {
        match self {
            Self::Ops => "ops",
            Self::App => "app",
        }
    }

    /// An address that every host has and no other setting is needed for.
    const fn always_allowed(self) -> &'static str {
        match self {
            Self::Ops => "0.0.0.0",
            Self::App => "127.0.0.1",
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ops => "metrics and health",
            Self::App => "the API",
        })
    }
}

/// Why nothing can be served at an address.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else listens there.
    #[error(
        "cannot serve {listener} on {address}: the port is in use, perhaps by another deltrail; \
         stop that, or choose another with {}", .listener.setting()
    )]
    InUse {
        /// What would have been served.
        listener: Listener,
        /// Where.
        address: SocketAddr,
    },
    /// The system does not let this user listen there.
    #[error(
        "cannot serve {listener} on {address}: this user may not listen on port {}; choose one \
         above 1023 with {}", .address.port(), .listener.setting()
    )]
    NotAllowed {
        /// What would have been served.
        listener: Listener,
        /// Where.
        address: SocketAddr,
    },
    /// The host has no such address.
    #[error(
        "cannot serve {listener} on {address}: this host has no address {}; choose {}:{} or \
         another of its own with {}",
        .address.ip(), .listener.always_allowed(), .address.port(), .listener.setting()
    )]
    NotHere {
        /// What would have been served.
        listener: Listener,
        /// Where.
        address: SocketAddr,
    },
    /// Anything else.
    #[error(
        "cannot serve {listener} on {address}: {error}; choose another {}", .listener.setting()
    )]
    Other {
        /// What would have been served.
        listener: Listener,
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

    fn of(listener: Listener, address: SocketAddr, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { listener, address },
            io::ErrorKind::PermissionDenied => Self::NotAllowed { listener, address },
            io::ErrorKind::AddrNotAvailable => Self::NotHere { listener, address },
            _ => Self::Other { listener, address, error },
        }
    }
}

/// Takes the port that [`serve`] answers on.
///
/// # Errors
/// See [`ListenError`].
pub async fn listen(listener: Listener, address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|error| ListenError::of(listener, address, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_told_with_the_setting_that_chooses_another() {
        let first = listen(Listener::Ops, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = first.local_addr().unwrap();
        for (listener, setting) in
            [(Listener::Ops, "--ops-listen"), (Listener::App, "--app-listen")]
        {
            let error = listen(listener, address).await.unwrap_err();
            assert!(matches!(error, ListenError::InUse { .. }), "{error}");
            let told = error.to_string();
            assert!(told.contains(&address.to_string()) && told.ends_with(setting), "{told}");
        }
    }

    #[test]
    fn every_reason_names_the_address_and_a_way_out() {
        let kinds = [
            io::ErrorKind::AddrInUse,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::AddrNotAvailable,
            io::ErrorKind::OutOfMemory,
        ];
        let address = "10.0.0.7:80".parse().unwrap();
        let told = |listener| {
            kinds.map(|kind| ListenError::of(listener, address, kind.into()).to_string())
        };
        insta::assert_snapshot!(told(Listener::Ops).join("\n"), @r#"
        cannot serve metrics and health on 10.0.0.7:80: the port is in use, perhaps by another deltrail; stop that, or choose another with --ops-listen
        cannot serve metrics and health on 10.0.0.7:80: this user may not listen on port 80; choose one above 1023 with --ops-listen
        cannot serve metrics and health on 10.0.0.7:80: this host has no address 10.0.0.7; choose 0.0.0.0:80 or another of its own with --ops-listen
        cannot serve metrics and health on 10.0.0.7:80: out of memory; choose another --ops-listen
        "#);
        insta::assert_snapshot!(told(Listener::App).join("\n"), @r#"
        cannot serve the API on 10.0.0.7:80: the port is in use, perhaps by another deltrail; stop that, or choose another with --app-listen
        cannot serve the API on 10.0.0.7:80: this user may not listen on port 80; choose one above 1023 with --app-listen
        cannot serve the API on 10.0.0.7:80: this host has no address 10.0.0.7; choose 127.0.0.1:80 or another of its own with --app-listen
        cannot serve the API on 10.0.0.7:80: out of memory; choose another --app-listen
        "#);
    }
}
