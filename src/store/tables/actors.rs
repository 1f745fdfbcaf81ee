//! Who asked, kept once however many rows name them: a description is longer than all else that a
//! row says, and few callers do most of the deleting. It knows none of the rows.

use std::collections::HashMap;
use std::sync::Arc;

use deltrail_core::domain::Actor;
use foldhash::fast::RandomState;

use super::rows::actor_text;
use crate::store::session::{Result, Session, SqlError, column, values};

/// The callers of one transaction. Not longer: if that fails, their rows are gone.
pub(super) struct Actors<'a> {
    session: &'a Session<'a>,
    by_place: HashMap<*const Actor, (Arc<Actor>, i64), RandomState>,
    by_value: HashMap<Arc<Actor>, i64, RandomState>,
}

impl<'a> Actors<'a> {
    pub(super) fn new(session: &'a Session<'a>) -> Self {
        Self { session, by_place: HashMap::default(), by_value: HashMap::default() }
    }

    /// The row of `actor`, made where it is missing.
    pub(super) fn id_of(&mut self, actor: &Arc<Actor>) -> Result<i64> {
        // Most rows of a file share their descriptions, so that those need not be compared.
        if let Some((_, id)) = self.by_place.get(&Arc::as_ptr(actor)) {
            return Ok(*id);
        }
        let id = match self.by_value.get(actor) {
            Some(id) => *id,
            None => self.find_or_make(actor)?,
        };
        // Kept, so that nobody else comes to lie there.
        self.by_place.insert(Arc::as_ptr(actor), (Arc::clone(actor), id));
        Ok(id)
    }

    fn find_or_make(&mut self, actor: &Arc<Actor>) -> Result<i64> {
        if let Some(id) = self.session.caller(actor) {
            return Ok(id);
        }
        let text = actor_text(actor)?;
        let id = if let Some(id) = self.find(&text)? {
            // Not made by this transaction, or it would be known here.
            self.session.note_caller(actor, id);
            id
        } else {
            self.make(&text)?
        };
        self.by_value.insert(Arc::clone(actor), id);
        Ok(id)
    }

    fn find(&self, text: &str) -> Result<Option<i64>> {
        self.session.optional("SELECT id FROM actors WHERE actor = ?1", &values![text], column)
    }

    fn make(&self, text: &str) -> Result<i64> {
        let insert = "INSERT INTO actors (actor) VALUES (?1) ON CONFLICT DO NOTHING";
        match self.session.insert(insert, &values![text])? {
            Some(id) => Ok(id),
            // Another writer has just made it.
            None => self.find(text)?.ok_or(SqlError::NoRow),
        }
    }
}
