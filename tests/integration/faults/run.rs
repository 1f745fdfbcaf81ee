//! One schedule from its beginning to its end: a sandbox, a daemon in this process, traffic,
//! faults, quiet; then rows and totals must equal the truth, and no message may be left over. It
//! knows no kind of fault.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use deltrail::app::{Daemon, World};
use deltrail::config::{self, Config, Given, Purpose, Surroundings};
use deltrail::sandbox::Sandbox;
use deltrail::sandbox::faults::Faults;
use deltrail::sandbox::principal::Kind;
use deltrail::sandbox::record::cloudtrail::ChildLayout;
use deltrail::sandbox::sqs::QueueAttributes;
use deltrail_core::domain::Timestamp;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::estate::{DAEMON, EVENTS_QUEUE, LOGS, QUEUE, Writing, sandbox_from, waiting};
use super::poison::{KEPT, Poison, RECEIVES_MAX, REDRIVEN};
use super::schedule::{FAULTY_MILLIS, drawn, follow};
use super::traffic::{REGION, Traffic, principal};
use super::truth::Truth;
use crate::emulator::{Scrape, http_get};

/// More than a schedule takes: a deadline is there to fail, not to measure.
const DEADLINE: Duration = Duration::from_mins(5);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// So many times as fast as the world's time goes that of what happens.
const SCALE: u32 = 40;
/// Queues go with the world's time, as the daemon does. Short, because whatever got lost on the way
/// comes again after it.
const VISIBILITY: Duration = Duration::from_secs(8);
const DEEDS: usize = 36;
/// All that happened is settled by so many hours later: access logs may be 3 h late.
const LATER: Duration = Duration::from_hours(5);
const LATER_SCALE: f64 = 20_000.0;
/// A noon that is over long enough for hours to pass in a moment: times to come are not believed.
const BEGINNING: Timestamp = Timestamp::from_millis(1_794_830_400_000);
const QUEUES: [&str; 4] = [QUEUE, EVENTS_QUEUE, REDRIVEN, KEPT];

/// Faults that strike in a schedule at least.
const STRIKES_MIN: u64 = 5;

/// How often each kind of fault struck, and how often each kind of poison was sent to which queue.
pub type Strikes = BTreeMap<String, u64>;

/// Plays the schedule of a seed.
///
/// # Errors
/// How the end differs from the truth.
pub async fn play(seed: u64) -> Result<Strikes, String> {
    let stage = Stage::open(seed).await;
    let mut traffic = Traffic::seeded(seed);
    let begin = stage.sandbox.clock().now().as_millis();
    let faulty_millis = i64::try_from(FAULTY_MILLIS).unwrap() * i64::from(SCALE);
    let acts = traffic.acts(DEEDS, begin..begin + faulty_millis);
    let told = async {
        for act in acts {
            stage.sandbox.clock().sleep_until(act.ended_at).await;
            stage.writing.tell(act);
        }
    };
    let (spells, poison) = (drawn(seed), Poison::drawn(seed));
    for reason in poison.reasons() {
        traffic.expect_reject(reason);
    }
    tokio::join!(
        told,
        poison.send(&stage.sandbox),
        follow(&spells, &stage.sandbox, &stage.writing)
    );
    let faults = stage.sandbox.faults().injected();
    let struck: u64 = faults.values().sum();
    let faults = faults.into_iter().map(|(fault, count)| (format!("{fault:?}"), count));
    let mut strikes: Strikes = faults.collect();
    for bad in poison.all() {
        *strikes.entry(bad.name()).or_default() += 1;
    }
    let ended = stage.end(&mut traffic, &poison).await;
    let ended = ended.and(match struck {
        STRIKES_MIN.. => Ok(()),
        _ => Err(format!("no more than {struck} faults")),
    });
    let explained = |error| {
        let spells: Vec<_> = spells.iter().map(|spell| format!("\n  {spell:?}")).collect();
        format!("{error}\nspells: {}\nstrikes: {strikes:?}", spells.concat())
    };
    ended.map(|()| strikes.clone()).map_err(explained)
}

/// A sandbox, what AWS writes into it, and a daemon that reads it.
pub struct Stage {
    pub sandbox: Sandbox,
    pub writing: Writing,
    daemon: Daemon,
    folder: TempDir,
}

impl Stage {
    pub async fn open(seed: u64) -> Self {
        let faults = Faults::seeded(seed, 0, &[]);
        let sandbox = sandbox_from(BEGINNING, SCALE.into(), seed, faults).await;
        let attributes =
            QueueAttributes { visibility_timeout: VISIBILITY, ..QueueAttributes::default() };
        let layouts = [ChildLayout::SharedRequest, ChildLayout::OwnRequest];
        let layout = layouts[usize::from(seed.is_multiple_of(2))];
        let writing = Writing::into(&sandbox, !seed, attributes, layout).await;
        Poison::make_queues(sandbox.queues());
        let folder = scratch_in_memory();
        let clock = sandbox.clock().clone();
        let world = World { aws: aws(&sandbox), clock: Arc::new(move || clock.now()) };
        let daemon = Daemon::start(settings(&sandbox, &folder), world).await.unwrap();
        let stage = Self { sandbox, writing, daemon, folder };
        stage.until_queues_are_known().await;
        stage
    }

    /// Until the daemon has asked which of its queues has a redrive policy.
    async fn until_queues_are_known(&self) {
        let queues = self.sandbox.queues();
        let asked = |queue| queues.requests_for(queue, "GetQueueAttributes") > 0;
        let deadline = Instant::now() + DEADLINE;
        while !QUEUES.into_iter().all(asked) {
            assert!(Instant::now() < deadline, "the daemon does not ask about its queues");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until all was read, looks whether it is true, and ends.
    pub async fn end(self, traffic: &mut Traffic, poison: &Poison) -> Result<(), String> {
        self.writing.flush().await;
        let came = async {
            self.until_quiet().await?;
            self.until_settled(poison).await?;
            self.until_true(traffic).await
        };
        let came = came.await;
        came.and(self.close().await)
    }

    /// Until the queues hold nothing any more.
    async fn until_quiet(&self) -> Result<(), String> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match waiting(self.sandbox.queues()) {
                [0, 0] => return Ok(()),
                [left, dead] if dead > 0 || Instant::now() > deadline => {
                    let did = self.scrape().await.unwrap_or_else(|error| error);
                    let did: Vec<_> =
                        did.lines().filter(|line| line.starts_with("deltrail_messages_")).collect();
                    return Err(format!("{left} messages left, {dead} dead ones: {did:#?}"));
                }
                _ => sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Until all poison is where it belongs.
    async fn until_settled(&self, poison: &Poison) -> Result<(), String> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match poison.expect(self.sandbox.queues(), &self.store()) {
                Err(_) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
                result => return result,
            }
        }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("deltrail.db")
    }

    /// Until hours later everything is settled, and equals the truth.
    async fn until_true(&self, traffic: &mut Traffic) -> Result<(), String> {
        let clock = self.sandbox.clock();
        clock.set_scale(LATER_SCALE);
        clock.sleep(LATER).await;
        clock.set_scale(SCALE.into());
        for act in traffic.pulse(clock.now().as_millis()) {
            self.writing.tell(act);
        }
        self.writing.flush().await;
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.seen().await.and_then(|seen| traffic.truth().expect(&seen)) {
                Err(_) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
                result => return result,
            }
        }
    }

    async fn seen(&self) -> Result<Truth, String> {
        let metrics = self.scrape().await?;
        let store = self.store();
        let seen = move || Truth::seen(&store, &Scrape::parse(&metrics));
        tokio::task::spawn_blocking(seen).await.unwrap()
    }

    async fn scrape(&self) -> Result<String, String> {
        let ops = self.daemon.ops_address();
        // The runtime's own threads have the daemon to run that has to answer.
        let answer = tokio::task::spawn_blocking(move || http_get(ops, "/metrics")).await.unwrap();
        match answer {
            Ok((200, body)) => Ok(body),
            Ok((status, body)) => Err(format!("/metrics answers {status}: {body}")),
            Err(error) => Err(format!("/metrics: {error}")),
        }
    }

    async fn close(self) -> Result<(), String> {
        let drained = self.daemon.drain(std::future::pending()).await;
        let left = waiting(self.sandbox.queues());
        self.sandbox.stop().await;
        drained.map_err(|error| format!("it did not drain: {error:#}"))?;
        if left == [0, 0] {
            Ok(())
        } else {
            Err(format!("left in the queues at the end: {left:?}"))
        }
    }
}

/// A store that a hundred tests write at once should not wait for the disk; that it does is
/// another test's matter.
fn scratch_in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn settings(sandbox: &Sandbox, folder: &TempDir) -> Config {
    let store = format!("sqlite://{}", folder.path().join("deltrail.db").display());
    let urls = QUEUES.map(|queue| sandbox.queues().url(queue));
    let given = Given::default()
        .with_flag(&config::QUEUE_URL, urls.into())
        .with_flag(&config::LOG_BUCKET, vec![LOGS.into()])
        .with_flag(&config::S3_PATH_STYLE, vec!["true".into()])
        .with_flag(&config::POISON_AFTER, vec![RECEIVES_MAX.to_string()])
        .with_flag(&config::STORE, vec![store])
        .with_flag(&config::OPS_LISTEN, vec!["127.0.0.1:0".into()])
        .with_flag(&config::APP_LISTEN, vec!["127.0.0.1:0".into()]);
    let surroundings = Surroundings { cores: 1, host_name: "one".into(), ..Default::default() };
    Config::of(&given, &surroundings, Purpose::Run).unwrap_or_else(|problems| panic!("{problems}"))
}

fn aws(sandbox: &Sandbox) -> SdkConfig {
    let daemon = principal(DAEMON, Kind::User);
    let credentials =
        Credentials::new(daemon.access_key_id, daemon.secret_access_key, None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(sandbox.endpoint())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}
