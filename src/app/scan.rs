//! The composition root of `deltrail scan`: the store, and the shell that reads files into it.
//! Nothing is served and nothing is received.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use deltrail_core::domain::Provenance;

use super::{ingest_options, open_store, stop_signal, wall_clock};
use crate::config::Config;
use crate::ingest::{Ingest, ScanReport};
use crate::metrics::Metrics;
use crate::objects::Objects;
use crate::store::Location;

/// What SQLite keeps beside a database.
const BESIDE_STORE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Reads files and folders into the store until all are read. SIGTERM or SIGINT ends it early: what
/// is being read is finished, and the next scan goes on from there; a second one ends it at once.
///
/// # Errors
/// When the store cannot be opened or closed, or at a second signal.
pub async fn scan(config: Config, sources: Vec<PathBuf>) -> anyhow::Result<ScanReport> {
    // A daemon of this host may be running on the same store.
    let config = Config { instance: format!("scan@{}", config.instance), ..config };
    let metrics = Arc::new(Metrics::new()?);
    let store = open_store(&config, &metrics).await?;
    let options = ingest_options(&config, Provenance::Backfill, Arc::new(wall_clock));
    let ingest = Ingest::new(options, store.clone(), Objects::Files, metrics);
    let mut scanning = Box::pin(ingest.scan(sources, files_of(&config.store)));
    let report = tokio::select! {
        report = &mut scanning => report,
        signal = stop_signal() => {
            signal?;
            tracing::info!("finishing the files that are being read; once more to stop");
            ingest.stop(Duration::ZERO).await;
            tokio::select! {
                report = &mut scanning => report,
                signal = stop_signal() => {
                    signal?;
                    bail!("stopped; the next scan reads what was not finished");
                }
            }
        }
    };
    drop(scanning);
    store.close().await?;
    Ok(report)
}

/// The files of the store: it often lies in the folder that is scanned.
fn files_of(store: &Location) -> BTreeSet<String> {
    let path = store.path().and_then(|path| path.canonicalize().ok());
    let Some(path) = path.and_then(|path| path.into_os_string().into_string().ok()) else {
        return BTreeSet::new();
    };
    let beside = BESIDE_STORE.map(|end| format!("{path}{end}"));
    beside.into_iter().chain([path]).collect()
}
