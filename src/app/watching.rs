//! Sets to work what goes on beside the messages: settling, detection, telling people, and
//! retention. It decides nothing about them.

use std::sync::Arc;

use deltrail_core::detect::Settings;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::matches_any;
use crate::config::Config;
use crate::ingest::{Clock, Ingest};
use crate::metrics::Metrics;
use crate::notify::Notifiers;
use crate::store::Store;
use crate::watch::{Detection, Options, watch};

/// Sets the settling of facts to work.
pub(super) fn settle(
    config: &Config,
    notifiers: Notifiers,
    clock: Clock,
    ingest: &Arc<Ingest>,
    store: &Store,
    metrics: &Arc<Metrics>,
    settled: &CancellationToken,
) -> JoinHandle<()> {
    let ingest = Arc::clone(ingest);
    let names = notifiers.names().into_iter().map(str::to_owned).collect();
    let options = Options {
        retention: config.retention,
        stale_window: config.stale_window,
        detection: detection(config, names),
        holds: Box::new(move || ingest.holds()),
        clock,
    };
    let (store, metrics) = (store.clone(), Arc::clone(metrics));
    tokio::spawn(watch(options, notifiers, store, metrics, settled.clone()))
}

/// What detectors are told by the settings, of any bucket.
pub(super) fn settings(config: &Config) -> Settings {
    Settings {
        sensitivity: config.sensitivity,
        modes: config.detector_modes.iter().copied().collect(),
        is_important: false,
    }
}

/// What detectors are told by the settings, and who is told by them.
pub(super) fn detection(config: &Config, notifiers: Vec<String>) -> Detection {
    let important = config.important_buckets.clone();
    Detection {
        settings: settings(config),
        is_important: Box::new(move |bucket| matches_any(&important, bucket)),
        notifiers,
        told_from: config.notify.least_severity,
    }
}
