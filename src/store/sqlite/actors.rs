//! Who asked, kept once however many rows name them: a description is longer than all else that a
//! row says, and few callers do most of the deleting. It knows none of the rows.

use std::collections::HashMap;
use std::sync::Arc;

use deltrail_core::domain::Actor;
use foldhash::fast::RandomState;
use rusqlite::{Connection, OptionalExtension, Result};

use super::rows::actor_text;

/// The callers of one transaction. Not longer: if that fails, their rows are gone.
pub(super) struct Actors<'a> {
    connection: &'a Connection,
    by_place: HashMap<*const Actor, (Arc<Actor>, i64), RandomState>,
    by_value: HashMap<Arc<Actor>, i64, RandomState>,
}

impl<'a> Actors<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, by_place: HashMap::default(), by_value: HashMap::default() }
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
        let text = actor_text(actor)?;
        let found = self
            .connection
            .prepare_cached("SELECT id FROM actors WHERE actor = ?1")?
            .query_row([&text], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => self
                .connection
                .prepare_cached("INSERT INTO actors (actor) VALUES (?1)")?
                .insert([&text])?,
        };
        self.by_value.insert(Arc::clone(actor), id);
        Ok(id)
    }
}
