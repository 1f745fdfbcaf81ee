//! The whole chain on one host: a day of the demo, the daemon that reads it, Prometheus with the
//! rules that are shipped, Alertmanager with its routes, and somebody who is told. A minute of the
//! rules takes a second.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::dashboards::{Panel, panels};
use super::promql::hurried;
use super::rules::RUNBOOKS;
use super::servers::{Receiver, Server, Told};
use super::{deployed, text_of};
use crate::emulator::{eventually, free_address};
use crate::requirement::scratch;

/// A minute of the rules and routes takes a second.
const HURRY: u64 = 60;
/// What detectors fill. Panels over these families may be empty, because the daemon does not run
/// its detectors yet; once the demo's day ends with findings, no panel may.
const FILLED_BY_DETECTORS: [&str; 2] = ["deltrail_finding_active", "deltrail_findings_total"];
/// Whose nightly clean-up removes 300 objects, before which nothing was ever removed.
const BUCKET: &str = "example-images";

/// The servers of the chain, from its end to its beginning. They end with it.
struct Scene {
    demo: Demo,
    prometheus: Server,
    /// Only Prometheus talks to it.
    _alertmanager: Server,
    receiver: Receiver,
}

impl Scene {
    /// Starts it; `None` when something is not installed, which has been said then.
    async fn start(folder: &Path) -> Option<Self> {
        let receiver = Receiver::start().await;
        let routes = hurried(&text_of("alertmanager/alertmanager.yml"), HURRY)
            .replace("127.0.0.1:9095", &receiver.address.to_string());
        let path = folder.join("alertmanager.yml");
        std::fs::write(&path, routes).unwrap();
        let alertmanager = Server::alertmanager(folder, &path)?;

        for file in ["recording.yml", "alerting.yml"] {
            let rules = text_of(&format!("prometheus/{file}"));
            // What is usual is asked for each second, not each minute, so that it is known soon.
            let rules = hurried(&rules.replace("interval: 1h", "interval: 1m"), HURRY);
            std::fs::write(folder.join(file), rules).unwrap();
        }
        let ops = free_address();
        let configuration = text_of("prometheus/prometheus.yml")
            .replace("15s", "1s")
            .replace("127.0.0.1:9093", &alertmanager.address.to_string())
            .replace("127.0.0.1:10118", &ops.to_string());
        let path = folder.join("prometheus.yml");
        std::fs::write(&path, configuration).unwrap();
        let prometheus = Server::prometheus(folder, &path)?;
        let demo = Demo::start(folder, ops);
        Some(Self { demo, prometheus, _alertmanager: alertmanager, receiver })
    }

    /// What was told of the deletions in the bucket, in order.
    fn told(&self) -> Vec<Told> {
        let mut told = self.receiver.told();
        told.retain(|it| it.labels["bucket"] == BUCKET && is_mass_deletion(it));
        told
    }
}

/// Whether the detector or, where it does not speak, the counters tell of a mass deletion.
fn is_mass_deletion(told: &Told) -> bool {
    told.labels["alertname"] == "DeltrailMassDeletion" || told.labels["detector"] == "mass_delete"
}

/// A demo that goes on after its day; killed when it is dropped.
struct Demo {
    process: Child,
    output: PathBuf,
}

impl Demo {
    fn start(folder: &Path, ops: SocketAddr) -> Self {
        let output = folder.join("demo.log");
        let file = File::create(&output).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_deltrail"))
            .args(["demo", "--day-seconds", "8"])
            .arg(format!("--ops-listen={ops}"))
            .arg(format!("--app-listen={}", free_address()))
            .arg(format!("--store=sqlite://{}", folder.join("demo.db").display()))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Self { process, output }
    }

    fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is asked when a panel is looked at, with Grafana's variables as they are then.
fn asked(expression: &str) -> String {
    expression
        .replace("$__rate_interval", "30s")
        .replace("$__range", "10m")
        .replace("$bucket", ".*")
        .replace("$queue", ".*")
}

/// The questions that nothing answers.
fn unanswered(prometheus: &Server, panels: &[Panel]) -> Vec<String> {
    let mut unanswered = Vec::new();
    for panel in panels {
        for target in &panel.targets {
            let range_seconds = (!target.is_instant).then_some(300);
            let series = prometheus.series(&asked(&target.expression), range_seconds);
            let is_excused =
                FILLED_BY_DETECTORS.iter().any(|name| target.expression.contains(name));
            if series == 0 && !is_excused {
                let about = format!("{}: {}", panel.dashboard, panel.title);
                unanswered.push(format!("{about}: {}", target.expression));
            }
        }
    }
    unanswered
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_the_demo_reaches_somebody_and_fills_every_panel() {
    let folder = scratch("deploy-chain");
    let Some(scene) = Scene::start(&folder).await else { return };

    let told = eventually(60, "somebody is told of the mass deletion", async || {
        let output = || format!("{:#?}\n{}", scene.receiver.told(), scene.demo.output());
        scene.told().into_iter().next().ok_or_else(output)
    })
    .await;
    assert_eq!(told.status, "firing", "{told:?}");
    assert_eq!(told.receiver, "/tickets", "300 objects are a ticket: {told:?}");
    let summary = told.annotations["summary"].as_str().unwrap();
    assert!(summary.contains(BUCKET), "{told:?}");
    let url = told.annotations["runbook_url"].as_str().unwrap();
    let page = url.strip_prefix(RUNBOOKS).unwrap().trim_start_matches('/');
    assert!(deployed("runbooks").join(page).exists(), "{url}");

    let panels = panels();
    eventually(90, "every panel has something to show", async || {
        let unanswered = unanswered(&scene.prometheus, &panels);
        if unanswered.is_empty() { Ok(()) } else { Err(unanswered.join("\n")) }
    })
    .await;

    eventually(90, "somebody is told that it is over", async || {
        let told = scene.told();
        let is_over = told.last().is_some_and(|last| last.status == "resolved");
        if is_over { Ok(()) } else { Err(format!("{told:#?}")) }
    })
    .await;
}
