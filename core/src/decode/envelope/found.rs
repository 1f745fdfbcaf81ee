//! The items of a message that holds many records, as they are found. Refused ones are kept once
//! for each reason, however many a hostile sender puts into one message; it reads nothing.

use std::collections::BTreeMap;

use super::{EnvelopeError, Item};
use crate::decode::reject::RejectReason;
use crate::domain::Source;

/// How many things one message may tell. A message of 1 MiB, the most that SQS takes, has room for
/// fewer records that tell of anything, written as briefly as can be.
pub(super) const TOLD_MAX: usize = 10_000;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    items: Vec<Item>,
    /// Where the first one of each reason is.
    refused: BTreeMap<(Source, RejectReason), usize>,
    told: usize,
}

impl Found {
    /// Adds an item.
    ///
    /// # Errors
    /// When the message tells of too much.
    pub(super) fn add(&mut self, item: Item) -> Result<(), EnvelopeError> {
        match &item {
            Item::Rejected { source, rejected, .. } => {
                let next = self.items.len();
                let first = *self.refused.entry((*source, rejected.reason)).or_insert(next);
                if let Some(Item::Rejected { count, .. }) = self.items.get_mut(first) {
                    *count += 1;
                    return Ok(());
                }
            }
            _ if self.told == TOLD_MAX => return Err(EnvelopeError::TooManyRecords),
            _ => self.told += 1,
        }
        self.items.push(item);
        Ok(())
    }

    /// All of them, each refused one where the first of its reason was.
    pub(super) fn into_items(self) -> Vec<Item> {
        self.items
    }
}
