//! Who is told of what: the routes of Alertmanager as its own tool resolves them, and what holds
//! back what in a running one.

use std::collections::BTreeMap;
use std::process::Command;

use deltrail_core::domain::Timestamp;
use serde_json::{Value, json};

use super::promql::hurried;
use super::servers::{Receiver, Server, Told};
use super::{deployed, text_of};
use crate::emulator::eventually;
use crate::requirement::{scratch, tool};

fn amtool(arguments: &[&str]) {
    let Some(amtool) = tool("tools/bin", "amtool") else { return };
    let ran = Command::new(amtool).args(arguments).output().unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(ran.status.success(), "amtool {arguments:?}: {said}");
}

#[test]
fn amtool_finds_nothing_to_say_about_the_configuration() {
    amtool(&["check-config", deployed("alertmanager/alertmanager.yml").to_str().unwrap()]);
}

#[test]
fn alerts_go_where_their_severity_says() {
    let path = deployed("alertmanager/alertmanager.yml");
    let configuration = format!("--config.file={}", path.display());
    let finding = "alertname=DeltrailFinding";
    for (receivers, labels) in [
        ("deltrail-pages,deltrail-tickets", [finding, "severity=critical", "bucket=images"]),
        ("deltrail-tickets", [finding, "severity=warning", "bucket=images"]),
        ("deltrail-digests", [finding, "severity=info", "bucket=images"]),
        (
            "deltrail-pages,deltrail-tickets",
            ["alertname=DeltrailDown", "severity=critical", "job=x"],
        ),
        ("deltrail-tickets", ["alertname=DeltrailRejects", "severity=warning", "job=x"]),
        ("deltrail-tickets", ["alertname=Another", "severity=critical", "job=x"]),
    ] {
        let verify = format!("--verify.receivers={receivers}");
        amtool(&[&["config", "routes", "test", &configuration, &verify][..], &labels].concat());
    }
}

fn alert(labels: &[(&str, &str)]) -> Value {
    let labels: BTreeMap<_, _> = labels.iter().copied().collect();
    json!({ "labels": labels, "annotations": { "summary": "of a test" } })
}

/// Names of alerts by what became of them: `active` or `suppressed`.
fn states(alertmanager: &Server) -> BTreeMap<String, String> {
    let answer = alertmanager.get("/api/v2/alerts");
    let alerts = answer.as_array().unwrap().iter().map(|alert| {
        let part = |name: &str| alert["labels"][name].as_str().unwrap_or_default().to_owned();
        let about = [part("alertname"), part("detector"), part("bucket"), part("severity")];
        let about = about.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ");
        (about, alert["status"]["state"].as_str().unwrap().to_owned())
    });
    alerts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worse_holds_back_the_lesser_and_nothing_holds_back_deletions() {
    let folder = scratch("deploy-routing");
    let configuration =
        text_of("alertmanager/alertmanager.yml").replace("127.0.0.1:9095", "127.0.0.1:1");
    let path = folder.join("alertmanager.yml");
    std::fs::write(&path, configuration).unwrap();
    let Some(alertmanager) = Server::alertmanager(&folder, &path) else { return };
    let finding = |detector, bucket, severity| {
        let labels = [("detector", detector), ("bucket", bucket), ("severity", severity)];
        alert(&[&[("alertname", "DeltrailFinding")], &labels[..]].concat())
    };
    let other = |name, bucket, severity| {
        alert(&[("alertname", name), ("bucket", bucket), ("severity", severity)])
    };
    let expected = [
        // A page of a bucket holds back what is less of that bucket, and of no other.
        (finding("mass_delete", "images", "critical"), "active"),
        (finding("new_deleter", "images", "warning"), "suppressed"),
        (finding("new_origin", "images", "info"), "suppressed"),
        (other("DeltrailMassDeletion", "images", "critical"), "suppressed"),
        (other("DeltrailMassDeletion", "images", "warning"), "suppressed"),
        (finding("new_deleter", "scans", "warning"), "active"),
        (finding("new_origin", "scans", "info"), "suppressed"),
        (finding("new_origin", "exports", "info"), "active"),
        // The counters page where the detector only warns.
        (finding("mass_delete", "archive", "warning"), "suppressed"),
        (other("DeltrailMassDeletion", "archive", "critical"), "active"),
        // A finding of the account is no alert of the pipeline.
        (finding("log_tamper", "", "critical"), "active"),
        (finding("blind_spot", "", "warning"), "active"),
        (other("DeltrailSourceGap", "images", "warning"), "active"),
        (other("DeltrailRejects", "", "warning"), "active"),
        // A daemon that is not there explains its backlog, and no deletion.
        (other("DeltrailDown", "", "critical"), "active"),
        (other("DeltrailBacklog", "", "critical"), "suppressed"),
        (other("DeltrailLogStale", "", "warning"), "suppressed"),
    ];
    let alerts: Vec<&Value> = expected.iter().map(|(alert, _)| alert).collect();
    alertmanager.post("/api/v2/alerts", &json!(alerts));
    let wanted: BTreeMap<String, String> = expected
        .iter()
        .map(|(alert, state)| {
            let part = |name: &str| alert["labels"][name].as_str().unwrap_or_default();
            let about = ["alertname", "detector", "bucket", "severity"].map(part);
            let about = about.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>();
            (about.join(" "), (*state).to_owned())
        })
        .collect();
    eventually(30, "alerts are held back as they should be", async || {
        let states = states(&alertmanager);
        if states == wanted { Ok(()) } else { Err(format!("{states:#?}\nnot {wanted:#?}")) }
    })
    .await;
}

/// An alert that is over now.
fn over(mut alert: Value) -> Value {
    let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    alert["endsAt"] = now.to_string().into();
    alert
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_for_what_became_critical_says_so_and_is_closed_when_that_is_over() {
    /// Routes wait 5 minutes at most, which takes a second.
    const HURRY: u64 = 300;
    let folder = scratch("deploy-routing-end");
    let receiver = Receiver::start().await;
    let configuration = hurried(&text_of("alertmanager/alertmanager.yml"), HURRY)
        .replace("127.0.0.1:9095", &receiver.address.to_string());
    let path = folder.join("alertmanager.yml");
    std::fs::write(&path, configuration).unwrap();
    let Some(alertmanager) = Server::alertmanager(&folder, &path) else { return };
    let mass = |severity| {
        let labels = [("detector", "mass_delete"), ("bucket", "images"), ("severity", severity)];
        alert(&[&[("alertname", "DeltrailFinding")], &labels[..]].concat())
    };
    let told = |status: &'static str, severity: &'static str, place: &'static str| {
        let receiver = &receiver;
        eventually(30, "the receiver is told", async move || {
            let all = receiver.told();
            let is_it = |told: &&Told| {
                (told.status.as_str(), told.receiver.as_str()) == (status, place)
                    && told.labels["severity"] == severity
            };
            all.iter().find(is_it).cloned().ok_or_else(|| format!("{status} {place}: {all:#?}"))
        })
    };
    alertmanager.post("/api/v2/alerts", &json!([mass("warning")]));
    let ticket = told("firing", "warning", "/tickets").await;
    alertmanager.post("/api/v2/alerts", &json!([mass("critical")]));
    told("firing", "critical", "/pages").await;
    let worse = told("firing", "critical", "/tickets").await;
    assert_eq!(worse.group, ticket.group, "it is the same ticket");
    // The warning ends while it is held back, of which nobody is told.
    alertmanager.post("/api/v2/alerts", &json!([over(mass("warning"))]));
    alertmanager.post("/api/v2/alerts", &json!([over(mass("critical"))]));
    told("resolved", "critical", "/pages").await;
    assert_eq!(told("resolved", "critical", "/tickets").await.group, ticket.group);
}
