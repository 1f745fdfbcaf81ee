//! The app listener: the API, which `openapi` describes, and the pages of `page`. Who may ask is
//! decided in `guard`. It knows no setting and opens no store.

pub(super) mod ask;
pub(super) mod body;
mod deletions;
mod expectations;
pub(super) mod findings;
mod form;
pub(super) mod guard;
mod intents;
mod keep;
pub(super) mod media_type;
mod openapi;
mod overview;
mod parameters;
mod turn;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::routing::{get, post};
use deltrail_core::decode::escaped_excerpt;
use deltrail_core::domain::Timestamp;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tower_http::compression::CompressionLayer;

use super::Token;
use super::front::Front;
use super::health::Readiness;
use super::page;
use super::problem::Problem;
use super::rate::Rate;
use super::records::RecordReader;
use crate::metrics::Metrics;
use crate::store::{Batch, CommitReport, StoreError};
pub use ask::AskStore;

const PATH_CHARS_MAX: usize = 80;

/// When to try again what is refused because others are being answered, or a commit is slow.
const BUSY_RETRY_SECONDS: u16 = 2;
/// When to try again what the store cannot keep: a full disk takes its time.
const UNABLE_RETRY_SECONDS: u16 = 30;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Commits a batch to the store, as `Store::commit` does.
pub type Commit =
    Arc<dyn Fn(Batch) -> BoxFuture<'static, Result<CommitReport, StoreError>> + Send + Sync>;

/// Whether what is told of this bucket is believed.
pub type WatchesBucket = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What the app listener works with.
#[derive(Clone)]
pub struct AppState {
    /// The families.
    pub metrics: Arc<Metrics>,
    /// Where intents are kept.
    pub commit: Commit,
    /// What is asked about findings, and where expectations are kept.
    pub ask: AskStore,
    /// Records of log objects, read again for people.
    pub records: RecordReader,
    /// Whose intents are.
    pub watches: WatchesBucket,
    /// What time it is.
    pub clock: Clock,
    /// Whether intents can be taken in.
    pub readiness: Readiness,
    /// What every request has to bear. Without one, only this host may be able to reach the
    /// listener, and requests that a browser sends for another site are refused.
    pub token: Option<Token>,
}

/// What all requests together, and one of them, may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// How often one peer may ask in the long run.
    requests_per_second: NonZeroU32,
    /// How often it may ask at once.
    requests_at_once: NonZeroU32,
    /// How many tokens one peer may try on the login page at once.
    logins_at_once: NonZeroU32,
    /// And in a minute in the long run.
    logins_per_minute: NonZeroU32,
    /// Requests whose body is held, each of [`body::BYTES_MAX`] at most.
    requests: usize,
    /// How long a request waits for its turn.
    turn_timeout: Duration,
    /// How long a body may take to arrive.
    body_timeout: Duration,
    /// How long a commit may take before the answer is that it is not known.
    commit_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_second: const { NonZeroU32::new(100).unwrap() },
            requests_at_once: const { NonZeroU32::new(400).unwrap() },
            logins_at_once: const { NonZeroU32::new(10).unwrap() },
            logins_per_minute: const { NonZeroU32::new(10).unwrap() },
            requests: 8,
            turn_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            commit_timeout: Duration::from_secs(30),
        }
    }
}

/// What requests share.
pub(super) struct Shared {
    pub(super) state: AppState,
    limits: Limits,
    turns: Arc<Semaphore>,
    /// How often a peer may try a token.
    pub(super) logins: Rate,
}

impl Shared {
    /// How long the body of a request may take to arrive.
    pub(super) fn body_timeout(&self) -> Duration {
        self.limits.body_timeout
    }
}

/// The routes of the app listener.
pub fn app_router(state: AppState) -> Router {
    router_within(Limits::default(), state)
}

fn router_within(limits: Limits, state: AppState) -> Router {
    intents::expect_series(&state.metrics);
    let turns = Arc::new(Semaphore::new(limits.requests));
    let logins = Rate::per_minute(limits.logins_per_minute, limits.logins_at_once);
    let shared = Arc::new(Shared { state, limits, turns, logins });
    let routes = Router::new()
        .route("/api/v1/deletions", get(deletions::list))
        .route("/api/v1/who-deleted", get(deletions::who_deleted))
        .route("/api/v1/requests/{id}", get(deletions::request))
        .route("/api/v1/summary", get(overview::summary))
        .route("/api/v1/sources", get(overview::sources))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/api/v1/intents", post(intents::declare))
        .route("/api/v1/findings", get(findings::list))
        .route("/api/v1/findings/{id}", get(findings::tell))
        .route("/api/v1/expectations", get(expectations::list).post(expectations::announce))
        .merge(page::routes())
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::admit))
        .with_state(Arc::clone(&shared));
    let rate = Rate::new(limits.requests_per_second, limits.requests_at_once);
    Front { rate, is_free: |_| false }
        .before(routes)
        .layer(middleware::from_fn_with_state(shared, page::show_problems))
        .layer(CompressionLayer::new())
}

async fn nothing_here(uri: Uri) -> Problem {
    let path = escaped_excerpt(uri.path(), PATH_CHARS_MAX);
    let detail = format!(
        "there is nothing at {path}; pages begin at /, /api/v1/openapi.json says what the API has, \
         and metrics and health are on the ops listener"
    );
    Problem::new(StatusCode::NOT_FOUND, detail)
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let (method, path) = (escaped_excerpt(method.as_str(), PATH_CHARS_MAX), uri.path());
    let detail = format!("{path} does not take {method}; the Allow header says what it takes");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

#[cfg(test)]
mod tests;
