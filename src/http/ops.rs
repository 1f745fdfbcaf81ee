//! The ops listener: landing page, `/metrics`, liveness and readiness. Everything on it is safe to
//! show to who may scrape.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use deltrail_core::domain::{Part, Series, Timestamp};
use futures_util::future::BoxFuture;
use tower_http::compression::CompressionLayer;

use super::front::Front;
use super::health::{Health, Readiness};
use super::held::Held;
use super::peer::Peer;
use super::places::{Capacity, Places};
use super::problem::Problem;
use super::rate::Rate;
use crate::metrics::Metrics;

/// How long a scrape may wait for the totals; less than Prometheus' usual timeout of 10 s.
const TOTALS_TIMEOUT: Duration = Duration::from_secs(8);

/// Who scrapes asks a few times a minute.
const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
const REQUESTS_AT_ONCE: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// Answers to scrapes that are in memory; whoever does not read his holds his own places only.
const SCRAPES: Capacity = Capacity { all: 16, of_one_peer: 4, for_newcomers: 16 };
const SCRAPE_RETRY_SECONDS: u16 = 1;

/// Liveness and readiness, each by the two names that people look for. They cost nothing, and
/// whoever restarts the daemon by them must always be answered: no rate applies.
const HEALTH: [&str; 4] = ["/-/healthy", "/healthz", "/-/ready", "/readyz"];

const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

const LANDING: &str = concat!(
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>deltrail</title>",
    "</head>\n<body><h1>deltrail ",
    env!("CARGO_PKG_VERSION"),
    "</h1>\n<p>What was deleted from S3, by whom, and how fast.</p>\n<ul>\n",
    "<li><a href=\"/metrics\">metrics</a></li>\n",
    "<li><a href=\"/-/healthy\">healthy</a>: the loops tick</li>\n",
    "<li><a href=\"/-/ready\">ready</a>: the store is open and messages are asked for</li>\n",
    "</ul></body></html>\n",
);

/// Reads the durable totals of the whole store, or says in one line why it cannot.
pub type TotalsSource =
    Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<(Series, Part, i64)>, String>> + Send + Sync>;

/// What the ops listener shows.
#[derive(Clone)]
pub struct OpsState {
    /// The families.
    pub metrics: Arc<Metrics>,
    /// Where the durable ones come from, at each scrape.
    pub totals: TotalsSource,
    /// The loops that must tick.
    pub health: Arc<Health>,
    /// Whether work is being done.
    pub readiness: Readiness,
}

/// What the ops listener works with.
#[derive(Clone)]
struct Shared {
    state: OpsState,
    scrapes: Places,
}

/// The routes of the ops listener.
pub fn ops_router(state: OpsState) -> Router {
    let shared = Shared { state, scrapes: Places::new(SCRAPES) };
    let routes = Router::new()
        .route("/", get(async || Html(LANDING)))
        .route("/metrics", get(metrics))
        .route(HEALTH[0], get(healthy))
        .route(HEALTH[1], get(healthy))
        .route(HEALTH[2], get(ready))
        .route(HEALTH[3], get(ready))
        .fallback(async || (StatusCode::NOT_FOUND, "not found; / lists what is here\n"))
        .layer(CompressionLayer::new())
        .with_state(shared);
    let rate = Rate::new(REQUESTS_PER_SECOND, REQUESTS_AT_ONCE);
    Front { rate, is_free: |path| HEALTH.contains(&path) }.before(routes)
}

/// Without the durable totals there is no answer, because less than before would look like a reset.
async fn metrics(
    State(Shared { state, scrapes }): State<Shared>,
    peer: Option<Extension<Peer>>,
) -> Response {
    let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.address);
    let Some(place) = scrapes.take(peer) else {
        let detail = "too many scrapes are being answered; read their answers, or scrape from \
                      fewer places";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail);
        return problem.with_retry_after(SCRAPE_RETRY_SECONDS).into_response();
    };
    let totals = match tokio::time::timeout(TOTALS_TIMEOUT, (state.totals)()).await {
        Ok(Ok(totals)) => totals,
        Ok(Err(reason)) => return unavailable(&format!("the totals cannot be read: {reason}")),
        Err(_) => return unavailable("the totals cannot be read: the store does not answer"),
    };
    state.metrics.publish(totals, Instant::now());
    match state.metrics.render() {
        Ok(text) => {
            let body = Body::new(Held::new(text, place));
            ([(header::CONTENT_TYPE, TEXT_FORMAT)], body).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn healthy(State(Shared { state, .. }): State<Shared>) -> Response {
    match stalled(&state.health) {
        Some(text) => unavailable(&text),
        None => fine("healthy"),
    }
}

async fn ready(State(Shared { state, .. }): State<Shared>) -> Response {
    match state.readiness.reason().or_else(|| stalled(&state.health)) {
        Some(reason) => unavailable(&format!("not ready: {reason}")),
        None => fine("ready"),
    }
}

fn stalled(health: &Health) -> Option<String> {
    let stalled = health.stalled(Instant::now());
    let wall_clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let lines = stalled.iter().map(|stalled| {
        let since = wall_clock.saturating_sub(stalled.silent_for).as_millis();
        let since = Timestamp::from_millis(i64::try_from(since).unwrap_or(i64::MAX));
        format!("{stalled}, since {since}")
    });
    (!stalled.is_empty()).then(|| lines.collect::<Vec<_>>().join("\n"))
}

fn fine(text: &str) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], format!("{text}\n")).into_response()
}

fn unavailable(text: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, fine(text)).into_response()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use deltrail_core::domain::{Family, Part, Series};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::task::JoinHandle;
    use tokio_util::sync::CancellationToken;

    use super::super::refused::Refused;
    use super::super::serve;
    use super::{Health, Metrics, OpsState, Readiness, ops_router};

    type Totals = Arc<Mutex<Result<i64, String>>>;

    /// A listener on loopback whose store holds one total.
    struct Served {
        address: SocketAddr,
        totals: Totals,
        buckets: Arc<Mutex<Vec<String>>>,
        readiness: Readiness,
        shutdown: CancellationToken,
        serving: JoinHandle<()>,
    }

    async fn served(health: Health) -> Served {
        let totals: Totals = Arc::new(Mutex::new(Ok(7)));
        let read = Arc::clone(&totals);
        let buckets = Arc::new(Mutex::new(vec!["images".to_owned()]));
        let counted = Arc::clone(&buckets);
        let readiness = Readiness::not_yet("connecting to the queue");
        let state = OpsState {
            metrics: Arc::new(Metrics::new().unwrap()),
            totals: Arc::new(move || {
                let total = read.lock().unwrap().clone();
                let buckets = counted.lock().unwrap().clone();
                let of_bucket = move |total| {
                    let family = Family::ObjectsRemoved;
                    let series = |bucket| Series { family, labels: vec![bucket] };
                    buckets.into_iter().map(|bucket| (series(bucket), Part::Value, total)).collect()
                };
                Box::pin(async move { total.map(of_bucket) })
            }),
            health: Arc::new(health),
            readiness: readiness.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(
            listener,
            ops_router(state),
            None,
            Refused::apart(),
            shutdown.clone(),
        ));
        Served { address, totals, buckets, readiness, shutdown, serving }
    }

    impl Served {
        /// Head and body of the answer.
        async fn ask(&self, request: &str) -> (String, Vec<u8>) {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let head = format!("{request}\r\nhost: test\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            let end = answer.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
            let body = answer.split_off(end + 4);
            (String::from_utf8(answer).unwrap(), body)
        }

        /// Status and text of the answer.
        async fn get(&self, path: &str) -> (u16, String) {
            let (head, body) = self.ask(&format!("GET {path} HTTP/1.1")).await;
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            (status, String::from_utf8(body).unwrap())
        }
    }

    #[tokio::test]
    async fn metrics_show_the_totals_of_the_store() {
        let served = served(Health::new()).await;
        let (status, text) = served.get("/metrics").await;
        assert_eq!(status, 200);
        assert!(text.contains("deltrail_objects_removed_total{bucket=\"images\"} 7\n"), "{text}");
        let (head, _) = served.ask("GET /metrics HTTP/1.1").await;
        assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    }

    #[tokio::test]
    async fn metrics_are_refused_while_the_totals_cannot_be_read() {
        let served = served(Health::new()).await;
        *served.totals.lock().unwrap() = Err("the store is being opened".to_owned());
        let answer = served.get("/metrics").await;
        let text = "the totals cannot be read: the store is being opened\n";
        assert_eq!(answer, (503, text.to_owned()));
        *served.totals.lock().unwrap() = Ok(8);
        assert_eq!(served.get("/metrics").await.0, 200);
    }

    #[tokio::test]
    async fn metrics_are_compressed_for_who_asks() {
        let served = served(Health::new()).await;
        let (head, body) = served.ask("GET /metrics HTTP/1.1\r\naccept-encoding: gzip").await;
        assert!(head.contains("content-encoding: gzip"), "{head}");
        let start = body.windows(2).position(|at| at == [0x1f, 0x8b]).unwrap();
        assert!(body.len() < 8000 && start < 10);
    }

    #[tokio::test]
    async fn a_stalled_loop_is_named() {
        let long_ago = Instant::now().checked_sub(Duration::from_secs(90)).unwrap();
        let health = Health::new()
            .watching("poller of queue trail", Instant::now)
            .watching("store writer", move || long_ago);
        let served = served(health).await;
        served.readiness.ready();
        for path in ["/-/healthy", "/healthz", "/-/ready", "/readyz"] {
            let (status, text) = served.get(path).await;
            assert_eq!(status, 503);
            assert!(text.contains("store writer has not ticked for 9"), "{text}");
            assert!(text.contains("since 20") && !text.contains("poller"), "{text}");
        }
    }

    #[tokio::test]
    async fn ready_says_what_it_waits_for_and_healthy_does_not_care() {
        let served = served(Health::new().watching("poller", Instant::now)).await;
        let waiting = "not ready: connecting to the queue\n".to_owned();
        assert_eq!(served.get("/-/ready").await, (503, waiting));
        assert_eq!(served.get("/-/healthy").await, (200, "healthy\n".to_owned()));
        served.readiness.ready();
        assert_eq!(served.get("/readyz").await, (200, "ready\n".to_owned()));
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_refused() {
        let served = served(Health::new()).await;
        assert_eq!(served.get("/nothing").await.0, 404);
        let (head, _) = served.ask("POST /metrics HTTP/1.1\r\ncontent-length: 0").await;
        assert!(head.starts_with("HTTP/1.1 405") && head.contains("allow: GET,HEAD"), "{head}");
        let (status, page) = served.get("/").await;
        assert!(status == 200 && page.contains("href=\"/metrics\""), "{page}");
    }

    #[tokio::test]
    async fn health_is_answered_however_often_others_ask() {
        let served = served(Health::new()).await;
        served.readiness.ready();
        let mut refused = 0;
        for _ in 0..2 * super::REQUESTS_AT_ONCE.get() {
            let (status, text) = served.get("/metrics").await;
            if status == 429 {
                refused += 1;
                assert!(text.contains("Retry-After header"), "{text}");
                assert_eq!(served.get("/-/healthy").await.0, 200);
                assert_eq!(served.get("/readyz").await.0, 200);
            } else {
                assert_eq!(status, 200);
            }
        }
        assert!(refused > 0, "nobody was refused");
    }

    #[tokio::test]
    async fn answers_that_nobody_reads_take_the_places_of_their_peer_only() {
        let served = served(Health::new()).await;
        // Some megabytes, which no buffer between holds.
        let bucket = "b".repeat(64 << 10);
        *served.totals.lock().unwrap() = Ok(1);
        *served.buckets.lock().unwrap() = (0..200).map(|n| format!("{bucket}{n}")).collect();
        let mut unread = Vec::new();
        for _ in 0..super::SCRAPES.of_one_peer {
            let mut stream = TcpStream::connect(served.address).await.unwrap();
            stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
            stream.read_exact(&mut [0; 12]).await.unwrap();
            unread.push(stream);
        }
        let (status, text) = served.get("/metrics").await;
        assert_eq!(status, 429, "{text}");
        assert!(text.contains("too many scrapes"), "{text}");
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut other = socket.connect(served.address).await.unwrap();
        other.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
        let mut status = [0; 12];
        other.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        drop(unread);
        while served.get("/metrics").await.0 == 429 {}
    }

    #[tokio::test]
    async fn the_listener_stops_when_asked() {
        let served = served(Health::new()).await;
        assert_eq!(served.get("/-/healthy").await.0, 200);
        served.shutdown.cancel();
        served.serving.await.unwrap();
        assert!(TcpStream::connect(served.address).await.is_err());
    }
}
