//! What the API asks of the store besides keeping intents, and what it says when the store does
//! not answer. It reads no request.

use std::sync::Arc;

use axum::http::StatusCode;
use deltrail_core::detect::Expectation;
use deltrail_core::domain::Timestamp;
use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::problem::Problem;
use super::turn::turn;
use super::{BUSY_RETRY_SECONDS, Shared, UNABLE_RETRY_SECONDS};
use crate::store::{
    Announcing, DeletionFilter, DeletionName, Deletions, DeliveryState, Expected, FindingFilter,
    Findings, KeyHistory, KeyQuestion, Looking, RemovalEvidence, RequestHistory, SourceHealth,
    Store, StoreError, Summary, SummaryFilter,
};

/// What helps when many requests are answered at the same time.
pub(super) const FEWER: &str = "ask with fewer connections";

/// What the store answers.
type Reply<T> = BoxFuture<'static, Result<T, StoreError>>;

/// Questions that are answered at the same time, which is half of what the store can do: whoever
/// watches over the daemon asks it too, and must not wait for those who look far.
const QUESTIONS_MAX: usize = 2;

/// The store, of which no more is asked than this.
#[derive(Clone)]
pub struct AskStore {
    store: Store,
    looking: Looking,
    places: Arc<Semaphore>,
}

impl AskStore {
    /// Asks this store, and looks so at what is not settled.
    #[must_use]
    pub fn of(store: &Store, looking: Looking) -> Self {
        let places = Arc::new(Semaphore::new(QUESTIONS_MAX));
        Self { store: store.clone(), looking, places }
    }

    pub(in crate::http) fn deletions(&self, filter: DeletionFilter) -> Reply<Deletions> {
        self.question(move |store, looking| async move { store.deletions(looking, filter).await })
    }

    pub(in crate::http) fn removal_evidence(
        &self,
        name: DeletionName,
    ) -> Reply<Option<RemovalEvidence>> {
        self.question(
            move |store, looking| async move { store.removal_evidence(looking, name).await },
        )
    }

    pub(in crate::http) fn key_history(&self, question: KeyQuestion) -> Reply<KeyHistory> {
        self.question(
            move |store, looking| async move { store.key_history(looking, question).await },
        )
    }

    pub(in crate::http) fn request(&self, id: String) -> Reply<Option<RequestHistory>> {
        self.question(move |store, looking| async move { store.request(looking, id).await })
    }

    pub(in crate::http) fn summary(&self, filter: SummaryFilter) -> Reply<Summary> {
        self.question(move |store, _| async move { store.summary(filter).await })
    }

    pub(in crate::http) fn source_health(&self) -> Reply<SourceHealth> {
        let store = self.store.clone();
        Box::pin(async move { store.source_health().await })
    }

    /// Asks what may take a while, in a place among those that are answered.
    fn question<T, F>(&self, ask: impl FnOnce(Store, Looking) -> F + Send + 'static) -> Reply<T>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let (store, looking, places) = (self.store.clone(), self.looking, Arc::clone(&self.places));
        Box::pin(async move {
            // Nobody closes them.
            let _place = places.acquire_owned().await.ok();
            ask(store, looking).await
        })
    }

    pub(in crate::http) fn findings(&self, filter: FindingFilter) -> Reply<Findings> {
        let store = self.store.clone();
        Box::pin(async move { store.findings(filter).await })
    }

    pub(in crate::http) fn finding(&self, id: String) -> Reply<Findings> {
        let store = self.store.clone();
        Box::pin(async move { store.finding(&id).await })
    }

    pub(in crate::http) fn deliveries(&self, finding_id: String) -> Reply<Vec<DeliveryState>> {
        let store = self.store.clone();
        Box::pin(async move { store.deliveries(&finding_id).await })
    }

    pub(super) fn announce(
        &self,
        expectation: Expectation,
        said_by: Option<String>,
        now: Timestamp,
    ) -> Reply<Announcing> {
        let store = self.store.clone();
        Box::pin(async move { store.announce(expectation, said_by, now).await })
    }

    pub(super) fn expectations(&self, from: Timestamp, limit: usize) -> Reply<Vec<Expected>> {
        let store = self.store.clone();
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
