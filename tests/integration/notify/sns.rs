//! An SNS topic in the emulator, with queues behind it, as programs would subscribe.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;
use deltrail::notify::{Notice, Notifiers, NotifyError, Settings, TopicArn};
use deltrail_core::domain::{Severity, State};
use serde_json::Value;

use super::{aws, notice, settings};
use crate::emulator::{emulator, eventually};

/// A topic and a queue that is subscribed to it.
struct Topic {
    sqs: aws_sdk_sqs::Client,
    queue_url: String,
    notifiers: Notifiers,
}

impl Topic {
    /// Builds both; only what fits the policy comes to the queue.
    async fn build(endpoint: &str, name: &str, filter_policy: &str) -> Self {
        let aws = aws(endpoint);
        let (sns, sqs) = (aws_sdk_sns::Client::new(&aws), aws_sdk_sqs::Client::new(&aws));
        let is_fifo = name.strip_suffix(".fifo").is_some();
        let fifo = |name: &str| is_fifo.then(|| HashMap::from([(name.to_owned(), "true".into())]));
        let topic = sns.create_topic().name(name).set_attributes(fifo("FifoTopic"));
        let topic = topic.send().await.unwrap().topic_arn.unwrap();
        let mut queue = sqs.create_queue().queue_name(name);
        if is_fifo {
            queue = queue.attributes(QueueAttributeName::FifoQueue, "true");
        }
        let queue_url = queue.send().await.unwrap().queue_url.unwrap();
        let queue = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
        let subscribe = sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(queue);
        let subscribe = subscribe.attributes("FilterPolicy", filter_policy);
        subscribe.send().await.unwrap();
        let topic = Some(TopicArn::parse(&topic).unwrap());
        let settings = Settings { sns_topic: topic, ..settings() };
        let notifiers = Notifiers::new(settings, &aws).unwrap();
        Self { sqs, queue_url, notifiers }
    }

    async fn send(&self, notice: &Notice) {
        self.notifiers.send("sns", notice).await.unwrap();
    }

    /// What came to the queue, as the envelopes of SNS: as many as are expected.
    async fn received(&self, count: usize) -> Vec<Value> {
        let mut envelopes = Vec::new();
        eventually(30, "the messages are in the queue", async || {
            let receive = self.sqs.receive_message().queue_url(&self.queue_url);
            let receive = receive.max_number_of_messages(10).visibility_timeout(600);
            let answer = receive.send().await.map_err(|error| error.to_string())?;
            for message in answer.messages.unwrap_or_default() {
                envelopes.push(serde_json::from_str(&message.body.unwrap()).unwrap());
                // The next of a group of a FIFO queue comes when this one is gone.
                let delete = self.sqs.delete_message().queue_url(&self.queue_url);
                delete.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
            }
            if envelopes.len() < count { Err(format!("{envelopes:?}")) } else { Ok(()) }
        })
        .await;
        envelopes
    }
}

#[tokio::test]
async fn subscribers_get_what_their_filter_lets_through_in_a_form_that_suits_them() {
    let Some(emulator) = emulator() else { return };
    let policy = r#"{"severity":["critical"],"detector":["mass_delete"],"state":["open"]}"#;
    let topic = Topic::build(&emulator.endpoint, "notify-filtered", policy).await;
    let mut less_severe = notice("less-severe");
    less_severe.finding.severity = Severity::Warning;
    let over = Notice { state: State::Resolved, ..notice("over") };
    let told = notice("told");
    for notice in [&less_severe, &over, &told] {
        topic.send(notice).await;
    }

    let [envelope] = topic.received(1).await.try_into().unwrap();
    let subject = envelope["Subject"].as_str().unwrap();
    assert!(told.title.starts_with(subject.trim_end_matches('~')), "{subject}");
    assert_eq!(envelope["MessageAttributes"]["bucket"]["Value"], "told");
    let document: Value = serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap();
    assert_eq!(document["thread"], told.id());
    assert_eq!(document["finding"]["sample_keys"][0], "thumbs/\"a\"/é.jpg");
    assert_eq!(document["text"], told.text);
}

#[tokio::test]
async fn a_fifo_topic_tells_each_revision_once_and_in_order() {
    let Some(emulator) = emulator() else { return };
    let topic = Topic::build(&emulator.endpoint, "notify-ordered.fifo", "{}").await;
    let opened = notice("ordered");
    let updated = Notice { revision: 2, was_told: true, ..opened.clone() };
    let resolved = Notice { revision: 3, state: State::Resolved, ..updated.clone() };
    for notice in [&opened, &opened, &updated, &updated, &resolved] {
        topic.send(notice).await;
    }
    let envelopes = topic.received(3).await;
    let changes: Vec<String> = envelopes
        .iter()
        .map(|envelope| {
            let document: Value =
                serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap();
            document["change"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(changes, ["opened", "updated", "resolved"]);
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_told_with_what_to_do() {
    let Some(emulator) = emulator() else { return };
    let arn = "arn:aws:sns:us-east-1:000000000000:nowhere";
    let settings = Settings { sns_topic: TopicArn::parse(arn).ok(), ..settings() };
    let notifiers = Notifiers::new(settings, &aws(&emulator.endpoint)).unwrap();
    let error = notifiers.send("sns", &notice("acme-img")).await.unwrap_err();
    assert!(matches!(error, NotifyError::Refused { .. }) && !error.is_transient(), "{error}");
    let told = error.to_string();
    assert!(told.starts_with(&format!("SNS topic {arn} refused (HTTP 404 NotFound")), "{told}");
    assert!(told.ends_with("create the topic, or correct its ARN"), "{told}");
}

#[tokio::test]
async fn nobody_behind_the_endpoint_is_passing_trouble() {
    let endpoint = format!("http://{}", crate::emulator::free_address());
    let arn = "arn:aws:sns:us-east-1:000000000000:alerts";
    let settings = Settings { sns_topic: TopicArn::parse(arn).ok(), ..settings() };
    let notifiers = Notifiers::new(settings, &aws(&endpoint)).unwrap();
    let error = notifiers.send("sns", &notice("acme-img")).await.unwrap_err();
    assert!(matches!(error, NotifyError::Unreachable { .. }) && error.is_transient(), "{error}");
}
