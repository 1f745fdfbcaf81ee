//! The API of the running daemon: intents over HTTP, the token, and the settings with which it does
//! not start. Knows the contract, and nothing of how the daemon keeps it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::s3::Versioning;
use deltrail::sandbox::sqs::QueueAttributes;

use crate::emulator::{Daemon, eventually};
use crate::requirement::scratch;
use crate::sandbox::{REGION, sandbox_of};

const ACCESS_KEY_ID: &str = "AKIADECLARERXXXXXXXX";
const SECRET_ACCESS_KEY: &str = "secret";
const QUEUE: &str = "trail";
const LOG_BUCKET: &str = "trail-logs";
const TOKEN: &str = "correct-horse-battery-staple";

const INTENT: &str = concat!(
    r#"{"deltrail":"intent","id":"job-7/1","bucket":"images-prod","keys":["a.png"],"#,
    r#""requested_at":"2026-11-23T10:00:00.123Z","by":"cleaner"}"#,
);

async fn sandbox() -> Sandbox {
    let sandbox = sandbox_of("declarer", [ACCESS_KEY_ID, SECRET_ACCESS_KEY]).await;
    sandbox.queues().create(QUEUE, QueueAttributes::default());
    sandbox.buckets().create(LOG_BUCKET, Versioning::Off);
    sandbox
}

async fn daemon(sandbox: &Sandbox, folder: &Path, more: &[&str]) -> Daemon {
    let signer = [REGION, ACCESS_KEY_ID, SECRET_ACCESS_KEY];
    let url = sandbox.queues().url(QUEUE);
    let settings = ["--queue-url", &url, "--log-bucket", LOG_BUCKET, "--watch-bucket", "images-*"];
    Daemon::start_at(sandbox.endpoint(), signer, folder, &[&settings, more].concat()).await
}

/// Status, head and body of the answer to an intent.
fn declare(address: SocketAddr, headers: &[&str], body: &str) -> (u16, String, serde_json::Value) {
    let mut connection = TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let length = format!("content-length: {}", body.len());
    let host = format!("host: {address}");
    let own = ["POST /api/v1/intents HTTP/1.1", &host, "connection: close", &length];
    let head = [&own, headers].concat().join("\r\n");
    write!(connection, "{head}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_is_on_the_disk_when_it_is_answered() {
    let sandbox = sandbox().await;
    let folder = scratch("app-listener-intents");
    let running = daemon(&sandbox, &folder, &[]).await;
    let json = ["content-type: application/json"];
    let (status, head, body) = declare(running.app_address(), &json, INTENT);
    assert_eq!(
        (status, body),
        (201, serde_json::json!({ "accepted": 1, "repeated": 0 })),
        "{head}"
    );
    running.kill();

    let again = daemon(&sandbox, &folder, &[]).await;
    let another = INTENT.replace("job-7/1", "job-7/2");
    let lines = ["content-type: application/x-ndjson"];
    let (status, head, body) =
        declare(again.app_address(), &lines, &format!("{INTENT}\n{another}\n"));
    assert_eq!(
        (status, body),
        (201, serde_json::json!({ "accepted": 1, "repeated": 1 })),
        "{head}"
    );

    let unwatched = INTENT.replace("images-prod", "ledgers");
    let (status, head, body) = declare(again.app_address(), &json, &unwatched);
    assert_eq!(status, 422, "{head}");
    assert!(head.contains("application/problem+json"), "{head}");
    assert!(body["detail"].as_str().unwrap().contains("watch-bucket"), "{body}");

    let metrics = again.metrics().unwrap();
    for line in [
        r#"deltrail_records_total{result="evidence",source="intent"} 2"#,
        r#"deltrail_records_total{result="rejected",source="intent"} 1"#,
        r#"deltrail_rejected_total{reason="bucket_not_allowed",source="intent"} 1"#,
    ] {
        assert!(metrics.lines().any(|at| at == line), "no {line} in\n{metrics}");
    }
    let arrived = metrics.lines().find_map(|line| {
        line.strip_prefix(r#"deltrail_last_delivery_timestamp_seconds{source="intent"} "#)
    });
    let arrived: f64 = arrived.unwrap().parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((0.0..600.0).contains(&(now - arrived)), "{arrived} at {now}");
    again.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_file_lets_in_and_is_told_to_nobody() {
    let sandbox = sandbox().await;
    let folder = scratch("app-listener-token");
    let file = folder.join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let setting = format!("--app-token-file={}", file.display());
    let running = daemon(&sandbox, &folder, &[&setting]).await;
    let json = "content-type: application/json";
    let (status, head, body) = declare(running.app_address(), &[json], INTENT);
    assert_eq!(status, 401, "{head}");
    assert!(head.to_lowercase().contains("www-authenticate: bearer"), "{head}");
    assert!(!body.to_string().contains(TOKEN), "{body}");
    let wrong = [json, "authorization: Bearer correct-horse-battery-stapler"];
    assert_eq!(declare(running.app_address(), &wrong, INTENT).0, 401);
    let bearer = format!("authorization: Bearer {TOKEN}");
    let (status, head, _) = declare(running.app_address(), &[json, &bearer], INTENT);
    assert!(status < 300, "{head}");
    let address = running.app_address();
    let log = running.output();
    assert!(log.contains(&address.to_string()), "the log says where the API is:\n{log}");
    assert!(!log.contains("correct-horse"), "{log}");
    running.stop();
    assert!(TcpStream::connect(address).is_err(), "nobody listens after the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_is_still_being_sent_does_not_hold_up_the_end() {
    let sandbox = sandbox().await;
    let running = daemon(&sandbox, &scratch("app-listener-end"), &[]).await;
    let address = running.app_address();
    let mut slow = TcpStream::connect(address).unwrap();
    let head = format!("POST /api/v1/intents HTTP/1.1\r\nhost: {address}\r\nexpect: 100-continue");
    let head = format!("{head}\r\ncontent-type: application/json\r\ncontent-length: 200\r\n\r\n");
    slow.write_all(head.as_bytes()).unwrap();
    let mut asked = [0; 25];
    slow.read_exact(&mut asked).unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100"), "{asked:?}");
    running.stop();
    eventually(5, "nobody listens", async || match TcpStream::connect(address) {
        Ok(_) => Err("still somebody".to_owned()),
        Err(_) => Ok(()),
    })
    .await;
}

/// `deltrail run` with settings that it ends by.
struct Attempt {
    folder: PathBuf,
}

impl Attempt {
    fn named(name: &str) -> Self {
        Self { folder: scratch(&format!("app-listener-{name}")) }
    }

    fn run(&self, settings: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
        let store = format!("sqlite://{}", self.folder.join("deltrail.db").display());
        let required = [
            ["--queue-url", "http://127.0.0.1:1/111122223333/trail"],
            ["--log-bucket", LOG_BUCKET],
            ["--store", &store],
            ["--ops-listen", "127.0.0.1:0"],
        ];
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_deltrail"))
            .args(["run", "--log-format", "text"])
            .args(required.concat())
            .args(settings)
            .env_clear()
            .envs([("AWS_REGION", REGION), ("AWS_EC2_METADATA_DISABLED", "true")])
            .envs(environment.iter().copied())
            .current_dir(&self.folder)
            .output()
            .unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }
}

#[test]
fn without_a_token_other_hosts_are_not_listened_to() {
    let attempt = Attempt::named("open");
    let (code, told) = attempt.run(&["--app-listen", "0.0.0.0:0"], &[]);
    assert_eq!(code, Some(2), "{told}");
    for needed in ["--app-listen: 0.0.0.0:0 can be", "DELTRAIL_APP_TOKEN", "--app-token-file"] {
        assert!(told.contains(needed), "no {needed} in\n{told}");
    }
    assert!(!attempt.folder.join("deltrail.db").exists(), "it has opened the store");
}

#[test]
fn a_token_that_is_no_good_is_told_without_it() {
    let attempt = Attempt::named("bad-token");
    let file = attempt.folder.join("token");
    std::fs::write(&file, "hunter2\n").unwrap();
    let file = file.display().to_string();
    let missing = format!("{file}-elsewhere");
    for (variable, value, code, needed) in [
        ("DELTRAIL_APP_TOKEN", "hunter2", 2, "DELTRAIL_APP_TOKEN: the value has 7 characters"),
        ("DELTRAIL_APP_TOKEN_FILE", &file, 1, "holds no token: what is in it has 7 characters"),
        ("DELTRAIL_APP_TOKEN_FILE", &missing, 1, "cannot be read: No such file"),
    ] {
        let (ended, told) = attempt.run(&[], &[(variable, value)]);
        assert_eq!(ended, Some(code), "{told}");
        assert!(told.contains(needed) && !told.contains("hunter2"), "no {needed} in\n{told}");
    }
}

#[test]
fn a_port_of_the_api_that_is_in_use_is_told_with_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, told) = Attempt::named("port").run(&["--app-listen", &address], &[]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(&format!("cannot serve the API on {address}")), "{told}");
    assert!(told.contains("choose another with --app-listen"), "{told}");
}

#[test]
fn commands_that_show_settings_show_no_token() {
    let folder = scratch("app-listener-shown");
    for command in [&["print-config"][..], &["check-config"], &["run", "--help"]] {
        let Output { stdout, stderr, .. } = Command::new(env!("CARGO_BIN_EXE_deltrail"))
            .args(command)
            .env_clear()
            .env("DELTRAIL_APP_TOKEN", TOKEN)
            .current_dir(&folder)
            .output()
            .unwrap();
        let told = String::from_utf8([stdout, stderr].concat()).unwrap();
        assert!(!told.contains("correct-horse"), "{told}");
        match command[0] {
            "print-config" => {
                let mut rows = told.lines().map(|line| line.split_whitespace());
                assert!(rows.any(|row| row.take(2).eq(["app-token", "***"])), "{told}");
            }
            "run" => {
                let words: Vec<_> = told.split_whitespace().collect();
                let advice = "prefer the variable or --app-token-file";
                assert!(words.join(" ").contains(advice), "{told}");
            }
            _ => {}
        }
    }
}
