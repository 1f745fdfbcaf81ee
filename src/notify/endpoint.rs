//! One POST to a receiver: a connection of its own, bounded in time and in what is read, no
//! redirect followed. It does not know what is posted.
//!
//! A kept connection would save little, at a few messages a minute, and one that the other side had
//! just closed would leave open whether the message was taken.

use std::convert::Infallible;
use std::error::Error;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::text::{one_line, source_chain};
use super::{HttpUrl, NotifyError, Place};

/// How long a message may take, from the name of the host to the answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long the words of an answer are waited for: its status says enough.
const WORDS_PATIENCE: Duration = Duration::from_secs(2);
/// Of the head of an answer.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Of the words of an answer.
const WORDS_BYTES_MAX: usize = 4 << 10;

const PROGRAM: &str = concat!("deltrail/", env!("CARGO_PKG_VERSION"));

/// A receiver that JSON is posted to.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) url: HttpUrl,
    pub(super) place: Place,
    pub(super) tls: TlsConnector,
    pub(super) patience: Duration,
}

impl Endpoint {
    pub(super) fn new(notifier: &'static str, url: HttpUrl, tls: &TlsConnector) -> Self {
        let place = Place { notifier, at: url.to_string() };
        Self { url, place, tls: tls.clone(), patience: PATIENCE }
    }

    /// Posts a body with these headers; gives the words of an answer that says that it was taken.
    ///
    /// # Errors
    /// See [`NotifyError`].
    pub(super) async fn post(
        &self,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<String, NotifyError> {
        let timed_out = NotifyError::TimedOut { to: self.place.clone(), after: self.patience };
        timeout(self.patience, self.exchange(headers, body)).await.unwrap_or(Err(timed_out))
    }

    async fn exchange(&self, headers: HeaderMap, body: Vec<u8>) -> Result<String, NotifyError> {
        let request = self.request(headers, body)?;
        let stream = TcpStream::connect((self.url.host(), self.url.port())).await;
        let stream = stream.map_err(|error| self.unreachable(&error))?;
        if !self.url.is_encrypted() {
            return self.ask(stream, request).await;
        }
        let name = ServerName::try_from(self.url.host().to_owned());
        let name = name.map_err(|error| self.unreachable(&error))?;
        let stream = self.tls.connect(name, stream).await;
        self.ask(stream.map_err(|error| self.not_encrypted(&error))?, request).await
    }

    fn request(
        &self,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, NotifyError> {
        let path: Uri = self.url.path().parse().map_err(|error| self.unreachable(&error))?;
        let mut request = Request::post(path)
            .header(HOST, self.url.authority())
            .header(USER_AGENT, PROGRAM)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| self.unreachable(&error))?;
        request.headers_mut().extend(headers);
        Ok(request)
    }

    async fn ask(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        request: Request<Full<Bytes>>,
    ) -> Result<String, NotifyError> {
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken(&error))?;
        let driven = async {
            // How it went, the one who asks is told.
            let _ = connection.await;
            std::future::pending::<Infallible>().await
        };
        let asked = async {
            let response = sender.send_request(request).await;
            self.judge(response.map_err(|error| self.broken(&error))?).await
        };
        tokio::select! {
            answer = asked => answer,
            never = driven => match never {},
        }
    }

    /// The status says whether a message was taken; words that do not come change nothing.
    async fn judge(&self, response: Response<Incoming>) -> Result<String, NotifyError> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let words = words(response.into_body()).await;
        let to = self.place.clone();
        let detail = self.detail(status, &words);
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| wanted(value.to_str().ok()?));
        match status {
            200..300 => Ok(words),
            300..400 => {
                let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
                Err(NotifyError::Redirected { to, status, location: host_of(location) })
            }
            429 => Err(NotifyError::Throttled { to, detail, retry_after }),
            408 | 425 | 500.. => Err(NotifyError::Unavailable { to, detail, retry_after }),
            _ => Err(NotifyError::Refused { to, detail, remedy: remedy(status).to_owned() }),
        }
    }

    /// The words of an answer, unless they repeat what is secret: some servers tell which path they
    /// do not know.
    fn detail(&self, status: u16, words: &str) -> String {
        let words = words.trim();
        if words.is_empty() || is_page(words) || self.url.is_given_away_by(words) {
            return format!("HTTP {status}");
        }
        one_line(&format!("HTTP {status}: {words}"))
    }

    fn unreachable(&self, error: &dyn Display) -> NotifyError {
        NotifyError::Unreachable { to: self.place.clone(), detail: one_line(&error.to_string()) }
    }

    fn broken(&self, error: &(dyn Error + 'static)) -> NotifyError {
        NotifyError::Broken { to: self.place.clone(), detail: source_chain(error) }
    }

    fn not_encrypted(&self, error: &io::Error) -> NotifyError {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
        match cause {
            Some(rustls::Error::InvalidCertificate(_)) => NotifyError::Untrusted {
                to: self.place.clone(),
                detail: one_line(&error.to_string()),
            },
            _ => self.broken(error),
        }
    }
}

/// As much of a body as is worth reading.
async fn words(mut body: Incoming) -> String {
    let mut words = Vec::new();
    let read = async {
        while words.len() < WORDS_BYTES_MAX
            && let Some(Ok(frame)) = body.frame().await
        {
            words.extend_from_slice(frame.data_ref().map_or(&[], Bytes::as_ref));
        }
    };
    // What came in time is kept.
    let _ = timeout(WORDS_PATIENCE, read).await;
    words.truncate(WORDS_BYTES_MAX);
    String::from_utf8_lossy(&words).into_owned()
}

/// Whether an answer is a page for a browser.
pub(super) fn is_page(words: &str) -> bool {
    words.trim_start().starts_with('<')
}

/// What `Retry-After` asks for: seconds, or until a time.
fn wanted(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Duration::try_from(until.duration_since(jiff::Timestamp::now())).ok()
}

fn host_of(location: Option<&str>) -> String {
    let uri = location.and_then(|location| location.parse::<Uri>().ok());
    match uri.as_ref().and_then(Uri::host) {
        Some(host) => one_line(host),
        None => "another path of the same host".to_owned(),
    }
}

fn remedy(status: u16) -> &'static str {
    match status {
        401 | 403 | 407 => "check its URL and secret, and who may send to it",
        404 | 410 => "check its URL: there is nothing, or not any more",
        405 => "check its URL: it takes no POST",
        413 => "let it take bodies of up to 256 KiB",
        _ => "look into its log for what it did not like",
    }
}

#[cfg(test)]
mod tests;
