//! Settling deliveries in batches: deleting them, or changing how long they stay invisible. An
//! answer of 200 can still refuse single entries; they are handed back one by one.

use std::fmt;
use std::time::Duration;

use aws_sdk_sqs::types::builders::{
    ChangeMessageVisibilityBatchRequestEntryBuilder, DeleteMessageBatchRequestEntryBuilder,
};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    ChangeMessageVisibilityBatchResultEntry, DeleteMessageBatchRequestEntry,
    DeleteMessageBatchResultEntry,
};

use super::error::{Operation, QueueError, bare_code};
use super::text::one_line;
use super::{Queue, client};

/// SQS takes no more entries than this in one call.
const BATCH_ENTRIES_MAX: usize = 10;
/// SQS keeps a message invisible for 12 hours at most.
const VISIBILITY_SECONDS_MAX: u64 = 43_200;

/// One delivery of a message.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The message's id, for people.
    pub message_id: String,
    /// The handle of the delivery, for SQS.
    pub receipt_handle: String,
}

/// Without the receipt handle, with which a reader of logs could settle the message.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

/// An entry that SQS refused while it took the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFailure {
    /// Place of the entry in the slice that was given.
    pub index: usize,
    /// The entry itself.
    pub entry: Entry,
    /// The code of SQS, such as `ReceiptHandleIsInvalid`; `Unanswered` when SQS said neither that
    /// the entry was done nor that it was refused.
    pub code: String,
    /// What SQS adds to the code, on one line and without the handle; may be empty.
    pub message: String,
    /// Whether SQS blames the caller; if not, the same entry may be sent again.
    pub sender_fault: bool,
    /// Whether the delivery is no longer ours: its message is, or will be, delivered again.
    pub lease_lost: bool,
    /// Whether the message would have been invisible for longer than SQS allows.
    pub beyond_limit: bool,
}

impl Queue {
    /// Deletes messages for good. More than 10 are sent as several calls, one after the other, each
    /// tried once. SQS may report success for a stale handle without deleting anything.
    ///
    /// # Errors
    /// When a whole call fails. Entries of earlier calls may be gone by then; to send them again
    /// does no harm.
    pub async fn delete(&self, entries: &[Entry]) -> Result<Vec<EntryFailure>, QueueError> {
        let mut failures = Vec::new();
        for (start, batch) in batches(entries) {
            let request = batch.iter().enumerate().map(delete_request).collect();
            let answer = self
                .client()
                .delete_message_batch()
                .queue_url(self.url())
                .set_entries(Some(request))
                .customize()
                .config_override(client::tried_once_within(client::SHORT_CALL))
                .send();
            let answer = self.paced(Operation::Delete, answer).await?;
            let done = answer.successful().iter().map(DeleteMessageBatchResultEntry::id);
            failures.extend(refused(start, batch, done, answer.failed()));
        }
        Ok(failures)
    }

    /// Sets how long each delivery stays invisible from now on (whole seconds, rounded up, at most
    /// 12 hours; zero makes it visible at once). More than 10 are sent as several calls, each tried
    /// once.
    ///
    /// # Errors
    /// When a whole call fails. Entries of earlier calls may be changed by then; to send them again
    /// does no harm.
    pub async fn change_visibility(
        &self,
        changes: &[(Entry, Duration)],
    ) -> Result<Vec<EntryFailure>, QueueError> {
        let mut failures = Vec::new();
        for (start, batch) in batches(changes) {
            let request = batch.iter().enumerate().map(visibility_request).collect();
            let answer = self
                .client()
                .change_message_visibility_batch()
                .queue_url(self.url())
                .set_entries(Some(request))
                .customize()
                .config_override(client::tried_once_within(client::SHORT_CALL))
                .send();
            let answer = self.paced(Operation::ChangeVisibility, answer).await?;
            let entries: Vec<Entry> = batch.iter().map(|(entry, _)| entry.clone()).collect();
            let done = answer.successful().iter().map(ChangeMessageVisibilityBatchResultEntry::id);
            failures.extend(refused(start, &entries, done, answer.failed()));
        }
        Ok(failures)
    }
}

fn batches<T>(entries: &[T]) -> impl Iterator<Item = (usize, &[T])> {
    entries
        .chunks(BATCH_ENTRIES_MAX)
        .enumerate()
        .map(|(number, batch)| (number * BATCH_ENTRIES_MAX, batch))
}

/// The id of an entry is its place in the batch, and so unique even when a message comes twice.
#[expect(clippy::expect_used, reason = "both required members are set")]
fn delete_request((place, entry): (usize, &Entry)) -> DeleteMessageBatchRequestEntry {
    DeleteMessageBatchRequestEntryBuilder::default()
        .id(place.to_string())
        .receipt_handle(&entry.receipt_handle)
        .build()
        .expect("id and receipt handle are set")
}

#[expect(clippy::expect_used, reason = "both required members are set")]
fn visibility_request(
    (place, (entry, visibility)): (usize, &(Entry, Duration)),
) -> ChangeMessageVisibilityBatchRequestEntry {
    ChangeMessageVisibilityBatchRequestEntryBuilder::default()
        .id(place.to_string())
        .receipt_handle(&entry.receipt_handle)
        .visibility_timeout(visibility_seconds(*visibility))
        .build()
        .expect("id and receipt handle are set")
}

/// Whole seconds, rounded up: a lease must not end before its holder thinks so.
pub(super) fn visibility_seconds(visibility: Duration) -> i32 {
    let up = visibility.as_secs() + u64::from(visibility.subsec_nanos() > 0);
    i32::try_from(up.min(VISIBILITY_SECONDS_MAX)).unwrap_or(i32::MAX)
}

/// Everything in the batch that SQS did not call done.
fn refused<'a>(
    start: usize,
    batch: &[Entry],
    done: impl Iterator<Item = &'a str>,
    failed: &[BatchResultErrorEntry],
) -> Vec<EntryFailure> {
    let done: Vec<&str> = done.collect();
    let mut failures = Vec::new();
    for (place, entry) in batch.iter().enumerate() {
        let id = place.to_string();
        let failure = failed.iter().find(|failure| failure.id() == id);
        if failure.is_none() && done.contains(&id.as_str()) {
            continue;
        }
        let code = failure.map_or("Unanswered", |failure| bare_code(failure.code()));
        let message = failure.and_then(|failure| failure.message()).unwrap_or_default();
        let without_handle = message.replace(&entry.receipt_handle, "...");
        failures.push(EntryFailure {
            index: start + place,
            entry: entry.clone(),
            code: one_line(code),
            message: one_line(&without_handle),
            sender_fault: failure.is_some_and(BatchResultErrorEntry::sender_fault),
            lease_lost: is_lease_lost(code, message),
            beyond_limit: is_beyond_limit(code, message),
        });
    }
    failures
}

/// SQS also says it with the code of a bad parameter: "Value ... for parameter `ReceiptHandle` is
/// invalid. Reason: Message does not exist or is not available for visibility timeout change."
fn is_lease_lost(code: &str, message: &str) -> bool {
    match code {
        "MessageNotInflight" | "ReceiptHandleIsInvalid" => true,
        "InvalidParameterValue" => message.contains("for parameter ReceiptHandle is invalid"),
        _ => false,
    }
}

/// "Value 600 for parameter `VisibilityTimeout` is invalid. Reason: Total `VisibilityTimeout` for
/// the message is beyond the limit [43200 seconds]": every single value asked for is in range.
fn is_beyond_limit(code: &str, message: &str) -> bool {
    code == "InvalidParameterValue"
        && message.contains("for parameter VisibilityTimeout is invalid")
}
