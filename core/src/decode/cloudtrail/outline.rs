//! The top level of a CloudTrail record: the text of each member that matters, unread. Whatever
//! else the record holds is only passed over, so that an odd number or a deep nest elsewhere does
//! no harm.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// A member with more bytes counts as missing: AWS leaves out members of more than 100 KB itself,
/// and held values take many times the memory of their text.
pub(super) const MEMBER_BYTES_MAX: usize = 100 * 1024;

/// A member of a record that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
pub(super) enum Field {
    EventVersion,
    EventSource,
    EventName,
    EventType,
    EventTime,
    #[serde(rename = "eventID")]
    EventId,
    #[serde(rename = "requestID")]
    RequestId,
    #[serde(rename = "sharedEventID")]
    SharedEventId,
    RecipientAccountId,
    AwsRegion,
    ErrorCode,
    #[serde(rename = "sourceIPAddress")]
    SourceIpAddress,
    UserAgent,
    UserIdentity,
    SessionCredentialFromConsole,
    RequestParameters,
    ResponseElements,
    AdditionalEventData,
    ServiceEventDetails,
    Resources,
    Addendum,
    #[serde(other)]
    Other,
}

/// The members of one record. Of a repeated key the last counts, as everywhere in JSON readers.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    members: [Option<&'a RawValue>; Field::Other as usize],
}

impl<'a> Outline<'a> {
    /// Reads a record, which must be a JSON object.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn read(record: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(record)
    }

    /// The value of a member, `null` when it is missing or far larger than AWS makes it.
    ///
    /// # Errors
    /// When its text is no JSON that can be held: half of a surrogate pair, a number out of range,
    /// a nest of more than 128 levels.
    pub(super) fn value(&self, field: Field) -> Result<Value, serde_json::Error> {
        match self.members.get(field as usize).copied().flatten() {
            Some(member) if member.get().len() <= MEMBER_BYTES_MAX => {
                serde_json::from_str(member.get())
            }
            _ => Ok(Value::Null),
        }
    }
}

impl Outline<'_> {
    /// [`Outline::value`], where what cannot be held counts as missing: for members without which
    /// a delete can still be counted.
    pub(super) fn readable(&self, field: Field) -> Value {
        self.value(field).unwrap_or_default()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Outline<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(|members| Self { members })
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = [Option<&'de RawValue>; Field::Other as usize];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudTrail record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = [None; Field::Other as usize];
        while let Some(field) = map.next_key::<Field>()? {
            match members.get_mut(field as usize) {
                Some(member) => *member = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(members)
    }
}
