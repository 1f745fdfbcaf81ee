//! The composition root of `deltrail run`: builds the rooms from the settings, runs them until a
//! signal, drains. It decides nothing that a room could decide. Those of `deltrail scan` and
//! `deltrail verify` are beside it.

mod certificate;
mod doctor;
mod expected;
mod lent;
mod listening;
mod notifiers;
mod notify_test;
mod scan;
mod secret_file;
mod signals;
mod store_size;
mod token;
mod verify;
mod watching;

pub use doctor::doctor;
pub use notify_test::{Told, notify_test};
pub use scan::{Scanned, scan};
pub use signals::stop_signal;
pub use token::app_token;
pub use verify::verify;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use aws_config::{BehaviorVersion, SdkConfig};
use deltrail_core::decode::{Limits, Wanted};
use deltrail_core::domain::{Part, Provenance, Series, Timestamp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{BucketPattern, Config, MissingObject, OBJECT_MEMORY_BYTES};
use crate::http::{
    AppState, AskStore, Listener, OpsState, Readiness, RecordReader, app_router, ops_router,
};
use crate::ingest::{Clock, Ingest, OBJECT_BYTES_MIN, Options as IngestOptions};
use crate::metrics::{Heartbeat, Metrics};
use crate::objects::{Objects, ObjectsOptions};
use crate::queue::Queue;
use crate::store::{Options as StoreOptions, Store, StoreError};
use crate::trail_keys::TrailKeys;
use crate::watch::learn_from;
use lent::{commit, health, totals_source};
use listening::Listening;
use signals::StopSignals;
use store_size::watch_store;
use watching::settle;

/// Writes of keys that are kept at most, to tell stale deletes: about 200 bytes each.
const CREATIONS_MAX: usize = 2_000_000;
/// How often the pollers' heartbeats are kept up while they no longer poll.
const DRAIN_BEAT_EVERY: Duration = Duration::from_secs(5);

// The configuration refuses a memory budget that could not hold one object.
const _: () = assert!(OBJECT_MEMORY_BYTES == OBJECT_BYTES_MIN as u64);

/// What the daemon finds around it, besides its settings.
pub struct World {
    /// Endpoints, region and credentials of AWS.
    pub aws: SdkConfig,
    /// What time it is.
    pub clock: Clock,
}

impl World {
    /// The AWS of the environment, profile or task role, and the wall clock.
    pub async fn of_this_process() -> Self {
        Self {
            aws: aws_config::defaults(BehaviorVersion::latest()).load().await,
            clock: Arc::new(wall_clock),
        }
    }
}

/// Runs the daemon until SIGTERM or SIGINT, then drains. A second signal ends it at once, and so
/// does the first one while it starts.
///
/// # Errors
/// What makes it impossible to start (see [`Daemon::start`]), and what goes wrong at the end.
pub async fn run(config: Config, world: World) -> anyhow::Result<()> {
    let mut signals = StopSignals::listen()?;
    let daemon = tokio::select! {
        daemon = Daemon::start(config, world) => daemon?,
        () = signals.next() => {
            tracing::info!("stopped before it had started");
            return Ok(());
        }
    };
    signals.next().await;
    let hurry = async {
        signals.next().await;
        Ok(())
    };
    daemon.drain(hurry).await
}

/// The daemon at work.
pub struct Daemon {
    drain_timeout: Duration,
    ingest: Arc<Ingest>,
    store: Store,
    readiness: Readiness,
    heartbeats: Vec<Heartbeat>,
    watching: JoinHandle<()>,
    /// Ends the settling.
    settled: CancellationToken,
    settling: JoinHandle<()>,
    ops: Listening,
    app: Listening,
}

impl Daemon {
    /// Builds the rooms and sets them to work.
    ///
    /// # Errors
    /// What makes it impossible to start: settings that do not fit the world, a store that cannot
    /// be opened, a port that is taken. What fails later is retried and does not end it.
    pub async fn start(config: Config, world: World) -> anyhow::Result<Self> {
        let token = token::of(&config)?;
        let tls = certificate::of(&config).await?;
        // A secret that is no good ends the start, not the first alert.
        let notifiers = notifiers::of(&config.notify, &world.aws)?;
        let metrics = Arc::new(Metrics::new()?);
        let store = open_store(&config, &metrics).await?;
        learn_from(&store, (world.clock)(), config.retention).await?;
        expected::write(&config, &store, (world.clock)()).await?;
        let readiness = Readiness::not_yet("starting");
        let queues = queues(&config, &world.aws)?;
        let clock = Arc::clone(&world.clock);
        let objects = log_objects(&config, &world.aws);
        let app = AppState {
            metrics: Arc::clone(&metrics),
            commit: commit(&store),
            ask: AskStore::of(&store, config.looking()),
            records: record_reader(&config, &objects),
            watches: watches(&config),
            clock: Arc::clone(&clock),
            readiness: readiness.clone(),
            token,
        };
        let ingest = ingest(&config, world, objects, (&store, &metrics));

        let (health, heartbeats) = health(&queues, &store);
        let state = OpsState {
            metrics: Arc::clone(&metrics),
            totals: totals_source(&store),
            health: Arc::new(health),
            readiness: readiness.clone(),
        };
        let (ops, app) = (ops_router(state), app_router(app));
        let ops =
            Listening::start(Listener::Ops, config.ops_listen, ops, tls.clone(), &metrics).await?;
        let app = Listening::start(Listener::App, config.app_listen, app, tls, &metrics).await?;
        for (queue, heartbeat) in queues.into_iter().zip(&heartbeats) {
            ingest.drain_queue(queue, heartbeat.clone());
        }
        readiness.ready();
        let settled = CancellationToken::new();
        let settling = settle(&config, notifiers, clock, &ingest, &store, &metrics, &settled);
        let watching = watch_store(store.clone(), metrics, Arc::clone(&ingest), readiness.clone());
        let watching = tokio::spawn(watching);
        log_start(&config, ops.address(), app.address());
        let drain_timeout = config.drain_timeout;
        Ok(Self {
            drain_timeout,
            ingest,
            store,
            readiness,
            heartbeats,
            watching,
            settled,
            settling,
            ops,
            app,
        })
    }

    /// Where metrics and health are served: with a real port, though 0 may have been asked for.
    #[must_use]
    pub fn ops_address(&self) -> SocketAddr {
        self.ops.address()
    }

    /// Stops receiving, and ends when everything in flight is settled, or when the drain timeout is
    /// over and the rest was released. When `hurry` comes it ends at once: then nothing is
    /// released, and what was not settled is delivered again when its lease runs out.
    ///
    /// # Errors
    /// When the store cannot be closed, or the ops listener has failed.
    pub async fn drain(
        self,
        hurry: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let heartbeats = self.heartbeats.clone();
        tokio::select! {
            drained = self.settle_and_close() => drained?,
            hurried = hurry => {
                hurried?;
                tracing::warn!("stopped at once; what was not settled comes again and is found");
                return Ok(());
            }
            () = beat_while_draining(&heartbeats) => {}
        }
        tracing::info!("stopped");
        Ok(())
    }

    async fn settle_and_close(self) -> anyhow::Result<()> {
        self.watching.abort();
        // It may be about to say that the disk has room; drained is the last word.
        let _ = self.watching.await;
        self.readiness.not_ready("draining");
        self.app.close();
        let timeout_seconds = self.drain_timeout.as_secs();
        tracing::info!(timeout_seconds, "draining; once more to stop at once");
        if !self.ingest.stop(self.drain_timeout).await {
            tracing::warn!("not everything was settled in time; the rest comes again and is found");
        }
        self.settled.cancel();
        self.settling.await.context("the settling of facts failed")?;
        let app = self.app.closed().await;
        self.store.close().await?;
        self.ops.close();
        self.ops.closed().await?;
        app
    }
}

async fn open_store(config: &Config, metrics: &Metrics) -> anyhow::Result<Store> {
    let important = config.important_buckets.clone();
    let options = StoreOptions {
        location: config.store.clone(),
        writer: config.instance.clone(),
        labelled_buckets_max: config.labelled_buckets_max,
        creations_max: CREATIONS_MAX,
        is_important: Arc::new(move |bucket| matches_any(&important, bucket)),
    };
    // Opening migrates, which may take its time; the runtime's threads have other work.
    let store = tokio::task::spawn_blocking(move || Store::open(options)).await??;
    metrics.publish(totals(&store).await?, Instant::now());
    Ok(store)
}

/// The durable totals in the shape that the metrics take.
async fn totals(store: &Store) -> Result<Vec<(Series, Part, i64)>, StoreError> {
    let totals = store.totals().await?;
    Ok(totals.into_iter().map(|total| (total.series, total.part, total.value)).collect())
}

fn queues(config: &Config, aws: &SdkConfig) -> anyhow::Result<Vec<Queue>> {
    let queue = |url: &String| Queue::new(aws, url).map_err(anyhow::Error::from);
    config.queue_urls.iter().map(queue).collect()
}

/// Where log objects are.
fn log_objects(config: &Config, aws: &SdkConfig) -> Objects {
    Objects::new(
        aws,
        ObjectsOptions {
            path_style: config.s3_path_style,
            expected_bucket_owner: config.log_bucket_owner.clone(),
            ..ObjectsOptions::default()
        },
    )
}

/// Reads records of log objects again, of no others.
fn record_reader(config: &Config, objects: &Objects) -> RecordReader {
    let log_buckets = config.log_buckets.clone();
    let allows = Arc::new(move |bucket: &str, key: &str| log_buckets.allows(bucket, key));
    RecordReader::new(objects.clone(), allows)
}

fn ingest(
    config: &Config,
    world: World,
    objects: Objects,
    (store, metrics): (&Store, &Arc<Metrics>),
) -> Arc<Ingest> {
    let trail_keys = config.verify_digests.then(|| TrailKeys::of_service(&world.aws));
    let options = ingest_options(config, Provenance::Live, world.clock);
    let options = IngestOptions { trail_keys, ..options };
    Ingest::new(options, store.clone(), objects, Arc::clone(metrics))
}

fn ingest_options(config: &Config, provenance: Provenance, clock: Clock) -> IngestOptions {
    let log_buckets = config.log_buckets.clone();
    IngestOptions {
        limits: Limits {
            // An object that was cut by size may go over it by the record that was being written.
            inflated_bytes_max: config
                .inflated_bytes_max
                .saturating_add(config.record_bytes_max as u64),
            record_bytes_max: config.record_bytes_max,
        },
        wanted: if config.trail_writes { Wanted::DeletesAndWrites } else { Wanted::Deletes },
        keeps_traces: watching::settings(config).keeps_traces(),
        workers: config.workers,
        in_flight_messages: config.in_flight_messages_max,
        in_flight_objects: config.in_flight_objects_max,
        memory_budget_bytes: config.memory_budget_bytes,
        skips_missing: config.missing_object == MissingObject::Skip,
        poison_after: config.poison_after,
        log_bucket_names: config
            .log_buckets
            .named
            .iter()
            .map(|named| named.bucket.clone())
            .collect(),
        allows: Box::new(move |bucket, key| log_buckets.allows(bucket, key)),
        watches: watches(config),
        trail_keys: None,
        provenance,
        clock,
    }
}

/// Whether a bucket is among those whose deletions are kept.
fn watches(config: &Config) -> Arc<dyn Fn(&str) -> bool + Send + Sync> {
    let watched = config.watch_buckets.clone();
    Arc::new(move |bucket| matches_any(&watched, bucket))
}

/// The wall clock; everything else is told the time.
fn wall_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

fn matches_any(patterns: &[BucketPattern], bucket: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(bucket))
}

/// A poller that has stopped as it was told is no reason to call the daemon unhealthy.
async fn beat_while_draining(heartbeats: &[Heartbeat]) {
    let mut every = tokio::time::interval(DRAIN_BEAT_EVERY);
    loop {
        every.tick().await;
        for heartbeat in heartbeats {
            heartbeat.beat(Instant::now());
        }
    }
}

fn log_start(config: &Config, ops_address: SocketAddr, app_address: SocketAddr) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        queues = config.queue_urls.len(),
        store = %config.store,
        ops_listen = %ops_address,
        app_listen = %app_address,
        workers = config.workers,
        in_flight_messages_max = config.in_flight_messages_max,
        in_flight_objects_max = config.in_flight_objects_max,
        memory_budget_bytes = config.memory_budget_bytes,
        inflated_bytes_max = config.inflated_bytes_max,
        record_bytes_max = config.record_bytes_max,
        labelled_buckets_max = config.labelled_buckets_max,
        "deltrail runs"
    );
}
