//! Deletes settled messages, as many in one call as are waiting. It knows nothing of why a message
//! is settled.

use std::borrow::Cow;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::queue::{Entry, Queue};

/// Entries that one call may delete, by the limit of SQS.
const BATCH_ENTRIES_MAX: usize = 10;
/// How long a call waits for further messages while it could delete more. A call takes much more
/// processor time than anything else that is done for a small log object.
const GATHER: Duration = Duration::from_millis(20);
/// Tries of one delete before the message is left to come back.
const TRIES_MAX: u32 = 4;

/// Why a message was not deleted; it will come again and be found committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotAcknowledged(pub(super) String);

type Answer = Result<(), NotAcknowledged>;

/// Messages to be deleted, and where to say how each of them went.
struct Request {
    entries: Vec<Entry>,
    answer: oneshot::Sender<Vec<Answer>>,
}

/// Hands messages to the task that deletes them.
#[derive(Debug, Clone)]
pub(super) struct Acknowledger(mpsc::Sender<Request>);

impl Acknowledger {
    /// Starts the task; it ends when the last clone is dropped and all is deleted.
    pub(super) fn start(queue: Queue) -> Self {
        let (sender, receiver) = mpsc::channel(BATCH_ENTRIES_MAX * 4);
        tokio::spawn(delete_all(queue, receiver));
        Self(sender)
    }

    /// Deletes messages and says how it went with each, in their order. The caller no longer
    /// extends their leases.
    pub(super) async fn acknowledge(&self, entries: Vec<Entry>) -> Vec<Answer> {
        let count = entries.len();
        let (answer, answered) = oneshot::channel();
        if self.0.send(Request { entries, answer }).await.is_ok()
            && let Ok(answers) = answered.await
        {
            return answers;
        }
        let gone = || Err(NotAcknowledged("the acknowledging task has ended".into()));
        (0..count).map(|_| gone()).collect()
    }
}

async fn delete_all(queue: Queue, mut waiting: mpsc::Receiver<Request>) {
    let mut requests = Vec::with_capacity(BATCH_ENTRIES_MAX);
    while waiting.recv_many(&mut requests, BATCH_ENTRIES_MAX).await > 0 {
        gather(&mut waiting, &mut requests, GATHER).await;
        let counts: Vec<usize> = requests.iter().map(|request| request.entries.len()).collect();
        let (entries, answers): (Vec<_>, Vec<_>) =
            requests.drain(..).map(|request| (request.entries, request.answer)).unzip();
        let entries: Vec<Entry> = entries.into_iter().flatten().collect();
        let mut results = Vec::with_capacity(entries.len());
        for entries in entries.chunks(BATCH_ENTRIES_MAX) {
            results.extend(delete_batch(&queue, entries).await);
        }
        let mut results = results.into_iter();
        for (answer, count) in answers.into_iter().zip(counts) {
            // A caller is gone only when the daemon ends; there is nobody to tell then.
            let _ = answer.send(results.by_ref().take(count).collect());
        }
    }
}

/// Takes further requests until one call is full, or `patience` is over.
async fn gather(
    waiting: &mut mpsc::Receiver<Request>,
    requests: &mut Vec<Request>,
    patience: Duration,
) {
    let deadline = Instant::now() + patience;
    while requests.iter().map(|request| request.entries.len()).sum::<usize>() < BATCH_ENTRIES_MAX {
        match timeout_at(deadline, waiting.recv()).await {
            Ok(Some(request)) => requests.push(request),
            Ok(None) | Err(_) => return,
        }
    }
}

/// Deletes up to [`BATCH_ENTRIES_MAX`] messages; how it went with each, in their order.
async fn delete_batch(queue: &Queue, entries: &[Entry]) -> Vec<Answer> {
    let mut answers: Vec<Answer> = vec![Ok(()); entries.len()];
    let mut left: Vec<usize> = (0..entries.len()).collect();
    let mut asked = Cow::Borrowed(entries);
    for attempt in 1..=TRIES_MAX {
        let reason = match queue.delete(&asked).await {
            Ok(failures) => {
                let mut again = Vec::new();
                for failure in failures {
                    let at = left[failure.index];
                    if failure.sender_fault || failure.lease_lost {
                        answers[at] = Err(NotAcknowledged(failure.code));
                    } else {
                        again.push(at);
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
        asked = left.iter().map(|&at| entries[at].clone()).collect();
        if attempt == TRIES_MAX {
            for &at in &left {
                answers[at] = Err(NotAcknowledged(reason.clone()));
            }
        } else {
            tokio::time::sleep(Duration::from_millis(200) * attempt).await;
        }
    }
    answers
}

#[cfg(test)]
mod tests;
