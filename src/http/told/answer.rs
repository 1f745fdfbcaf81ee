//! Answers about deletions as JSON: a list, the history of one key, one request. What was told
//! reads back as what it was told of, but for what nobody is told. It asks nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::{Protection, Refused, Unresolved, WholeCall, WholeRefused};
use super::completeness::ToldCompleteness;
use super::deletion::{Declared, Deletion};
use super::values::{Text, told};
use crate::store::{Cursor, Deletions, KeyHistory, KeyIntent, KeyQuestion, RequestHistory};

/// Removals, newest first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeletionList<'a> {
    /// The removals.
    pub deletions: Vec<Deletion<'a>>,
    /// Whether there are more.
    pub has_more: bool,
    /// What to ask for the next ones with; null when there are none. Opaque.
    pub next_cursor: Option<String>,
    /// The newest keys that were declared to be deleted and were not; on the first page only, and
    /// not when a principal or a request is asked for.
    pub unfulfilled_intents: Vec<Unfulfilled<'a>>,
    /// How far that may be believed.
    pub completeness: ToldCompleteness<'a>,
}

/// A declared delete that was not carried out.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Unfulfilled<'a> {
    /// The bucket.
    pub bucket: Text<'a>,
    /// The key.
    pub key: Option<Text<'a>>,
    /// What was declared.
    #[serde(flatten)]
    pub declared: Declared<'a>,
}

impl<'a> DeletionList<'a> {
    /// What is told of an answer.
    #[must_use]
    pub fn of(deletions: &'a Deletions) -> Self {
        Self {
            deletions: deletions.rows.iter().map(Deletion::of).collect(),
            has_more: deletions.has_more,
            next_cursor: deletions.next.as_ref().map(Cursor::to_string),
            unfulfilled_intents: deletions.unfulfilled.iter().map(Unfulfilled::of).collect(),
            completeness: ToldCompleteness::of(&deletions.completeness),
        }
    }

    /// The answer that it was told of; `None` when an id or the cursor is none.
    #[must_use]
    pub fn answer(&self) -> Option<Deletions> {
        Some(Deletions {
            rows: self.deletions.iter().map(Deletion::row).collect::<Option<_>>()?,
            has_more: self.has_more,
            next: match &self.next_cursor {
                Some(cursor) => Some(Cursor::parse(cursor)?),
                None => None,
            },
            unfulfilled: self.unfulfilled_intents.iter().map(Unfulfilled::intent).collect(),
            completeness: self.completeness.completeness(),
        })
    }
}

impl<'a> Unfulfilled<'a> {
    fn of(declared: &'a KeyIntent) -> Self {
        Self {
            bucket: Text::Borrowed(&declared.intent.bucket),
            key: told(declared.intent.keys.first().map(String::as_str)),
            declared: Declared::of(declared),
        }
    }

    fn intent(&self) -> KeyIntent {
        self.declared.intent(&self.bucket, self.key.as_deref())
    }
}

/// Everything that tells who removed a key, or why that is not known.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct WhoDeleted<'a> {
    /// Its removals, newest first.
    pub deletions: Vec<Deletion<'a>>,
    /// Whether there are older ones.
    pub has_more: bool,
    /// The newest attempts that S3 refused.
    pub refused: Vec<Refused<'a>>,
    /// Declared deletes of it that nothing fulfilled.
    pub intents: Vec<Declared<'a>>,
    /// Changes of what protects the bucket in the 48 h before.
    pub protection_changes: Vec<Protection<'a>>,
    /// The newest bulk deletes of the bucket of which no key is known: it may have been in one.
    pub unresolved_bulk_deletes: Vec<Unresolved<'a>>,
    /// When it was not removed: the newest removals in the bucket of unknown keys.
    pub deletions_of_unknown_keys: Vec<Deletion<'a>>,
    /// Whether keys below it, as below a folder, were removed.
    pub has_deletions_below: bool,
    /// How far that may be believed.
    pub completeness: ToldCompleteness<'a>,
}

impl<'a> WhoDeleted<'a> {
    /// What is told of an answer.
    #[must_use]
    pub fn of(history: &'a KeyHistory) -> Self {
        Self {
            deletions: history.deletions.iter().map(Deletion::of).collect(),
            has_more: history.has_more,
            refused: history.refused.iter().map(Refused::of).collect(),
            intents: history.intents.iter().map(Declared::of).collect(),
            protection_changes: history.protection_changes.iter().map(Protection::of).collect(),
            unresolved_bulk_deletes: history.unresolved_calls.iter().map(Unresolved::of).collect(),
            deletions_of_unknown_keys: history.unknown_keys.iter().map(Deletion::of).collect(),
            has_deletions_below: history.has_removed_below,
            completeness: ToldCompleteness::of(&history.completeness),
        }
    }

    /// The answer that it was told of; `None` when an id is none.
    #[must_use]
    pub fn answer(&self, question: &KeyQuestion) -> Option<KeyHistory> {
        let (bucket, key) = (question.bucket.as_str(), Some(question.key.as_str()));
        let calls = self.unresolved_bulk_deletes.iter();
        let unknown = self.deletions_of_unknown_keys.iter();
        Some(KeyHistory {
            deletions: self.deletions.iter().map(Deletion::row).collect::<Option<_>>()?,
            has_more: self.has_more,
            refused: self.refused.iter().map(Refused::refusal).collect(),
            intents: self.intents.iter().map(|it| it.intent(bucket, key)).collect(),
            protection_changes: self.protection_changes.iter().map(Protection::change).collect(),
            unresolved_calls: calls.map(|call| call.call(bucket)).collect(),
            unknown_keys: unknown.map(Deletion::row).collect::<Option<_>>()?,
            has_removed_below: self.has_deletions_below,
            completeness: self.completeness.completeness(),
        })
    }
}

/// One request and what it did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldRequest<'a> {
    /// The calls of this id: one, unless somebody made ids up.
    pub calls: Vec<WholeCall<'a>>,
    /// What it removed, at most 1000.
    pub deletions: Vec<Deletion<'a>>,
    /// Whether there are more.
    pub has_more: bool,
    /// Keys of a bulk delete that S3 refused, at most 1000.
    pub refused: Vec<WholeRefused<'a>>,
    /// How far that may be believed.
    pub completeness: ToldCompleteness<'a>,
}

impl<'a> ToldRequest<'a> {
    /// What is told of an answer.
    #[must_use]
    pub fn of(history: &'a RequestHistory) -> Self {
        Self {
            calls: history.calls.iter().map(WholeCall::of).collect(),
            deletions: history.deletions.rows.iter().map(Deletion::of).collect(),
            has_more: history.deletions.has_more,
            refused: history.refused.iter().map(WholeRefused::of).collect(),
            completeness: ToldCompleteness::of(&history.deletions.completeness),
        }
    }
}
