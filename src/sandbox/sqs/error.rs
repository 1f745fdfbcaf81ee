//! How SQS refuses: the codes of its JSON protocol with those of the older query protocol, which
//! clients still get to see. It does not decide what is refused.

use std::fmt::Display;

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    AccessDenied,
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    IncompleteSignature,
    InternalFailure,
    InvalidAction,
    InvalidAddress,
    InvalidAttributeName,
    InvalidAttributeValue,
    InvalidBatchEntryId,
    InvalidMessageContents,
    InvalidParameterValue,
    MessageNotInflight,
    MissingAuthenticationToken,
    MissingParameter,
    OverLimit,
    QueueDoesNotExist,
    QueueNameExists,
    ReceiptHandleIsInvalid,
    RequestThrottled,
    Serialization,
    SignatureDoesNotMatch,
    TooManyEntriesInBatchRequest,
    UnsupportedOperation,
}

/// A refusal, as the caller reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?}: {message}")]
pub(super) struct SqsError {
    pub(super) kind: Kind,
    pub(super) message: String,
}

impl SqsError {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A parameter whose value SQS does not take.
    pub(super) fn value(value: impl Display, parameter: &str, reason: &str) -> Self {
        let message =
            format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}");
        Self::new(Kind::InvalidParameterValue, message)
    }

    /// A parameter that the action needs.
    pub(super) fn missing(parameter: &str) -> Self {
        let message = format!("The request must contain the parameter {parameter}.");
        Self::new(Kind::MissingParameter, message)
    }

    pub(super) fn no_such_queue() -> Self {
        Self::new(Kind::QueueDoesNotExist, "The specified queue does not exist.")
    }
}

impl Kind {
    /// The HTTP status.
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::AccessDenied | Self::MissingAuthenticationToken | Self::SignatureDoesNotMatch => {
                403
            }
            Self::InternalFailure => 500,
            _ => 400,
        }
    }

    /// Whose fault it is, in the words of the query protocol.
    pub(super) const fn fault(self) -> &'static str {
        if self.is_senders() { "Sender" } else { "Receiver" }
    }

    /// Whether the caller is to blame.
    pub(super) const fn is_senders(self) -> bool {
        self.status() < 500
    }

    /// `__type` of the body. What the model of SQS does not name comes from the framework below.
    pub(super) const fn shape(self) -> &'static str {
        match self {
            Self::AccessDenied => "com.amazon.coral.service#AccessDeniedException",
            Self::BatchEntryIdsNotDistinct => "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
            Self::BatchRequestTooLong => "com.amazonaws.sqs#BatchRequestTooLong",
            Self::EmptyBatchRequest => "com.amazonaws.sqs#EmptyBatchRequest",
            Self::IncompleteSignature => "com.amazon.coral.service#IncompleteSignatureException",
            Self::InternalFailure => "com.amazon.coral.service#InternalFailure",
            Self::InvalidAction => "com.amazon.coral.service#UnknownOperationException",
            Self::InvalidAddress => "com.amazonaws.sqs#InvalidAddress",
            Self::InvalidAttributeName => "com.amazonaws.sqs#InvalidAttributeName",
            Self::InvalidAttributeValue => "com.amazonaws.sqs#InvalidAttributeValue",
            Self::InvalidBatchEntryId => "com.amazonaws.sqs#InvalidBatchEntryId",
            Self::InvalidMessageContents => "com.amazonaws.sqs#InvalidMessageContents",
            Self::InvalidParameterValue => {
                "com.amazon.coral.service#InvalidParameterValueException"
            }
            Self::MessageNotInflight => "com.amazonaws.sqs#MessageNotInflight",
            Self::MissingAuthenticationToken => {
                "com.amazon.coral.service#MissingAuthenticationTokenException"
            }
            Self::MissingParameter => "com.amazon.coral.service#MissingRequiredParameterException",
            Self::OverLimit => "com.amazonaws.sqs#OverLimit",
            Self::QueueDoesNotExist => "com.amazonaws.sqs#QueueDoesNotExist",
            Self::QueueNameExists => "com.amazonaws.sqs#QueueNameExists",
            Self::ReceiptHandleIsInvalid => "com.amazonaws.sqs#ReceiptHandleIsInvalid",
            Self::RequestThrottled => "com.amazonaws.sqs#RequestThrottled",
            Self::Serialization => "com.amazon.coral.service#SerializationException",
            Self::SignatureDoesNotMatch => "com.amazon.coral.service#InvalidSignatureException",
            Self::TooManyEntriesInBatchRequest => "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
            Self::UnsupportedOperation => "com.amazonaws.sqs#UnsupportedOperation",
        }
    }

    /// The code of the query protocol, which clients of the JSON protocol get in a header.
    pub(super) fn query_code(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDenied",
            Self::BatchEntryIdsNotDistinct => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Self::BatchRequestTooLong => "AWS.SimpleQueueService.BatchRequestTooLong",
            Self::EmptyBatchRequest => "AWS.SimpleQueueService.EmptyBatchRequest",
            Self::IncompleteSignature => "IncompleteSignature",
            Self::InvalidAction => "InvalidAction",
            Self::InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            Self::InvalidParameterValue => "InvalidParameterValue",
            Self::MessageNotInflight => "AWS.SimpleQueueService.MessageNotInflight",
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::MissingParameter => "MissingParameter",
            Self::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            Self::QueueNameExists => "QueueAlreadyExists",
            Self::SignatureDoesNotMatch => "SignatureDoesNotMatch",
            Self::TooManyEntriesInBatchRequest => {
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
            }
            Self::UnsupportedOperation => "AWS.SimpleQueueService.UnsupportedOperation",
            kind => kind.shape().rsplit_once('#').map_or("", |(_, name)| name),
        }
    }
}
