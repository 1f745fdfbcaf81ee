//! The API over real sockets, with a store that is acted out. What is sent is written out as bytes,
//! so that nothing between tidies it up.

mod admission;
mod asking;
mod bounds;
mod declaring;
mod expecting;
mod listing;
mod login;
mod pages;
mod schema;
mod views;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deltrail_core::domain::{Fact, Intent, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{AppState, AskStore, Limits, router_within};
use crate::http::{Readiness, RecordReader, Refused, Token, serve};
use crate::metrics::Metrics;
use crate::objects::Objects;
use crate::store::{Batch, CommitReport, Location, Looking, Options, Store, StoreError};

/// 2026-11-23T10:00:05Z.
const NOW_MILLIS: i64 = 1_795_428_005_000;

const JSON: &str = "content-type: application/json";
const LINES: &str = "content-type: application/x-ndjson";

/// An intent of 10:00:00.123 for one key of bucket `images`.
const INTENT: &str = concat!(
    r#"{"deltrail":"intent","id":"i-1","bucket":"images","keys":["a b/ü.png"],"#,
    r#""requested_at":"2026-11-23T10:00:00.123Z","by":"cleaner","ref":"job-7"}"#,
);

/// The same with another id and bucket.
fn intent(id: &str, bucket: &str) -> String {
    INTENT.replace("i-1", id).replace("images", bucket)
}

/// A store that knows intents by their ids.
struct ActedStore {
    intents: Mutex<Vec<Intent>>,
    fails: Mutex<Option<StoreError>>,
    /// How many commits may pass.
    gate: Semaphore,
}

impl ActedStore {
    async fn commit(self: Arc<Self>, batch: Batch) -> Result<CommitReport, StoreError> {
        self.gate.acquire().await.unwrap().forget();
        if let Some(error) = self.fails.lock().unwrap().clone() {
            return Err(error);
        }
        let mut intents = self.intents.lock().unwrap();
        let mut known: HashSet<_> = intents.iter().map(|intent| intent.id.clone()).collect();
        let mut report = CommitReport::default();
        for stored in batch.facts {
            assert_eq!(stored.record_index, None);
            let Fact::Intent(intent) = stored.fact else { panic!("{:?}", stored.fact) };
            if known.insert(intent.id.clone()) {
                report.new_evidence += 1;
                intents.push(*intent);
            } else {
                report.repeated_evidence += 1;
            }
        }
        Ok(report)
    }
}

/// The app listener at work; only buckets whose names begin with `images` are watched.
struct Served {
    address: SocketAddr,
    store: Arc<ActedStore>,
    /// What findings and expectations are kept in.
    real_store: Store,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

struct Answer {
    status: u16,
    head: String,
    text: String,
    /// The text as JSON; null when it is none.
    body: serde_json::Value,
}

impl Answer {
    fn has_header(&self, header: &str) -> bool {
        self.head.lines().any(|line| line.eq_ignore_ascii_case(header))
    }

    /// The value of a header that is there once.
    fn header(&self, name: &str) -> &str {
        let value = |line: &'_ str| -> Option<usize> {
            let (given, _) = line.split_once(": ")?;
            given.eq_ignore_ascii_case(name).then(|| given.len() + 2)
        };
        let mut values = self.head.lines().filter_map(|line| line.get(value(line)?..));
        let found = values.next().unwrap_or_else(|| panic!("no {name} in {}", self.head));
        assert_eq!(values.next(), None, "{name} twice");
        found
    }

    /// The detail of a problem, of which the other members are as they should be.
    fn detail(&self) -> &str {
        assert!(self.has_header("content-type: application/problem+json"), "{}", self.head);
        assert_eq!(self.body["type"], "about:blank");
        assert_eq!(self.body["status"], self.status);
        assert!(self.body["title"].as_str().is_some_and(|title| !title.is_empty()));
        self.body["detail"].as_str().unwrap()
    }
}

async fn served() -> Served {
    served_within(Limits::default(), None).await
}

async fn served_with_token(token: &str) -> Served {
    served_within(Limits::default(), Some(Token::new(token))).await
}

async fn served_within(limits: Limits, token: Option<Token>) -> Served {
    let store = Arc::new(ActedStore {
        intents: Mutex::default(),
        fails: Mutex::default(),
        gate: Semaphore::new(1_000),
    });
    let metrics = Arc::new(Metrics::new().unwrap());
    let readiness = Readiness::not_yet("starting");
    readiness.ready();
    let kept = Arc::clone(&store);
    let real_store = in_memory();
    let state = AppState {
        metrics: Arc::clone(&metrics),
        commit: Arc::new(move |batch| Box::pin(Arc::clone(&kept).commit(batch))),
        ask: AskStore::of(&real_store, Looking { stale_window_millis: 900_000 }),
        records: RecordReader::new(Objects::Files, Arc::new(|_, _| false)),
        watches: Arc::new(|bucket| bucket.starts_with("images")),
        clock: Arc::new(|| Timestamp::from_millis(NOW_MILLIS)),
        readiness: readiness.clone(),
        token,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let router = router_within(limits, state);
    let serving = tokio::spawn(serve(listener, router, None, Refused::apart(), shutdown.clone()));
    Served { address, store, real_store, metrics, readiness, shutdown, serving }
}

fn in_memory() -> Store {
    Store::open(Options {
        location: Location::Memory,
        writer: "here".into(),
        labelled_buckets_max: 10,
        creations_max: 1_000,
        is_important: Arc::new(|_| false),
    })
    .unwrap()
}

impl Served {
    /// Sends a request line and headers, and no body yet.
    async fn open(&self, request: &str, headers: &[&str]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let own_host = format!("host: {}", self.address);
        let mut head = vec![request];
        if !headers.iter().any(|header| header.starts_with("host:")) {
            head.push(&own_host);
        }
        head.extend(headers);
        let head = head.join("\r\n") + "\r\nconnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn ask(&self, request: &str, headers: &[&str], body: &[u8]) -> Answer {
        let length = format!("content-length: {}", body.len());
        let mut stream = self.open(request, &[headers, &[&length]].concat()).await;
        stream.write_all(body).await.unwrap();
        answer(stream).await
    }

    async fn post(&self, content_type: &str, body: &str) -> Answer {
        self.ask("POST /api/v1/intents HTTP/1.1", &[content_type], body.as_bytes()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1"), &[], b"").await
    }

    fn kept_ids(&self) -> Vec<String> {
        self.store.intents.lock().unwrap().iter().map(|intent| intent.id.clone()).collect()
    }

    /// The value of a series, as it is written.
    fn metric(&self, series: &str) -> String {
        let text = self.metrics.render().unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {series} in\n{text}")).to_owned()
    }

    /// How many intents came to this.
    fn records(&self, result: &str) -> String {
        self.metric(&format!("deltrail_records_total{{result=\"{result}\",source=\"intent\"}}"))
    }

    /// How many intents were refused for this reason.
    fn rejected(&self, reason: &str) -> String {
        self.metric(&format!("deltrail_rejected_total{{reason=\"{reason}\",source=\"intent\"}}"))
    }
}

async fn text_of(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn answer(stream: TcpStream) -> Answer {
    let text = text_of(stream).await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let json = serde_json::from_str(body).unwrap_or_default();
    Answer { status, head: head.to_owned(), text: body.to_owned(), body: json }
}

/// Waits for a condition that something else makes true soon.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "not within 20 s: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
