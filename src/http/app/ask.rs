//! What the API asks of the store besides keeping intents, and what it says when the store does
//! not answer. It reads no request.

use axum::http::StatusCode;
use deltrail_core::detect::Expectation;
use deltrail_core::domain::Timestamp;
use futures_util::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;

use super::super::problem::Problem;
use super::turn::turn;
use super::{BUSY_RETRY_SECONDS, Shared, UNABLE_RETRY_SECONDS};
use crate::store::{
    Announcing, DeliveryState, Expected, FindingFilter, Findings, Store, StoreError,
};

/// What helps when many requests are answered at the same time.
pub(super) const FEWER: &str = "ask with fewer connections";

/// What the store answers.
type Reply<T> = BoxFuture<'static, Result<T, StoreError>>;

/// The store, of which no more is asked than this.
#[derive(Clone)]
pub struct AskStore(Store);

impl AskStore {
    /// Asks this store.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        Self(store.clone())
    }

    pub(in crate::http) fn findings(&self, filter: FindingFilter) -> Reply<Findings> {
        let store = self.0.clone();
        Box::pin(async move { store.findings(filter).await })
    }

    pub(in crate::http) fn finding(&self, id: String) -> Reply<Findings> {
        let store = self.0.clone();
        Box::pin(async move { store.finding(&id).await })
    }

    pub(in crate::http) fn deliveries(&self, finding_id: String) -> Reply<Vec<DeliveryState>> {
        let store = self.0.clone();
        Box::pin(async move { store.deliveries(&finding_id).await })
    }

    pub(super) fn announce(
        &self,
        expectation: Expectation,
        said_by: Option<String>,
        now: Timestamp,
    ) -> Reply<Announcing> {
        let store = self.0.clone();
        Box::pin(async move { store.announce(expectation, said_by, now).await })
    }

    pub(super) fn expectations(&self, from: Timestamp, limit: usize) -> Reply<Vec<Expected>> {
        let store = self.0.clone();
        Box::pin(async move { store.expectations(from, limit).await })
    }
}

/// What the store answers, in a turn of its own.
pub(in crate::http) async fn answer<T: Send + 'static>(
    shared: &Shared,
    reply: impl FnOnce(&AskStore) -> Reply<T>,
) -> Result<T, Problem> {
    let turn = turn(shared, FEWER).await?;
    answer_in(shared, turn, reply).await
}

/// What the store answers, within the time that a commit may take. It goes on without whoever does
/// not wait.
pub(super) async fn answer_in<T: Send + 'static>(
    shared: &Shared,
    turn: OwnedSemaphorePermit,
    reply: impl FnOnce(&AskStore) -> Reply<T>,
) -> Result<T, Problem> {
    let reply = reply(&shared.state.ask);
    let answering = tokio::spawn(async move {
        let answer = reply.await;
        drop(turn);
        answer
    });
    let unavailable = |detail| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    match tokio::time::timeout(shared.limits.commit_timeout, answering).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) => {
            tracing::warn!("the store did not answer the API: {error}");
            let is_transient = error.is_transient();
            let problem =
                unavailable("the store does not answer, and the daemon's log says why; try again");
            Err(if is_transient { problem.with_retry_after(UNABLE_RETRY_SECONDS) } else { problem })
        }
        Ok(Err(_)) => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "asking the store failed by a defect of the daemon; please report what its log says",
        )),
        Err(_) => Err(unavailable("the store is slow; ask again, or for less")
            .with_retry_after(BUSY_RETRY_SECONDS)),
    }
}
