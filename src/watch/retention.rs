//! When what is old is forgotten: a way through the whole store once a day, in small steps. What
//! that means for a row, the store knows.

use std::time::Duration;

use deltrail_core::domain::Timestamp;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Options, millis};
use crate::store::{Forget, Store, StoreError, Sweep};

/// Rows of each table that a step looks at: a few milliseconds, for which commits wait.
const STEP_ROWS: u32 = 2_000;
/// Commits have the store to themselves for so long between two steps.
const PAUSE: Duration = Duration::from_millis(50);
/// Between the beginnings of two ways through the store, so much of the retention passes.
const SHARE: u32 = 90;
/// But no more than this.
const PERIOD_MAX: Duration = Duration::from_hours(24);
/// How long to wait when the store cannot forget.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// The time before which everything is old; what is later than a clock can say is not.
fn old_before(now: Timestamp, retention: Duration) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_sub(millis(retention)))
}

/// Notes from when on evidence is learnt, before any comes.
///
/// # Errors
/// When nothing of it was kept.
pub async fn learn_from(
    store: &Store,
    now: Timestamp,
    retention: Duration,
) -> Result<(), StoreError> {
    let before = old_before(now, retention);
    store.forget(Forget { before, from: Sweep::start(), rows_max: 1 }).await.map(|_| ())
}

/// Goes through the store, waits, and begins again.
pub(super) async fn forget_until_closed(
    options: &Options,
    store: &Store,
    closing: &CancellationToken,
) {
    let period = (options.retention / SHARE).min(PERIOD_MAX);
    loop {
        let wait = match sweep(options, store, closing).await {
            Ok(rows) => {
                if rows > 0 {
                    tracing::info!(rows, "evidence older than the retention was forgotten");
                }
                period
            }
            Err(error) => {
                if !closing.is_cancelled() {
                    tracing::warn!("old evidence cannot be forgotten: {error}; tried again");
                }
                RETRY_AFTER
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = closing.cancelled() => return,
        }
    }
}

/// Goes through the store once; gives how many rows were forgotten.
async fn sweep(
    options: &Options,
    store: &Store,
    closing: &CancellationToken,
) -> Result<u64, StoreError> {
    let before = old_before((options.clock)(), options.retention);
    let (mut rows, mut next) = (0, Some(Sweep::start()));
    while let Some(from) = next {
        let report = store.forget(Forget { before, from, rows_max: STEP_ROWS }).await?;
        rows += report.rows;
        next = report.next;
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = closing.cancelled() => break,
        }
    }
    Ok(rows)
}
