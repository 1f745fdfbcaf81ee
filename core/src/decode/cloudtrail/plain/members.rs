//! The members of a plain record that matter, found in one walk. What they mean it does not know;
//! anything that could be read in two ways makes it give up.

use std::borrow::Cow;

use crate::decode::cloudtrail::outline::MEMBER_BYTES_MAX;
use crate::decode::lenient::capped;
use crate::decode::walker::{Scalar, Walker};
use crate::domain::Actor;

/// Digits of a number that fits into 64 bits whatever they are.
const DIGITS_MAX: usize = 18;

/// A member that is a text, if it was there; empty for `null` too.
type Told<'a> = Option<&'a str>;

/// The members of a record, each at most once.
#[derive(Default)]
pub(super) struct Members<'a> {
    pub(super) event_version: Told<'a>,
    pub(super) event_source: Told<'a>,
    pub(super) event_name: Told<'a>,
    pub(super) event_type: Told<'a>,
    pub(super) event_time: Told<'a>,
    pub(super) event_id: Told<'a>,
    pub(super) request_id: Told<'a>,
    pub(super) shared_event_id: Told<'a>,
    pub(super) account: Told<'a>,
    pub(super) region: Told<'a>,
    pub(super) error_code: Told<'a>,
    pub(super) source_ip: Told<'a>,
    pub(super) user_agent: Told<'a>,
    pub(super) is_console: bool,
    /// As it is written, and a walker in front of it.
    pub(super) identity: Option<(&'a str, Walker<'a>)>,
    pub(super) parameters: Parameters<'a>,
    pub(super) answer: Answer<'a>,
    pub(super) additional: Additional,
}

/// `requestParameters`.
#[derive(Default)]
pub(super) struct Parameters<'a> {
    pub(super) bucket_name: Told<'a>,
    pub(super) key: Option<Cow<'a, str>>,
    pub(super) version_id: Told<'a>,
}

/// `responseElements`.
#[derive(Default)]
pub(super) struct Answer<'a> {
    pub(super) is_marker: bool,
    pub(super) version_id: Told<'a>,
}

/// `additionalEventData`.
#[derive(Default)]
pub(super) struct Additional {
    pub(super) started_at: Option<u64>,
    pub(super) ended_at: Option<u64>,
    pub(super) http_status: Option<u64>,
}

/// Members that hold others, or are no text, and must not come twice.
#[derive(Clone, Copy)]
enum Nested {
    Console,
    Parameters,
    Answer,
    Additional,
}

impl<'a> Members<'a> {
    /// Reads a whole record.
    pub(super) fn read(mut walker: Walker<'a>) -> Option<Self> {
        let mut members = Self::default();
        let mut seen = [false; 4];
        walker.object(|walker, name| {
            let slot = match name {
                "eventVersion" => &mut members.event_version,
                "eventSource" => &mut members.event_source,
                "eventName" => &mut members.event_name,
                "eventType" => &mut members.event_type,
                "eventTime" => &mut members.event_time,
                "eventID" => &mut members.event_id,
                "requestID" => &mut members.request_id,
                "sharedEventID" => &mut members.shared_event_id,
                "recipientAccountId" => &mut members.account,
                "awsRegion" => &mut members.region,
                "errorCode" => &mut members.error_code,
                "sourceIPAddress" => &mut members.source_ip,
                "userAgent" => &mut members.user_agent,
                _ => return members.read_nested(name, walker, &mut seen),
            };
            read_text(walker, slot)
        })?;
        walker.is_at_end().then_some(members)
    }

    fn read_nested(
        &mut self,
        name: &str,
        walker: &mut Walker<'a>,
        seen: &mut [bool; 4],
    ) -> Option<()> {
        let nested = match name {
            "userIdentity" => return self.read_identity(walker),
            "sessionCredentialFromConsole" => Nested::Console,
            "requestParameters" => Nested::Parameters,
            "responseElements" => Nested::Answer,
            "additionalEventData" => Nested::Additional,
            "serviceEventDetails" | "addendum" => {
                return (walker.scalar()? == Scalar::Null).then_some(());
            }
            _ => return walker.skip().map(drop),
        };
        if std::mem::replace(&mut seen[nested as usize], true) {
            return None;
        }
        let is_short = |from: &Walker<'_>, to: &Walker<'_>| to.behind(from) <= MEMBER_BYTES_MAX;
        let from = *walker;
        match nested {
            Nested::Console => self.is_console = read_flag(walker)?,
            Nested::Parameters => self.parameters = Parameters::read(walker)?,
            Nested::Answer => self.answer = Answer::read(walker)?,
            Nested::Additional => self.additional = Additional::read(walker)?,
        }
        is_short(&from, walker).then_some(())
    }

    fn read_identity(&mut self, walker: &mut Walker<'a>) -> Option<()> {
        let before = *walker;
        let written = walker.skip()?;
        let is_first = self.identity.replace((written, before)).is_none();
        (is_first && written.len() <= MEMBER_BYTES_MAX).then_some(())
    }
}

impl<'a> Parameters<'a> {
    fn read(walker: &mut Walker<'a>) -> Option<Self> {
        let mut parameters = Self::default();
        walker.object(|walker, name| match name {
            "bucketName" => read_text(walker, &mut parameters.bucket_name),
            "key" => {
                let is_first = parameters.key.replace(walker.escaped_text()?).is_none();
                is_first.then_some(())
            }
            "versionId" => read_text(walker, &mut parameters.version_id),
            // Outposts' spelling.
            "Key" | "VersionId" => None,
            _ => walker.pass(),
        })?;
        Some(parameters)
    }
}

impl<'a> Answer<'a> {
    fn read(walker: &mut Walker<'a>) -> Option<Self> {
        let mut answer = Self::default();
        let mut is_marker = None;
        walker.object_or_null(|walker, name| match name {
            "x-amz-delete-marker" => is_marker.replace(read_flag(walker)?).is_none().then_some(()),
            "x-amz-version-id" => read_text(walker, &mut answer.version_id),
            _ => walker.pass(),
        })?;
        answer.is_marker = is_marker == Some(true);
        Some(answer)
    }
}

impl Additional {
    fn read(walker: &mut Walker<'_>) -> Option<Self> {
        let mut additional = Self::default();
        walker.object_or_null(|walker, name| {
            let slot = match name {
                "startTime" => &mut additional.started_at,
                "endTime" => &mut additional.ended_at,
                "httpStatusCode" => &mut additional.http_status,
                _ => return walker.pass(),
            };
            slot.replace(read_number(walker)?).is_none().then_some(())
        })?;
        Some(additional)
    }
}

/// Who it is that the walker stands in front of.
pub(super) fn identity(mut walker: Walker<'_>) -> Option<Actor> {
    let mut told: [Told<'_>; 7] = [None; 7];
    let mut issuer: Told<'_> = None;
    walker.object_or_null(|walker, name| {
        let place = match name {
            "arn" => 0,
            "type" => 1,
            "principalId" => 2,
            "accountId" => 3,
            "userName" => 4,
            "accessKeyId" => 5,
            "invokedBy" => 6,
            "sessionContext" => return read_issuer(walker, &mut issuer),
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

fn filled(told: Told<'_>) -> Option<String> {
    told.filter(|text| !text.is_empty()).map(capped)
}

fn read_issuer<'a>(walker: &mut Walker<'a>, arn: &mut Told<'a>) -> Option<()> {
    let mut has_issuer = false;
    walker.object_or_null(|walker, name| {
        if name != "sessionIssuer" {
            return walker.pass();
        }
        if std::mem::replace(&mut has_issuer, true) {
            return None;
        }
        walker.object_or_null(|walker, name| match name {
            "arn" => read_text(walker, arn),
            _ => walker.pass(),
        })
    })
}

/// A text, `null` or an empty one into a slot that nothing was read into.
fn read_text<'a>(walker: &mut Walker<'a>, slot: &mut Told<'a>) -> Option<()> {
    let from = *walker;
    let text = match walker.scalar()? {
        Scalar::Text(text) => text,
        Scalar::Null => "",
        Scalar::Number(_) | Scalar::Bool(_) => return None,
    };
    let is_first = slot.replace(text).is_none();
    (is_first && walker.behind(&from) <= MEMBER_BYTES_MAX).then_some(())
}

/// `true` or `false`, also as a text.
fn read_flag(walker: &mut Walker<'_>) -> Option<bool> {
    match walker.scalar()? {
        Scalar::Bool(flag) => Some(flag),
        Scalar::Text(text) => Some(text.eq_ignore_ascii_case("true")),
        Scalar::Number(_) | Scalar::Null => None,
    }
}

/// A whole number of few digits, also as a text.
fn read_number(walker: &mut Walker<'_>) -> Option<u64> {
    let digits = match walker.scalar()? {
        Scalar::Number(text) | Scalar::Text(text) => text,
        Scalar::Bool(_) | Scalar::Null => return None,
    };
    let is_whole = digits.len() <= DIGITS_MAX && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| digits.parse().ok()).flatten()
}
