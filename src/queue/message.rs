//! A received message, with the few system attributes that its receiver needs. The body is opaque.

use aws_sdk_sqs::types::Message as SdkMessage;
use aws_sdk_sqs::types::MessageSystemAttributeName as Name;

use super::Entry;

/// The attributes to ask for with each receive.
pub(super) const ASKED: [Name; 3] =
    [Name::ApproximateFirstReceiveTimestamp, Name::ApproximateReceiveCount, Name::SentTimestamp];

/// One message as SQS handed it out.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The id that SQS gave to the message; the same in every delivery.
    pub id: String,
    /// The handle of this delivery; a later delivery has another.
    pub receipt_handle: String,
    /// The body as it was sent; empty if the answer had none.
    pub body: String,
    /// How often the message was received, this delivery included (approximate, at least 1).
    pub receive_count: u32,
    /// When it was sent, in milliseconds since 1970.
    pub sent_at_millis: Option<i64>,
    /// When it was received for the first time (approximate), in milliseconds since 1970.
    pub first_received_at_millis: Option<i64>,
}

impl Message {
    /// `None` for a message without receipt handle, which nobody could settle.
    pub(super) fn of(message: SdkMessage) -> Option<Self> {
        let attribute = |name| message.attributes.as_ref().and_then(|all| all.get(&name));
        let count = attribute(Name::ApproximateReceiveCount).and_then(|text| text.parse().ok());
        let millis = |name| attribute(name).and_then(|text| text.parse().ok());
        Some(Self {
            receive_count: count.unwrap_or(1).max(1),
            sent_at_millis: millis(Name::SentTimestamp),
            first_received_at_millis: millis(Name::ApproximateFirstReceiveTimestamp),
            id: message.message_id.unwrap_or_default(),
            receipt_handle: message.receipt_handle?,
            body: message.body.unwrap_or_default(),
        })
    }

    /// What is needed to settle this delivery.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry { message_id: self.id.clone(), receipt_handle: self.receipt_handle.clone() }
    }
}

/// Without body and receipt handle: the one may hold anything, the other lets its reader settle.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("body_bytes", &self.body.len())
            .field("receive_count", &self.receive_count)
            .field("sent_at_millis", &self.sent_at_millis)
            .field("first_received_at_millis", &self.first_received_at_millis)
            .finish_non_exhaustive()
    }
}
