//! `deltrail demo`: a sandbox of S3 and SQS, a seeded day of an image service in it, and the daemon
//! that `run` starts, in one process. It puts them together and shows what comes of it.

mod figures;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use clap::{Args, ValueEnum};
use deltrail_core::domain::Timestamp;
use tokio::time::Instant;

use super::http_get::{Scheme, http_get};
use super::{FAILED, USAGE, fail, logging, on_runtime};
use crate::app::{Daemon, World, stop_signal};
use crate::config::{self, Config, Given, Purpose, Surroundings};
use crate::sandbox::Sandbox;
use crate::sandbox::clock::after;
use crate::sandbox::faults::Faults;
use crate::sandbox::record::cloudtrail::ChildLayout;
use crate::sandbox::scenario::{
    self, Actor, DAEMON, EVENTS_QUEUE, LOGS, QUEUE, StageOptions, VISITOR,
};
use figures::{Expected, Figure, table};

/// How long after the day the figures may take to agree.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(1);
/// What is wrong with the daemon; what a visitor does wrong, S3 says in its answer.
pub(super) const LOG_FILTER: &str = "error,s3s=off,deltrail=warn";
/// How fast time runs when the day is over: what a visitor deletes is logged in a few seconds.
const AFTERWARDS_SCALE: f64 = 60.0;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Arguments of `deltrail demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Play the day, print each figure with what it should be, and end; 0 only if all agree
    #[arg(long)]
    once: bool,
    /// Which day; the same seed gives the same day
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    seed: u64,
    /// How long the day takes
    #[arg(long, value_name = "SECONDS", default_value_t = 40)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    day_seconds: u64,
    /// Where metrics and health are served [default: 127.0.0.1:10118, with --once a free port]
    #[arg(long, value_name = "ADDRESS")]
    ops_listen: Option<SocketAddr>,
    /// Where the API is served [default: 127.0.0.1:10119, with --once a free port]
    #[arg(long, value_name = "ADDRESS")]
    app_listen: Option<SocketAddr>,
    /// Where the sandbox's S3 and SQS listen, on loopback [default: a free port]
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", hide_default_value = true)]
    sandbox_listen: SocketAddr,
    /// Where evidence is kept; a file that no other day was played into
    #[arg(long, value_name = "STORE", default_value = "sqlite::memory:")]
    store: String,
    /// How CloudTrail writes the keys of a bulk delete
    #[arg(long, value_enum, default_value_t = Layout::SharedRequest, hide = true)]
    child_layout: Layout,
}

/// [`ChildLayout`], as a command line names it.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Layout {
    /// With the request id of the call
    SharedRequest,
    /// With a request id of its own
    OwnRequest,
}

impl From<Layout> for ChildLayout {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::SharedRequest => Self::SharedRequest,
            Layout::OwnRequest => Self::OwnRequest,
        }
    }
}

/// Plays, until the end or Ctrl-C.
pub(super) fn demo(arguments: &DemoArguments, surroundings: &Surroundings) -> ExitCode {
    let filter = surroundings.variable("DELTRAIL_LOG").unwrap_or(LOG_FILTER);
    let defaults = Config::defaults(surroundings);
    if let Err(error) = logging::start(defaults.log_format, filter) {
        return fail(USAGE, &error);
    }
    match on_runtime(surroundings.cores, play(arguments, surroundings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILED, &format!("demo: {error:#}")),
    }
}

async fn play(arguments: &DemoArguments, surroundings: &Surroundings) -> anyhow::Result<()> {
    let scale = scenario::DAY.as_secs_f64() / arguments.day_seconds as f64;
    let beginning = yesterday();
    let sandbox = scenario::open(StageOptions {
        listen: arguments.sandbox_listen,
        seed: arguments.seed,
        beginning,
        scale,
        visitor_secret: random_secret()?,
        child_layout: arguments.child_layout.into(),
        faults: Faults::none(),
    })
    .await?;
    let world = World { aws: aws(&sandbox)?, clock: clock(&sandbox) };
    let config = settings(arguments, &sandbox, surroundings)?;
    let daemon = Daemon::start(config, world).await?;
    let stopped = stop_signal();
    print_addresses(arguments, &sandbox, daemon.ops_address())?;

    let shown = tokio::select! {
        shown = whole_day(arguments, &sandbox, beginning, daemon.ops_address()) => shown,
        signal = stopped => signal.map(|()| None),
    };
    if let Ok(Some(figures)) = &shown {
        print!("\n{}", table(figures));
        if !arguments.once {
            sandbox.clock().set_scale(AFTERWARDS_SCALE);
            println!(
                "\nThe day is over. A minute now passes each second: what you delete yourself is \
                 logged, and counted,\nwithin ten seconds. Ctrl-C ends the demo."
            );
            stop_signal().await?;
        }
    }
    daemon.drain(stop_signal()).await?;
    sandbox.stop().await;
    match shown? {
        Some(figures) if figures.iter().any(|figure| !figure.agrees()) => {
            bail!("not every figure is what it should be")
        }
        None if arguments.once => bail!("stopped before the day was over"),
        _ => Ok(()),
    }
}

/// The beginning of yesterday in UTC, so that the day is over when it has been played.
fn yesterday() -> Timestamp {
    const DAY_MILLIS: i64 = 86_400_000;
    let now = jiff::Timestamp::now().as_millisecond();
    Timestamp::from_millis(now - now.rem_euclid(DAY_MILLIS) - DAY_MILLIS)
}

/// The daemon's settings: nothing of the environment, since another daemon's may be there.
fn settings(
    arguments: &DemoArguments,
    sandbox: &Sandbox,
    surroundings: &Surroundings,
) -> anyhow::Result<Config> {
    let ops_listen = arguments.ops_listen.unwrap_or_else(|| {
        SocketAddr::from(([127, 0, 0, 1], if arguments.once { 0 } else { 10_118 }))
    });
    let queue_urls = [QUEUE, EVENTS_QUEUE].map(|queue| sandbox.queues().url(queue));
    let app_listen = arguments.app_listen.unwrap_or_else(|| {
        SocketAddr::from(([127, 0, 0, 1], if arguments.once { 0 } else { 10_119 }))
    });
    let given = Given::default()
        .with_flag(&config::QUEUE_URL, queue_urls.into())
        .with_flag(&config::LOG_BUCKET, vec![LOGS.into()])
        .with_flag(&config::IMPORTANT_BUCKET, vec!["example-*".into()])
        .with_flag(&config::S3_PATH_STYLE, vec!["true".into()])
        .with_flag(&config::STORE, vec![arguments.store.clone()])
        .with_flag(&config::OPS_LISTEN, vec![ops_listen.to_string()])
        .with_flag(&config::APP_LISTEN, vec![app_listen.to_string()]);
    Config::of(&given, surroundings, Purpose::Run).map_err(|problems| anyhow!("{problems}"))
}

fn aws(sandbox: &Sandbox) -> anyhow::Result<SdkConfig> {
    let principal = sandbox.principal(DAEMON).context("the sandbox knows no daemon")?;
    let credentials = Credentials::new(
        &principal.access_key_id,
        &principal.secret_access_key,
        None,
        None,
        "the sandbox",
    );
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(sandbox.region().to_owned()))
        .endpoint_url(sandbox.endpoint())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Ok(aws)
}

/// 32 hexadecimal digits that nobody can guess.
pub(super) fn random_secret() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow!("the system gives no random bytes"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn clock(sandbox: &Sandbox) -> crate::ingest::Clock {
    let clock = sandbox.clock().clone();
    Arc::new(move || clock.now())
}

fn print_addresses(
    arguments: &DemoArguments,
    sandbox: &Sandbox,
    ops: SocketAddr,
) -> anyhow::Result<()> {
    let visitor = sandbox.principal(VISITOR).context("the sandbox knows no visitor")?;
    println!(
        "deltrail demo: a day of an image service (seed {}), played in {} seconds

  metrics     http://{ops}/metrics
  S3 and SQS  {}   region {}
  key, token  {}  {}

The token is the secret of that access key, made for this run. To delete something yourself:

  AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={} AWS_REGION={} \\
    aws --endpoint-url {} s3 rm --recursive s3://{}/albums/
",
        arguments.seed,
        arguments.day_seconds,
        sandbox.endpoint(),
        sandbox.region(),
        visitor.access_key_id,
        visitor.secret_access_key,
        visitor.access_key_id,
        visitor.secret_access_key,
        sandbox.region(),
        sandbox.endpoint(),
        scenario::IMAGES,
    );
    Ok(())
}

/// Plays the day and waits until the daemon has read all of it; the figures as they are then.
async fn whole_day(
    arguments: &DemoArguments,
    sandbox: &Sandbox,
    beginning: Timestamp,
    ops: SocketAddr,
) -> anyhow::Result<Option<Vec<Figure>>> {
    let player = scenario::player(sandbox);
    let plan = scenario::day(arguments.seed);
    let truth = player.play(plan, beginning, tell).await?;
    sandbox.clock().stop_at(after(beginning, scenario::DAY)).await;
    // Else tomorrow would begin while today is still being read.
    sandbox.clock().set_scale(1.0);
    sandbox.clock().run();
    sandbox.delivery().flush().await;
    let expected = Expected::of(&truth, &sandbox.delivery().written());
    println!(
        "\nAll of it was deleted by requests, except for {} objects that lifecycle rules expired: \
         those only S3's\nown notifications and access logs tell of.",
        truth.expiries()
    );
    settled(sandbox, &expected, ops).await.map(Some)
}

fn tell(at: Timestamp, actor: Actor, text: &str) {
    let at = at.to_string();
    let hour_and_minute = at.get(11..16).unwrap_or(&at);
    println!("  {hour_and_minute}  {:<13}  {text}", actor.name());
}

/// The figures when the queues are empty and they agree, or when they have had their time.
async fn settled(
    sandbox: &Sandbox,
    expected: &Expected,
    ops: SocketAddr,
) -> anyhow::Result<Vec<Figure>> {
    let deadline = Instant::now() + SETTLE_TIMEOUT;
    loop {
        let mut waiting = 0;
        for queue in [QUEUE, EVENTS_QUEUE] {
            let depth = sandbox.queues().depth(queue).context("the sandbox has lost its queue")?;
            waiting += depth.visible + depth.in_flight + depth.delayed;
        }
        let metrics = http_get(Scheme::Http, ops, "/metrics").await.map_err(anyhow::Error::msg)?;
        let figures = expected.beside(&metrics);
        if waiting == 0 && figures.iter().all(Figure::agrees) || Instant::now() > deadline {
            return Ok(figures);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
