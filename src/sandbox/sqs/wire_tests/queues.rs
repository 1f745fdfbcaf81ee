//! Queues over the wire: made, found and described; and requests that no queue answers.

use aws_sdk_sqs::types::QueueAttributeName as Name;
use axum::body::to_bytes;
use axum::http::{HeaderValue, Response};
use serde_json::Value;

use super::*;

async fn answer(world: &World, headers: &[(&'static str, &str)], body: &str) -> Response<Bytes> {
    let pairs = headers.iter().map(|(name, value)| {
        (name.parse().expect("a name"), HeaderValue::from_str(value).expect("a value"))
    });
    let answer = world.queues.answer(&pairs.collect(), body.as_bytes()).await;
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a whole body");
    Response::from_parts(head, body)
}

fn body_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).expect("JSON")
}

const SIGNED: (&str, &str) = (
    "authorization",
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-west-1/sqs/aws4_request, Signature=0",
);

#[tokio::test]
async fn a_queue_is_made_found_listed_and_deleted() {
    let world = World::still().await;
    let made = world.client.create_queue().queue_name("log-events").send().await.expect("made");
    let url = made.queue_url.expect("a URL");
    assert!(url.ends_with("/111122223333/log-events"), "{url}");
    let found = world.client.get_queue_url().queue_name("log-events").send().await;
    assert_eq!(found.expect("found").queue_url(), Some(url.as_str()));
    let listed = world.client.list_queues().queue_name_prefix("log-").send().await;
    assert_eq!(listed.expect("listed").queue_urls(), [url.as_str()]);
    let pages = world.client.list_queues().into_paginator().page_size(1).items().send();
    let all = pages.collect::<Result<Vec<_>, _>>().await.expect("both pages");
    assert_eq!(all, [world.url.as_str(), url.as_str()]);

    world.client.delete_queue().queue_url(&url).send().await.expect("deleted");
    let error = world.client.get_queue_url().queue_name("log-events").send().await;
    let error = error.expect_err("it is gone");
    assert_eq!(refusal(&error), ("AWS.SimpleQueueService.NonExistentQueue".into(), 400));
    assert!(error.into_service_error().is_queue_does_not_exist());
}

#[tokio::test]
async fn a_poll_of_a_queue_that_is_deleted_ends() {
    let world = World::still().await;
    let poll = world.client.receive_message().queue_url(&world.url).wait_time_seconds(20);
    let (error, ()) = tokio::join!(within(Box::pin(poll.send())), async {
        let count = || {
            world
                .queues
                .with_queue("events", |kept, _| std::sync::Arc::strong_count(&kept.arrivals))
        };
        while count().expect("the queue") < 2 {
            tokio::task::yield_now().await;
        }
        world.queues.delete_queue("events");
    });
    assert!(error.expect_err("gone").into_service_error().is_queue_does_not_exist());
}

#[tokio::test]
async fn a_name_stands_for_one_set_of_attributes() {
    let world = World::still().await;
    let call = world.client.create_queue().queue_name("events");
    call.clone().attributes(Name::VisibilityTimeout, "30").send().await.expect("the same");
    let error = call.attributes(Name::VisibilityTimeout, "31").send().await.expect_err("another");
    assert_eq!(refusal(&error), ("QueueAlreadyExists".into(), 400));
    assert!(error.into_service_error().is_queue_name_exists());
    let bad = world.client.create_queue().queue_name("no spaces").send().await.expect_err("bad");
    assert_eq!(refusal(&bad).0, "InvalidParameterValue");
}

#[tokio::test]
async fn attributes_are_set_and_read() {
    let world = World::still().await;
    let dead_arn = world.queues.arn("events-dead");
    let dead_url = world.queues.create("events-dead", QueueAttributes::default());
    let policy = format!(r#"{{"deadLetterTargetArn":"{dead_arn}","maxReceiveCount":"5"}}"#);
    let call = world.client.set_queue_attributes().queue_url(&world.url);
    let call = call.attributes(Name::RedrivePolicy, policy);
    call.attributes(Name::VisibilityTimeout, "120").send().await.expect("set");
    for body in ["one", "two", "three"] {
        world.send(body).await;
    }
    let call = world.client.receive_message().queue_url(&world.url);
    call.send().await.expect("one in flight");
    let call = world.client.send_message().queue_url(&world.url).message_body("later");
    call.delay_seconds(900).send().await.expect("one delayed");

    let call = world.client.get_queue_attributes().queue_url(&world.url);
    let answer = call.clone().attribute_names(Name::All).send().await.expect("an answer");
    let attributes = answer.attributes.expect("attributes");
    for (name, expected) in [
        (Name::QueueArn, "arn:aws:sqs:eu-west-1:111122223333:events"),
        (Name::ApproximateNumberOfMessages, "2"),
        (Name::ApproximateNumberOfMessagesNotVisible, "1"),
        (Name::ApproximateNumberOfMessagesDelayed, "1"),
        (Name::VisibilityTimeout, "120"),
        (Name::MessageRetentionPeriod, "345600"),
        (Name::ReceiveMessageWaitTimeSeconds, "0"),
        (Name::DelaySeconds, "0"),
        (Name::MaximumMessageSize, "1048576"),
    ] {
        assert_eq!(attributes.get(&name).map(String::as_str), Some(expected), "{name}");
    }
    let policy: Value = serde_json::from_str(&attributes[&Name::RedrivePolicy]).expect("JSON");
    assert_eq!(policy["deadLetterTargetArn"], dead_arn);
    assert_eq!(policy["maxReceiveCount"], 5);
    let created: i64 = attributes[&Name::CreatedTimestamp].parse().expect("seconds");
    assert!((0..60).contains(&(created - NOON.as_millis() / 1_000)), "{created}");

    let one = call.attribute_names(Name::DelaySeconds).send().await.expect("an answer");
    assert_eq!(one.attributes.expect("attributes").len(), 1);
    let sources = world.client.list_dead_letter_source_queues().queue_url(dead_url).send().await;
    assert_eq!(sources.expect("sources").queue_urls(), [world.url.as_str()]);
}

#[tokio::test]
async fn a_purge_removes_every_message() {
    let world = World::still().await;
    world.send("one").await;
    world.client.purge_queue().queue_url(&world.url).send().await.expect("purged");
    assert_eq!(world.depth("events"), (0, 0, 0));
}

#[tokio::test]
async fn another_region_or_account_has_no_such_queue() {
    let world = World::still().await;
    let base_url = world.url.strip_suffix("/111122223333/events").expect("the base");
    let elsewhere = client(base_url, "us-east-1");
    let error = elsewhere.receive_message().queue_url(&world.url).send().await;
    assert!(error.expect_err("elsewhere").into_service_error().is_queue_does_not_exist());
    let listed = elsewhere.list_queues().send().await.expect("an answer");
    assert!(listed.queue_urls().is_empty());
    let foreign = format!("{base_url}/999900001111/events");
    let error = world.client.receive_message().queue_url(foreign).send().await;
    assert!(error.expect_err("another account").into_service_error().is_queue_does_not_exist());
}

#[tokio::test]
async fn values_out_of_range_are_refused() {
    let world = World::still().await;
    let receive = world.client.receive_message().queue_url(&world.url);
    for call in [
        receive.clone().max_number_of_messages(11),
        receive.clone().max_number_of_messages(0),
        receive.clone().wait_time_seconds(21),
        receive.clone().visibility_timeout(43_201),
    ] {
        let error = call.send().await.expect_err("out of range");
        assert_eq!(refusal(&error), ("InvalidParameterValue".into(), 400));
    }
    let send = world.client.send_message().queue_url(&world.url);
    let error = send.clone().message_body("x".repeat(1_048_577)).send().await.expect_err("long");
    assert_eq!(refusal(&error).0, "InvalidParameterValue");
    send.message_body("x".repeat(1_048_576)).send().await.expect("as long as may be");
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    let world = World::still().await;
    let response = answer(&world, &[("x-amz-target", "AmazonSQS.ListQueues")], "{}").await;
    assert_eq!(response.status(), 403);
    let code = &response.headers()["x-amzn-query-error"];
    assert_eq!(code, "MissingAuthenticationToken;Sender");
}

#[tokio::test]
async fn a_request_that_is_not_understood_says_so() {
    let world = World::still().await;
    for (target, body, shape) in [
        ("AmazonSQS.ListQueues", "{", "SerializationException"),
        ("AmazonSQS.Dance", "{}", "UnknownOperationException"),
        ("DynamoDB.ListTables", "{}", "UnknownOperationException"),
        ("AmazonSQS.ReceiveMessage", "{}", "MissingRequiredParameterException"),
        ("AmazonSQS.ReceiveMessage", r#"{"QueueUrl":"events"}"#, "InvalidAddress"),
    ] {
        let response = answer(&world, &[("x-amz-target", target), SIGNED], body).await;
        assert_eq!(response.status(), 400, "{target}");
        let actual = body_of(&response)["__type"].as_str().expect("a type").to_owned();
        assert_eq!(actual.split_once('#').expect("a namespace").1, shape, "{target}");
        assert_eq!(response.headers()["x-amzn-requestid"].len(), 36);
    }
}
