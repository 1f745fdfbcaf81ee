//! The actions on messages: sending, receiving, deleting, changing visibility. Batches call the
//! same functions for each of their entries.

use std::time::Duration;

use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use super::super::super::faults::Fault;
use super::super::attributes;
use super::super::error::{Kind, SqsError};
use super::super::queue::{Message, Unchanged};
use super::super::receipt::Receipt;
use super::super::{Ask, Queues};
use super::request::{Part, Request};

const DELAY_SECONDS_MAX: i64 = 900;
const VISIBILITY_SECONDS_MAX: i64 = 43_200;
const SYSTEM_ATTRIBUTES: [&str; 10] = [
    "AWSTraceHeader",
    "All",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
];

/// Takes a message in.
pub(super) fn send(queues: &Queues, queue: &str, part: &Part) -> Result<Value, SqsError> {
    let body = part.message_body.as_deref().filter(|body| !body.is_empty());
    let body = body.ok_or_else(|| SqsError::missing("MessageBody"))?;
    let has_attributes = |part: &Part| {
        let sets = [&part.message_attributes, &part.message_system_attributes];
        sets.into_iter().flatten().any(|attributes| !attributes.is_empty())
    };
    if has_attributes(part) {
        let message = "Message attributes are not kept here: send the message without them.";
        return Err(SqsError::new(Kind::UnsupportedOperation, message));
    }
    if !body.chars().all(is_allowed) {
        let message = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | \
                       #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
        return Err(SqsError::new(Kind::InvalidMessageContents, message));
    }
    let bytes_max = queues.with_queue(queue, |kept, _| kept.queue.attributes.message_bytes_max)?;
    if body.len() > bytes_max {
        let message = format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {bytes_max} \
             bytes."
        );
        return Err(SqsError::new(Kind::InvalidParameterValue, message));
    }
    let delay = seconds(part.delay_seconds, "DelaySeconds", DELAY_SECONDS_MAX)?;
    let id = queues.put(queue, body.to_owned(), delay)?;
    Ok(json!({"MessageId": id, "MD5OfMessageBody": md5_hex(body)}))
}

/// The characters of XML 1.0, which SQS allows.
fn is_allowed(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

/// Hands messages out, waiting for the first if asked.
pub(super) async fn receive(queues: &Queues, request: &Request) -> Result<Value, SqsError> {
    let queue = request.queue(queues)?;
    let max = request.max_number_of_messages.unwrap_or(1);
    let max = usize::try_from(max).ok().filter(|max| (1..=10).contains(max)).ok_or_else(|| {
        SqsError::value(max, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
    })?;
    let ask = Ask {
        max,
        visibility: visibility(&request.part)?,
        wait: seconds(request.wait_time_seconds, "WaitTimeSeconds", 20)?,
    };
    let lists = [&request.attribute_names, &request.message_system_attribute_names];
    let shown: Vec<&str> = lists.into_iter().flatten().flatten().map(String::as_str).collect();
    if let Some(stranger) = shown.iter().find(|name| !SYSTEM_ATTRIBUTES.contains(name)) {
        return Err(attributes::unknown(stranger));
    }
    let received = queues.receive(&queue, ask).await?;
    if received.is_empty() {
        return Ok(json!({}));
    }
    let messages = received.iter().map(|(receipt, message)| {
        let handle = receipt.to_handle(&queues.options().identifiers.host_id());
        written(queues, &handle, message, &shown)
    });
    Ok(json!({"Messages": messages.collect::<Vec<_>>()}))
}

fn written(queues: &Queues, handle: &str, message: &Message, shown: &[&str]) -> Value {
    let mut answer = json!({
        "MessageId": message.id,
        "ReceiptHandle": handle,
        "MD5OfBody": md5_hex(&message.body),
        "Body": message.body,
    });
    let mut attributes = Map::new();
    let mut show = |name: &str, text: String| {
        if shown.contains(&"All") || shown.contains(&name) {
            attributes.insert(name.to_owned(), Value::String(text));
        }
    };
    show("SenderId", queues.options().account.clone());
    show("SentTimestamp", message.sent.shown.as_millis().to_string());
    show("ApproximateReceiveCount", message.receive_count.to_string());
    if let Some(first) = message.first_received {
        show("ApproximateFirstReceiveTimestamp", first.shown.as_millis().to_string());
    }
    if let Some(source) = &message.dead_letter_source {
        show("DeadLetterQueueSourceArn", source.clone());
    }
    if !attributes.is_empty() {
        answer["Attributes"] = Value::Object(attributes);
    }
    answer
}

/// Deletes a message. An old receipt handle is answered with success and deletes nothing.
pub(super) fn delete(queues: &Queues, queue: &str, part: &Part) -> Result<Value, SqsError> {
    let (receipt, handle) = receipt(queues, part)?;
    let faults = &queues.options().faults;
    let is_known = queues.with_queue(queue, |kept, _| {
        if !kept.queue.has_issued(receipt) {
            return false;
        }
        if !faults.strikes(Fault::SqsDeletedReturns) {
            kept.queue.delete(receipt);
        }
        true
    })?;
    if !is_known {
        return Err(unknown_handle(handle));
    }
    Ok(Value::Null)
}

/// Changes how long a message in flight stays invisible.
pub(super) fn change_visibility(
    queues: &Queues,
    queue: &str,
    part: &Part,
) -> Result<Value, SqsError> {
    let visibility = visibility(part)?.ok_or_else(|| SqsError::missing("VisibilityTimeout"))?;
    let (receipt, handle) = receipt(queues, part)?;
    let changed = queues
        .with_queue(queue, |kept, now| kept.queue.change_visibility(receipt, visibility, now))?;
    let reason = match changed {
        Ok(()) => return Ok(Value::Null),
        Err(Unchanged::UnknownReceipt) => return Err(unknown_handle(handle)),
        Err(Unchanged::NotInFlight) => {
            let message = "The specified message isn't in flight.";
            return Err(SqsError::new(Kind::MessageNotInflight, message));
        }
        Err(Unchanged::BeyondMax) => {
            let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 \
                          seconds]";
            return Err(SqsError::value(visibility.as_secs(), "VisibilityTimeout", reason));
        }
        Err(Unchanged::Stale) => {
            "Message does not exist or is not available for visibility timeout change."
        }
    };
    Err(SqsError::value(handle, "ReceiptHandle", reason))
}

/// Reads the receipt handle, which by chance has expired.
fn receipt<'a>(queues: &Queues, part: &'a Part) -> Result<(Receipt, &'a str), SqsError> {
    let handle =
        part.receipt_handle.as_deref().ok_or_else(|| SqsError::missing("ReceiptHandle"))?;
    let receipt = Receipt::parse(handle).ok_or_else(|| unknown_handle(handle))?;
    if queues.options().faults.strikes(Fault::SqsExpiredReceiptHandle) {
        return Err(SqsError::value(handle, "ReceiptHandle", "The receipt handle has expired."));
    }
    Ok((receipt, handle))
}

fn unknown_handle(handle: &str) -> SqsError {
    let message = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
    SqsError::new(Kind::ReceiptHandleIsInvalid, message)
}

fn visibility(part: &Part) -> Result<Option<Duration>, SqsError> {
    seconds(part.visibility_timeout, "VisibilityTimeout", VISIBILITY_SECONDS_MAX)
}

fn seconds(value: Option<i64>, parameter: &str, max: i64) -> Result<Option<Duration>, SqsError> {
    let Some(value) = value else { return Ok(None) };
    let seconds = u64::try_from(value).ok().filter(|_| value <= max).ok_or_else(|| {
        let reason = format!("Must be >= 0 and <= {max}, if provided.");
        SqsError::value(value, parameter, &reason)
    })?;
    Ok(Some(Duration::from_secs(seconds)))
}

fn md5_hex(text: &str) -> String {
    let digest = Md5::digest(text.as_bytes());
    digest.iter().fold(String::with_capacity(32), |mut hex, byte| {
        for nibble in [byte >> 4, byte & 0xf] {
            hex.extend(char::from_digit(nibble.into(), 16));
        }
        hex
    })
}
