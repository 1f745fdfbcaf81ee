//! A listener at work: where it is, and how it is ended. What it answers is its router's.

use std::net::SocketAddr;

use anyhow::Context;
use axum::Router;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::http::{self, Listener, Refused, Tls, serve};
use crate::metrics::Metrics;

/// One of the daemon's listeners.
pub(super) struct Listening {
    listener: Listener,
    address: SocketAddr,
    closing: CancellationToken,
    serving: JoinHandle<()>,
}

impl Listening {
    /// Takes the port and answers there, encrypted if there is something to encrypt with.
    pub(super) async fn start(
        listener: Listener,
        address: SocketAddr,
        router: Router,
        tls: Option<Tls>,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let socket = http::listen(listener, address).await?;
        let address = socket.local_addr();
        let address = address.with_context(|| format!("cannot tell where {listener} is served"))?;
        let closing = CancellationToken::new();
        let serving = tokio::spawn(serve(
            socket,
            router,
            tls,
            Refused::by(listener, metrics),
            closing.clone(),
        ));
        Ok(Self { listener, address, closing, serving })
    }

    /// Where it is: with a real port, though 0 may have been asked for.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no further connection; open requests are still answered.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    /// Waits for the end of a listener that was closed.
    ///
    /// # Errors
    /// When it had failed by a defect.
    pub(super) async fn closed(self) -> anyhow::Result<()> {
        self.serving.await.with_context(|| format!("the listener of {} failed", self.listener))
    }
}
