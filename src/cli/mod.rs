//! The command line: one file for each subcommand, arguments in, presentation out. Results go to
//! stdout, everything else to stderr.

mod ask;
mod attach;
mod check_config;
mod completions;
mod deletions;
mod demo;
mod doctor;
mod examples;
mod findings;
mod healthcheck;
mod http_get;
mod logging;
mod output;
mod print_config;
mod progress;
mod run;
mod sandbox;
mod scan;
mod server;
mod verify;
mod who_deleted;

use std::io::Write;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::config::Surroundings;
use examples::TEMPLATE;

/// The command did not work out, or its answer is no.
const FAILED: u8 = 1;
/// The command was not understood.
const USAGE: u8 = 2;
/// How long threads that wait for something outside, such as a name lookup, may hold up the end.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// Decoding and storing have threads of their own, and what is left is little. Fewer threads hand
/// less work and memory to one another, which takes a seventh of the time of a small log object.
const CORES_PER_ASYNC_THREAD: usize = 2;
/// Threads that may block, besides those that decode: for questions to the store, names and files.
/// They take turns, and the C library keeps for each what it freed: with one for every burst of
/// name lookups, a purge took 650 MiB.
const BESIDE_DECODING: usize = 4;

const EXAMPLE: &str = "\
Example:
  deltrail run --queue-url https://sqs.eu-west-1.amazonaws.com/111122223333/trail \\
               --log-bucket my-trail-logs";

const NOTES: &str = "\
Every setting of `run` is a flag, a variable DELTRAIL_... and a key of deltrail.toml; a flag wins
over a variable, and a variable over the file. AWS settings are the AWS SDK's own (AWS_REGION,
AWS_PROFILE, AWS_ENDPOINT_URL, ...). DELTRAIL_LOG=debug shows more of the program's own log.";

/// Tells the owners of S3 buckets what was deleted, by whom, how fast, and how long it took.
#[derive(Debug, Parser)]
#[command(name = "deltrail", version, before_help = EXAMPLE, after_help = NOTES)]
#[command(max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(help_template = "{before-help}{about-with-newline}\n{usage-heading} {usage}\n\n\
    {all-args}{after-help}")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: receive, fetch, keep evidence, serve metrics
    #[command(before_help = EXAMPLE, help_template = TEMPLATE)]
    Run(run::RunArguments),
    /// Read log files into the store: CloudTrail, access logs, declared intents
    #[command(before_help = scan::EXAMPLE, help_template = TEMPLATE)]
    Scan(scan::ScanArguments),
    /// Show it at work: a sandbox of S3 and SQS, a day of deletions, and the daemon
    #[command(before_help = examples::DEMO, help_template = TEMPLATE)]
    Demo(demo::DemoArguments),
    /// Run the demo's S3 and SQS alone
    #[command(hide = true)]
    Sandbox(sandbox::SandboxArguments),
    /// Say who removed an object, when and how, and how sure that is
    #[command(before_help = examples::WHO_DELETED, help_template = TEMPLATE)]
    WhoDeleted(who_deleted::WhoDeletedArguments),
    /// List removals, newest first
    #[command(before_help = examples::DELETIONS, help_template = TEMPLATE)]
    Deletions(deletions::DeletionsArguments),
    /// List what was unusual about removals, newest first, or tell all of one finding
    #[command(before_help = findings::EXAMPLE, help_template = TEMPLATE)]
    Findings(findings::FindingsArguments),
    /// Say whether log files are those that CloudTrail delivered, by its digests
    #[command(before_help = verify::EXAMPLE, help_template = TEMPLATE)]
    Verify(verify::VerifyArguments),
    /// Check AWS and the store against what the daemon needs, and say what to do
    #[command(before_help = doctor::EXAMPLE, help_template = TEMPLATE)]
    Doctor(doctor::DoctorArguments),
    /// Have a bucket tell a queue of its events; shows it, and writes it with --apply
    #[command(before_help = attach::ATTACH_EXAMPLE, help_template = TEMPLATE)]
    Attach(attach::AttachArguments),
    /// Take back what `attach` added, and nothing else
    #[command(before_help = examples::DETACH, help_template = TEMPLATE)]
    Detach(attach::DetachArguments),
    /// Say whether the settings are valid for `run`, or everything that is wrong
    #[command(before_help = examples::CHECK_CONFIG, help_template = TEMPLATE)]
    CheckConfig(check_config::CheckConfigArguments),
    /// Show every setting, its value and where that came from
    #[command(before_help = examples::PRINT_CONFIG, help_template = TEMPLATE)]
    PrintConfig(print_config::PrintConfigArguments),
    /// Ask the daemon of this host whether it is healthy, for a container's health check
    #[command(before_help = examples::HEALTHCHECK, help_template = TEMPLATE)]
    Healthcheck(healthcheck::HealthcheckArguments),
    /// Write a completion script for a shell to stdout
    #[command(before_help = examples::COMPLETIONS, help_template = TEMPLATE)]
    Completions(completions::CompletionsArguments),
}

/// Runs the subcommand that the command line names: 0 if all went well, 1 if not or the answer is
/// no, 2 if the command line or the settings are wrong.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody can be told if stderr is closed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    let surroundings = Surroundings::here();
    match arguments.command {
        Command::Run(arguments) => run::run(&arguments, &surroundings),
        Command::Scan(arguments) => scan::scan(&arguments, &surroundings),
        Command::Demo(arguments) => demo::demo(&arguments, &surroundings),
        Command::Sandbox(arguments) => sandbox::sandbox(&arguments, &surroundings),
        Command::WhoDeleted(arguments) => who_deleted::answer(&arguments, &surroundings),
        Command::Deletions(arguments) => deletions::answer(&arguments, &surroundings),
        Command::Findings(arguments) => findings::answer(&arguments, &surroundings),
        Command::Verify(arguments) => verify::verify(&arguments, &surroundings),
        Command::Doctor(arguments) => doctor::examine(&arguments, &surroundings),
        Command::Attach(arguments) => attach::attach(&arguments, &surroundings),
        Command::Detach(arguments) => attach::detach(&arguments, &surroundings),
        Command::CheckConfig(arguments) => check_config::check(&arguments, &surroundings),
        Command::PrintConfig(arguments) => print_config::print(&arguments, &surroundings),
        Command::Healthcheck(arguments) => healthcheck::check(&arguments, &surroundings),
        Command::Completions(arguments) => completions::write(&arguments),
    }
}

/// Runs a command that waits for things, on a runtime of its own; up to `decoders` threads of it
/// decode.
fn on_runtime(
    decoders: usize,
    command: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let workers = (cores / CORES_PER_ASYNC_THREAD).max(1);
    let started = AtomicUsize::new(0);
    // The runtime starts its workers first, and then a thread when something blocks.
    let name = move || match started.fetch_add(1, Ordering::Relaxed) {
        number if number < workers => "deltrail-async".to_owned(),
        _ => "deltrail-block".to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(workers)
        .max_blocking_threads(decoders.saturating_add(BESIDE_DECODING))
        .thread_name_fn(name)
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(command);
    runtime.shutdown_timeout(LAST_WAIT);
    result
}

/// Writes a result to stdout.
fn tell(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILED, &format!("cannot write to stdout: {error}")),
    }
}

fn fail(code: u8, text: &str) -> ExitCode {
    eprintln!("deltrail: {text}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Arguments;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_starts_with_an_example() {
        let mut command = Arguments::command().term_width(100);
        insta::assert_snapshot!(command.render_help(), @r#"
        Example:
          deltrail run --queue-url https://sqs.eu-west-1.amazonaws.com/111122223333/trail \
                       --log-bucket my-trail-logs

        Tells the owners of S3 buckets what was deleted, by whom, how fast, and how long it took

        Usage: deltrail <COMMAND>

        Commands:
          run           Run the daemon: receive, fetch, keep evidence, serve metrics
          scan          Read log files into the store: CloudTrail, access logs, declared intents
          demo          Show it at work: a sandbox of S3 and SQS, a day of deletions, and the daemon
          who-deleted   Say who removed an object, when and how, and how sure that is
          deletions     List removals, newest first
          findings      List what was unusual about removals, newest first, or tell all of one finding
          verify        Say whether log files are those that CloudTrail delivered, by its digests
          doctor        Check AWS and the store against what the daemon needs, and say what to do
          attach        Have a bucket tell a queue of its events; shows it, and writes it with --apply
          detach        Take back what `attach` added, and nothing else
          check-config  Say whether the settings are valid for `run`, or everything that is wrong
          print-config  Show every setting, its value and where that came from
          healthcheck   Ask the daemon of this host whether it is healthy, for a container's health check
          completions   Write a completion script for a shell to stdout
          help          Print this message or the help of the given subcommand(s)

        Options:
          -h, --help     Print help
          -V, --version  Print version

        Every setting of `run` is a flag, a variable DELTRAIL_... and a key of deltrail.toml; a flag wins
        over a variable, and a variable over the file. AWS settings are the AWS SDK's own (AWS_REGION,
        AWS_PROFILE, AWS_ENDPOINT_URL, ...). DELTRAIL_LOG=debug shows more of the program's own log.
        "#);
    }

    #[test]
    fn help_of_run_lists_every_setting() {
        let error = Arguments::try_parse_from(["deltrail", "run", "--help"]).unwrap_err();
        let help = error.to_string();
        assert!(help.starts_with("Example:"), "{help}");
        for setting in crate::config::SETTINGS {
            assert!(help.contains(&format!("--{}", setting.name)), "{}", setting.name);
            assert!(help.contains(&setting.environment_variable()), "{}", setting.name);
        }
    }

    #[test]
    fn help_of_scan_lists_its_settings_and_no_others() {
        let error = Arguments::try_parse_from(["deltrail", "scan", "--help"]).unwrap_err();
        let help = error.to_string();
        for name in ["store", "watch-bucket", "workers", "memory-budget", "output", "config"] {
            assert!(help.contains(&format!("--{name} ")), "{name}: {help}");
        }
        for name in ["queue-url", "log-bucket", "ops-listen", "poison-after"] {
            assert!(!help.contains(name), "{name}: {help}");
        }
    }

    #[test]
    fn a_wrong_command_line_is_a_usage_error() {
        for line in [&["deltrail"][..], &["deltrail", "rum"], &["deltrail", "run", "--worker", "1"]]
        {
            assert_eq!(Arguments::try_parse_from(line).unwrap_err().exit_code(), 2, "{line:?}");
        }
        let version = Arguments::try_parse_from(["deltrail", "--version"]).unwrap_err();
        assert_eq!(version.exit_code(), 0);
    }
}
