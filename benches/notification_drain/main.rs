//! What a notification costs: the processor time that the daemon takes to drain a queue of removals
//! out of the sandbox, beside that of a bare loop of the AWS SDK that receives and deletes the same
//! messages and does nothing with them. Sandbox, loop and daemon are processes of their own.
//!
//! `cargo bench --bench notification_drain -- --count 50000 --rounds 3`

mod bare_loop;
mod daemon;
mod measured;
mod sandbox;

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail, ensure};

use bare_loop::BARE_LOOP;
use measured::Measured;
use sandbox::SandboxProcess;

/// The daemon may take so many times the processor time of the bare loop, and should take less.
const RATIO_MAX: f64 = 2.0;
const RATIO_GOAL: f64 = 1.5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.first().map(String::as_str) {
        Some(BARE_LOOP) => bare_loop::run(&arguments[1..]),
        // `cargo test` runs benches too, without saying so.
        _ if !arguments.iter().any(|argument| argument == "--bench") => {
            println!("nothing is measured without `cargo bench --bench notification_drain`");
            Ok(())
        }
        _ => Plan::of(&arguments).and_then(|plan| measure(&plan)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("notification_drain: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is to be measured.
struct Plan {
    /// Messages in the queue.
    count: u32,
    /// How often each is measured.
    rounds: usize,
}

impl Plan {
    fn of(arguments: &[String]) -> anyhow::Result<Self> {
        let mut plan = Self { count: 50_000, rounds: 3 };
        let mut left = arguments.iter();
        while let Some(argument) = left.next() {
            let mut value = || left.next().with_context(|| format!("{argument} needs a number"));
            match argument.as_str() {
                "--bench" => {}
                "--count" => plan.count = value()?.parse()?,
                "--rounds" => plan.rounds = value()?.parse()?,
                other => bail!("{other} is not known; there are --count and --rounds"),
            }
        }
        ensure!(plan.count > 0 && plan.rounds > 0, "there has to be something to measure");
        Ok(plan)
    }
}

fn measure(plan: &Plan) -> anyhow::Result<()> {
    let Plan { count, rounds } = *plan;
    println!("{count} notifications of removals, {rounds} rounds; CPU is user and system time\n");
    println!("round  bare loop: CPU, elapsed    deltrail: CPU, elapsed    ratio of CPU");
    let mut ratios = Vec::with_capacity(rounds);
    for round in 1..=rounds {
        let bare = drained_by_bare_loop(count)?;
        let daemon = daemon::drained(&SandboxProcess::start(count)?, count)?;
        let ratio = daemon.cpu_seconds / bare.cpu_seconds;
        println!("{round:>5}  {bare}    {daemon}    {ratio:.2}");
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    println!("\nmedian of the ratios: {median:.2} (at most {RATIO_MAX}; the goal is {RATIO_GOAL})");
    Ok(())
}

fn drained_by_bare_loop(count: u32) -> anyhow::Result<Measured> {
    let sandbox = SandboxProcess::start(count)?;
    let this = std::env::current_exe().context("this program has no path")?;
    let mut command = Command::new(this);
    command.arg(BARE_LOOP).args(sandbox.how_to_reach()).stdin(Stdio::null());
    let started = measured::Started::of(&mut command)?;
    let measured = started.until_end()?;
    let left = sandbox.messages_left()?;
    ensure!(left == 0, "the bare loop left {left} messages in the queue");
    Ok(measured)
}
