//! Trying again what may pass, where no queue brings it back. It does not know what is tried.

use std::time::Duration;

/// How long it waits before each further attempt. Up to half of each is left away by chance.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

/// Attempts something, and again after each pause while what keeps it from succeeding may pass.
pub(super) async fn patiently<T, E: std::fmt::Display, F>(
    may_pass: impl Fn(&E) -> bool,
    attempt: impl Fn() -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    for pause in PAUSES {
        match attempt().await {
            Err(failure) if may_pass(&failure) => {
                tracing::debug!("{failure}; it is tried again");
            }
            result => return result,
        }
        tokio::time::sleep(pause.mul_f64(1.0 - fastrand::f64() / 2.0)).await;
    }
    attempt().await
}
