//! Findings from outside: log files of five weeks are scanned, and what the intern did in the last
//! of them is told by the command line and by the API of a daemon, until somebody announces it.
//! Knows what was done, and the contract; nothing of how anything is found.

mod history;
mod reaching;
mod reads;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::s3::Versioning;
use deltrail::sandbox::sqs::QueueAttributes;
use serde_json::{Value, json};

use crate::emulator::{Daemon, eventually};
use crate::requirement::scratch;
use crate::sandbox::{REGION, sandbox_of};
use history::{BUCKET, History};

const KEY: [&str; 2] = ["AKIAFINDINGSXXXXXXXX", "secret"];
const QUEUE: &str = "trail";

/// What a command ends with.
struct Answer {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs the program on the default store of the folder.
fn run(folder: &Path, arguments: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_deltrail"))
        .args(arguments)
        .env_clear()
        .current_dir(folder)
        .output()
        .unwrap();
    Answer {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Status and body of the answer to a request of the API.
fn ask(address: SocketAddr, request: &str, body: &Value) -> (u16, Value) {
    let mut connection = TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let body = body.to_string();
    write!(
        connection,
        "{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\
         content-type: application/json\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn get(address: SocketAddr, path: &str) -> Value {
    let (status, body) = ask(address, &format!("GET {path}"), &Value::Null);
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// A daemon on the default store of the folder, that is told of nothing new.
async fn daemon(folder: &Path) -> (Sandbox, Daemon) {
    let sandbox = sandbox_of("findings", KEY).await;
    sandbox.queues().create(QUEUE, QueueAttributes::default());
    sandbox.buckets().create("trail-logs", Versioning::Off);
    let url = sandbox.queues().url(QUEUE);
    let settings = ["--queue-url", &url, "--log-bucket", "trail-logs"];
    let signer = [REGION, KEY[0], KEY[1]];
    let daemon = Daemon::start_at(sandbox.endpoint(), signer, folder, &settings).await;
    (sandbox, daemon)
}

/// The finding of the intern's purge.
fn purge(findings: &Value) -> &Value {
    let all = findings["findings"].as_array().unwrap();
    let purge = all.iter().find(|finding| finding["detector"] == "mass_delete");
    purge.unwrap_or_else(|| panic!("no mass_delete in {findings:#}"))
}

/// What the intern did, as the finding tells it.
fn expect_what_was_done(finding: &Value, history: &History) {
    assert_eq!(finding["bucket"], BUCKET);
    assert_eq!(finding["removed"]["total"], history.purged, "{finding:#}");
    assert_eq!(finding["who"][0]["principal"], "intern", "{finding:#}");
    assert_eq!(finding["prefixes"], json!(["albums/"]), "{finding:#}");
    assert_eq!((&finding["state"], &finding["is_history"]), (&json!("resolved"), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_scan_finds_is_told_everywhere_until_it_was_announced() {
    let folder = scratch("findings-scan");
    let history = History::until_yesterday();
    history.write(&folder.join("logs"));
    let scanned = run(&folder, &["scan", "logs", "--output", "json"]);
    assert_eq!(scanned.code, 0, "{}", scanned.stderr);
    let summary: Value = serde_json::from_str(&scanned.stdout).unwrap();
    assert_eq!(summary["removals_learnt"], history.usual + history.purged);
    assert!(summary["findings"].as_u64().unwrap() >= 1, "{summary:#}");

    let listed = run(&folder, &["findings", "--bucket", BUCKET, "--output", "json"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    assert!(!listed.stderr.contains("learning"), "{}", listed.stderr);
    assert!(listed.stderr.contains("no s3_notification"), "{}", listed.stderr);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    expect_what_was_done(purge(&listed), &history);
    let id = purge(&listed)["id"].as_str().unwrap().to_owned();
    let told = run(&folder, &["findings", &id]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stdout.contains("intern"), "{}", told.stdout);

    let (_sandbox, daemon) = daemon(&folder).await;
    let api = daemon.app_address();
    let page = get(api, &format!("/api/v1/findings?bucket={BUCKET}&detector=mass_delete"));
    assert_eq!(purge(&page), purge(&listed), "the API tells the same");
    let whole = get(api, &format!("/api/v1/findings/{id}"));
    assert!(told.stdout.starts_with(whole["title"].as_str().unwrap()));
    assert_eq!(whole["completeness"]["bucket"], BUCKET);

    let expectation = history.expectation();
    let (status, body) = ask(api, "POST /api/v1/expectations", &expectation);
    assert_eq!(status, 201, "{body}");
    let (status, _) = ask(api, "POST /api/v1/expectations", &expectation);
    assert_eq!(status, 200, "the same again");
    eventually(60, "the purge is no finding any more", async || {
        let whole = get(api, &format!("/api/v1/findings/{id}"));
        if whole["state"] == "withdrawn" { Ok(()) } else { Err(whole.to_string()) }
    })
    .await;
    assert_eq!(get(api, "/api/v1/findings?severity=critical")["findings"], json!([]));
    let all = get(api, "/api/v1/findings?state=withdrawn");
    assert_eq!(purge(&all)["id"], id.as_str(), "it is kept, and said so");
    let expectations = get(api, "/api/v1/expectations");
    assert_eq!(expectations["expectations"][0]["used"], history.purged, "{expectations}");
    assert_eq!(expectations["expectations"][0]["beyond"], 0);
    assert_eq!(run(&folder, &["findings", "--severity", "critical"]).code, 1);
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_announces_is_no_finding_as_long_as_it_stands_there() {
    let folder = scratch("findings-file");
    let history = History::until_yesterday();
    history.write(&folder.join("logs"));
    assert_eq!(run(&folder, &["scan", "logs"]).code, 0);
    let file = folder.join("deltrail.toml");
    std::fs::write(&file, history.in_file()).unwrap();
    let (_sandbox, running) = daemon(&folder).await;
    let api = running.app_address();
    eventually(60, "the purge is no finding any more", async || {
        let found = get(api, "/api/v1/findings?detector=mass_delete&state=withdrawn");
        if found["findings"] == json!([]) { Err(found.to_string()) } else { Ok(()) }
    })
    .await;
    let expectations = get(api, "/api/v1/expectations");
    assert_eq!(expectations["expectations"][0]["is_configured"], true, "{expectations}");
    running.stop();

    std::fs::write(&file, "").unwrap();
    let (_sandbox, running) = daemon(&folder).await;
    let api = running.app_address();
    eventually(60, "the purge is a finding again", async || {
        let found = get(api, "/api/v1/findings?detector=mass_delete");
        if found["findings"] == json!([]) { Err(found.to_string()) } else { Ok(()) }
    })
    .await;
    assert_eq!(get(api, "/api/v1/expectations"), json!({ "expectations": [] }));
    running.stop();
}
