//! What a stranger sees first: the demo, and the sandbox as a process of its own with a daemon
//! beside it. It knows the figures only by what the demo says of them.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::emulator::{Daemon, eventually};
use crate::requirement::{root, scratch};

fn deltrail(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deltrail"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// The lines of the table: figure, expected, actual.
fn figures(output: &str) -> Vec<(&str, u64, u64)> {
    let table = output.lines().skip_while(|line| !line.starts_with("figure ")).skip(1);
    let figure = |line| {
        let mut columns = str::split_whitespace(line);
        let mut next = || columns.next().unwrap_or_default();
        (next(), next().parse().unwrap(), next().parse().unwrap())
    };
    table.map(figure).collect()
}

/// The README's tour shows lines that the demo prints, in their order.
fn expect_tour(output: &str) {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, tour) = readme.split_once("### A tour").unwrap();
    let (tour, _) = tour.split_once("\n## ").unwrap();
    let shown: Vec<&str> = tour
        .lines()
        .filter(|line| line.starts_with("  ") || line.starts_with("figure "))
        .chain(tour.lines().filter(|line| line.starts_with("deltrail_")))
        .collect();
    assert!(shown.len() >= 12, "{shown:#?}");
    let mut printed = output.lines();
    for line in shown {
        assert!(printed.any(|other| other == line), "the demo does not print:\n{line}\n{output}");
    }
}

#[test]
fn every_figure_of_every_day_is_what_it_should_be() {
    // Beside what no environment of a user's may change.
    let elsewhere = [("DELTRAIL_QUEUE_URL", "no url"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    for (seed, layout) in [("7", "shared-request"), ("11", "own-request"), ("12", "shared-request")]
    {
        let played = deltrail(&["demo", "--once", "--day-seconds", "6", "--seed", seed])
            .args(["--child-layout", layout])
            .envs(elsewhere)
            .output()
            .unwrap();
        let output = String::from_utf8(played.stdout).unwrap();
        let errors = String::from_utf8_lossy(&played.stderr);
        assert!(played.status.success(), "seed {seed}: {}\n{output}\n{errors}", played.status);
        if seed == "7" {
            expect_tour(&output);
        }
        let figures = figures(&output);
        assert!(figures.len() >= 36, "{output}");
        for (figure, expected, actual) in figures {
            assert_eq!(expected, actual, "seed {seed}: {figure}");
            let may_be_zero =
                ["result=\"duplicate\"", "deltrail_unconfirmed_", "deltrail_unresolved_"];
            let may_be_zero = may_be_zero.iter().any(|part| figure.contains(part));
            assert!(actual > 0 || may_be_zero, "seed {seed}: {figure} tells nothing");
        }
    }
}

#[test]
fn a_port_that_is_taken_ends_the_demo_with_the_next_step() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let played = deltrail(&["demo", "--once", "--ops-listen", &address]).output().unwrap();
    let errors = String::from_utf8_lossy(&played.stderr);
    assert_eq!(played.status.code(), Some(1), "{errors}");
    assert!(errors.contains(&address) && errors.contains("--ops-listen"), "{errors}");
}

#[test]
fn a_day_that_is_broken_off_is_no_day_that_agrees() {
    let on_free_ports = ["demo", "--ops-listen=[::1]:0", "--app-listen=[::1]:0"];
    for (arguments, code) in [(&["demo", "--once"][..], 1), (&on_free_ports, 0)] {
        let mut process = deltrail(arguments)
            .args(["--day-seconds", "600"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let pid = process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert_eq!(process.wait().unwrap().code(), Some(code), "{arguments:?} after {line}");
    }
}

#[test]
fn the_sandbox_listens_on_loopback_only() {
    let refused = deltrail(&["sandbox", "--listen", "0.0.0.0:0"]).output().unwrap();
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{errors}");
    assert!(errors.contains("loopback only"), "{errors}");
}

/// The sandbox as a process; killed when it is dropped.
struct SandboxProcess {
    process: Child,
    reached: serde_json::Value,
}

impl SandboxProcess {
    fn start(arguments: &[&str]) -> Self {
        let mut process =
            deltrail(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let reached = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { process, reached }
    }

    fn text(&self, name: &str) -> &str {
        self.reached[name].as_str().unwrap()
    }
}

impl Drop for SandboxProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_of_its_own_reads_the_sandbox_of_another_process() {
    let arguments = ["sandbox", "--play", "--time-scale", "14400", "--child-layout", "own-request"];
    let sandbox = SandboxProcess::start(&arguments);
    let folder = scratch("sandbox-process");
    let daemon = Daemon::start_at(
        sandbox.text("endpoint"),
        ["region", "access_key_id", "secret_access_key"].map(|name| sandbox.text(name)),
        &folder,
        &[
            ["--queue-url", sandbox.text("queue_url")],
            ["--queue-url", sandbox.text("events_queue_url")],
            ["--log-bucket", sandbox.text("log_bucket")],
        ]
        .concat(),
    )
    .await;
    eventually(60, "the nightly bulk deletes of the sandbox are counted", async || {
        let removed = daemon.scrape()?.sum("deltrail_objects_removed_total", &[]);
        // 230 to 320 temporary files, in either layout of the records of bulk calls.
        if removed >= 230.0 { Ok(()) } else { Err(format!("{removed} removals")) }
    })
    .await;
    daemon.stop();
}
