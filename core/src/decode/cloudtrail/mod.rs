//! One CloudTrail record: evidence of an S3 deletion, a change of what protects objects, or nothing
//! to us, or refused with a reason. It sees one record at a time and knows neither files nor what
//! other records say.
//!
//! A bulk call is logged as one `DeleteObjects` record without keys and, since June 2025, one
//! `DeleteObject` record of `eventType` `AwsServiceEvent` for each key: a *child*.

mod caller;
mod callers;
mod circumstances;
mod creation;
mod outline;
mod place;
mod plain;
mod protection;
mod removed;
mod telling;
#[cfg(test)]
mod tests;
mod touch;

use compact_str::CompactString;
use memchr::memmem;

use self::circumstances::{Addendum, Circumstances};
use self::creation::{WRITES, creation_of};
use self::outline::{Field, Outline};
use self::place::bucket_of;
use self::plain::{Plain, plain_time};
use self::protection::{change_of, each_change_name, named_change};
use self::removed::Removed;
use self::telling::{may_tell, may_touch};
use self::touch::touch_of_any;
use super::lenient::{filled_text, text};
use super::log_key::LogPath;
use super::reject::RejectReason;
use super::structure::Marked;
use super::touch::Touch;
use crate::domain::{
    ActorKind, Api, Call, Cause, Evidence, Fact, Outcome, RemovalRole, Source, Timestamp,
};

/// Why a record was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: RejectReason,
    pub(super) detail: String,
}

impl Refusal {
    fn new(reason: RejectReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::new(RejectReason::InvalidJson, error.to_string())
    }
}

/// The call that a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Delete(Api),
    /// One of the names of `protection`.
    Change(&'static str),
    /// One of the names of `creation`.
    Write(&'static str),
}

impl Subject {
    const fn event_name(self) -> &'static str {
        match self {
            Self::Delete(api) => api.as_str(),
            Self::Change(name) | Self::Write(name) => name,
        }
    }
}

/// What is read out of a trail, beside changes of what protects objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Deletes.
    #[default]
    Deletes,
    /// Deletes, and the writes that made objects.
    DeletesAndWrites,
}

/// The reader of the records of one file. What it remembers of one record only saves work with the
/// next.
pub(super) struct Reader {
    path: LogPath,
    wanted: Wanted,
    plain: Plain,
}

impl Reader {
    /// A reader of records of the file at `path`, of deletes only.
    pub(super) fn of(path: LogPath) -> Self {
        Self { path, wanted: Wanted::Deletes, plain: Plain::new() }
    }

    /// What is to be read from now on.
    pub(super) const fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
    }

    /// Reads one element of the list of records. `None` is a record that tells of nothing that is
    /// wanted.
    ///
    /// # Errors
    /// When it may tell of one, but cannot be counted as one.
    pub(super) fn read(&mut self, record: Marked<'_>) -> Result<Option<Fact>, Refusal> {
        if !may_tell(record, self.wanted) {
            return Ok(None);
        }
        match self.plain.read(record, &self.path, self.wanted) {
            Some(fact) => Ok(Some(fact)),
            None => read_any(record.bytes, &self.path, self.wanted),
        }
    }

    /// What a record tells of a key that was read, or encrypted with a foreign key, if it does.
    pub(super) fn touch(&mut self, record: Marked<'_>) -> Option<Touch> {
        if !may_touch(record) {
            return None;
        }
        match self.plain.touch(record, &self.path) {
            Some((outcome, touch)) => (outcome == Outcome::Ok).then_some(touch),
            None => touch_of_any(record.bytes, &self.path),
        }
    }

    /// Says that no record follows.
    pub(super) fn finish(&mut self) {
        self.plain.leave_memory();
    }

    /// The `eventTime` of a record of any kind, when it is readable.
    pub(super) fn time_of(record: Marked<'_>) -> Option<Timestamp> {
        plain_time(record).or_else(|| {
            let outline = Outline::read(std::str::from_utf8(record.bytes).ok()?).ok()?;
            Timestamp::parse(text(&outline.value(Field::EventTime).ok()?)?).ok()
        })
    }
}

/// Reads a record that came alone.
///
/// # Errors
/// As [`Reader::read`], and when it is no JSON object.
pub(super) fn read_record(record: &[u8], path: &LogPath) -> Result<Option<Fact>, Refusal> {
    if record.first() != Some(&b'{') {
        return Err(no_object());
    }
    read_any(record, path, Wanted::Deletes)
}

/// Why an element of the list of records is refused that is no object.
pub(super) fn no_object() -> Refusal {
    let detail = "an element of the list of records is no JSON object";
    Refusal::new(RejectReason::NotAnObject, detail)
}

/// Reads a record in whatever way it is written.
fn read_any(record: &[u8], path: &LogPath, wanted: Wanted) -> Result<Option<Fact>, Refusal> {
    let Ok(text) = std::str::from_utf8(record) else {
        return refuse_text(record, wanted);
    };
    let outline = Outline::read(text)?;
    match subject_of(&outline, record, wanted)? {
        Some((_, Subject::Delete(api))) => {
            evidence_of(&outline, api, record, path).map(|evidence| Some(Fact::Deletion(evidence)))
        }
        Some((service, Subject::Change(name))) => {
            let change = change_of(&outline, &service, name, record, path)?;
            Ok(change.map(|change| Fact::Protection(Box::new(change))))
        }
        Some((_, Subject::Write(name))) => {
            Ok(creation_of(&outline, name, record, path)?.map(Fact::Creation))
        }
        None => Ok(None),
    }
}

/// A record that is no UTF-8 is refused if it matters, as far as it can be read.
fn refuse_text(record: &[u8], wanted: Wanted) -> Result<Option<Fact>, Refusal> {
    let readable = String::from_utf8_lossy(record);
    let subject = Outline::read(&readable).map(|outline| subject_of(&outline, record, wanted));
    let what = match subject {
        Ok(Ok(None)) => return Ok(None),
        Ok(Ok(Some((_, subject)))) => subject.event_name(),
        _ => "delete",
    };
    let detail = format!("a {what} record holds bytes that are no UTF-8");
    Err(Refusal::new(RejectReason::InvalidUtf8, detail))
}

/// Which call the record is about, and of which service; `None` when it is of no interest.
fn subject_of(
    outline: &Outline<'_>,
    record: &[u8],
    wanted: Wanted,
) -> Result<Option<(String, Subject)>, Refusal> {
    let source = outline.value(Field::EventSource).unwrap_or_default();
    let name = outline.value(Field::EventName).unwrap_or_default();
    let source = filled_text(&source);
    let service = source.and_then(service_of);
    let is_s3 = service.is_some_and(is_s3);
    match text(&name) {
        Some(name) if source.is_none() => match delete_api(name)
            .map(Api::as_str)
            .or_else(|| each_change_name().find(|change| *change == name))
        {
            Some(name) => Err(Refusal::new(
                RejectReason::WrongType,
                format!("a {name} record whose eventSource is missing or no text"),
            )),
            None => Ok(None),
        },
        Some(name) => Ok(service.and_then(|service| {
            let delete = delete_api(name).filter(|_| is_s3).map(Subject::Delete);
            let subject = delete
                .or_else(|| named_change(service, name).map(Subject::Change))
                .or_else(|| write_name(name, wanted).filter(|_| is_s3).map(Subject::Write))?;
            Some((service.to_owned(), subject))
        })),
        None if is_s3 && !name.is_null() && memmem::find(record, b"\"DeleteObject").is_some() => {
            Err(Refusal::new(
                RejectReason::WrongType,
                "an S3 record that speaks of DeleteObject and whose eventName is no text",
            ))
        }
        None => Ok(None),
    }
}

fn delete_api(event_name: &str) -> Option<Api> {
    match event_name {
        "DeleteObject" => Some(Api::DeleteObject),
        "DeleteObjects" => Some(Api::DeleteObjects),
        _ => None,
    }
}

fn write_name(event_name: &str, wanted: Wanted) -> Option<&'static str> {
    let mut writes = WRITES.into_iter().filter(|_| wanted == Wanted::DeletesAndWrites);
    writes.find(|name| *name == event_name)
}

/// A version that has an id of its own; the null version has none.
fn is_version(version_id: &str) -> bool {
    version_id != "null"
}

/// `s3`, `s3express`, `s3-outposts`, and whatever else S3 may call a part of itself, `cloudtrail`
/// and so on; in China with `.cn` behind it.
fn service_of(source: &str) -> Option<&str> {
    let source = source.trim();
    source.strip_suffix(".cn").unwrap_or(source).strip_suffix(".amazonaws.com")
}

/// S3 itself, or a part of it.
fn is_s3(service: &str) -> bool {
    service.starts_with("s3")
}

fn evidence_of(
    outline: &Outline<'_>,
    api: Api,
    record: &[u8],
    path: &LogPath,
) -> Result<Box<Evidence>, Refusal> {
    let circumstances = Circumstances::of(outline, record, path)?;
    let request = outline.value(Field::RequestParameters)?;
    let resources = outline.readable(Field::Resources);
    let bucket = bucket_of(&request, &resources, &outline.readable(Field::ServiceEventDetails))
        .ok_or_else(|| Refusal::new(RejectReason::MissingBucket, "no bucket is named anywhere"))?;

    let is_child = filled_text(&outline.value(Field::EventType)?) == Some("AwsServiceEvent");
    let told = Told { api, is_child, bucket: bucket.into(), circumstances };
    Ok(told.evidence(|role| match api {
        Api::DeleteObject => Removed::read(role, outline, &request, &resources),
        Api::DeleteObjects => Removed::unknown(),
    }))
}

/// What a delete record says, but for what it removed.
struct Told {
    api: Api,
    is_child: bool,
    bucket: CompactString,
    circumstances: Circumstances,
}

impl Told {
    /// The evidence that it is; `removed` says what a record in this role removed.
    fn evidence(self, removed: impl FnOnce(RemovalRole) -> Removed) -> Box<Evidence> {
        let Self { api, is_child, bucket, circumstances } = self;
        let outcome =
            Outcome::from_error(circumstances.error_code.as_deref(), circumstances.http_status);
        let (role, call) = match &circumstances.addendum {
            Some(_) => (RemovalRole::None, None),
            None => role_and_call(api, is_child, outcome),
        };
        let removed = removed(role);
        let is_lifecycle = circumstances.actor.kind() == ActorKind::Lifecycle;
        let (request_id, amends_event_id) = match circumstances.addendum {
            Some(Addendum { event_id, request_id }) => (
                request_id.map(Into::into).or(circumstances.request_id),
                event_id.or_else(|| circumstances.event_id.clone()),
            ),
            None => (circumstances.request_id, None),
        };
        Box::new(Evidence {
            id: circumstances.id,
            source: Source::CloudTrail,
            call,
            role,
            bucket,
            key: removed.key,
            target: removed.target,
            mark: removed.mark,
            cause: if is_lifecycle { Cause::Lifecycle } else { Cause::Api },
            request_id,
            event_id: circumstances.event_id,
            shared_event_id: circumstances.shared_event_id,
            amends_event_id,
            account: circumstances.account,
            region: circumstances.region,
            at: circumstances.at,
            started_at: circumstances.started_at,
            ended_at: circumstances.ended_at,
            total_millis: None,
            sequencer: None,
            http_status: circumstances.http_status,
            error_code: circumstances.error_code,
            marker_version_id: removed.marker_version_id,
            actor: circumstances.actor,
        })
    }
}

/// What a record counts as. A refused call or key is no removal; a child is no request.
fn role_and_call(api: Api, is_child: bool, outcome: Outcome) -> (RemovalRole, Option<Call>) {
    let role = match (api, outcome) {
        (Api::DeleteObjects, _) | (_, Outcome::Failed | Outcome::Denied) => RemovalRole::None,
        (Api::DeleteObject, Outcome::Ok) if is_child => RemovalRole::Child,
        (Api::DeleteObject, Outcome::Ok) => RemovalRole::Claim,
    };
    let is_request = api == Api::DeleteObjects || !is_child;
    (role, is_request.then_some(Call { api, outcome }))
}
