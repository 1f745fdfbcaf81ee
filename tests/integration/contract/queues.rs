//! Checks of SQS: leases, receipts, batches, redrive, and what is refused.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, DeleteMessageBatchResultEntry, Message,
    MessageSystemAttributeName, QueueAttributeName,
};

use super::{Seen, Service, code};

/// What AWS does: the SQS API reference and "Amazon SQS visibility timeout".
pub(super) const AWS: &[(&str, &str)] = &[
    ("a batch answers for each entry", "deleted good; failed bad ReceiptHandleIsInvalid"),
    ("a batch needs different ids", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
    ("a batch of none", "AWS.SimpleQueueService.EmptyBatchRequest"),
    ("a batch of eleven", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
    ("a delete with a stale receipt handle says yes and deletes nothing", "accepted, 1 left"),
    ("a lease cannot be extended when it has ended", "AWS.SimpleQueueService.MessageNotInflight"),
    ("a long poll is woken by a message", "woken"),
    ("a message comes back when it is released", "received 2 times"),
    ("a message is received with its attributes", "hello, MD5 5d41402abc4b2a76b9719d911017c592, 1"),
    ("a message that is in flight is not received", "nothing; 0 visible, 1 in flight"),
    ("a message that was received too often goes to the dead letters", "poison, same id true"),
    ("a queue that is not there", "AWS.SimpleQueueService.NonExistentQueue"),
    ("a receipt handle that never was", "ReceiptHandleIsInvalid"),
    ("a receive of eleven", "InvalidParameterValue"),
    ("the attributes tell of the redrive policy", "maxReceiveCount 2, timeout 30"),
];

pub(super) async fn check(service: &Service, seen: &mut Seen) {
    let sqs = &service.sqs;
    let url = queue(sqs, "contract", None).await;
    leases(sqs, &url, seen).await;
    ended_lease(sqs, seen).await;
    batches(sqs, &url, seen).await;
    refusals(sqs, &url, seen).await;
    long_poll(sqs, seen).await;
    redrive(sqs, seen).await;
}

async fn queue(sqs: &Client, name: &str, redrive: Option<&str>) -> String {
    let create = sqs.create_queue().queue_name(name);
    let create = match redrive {
        Some(arn) => {
            let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"2"}}"#);
            create.attributes(QueueAttributeName::RedrivePolicy, policy)
        }
        None => create,
    };
    create.send().await.unwrap().queue_url.unwrap()
}

async fn send(sqs: &Client, url: &str, body: &str) -> String {
    sqs.send_message().queue_url(url).message_body(body).send().await.unwrap().message_id.unwrap()
}

async fn receive(sqs: &Client, url: &str) -> Option<Message> {
    let receive = sqs.receive_message().queue_url(url).max_number_of_messages(10);
    let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
    let received = receive.wait_time_seconds(1).send().await.unwrap();
    received.messages.unwrap_or_default().into_iter().next()
}

fn receives(message: &Message) -> &str {
    let attributes = message.attributes().unwrap();
    &attributes[&MessageSystemAttributeName::ApproximateReceiveCount]
}

async fn release(sqs: &Client, url: &str, message: &Message) {
    let release = sqs.change_message_visibility().queue_url(url).visibility_timeout(0);
    release.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
}

async fn depth(sqs: &Client, url: &str) -> (String, String) {
    let all = sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
    let all = all.send().await.unwrap().attributes.unwrap();
    let number = |name| all[&name].clone();
    (
        number(QueueAttributeName::ApproximateNumberOfMessages),
        number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
    )
}

async fn leases(sqs: &Client, url: &str, seen: &mut Seen) {
    send(sqs, url, "hello").await;
    let first = receive(sqs, url).await.unwrap();
    let md5 = first.md5_of_body().unwrap_or_default();
    let told = format!("{}, MD5 {md5}, {}", first.body().unwrap(), receives(&first));
    seen.insert("a message is received with its attributes", told);
    let nothing = if receive(sqs, url).await.is_none() { "nothing" } else { "a message" };
    let (visible, in_flight) = depth(sqs, url).await;
    let told = format!("{nothing}; {visible} visible, {in_flight} in flight");
    seen.insert("a message that is in flight is not received", told);

    release(sqs, url, &first).await;
    let second = receive(sqs, url).await.unwrap();
    let told = format!("received {} times", receives(&second));
    seen.insert("a message comes back when it is released", told);

    let delete = |message: &Message| {
        let delete = sqs.delete_message().queue_url(url);
        delete.receipt_handle(message.receipt_handle().unwrap()).send()
    };
    let stale = code(delete(&first).await);
    let (visible, in_flight) = depth(sqs, url).await;
    let left = visible.parse::<u32>().unwrap() + in_flight.parse::<u32>().unwrap();
    let check = "a delete with a stale receipt handle says yes and deletes nothing";
    seen.insert(check, format!("{stale}, {left} left"));
    delete(&second).await.unwrap();
}

fn entry(id: &str, handle: &str) -> DeleteMessageBatchRequestEntry {
    DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().unwrap()
}

/// In a queue of its own, since where the lease is extended all the same the message stays hidden.
async fn ended_lease(sqs: &Client, seen: &mut Seen) {
    let url = queue(sqs, "contract-lease", None).await;
    send(sqs, &url, "released").await;
    let message = receive(sqs, &url).await.unwrap();
    release(sqs, &url, &message).await;
    let extend = sqs.change_message_visibility().queue_url(&url).visibility_timeout(30);
    let extend = extend.receipt_handle(message.receipt_handle().unwrap()).send().await;
    seen.insert("a lease cannot be extended when it has ended", code(extend));
}

async fn batches(sqs: &Client, url: &str, seen: &mut Seen) {
    send(sqs, url, "batch").await;
    let message = receive(sqs, url).await.unwrap();
    let good = message.receipt_handle().unwrap();
    let delete = |entries: Vec<DeleteMessageBatchRequestEntry>| {
        sqs.delete_message_batch().queue_url(url).set_entries(Some(entries)).send()
    };
    let twice = delete(vec![entry("same", good), entry("same", good)]).await;
    seen.insert("a batch needs different ids", code(twice));
    seen.insert("a batch of none", code(delete(vec![]).await));
    let eleven = (0..11).map(|n| entry(&n.to_string(), "no handle")).collect();
    seen.insert("a batch of eleven", code(delete(eleven).await));
    let mixed = delete(vec![entry("bad", "no handle"), entry("good", good)]).await.unwrap();
    let deleted: Vec<_> =
        mixed.successful().iter().map(DeleteMessageBatchResultEntry::id).collect();
    let failed: Vec<_> =
        mixed.failed().iter().map(|entry| format!("{} {}", entry.id(), entry.code())).collect();
    let told = format!("deleted {}; failed {}", deleted.join(" "), failed.join(" "));
    seen.insert("a batch answers for each entry", told);
}

async fn refusals(sqs: &Client, url: &str, seen: &mut Seen) {
    let none = url.replace("/contract", "/contract-none");
    let missing = sqs.receive_message().queue_url(none).send().await;
    seen.insert("a queue that is not there", code(missing));
    let never = sqs.delete_message().queue_url(url).receipt_handle("no handle").send().await;
    seen.insert("a receipt handle that never was", code(never));
    let eleven = sqs.receive_message().queue_url(url).max_number_of_messages(11).send().await;
    seen.insert("a receive of eleven", code(eleven));
}

async fn long_poll(sqs: &Client, seen: &mut Seen) {
    let url = queue(sqs, "contract-poll", None).await;
    let poll = sqs.receive_message().queue_url(&url).wait_time_seconds(20).send();
    let (polled, _) = tokio::join!(poll, send(sqs, &url, "wake"));
    let woken = polled.unwrap().messages().iter().any(|message| message.body() == Some("wake"));
    let told = if woken { "woken" } else { "nothing" };
    seen.insert("a long poll is woken by a message", told.to_owned());
}

async fn redrive(sqs: &Client, seen: &mut Seen) {
    let dead = queue(sqs, "contract-dead", None).await;
    let all = sqs.get_queue_attributes().queue_url(&dead).attribute_names(QueueAttributeName::All);
    let all = all.send().await.unwrap().attributes.unwrap();
    let url = queue(sqs, "contract-redrive", Some(&all[&QueueAttributeName::QueueArn])).await;
    let of = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let of = of.send().await.unwrap().attributes.unwrap();
    let policy: serde_json::Value =
        serde_json::from_str(&of[&QueueAttributeName::RedrivePolicy]).unwrap();
    let count = policy["maxReceiveCount"].to_string();
    let timeout = &of[&QueueAttributeName::VisibilityTimeout];
    let told = format!("maxReceiveCount {}, timeout {timeout}", count.trim_matches('"'));
    seen.insert("the attributes tell of the redrive policy", told);

    let id = send(sqs, &url, "poison").await;
    for _ in 0..2 {
        let message = receive(sqs, &url).await.unwrap();
        release(sqs, &url, &message).await;
    }
    assert!(receive(sqs, &url).await.is_none(), "the third receive moves it");
    let moved = receive(sqs, &dead).await;
    let told = moved.map_or("nothing".into(), |message| {
        let is_same = message.message_id() == Some(&id);
        format!("{}, same id {is_same}", message.body().unwrap())
    });
    seen.insert("a message that was received too often goes to the dead letters", told);
}
