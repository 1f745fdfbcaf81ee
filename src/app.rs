//! The composition root of `deltrail run`: builds the rooms from the settings, runs them until a
//! signal, drains. It decides nothing that a room could decide.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use aws_config::{BehaviorVersion, SdkConfig};
use deltrail_core::decode::Limits;
use deltrail_core::domain::{Part, Series, Timestamp};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{BucketPattern, Config, MissingObject, OBJECT_MEMORY_BYTES};
use crate::http::{Health, OpsState, Readiness, TotalsSource, ops_router, serve};
use crate::ingest::{Ingest, OBJECT_BYTES_MIN, Options as IngestOptions};
use crate::metrics::{Heartbeat, Metrics};
use crate::objects::{Objects, ObjectsOptions};
use crate::queue::Queue;
use crate::store::{Options as StoreOptions, Store, StoreError};

/// How often the size of the store is looked at.
const STORE_SIZE_EVERY: Duration = Duration::from_secs(2);
/// The totals are looked at with every so many looks at the size, besides every scrape, so that the
/// first burst of a new series is not held back for longer than its minute.
const TOTALS_EVERY_LOOKS: u32 = 8;
/// How often the pollers' heartbeats are kept up while they no longer poll.
const DRAIN_BEAT_EVERY: Duration = Duration::from_secs(5);

// The configuration refuses a memory budget that could not hold one object.
const _: () = assert!(OBJECT_MEMORY_BYTES == OBJECT_BYTES_MIN as u64);

/// Runs the daemon until SIGTERM or SIGINT, then drains. A second signal ends it at once.
///
/// # Errors
/// What makes it impossible to start: settings that do not fit the world, a store that cannot be
/// opened, a port that is taken. What fails later is retried and does not end it.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let metrics = Arc::new(Metrics::new()?);
    let store = open_store(&config, &metrics).await?;
    let readiness = Readiness::not_yet("starting");
    let aws = aws_config::defaults(BehaviorVersion::latest()).load().await;
    let queues = queues(&config, &aws)?;
    let ingest = ingest(&config, &aws, &store, &metrics);

    let (health, heartbeats) = health(&queues, &store);
    let state = OpsState {
        metrics: Arc::clone(&metrics),
        totals: totals_source(&store),
        health: Arc::new(health),
        readiness: readiness.clone(),
    };
    let closing = CancellationToken::new();
    let ops = listen(&config, state, &closing).await?;
    for (queue, heartbeat) in queues.into_iter().zip(&heartbeats) {
        ingest.drain_queue(queue, heartbeat.clone());
    }
    readiness.ready();
    let watching =
        tokio::spawn(watch_store(store.clone(), metrics, Arc::clone(&ingest), readiness.clone()));
    log_start(&config);

    stop_signal().await?;
    watching.abort();
    // It may be about to say that the disk has room; drained is the last word.
    let _ = watching.await;
    readiness.not_ready("draining");
    tracing::info!(timeout_seconds = config.drain_timeout.as_secs(), "draining; once more to stop");
    let drained = tokio::select! {
        drained = ingest.stop(config.drain_timeout) => drained,
        stopped = stop_signal() => { stopped?; false }
        () = beat_while_draining(&heartbeats) => false,
    };
    if !drained {
        tracing::warn!("not everything was settled in time; the rest comes again and is found");
    }
    store.close().await?;
    closing.cancel();
    ops.await.context("the ops listener failed")??;
    tracing::info!("stopped");
    Ok(())
}

async fn open_store(config: &Config, metrics: &Metrics) -> anyhow::Result<Store> {
    let important = config.important_buckets.clone();
    let options = StoreOptions {
        location: config.store.clone(),
        writer: config.instance.clone(),
        labelled_buckets_max: config.labelled_buckets_max,
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

fn ingest(config: &Config, aws: &SdkConfig, store: &Store, metrics: &Arc<Metrics>) -> Arc<Ingest> {
    let objects = Objects::new(
        aws,
        ObjectsOptions {
            path_style: config.s3_path_style,
            expected_bucket_owner: config.log_bucket_owner.clone(),
            ..ObjectsOptions::default()
        },
    );
    let log_buckets = config.log_buckets.clone();
    let watched = config.watch_buckets.clone();
    let options = IngestOptions {
        limits: Limits {
            // An object that was cut by size may go over it by the record that was being written.
            inflated_bytes_max: config
                .inflated_bytes_max
                .saturating_add(config.record_bytes_max as u64),
            record_bytes_max: config.record_bytes_max,
        },
        workers: config.workers,
        in_flight_messages: config.in_flight_messages_max,
        in_flight_objects: config.in_flight_objects_max,
        memory_budget_bytes: config.memory_budget_bytes,
        skips_missing: config.missing_object == MissingObject::Skip,
        poison_after: config.poison_after,
        allows: Box::new(move |bucket, key| log_buckets.allows(bucket, key)),
        watches: Arc::new(move |bucket| matches_any(&watched, bucket)),
        clock: wall_clock,
    };
    Ingest::new(options, store.clone(), objects, Arc::clone(metrics))
}

/// The wall clock; everything else is told the time.
fn wall_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

fn matches_any(patterns: &[BucketPattern], bucket: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(bucket))
}

/// What must tick: a poller for each queue, and the store's writer.
fn health(queues: &[Queue], store: &Store) -> (Health, Vec<Heartbeat>) {
    let writer = store.clone();
    let mut health =
        Health::new().watching("the store's writer", move || writer.writer_ticked_at());
    let mut heartbeats = Vec::with_capacity(queues.len());
    for queue in queues {
        let heartbeat = Heartbeat::starting(Instant::now());
        let seen = heartbeat.clone();
        let name = format!("the poller of queue {}", queue.name());
        health = health.watching(name, move || seen.last());
        heartbeats.push(heartbeat);
    }
    (health, heartbeats)
}

fn totals_source(store: &Store) -> TotalsSource {
    let store = store.clone();
    Arc::new(move || {
        let store = store.clone();
        Box::pin(async move { totals(&store).await.map_err(|error| error.to_string()) })
    })
}

async fn listen(
    config: &Config,
    state: OpsState,
    closing: &CancellationToken,
) -> anyhow::Result<JoinHandle<std::io::Result<()>>> {
    let address = config.ops_listen;
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; free the port or choose another with --ops-listen")
    })?;
    Ok(tokio::spawn(serve(listener, ops_router(state), closing.clone())))
}

/// Looks at the room on the disk often, because commits may fill it fast, and at the totals seldom.
async fn watch_store(
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

fn log_start(config: &Config) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        queues = config.queue_urls.len(),
        store = %config.store,
        ops_listen = %config.ops_listen,
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

/// Waits for SIGTERM or SIGINT.
async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
