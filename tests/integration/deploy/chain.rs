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
/// Whose nightly clean-up removes 300 objects, before which nothing was ever removed, and where
/// uploads are removed that had only just come.
const BUCKET: &str = "example-images";

/// The servers of the chain, from its end to its beginning. They end with it.
pub struct Scene {
    pub demo: Demo,
    pub prometheus: Server,
    /// Only Prometheus talks to it.
    _alertmanager: Server,
    receiver: Receiver,
}

impl Scene {
    /// Starts it; `None` when something is not installed, which has been said then.
    pub async fn start(folder: &Path) -> Option<Self> {
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

    /// What was told of a detector's findings in a bucket, in order.
    pub fn told(&self, bucket: &str, detector: &str) -> Vec<Told> {
        let mut told = self.receiver.told();
        told.retain(|it| it.labels["bucket"] == bucket && it.labels["detector"] == detector);
        told
    }

    /// Waits until somebody is called for a critical finding, in its words.
    pub async fn until_paged(&self, bucket: &str, detector: &str) {
        let told = eventually(60, &format!("somebody is called for {detector}"), async || {
            let output = || format!("{:#?}\n{}", self.receiver.told(), self.demo.output());
            let mut told = self.told(bucket, detector).into_iter();
            told.find(|it| it.receiver == "/pages").ok_or_else(output)
        })
        .await;
        assert_eq!(told.status, "firing");
        let labels = serde_json::json!({
            "alertname": "DeltrailFinding",
            "bucket": bucket,
            "detector": detector,
            "severity": "critical",
        });
        assert_eq!(told.labels, labels);
        let text = |name: &str| told.annotations[name].as_str().unwrap_or_default();
        assert_eq!(text("summary"), format!("{detector} in bucket {bucket}"));
        let next = format!("deltrail findings --bucket {bucket}");
        assert!(text("description").ends_with(&next), "{told:?}");
        let page = text("runbook_url").strip_prefix(RUNBOOKS).unwrap().trim_start_matches('/');
        assert!(deployed("runbooks").join(page).exists(), "{told:?}");
    }
}

/// A demo that goes on after its day; killed when it is dropped.
pub struct Demo {
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

    /// Everything it wrote so far.
    pub fn output(&self) -> String {
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
            if series == 0 {
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

    // Prometheus is asked, since Alertmanager is silent about it once there is a finding: of one
    // bucket, what is worse speaks for the rest.
    let by_counters = format!(
        "ALERTS{{alertname=\"DeltrailMassDeletion\",alertstate=\"firing\",bucket=\"{BUCKET}\",\
         severity=\"warning\"}}"
    );
    let counted = || scene.prometheus.series(&by_counters, None);
    eventually(60, "300 removals are too many by the counters alone", async || match counted() {
        1 => Ok(()),
        series => Err(format!("{series} alerts\n{}", scene.demo.output())),
    })
    .await;
    scene.until_paged(BUCKET, "stale_delete").await;

    let panels = panels();
    eventually(90, "every panel has something to show", async || {
        let unanswered = unanswered(&scene.prometheus, &panels);
        if unanswered.is_empty() { Ok(()) } else { Err(unanswered.join("\n")) }
    })
    .await;

    eventually(90, "the counters say that it is over", async || match counted() {
        0 => Ok(()),
        series => Err(format!("{series} alerts")),
    })
    .await;
}
