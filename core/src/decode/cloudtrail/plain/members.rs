//! The members of a plain record that matter, found in one walk. What they mean it does not know;
//! anything that could be read in two ways makes it give up.

use crate::decode::cloudtrail::outline::MEMBER_BYTES_MAX;
use crate::decode::lenient::capped;
use crate::decode::walker::{Scalar, Span, Walker};
use crate::domain::Actor;

/// A member that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    EventVersion,
    EventSource,
    EventName,
    EventType,
    EventTime,
    EventId,
    RequestId,
    SharedEventId,
    Account,
    Region,
    ErrorCode,
    SourceIp,
    UserAgent,
    /// `sessionCredentialFromConsole`.
    Console,
    /// All of `userIdentity`, with its braces.
    Identity,
    BucketName,
    /// May hold escapes.
    Key,
    VersionId,
    /// `x-amz-delete-marker`.
    Marker,
    /// `x-amz-version-id` of the answer.
    MadeVersion,
    StartedAt,
    EndedAt,
    HttpStatus,
}

/// How many there are.
pub(super) const FIELDS: usize = Field::HttpStatus as usize + 1;

/// Objects that are looked into. They must not come twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nest {
    Parameters,
    Answer,
    Additional,
}

/// Where the members of one record are, each at most once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Members<'a> {
    record: Walker<'a>,
    pub(super) spans: [Option<Span>; FIELDS],
}

impl<'a> Members<'a> {
    /// None of them yet, of the record that this walker stands in front of.
    pub(super) const fn none(record: Walker<'a>) -> Self {
        Self { record, spans: [None; FIELDS] }
    }

    /// Reads a whole record.
    pub(super) fn read(record: Walker<'a>) -> Option<Self> {
        let mut members = Self::none(record);
        let mut nests = [false; 3];
        let mut walker = record;
        walker.object(|walker, name| {
            let field = match name {
                "eventVersion" => Field::EventVersion,
                "eventSource" => Field::EventSource,
                "eventName" => Field::EventName,
                "eventType" => Field::EventType,
                "eventTime" => Field::EventTime,
                "eventID" => Field::EventId,
                "requestID" => Field::RequestId,
                "sharedEventID" => Field::SharedEventId,
                "recipientAccountId" => Field::Account,
                "awsRegion" => Field::Region,
                "errorCode" => Field::ErrorCode,
                "sourceIPAddress" => Field::SourceIp,
                "userAgent" => Field::UserAgent,
                "sessionCredentialFromConsole" => return members.read_flag(Field::Console, walker),
                "userIdentity" => return members.read_identity(walker),
                "requestParameters" => return members.enter(Nest::Parameters, &mut nests, walker),
                "responseElements" => return members.enter(Nest::Answer, &mut nests, walker),
                "additionalEventData" => {
                    return members.enter(Nest::Additional, &mut nests, walker);
                }
                "serviceEventDetails" | "addendum" => {
                    return (walker.scalar()? == Scalar::Null).then_some(());
                }
                _ => return walker.skip(),
            };
            members.read_text(field, walker)
        })?;
        walker.is_at_end().then_some(members)
    }

    /// What a member says, empty for `null` too; `None` when it is not there.
    pub(super) fn get(&self, field: Field) -> Option<&'a str> {
        self.record.between(self.spans[field as usize]?)
    }

    /// What a member says, unless that is nothing.
    pub(super) fn filled(&self, field: Field) -> Option<&'a str> {
        self.get(field).filter(|text| !text.is_empty())
    }

    /// Who it was, as far as `userIdentity` says.
    pub(super) fn caller(&self) -> Option<Actor> {
        identity(self.record.at_start_of(self.spans[Field::Identity as usize]?))
    }

    fn enter(&mut self, nest: Nest, nests: &mut [bool; 3], walker: &mut Walker<'a>) -> Option<()> {
        let is_first = !std::mem::replace(&mut nests[nest as usize], true);
        let from = *walker;
        match nest {
            Nest::Parameters => walker.object(|walker, name| match name {
                "bucketName" => self.read_text(Field::BucketName, walker),
                "key" => self.read_escaped(Field::Key, walker),
                "versionId" => self.read_text(Field::VersionId, walker),
                // Outposts' spelling.
                "Key" | "VersionId" => None,
                _ => walker.pass(),
            }),
            Nest::Answer => walker.object_or_null(|walker, name| match name {
                "x-amz-delete-marker" => self.read_flag(Field::Marker, walker),
                "x-amz-version-id" => self.read_text(Field::MadeVersion, walker),
                _ => walker.pass(),
            }),
            Nest::Additional => walker.object_or_null(|walker, name| match name {
                "startTime" => self.read_number(Field::StartedAt, walker),
                "endTime" => self.read_number(Field::EndedAt, walker),
                "httpStatusCode" => self.read_number(Field::HttpStatus, walker),
                _ => walker.pass(),
            }),
        }?;
        (is_first && walker.since(&from).length() <= MEMBER_BYTES_MAX).then_some(())
    }

    fn read_identity(&mut self, walker: &mut Walker<'a>) -> Option<()> {
        let from = *walker;
        walker.skip()?;
        self.put(Field::Identity, walker.since(&from))
    }

    /// A text, or `null`.
    fn read_text(&mut self, field: Field, walker: &mut Walker<'a>) -> Option<()> {
        self.read_scalar(field, walker, |scalar| matches!(scalar, Scalar::Text(_) | Scalar::Null))
    }

    /// `true` or `false`, also as a text.
    fn read_flag(&mut self, field: Field, walker: &mut Walker<'a>) -> Option<()> {
        self.read_scalar(field, walker, |scalar| {
            matches!(scalar, Scalar::Text(_) | Scalar::Bool(_))
        })
    }

    /// A number, also as a text.
    fn read_number(&mut self, field: Field, walker: &mut Walker<'a>) -> Option<()> {
        self.read_scalar(field, walker, |scalar| {
            matches!(scalar, Scalar::Text(_) | Scalar::Number(_))
        })
    }

    fn read_scalar(
        &mut self,
        field: Field,
        walker: &mut Walker<'a>,
        may_be: impl FnOnce(&Scalar<'_>) -> bool,
    ) -> Option<()> {
        let from = *walker;
        let scalar = walker.scalar().filter(may_be)?;
        let written = walker.since(&from);
        let span = match scalar {
            Scalar::Text(_) => written.within_quotes(),
            Scalar::Null => written.emptied(),
            Scalar::Number(_) | Scalar::Bool(_) => written,
        };
        self.put(field, span)
    }

    /// A text that may hold escapes.
    fn read_escaped(&mut self, field: Field, walker: &mut Walker<'a>) -> Option<()> {
        let from = *walker;
        walker.escaped_text()?;
        self.put(field, walker.since(&from).within_quotes())
    }

    fn put(&mut self, field: Field, span: Span) -> Option<()> {
        let is_first = self.spans[field as usize].replace(span).is_none();
        (is_first && span.length() <= MEMBER_BYTES_MAX).then_some(())
    }
}

/// Who it is that the walker stands in front of.
fn identity(mut walker: Walker<'_>) -> Option<Actor> {
    let mut told: [Option<&str>; 7] = [None; 7];
    let mut issuer = None;
    let mut has_session = false;
    walker.object_or_null(|walker, name| {
        let place = match name {
            "arn" => 0,
            "type" => 1,
            "principalId" => 2,
            "accountId" => 3,
            "userName" => 4,
            "accessKeyId" => 5,
            "invokedBy" => 6,
            "sessionContext" => {
                let is_first = !std::mem::replace(&mut has_session, true);
                return read_issuer(walker, &mut issuer).filter(|()| is_first);
            }
            _ => return walker.pass(),
        };
        read_text(walker, &mut told[place])
    })?;
    let [arn, identity_type, principal_id, account_id, user_name, access_key_id, invoked_by] =
        told.map(filled);
    Some(Actor {
        arn,
        identity_type,
        principal_id,
        account_id,
        user_name,
        access_key_id,
        session_issuer_arn: filled(issuer),
        invoked_by,
        ..Actor::default()
    })
}

fn read_issuer<'a>(walker: &mut Walker<'a>, arn: &mut Option<&'a str>) -> Option<()> {
    let mut has_issuer = false;
    walker.object_or_null(|walker, name| {
        if name != "sessionIssuer" {
            return walker.pass();
        }
        let is_first = !std::mem::replace(&mut has_issuer, true);
        walker.object_or_null(|walker, name| match name {
            "arn" => read_text(walker, arn),
            _ => walker.pass(),
        })?;
        is_first.then_some(())
    })
}

/// A text, or `null`, where nothing was read before.
fn read_text<'a>(walker: &mut Walker<'a>, told: &mut Option<&'a str>) -> Option<()> {
    let text = match walker.scalar()? {
        Scalar::Text(text) => text,
        Scalar::Null => "",
        Scalar::Number(_) | Scalar::Bool(_) => return None,
    };
    told.replace(text).is_none().then_some(())
}

fn filled(told: Option<&str>) -> Option<String> {
    told.filter(|text| !text.is_empty()).map(capped)
}
