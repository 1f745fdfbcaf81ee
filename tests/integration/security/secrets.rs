//! Secrets that the program is given, looked for in all that it says.

use std::process::Output;

use serde_json::json;

use super::{Place, SECRET_ACCESS_KEY};
use crate::emulator::{eventually, http_get};

const SESSION_TOKEN: &str = "FwoGZXIvYXdzE-session-token-of-a-test";
const APP_TOKEN: &str = "correct-horse-battery-staple-of-a-test";
const PASSWORD: &str = "hunter2-of-a-test";
const GUESS: &str = "somebody-elses-guess-of-a-test";

const KEY: &str = "payroll/salaries-2026.xlsx";
const PRINCIPAL: &str = "AIDAJDPLRKLG7UEXAMPLE";
const ADDRESS: &str = "198.51.100.77";

/// S3's word that a key was deleted, by whom, from where.
pub(super) fn removed() -> String {
    let record = json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-11-23T12:00:00.000Z",
        "eventName": "ObjectRemoved:Delete",
        "userIdentity": { "principalId": format!("AWS:{PRINCIPAL}") },
        "requestParameters": { "sourceIPAddress": ADDRESS },
        "responseElements": { "x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "x" },
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": { "name": "images-prod", "arn": "arn:aws:s3:::images-prod" },
            "object": { "key": KEY, "sequencer": "0055AED6DCD90281E5" },
        },
    });
    json!({ "Records": [record] }).to_string()
}

/// CloudTrail's word that a log object was written which is not there.
fn gone() -> String {
    let key = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/gone.json.gz";
    json!({ "s3Bucket": super::LOG_BUCKET, "s3ObjectKey": [key] }).to_string()
}

async fn until_received(running: &super::Running, messages: usize) -> String {
    eventually(60, "the messages are received", async || {
        let (_, metrics) = http_get(running.ops, "/metrics").map_err(|error| error.to_string())?;
        let received = r#"deltrail_messages_received_total{queue="trail"} "#;
        let received = metrics.lines().find_map(|line| line.strip_prefix(received));
        let is_all = received.and_then(|count| count.parse().ok()) >= Some(messages);
        let is_kept = metrics.contains(r#"deltrail_objects_removed_total{bucket="images-prod"}"#);
        if is_all && is_kept {
            Ok(metrics)
        } else {
            Err(format!("{metrics}\n{}", running.output()))
        }
    })
    .await
}

/// What the API answers to a request with these headers.
fn answer(address: std::net::SocketAddr, target: &str, header: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{header}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_holds_a_secret_at_any_level() {
    let place = Place::new("secrets").await;
    let environment = [
        ("DELTRAIL_LOG", "trace"),
        // With these the SDK would write what it signs, if it were let.
        ("LOG_SIGNABLE_BODY", "true"),
        ("RUST_BACKTRACE", "full"),
        ("AWS_SESSION_TOKEN", SESSION_TOKEN),
        ("DELTRAIL_APP_TOKEN", APP_TOKEN),
    ];
    let running = place.run(&[], &environment);
    place.until_healthy(&running, &[]).await;
    place.send(&removed());
    place.send(&gone());
    let metrics = until_received(&running, 2).await;
    let guess = format!("authorization: Bearer {GUESS}");
    let token = format!("authorization: Bearer {APP_TOKEN}");
    let answers = [
        answer(running.app, "/api/v1/intents", &guess),
        answer(running.app, "/api/v1/intents", &token),
        answer(running.app, "/api/v1/nothing", &token),
        answer(running.app, &format!("/?token={GUESS}"), "authorization: Basic x"),
    ];
    assert!(answers[0].starts_with("HTTP/1.1 401"), "{}", answers[0]);
    assert!(answers[1].starts_with("HTTP/1.1 405"), "{}", answers[1]);
    let log = running.stop();
    assert!(log.contains("\"DEBUG\"") && log.contains("aws_smithy_runtime"), "{log}");
    for secret in [SECRET_ACCESS_KEY, SESSION_TOKEN, APP_TOKEN, GUESS, "Signature="] {
        for told in [&log, &metrics].into_iter().chain(&answers) {
            let at = told.find(secret).map(|at| &told[at.saturating_sub(200)..at]);
            assert!(at.is_none(), "{secret} stands behind {at:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_and_health_tell_no_key_and_no_principal() {
    let place = Place::new("metrics").await;
    let running = place.run(&[], &[]);
    place.until_healthy(&running, &[]).await;
    place.send(&removed());
    let metrics = until_received(&running, 1).await;
    let pages = ["/", "/-/healthy", "/-/ready", "/nothing"];
    let pages = pages.map(|page| http_get(running.ops, page).unwrap().1);
    for told in pages.iter().chain([&metrics]) {
        for detail in [KEY, "salaries", PRINCIPAL, ADDRESS] {
            assert!(!told.contains(detail), "{detail} is in {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_secrets_are_told_without_them() {
    let place = Place::new("mistakes").await;
    let store = format!("postgres://deltrail:{PASSWORD}@127.0.0.1:1/deltrail");
    let stores = [
        store.clone(),
        store.replace("127.0.0.1:1", "[::1"),
        store.replace("127.0.0.1:1", "127.0.0.1:port"),
        store.replace('@', "@@"),
        store.replace("deltrail:", "deltrail%zz:"),
        store.replace("postgres", "postgrse"),
        format!("postgresql://127.0.0.1:1/deltrail?user=deltrail&password={PASSWORD}&sslmode=no"),
    ];
    let files = [
        format!("app-token = {PASSWORD}"),
        format!("app-token = [\"{PASSWORD}\"]"),
        format!("app-token = \"{PASSWORD}"),
        format!("app-token = \"{PASSWORD} \\q\""),
        format!("app-token = {{ is = \"{PASSWORD}\" }}"),
        format!("store = \"{store}\"\nworkers = 0"),
    ];
    let mut outputs: Vec<Output> = Vec::new();
    for command in [&["check-config"][..], &["print-config"]] {
        for store in &stores {
            outputs.push(place.command(command).env("DELTRAIL_STORE", store).output().unwrap());
        }
        for file in &files {
            std::fs::write(place.folder.join("deltrail.toml"), file).unwrap();
            outputs.push(place.command(command).output().unwrap());
        }
        std::fs::remove_file(place.folder.join("deltrail.toml")).unwrap();
        let token = [command, &["--app-token", PASSWORD, "--app-token", PASSWORD]].concat();
        outputs.push(place.command(&token).output().unwrap());
    }
    for command in [&["deletions"][..], &["who-deleted", "s3://bucket/key"]] {
        for store in &stores {
            outputs.push(place.command(command).args(["--store", store]).output().unwrap());
        }
    }
    for Output { stdout, stderr, .. } in outputs {
        let told = String::from_utf8([stdout, stderr].concat()).unwrap();
        assert!(!told.is_empty() && !told.contains("hunter2"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_an_endpoint_is_not_told() {
    let place = Place::new("endpoint").await;
    let endpoint = format!("http://deltrail:{PASSWORD}@127.0.0.1:1");
    let environment = [("AWS_ENDPOINT_URL", endpoint.as_str()), ("DELTRAIL_LOG", "trace")];
    let running = place.run(&[], &environment);
    eventually(60, "what is wrong is told", async || {
        let log = running.output();
        if log.contains("\"WARN\"") || log.contains("\"ERROR\"") { Ok(()) } else { Err(log) }
    })
    .await;
    let log = running.output();
    assert!(!log.contains("hunter2"), "{log}");
}
