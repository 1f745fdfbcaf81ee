//! The daemon as its own process: started with the contract's flags, asked over HTTP, stopped by
//! a signal or killed. Knows nothing of how it works.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Estate, Scrape, eventually, free_address, http_get};

/// A running daemon; killed when it is dropped.
pub struct Daemon {
    process: Child,
    ops: SocketAddr,
    app: SocketAddr,
    log: PathBuf,
}

impl Daemon {
    /// Starts it on the estate's queue and log bucket, with its store in `folder`, and waits until
    /// it is ready. Starting again on the same folder is a restart.
    pub async fn start(estate: &Estate, folder: &Path) -> Self {
        Self::start_with(estate, folder, &[]).await
    }

    /// The same with more settings.
    pub async fn start_with(estate: &Estate, folder: &Path, settings: &[&str]) -> Self {
        let queue_url = ["--queue-url", &estate.queue_url];
        let log_bucket = ["--log-bucket", &estate.bucket];
        let settings = [settings, &queue_url, &log_bucket].concat();
        let signer = ["us-east-1", "test", "test"];
        Self::start_at(&estate.endpoint, signer, folder, &settings).await
    }

    /// Starts it on an endpoint, with the region, key and secret that it signs with there. Its
    /// store is in `folder` unless the settings name another one.
    pub async fn start_at(
        endpoint: &str,
        signer: [&str; 3],
        folder: &Path,
        settings: &[&str],
    ) -> Self {
        Self::start_among(endpoint, signer, folder, settings, &[]).await
    }

    /// The same with more variables in its environment.
    pub async fn start_among(
        endpoint: &str,
        signer: [&str; 3],
        folder: &Path,
        settings: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut daemon = Self::begin_among(endpoint, signer, folder, settings, variables);
        daemon.until_ready().await;
        daemon
    }

    /// The same, and does not wait for it.
    pub fn begin_at(endpoint: &str, signer: [&str; 3], folder: &Path, settings: &[&str]) -> Self {
        Self::begin_among(endpoint, signer, folder, settings, &[])
    }

    fn begin_among(
        endpoint: &str,
        [region, access_key_id, secret_access_key]: [&str; 3],
        folder: &Path,
        settings: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let (ops, app) = (free_address(), free_address());
        let log = folder.join("deltrail.log");
        let output = File::options().create(true).append(true).open(&log).unwrap();
        let own_store = format!("--store=sqlite://{}", folder.join("deltrail.db").display());
        let names_store = settings.contains(&"--store");
        let process = Command::new(env!("CARGO_BIN_EXE_deltrail"))
            .args(["run", "--s3-path-style", "--log-format", "json"])
            .args(settings)
            .args((!names_store).then_some(own_store))
            .arg(format!("--ops-listen={ops}"))
            .arg(format!("--app-listen={app}"))
            .env_clear()
            .envs([("AWS_REGION", region), ("AWS_EC2_METADATA_DISABLED", "true")])
            .env("AWS_ACCESS_KEY_ID", access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", secret_access_key)
            .env("AWS_ENDPOINT_URL", endpoint)
            .envs(variables.iter().copied())
            // What the tests tell happened at fixed times; a flag wins over this.
            .env("DELTRAIL_RETENTION", "36500d")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Self { process, ops, app, log }
    }

    /// Whether it is ready now.
    pub fn is_ready(&self) -> bool {
        matches!(http_get(self.ops, "/-/ready"), Ok((200, _)))
    }

    /// Whether it has ended, by itself or after a signal.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Waits until it is ready; fails if it ends before.
    pub async fn until_ready(&mut self) {
        eventually(60, "the daemon is ready", async || {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("the daemon ended with {status}:\n{}", self.output());
            }
            match http_get(self.ops, "/-/ready") {
                Ok((200, _)) => Ok(()),
                Ok((status, body)) => Err(format!("{status} {body}; see {}", self.log.display())),
                Err(error) => Err(format!("{error}; see {}", self.log.display())),
            }
        })
        .await;
    }

    /// What `/metrics` says, as text; a refusal while the totals are not loaded.
    pub fn metrics(&self) -> Result<String, String> {
        match http_get(self.ops, "/metrics") {
            Ok((200, body)) => Ok(body),
            Ok((status, body)) => Err(format!("/metrics answers {status}: {body}")),
            Err(error) => Err(format!("/metrics: {error}; see {}", self.log.display())),
        }
    }

    pub fn scrape(&self) -> Result<Scrape, String> {
        self.metrics().map(|text| Scrape::parse(&text))
    }

    /// The status of a path of the ops listener.
    pub fn status_of(&self, path: &str) -> u16 {
        http_get(self.ops, path).unwrap().0
    }

    /// What a path of the ops listener answers.
    pub fn body_of(&self, path: &str) -> String {
        http_get(self.ops, path).unwrap().1
    }

    /// Where the API is served.
    pub fn app_address(&self) -> SocketAddr {
        self.app
    }

    /// Everything the daemon wrote, of all its lives on this folder.
    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Fails unless every line of the log is one JSON object that tells each field once: readers
    /// keep only one of two.
    pub fn expect_well_formed_log(&self) {
        for line in self.output().lines() {
            let fields: BTreeMap<String, serde_json::Value> = serde_json::from_str(line).unwrap();
            let written: Fields = serde_json::from_str(line).unwrap();
            assert_eq!(written.0, fields.len(), "a field is told twice: {line}");
        }
    }

    /// The largest resident set so far, in bytes.
    pub fn peak_resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("the daemon runs on Linux");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Kills it at once, as `kill -9` does.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to stop (SIGTERM) and expects it to have drained and ended well.
    pub fn stop(self) {
        self.signal("TERM");
        self.expect_end();
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let (signal, pid) = (format!("-{name}"), self.process.id().to_string());
        assert!(Command::new("kill").args([&signal, &pid]).status().unwrap().success());
    }

    /// Waits for its end and expects it to have ended well.
    pub fn expect_end(mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let status = loop {
            match self.process.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("no end 30 s after it was asked to"),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        assert!(status.success(), "after a signal: {status}\n{}", self.output());
    }
}

/// How many fields a JSON object has, repeated ones counted as often as they stand there.
struct Fields(usize);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counter;
        impl<'de> Visitor<'de> for Counter {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = 0;
                while map.next_entry::<String, IgnoredAny>()?.is_some() {
                    fields += 1;
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Counter)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
