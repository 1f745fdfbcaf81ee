//! Messages over the wire: sent, received, held, given back, buried.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    SendMessageBatchRequestEntry,
};

use super::*;

fn sending(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().expect("an entry")
}

fn deleting(id: &str, handle: &str) -> DeleteMessageBatchRequestEntry {
    DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().expect("entry")
}

fn hiding(id: &str, handle: &str, seconds: i32) -> ChangeMessageVisibilityBatchRequestEntry {
    let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id).receipt_handle(handle);
    entry.visibility_timeout(seconds).build().expect("an entry")
}

/// Until as many long polls wait for messages of `events`.
async fn polls_wait(world: &World, polls: usize) {
    let waiting = || {
        let held = world.queues.with_queue("events", |kept, _| Arc::strong_count(&kept.arrivals));
        held.expect("the queue") - 1
    };
    within(async {
        while waiting() < polls {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_is_sent_received_and_deleted() {
    let world = World::still().await;
    let id = world.send("hello").await;
    let message = world.receive_one().await;
    assert_eq!(message.message_id(), Some(id.as_str()));
    assert_eq!(message.body(), Some("hello"));
    assert_eq!(message.md5_of_body(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!(shown(&message, &Shown::ApproximateReceiveCount), Some("1"));
    for name in [Shown::SentTimestamp, Shown::ApproximateFirstReceiveTimestamp] {
        let millis: i64 = shown(&message, &name).expect("a time").parse().expect("milliseconds");
        assert!((0..60_000).contains(&(millis - NOON.as_millis())), "{millis} is not of the clock");
    }
    assert!(world.receive(&world.url, 0).await.is_empty(), "it is in flight");
    assert_eq!(world.depth("events"), (0, 1, 0));

    let call = world.client.delete_message().queue_url(&world.url);
    call.receipt_handle(handle(&message)).send().await.expect("deleted");
    assert_eq!(world.depth("events"), (0, 0, 0));
}

#[tokio::test]
async fn attributes_of_a_message_come_only_if_asked_for() {
    let world = World::still().await;
    world.send("hello").await;
    let answer = world.client.receive_message().queue_url(&world.url).send().await;
    assert_eq!(answer.expect("an answer").messages()[0].attributes, None);
}

#[tokio::test]
async fn a_long_poll_is_woken_by_a_send() {
    let world = World::still().await;
    let (messages, ()) = tokio::join!(world.receive(&world.url, 20), async {
        polls_wait(&world, 1).await;
        assert!(world.queues.send(&world.queues.arn("events"), "from S3".into()));
    });
    assert_eq!(messages[0].body(), Some("from S3"));
}

#[tokio::test]
async fn parallel_long_polls_each_get_a_message() {
    let world = World::still().await;
    let polls = (0..32).map(|_| {
        let call = world.client.receive_message().queue_url(&world.url).wait_time_seconds(20);
        tokio::spawn(async move { call.send().await.expect("an answer").messages.expect("one") })
    });
    let polls: Vec<_> = polls.collect();
    polls_wait(&world, 32).await;
    for number in 0..32 {
        world.send(&number.to_string()).await;
    }
    let mut bodies = BTreeSet::new();
    for poll in polls {
        let messages = within(poll).await.expect("no panic");
        assert_eq!(messages.len(), 1, "a receive asks for one unless told");
        bodies.insert(messages[0].body().expect("a body").to_owned());
    }
    assert_eq!(bodies.len(), 32);
}

#[tokio::test]
async fn a_long_poll_ends_without_messages() {
    let world = World::at_pace(1_000.0).await;
    assert!(world.receive(&world.url, 20).await.is_empty());
}

#[tokio::test]
async fn a_message_comes_back_when_its_visibility_timeout_ends() {
    let world = World::at_pace(100.0).await;
    world.send("hello").await;
    let first = world.receive_one().await;
    let again = within(async {
        loop {
            if let Some(message) = world.receive(&world.url, 20).await.pop() {
                return message;
            }
        }
    })
    .await;
    assert_eq!(again.message_id(), first.message_id());
    assert_ne!(again.receipt_handle(), first.receipt_handle());
    assert_eq!(shown(&again, &Shown::ApproximateReceiveCount), Some("2"));
    assert_eq!(
        shown(&again, &Shown::ApproximateFirstReceiveTimestamp),
        shown(&first, &Shown::ApproximateFirstReceiveTimestamp)
    );
}

#[tokio::test]
async fn a_waiting_poll_sees_a_timeout_that_began_after_it() {
    let world = World::at_pace(100.0).await;
    let (messages, ()) = tokio::join!(world.receive(&world.url, 20), async {
        polls_wait(&world, 1).await;
        let call = world.client.send_message().queue_url(&world.url).message_body("later");
        call.delay_seconds(3).send().await.expect("sent");
    });
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letter_queue() {
    let world = World::still().await;
    let dead_url = world.queues.create("events-dead", QueueAttributes::default());
    let redrive = Redrive { dead_letter_arn: world.queues.arn("events-dead"), receives_max: 2 };
    let attributes = QueueAttributes { redrive: Some(redrive), ..QueueAttributes::default() };
    world.queues.create("events", attributes);
    let id = world.send("poison").await;
    for _ in 0..2 {
        let message = world.receive_one().await;
        world.release(&message).await;
    }
    let (dead, received) = tokio::join!(world.receive(&dead_url, 20), world.receive(&world.url, 0));
    assert!(received.is_empty());
    assert_eq!(dead[0].message_id(), Some(id.as_str()));
    let source = "arn:aws:sqs:eu-west-1:111122223333:events";
    assert_eq!(shown(&dead[0], &Shown::DeadLetterQueueSourceArn), Some(source));
    assert_eq!(world.depth("events"), (0, 0, 0));
}

#[tokio::test]
async fn an_old_receipt_handle_deletes_nothing_and_extends_nothing() {
    let world = World::still().await;
    world.send("hello").await;
    let first = world.receive_one().await;
    world.release(&first).await;
    world.receive_one().await;

    let call = world.client.delete_message().queue_url(&world.url);
    call.receipt_handle(handle(&first)).send().await.expect("a success that does nothing");
    assert_eq!(world.depth("events"), (0, 1, 0));

    let call = world.client.change_message_visibility().queue_url(&world.url);
    let call = call.receipt_handle(handle(&first)).visibility_timeout(60);
    let error = call.send().await.expect_err("stale");
    assert_eq!(refusal(&error), ("InvalidParameterValue".into(), 400));
}

#[tokio::test]
async fn what_is_no_receipt_handle_or_not_in_flight_is_refused() {
    let world = World::still().await;
    world.send("hello").await;
    let message = world.receive_one().await;
    world.release(&message).await;

    let call = world.client.change_message_visibility().queue_url(&world.url);
    let visible = call.clone().receipt_handle(handle(&message)).visibility_timeout(60);
    let error = visible.send().await.expect_err("it is visible").into_service_error();
    assert!(error.is_message_not_inflight(), "{error:?}");
    let nonsense = call.receipt_handle("nonsense").visibility_timeout(60);
    let error = nonsense.send().await.expect_err("nonsense").into_service_error();
    assert!(error.is_receipt_handle_is_invalid(), "{error:?}");
}

#[tokio::test]
async fn an_entry_of_a_batch_fails_alone() {
    let world = World::still().await;
    let batch = world.client.send_message_batch().queue_url(&world.url);
    let long = "x".repeat(1_000_000);
    let batch = batch.entries(sending("good", &long)).entries(sending("bad", "\u{1}"));
    let sent = batch.send().await.expect("an answer");
    assert_eq!((sent.successful()[0].id(), sent.successful().len()), ("good", 1));
    let failure = &sent.failed()[0];
    assert_eq!((failure.id(), failure.sender_fault()), ("bad", true));
    assert_eq!(failure.code(), "InvalidMessageContents");

    let message = world.receive_one().await;
    let batch = world.client.change_message_visibility_batch().queue_url(&world.url);
    let batch = batch.entries(hiding("good", handle(&message), 90)).entries(hiding("bad", "x", 9));
    let changed = batch.send().await.expect("an answer");
    assert_eq!((changed.successful()[0].id(), changed.failed()[0].id()), ("good", "bad"));

    let batch = world.client.delete_message_batch().queue_url(&world.url);
    let batch = batch.entries(deleting("bad", "x")).entries(deleting("good", handle(&message)));
    let deleted = batch.send().await.expect("an answer");
    assert_eq!((deleted.successful()[0].id(), deleted.failed()[0].id()), ("good", "bad"));
    assert_eq!(deleted.failed()[0].code(), "ReceiptHandleIsInvalid");
    assert_eq!(world.depth("events"), (0, 0, 0));
}

#[tokio::test]
async fn a_batch_has_one_to_ten_entries_with_ids_of_their_own() {
    let world = World::still().await;
    let batch = world.client.send_message_batch().queue_url(&world.url);
    let error = batch.clone().set_entries(Some(Vec::new())).send().await.expect_err("empty");
    assert!(error.into_service_error().is_empty_batch_request());
    let many = (0..11).map(|number| sending(&number.to_string(), "body")).collect();
    let error = batch.clone().set_entries(Some(many)).send().await.expect_err("eleven");
    assert!(error.into_service_error().is_too_many_entries_in_batch_request());
    let twice = vec![sending("a", "one"), sending("a", "other")];
    let error = batch.clone().set_entries(Some(twice)).send().await.expect_err("twice");
    assert!(error.into_service_error().is_batch_entry_ids_not_distinct());
    let unnamed = vec![sending("a b", "one")];
    let error = batch.clone().set_entries(Some(unnamed)).send().await.expect_err("a bad id");
    assert!(error.into_service_error().is_invalid_batch_entry_id());
    let halves = ["a", "b"].map(|id| sending(id, &"x".repeat(600_000)));
    let error = batch.set_entries(Some(halves.into())).send().await.expect_err("too long");
    assert!(error.into_service_error().is_batch_request_too_long());
    assert_eq!(world.depth("events"), (0, 0, 0));
}
