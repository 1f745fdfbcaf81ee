//! Connections: how many are held, how long they may take, and when they end. It does not know what
//! is asked over them.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::middleware;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::peer::Peer;
use super::places::{Capacity, Place, Places};
use super::refused::{Refused, is_late};
use super::tls::Tls;
use crate::metrics::HttpRefusal;

/// How long open requests may keep a listener that was asked to stop.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long nothing is accepted when the system has no file descriptor left.
const EXHAUSTED_PAUSE: Duration = Duration::from_secs(1);
/// Whoever floods the listener should not flood the log as well.
const TELL_FULL_EVERY: Duration = Duration::from_mins(1);
/// A head that does not fit is refused by the connection itself; `front` refuses smaller ones with
/// words.
const HEAD_BYTES_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 100;

/// What connections of one listener may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// How many there are at a time. Both listeners together stay far below the 1 024 file
    /// descriptors that many systems give a program.
    pub(super) capacity: Capacity,
    /// How long the agreement on keys may take.
    pub(super) handshake_timeout: Duration,
    /// How long the head of a request may take to arrive, from the end of the answer before it on:
    /// so this ends connections that are idle, too.
    pub(super) head_timeout: Duration,
    /// How long not a byte of an answer may be taken.
    pub(super) write_timeout: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            capacity: Capacity { all: 192, of_one_peer: 64, for_newcomers: 32 },
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
        }
    }
}

/// Serves until `shutdown`, then finishes the open requests, for 5 s at most. With `tls` nothing is
/// answered that is not encrypted.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    refused: Refused,
    shutdown: CancellationToken,
) {
    serve_within(Terms::default(), listener, router, tls, refused, shutdown).await;
}

pub(super) async fn serve_within(
    terms: Terms,
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    refused: Refused,
    shutdown: CancellationToken,
) {
    let places = Places::new(terms.capacity);
    let router = router.layer(middleware::map_response_with_state(refused.clone(), note_answer));
    let closing = shutdown.clone();
    let visit = Arc::new(Visit { terms, router, tls, refused, closing });
    let mut visits = JoinSet::new();
    let mut told_full_at: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = visits.join_next() => continue,
            () = shutdown.cancelled() => break,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tracing::warn!("no connection can be accepted: {error}; tried again");
                sleep(EXHAUSTED_PAUSE).await;
                continue;
            }
        };
        let peer = Peer::new(from.ip(), visit.tls.is_some());
        if let Some(place) = places.take(peer.address) {
            visits.spawn(Arc::clone(&visit).host(stream, peer, place));
            continue;
        }
        visit.refused.count(HttpRefusal::TooManyConnections);
        if told_full_at.is_none_or(|at| at.elapsed() >= TELL_FULL_EVERY) {
            told_full_at = Some(Instant::now());
            tracing::warn!(
                peer = %peer.address,
                "too many connections; this one is closed, as are all that come until one ends"
            );
        }
    }
    drop(listener);
    // What is still open then is cut off with the set.
    let _ = timeout(CLOSE_TIMEOUT, async { while visits.join_next().await.is_some() {} }).await;
}

async fn note_answer(State(refused): State<Refused>, answer: Response) -> Response {
    refused.note_answer(answer.status());
    answer
}

/// A peer that has gone before it was let in.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// What all connections of a listener have in common.
struct Visit {
    terms: Terms,
    router: Router,
    tls: Option<Tls>,
    refused: Refused,
    closing: CancellationToken,
}

impl Visit {
    /// From the first byte to the last.
    async fn host(self: Arc<Self>, stream: TcpStream, peer: Peer, place: Place) {
        // Answers are written in one go, and the last of their packets should not wait.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.terms.write_timeout));
        let stream = Box::pin(stream);
        let ended = match &self.tls {
            None => self.converse(stream, peer).await,
            Some(tls) => match self.agree(tls, stream).await {
                Ok(stream) => self.converse(stream, peer).await,
                Err(error) => {
                    if is_late(&error) {
                        self.refused.count(HttpRefusal::TooSlow);
                    }
                    Err(error.to_string())
                }
            },
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %peer.address, "a connection ended: {error}");
        }
        drop(place);
    }

    async fn agree(
        &self,
        tls: &Tls,
        stream: Pin<Box<TimeoutStream<TcpStream>>>,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + use<>> {
        let agreed = TlsAcceptor::from(tls.server()).accept(stream);
        tokio::select! {
            agreed = timeout(self.terms.handshake_timeout, agreed) => {
                agreed.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            }
            () = self.closing.cancelled() => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    async fn converse(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        peer: Peer,
    ) -> Result<(), String> {
        let routes = TowerToHyperService::new(self.router.clone());
        let was_asked = AtomicBool::new(false);
        let service = service_fn(|mut request: hyper::Request<Incoming>| {
            was_asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(peer);
            routes.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.terms.head_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        ended.map_err(|error| {
            self.refused.note_end(&error, was_asked.load(Ordering::Relaxed));
            error.to_string()
        })
    }
}

#[cfg(test)]
mod tests;
