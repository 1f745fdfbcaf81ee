//! Batches: up to ten entries that succeed or fail one by one. What an entry does is told by the
//! caller.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::super::faults::Fault;
use super::super::Queues;
use super::super::attributes::MESSAGE_BYTES_MAX;
use super::super::error::{Kind, SqsError};
use super::request::{Part, Request};

const ENTRIES_MAX: usize = 10;

/// Does `act` for each entry and writes what became of it.
pub(super) fn each(
    queues: &Queues,
    action: &str,
    request: &Request,
    act: impl Fn(&Queues, &str, &Part) -> Result<Value, SqsError>,
) -> Result<Value, SqsError> {
    let queue = request.queue(queues)?;
    queues.with_queue(&queue, |_, _| ())?;
    let entries = checked(action, request)?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, entry) in entries {
        if queues.options().faults.strikes(Fault::SqsFailedEntry) {
            failed.push(json!({
                "Id": id,
                "SenderFault": false,
                "Code": "InternalError",
                "Message": "We encountered an internal error. Please try again.",
            }));
            continue;
        }
        match act(queues, &queue, entry) {
            Ok(result) => {
                let mut entry = if result.is_null() { json!({}) } else { result };
                entry["Id"] = json!(id);
                successful.push(entry);
            }
            Err(SqsError { kind, message }) => failed.push(json!({
                "Id": id,
                "SenderFault": kind.is_senders(),
                "Code": kind.query_code(),
                "Message": message,
            })),
        }
    }
    let mut answer = json!({});
    for (member, list) in [("Successful", successful), ("Failed", failed)] {
        if !list.is_empty() {
            answer[member] = Value::Array(list);
        }
    }
    Ok(answer)
}

/// Refuses messages that are together longer than one may be.
pub(super) fn check_length(request: &Request) -> Result<(), SqsError> {
    let entries = request.entries.iter().flatten();
    let bytes: usize =
        entries.filter_map(|entry| entry.message_body.as_ref()).map(String::len).sum();
    if bytes > MESSAGE_BYTES_MAX {
        let message = format!(
            "Batch requests cannot be longer than {MESSAGE_BYTES_MAX} bytes. You have sent {bytes} \
             bytes."
        );
        return Err(SqsError::new(Kind::BatchRequestTooLong, message));
    }
    Ok(())
}

fn checked<'a>(action: &str, request: &'a Request) -> Result<Vec<(&'a str, &'a Part)>, SqsError> {
    let entries = request.entries.as_deref().unwrap_or_default();
    if entries.is_empty() {
        let message = format!("There should be at least one {action}RequestEntry in the request.");
        return Err(SqsError::new(Kind::EmptyBatchRequest, message));
    }
    if entries.len() > ENTRIES_MAX {
        let message = format!(
            "Maximum number of entries per request are {ENTRIES_MAX}. You have sent {}.",
            entries.len()
        );
        return Err(SqsError::new(Kind::TooManyEntriesInBatchRequest, message));
    }
    let mut seen = BTreeSet::new();
    let with_id = |part: &'a Part| {
        let id = part.id.as_deref().ok_or_else(|| SqsError::missing("Id"))?;
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.is_empty() || id.len() > 80 || !id.bytes().all(is_letter) {
            let message = "A batch entry id can only contain alphanumeric characters, hyphens and \
                           underscores. It can be at most 80 letters long.";
            return Err(SqsError::new(Kind::InvalidBatchEntryId, message));
        }
        if !seen.insert(id) {
            return Err(SqsError::new(
                Kind::BatchEntryIdsNotDistinct,
                format!("Id {id} repeated."),
            ));
        }
        Ok((id, part))
    };
    entries.iter().map(with_id).collect()
}
