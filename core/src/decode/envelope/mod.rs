//! Queue messages: what a body says happened, whichever way it came. A ladder of envelopes, one
//! function for each that is peeled off. No URL in a message is ever followed, and whether a bucket
//! is one of ours is decided elsewhere.

mod body;
mod cloudtrail_sns;
mod error;
mod eventbridge;
mod found;
mod item;
mod members;
mod object_event;
mod s3_members;
mod s3_record;
#[cfg(test)]
mod tests;

pub use error::EnvelopeError;
pub use item::{Item, Nothing, ObjectRef};

use self::body::{Body, elements, text};
use super::intent::read_intent;
use super::reject::Rejected;
use crate::domain::{Fact, Source};

/// How many SNS envelopes may lie in one another.
const SNS_LEVELS_MAX: usize = 2;

/// What a message says. Never empty: a message that reports nothing says so.
///
/// # Errors
/// When it is of no known kind. Single bad records among good ones are items.
pub fn parse_message(body: &str) -> Result<Vec<Item>, EnvelopeError> {
    peel(body, SNS_LEVELS_MAX)
}

/// Tries the envelopes in the order in which they can be told apart.
fn peel(written: &str, sns_levels: usize) -> Result<Vec<Item>, EnvelopeError> {
    let written = written.trim_start_matches('\u{feff}').trim();
    if is_validation_message(written) {
        return Ok(vec![Item::Nothing(Nothing::ValidationMessage)]);
    }
    if let Some(item) = s3_record::only_item(written) {
        return Ok(vec![item]);
    }
    let body = Body::read(written)?;
    if let Some(records) = body.records.and_then(elements) {
        return s3_record::items(&records);
    }
    if text(body.event).as_deref() == Some("s3:TestEvent") {
        return Ok(vec![Item::Nothing(Nothing::TestEvent)]);
    }
    if let Some(inner) = sns_message(&body)? {
        let deeper = sns_levels.checked_sub(1).ok_or_else(|| EnvelopeError::too_deep(&inner))?;
        return peel(&inner, deeper);
    }
    if let Some(item) = eventbridge::item(&body) {
        return Ok(vec![item]);
    }
    if let Some(item) = body.deltrail.and_then(|_| intent(written)) {
        return Ok(vec![item]);
    }
    match (body.log_bucket, body.log_keys) {
        (Some(bucket), Some(keys)) => cloudtrail_sns::items(bucket, keys),
        _ => Err(EnvelopeError::unknown(written)),
    }
}

/// CloudTrail sends this text to its topic when a trail is made or changed.
fn is_validation_message(body: &str) -> bool {
    body.trim_end_matches('.') == "CloudTrail validation message"
}

/// The inner message of an SNS notification; `None` when it is none of SNS.
fn sns_message(body: &Body<'_>) -> Result<Option<String>, EnvelopeError> {
    let Some(message_type) = text(body.message_type) else { return Ok(None) };
    for kind in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
        if message_type == kind {
            return Err(EnvelopeError::Subscription { kind });
        }
    }
    Ok((message_type == "Notification").then(|| text(body.message)).flatten())
}

/// What an application declares; `None` when it is another message of this product.
fn intent(written: &str) -> Option<Item> {
    match read_intent(written.as_bytes()) {
        Ok(intent) => Some(Item::Told(Fact::Intent(Box::new(intent?)))),
        Err(error) => Some(Item::Rejected {
            source: Source::Intent,
            rejected: Rejected::whole(error.reason, &error.detail),
            count: 1,
        }),
    }
}
