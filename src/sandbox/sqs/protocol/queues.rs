//! The actions on queues: making, finding, describing and emptying them. It knows no single
//! message.

use std::collections::BTreeMap;

use deltrail_core::domain::Timestamp;
use serde_json::{Value, json};

use super::super::attributes::{self, QueueAttributes};
use super::super::error::{Kind, SqsError};
use super::super::queue::Moment;
use super::super::{Kept, Queues};
use super::request::Request;

/// Attributes that a queue may have and that can be asked for.
const ATTRIBUTES: [&str; 18] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "LastModifiedTimestamp",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "QueueArn",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
    "All",
];

pub(super) fn create(queues: &Queues, request: &Request) -> Result<Value, SqsError> {
    let name = request.queue_name.as_deref().ok_or_else(|| SqsError::missing("QueueName"))?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > 80 || !name.bytes().all(is_letter) {
        let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 \
                      in length";
        return Err(SqsError::value(name, "QueueName", reason));
    }
    let asked = request.attributes.clone().unwrap_or_default();
    let existing = queues.with_queue(name, |kept, _| kept.queue.attributes.clone()).ok();
    let mut attributes = existing.clone().unwrap_or_default();
    set_all(&mut attributes, &asked)?;
    let Some(existing) = existing else {
        return Ok(json!({"QueueUrl": queues.create(name, attributes)}));
    };
    let (before, after) = (existing.texts(), attributes.texts());
    if let Some(other) = asked.keys().find(|name| before.get(*name) != after.get(*name)) {
        let message = format!(
            "A queue already exists with the same name and a different value for attribute {other}"
        );
        return Err(SqsError::new(Kind::QueueNameExists, message));
    }
    Ok(json!({"QueueUrl": queues.url(name)}))
}

pub(super) fn delete(queues: &Queues, request: &Request) -> Result<Value, SqsError> {
    let name = request.queue(queues)?;
    queues.with_queue(&name, |_, _| ())?;
    queues.delete_queue(&name);
    Ok(Value::Null)
}

pub(super) fn url(queues: &Queues, request: &Request) -> Result<Value, SqsError> {
    let name = request.queue_name.as_deref().ok_or_else(|| SqsError::missing("QueueName"))?;
    if request.queue_owner.as_ref().is_some_and(|owner| *owner != queues.options().account) {
        return Err(SqsError::no_such_queue());
    }
    queues.with_queue(name, |_, _| ())?;
    Ok(json!({"QueueUrl": queues.url(name)}))
}

pub(super) fn list(queues: &Queues, request: &Request) -> Result<Value, SqsError> {
    let prefix = request.queue_name_prefix.as_deref().unwrap_or("");
    let names = queues.with_shelf(|shelf| {
        shelf.queues.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
    });
    page(queues, request, "QueueUrls", names)
}

pub(super) fn dead_letter_sources(queues: &Queues, request: &Request) -> Result<Value, SqsError> {
    let name = request.queue(queues)?;
    queues.with_queue(&name, |_, _| ())?;
    let arn = queues.arn(&name);
    let names = queues.with_shelf(|shelf| {
        let sources = shelf.queues.iter().filter(|(_, kept)| {
            let redrive = kept.queue.attributes.redrive.as_ref();
            redrive.is_some_and(|redrive| redrive.dead_letter_arn == arn)
        });
        sources.map(|(name, _)| name.clone()).collect()
    });
    page(queues, request, "queueUrls", names)
}

/// One page of queue URLs; the token that leads to the next is the last name of this one.
fn page(
    queues: &Queues,
    request: &Request,
    member: &str,
    mut names: Vec<String>,
) -> Result<Value, SqsError> {
    let max = request.max_results.unwrap_or(1_000);
    if !(1..=1_000).contains(&max) {
        return Err(SqsError::value(max, "MaxResults", "Must be between 1 and 1000, if provided."));
    }
    if let Some(token) = &request.next_token {
        names.retain(|name| name > token);
    }
    let has_more = names.len() > max;
    names.truncate(max);
    let mut answer = json!({});
    if let Some(last) = names.last().filter(|_| has_more && request.max_results.is_some()) {
        answer["NextToken"] = json!(last);
    }
    if !names.is_empty() {
        answer[member] = names.iter().map(|name| queues.url(name)).collect();
    }
    Ok(answer)
}

pub(super) fn attributes(queues: &Queues, request: &Request) -> Result<Value, SqsError> {
    let name = request.queue(queues)?;
    let asked = request.attribute_names.as_deref().unwrap_or_default();
    let arn = queues.arn(&name);
    let mut texts = queues.with_queue(&name, |kept, now| describe(kept, arn, now))?;
    if let Some(stranger) = asked.iter().find(|name| !ATTRIBUTES.contains(&name.as_str())) {
        return Err(attributes::unknown(stranger));
    }
    if !asked.iter().any(|name| name == "All") {
        texts.retain(|name, _| asked.contains(name));
    }
    if texts.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({"Attributes": texts}))
}

fn describe(kept: &mut Kept, arn: String, now: Moment) -> BTreeMap<String, String> {
    let depth = kept.queue.depth(now);
    let seconds = |at: Timestamp| at.as_millis().div_euclid(1_000).to_string();
    let mut texts = kept.queue.attributes.texts();
    texts.extend(
        [
            ("QueueArn", arn),
            ("CreatedTimestamp", seconds(kept.created_at)),
            ("LastModifiedTimestamp", seconds(kept.modified_at)),
            ("ApproximateNumberOfMessages", depth.visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string()),
        ]
        .map(|(name, text)| (name.to_owned(), text)),
    );
    texts
}

pub(super) fn set_attributes(queues: &Queues, request: &Request) -> Result<Value, SqsError> {
    let name = request.queue(queues)?;
    let asked = request.attributes.as_ref().ok_or_else(|| SqsError::missing("Attributes"))?;
    queues.with_queue(&name, |kept, now| {
        let mut attributes = kept.queue.attributes.clone();
        set_all(&mut attributes, asked)?;
        kept.queue.attributes = attributes;
        kept.modified_at = now.shown;
        Ok(Value::Null)
    })?
}

fn set_all(
    attributes: &mut QueueAttributes,
    asked: &BTreeMap<String, String>,
) -> Result<(), SqsError> {
    asked.iter().try_for_each(|(name, value)| attributes.set(name, value))
}

pub(super) fn purge(queues: &Queues, request: &Request) -> Result<Value, SqsError> {
    let name = request.queue(queues)?;
    queues.with_queue(&name, |kept, _| kept.queue.purge())?;
    Ok(Value::Null)
}
