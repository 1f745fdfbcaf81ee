//! The composition root of `deltrail scan`: the store, and the shell that reads files into it.
//! Nothing is served and nothing is received.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use aws_config::BehaviorVersion;
use deltrail_core::domain::Provenance;
use tokio_util::sync::CancellationToken;

use super::watching::detection;
use super::{ingest_options, open_store, stop_signal, wall_clock};
use crate::config::Config;
use crate::ingest::{Ingest, ScanOrder, ScanProgress, ScanReport, ScanSource};
use crate::metrics::Metrics;
use crate::objects::{Objects, ObjectsOptions, S3Objects};
use crate::store::{Holds, Location, Store};
use crate::watch::{Options as WatchOptions, look_at_history};

/// Tries of one request: no queue brings back what failed.
const ATTEMPTS: u32 = 5;
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

/// Reads what an order names into the store until all is read, and looks for findings in what was
/// learnt: they are history, and told to nobody. SIGTERM or SIGINT ends it early: what
/// is being read is finished, and the next scan goes on from there; a second one ends it at once.
///
/// # Errors
/// When the store cannot be opened, asked or closed, or at a second signal.
pub async fn scan(
    config: Config,
    order: ScanOrder,
    progress: &Arc<ScanProgress>,
) -> anyhow::Result<Scanned> {
    // A daemon of this host may be running on the same store.
    let config = Config { instance: format!("scan@{}", config.instance), ..config };
    let metrics = Arc::new(Metrics::new()?);
    let store = open_store(&config, &metrics).await?;
    let options = ingest_options(&config, Provenance::Backfill, Arc::new(wall_clock));
    let objects = objects_of(&config, &order).await;
    let ingest = Ingest::new(options, store.clone(), objects, metrics);
    let order = ScanOrder { own_files: files_of(&config.store), ..order };
    let mut scanning = Box::pin(ingest.scan(order, progress));
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

/// Where the sources are. To look for credentials takes seconds where there are none, so nobody
/// does unless something lies in S3.
async fn objects_of(config: &Config, order: &ScanOrder) -> Objects {
    if !order.sources.iter().any(|source| matches!(source, ScanSource::S3 { .. })) {
        return Objects::Files;
    }
    let aws = aws_config::defaults(BehaviorVersion::latest()).load().await;
    Objects::FilesAndS3(S3Objects::new(
        &aws,
        ObjectsOptions {
            path_style: config.s3_path_style,
            expected_bucket_owner: config.log_bucket_owner.clone(),
            attempts: ATTEMPTS,
        },
    ))
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
