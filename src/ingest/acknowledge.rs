//! Deletes settled messages, as many in one call as are waiting. It knows nothing of why a message
//! is settled.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::queue::{Entry, Queue};

/// Entries that one call may delete, by the limit of SQS.
const BATCH_ENTRIES_MAX: usize = 10;
/// Tries of one delete before the message is left to come back.
const TRIES_MAX: u32 = 4;

/// Why a message was not deleted; it will come again and be found committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotAcknowledged(pub(super) String);

type Answer = Result<(), NotAcknowledged>;

/// Hands messages to the task that deletes them.
#[derive(Debug, Clone)]
pub(super) struct Acknowledger(mpsc::Sender<(Entry, oneshot::Sender<Answer>)>);

impl Acknowledger {
    /// Starts the task; it ends when the last clone is dropped and all is deleted.
    pub(super) fn start(queue: Queue) -> Self {
        let (sender, receiver) = mpsc::channel(BATCH_ENTRIES_MAX * 4);
        tokio::spawn(delete_all(queue, receiver));
        Self(sender)
    }

    /// Deletes one message and says how it went. The caller no longer extends the lease.
    ///
    /// # Errors
    /// What SQS said, after a few tries.
    pub(super) async fn acknowledge(&self, entry: Entry) -> Answer {
        let (answer, answered) = oneshot::channel();
        let gone = || NotAcknowledged("the acknowledging task has ended".into());
        self.0.send((entry, answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

async fn delete_all(queue: Queue, mut waiting: mpsc::Receiver<(Entry, oneshot::Sender<Answer>)>) {
    let mut batch = Vec::with_capacity(BATCH_ENTRIES_MAX);
    while waiting.recv_many(&mut batch, BATCH_ENTRIES_MAX).await > 0 {
        for (answer, result) in delete_batch(&queue, std::mem::take(&mut batch)).await {
            // A caller is gone only when the daemon ends; there is nobody to tell then.
            let _ = answer.send(result);
        }
    }
}

async fn delete_batch(
    queue: &Queue,
    mut left: Vec<(Entry, oneshot::Sender<Answer>)>,
) -> Vec<(oneshot::Sender<Answer>, Answer)> {
    let mut answers = Vec::with_capacity(left.len());
    for attempt in 1..=TRIES_MAX {
        let entries: Vec<Entry> = left.iter().map(|(entry, _)| entry.clone()).collect();
        let reason = match queue.delete(&entries).await {
            Ok(failures) => {
                let mut again = Vec::new();
                for (index, (entry, answer)) in left.into_iter().enumerate() {
                    match failures.iter().find(|failure| failure.index == index) {
                        None => answers.push((answer, Ok(()))),
                        Some(failure) if failure.sender_fault || failure.lease_lost => {
                            answers.push((answer, Err(NotAcknowledged(failure.code.clone()))));
                        }
                        Some(_) => again.push((entry, answer)),
                    }
                }
                left = again;
                "the queue refused this entry for now".to_owned()
            }
            Err(error) => error.to_string(),
        };
        if left.is_empty() {
            break;
        }
        if attempt == TRIES_MAX {
            let failed = left.drain(..);
            answers
                .extend(failed.map(|(_, answer)| (answer, Err(NotAcknowledged(reason.clone())))));
        } else {
            tokio::time::sleep(Duration::from_millis(200) * attempt).await;
        }
    }
    answers
}
