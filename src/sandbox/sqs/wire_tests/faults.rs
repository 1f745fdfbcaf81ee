//! Faults as a client of the wire meets them.

use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;

use super::super::super::faults::Fault;
use super::*;

const ALWAYS: u32 = 1_000;

#[tokio::test]
async fn a_request_fails_as_sqs_fails() {
    let world = World::still().await;
    for (fault, code, status) in [
        (Fault::SqsInternalError, "InternalFailure", 500),
        (Fault::SqsThrottled, "RequestThrottled", 400),
        (Fault::SqsAccessDenied, "AccessDenied", 403),
        (Fault::SqsClockSkew, "SignatureDoesNotMatch", 403),
    ] {
        world.faults.set(fault, ALWAYS);
        let call = world.client.receive_message().queue_url(&world.url).send().await;
        assert_eq!(refusal(&call.expect_err("a fault")), (code.into(), status));
        world.faults.calm();
    }
    assert!(world.receive(&world.url, 0).await.is_empty(), "calm again");
}

#[tokio::test]
async fn what_is_denied_is_refused_in_the_words_of_aws_and_the_rest_is_not() {
    let world = World::still().await;
    world.send("hello").await;
    world.faults.deny("sqs:DeleteMessage", "events");
    let entry = DeleteMessageBatchRequestEntry::builder().id("a").receipt_handle("x").build();
    let call = world.client.delete_message_batch().queue_url(&world.url);
    let call = call.entries(entry.expect("an entry"));
    let error = call.send().await.expect_err("denied");
    assert_eq!(refusal(&error), ("AccessDenied".into(), 403));
    assert_eq!(
        error.message(),
        Some(
            "User: arn:aws:iam::111122223333:user/AKIDEXAMPLE is not authorized to perform: \
             sqs:deletemessage on resource: arn:aws:sqs:eu-west-1:111122223333:events because no \
             identity-based policy allows the sqs:deletemessage action"
        )
    );
    world.receive_one().await;
}

#[tokio::test]
async fn a_receive_may_find_nothing_although_there_is_a_message() {
    let world = World::still().await;
    world.send("hello").await;
    world.faults.set(Fault::SqsEmptyReceive, ALWAYS);
    assert!(world.receive(&world.url, 0).await.is_empty());
    world.faults.calm();
    world.receive_one().await;
}

#[tokio::test]
async fn a_message_may_be_delivered_although_it_is_in_flight() {
    let world = World::still().await;
    world.send("hello").await;
    world.faults.set(Fault::SqsDuplicateDelivery, ALWAYS);
    let first = world.receive_one().await;
    world.faults.calm();
    let second = world.receive_one().await;
    assert_eq!(first.message_id(), second.message_id());
}

#[tokio::test]
async fn a_deleted_message_may_return() {
    let world = World::still().await;
    world.send("hello").await;
    let message = world.receive_one().await;
    world.faults.set(Fault::SqsDeletedReturns, ALWAYS);
    let call = world.client.delete_message().queue_url(&world.url);
    call.receipt_handle(handle(&message)).send().await.expect("a success, it seems");
    assert_eq!(world.depth("events"), (0, 1, 0));
}

#[tokio::test]
async fn an_entry_of_a_batch_may_fail_by_chance() {
    let world = World::still().await;
    world.send("hello").await;
    let message = world.receive_one().await;
    world.faults.set(Fault::SqsFailedEntry, ALWAYS);
    let entry = DeleteMessageBatchRequestEntry::builder().id("a").receipt_handle(handle(&message));
    let call = world.client.delete_message_batch().queue_url(&world.url);
    let answer = call.entries(entry.build().expect("an entry")).send().await.expect("an answer");
    let failure = &answer.failed()[0];
    assert_eq!((failure.code(), failure.sender_fault()), ("InternalError", false));
    assert_eq!(world.depth("events"), (0, 1, 0));
}

#[tokio::test]
async fn a_receipt_handle_may_expire_before_its_time() {
    let world = World::still().await;
    world.send("hello").await;
    let message = world.receive_one().await;
    world.faults.set(Fault::SqsExpiredReceiptHandle, ALWAYS);
    let call = world.client.change_message_visibility().queue_url(&world.url);
    let call = call.receipt_handle(handle(&message)).visibility_timeout(60);
    let error = call.send().await.expect_err("expired");
    assert_eq!(refusal(&error), ("InvalidParameterValue".into(), 400));
    let text = error.message().expect("a message");
    assert!(text.ends_with("Reason: The receipt handle has expired."), "{text}");
}

#[tokio::test]
async fn a_deleted_queue_is_not_there_and_knows_no_old_receipt_when_it_is_made_anew() {
    let world = World::still().await;
    world.send("hello").await;
    let message = world.receive_one().await;
    world.queues.delete_queue("events");
    let call = world.client.receive_message().queue_url(&world.url).send().await;
    let gone = refusal(&call.expect_err("no queue"));
    assert_eq!(gone, ("AWS.SimpleQueueService.NonExistentQueue".into(), 400));
    assert_eq!(world.faults.injected()[&Fault::SqsQueueDeleted], 1);
    world.queues.create("events", QueueAttributes::default());
    assert!(world.receive(&world.url, 0).await.is_empty(), "its messages went with it");
    let call = world.client.delete_message().queue_url(&world.url);
    let error = call.receipt_handle(handle(&message)).send().await.expect_err("of another queue");
    assert_eq!(refusal(&error), ("ReceiptHandleIsInvalid".into(), 400));
    assert_eq!(world.faults.injected()[&Fault::SqsQueueDeleted], 1);
}

#[tokio::test]
async fn an_answer_may_be_cut_although_it_was_done_what_was_asked() {
    let world = World::still().await;
    world.send("hello").await;
    world.faults.set(Fault::SqsAnswerReset, ALWAYS);
    let before = world.queues.requests("events");
    let call = world.client.receive_message().queue_url(&world.url).send().await;
    assert!(matches!(
        call.expect_err("cut"),
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_)
    ));
    world.faults.calm();
    assert_eq!(world.depth("events"), (0, 1, 0), "received by nobody");
    assert_eq!(world.queues.requests("events"), before + 1);
}

#[tokio::test]
async fn messages_may_come_youngest_first() {
    let world = World::still().await;
    for body in ["a", "b", "c"] {
        world.send(body).await;
    }
    world.faults.set(Fault::SqsOutOfOrder, ALWAYS);
    let bodies = |messages: Vec<Message>| -> Vec<String> {
        messages.into_iter().filter_map(|message| message.body).collect()
    };
    assert_eq!(bodies(world.receive(&world.url, 0).await), ["c", "b", "a"]);
}

#[tokio::test]
async fn a_message_may_come_long_after_younger_ones() {
    let world = World::still().await;
    world.faults.set(Fault::SqsStaleDelivery, ALWAYS);
    world.send("old").await;
    world.faults.calm();
    world.send("young").await;
    assert_eq!(world.receive_one().await.body(), Some("young"));
    assert_eq!(world.depth("events"), (0, 1, 1), "the old one is still on its way");
}
