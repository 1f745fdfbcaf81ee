//! A real Alertmanager that the daemon tells of findings: which alert it sees, and what it tells
//! its own receiver.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use deltrail::notify::{Alertmanager, Notice, Settings};
use deltrail_core::domain::{State, Timestamp};
use serde_json::{Value, json};

use super::receiver::Receiver;
use super::{notice, notifiers, now, settings, url};
use crate::emulator::{eventually, free_address, http_get};
use crate::requirement::{root, scratch, tool};

/// A running Alertmanager; killed when it is dropped.
struct Running {
    process: Child,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Running {
    /// Starts one that tells a receiver of every change at once; `None` where it is not installed,
    /// which has been said then.
    async fn start(name: &str, receiver: &Receiver) -> Option<Self> {
        let program = tool("tools/bin", "prometheus-alertmanager")?;
        let folder = scratch(name);
        let config = folder.join("alertmanager.yml");
        let text = format!(
            "route: {{receiver: test, group_wait: 0s, group_interval: 1s, repeat_interval: 1h,\n  \
             group_by: [alertname, bucket, detector, severity]}}\n\
             receivers: [{{name: test, webhook_configs: [{{url: '{}/alerts'}}]}}]\n",
            receiver.origin
        );
        std::fs::write(&config, text).unwrap();
        let address = free_address();
        let log = std::fs::File::create(folder.join("output.log")).unwrap();
        let process = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.join("state").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let running = Self { process, address };
        eventually(30, "Alertmanager is ready", async || match http_get(address, "/-/ready") {
            Ok((200, _)) => Ok(()),
            other => Err(format!("{other:?}; see {}", folder.display())),
        })
        .await;
        Some(running)
    }

    /// The alerts that it has, whatever their state.
    fn alerts(&self) -> Vec<Value> {
        let (_, body) = http_get(self.address, "/api/v2/alerts").unwrap();
        serde_json::from_str(&body).unwrap()
    }

    fn told(&self) -> Alertmanager {
        let here = url(&format!("http://{}", self.address));
        let external_url = Some(url("https://deltrail.example.com"));
        let settings = Settings { alertmanagers: vec![here], external_url, ..settings() };
        notifiers(settings).alertmanager().unwrap().clone()
    }
}

/// The last thing that Alertmanager told its receiver of an alert with this bucket.
async fn told_of(receiver: &Receiver, bucket: &str, status: &str) -> Value {
    eventually(30, "Alertmanager tells its receiver", async || {
        let all = receiver.posted();
        let told = all
            .iter()
            .map(super::receiver::Posted::json)
            .rev()
            .find(|told| told["commonLabels"]["bucket"] == bucket && told["status"] == status);
        told.ok_or_else(|| format!("{all:?}"))
    })
    .await
}

#[tokio::test]
async fn alertmanager_sees_a_finding_begin_and_end() {
    let receiver = Receiver::start().await;
    let Some(running) = Running::start("notify-alertmanager", &receiver).await else { return };
    let told = running.told();
    let open = notice("acme-img");
    told.push(std::slice::from_ref(&open), now()).await.unwrap();

    let firing = told_of(&receiver, "acme-img", "firing").await;
    let labels = json!({
        "alertname": "DeltrailFinding", "detector": "mass_delete", "bucket": "acme-img",
        "severity": "critical"
    });
    assert_eq!(firing["alerts"][0]["labels"], labels);
    let annotations = &firing["alerts"][0]["annotations"];
    assert_eq!(
        (&annotations["summary"], &annotations["description"]),
        (&open.title.clone().into(), &open.text.clone().into())
    );
    let [alert] = running.alerts().try_into().unwrap();
    let starts_at = Timestamp::parse(alert["startsAt"].as_str().unwrap()).unwrap();
    assert_eq!(starts_at, open.finding.first_at);
    let url = format!("https://deltrail.example.com/findings/{}", open.id());
    assert_eq!(alert["generatorURL"], url);

    // Told again it is the same alert, and when it is over, its receiver hears of it.
    told.push(std::slice::from_ref(&open), now()).await.unwrap();
    assert_eq!(running.alerts().len(), 1);
    let over = Notice { state: State::Resolved, at: now(), ..open };
    told.push(&[over], now()).await.unwrap();
    let resolved = told_of(&receiver, "acme-img", "resolved").await;
    assert_eq!(resolved["alerts"][0]["labels"], labels);
}

#[tokio::test]
async fn a_finding_that_is_over_does_not_end_the_alert_of_one_that_is_not() {
    let receiver = Receiver::start().await;
    let Some(running) = Running::start("notify-alertmanager-two", &receiver).await else { return };
    let told = running.told();
    let first = notice("acme-img");
    let mut second = first.clone();
    second.finding.subject = "role/Other".to_owned();
    told.push(&[first.clone(), second.clone()], now()).await.unwrap();
    told_of(&receiver, "acme-img", "firing").await;

    let first = Notice { state: State::Withdrawn, at: now(), ..first };
    told.push(&[first.clone(), second.clone()], now()).await.unwrap();
    let [alert] = running.alerts().try_into().unwrap();
    let ends_at = Timestamp::parse(alert["endsAt"].as_str().unwrap()).unwrap();
    assert!(ends_at > now(), "{alert}");

    let second = Notice { state: State::Resolved, at: now(), ..second };
    told.push(&[first, second], now()).await.unwrap();
    told_of(&receiver, "acme-img", "resolved").await;
}

#[tokio::test]
async fn one_alertmanager_that_is_down_keeps_nothing_from_the_other() {
    let receiver = Receiver::start().await;
    let down = url(&format!("http://{}", free_address()));
    let alertmanagers = vec![down, url(&format!("{}/prefix/", receiver.origin))];
    let notifiers = notifiers(Settings { alertmanagers, ..settings() });
    let told = notifiers.alertmanager().unwrap();
    let error = told.push(&[notice("acme-img")], now()).await.unwrap_err();
    assert!(error.to_string().starts_with("Alertmanager http://127.0.0.1:"), "{error}");
    let [posted] = receiver.posted().try_into().unwrap();
    assert_eq!(posted.path, "/prefix/api/v2/alerts");
    assert!(notifiers.names().is_empty(), "it is no message box");
}

/// The rule's alert has the labels of the series that it looks at.
#[tokio::test]
async fn the_alert_has_the_labels_of_the_rule_of_prometheus() {
    let rules = std::fs::read_to_string(root().join("deploy/prometheus/alerting.yml")).unwrap();
    let rule =
        rules.split("- alert: ").find(|rule| rule.contains("deltrail_finding_active")).unwrap();
    let name = rule.split_whitespace().next().unwrap();
    assert!(!rule.contains("\n        labels:"), "the rule adds labels of its own:\n{rule}");
    let family = deltrail::metrics::described()
        .into_iter()
        .find(|family| family.name == "deltrail_finding_active")
        .unwrap();

    let receiver = Receiver::start().await;
    let notifiers =
        notifiers(Settings { alertmanagers: vec![url(&receiver.origin)], ..settings() });
    notifiers.alertmanager().unwrap().push(&[notice("acme-img")], now()).await.unwrap();
    let alert = &receiver.posted()[0].json()[0];
    assert_eq!(alert["labels"]["alertname"], name);
    let labels = alert["labels"].as_object().unwrap().keys().filter(|label| *label != "alertname");
    let mut expected = family.labels.to_vec();
    expected.sort_unstable();
    assert_eq!(labels.collect::<Vec<_>>(), expected);
}
