//! The composition root of `deltrail scan`: the store, and the shell that reads files into it.
//! Nothing is served and nothing is received.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use deltrail_core::domain::Provenance;
use tokio_util::sync::CancellationToken;

use super::watching::detection;
use super::{ingest_options, open_store, stop_signal, wall_clock};
use crate::config::Config;
use crate::ingest::{Ingest, ScanReport};
use crate::metrics::Metrics;
use crate::objects::Objects;
use crate::store::{Holds, Location, Store};
use crate::watch::{Options as WatchOptions, look_at_history};

/// What SQLite keeps beside a database.
const BESIDE_STORE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What a scan read, and what was found in it.
#[derive(Debug, Default)]
pub struct Scanned {
    /// What was read.
    pub report: ScanReport,
    /// How many findings are new or other than before; `None` when the scan ended early, so that
    /// nobody looked.
    pub findings: Option<usize>,
}

/// Reads files and folders into the store until all are read, and looks for findings in what was
/// learnt: they are history, and told to nobody. SIGTERM or SIGINT ends it early: what
/// is being read is finished, and the next scan goes on from there; a second one ends it at once.
///
/// # Errors
/// When the store cannot be opened, asked or closed, or at a second signal.
pub async fn scan(config: Config, sources: Vec<PathBuf>) -> anyhow::Result<Scanned> {
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
    let findings = if report.is_cut_short { None } else { Some(look_at(&config, &store).await?) };
    store.close().await?;
    Ok(Scanned { report, findings })
}

/// Looks for findings until a signal: what is not looked at then, a daemon or the next scan looks
/// at.
async fn look_at(config: &Config, store: &Store) -> anyhow::Result<usize> {
    let options = WatchOptions {
        retention: config.retention,
        stale_window: config.stale_window,
        detection: detection(config, Vec::new()),
        holds: Box::new(|| Holds::None),
        clock: Arc::new(wall_clock),
    };
    let closing = CancellationToken::new();
    let mut looking = Box::pin(look_at_history(&options, store, &closing));
    tokio::select! {
        found = &mut looking => return Ok(found?),
        signal = stop_signal() => signal?,
    }
    closing.cancel();
    Ok(looking.await?)
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
