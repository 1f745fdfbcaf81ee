//! The top level of a message body: the text of each member that tells the envelopes apart, unread.
//! Whatever else a body holds is only passed over, so that it costs no memory and does no harm.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::EnvelopeError;

/// The members of a body that is a JSON object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Body<'a> {
    /// S3's own container, and that of its test message.
    #[serde(rename = "Records", borrow)]
    pub(super) records: Option<&'a RawValue>,
    #[serde(rename = "Event", borrow)]
    pub(super) event: Option<&'a RawValue>,
    /// SNS.
    #[serde(rename = "Type", borrow)]
    pub(super) message_type: Option<&'a RawValue>,
    #[serde(rename = "Message", borrow)]
    pub(super) message: Option<&'a RawValue>,
    /// EventBridge.
    #[serde(borrow)]
    pub(super) source: Option<&'a RawValue>,
    #[serde(rename = "detail-type", borrow)]
    pub(super) detail_type: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) account: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) region: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) time: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) detail: Option<&'a RawValue>,
    /// CloudTrail's notifications about its files.
    #[serde(rename = "s3Bucket", borrow)]
    pub(super) log_bucket: Option<&'a RawValue>,
    #[serde(rename = "s3ObjectKey", borrow)]
    pub(super) log_keys: Option<&'a RawValue>,
    /// This product's own messages.
    #[serde(borrow)]
    pub(super) deltrail: Option<&'a RawValue>,
}

impl<'a> Body<'a> {
    /// Reads the members.
    ///
    /// # Errors
    /// When the text is no JSON, or JSON of no known kind.
    pub(super) fn read(text: &'a str) -> Result<Self, EnvelopeError> {
        // A derived reader would take a list for the struct as well.
        if !text.starts_with('{') {
            return Err(match serde_json::from_str::<IgnoredAny>(text) {
                Ok(_) => EnvelopeError::unknown(text),
                Err(error) => EnvelopeError::not_json(text, &error),
            });
        }
        serde_json::from_str(text).map_err(|error| match error.classify() {
            Category::Data => EnvelopeError::unknown(text),
            Category::Syntax | Category::Eof | Category::Io => {
                EnvelopeError::not_json(text, &error)
            }
        })
    }
}

/// The text of a member; `None` when it is missing, empty or no text.
pub(super) fn text(member: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(member?.get()).ok().filter(|text: &String| !text.is_empty())
}

/// The elements of a member that is a list, unread: an odd one must not harm its neighbours.
pub(super) fn elements(member: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(member.get()).ok()
}
