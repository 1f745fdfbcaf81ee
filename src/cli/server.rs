//! A running daemon that is asked through its API: what it answers is what its store would. It
//! knows which path answers which question, and not how an answer is shown.

use std::time::Duration;

use bytes::Bytes;
use deltrail_core::domain::Timestamp;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::pki_types::ServerName;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::config::AppToken;
use crate::http::told::{
    DeletionList, ExpectationList, FindingList, ListedExpectation, WhoDeleted, WholeFinding,
};
use crate::notify::{HttpUrl, connector};
use crate::store::{
    DeletionFilter, Deletions, Expected, FindingFilter, Findings, KeyHistory, KeyQuestion, Within,
};

/// How long an answer may take: the daemon itself gives up sooner.
const PATIENCE: Duration = Duration::from_mins(1);
/// Of an answer: a thousand deletions with keys and user agents as long as they may be have less.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Rows that the API gives at once.
const PAGE_ROWS_MAX: usize = 1_000;
const PROGRAM: &str = concat!("deltrail/", env!("CARGO_PKG_VERSION"));

/// What may stand in a URL's query as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A daemon and what opens its door.
#[derive(Debug)]
pub(super) struct Server {
    url: HttpUrl,
    token: Option<AppToken>,
}

/// An answer that is none.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
}

impl Server {
    pub(super) const fn new(url: HttpUrl, token: Option<AppToken>) -> Self {
        Self { url, token }
    }

    /// The removals that fit, newest first, page after page up to the limit.
    pub(super) fn deletions(&self, filter: &DeletionFilter) -> Result<Deletions, String> {
        let mut all: Option<Deletions> = None;
        loop {
            let known = all.as_ref().map_or(0, |all| all.rows.len());
            let limit = (filter.limit - known).min(PAGE_ROWS_MAX);
            let cursor = all.as_ref().and_then(|all| all.next.as_ref()).map(ToString::to_string);
            let query = deletions_query(filter, limit, cursor);
            let page: DeletionList<'_> = self.get("/api/v1/deletions", &query)?;
            let page = page.answer().ok_or_else(|| self.is_other_version())?;
            let all = match &mut all {
                None => all.insert(page),
                Some(all) => {
                    all.rows.extend(page.rows);
                    (all.has_more, all.next) = (page.has_more, page.next);
                    all
                }
            };
            if !all.has_more || all.rows.len() >= filter.limit {
                break;
            }
        }
        all.ok_or_else(|| self.is_other_version())
    }

    /// Who removed a key, or one version of it.
    pub(super) fn key_history(&self, question: &KeyQuestion) -> Result<KeyHistory, String> {
        let query = [
            ("bucket", Some(question.bucket.clone())),
            ("key", Some(question.key.clone())),
            ("version_id", question.version_id.clone()),
        ];
        let told: WhoDeleted<'_> = self.get("/api/v1/who-deleted", &query)?;
        told.answer(question).ok_or_else(|| self.is_other_version())
    }

    /// The findings that fit, newest first, page after page up to the limit.
    pub(super) fn findings(&self, filter: &FindingFilter) -> Result<Findings, String> {
        let mut all: Option<Findings> = None;
        let mut cursor: Option<String> = None;
        loop {
            let known = all.as_ref().map_or(0, |all| all.rows.len());
            let limit = (filter.limit - known).min(PAGE_ROWS_MAX);
            let query = findings_query(filter, limit, cursor);
            let page: FindingList<'_> = self.get("/api/v1/findings", &query)?;
            let found = page.answer();
            cursor = page.next_cursor;
            let all = match &mut all {
                None => all.insert(found),
                Some(all) => {
                    all.rows.extend(found.rows);
                    all.has_more = found.has_more;
                    all
                }
            };
            if cursor.is_none() || all.rows.len() >= filter.limit {
                break;
            }
        }
        all.ok_or_else(|| self.is_other_version())
    }

    /// The finding of this id, if there is one; else the list tells how complete that is.
    pub(super) fn finding(&self, id: &str) -> Result<Findings, String> {
        let path = format!("/api/v1/findings/{}", utf8_percent_encode(id, PLAIN));
        let whole: Option<WholeFinding<'_>> = self.find(&path, &[])?;
        if let Some(whole) = whole {
            return Ok(whole.answer());
        }
        let none = FindingFilter { limit: 1, ..FindingFilter::default() };
        Ok(Findings { rows: Vec::new(), has_more: false, ..self.findings(&none)? })
    }

    /// What was announced and is not over for long.
    pub(super) fn expectations(&self) -> Result<Vec<Expected>, String> {
        let list: ExpectationList<'_> = self.get("/api/v1/expectations", &[])?;
        Ok(list.expectations.iter().map(ListedExpectation::expected).collect())
    }

    fn get<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Result<T, String> {
        let found = self.find(path, query)?;
        found.ok_or_else(|| self.is_other_version())
    }

    /// What is at a path; `None` when there is nothing.
    fn find<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Result<Option<T>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("cannot start the runtime: {error}"))?;
        let answer = runtime.block_on(async {
            let exchange = tokio::time::timeout(PATIENCE, self.exchange(path, query));
            exchange.await.unwrap_or_else(|_| {
                Err(format!("{} did not answer within {} s", self.url, PATIENCE.as_secs()))
            })
        });
        let (status, body) = answer?;
        if status == StatusCode::OK {
            return serde_json::from_slice(&body).map(Some).map_err(|_| self.is_other_version());
        }
        let problem = serde_json::from_slice::<Problem>(&body).ok();
        match (status, problem) {
            (_, None) => Err(format!(
                "what answers at {} is no deltrail ({status}): --server takes the address of its \
                 app listener, as in http://127.0.0.1:10119",
                self.url
            )),
            (StatusCode::NOT_FOUND, Some(_)) => Ok(None),
            (StatusCode::UNAUTHORIZED, Some(_)) => Err(format!(
                "the daemon at {} {}: give its app-token in DELTRAIL_APP_TOKEN or with \
                 --app-token-file",
                self.url,
                if self.token.is_some() { "has another token" } else { "asks for a token" }
            )),
            (_, Some(Problem { detail })) => {
                Err(format!("the daemon at {} answered {status}: {detail}", self.url))
            }
        }
    }

    async fn exchange(&self, path: &str, query: &Query) -> Result<(StatusCode, Bytes), String> {
        let unreachable = |error: &dyn std::fmt::Display| {
            format!(
                "cannot ask {}: {error}; is the daemon running, and does its app listener serve \
                 this address?",
                self.url
            )
        };
        let stream = TcpStream::connect((self.url.host(), self.url.port())).await;
        let stream = stream.map_err(|error| unreachable(&error))?;
        if !self.url.is_encrypted() {
            return self.ask(stream, path, query).await.map_err(|error| unreachable(&error));
        }
        let connector = connector().map_err(|error| error.to_string())?;
        let name = ServerName::try_from(self.url.host().to_owned());
        let name = name.map_err(|error| unreachable(&error))?;
        let stream = connector.connect(name, stream).await.map_err(|error| {
            format!(
                "no safe connection to {}: {error}; name a file with its certificate's authority \
                 in SSL_CERT_FILE if it has one of its own",
                self.url
            )
        })?;
        self.ask(stream, path, query).await.map_err(|error| unreachable(&error))
    }

    async fn ask(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        path: &str,
        query: &Query,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let base = self.url.path().split('?').next().unwrap_or_default().trim_end_matches('/');
        let mut request = Request::get(format!("{base}{path}{}", query_text(query)))
            .header(HOST, self.url.authority())
            .header(USER_AGENT, PROGRAM)
            .header(ACCEPT, "application/json");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
        }
        let request = request.body(Empty::<Bytes>::new())?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let asked = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!("its answer broke off: {error}"))?;
            Ok((status, body.to_bytes()))
        };
        let driven = async {
            // How it went, the one who asks is told.
            let _ = connection.await;
            std::future::pending::<std::convert::Infallible>().await
        };
        tokio::select! {
            answer = asked => answer,
            never = driven => match never {},
        }
    }

    fn is_other_version(&self) -> String {
        format!(
            "the answer of {} is not understood: the daemon may be of another version; ask it with \
             the deltrail that it runs",
            self.url
        )
    }
}

type Query = [(&'static str, Option<String>)];

fn query_text(query: &Query) -> String {
    let given = query.iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let pairs: Vec<String> = given
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, PLAIN)))
        .collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn deletions_query(
    filter: &DeletionFilter,
    limit: usize,
    cursor: Option<String>,
) -> [(&'static str, Option<String>); 8] {
    let prefix = match &filter.within {
        Within::Everything | Within::Bucket(_) => None,
        Within::Below(prefix) | Within::Prefix { prefix, .. } => Some(prefix.clone()),
    };
    [
        ("bucket", filter.bucket().map(str::to_owned)),
        ("prefix", prefix),
        ("principal", filter.principal.as_ref().map(ToString::to_string)),
        ("since", time(filter.since)),
        ("until", time(filter.until)),
        ("request_id", filter.request_id.clone()),
        ("limit", Some(limit.to_string())),
        ("cursor", cursor),
    ]
}

fn findings_query(
    filter: &FindingFilter,
    limit: usize,
    cursor: Option<String>,
) -> [(&'static str, Option<String>); 11] {
    let all = filter.with_withdrawn.then(|| "all".to_owned());
    [
        ("bucket", filter.bucket.clone()),
        ("prefix", filter.prefix.clone()),
        ("request_id", filter.request_id.clone()),
        ("principal", filter.principal.clone()),
        ("since", time(filter.since)),
        ("until", time(filter.until)),
        ("detector", filter.detector.map(|it| it.as_str().to_owned())),
        ("severity", filter.severity.map(|it| it.as_str().to_owned())),
        ("state", filter.state.map(|it| it.as_str().to_owned()).or(all)),
        ("limit", Some(limit.to_string())),
        ("cursor", cursor),
    ]
}

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
