//! `deltrail sandbox`: the demo's S3 and SQS alone, as a process of its own, for tests and for
//! those who want to point another program at it. It knows no daemon.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use deltrail_core::domain::Timestamp;
use serde_json::json;

use super::demo::{LOG_FILTER, Layout, random_secret};
use super::{FAILED, USAGE, fail, logging, on_runtime};
use crate::app::stop_signal;
use crate::config::{Config, Surroundings};
use crate::sandbox::Sandbox;
use crate::sandbox::faults::{Fault, Faults};
use crate::sandbox::scenario::{self, EVENTS_QUEUE, LOGS, QUEUE, StageOptions, VISITOR};

/// Arguments of `deltrail sandbox`.
#[derive(Debug, Args)]
pub(super) struct SandboxArguments {
    /// Where S3 and SQS listen, on loopback; port 0 is a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where identifiers, delays and faults come from
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    seed: u64,
    /// How many times as fast as the world's its time runs, from now on
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0, value_parser = scale)]
    time_scale: f64,
    /// How CloudTrail writes the keys of a bulk delete
    #[arg(long, value_enum, default_value_t = Layout::SharedRequest)]
    child_layout: Layout,
    /// Of a thousand calls, how many meet a fault of each kind
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=1000))]
    faults_per_mille: u32,
    /// Play the demo's day once; its people cannot do with faults
    #[arg(long, conflicts_with = "faults_per_mille")]
    play: bool,
    /// How many removals that nobody has read are notified of before it begins
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    removal_backlog: u32,
}

fn scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(scale) if (1e-3..=1e6).contains(&scale) => Ok(scale),
        _ => Err("a number from 0.001 to 1000000 is needed".into()),
    }
}

/// Runs until it is asked to stop. Says on stdout, in one line of JSON, how to reach it.
pub(super) fn sandbox(arguments: &SandboxArguments, surroundings: &Surroundings) -> ExitCode {
    let filter = surroundings.variable("DELTRAIL_LOG").unwrap_or(LOG_FILTER);
    if let Err(error) = logging::start(Config::defaults(surroundings).log_format, filter) {
        return fail(USAGE, &error);
    }
    match on_runtime(surroundings.cores, run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILED, &format!("sandbox: {error:#}")),
    }
}

async fn run(arguments: &SandboxArguments) -> anyhow::Result<()> {
    let beginning = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    let faults = if arguments.faults_per_mille == 0 {
        Faults::none()
    } else {
        Faults::seeded(arguments.seed, arguments.faults_per_mille, &Fault::ALL)
    };
    let sandbox = scenario::open(StageOptions {
        listen: arguments.listen,
        seed: arguments.seed,
        beginning,
        scale: arguments.time_scale,
        visitor_secret: random_secret()?,
        child_layout: arguments.child_layout.into(),
        faults,
    })
    .await?;
    scenario::send_removals(&sandbox, arguments.seed, arguments.removal_backlog);
    println!("{}", how_to_reach(&sandbox)?);
    let playing = async {
        if arguments.play {
            let player = scenario::player(&sandbox);
            player.play(scenario::day(arguments.seed), beginning, |_, _, _| {}).await?;
        }
        sandbox.clock().run();
        std::future::pending::<anyhow::Result<()>>().await
    };
    tokio::select! {
        played = playing => played?,
        signal = stop_signal() => signal?,
    }
    sandbox.stop().await;
    Ok(())
}

fn how_to_reach(sandbox: &Sandbox) -> anyhow::Result<serde_json::Value> {
    let visitor = sandbox.principal(VISITOR).context("the sandbox knows no visitor")?;
    Ok(json!({
        "endpoint": sandbox.endpoint(),
        "region": sandbox.region(),
        "access_key_id": visitor.access_key_id,
        "secret_access_key": visitor.secret_access_key,
        "queue_url": sandbox.queues().url(QUEUE),
        "events_queue_url": sandbox.queues().url(EVENTS_QUEUE),
        "log_bucket": LOGS,
    }))
}
