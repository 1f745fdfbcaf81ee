//! A store that is only looked at, whoever writes it. It knows no database.

use deltrail_core::domain::Timestamp;

use super::session::{Connection, Result, explain};
use super::tables::expectations::expectations;
use super::tables::query::{Asked, deletions, finding, findings, key_history, summary};
use super::{
    DeletionFilter, Deletions, Expected, FindingFilter, Findings, KeyHistory, KeyQuestion,
    Location, Looking, StoreError, Summary, SummaryFilter,
};

/// A store that is only looked at, also beside a program that writes it. Each answer is of one
/// moment.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    place: String,
    looking: Looking,
}

impl Reader {
    /// Opens a store to look at it. Nothing is made and no table is moved forward. Blocks, as do
    /// the questions.
    ///
    /// # Errors
    /// When there is none, or one of an older version, or whatever else makes it unreadable.
    pub fn open(location: &Location, looking: Looking) -> Result<Self, StoreError> {
        let connection = Connection::open_to_look(location)?;
        Ok(Self { connection, place: location.to_string(), looking })
    }

    /// The removals that fit, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn deletions(&mut self, filter: &DeletionFilter) -> Result<Deletions, StoreError> {
        self.ask(|asked| deletions(asked, filter))
    }

    /// Who removed a key, or one version of it, and what may explain that nobody did.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn key_history(&mut self, question: &KeyQuestion) -> Result<KeyHistory, StoreError> {
        self.ask(|asked| key_history(asked, question))
    }

    /// The findings that fit, newest first, and how complete what they rest on is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn findings(&mut self, filter: &FindingFilter) -> Result<Findings, StoreError> {
        self.ask(|asked| findings(asked.session, filter))
    }

    /// The finding of this id, if there is one, and how complete what it rests on is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn finding(&mut self, id: &str) -> Result<Findings, StoreError> {
        self.ask(|asked| finding(asked.session, id))
    }

    /// What was announced and ends at `from` or later, first what ends last, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn expectations(
        &mut self,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<Expected>, StoreError> {
        self.ask(|asked| expectations(asked.session, from, limit))
    }

    /// What happened in a span of time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn summary(&mut self, filter: &SummaryFilter) -> Result<Summary, StoreError> {
        self.ask(|asked| summary(asked.session, filter))
    }

    fn ask<T>(&mut self, ask: impl FnOnce(Asked<'_>) -> Result<T>) -> Result<T, StoreError> {
        let session = &self.connection.session();
        session.revive()?;
        let looking = self.looking;
        let answer = session.at_one_moment(|| ask(Asked { session, looking }));
        answer.map_err(|error| explain(&self.place, &error))
    }
}
