//! The size of the store while the daemon runs: told to the metrics, and to those who must stop
//! before the disk is full. It frees nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::totals;
use crate::http::Readiness;
use crate::ingest::Ingest;
use crate::metrics::Metrics;
use crate::store::Store;

/// How often the size of the store is looked at.
const STORE_SIZE_EVERY: Duration = Duration::from_secs(2);
/// The totals are looked at with every so many looks at the size, besides every scrape, so that the
/// first burst of a new series is not held back for longer than its minute.
const TOTALS_EVERY_LOOKS: u32 = 8;

/// Looks at the room on the disk often, because commits may fill it fast, and at the totals seldom.
pub(super) async fn watch_store(
    store: Store,
    metrics: Arc<Metrics>,
    ingest: Arc<Ingest>,
    readiness: Readiness,
) {
    let mut every = tokio::time::interval(STORE_SIZE_EVERY);
    let mut was_short = false;
    for look in 0_u32.. {
        every.tick().await;
        let sized = store.clone();
        // The file system may take its time.
        let size = tokio::task::spawn_blocking(move || sized.size()).await;
        if let Ok(Err(error)) = &size {
            tracing::debug!("{error}");
        }
        if let Ok(Ok(size)) = size {
            let gauge = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
            metrics.store_bytes.set(gauge(size.bytes));
            if let Some(free_bytes) = size.free_bytes {
                metrics.store_free_bytes.set(gauge(free_bytes));
                let is_short = ingest.note_free_space(free_bytes);
                match (was_short, is_short) {
                    (false, true) => readiness.not_ready("the disk of the store is nearly full"),
                    (true, false) => readiness.ready(),
                    _ => {}
                }
                was_short = is_short;
            }
        }
        if look.is_multiple_of(TOTALS_EVERY_LOOKS)
            && let Ok(totals) = totals(&store).await
        {
            metrics.publish(totals, Instant::now());
        }
    }
}
