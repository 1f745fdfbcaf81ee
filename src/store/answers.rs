//! What a store that runs is asked about deletions: the part of [`Store`] that answers as a
//! [`super::Reader`] does. It knows no database.

use super::session;
use super::tables::query::{self, Asked};
use super::{
    DeletionFilter, DeletionName, DeletionRow, Deletions, KeyHistory, KeyQuestion, Looking,
    RemovalEvidence, RequestHistory, SourceHealth, Store, StoreError, Summary, SummaryFilter,
};

impl Store {
    /// The removals that fit, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn deletions(
        &self,
        looking: Looking,
        filter: DeletionFilter,
    ) -> Result<Deletions, StoreError> {
        self.ask(looking, move |asked| query::deletions(asked, &filter)).await
    }

    /// One removal, if it is known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn deletion(
        &self,
        looking: Looking,
        name: DeletionName,
    ) -> Result<Option<DeletionRow>, StoreError> {
        self.ask(looking, move |asked| query::deletion(asked, &name)).await
    }

    /// One removal with everything that it rests on, if it is known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn removal_evidence(
        &self,
        looking: Looking,
        name: DeletionName,
    ) -> Result<Option<RemovalEvidence>, StoreError> {
        self.ask(looking, move |asked| query::removal_evidence(asked, &name)).await
    }

    /// Who removed a key, or one version of it, and what may explain that nobody did.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn key_history(
        &self,
        looking: Looking,
        question: KeyQuestion,
    ) -> Result<KeyHistory, StoreError> {
        self.ask(looking, move |asked| query::key_history(asked, &question)).await
    }

    /// What the request of this id did, if any source tells of it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn request(
        &self,
        looking: Looking,
        id: String,
    ) -> Result<Option<RequestHistory>, StoreError> {
        self.ask(looking, move |asked| query::request(asked, &id)).await
    }

    /// What happened in a span of time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn summary(&self, filter: SummaryFilter) -> Result<Summary, StoreError> {
        self.0.read(move |session| session.at_one_moment(|| query::summary(session, &filter))).await
    }

    /// How far each source has come, and what could not be understood.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn source_health(&self) -> Result<SourceHealth, StoreError> {
        self.0.read(|session| session.at_one_moment(|| query::source_health(session))).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        looking: Looking,
        ask: impl FnOnce(Asked<'_>) -> session::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.read(move |session| session.at_one_moment(|| ask(Asked { session, looking }))).await
    }
}
