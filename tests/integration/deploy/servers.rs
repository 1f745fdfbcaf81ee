//! Prometheus, Alertmanager and somebody who is told, on loopback, each gone with the process that
//! started it. They know nothing of what they are given.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Json, State};
use axum::http::Uri;
use axum::routing::post;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::emulator::{KEEPER, free_address, http_get};
use crate::requirement::tool;

/// A running server of another project.
pub struct Server {
    pub address: SocketAddr,
    log: PathBuf,
    /// Its pipe: closed when the process ends, and that ends the server.
    keeper: Child,
}

impl Server {
    /// Starts Prometheus with this configuration, its data in `folder`; `None` when it is not
    /// installed, which has been said then.
    pub fn prometheus(folder: &Path, configuration: &Path) -> Option<Self> {
        let program = tool("tools/bin", "prometheus")?;
        let address = free_address();
        let arguments = [
            format!("--config.file={}", configuration.display()),
            format!("--storage.tsdb.path={}", folder.join("prometheus").display()),
            format!("--web.listen-address={address}"),
            "--log.level=warn".into(),
        ];
        Some(Self::start(&program, &arguments, address, folder.join("prometheus.log")))
    }

    /// Starts Alertmanager likewise.
    pub fn alertmanager(folder: &Path, configuration: &Path) -> Option<Self> {
        let program = tool("tools/bin", "prometheus-alertmanager")?;
        let address = free_address();
        let arguments = [
            format!("--config.file={}", configuration.display()),
            format!("--storage.path={}", folder.join("alertmanager").display()),
            format!("--web.listen-address={address}"),
            // Alone: else it listens for others on every address.
            "--cluster.listen-address=".into(),
        ];
        Some(Self::start(&program, &arguments, address, folder.join("alertmanager.log")))
    }

    fn start(program: &Path, arguments: &[String], address: SocketAddr, log: PathBuf) -> Self {
        let output = File::create(&log).unwrap();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "server"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let server = Self { address, log, keeper };
        let deadline = Instant::now() + Duration::from_mins(1);
        while !matches!(http_get(address, "/-/ready"), Ok((200, _))) {
            assert!(Instant::now() < deadline, "{} is not ready: {server}", program.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// The JSON that a path answers.
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = http_get(self.address, path).unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
    }

    /// The series of an expression that have a number now, or in the seconds before.
    pub fn series(&self, expression: &str, range_seconds: Option<u64>) -> usize {
        let query = utf8_percent_encode(expression, NON_ALPHANUMERIC);
        let path = match range_seconds {
            None => format!("/api/v1/query?query={query}"),
            Some(seconds) => {
                let end = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
                let start = end - seconds;
                format!("/api/v1/query_range?query={query}&start={start}&end={end}&step=1")
            }
        };
        let answer = self.get(&path);
        let has_number = |series: &Value| {
            let values = series["values"].as_array().cloned().unwrap_or_default();
            let mut values = values.iter().chain([&series["value"]]);
            values.any(|it| it[1].as_str().is_some_and(|number| number != "NaN"))
        };
        let series = answer["data"]["result"].as_array().unwrap();
        series.iter().filter(|series| has_number(series)).count()
    }

    /// Sends JSON to a path, which has to take it.
    pub fn post(&self, path: &str, body: &Value) {
        let mut connection = TcpStream::connect(self.address).unwrap();
        let (body, address) = (body.to_string(), self.address);
        let length = body.len();
        write!(
            connection,
            "POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1);
        assert_eq!(status, Some("200"), "{path}: {answer}");
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&std::fs::read_to_string(&self.log).unwrap_or_default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// An alert as somebody was told of it.
#[derive(Debug, Clone)]
pub struct Told {
    /// The path of the receiver.
    pub receiver: String,
    /// What it was told of together with: a ticket of its own, where there are tickets.
    pub group: String,
    /// `firing` or `resolved`.
    pub status: String,
    pub labels: Value,
    pub annotations: Value,
}

/// Somebody who is told by webhook.
#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Receiver {
    /// Listens until the test's runtime ends.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self { address: listener.local_addr().unwrap(), told: Arc::default() };
        let routes =
            axum::Router::new().route("/{receiver}", post(listen)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        receiver
    }

    /// Everything that was told, in order.
    pub fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }
}

async fn listen(State(receiver): State<Receiver>, uri: Uri, Json(message): Json<Value>) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let alerts = message["alerts"].as_array().cloned().unwrap_or_default();
    let told = alerts.into_iter().map(|alert| Told {
        receiver: uri.path().to_owned(),
        group: text(&message["groupKey"]),
        status: text(&alert["status"]),
        labels: alert["labels"].clone(),
        annotations: alert["annotations"].clone(),
    });
    receiver.told.lock().unwrap().extend(told);
}
