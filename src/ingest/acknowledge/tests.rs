//! What is deleted together, and who is told how it went. SQS gives canned answers.

use futures_util::future::{join, join_all};

use super::*;
use crate::queue::canned_http::{Canned, CannedHttp, sdk_config};

const URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/log-events";
/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(2);

fn entry(number: usize) -> Entry {
    Entry { message_id: format!("m{number}"), receipt_handle: format!("handle-{number}") }
}

fn request(entries: impl Iterator<Item = usize>) -> (Request, oneshot::Receiver<Vec<Answer>>) {
    let (answer, answered) = oneshot::channel();
    (Request { entries: entries.map(entry).collect(), answer }, answered)
}

/// How many entries are gathered when one waits and the others come while it does.
async fn gathered(others: &[usize], patience: Duration) -> usize {
    let (sender, mut waiting) = mpsc::channel(BATCH_ENTRIES_MAX);
    let mut requests = vec![request(0..1).0];
    let come = async {
        for &entries in others {
            tokio::task::yield_now().await;
            let _ = sender.send(request(0..entries).0).await;
        }
        // Held: a channel that is closed is nothing to wait for.
        sender
    };
    let gathering = gather(&mut waiting, &mut requests, patience);
    let (_sender, ()) =
        tokio::time::timeout(LONG / 2, join(come, gathering)).await.expect("it ends");
    requests.iter().map(|request| request.entries.len()).sum()
}

#[tokio::test]
async fn a_call_waits_until_it_is_full_and_no_longer() {
    assert_eq!(gathered(&[1; 9], LONG).await, 10);
    assert_eq!(gathered(&[4, 4, 4], LONG).await, 13, "the entries of one request stay together");
}

#[tokio::test]
async fn a_call_that_does_not_fill_goes_out_when_patience_is_over() {
    assert_eq!(gathered(&[], GATHER).await, 1);
}

async fn acknowledger_that_is_answered(answers: Vec<Canned>) -> (Acknowledger, CannedHttp) {
    let server = CannedHttp::start(answers).await;
    let queue = Queue::new(&sdk_config(&server.origin), URL).expect("a queue");
    (Acknowledger::start(queue), server)
}

fn deleted(ids: std::ops::Range<usize>) -> String {
    let ids: Vec<String> = ids.map(|id| format!(r#"{{"Id":"{id}"}}"#)).collect();
    ids.join(",")
}

#[tokio::test]
async fn twenty_messages_are_deleted_in_two_calls() {
    let answer = || Canned::answer(200, format!(r#"{{"Successful":[{}]}}"#, deleted(0..10)));
    let (acknowledger, server) = acknowledger_that_is_answered(vec![answer(), answer()]).await;

    let asked = (0..20).map(|number| acknowledger.acknowledge(vec![entry(number)]));
    let answers = join_all(asked).await.concat();

    assert_eq!(answers, vec![Ok(()); 20]);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn whoever_asked_hears_of_his_own_messages() {
    let lost = r#"{"Id":"4","SenderFault":true,"Code":"ReceiptHandleIsInvalid"}"#;
    let body =
        format!(r#"{{"Successful":[{},{}],"Failed":[{lost}]}}"#, deleted(0..4), deleted(5..10));
    let (acknowledger, server) =
        acknowledger_that_is_answered(vec![Canned::answer(200, body)]).await;

    let entries = |from: usize, to: usize| (from..to).map(entry).collect::<Vec<_>>();
    let (first, second) =
        join(acknowledger.acknowledge(entries(0, 3)), acknowledger.acknowledge(entries(3, 10)))
            .await;

    assert_eq!(first, vec![Ok(()); 3]);
    let refused: Vec<bool> = second.iter().map(Result::is_err).collect();
    assert_eq!(refused, [false, true, false, false, false, false, false]);
    assert_eq!(server.requests().len(), 1);
}
