//! The signals by which somebody asks the program to stop. What is done then is not decided here.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT, each seen once, also if it came while nobody waited.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Waits for them from now on.
    ///
    /// # Errors
    /// When the system lets nobody wait for signals.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
        Ok(Self { terminate, interrupt })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Waits for SIGTERM or SIGINT, from the call on.
///
/// # Errors
/// When the system lets nobody wait for signals.
pub fn stop_signal() -> impl Future<Output = anyhow::Result<()>> {
    let signals = StopSignals::listen();
    async {
        signals?.next().await;
        Ok(())
    }
}
