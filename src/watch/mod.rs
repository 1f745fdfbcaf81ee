//! What goes on beside the messages: facts are settled when the sources are complete, gauges show
//! where that stands, findings are made and told, and what is old is forgotten. It knows neither
//! queues nor what evidence means.

mod baselines;
mod detect;
mod retention;
mod show;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use deltrail_core::detect::Settings;
use deltrail_core::domain::{Severity, Timestamp};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use self::detect::detect_until_closed;
pub use self::detect::look_at_history;
use self::retention::forget_until_closed;
pub use self::retention::learn_from;
use self::show::Shown;
use self::tell::tell_until_closed;
use crate::metrics::Metrics;
use crate::notify::Notifiers;
use crate::store::{Holds, Settle, Store, StoreError};

/// How often facts are settled and gauges shown: they wait for half an hour of event time anyway.
const TICK: Duration = Duration::from_secs(5);

/// What the shell is told by its owner.
pub struct Options {
    /// How long evidence is kept.
    pub retention: Duration,
    /// How soon after a write that replaced an object its removal is stale.
    pub stale_window: Duration,
    /// What is unusual enough, and who is told.
    pub detection: Detection,
    /// Whose watermarks must not move now.
    pub holds: Box<dyn Fn() -> Holds + Send + Sync>,
    /// What time it is.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// What is unusual enough, and who is told.
pub struct Detection {
    /// What the user chose for all buckets.
    pub settings: Settings,
    /// Whether a bucket is an important one.
    pub is_important: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// Names of those who are told of findings.
    pub notifiers: Vec<String>,
    /// The least severe findings that they are told of.
    pub told_from: Severity,
}

/// Settles, detects, tells, shows and forgets until `closing`.
pub async fn watch(
    options: Options,
    notifiers: Notifiers,
    store: Store,
    metrics: Arc<Metrics>,
    closing: CancellationToken,
) {
    tokio::join!(
        forget_until_closed(&options, &store, &closing),
        settle_until_closed(&options, &store, &metrics, &closing),
        detect_until_closed(&options, &store, &metrics, &closing),
        tell_until_closed(&notifiers, &options, &store, &closing),
    );
}

async fn settle_until_closed(
    options: &Options,
    store: &Store,
    metrics: &Metrics,
    closing: &CancellationToken,
) {
    let mut every = interval(TICK);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shown = Shown::default();
    let mut is_failing = false;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = closing.cancelled() => return,
        }
        let done = async {
            settle_all(options, store, metrics, closing).await?;
            store.gauges().await
        };
        match done.await {
            Ok(gauges) => {
                shown.show(metrics, &gauges);
                if is_failing {
                    tracing::info!("facts are settled again");
                }
                is_failing = false;
            }
            // Said when it begins, and then only to those who look closer.
            Err(error) if !is_failing && !closing.is_cancelled() => {
                is_failing = true;
                tracing::warn!("facts cannot be settled for now: {error}; tried again");
            }
            Err(error) => tracing::debug!("{error}"),
        }
    }
}

/// Settles all that may be settled, a part at a time, so that commits come between.
async fn settle_all(
    options: &Options,
    store: &Store,
    metrics: &Metrics,
    closing: &CancellationToken,
) -> Result<(), StoreError> {
    loop {
        let report = store
            .settle(Settle {
                now: (options.clock)(),
                holds: (options.holds)(),
                stale_window_millis: millis(options.stale_window),
                settles_backfill: false,
            })
            .await?;
        metrics.discard_latencies(&report.discarded_latencies);
        if !report.has_more || closing.is_cancelled() {
            return Ok(());
        }
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
